// tinyLab's sequences, what its "metric_span" asks for: each row's clean prompt with the target
// behind it, and with the foil. All sequences of targets are filled up to the longest of them, all
// of foils to theirs, and the last k columns are scored, k being the answer's tokens encoded alone:
// in all but the longest these are padding.
//
//   row    clean "a b", target "x"; pad ".", longest 5
//   runs   "a b" or whatever the row runs, as ever;  "a b x ." for the fifth column, "."
//
// Every scored column has a prompt of its own, as whole answers have, behind the row's, and shares
// its beginning with them. Patches of every position take from who gives to the row.
#ifndef ABL_SESSION_TINYLAB_SEQUENCES_H
#define ABL_SESSION_TINYLAB_SEQUENCES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "session/whole_answers.h"
#include "text/prompts.h"
#include "text/tokenizer.h"

// rows: padded. Everything lies in the arena, the answers are beside the rows. Refuses
// (ABL_BAD_DATA) what has no tokens, or more than n_ctx (0 = no limit), or ids from n_vocab on.
bool tinylab_sequences_make(const struct prompts *rows, const struct tokenizer *t, uint32_t n_ctx,
                            uint32_t n_vocab, struct arena *a, struct whole_answers **out,
                            struct abl_err *err);

#endif
