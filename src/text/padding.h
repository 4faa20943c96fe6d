// Padding as tinyLab had it: every prompt as long as the longest, and read behind its padding.
#ifndef ABL_TEXT_PADDING_H
#define ABL_TEXT_PADDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "text/prompts.h"
#include "text/tokenizer.h"

// Fill the prompts up on the right to the longest of them, and the corrupt ones to the longest of
// theirs, with the tokenizer's padding token, which the model takes for a token like any other.
// p->pad and p->n_padded tell of it. Refuses (ABL_BAD_DATA) a tokenizer that has no such token and
// a vocabulary of n_vocab ids (0 = no limit) that lacks it.
bool prompts_pad(struct prompts *p, const struct tokenizer *t, uint32_t n_vocab,
                 struct abl_err *err);

#endif
