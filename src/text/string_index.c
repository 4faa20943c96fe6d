#include "text/string_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct string_slot {
    const char *text; // NULL = free
    size_t len;
    uint32_t value;
};

static uint64_t hash_text(const char *text, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

// The slot of a text, or the free one where it would go. At most half of the slots are in use.
static struct string_slot *find_slot(const struct string_index *x, const char *text, size_t len)
{
    size_t at = (size_t)hash_text(text, len) & (x->cap - 1);
    while (x->slots[at].text
           && (x->slots[at].len != len || memcmp(x->slots[at].text, text, len) != 0))
        at = (at + 1) & (x->cap - 1);
    return &x->slots[at];
}

static bool grow(struct string_index *x)
{
    struct string_index bigger = { .n = x->n, .cap = x->cap ? x->cap * 2 : 64 };
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < x->cap; i++)
        if (x->slots[i].text)
            *find_slot(&bigger, x->slots[i].text, x->slots[i].len) = x->slots[i];
    free(x->slots);
    *x = bigger;
    return true;
}

uint32_t *string_index_put(struct string_index *x, const char *text, size_t len, uint32_t value)
{
    if (x->n * 2 >= x->cap && !grow(x))
        return NULL;
    struct string_slot *slot = find_slot(x, text, len);
    if (!slot->text) {
        *slot = (struct string_slot){ .text = text, .len = len, .value = value };
        x->n++;
    }
    return &slot->value;
}

const uint32_t *string_index_find(const struct string_index *x, const char *text, size_t len)
{
    if (!x->cap)
        return NULL;
    const struct string_slot *slot = find_slot(x, text, len);
    return slot->text ? &slot->value : NULL;
}

void string_index_release(struct string_index *x)
{
    free(x->slots);
    *x = (struct string_index){ 0 };
}
