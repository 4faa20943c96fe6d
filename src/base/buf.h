// A growing byte string, always NUL-terminated; one sticky failure flag instead
// of a check per call.
#ifndef ABL_BASE_BUF_H
#define ABL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; // NULL while empty; zero-initialise the struct to start
    size_t len, cap;
    bool failed; // memory ran out at some point: what was appended is not complete
};

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_release(struct buf *b);

#endif
