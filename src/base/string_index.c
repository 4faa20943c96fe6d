#include "base/string_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct string_entry {
    const char *text;
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

// The entry of a text; NULL where there is none, and then *key is what to keep it under. Where two
// texts have one hash, the later one is kept under the next key that is free.
static struct string_entry *find_entry(const struct string_index *x, const char *text, size_t len,
                                       uint64_t *key)
{
    for (*key = hash_text(text, len);; ++*key) {
        if (*key == HASH_FREE)
            *key = 0;
        const uint64_t *place = hash_find(&x->places, *key);
        struct string_entry *e = place ? &x->entries[*place] : NULL;
        if (!e || (e->len == len && memcmp(e->text, text, len) == 0))
            return e;
    }
}

static uint32_t *put(struct string_index *x, const char *text, size_t len, uint32_t value,
                     bool copy)
{
    uint64_t key;
    struct string_entry *known = find_entry(x, text, len, &key);
    if (known)
        return &known->value;
    if (copy)
        text = arena_strndup(&x->copies, text, len);
    struct string_entry *room = array_room(x->entries, x->n, &x->cap, sizeof *room);
    if (room)
        x->entries = room;
    if (!text || !room || !hash_put(&x->places, key, x->n))
        return NULL;
    known = &x->entries[x->n++];
    *known = (struct string_entry){ .text = text, .len = len, .value = value };
    return &known->value;
}

uint32_t *string_index_put(struct string_index *x, const char *text, size_t len, uint32_t value)
{
    return put(x, text, len, value, false);
}

uint32_t *string_index_put_copy(struct string_index *x, const char *text, size_t len,
                                uint32_t value)
{
    return put(x, text, len, value, true);
}

const uint32_t *string_index_find(const struct string_index *x, const char *text, size_t len)
{
    uint64_t key;
    const struct string_entry *known = find_entry(x, text, len, &key);
    return known ? &known->value : NULL;
}

void string_index_clear(struct string_index *x)
{
    hash_clear(&x->places);
    arena_release(&x->copies);
    x->n = 0;
}

void string_index_release(struct string_index *x)
{
    hash_release(&x->places);
    free(x->entries);
    arena_release(&x->copies);
    *x = (struct string_index){ 0 };
}
