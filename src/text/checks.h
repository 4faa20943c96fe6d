// What the pre-flight check warns of: rows that can be run but may not mean what they seem to.
#ifndef ABL_TEXT_CHECKS_H
#define ABL_TEXT_CHECKS_H

#include <stdbool.h>

#include "base/err.h"
#include "text/lint.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

// Add the warnings about p's rows, whose clusters are numbered already. by_template: templates are
// the clusters.
bool checks_run(const struct prompts *p, const struct tokenizer *t, bool by_template,
                struct lint *l, struct abl_err *err);

#endif
