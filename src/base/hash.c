#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { LEAST_SLOTS = 16 };

static void free_all_slots(struct hash *h)
{
    memset(h->slots, 0xff, h->cap * sizeof *h->slots); // HASH_FREE
    h->n = 0;
}

static bool grow(struct hash *h, size_t cap)
{
    struct hash bigger = { .cap = cap };
    size_t bytes;
    if (!size_mul(cap, sizeof *bigger.slots, &bytes))
        return false;
    bigger.slots = malloc(bytes);
    if (!bigger.slots)
        return false;
    free_all_slots(&bigger);
    for (size_t i = 0; i < h->cap; i++)
        if (h->slots[i].key != HASH_FREE)
            *hash_slot(&bigger, h->slots[i].key) = h->slots[i];
    bigger.n = h->n;
    free(h->slots);
    *h = bigger;
    return true;
}

bool hash_reserve(struct hash *h, size_t n)
{
    size_t cap = h->cap ? h->cap : LEAST_SLOTS;
    while (cap / 2 < n)
        if (!size_mul(cap, 2, &cap))
            return false;
    return cap == h->cap || grow(h, cap);
}

uint64_t *hash_put(struct hash *h, uint64_t key, uint64_t value)
{
    assert(key != HASH_FREE);
    if (!hash_reserve(h, h->n + 1))
        return NULL;
    struct hash_slot *slot = hash_slot(h, key);
    if (slot->key == HASH_FREE) {
        *slot = (struct hash_slot){ .key = key, .value = value };
        h->n++;
    }
    return &slot->value;
}

void hash_clear(struct hash *h)
{
    if (h->cap > LEAST_SLOTS && h->n < h->cap / 8)
        hash_release(h);
    else if (h->cap)
        free_all_slots(h);
}

void hash_release(struct hash *h)
{
    free(h->slots);
    *h = (struct hash){ 0 };
}
