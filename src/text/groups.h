// Rows by the values of a field of theirs (--by).
#ifndef ABL_TEXT_GROUPS_H
#define ABL_TEXT_GROUPS_H

#include <stdbool.h>

#include "base/err.h"
#include "text/prompt.h"

// Number the groups of p's rows, whose datasets were read with `by` as the field: in the order of
// the values' bytes. NULL: there are none. A row without a value is ABL_BAD_DATA.
bool groups_number(struct prompts *p, const char *by, struct abl_err *err);

#endif
