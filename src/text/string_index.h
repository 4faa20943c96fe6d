// Strings to numbers: the vocabulary, cluster numbers, and "has this text been seen before?".
#ifndef ABL_TEXT_STRING_INDEX_H
#define ABL_TEXT_STRING_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct string_slot;

// Open addressing over borrowed strings, which must outlive the index. Zero-initialise the struct
// to start.
struct string_index {
    struct string_slot *slots;
    size_t n, cap; // cap is a power of two, or 0
};

// The number kept under text[0..len): `value` where the text is new, else what it was. NULL when
// memory is out. The pointer is good until the next put.
uint32_t *string_index_put(struct string_index *x, const char *text, size_t len, uint32_t value);

// The same without adding: NULL where the text is unknown.
const uint32_t *string_index_find(const struct string_index *x, const char *text, size_t len);

void string_index_release(struct string_index *x);

#endif
