// What is wrong with a row's texts as texts: white space, encoding, near repetitions.
#ifndef ABL_TEXT_TEXT_CHECKS_H
#define ABL_TEXT_TEXT_CHECKS_H

#include <stdbool.h>

#include "base/err.h"
#include "text/lint.h"
#include "text/prompt.h"

bool text_checks_run(const struct prompts *p, struct lint *l, struct abl_err *err);

#endif
