// A server, played: each byte says what it does next while a file is fetched from it, and how long
// that takes. The file is never held: what is stored of it is a length.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/fetch.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_SEEN = 1024, SECOND = 1000, MAX_REQUESTS = 20000 };

static const char *const places[]
    = { "https://hub/x", "http://hub/x", "http://127.0.0.1:80/x", "https://hub:8443/y" };

// What came of one try, and when.
struct seen {
    uint64_t at_ms, received;
};

struct play {
    struct fetch f;
    struct fetch_rules rules;
    struct fetch_goal goal;
    struct url home;
    struct part rest;
    uint64_t now, stored, received;
    bool checked, away; // the last hash was right; a redirect has left the goal's origin
    size_t n_requests, n_seen;
    struct seen seen[MAX_SEEN]; // of this try
};

static uint64_t next_number(struct play *p)
{
    uint64_t low = next_byte(&p->rest);
    return low | (uint64_t)next_byte(&p->rest) << 8;
}

static void note(struct play *p)
{
    if (p->n_seen < MAX_SEEN)
        p->seen[p->n_seen++] = (struct seen){ p->now, p->received };
}

// A try may not live through two windows, each seen to end a second late, that brought less than
// one is to bring.
static void check_rate(const struct play *p)
{
    uint64_t two = 2 * (p->rules.window_ms + SECOND), since = p->now - two;
    uint64_t due = p->rules.least_rate * p->rules.window_ms / 1000;
    if (p->now < two || p->n_seen == MAX_SEEN || !p->n_seen || p->seen[0].at_ms > since)
        return;
    size_t i = p->n_seen - 1;
    while (i && p->seen[i].at_ms > since)
        i--;
    REQUIRE(p->received - p->seen[i].received >= (due ? due : 1));
}

// What the request must not be, wherever servers sent us.
static void check_request(struct play *p)
{
    const struct fetch *f = &p->f;
    struct url u;
    REQUIRE(url_parse(f->url, &u));
    REQUIRE(!p->home.secure || u.secure);
    if (strcmp(f->url, p->goal.url) == 0 && f->hops == 0)
        p->away = false;
    p->away = p->away || !url_same_origin(&u, &p->home);
    REQUIRE(f->with_token == (p->goal.has_token && !p->away));
    REQUIRE(u.secure || f->direct || !(f->with_token || url_is_loopback(&u)));
    REQUIRE(f->from == (p->goal.any_size ? 0 : f->have) && f->have <= p->goal.size);
    REQUIRE(f->from == 0 || f->from == p->stored);
    REQUIRE(f->wait_ms <= 60 * SECOND || f->wait_ms <= p->rules.pause_ms << 4);
    REQUIRE(p->now < p->rules.until_ms);
    REQUIRE(++p->n_requests < MAX_REQUESTS);
}

// Time passes as it does for libcurl, which looks around every second.
static bool pass(struct play *p, uint64_t ms)
{
    for (uint64_t left = ms; left;) {
        uint64_t step = left < SECOND ? left : SECOND;
        p->now += step;
        left -= step;
        if (!fetch_goes_on(&p->f, p->now))
            return false;
        check_rate(p);
        REQUIRE(p->now < p->rules.until_ms);
    }
    return true;
}

static bool send_body(struct play *p, uint64_t n)
{
    bool wanted = p->f.status == 200 || p->f.status == 206;
    struct fetch_take t = fetch_body(&p->f, n, p->now);
    REQUIRE(t.n <= n && t.offset + t.n <= p->goal.size);
    REQUIRE(wanted || (!t.n && !t.anew));
    if (t.anew)
        p->stored = 0;
    REQUIRE(!t.n || t.offset == p->stored);
    p->stored += t.n;
    p->received += t.n;
    note(p);
    return !t.stop;
}

static bool send_line(struct play *p, const char *start, const char *text)
{
    char line[2 * URL_SIZE];
    int n = snprintf(line, sizeof line, "%s%s\r\n", start, text);
    return fetch_header(&p->f, line, (size_t)n);
}

static bool redirect(struct play *p)
{
    static const char *const to[] = { "/other",
                                      "https://hub/back",
                                      "https://hub:8443/y",
                                      "http://hub/x",
                                      "//127.0.0.1/z",
                                      "https://hub@elsewhere/",
                                      "x?y",
                                      "https://cdn.example/large" };
    return send_line(p, "Location: ", to[next_byte(&p->rest) % 8]);
}

