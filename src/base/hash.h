// The hash table: numbers to numbers. Texts are looked up through it too (base/string_index.h).
#ifndef ABL_BASE_HASH_H
#define ABL_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What no key may be: it marks a free slot.
#define HASH_FREE UINT64_MAX

struct hash_slot {
    uint64_t key, value;
};

// Open addressing: a key lies in the first slot that was free from its place on, and at most half
// of the slots are in use. Zero-initialise to start. Nothing is ever taken out.
struct hash {
    struct hash_slot *slots;
    size_t n, cap; // cap is a power of two, or 0
};

// Two small numbers as one key; not HASH_FREE unless both are UINT32_MAX.
static inline uint64_t hash_pair(uint32_t a, uint32_t b)
{
    return (uint64_t)a << 32 | b;
}

// The slot of a key, or the free one where it would go. cap > 0. Here so that it is inlined: a
// tokenizer asks once for each pair of letters.
static inline struct hash_slot *hash_slot(const struct hash *h, uint64_t key)
{
    size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 32) & (h->cap - 1);
    while (h->slots[at].key != key && h->slots[at].key != HASH_FREE)
        at = (at + 1) & (h->cap - 1);
    return &h->slots[at];
}

// The number under a key; NULL where the key is unknown.
static inline const uint64_t *hash_find(const struct hash *h, uint64_t key)
{
    const struct hash_slot *slot = h->cap ? hash_slot(h, key) : NULL;
    return slot && slot->key == key ? &slot->value : NULL;
}

// The number kept under a key: `value` where the key is new, else what it was. NULL when memory is
// out. The pointer is good until the next put.
uint64_t *hash_put(struct hash *h, uint64_t key, uint64_t value);

// Room for n keys in all: no put fails until there are more. False when memory is out.
bool hash_reserve(struct hash *h, size_t n);

// Forget all keys. A table that was hardly used gives its memory back, so that emptying it again
// and again does not cost what its fullest time would.
void hash_clear(struct hash *h);

void hash_release(struct hash *h);

#endif
