// Added tokens: strings such as <|endoftext|> that are cut out of a text before anything else looks
// at it.
#ifndef ABL_TEXT_ADDED_H
#define ABL_TEXT_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

enum added_flags {
    ADDED_SPECIAL = 1 << 0,
    ADDED_SINGLE_WORD = 1 << 1, // only where no word character touches it
    ADDED_LSTRIP = 1 << 2,      // takes the white space before it along
    ADDED_RSTRIP = 1 << 3,      // and behind it
    ADDED_NORMALIZED = 1 << 4,  // looked for in normalised text, after the others
    ADDED_AS_IS = 1 << 5,       // its text is as it stands in normalised text
    ADDED_SPELT = 1 << 6,       // spelt like any text, though no other token is found in it
};

struct added_token {
    const char *text;
    size_t len;
    uint32_t id;
    unsigned flags;
};

// The tokens that are looked for in one pass, as a tree of their bytes: what a place of a text
// costs does not depend on how many there are.
struct added_set {
    struct added_token *tokens;
    size_t n;
    struct hash edges; // (node, byte): the node behind it; the root is node 0
    uint32_t *ends;    // (n_nodes): number of the token that ends there, or TOKEN_NONE
    size_t n_nodes, cap_nodes;
    const struct added_token *first, *second; // the first two ids with one text; NULL = none
};

// Copy those of tokens[0..n) whose ADDED_NORMALIZED flag equals `normalized`. Texts are borrowed,
// never empty.
bool added_set_init(struct added_set *set, const struct added_token *tokens, size_t n,
                    bool normalized, struct abl_err *err);
void added_set_release(struct added_set *set);

// A stretch of the text: an added token, or what lies between two (id TOKEN_NONE).
struct added_span {
    size_t begin, end;
    uint32_t id;
};

// Walks through a text; set, text and len are filled in by the caller, the rest starts as zero.
struct added_scan {
    const struct added_set *set;
    const char *text; // sound UTF-8
    size_t len;
    size_t at, done; // where to look next; up to where spans were given out
    struct added_span held;
    bool has_held;
};

// The next stretch; false at the end of the text.
bool added_next(struct added_scan *s, struct added_span *out);

#endif