static bool send_status(struct play *p)
{
    static const int codes[]
        = { 200, 206, 302, 301, 404, 416, 429, 500, 401, 100, 307, 204, 303, 308, 503, 0 };
    char text[32];
    snprintf(text, sizeof text, "%d x", codes[next_byte(&p->rest) % 16]);
    return send_line(p, "HTTP/1.1 ", text);
}

static bool send_range(struct play *p)
{
    char text[64];
    bool right = next_byte(&p->rest) & 1;
    snprintf(text, sizeof text, "bytes %d-99/100", (int)p->f.from + !right);
    return send_line(p, "Content-Range: ", text);
}

// A line of the input itself.
static bool send_own(struct play *p)
{
    const char *end = p->rest.len ? memchr(p->rest.data, '\n', p->rest.len) : NULL;
    size_t n = end ? (size_t)(end - p->rest.data) + 1 : p->rest.len;
    // a copy of its own, so that a read beyond it is seen
    char *line = part_text((struct part){ p->rest.data, n });
    bool ok = fetch_header(&p->f, line, n);
    free(line);
    p->rest = (struct part){ p->rest.data + n, p->rest.len - n };
    return ok;
}

// One answer; whether it was cut. At the end of the input all are.
static bool answer(struct play *p)
{
    for (bool ok = true; ok;) {
        unsigned what = p->rest.len ? next_byte(&p->rest) % 10 : 9;
        if (what == 8 || what == 9)
            return what == 9;
        ok = what == 0   ? send_status(p)
             : what == 1 ? send_body(p, next_number(p) << (next_byte(&p->rest) & 7))
             : what == 2 ? pass(p, next_number(p) * 4)
             : what == 3 ? redirect(p)
             : what == 4 ? send_range(p)
             : what == 5 ? send_line(p, "Retry-After: ", next_byte(&p->rest) & 1 ? "7" : "99999999")
             : what == 6 ? send_own(p)
                         : send_body(p, p->goal.size - p->f.have); // exactly what lacks
    }
    return true;
}

static enum fetch_step ask(struct play *p)
{
    check_request(p);
    p->now += p->f.wait_ms;
    if (p->f.hops == 0)
        p->n_seen = p->received = 0;
    fetch_asked(&p->f, p->now);
    note(p);
    bool cut = answer(p);
    p->checked = false;
    return fetch_answered(&p->f, cut, p->now);
}

static enum fetch_step check(struct play *p)
{
    REQUIRE(!p->goal.any_size && p->f.have == p->goal.size && p->stored == p->goal.size);
    p->checked = next_byte(&p->rest) & 1;
    return fetch_checked(&p->f, p->checked, p->now);
}

static void check_end(const struct play *p, enum fetch_step step)
{
    const struct fetch *f = &p->f;
    for (const char *c = f->reason; *c; c++)
        REQUIRE(*c > ' ' && *c < 0x7f);
    if (step == FETCH_DONE)
        REQUIRE(p->goal.any_size ? !f->have || f->have == p->stored : p->checked);
    else
        REQUIRE(step == FETCH_OVER && (f->end != FETCH_LATE || p->now >= p->rules.until_ms));
}

void fuzz_pull(const uint8_t *data, size_t size)
{
    struct play *p = calloc(1, sizeof *p);
    REQUIRE(p);
    p->rest = (struct part){ (const char *)data, size };
    unsigned how = next_byte(&p->rest);
    p->goal
        = (struct fetch_goal){ places[how & 3], how & 4, next_number(p) << (how >> 4), how & 8 };
    p->rules = (struct fetch_rules){ .least_rate = next_number(p),
                                     .window_ms = 60 * SECOND,
                                     .pause_ms = 500,
                                     .until_ms = 86400 * SECOND };
    REQUIRE(url_parse(p->goal.url, &p->home));
    p->stored = next_number(p); // from an earlier time
    if (p->stored > p->goal.size)
        p->stored = 0;
    enum fetch_step step = fetch_begin(&p->f, &p->rules, &p->goal, p->stored, p->now);
    while (step == FETCH_ASK || step == FETCH_CHECK)
        step = step == FETCH_ASK ? ask(p) : check(p);
    check_end(p, step);
    free(p);
}
