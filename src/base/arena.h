// Memory of one lifetime, freed at once. Not for several threads at a time.
#ifndef ABL_BASE_ARENA_H
#define ABL_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head; // zero-initialise the struct to start
};

// n * size zeroed bytes, aligned for any type; NULL when memory is out or n * size overflows.
void *arena_alloc(struct arena *a, size_t n, size_t size);

// A NUL-terminated copy of text[0..len); NULL when memory is out.
char *arena_strndup(struct arena *a, const char *text, size_t len);

// Like arena_strndup for a whole C string.
char *arena_strdup(struct arena *a, const char *text);

// printf into the arena; NULL when memory is out.
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

// Free everything; the arena can be used again.
void arena_release(struct arena *a);

#endif
