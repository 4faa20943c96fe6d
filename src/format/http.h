// One HTTP request at a time (libcurl). What begins as https stays https through every redirect.
#ifndef ABL_FORMAT_HTTP_H
#define ABL_FORMAT_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

struct http; // a connection that is used again

bool http_new(struct http **out, struct abl_err *err);
void http_free(struct http *h);

struct http_request {
    const char *url;
    const char *token; // NULL = none; never goes to another host after a redirect
    FILE *to;          // where the body goes, at its present place, or
    struct buf *text;  // this
    uint64_t from;     // first byte asked for
    uint64_t most;     // the body ends the transfer once `to` is longer; 0 = any length
    // Told of bytes received; NULL = nobody.
    void (*progress)(void *context, uint64_t received);
    void *context;
    atomic_bool *cancel;
};

struct http_answer {
    long status;     // 0: no answer came
    bool cut;        // the connection ended before the body did, or none came about
    char why[256];   // of a failure, in words
    char reason[48]; // what the hub's header X-Error-Code says: "GatedRepo"; "" without
    uint64_t wait_s; // what Retry-After asks for
};

// Text as a part of a path in a URL: everything but letters, digits and "-._~" as %XX. malloc'd;
// NULL when memory is out.
char *http_escape(struct http *h, const char *text);

// False only when cancelled (ABL_INTERRUPTED) or the body could not be stored (ABL_FAILED); else
// the answer says how it went. A body with a status other than 200 and 206 is not stored in `to`. A
// 200 to a request for a later byte starts `to` anew.
bool http_get(struct http *h, const struct http_request *r, struct http_answer *out,
              struct abl_err *err);

#endif
