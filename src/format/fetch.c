#include "format/fetch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_HOPS = 8,
    MAX_WAIT_S = 60,
    MAX_HEADERS = 256 << 10,
    MAX_SKIPPED = 64 << 10,   // of the body of an answer that is not wanted
    LEAST_PROGRESS = 64 << 10 // bytes of a try that may make up for those that were cut
};

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_body(long status)
{
    return status == 200 || status == 206;
}

// ---------------------------------------------------------------------------------------- requests

// An address of this machine stays on it, and a token in the clear goes to its server alone.
static bool goes_direct(const struct url *u, bool with_token)
{
    return !u->secure && (with_token || url_is_loopback(u));
}

static enum fetch_step over(struct fetch *f, enum fetch_end end)
{
    f->end = end;
    return FETCH_OVER;
}

// The first request of a try.
static enum fetch_step ask(struct fetch *f)
{
    struct url u;
    if (!url_parse(f->goal.url, &u))
        return over(f, FETCH_ASTRAY);
    snprintf(f->url, sizeof f->url, "%s", f->goal.url);
    f->with_token = f->goal.has_token;
    f->direct = goes_direct(&u, f->with_token);
    if (f->goal.any_size) // what an earlier try brought is none of the next one's
        f->have = 0;
    f->from = f->have;
    f->hops = 0;
    return FETCH_ASK;
}

enum fetch_step fetch_begin(struct fetch *f, const struct fetch_rules *rules,
                            const struct fetch_goal *goal, uint64_t have, uint64_t now_ms)
{
    *f = (struct fetch){ .rules = *rules,
                         .goal = *goal,
                         .have = have <= goal->size && !goal->any_size ? have : 0,
                         .credited_ms = now_ms };
    f->best = f->have;
    if (now_ms >= rules->until_ms)
        return over(f, FETCH_LATE);
    return f->have == goal->size && !goal->any_size ? FETCH_CHECK : ask(f);
}

void fetch_asked(struct fetch *f, uint64_t now_ms)
{
    f->status = 0;
    f->reason[0] = '\0';
    f->retry_after_s = 0;
    f->has_location = f->has_range = f->began = f->stopped = f->wrong = false;
    f->header_bytes = f->skipped = 0;
    if (f->hops) // a redirect is no progress
        return;
    f->slow = false;
    f->window_from_ms = now_ms;
    f->received = f->window_received = 0;
}

// Once more, unless there were enough tries since one that counted: one that brought something,
// and that not slower than a server may be. Else single bytes would make up for any number of cuts.
static enum fetch_step again(struct fetch *f, enum fetch_end end, uint64_t now_ms)
{
    uint64_t gain = f->have > f->best ? f->have - f->best : 0, due = 0;
    if (now_ms >= f->rules.until_ms)
        return over(f, FETCH_LATE);
    if (__builtin_mul_overflow(f->rules.least_rate, now_ms - f->credited_ms, &due))
        due = UINT64_MAX;
    if (gain >= LEAST_PROGRESS && gain >= due / 1000) {
        f->best = f->have;
        f->credited_ms = now_ms;
        f->attempt = 0;
    }
    if (f->attempt + 1 == FETCH_TRIES)
        return over(f, end);
    uint64_t asked_s = f->retry_after_s < MAX_WAIT_S ? f->retry_after_s : MAX_WAIT_S;
    f->wait_ms = f->rules.pause_ms << f->attempt++;
    if (f->wait_ms < asked_s * 1000)
        f->wait_ms = asked_s * 1000;
    return ask(f);
}

// ----------------------------------------------------------------------------------------- headers

// What stands behind "key:" of a header, without white space at its ends; NULL in another one.
static const char *value_of(const char *line, size_t n, const char *key, size_t *len)
{
    size_t at = strlen(key);
    if (n <= at || strncasecmp(line, key, at) != 0 || line[at] != ':')
        return NULL;
    for (at++; at < n && (line[at] == ' ' || line[at] == '\t');)
        at++;
    while (n > at && (unsigned char)line[n - 1] <= ' ')
        n--;
    *len = n - at;
    return line + at;
}

// The number that a text begins with.
static bool read_number(const char *text, size_t n, uint64_t *out)
{
    size_t i = 0;
    *out = 0;
    for (; i < n && i < 18 && text[i] >= '0' && text[i] <= '9'; i++)
        *out = 10 * *out + (uint64_t)(text[i] - '0');
    return i > 0;
}

// "HTTP/1.1 200 OK": what stood before it was of another answer.
static void read_status(struct fetch *f, const char *line, size_t n)
{
    uint64_t status = 0;
    size_t at = 5;
    while (at < n && line[at] != ' ')
        at++;
    f->status = at + 4 <= n && read_number(line + at + 1, 3, &status) ? (long)status : 0;
    f->reason[0] = '\0';
    f->has_location = f->has_range = false;
    f->retry_after_s = 0;
}

static void read_reason(struct fetch *f, const char *text, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n && len + 1 < sizeof f->reason && text[i] > ' ' && text[i] < 0x7f; i++)
        f->reason[len++] = text[i];
    f->reason[len] = '\0';
}

// A second one, or one that is too long or holds a NUL, leads nowhere.
static void read_location(struct fetch *f, const char *text, size_t n)
{
    bool fits = !f->has_location && n < sizeof f->location && !memchr(text, '\0', n);
    f->has_location = true;
    if (fits)
        memcpy(f->location, text, n);
    f->location[fits ? n : 0] = '\0';
}

