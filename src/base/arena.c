#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

// Under a sanitizer every piece is a block of its own and ends where it was asked to, so that a
// step beyond its end is seen.
#ifdef __SANITIZE_ADDRESS__
enum { BLOCK_BYTES = 0, STEP = 1 };
#else
enum { BLOCK_BYTES = 64 * 1024, STEP = alignof(max_align_t) };
#endif

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *block_new(size_t size)
{
    size_t total;
    if (!size_add(size, sizeof(struct arena_block), &total))
        return NULL;
    struct arena_block *b = calloc(1, total);
    if (b)
        b->size = size;
    return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + STEP - 1) / STEP * STEP;
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < bytes) {
        b = block_new(size_max(bytes, BLOCK_BYTES));
        if (!b)
            return NULL;
        // A big block goes behind the current one, so that the rest of that stays in use.
        if (a->head && bytes > BLOCK_BYTES) {
            b->next = a->head->next;
            a->head->next = b;
        } else {
            b->next = a->head;
            a->head = b;
        }
    }
    void *p = b->bytes + b->used;
    b->used += bytes;
    return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *copy = arena_alloc(a, len + 1, 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1, 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

void arena_release(struct arena *a)
{
    for (struct arena_block *b = a->head; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    a->head = NULL;
}
