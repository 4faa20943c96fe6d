// What is wrong with a set's answers taken together: ways to score well without reading.
#ifndef ABL_TEXT_LABEL_CHECKS_H
#define ABL_TEXT_LABEL_CHECKS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "text/lint.h"
#include "text/prompt.h"

bool label_checks_run(const struct prompts *p, struct lint *l, struct abl_err *err);

// "a\0b\0c\0" into out: three texts of a row as one key. False when memory is out.
bool label_key(const char *a, const char *b, const char *c, struct buf *out);

#endif
