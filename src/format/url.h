// Addresses of http and https, read as strictly as a program must that keeps to itself whom it
// talks to: what another reader could take for another host is none.
#ifndef ABL_FORMAT_URL_H
#define ABL_FORMAT_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { URL_SIZE = 8192 }; // of the longest, with the NUL

// Parts of the text that was read, which it borrows.
struct url {
    bool secure; // https
    const char *host;
    size_t host_len;
    unsigned port;    // 80 or 443 where none is said
    const char *rest; // what stands behind host and port: "" or something that begins with / ? #
};

// False for anything but http:// and https:// with a host of letters, digits, "-._" or in brackets;
// for a user or password; and for white space, control characters, backslashes and what is beyond
// ASCII.
bool url_parse(const char *text, struct url *out);

// The same protocol, host and port.
bool url_same_origin(const struct url *a, const struct url *b);

// The host is this machine: localhost, 127.x.x.x or [::1].
bool url_is_loopback(const struct url *u);

// Where a reference of an answer from `base` leads, as what url_parse takes. False where it is none
// or too long.
bool url_resolve(const char *base, const char *reference, char out[URL_SIZE]);

#endif
