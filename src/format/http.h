// One HTTP request at a time (libcurl), each to the address that a fetch says and no further:
// redirects are the fetch's to follow.
#ifndef ABL_FORMAT_HTTP_H
#define ABL_FORMAT_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "format/fetch.h"

struct http; // a connection that is used again

// ca_file: of the authorities that vouch for servers; NULL = the system's. A libcurl that is
// missing or too old is refused.
bool http_new(const char *ca_file, struct http **out, struct abl_err *err);
void http_free(struct http *h);

// Text as a part of a path in a URL: everything but letters, digits and "-._~" as %XX. malloc'd;
// NULL when memory is out.
char *http_escape(struct http *h, const char *text);

struct http_exchange {
    struct fetch *fetch; // asks, and hears what comes
    const char *token;   // sent where the fetch says so; NULL = none
    int fd;              // where the body goes, or
    struct buf *text;    // this
    // Told of bytes that are stored; NULL = nobody.
    void (*progress)(void *context, uint64_t stored);
    void *context;
    atomic_bool *cancel; // NULL = never
};

enum { HTTP_WHY = 128 };

// Make the fetch's request and *step what it answers. why says in words how a transfer failed, ""
// where it did not. False when cancelled (ABL_INTERRUPTED), or the body could not be stored or the
// request not be made (ABL_FAILED).
bool http_exchange(struct http *h, const struct http_exchange *x, enum fetch_step *step,
                   char why[HTTP_WHY], struct abl_err *err);

// Milliseconds of the clock that fetches go by.
uint64_t http_now_ms(void);

#endif
