// Added tokens as the `tokenizers` library keeps them: what a token comes to that is added more
// than once, or that the vocabulary has already. Ids that files give do not count there: a token
// that the vocabulary lacks gets the next one.
#ifndef ABL_TEXT_ADDED_VOCABULARY_H
#define ABL_TEXT_ADDED_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/string_index.h"
#include "text/added.h"

struct known_token;

struct added_vocabulary {
    const struct string_index *model; // ids of the model's vocabulary, by text; borrowed
    size_t n_model;                   // its tokens
    struct known_token *known;        // malloc'd; as first added
    size_t n, cap;
    uint32_t n_goes;            // calls of added_vocabulary_add
    uint32_t n_turns;           // tokens that became special, or were added as others
    struct string_index places; // in `known`, by text
    uint32_t next_id;
    bool latest; // a token is looked for in the pass that its latest flags say
};

// None yet. Released by added_vocabulary_release.
void added_vocabulary_init(struct added_vocabulary *v, const struct string_index *model,
                           size_t n_model, bool latest);
void added_vocabulary_release(struct added_vocabulary *v);

// Add tokens in one go; texts are borrowed, ids are not looked at. Of a token that is added again
// the later flags count. Unless `latest`, a special one stays in the pass that it was first looked
// for in, and another is looked for in both. Nor does a token become again in one go, unless
// `latest`, what it was at the start or on the way.
bool added_vocabulary_add(struct added_vocabulary *v, const struct added_token *tokens, size_t n,
                          struct abl_err *err);

// Whether a text has been added.
bool added_vocabulary_has(const struct added_vocabulary *v, const char *text, size_t len);

// The outcome, malloc'd: an entry for each pass that a token is looked for in. Special ones come
// first, and all as they were added: of two that normalisation makes equal the first is found.
bool added_vocabulary_list(const struct added_vocabulary *v, struct added_token **out, size_t *n,
                           struct abl_err *err);

#endif
