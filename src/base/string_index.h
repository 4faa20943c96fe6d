// Strings to numbers: the vocabulary, cluster numbers, and "has this text been seen before?".
#ifndef ABL_BASE_STRING_INDEX_H
#define ABL_BASE_STRING_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"

struct string_entry;

// Zero-initialise the struct to start.
struct string_index {
    struct hash places; // of a text's hash in entries
    struct string_entry *entries;
    size_t n, cap;       // entries
    struct arena copies; // of texts that string_index_put_copy put
};

// The number kept under text[0..len): `value` where the text is new, else what it was. NULL when
// memory is out. The pointer is good until the next put. The text must outlive the index.
uint32_t *string_index_put(struct string_index *x, const char *text, size_t len, uint32_t value);
// The same for a text that need not: the index keeps a copy of a new one.
uint32_t *string_index_put_copy(struct string_index *x, const char *text, size_t len,
                                uint32_t value);

// The same without adding: NULL where the text is unknown.
const uint32_t *string_index_find(const struct string_index *x, const char *text, size_t len);

// Forget all texts, as hash_clear does.
void string_index_clear(struct string_index *x);

void string_index_release(struct string_index *x);

#endif
