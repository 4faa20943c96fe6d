// The tokens that a row's answers are behind its prompt.
#ifndef ABL_TEXT_ANSWERS_H
#define ABL_TEXT_ANSWERS_H

#include <stdbool.h>

#include "base/answer_lists.h"
#include "base/arena.h"
#include "base/err.h"
#include "text/lint.h"
#include "text/rows.h"
#include "text/tokenizer.h"

struct answer_query {
    const struct tokenizer *tokenizer;
    const struct dataset_row *row;
    const struct token_ids *prompt; // its clean prompt's, without BOS
    bool whole;                     // answers of several tokens will do, one text each
    struct arena *arena;
    struct lint *lint;
};

struct answer {
    struct id_list firsts; // the texts' first tokens, each once; none where a text is unfit
    struct id_list tokens; // all tokens of the first text; none likewise
};

// Whether each text is one token behind the prompt.
bool answer_is_one(const struct answer_query *q, struct text_list texts);

// A text that is not one token behind the prompt, unless whole ones are asked for, is noted as
// `kind`; one that repeats another's token counts once, and is noted. Everything lies in the
// arena. False where memory is out or a whole answer would be a list (ABL_USAGE).
bool answer_find(const struct answer_query *q, struct text_list texts, enum lint_kind kind,
                 struct answer *out, struct abl_err *err);

#endif
