#include "format/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

// Nothing that a terminal, a header or another reader of addresses would take for something else.
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= 0x20 || *text >= 0x7f || *text == '\\')
            return false;
    return true;
}

static size_t host_length(const char *host)
{
    if (*host != '[')
        return strspn(host, LETTERS DIGITS "-._");
    size_t n = 1 + strspn(host + 1, DIGITS "abcdefABCDEF:.");
    return n > 1 && host[n] == ']' ? n + 1 : 0;
}

// ":443" behind a host, or nothing; false where it is no port.
static bool read_port(const char **at, unsigned *port)
{
    if (**at != ':')
        return true;
    const char *digits = *at + 1;
    size_t n = strspn(digits, DIGITS);
    if (!n || n > 5)
        return false;
    *port = 0;
    for (size_t i = 0; i < n; i++)
        *port = 10 * *port + (unsigned)(digits[i] - '0');
    *at = digits + n;
    return *port && *port <= 65535;
}

bool url_parse(const char *text, struct url *out)
{
    struct url u = { .secure = strncasecmp(text, "https://", 8) == 0 };
    if ((!u.secure && strncasecmp(text, "http://", 7) != 0) || !is_plain(text)
        || strlen(text) >= URL_SIZE)
        return false;
    u.host = strchr(text, ':') + 3;
    u.host_len = host_length(u.host);
    u.port = u.secure ? 443 : 80;
    u.rest = u.host + u.host_len;
    if (!u.host_len || !read_port(&u.rest, &u.port) || (*u.rest && !strchr("/?#", *u.rest)))
        return false;
    *out = u;
    return true;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->secure == b->secure && a->port == b->port && a->host_len == b->host_len
           && strncasecmp(a->host, b->host, a->host_len) == 0;
}

// "127.0.0.1" and its like; other spellings of an address are not known to stay here.
static bool is_loopback_number(const char *host, size_t len)
{
    const char *at = host, *end = host + len;
    for (int part = 0; part < 4; part++) {
        size_t n = strspn(at, DIGITS);
        if (!n || n > 3 || (part == 0 && strncmp(at, "127", 3) != 0))
            return false;
        at += n;
        if (part < 3 && *at++ != '.')
            return false;
    }
    return at == end;
}

bool url_is_loopback(const struct url *u)
{
    static const char *const names[] = { "localhost", "[::1]" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (u->host_len == strlen(names[i]) && strncasecmp(u->host, names[i], u->host_len) == 0)
            return true;
    return is_loopback_number(u->host, u->host_len);
}

// How much of the base stays in front of a reference that names no host: up to its path, or the
// folder in it, or its query.
static size_t kept_length(const char *base, const struct url *u, const char *reference)
{
    size_t origin = (size_t)(u->rest - base), path = origin + strcspn(u->rest, "?#");
    if (*reference == '/')
        return origin;
    if (*reference == '?' || !*reference)
        return path;
    while (path > origin && base[path - 1] != '/')
        path--;
    return path;
}

bool url_resolve(const char *base, const char *reference, char out[URL_SIZE])
{
    struct url from, to;
    int n;
    if (!url_parse(base, &from))
        return false;
    size_t scheme = strcspn(reference, ":/?#");
    if (reference[scheme] == ':') {
        n = snprintf(out, URL_SIZE, "%s", reference);
    } else if (strncmp(reference, "//", 2) == 0) {
        n = snprintf(out, URL_SIZE, "%s%s", from.secure ? "https:" : "http:", reference);
    } else {
        size_t kept = kept_length(base, &from, reference);
        bool slash = base + kept == from.rest && *reference && !strchr("/?", *reference);
        n = snprintf(out, URL_SIZE, "%.*s%s%s", (int)kept, base, slash ? "/" : "", reference);
    }
    return n > 0 && n < URL_SIZE && url_parse(out, &to);
}
