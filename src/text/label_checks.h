// What is wrong with a set's answers taken together: a way to score well without reading the
// prompts.
#ifndef ABL_TEXT_LABEL_CHECKS_H
#define ABL_TEXT_LABEL_CHECKS_H

#include <stdbool.h>

#include "base/err.h"
#include "text/lint.h"
#include "text/prompt.h"

bool label_checks_run(const struct prompts *p, struct lint *l, struct abl_err *err);

#endif