bool fetch_header(struct fetch *f, const char *line, size_t n)
{
    size_t len;
    const char *text;
    bool is_status = n > 5 && strncmp(line, "HTTP/", 5) == 0;
    f->header_bytes += n;
    if (f->header_bytes > MAX_HEADERS || (is_status && f->began)) {
        f->stopped = f->wrong = true;
        return false;
    }
    if (is_status)
        read_status(f, line, n);
    else if ((text = value_of(line, n, "x-error-code", &len)))
        read_reason(f, text, len);
    else if ((text = value_of(line, n, "location", &len)))
        read_location(f, text, len);
    else if ((text = value_of(line, n, "retry-after", &len)))
        read_number(text, len, &f->retry_after_s);
    else if ((text = value_of(line, n, "content-range", &len)) && len > 6
             && strncasecmp(text, "bytes ", 6) == 0)
        f->has_range = read_number(text + 6, len - 6, &f->range_first);
    return true;
}

// -------------------------------------------------------------------------------------------- body

bool fetch_goes_on(struct fetch *f, uint64_t now_ms)
{
    uint64_t passed = now_ms - f->window_from_ms, due;
    if (now_ms >= f->rules.until_ms) {
        f->late = f->stopped = true;
        return false;
    }
    if (passed < f->rules.window_ms)
        return true;
    // What a window asks for is that of its own length, however late somebody looks.
    if (__builtin_mul_overflow(f->rules.least_rate, f->rules.window_ms, &due))
        due = UINT64_MAX;
    uint64_t came = f->received - f->window_received;
    if (came == 0 || came < due / 1000) {
        f->slow = f->stopped = true;
        return false;
    }
    f->window_from_ms = now_ms;
    f->window_received = f->received;
    return true;
}

static bool is_whole(const struct fetch *f)
{
    return f->began && !f->wrong && !f->goal.any_size && f->have == f->goal.size;
}

// The first bytes of a body that is wanted: where they belong.
static struct fetch_take begin_body(struct fetch *f)
{
    struct fetch_take take = { 0 };
    bool elsewhere = f->status == 206 && f->has_range && f->range_first != f->from;
    f->began = true;
    if (f->status == 200 || f->from == 0) { // the whole, also where a part was asked for
        f->have = 0;
        take.anew = true;
    }
    if (elsewhere)
        f->wrong = f->stopped = take.stop = true;
    return take;
}

struct fetch_take fetch_body(struct fetch *f, size_t n, uint64_t now_ms)
{
    struct fetch_take take = { 0 };
    if (!is_body(f->status)) {
        f->skipped += n;
        take.stop = !fetch_goes_on(f, now_ms) || f->skipped > MAX_SKIPPED;
        f->stopped |= take.stop;
        return take;
    }
    if (!f->began)
        take = begin_body(f);
    if (take.stop)
        return take;
    uint64_t left = f->goal.size - f->have;
    take.n = n < left ? n : (size_t)left;
    take.offset = f->have;
    f->have += take.n;
    f->received += take.n;
    if (take.n < n)
        f->wrong = f->stopped = take.stop = true;
    else if (!is_whole(f))
        take.stop = !fetch_goes_on(f, now_ms);
    return take;
}

// --------------------------------------------------------------------------------- how it went

// What begins as https stays https, and a token goes no further than to its own server, even if
// the way leads back there.
static enum fetch_step follow(struct fetch *f, uint64_t now_ms)
{
    char to[URL_SIZE];
    struct url before, after;
    if (now_ms >= f->rules.until_ms)
        return over(f, FETCH_LATE);
    if (!f->has_location || !*f->location || !url_resolve(f->url, f->location, to)
        || !url_parse(to, &after) || !url_parse(f->url, &before) || ++f->hops > MAX_HOPS
        || (before.secure && !after.secure))
        return over(f, FETCH_ASTRAY);
    f->with_token = f->with_token && url_same_origin(&before, &after);
    f->direct = goes_direct(&after, f->with_token);
    f->wait_ms = 0;
    memcpy(f->url, to, sizeof to);
    return FETCH_ASK;
}

enum fetch_step fetch_answered(struct fetch *f, bool cut, uint64_t now_ms)
{
    bool broken = cut && !f->stopped;
    if (is_whole(f))
        return FETCH_CHECK;
    if (f->late)
        return over(f, FETCH_LATE);
    if (f->slow)
        return again(f, FETCH_SLOW, now_ms);
    if (f->wrong) {
        f->have = 0;
        return again(f, FETCH_WRONG, now_ms);
    }
    if (is_redirect(f->status))
        return broken ? again(f, FETCH_CUT, now_ms) : follow(f, now_ms);
    if (is_body(f->status)) {
        if (f->goal.any_size)
            return broken ? again(f, FETCH_CUT, now_ms) : FETCH_DONE;
        return again(f, broken ? FETCH_CUT : FETCH_WRONG, now_ms);
    }
    if (f->status == 416) { // what is stored is not the beginning of what the server has
        f->have = 0;
        return again(f, FETCH_DENIED, now_ms);
    }
    if (!f->status || broken)
        return again(f, FETCH_CUT, now_ms);
    if (f->status == 429 || f->status >= 500)
        return again(f, FETCH_DENIED, now_ms);
    return over(f, FETCH_DENIED);
}

enum fetch_step fetch_checked(struct fetch *f, bool right, uint64_t now_ms)
{
    if (right)
        return FETCH_DONE;
    f->have = 0;
    return again(f, FETCH_WRONG, now_ms);
}
