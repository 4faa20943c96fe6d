// Merging by scores, as SentencePiece does it (Kudo & Richardson 2018), written as ranked merges.
#ifndef ABL_TEXT_SCORES_H
#define ABL_TEXT_SCORES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "text/definition.h"

// What a token of such a vocabulary is, by the numbers that both tokenizer.model
// and GGUF files use.
enum piece_type {
    PIECE_NORMAL = 1,
    PIECE_UNKNOWN = 2,
    PIECE_CONTROL = 3,
    PIECE_USER_DEFINED = 4,
    PIECE_UNUSED = 5,
    PIECE_BYTE = 6,
};

struct scored_piece {
    struct json_text text; // data NULL: none, as another has its text
    struct json_text own;  // as the file has it
    double score;
    enum piece_type type;
};

struct scored_settings {
    bool add_prefix; // one U+2581 before a text
    bool byte_fallback;
    enum score_order order;
};

// Fill d's vocabulary (ids are places in the list), merges, added tokens and steps. d->path is set.
// A vocabulary without a place for what it lacks (no unknown piece and not every byte) is refused.
bool scores_define(struct definition *d, const struct scored_piece *pieces, size_t n,
                   const struct scored_settings *s, struct abl_err *err);

#endif
