// Where a prompt ends and its answer begins.
#ifndef ABL_TEXT_SEAM_H
#define ABL_TEXT_SEAM_H

#include <stdbool.h>

#include "base/err.h"
#include "text/answers.h"

// The first of a row's answers whose letter or digit follows the prompt's own without a space; NULL
// where none does. Scripts without spaces between words have no such seam.
const char *seam_glued(const struct dataset_row *row);

// Give all answers of q's row that lack it their leading space, where one of them is glued to the
// prompt or not one token as it stands, and all are one token then (whole answers: whatever they
// are). q->row becomes a copy in its arena; noted, and *given says so. False where memory is out.
bool seam_give_space(struct answer_query *q, bool *given, struct abl_err *err);

#endif
