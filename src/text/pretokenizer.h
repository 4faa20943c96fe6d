// Cutting a text into the pieces within which tokens merge. A pattern is one row of a table in pretokenizer.c.
#ifndef ABL_TEXT_PRETOKENIZER_H
#define ABL_TEXT_PRETOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

enum pretokenizer_pattern {
    PATTERN_UNSET,
    PATTERN_NONE, // the whole text is one piece
    PATTERN_GPT2,
};

// Immutable once made: any number of threads may use it.
struct pretokenizer {
    struct pcre2_real_code_8 *code; // NULL for PATTERN_NONE
    bool add_prefix_space;          // put " " before a text that does not begin with it
};

bool pretokenizer_init(struct pretokenizer *p, enum pretokenizer_pattern pattern,
                       bool add_prefix_space, struct abl_err *err);
void pretokenizer_release(struct pretokenizer *p);

struct piece {
    const char *text; // inside the text, or inside the walk's own copy
    size_t len;
};

// A walk over the pieces of one text; they cover all of it.
struct pieces {
    const struct pretokenizer *pretokenizer;
    const char *text;
    size_t len, at;
    size_t match_begin,
        match_end; // the last match; it lies ahead of `at` where text before it matched nothing
    struct pcre2_real_match_data_8 *match;
    char *copy;  // of the text with its prefix space
    int failure; // PCRE2's error number
};

// text[0..len) is sound UTF-8, not empty, and outlives the walk.
bool pieces_open(struct pieces *w, const struct pretokenizer *p, const char *text, size_t len,
                 struct abl_err *err);

// The next piece; false at the end or after a failure, which pieces_close tells apart.
bool pieces_next(struct pieces *w, struct piece *out);

// Free the walk; false if it ended early.
bool pieces_close(struct pieces *w, struct abl_err *err);

#endif
