#include "format/http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/library.h"

#ifdef __APPLE__
static const char *const libraries[] = { "libcurl.4.dylib", NULL };
#else
static const char *const libraries[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
#endif

#define CURL_FUNCTIONS(X)                                                                          \
    X(version_info)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_cleanup)                                                                                \
    X(easy_escape)                                                                                 \
    X(easy_perform)                                                                                \
    X(easy_reset)                                                                                  \
    X(easy_setopt)                                                                                 \
    X(easy_strerror)                                                                               \
    X(free)                                                                                        \
    X(slist_append)                                                                                \
    X(slist_free_all)

struct curl_api {
#define MEMBER(name) __typeof__(curl_##name) *name;
    CURL_FUNCTIONS(MEMBER)
#undef MEMBER
};

enum { CONNECT_TIMEOUT_S = 20 };

// 7.61.0, the oldest that any system still gets repairs for.
enum { LEAST_VERSION = 0x073d00 };

// Limits on protocols by name came with 7.85, those by number went with it. The header at hand may
// be older or newer than the library.
enum { PROTOCOLS_BY_NUMBER = 181, PROTOCOLS_BY_NAME = 10318, NUMBER_HTTP = 1, NUMBER_HTTPS = 2 };

struct http {
    struct curl_api api;
    CURL *curl;
    char *ca_file; // owned; NULL = the system's
};

static bool load_curl(struct curl_api *api, struct abl_err *err)
{
    void *library = library_open(libraries);
    if (!library)
        return abl_fail(err, ABL_FAILED,
                        "no libcurl (%s) on this machine, which downloads need: install it",
                        libraries[0]);
#define LOOK_UP(name)                                                                              \
    if (!library_function(library, "curl_" #name, &api->name))                                     \
        return abl_fail(err, ABL_FAILED, "libcurl has no curl_" #name ": install a newer one");
    CURL_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    const curl_version_info_data *v = api->version_info(CURLVERSION_FIRST);
    return v->version_num >= LEAST_VERSION
           || abl_fail(err, ABL_FAILED,
                       "libcurl %.20s on this machine is too old to download with: expected 7.61.0 "
                       "or newer; install one",
                       v->version);
}

bool http_new(const char *ca_file, struct http **out, struct abl_err *err)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return abl_no_memory(err);
    bool ok = load_curl(&h->api, err);
    if (ok && ca_file && !(h->ca_file = strdup(ca_file)))
        ok = abl_no_memory(err);
    if (ok && !(h->curl = h->api.easy_init()))
        ok = abl_fail(err, ABL_FAILED, "libcurl cannot be started");
    if (ok)
        *out = h;
    else
        http_free(h);
    return ok;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    if (h->curl)
        h->api.easy_cleanup(h->curl);
    free(h->ca_file);
    free(h);
}

char *http_escape(struct http *h, const char *text)
{
    char *escaped = h->api.easy_escape(h->curl, text, 0), *copy = escaped ? strdup(escaped) : NULL;
    h->api.free(escaped);
    return copy;
}

uint64_t http_now_ms(void)
{
    return (uint64_t)(now_seconds() * 1000);
}

// ---------------------------------------------------------------------------------- what comes

struct transfer {
    const struct http_exchange *x;
    bool store_failed, cancelled;
    int error; // errno of the store; 0: no memory
};

static bool write_at(int fd, const char *bytes, size_t n, uint64_t offset)
{
    while (n) {
        ssize_t put = pwrite(fd, bytes, n, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            errno = put ? errno : EIO;
            return false;
        }
        bytes += put;
        offset += (uint64_t)put;
        n -= (size_t)put;
    }
    return true;
}

static bool store(struct transfer *t, const char *bytes, const struct fetch_take *take)
{
    struct buf *text = t->x->text;
    if (!text) {
        errno = 0;
        bool ok = (!take->anew || ftruncate(t->x->fd, 0) == 0)
                  && write_at(t->x->fd, bytes, take->n, take->offset);
        t->error = errno;
        return ok;
    }
    if (take->anew)
        text->len = 0;
    buf_add(text, bytes, take->n);
    return !text->failed;
}

static size_t write_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = size * count;
    struct fetch_take take = fetch_body(t->x->fetch, n, http_now_ms());
    if ((take.n || take.anew) && !store(t, bytes, &take)) {
        t->store_failed = true;
        return 0;
    }
    if (take.n && t->x->progress)
        t->x->progress(t->x->context, take.offset + take.n);
    return take.stop ? 0 : n;
}

static size_t read_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    return fetch_header(t->x->fetch, line, size * count) ? size * count : 0;
}

// libcurl calls this at least once a second.
static int look_around(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *t = context;
    (void)a, (void)b, (void)c, (void)d;
    t->cancelled = t->x->cancel && atomic_load(t->x->cancel);
    return t->cancelled || !fetch_goes_on(t->x->fetch, http_now_ms());
}

// ------------------------------------------------------------------------------------- the request

// The first option that the library does not take.
struct setting {
    const struct curl_api *api;
    CURL *curl;
    CURLcode code;
    const char *option;
};

#define SET_NUMBER(s, number, name, value)                                                         \
    do {                                                                                           \
        if ((s)->code == CURLE_OK                                                                  \
            && ((s)->code = (s)->api->easy_setopt((s)->curl, (CURLoption)(number), value))         \
                   != CURLE_OK)                                                                    \
            (s)->option = name;                                                                    \
    } while (0)
#define SET(s, name, value) SET_NUMBER(s, CURLOPT_##name, #name, value)

static void limit_protocol(struct setting *s, bool secure)
{
    SET_NUMBER(s, PROTOCOLS_BY_NAME, "PROTOCOLS", secure ? "https" : "http");
    if (s->code != CURLE_UNKNOWN_OPTION)
        return;
    s->code = CURLE_OK;
    SET_NUMBER(s, PROTOCOLS_BY_NUMBER, "PROTOCOLS", (long)(secure ? NUMBER_HTTPS : NUMBER_HTTP));
}

// Whom to talk to, and whom not.
static void set_way(struct setting *s, const struct http *h, const struct fetch *f)
{
    struct url u = { 0 };
    url_parse(f->url, &u);
    SET(s, URL, f->url);
    limit_protocol(s, u.secure);
    SET(s, FOLLOWLOCATION, 0L);
    SET(s, SSL_VERIFYPEER, 1L);
    SET(s, SSL_VERIFYHOST, 2L);
    if (h->ca_file)
        SET(s, CAINFO, h->ca_file);
    if (f->direct)
        SET(s, NOPROXY, "*");
    // What a proxy answers is not the server's word, and the headers for the server are not its.
    SET(s, SUPPRESS_CONNECT_HEADERS, 1L);
    SET(s, HEADEROPT, (long)CURLHEADER_SEPARATE);
}

static void set_options(struct setting *s, const struct http *h, struct transfer *t,
                        const char *range, struct curl_slist *headers)
{
    set_way(s, h, t->x->fetch);
    SET(s, USERAGENT, "abltui");
    SET(s, NOSIGNAL, 1L);
    SET(s, CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    SET(s, WRITEFUNCTION, write_body);
    SET(s, WRITEDATA, t);
    SET(s, HEADERFUNCTION, read_header);
    SET(s, HEADERDATA, t);
    SET(s, NOPROGRESS, 0L);
    SET(s, XFERINFOFUNCTION, look_around);
    SET(s, XFERINFODATA, t);
    // A range, not libcurl's resuming: that gives up where a server sends the whole file.
    if (*range)
        SET(s, RANGE, range);
    if (headers)
        SET(s, HTTPHEADER, headers);
}

static bool not_set(const struct setting *s, struct abl_err *err)
{
    if (s->code == CURLE_OUT_OF_MEMORY)
        return abl_no_memory(err);
    return abl_fail(err, ABL_FAILED,
                    "libcurl %.20s on this machine does not take CURLOPT_%s (%s), without which "
                    "nothing is fetched safely: install a newer one",
                    s->api->version_info(CURLVERSION_FIRST)->version, s->option,
                    s->api->easy_strerror(s->code));
}

// NULL when memory is out.
static struct curl_slist *token_header(const struct http *h, const char *token)
{
    struct buf header = { 0 };
    buf_printf(&header, "Authorization: Bearer %s", token);
    struct curl_slist *list = header.failed ? NULL : h->api.slist_append(NULL, header.data);
    buf_release(&header);
    return list;
}

static bool request(struct http *h, struct transfer *t, CURLcode *code, struct abl_err *err)
{
    const struct fetch *f = t->x->fetch;
    struct curl_slist *headers = NULL;
    struct setting s = { &h->api, h->curl, CURLE_OK, NULL };
    char range[32] = "";
    if (f->with_token && t->x->token && !(headers = token_header(h, t->x->token)))
        return abl_no_memory(err);
    if (f->from)
        snprintf(range, sizeof range, "%" PRIu64 "-", f->from);
    h->api.easy_reset(h->curl);
    set_options(&s, h, t, range, headers);
    bool ok = s.code == CURLE_OK || not_set(&s, err);
    if (ok)
        *code = h->api.easy_perform(h->curl);
    h->api.slist_free_all(headers);
    return ok;
}

bool http_exchange(struct http *h, const struct http_exchange *x, enum fetch_step *step,
                   char why[HTTP_WHY], struct abl_err *err)
{
    struct transfer t = { .x = x };
    CURLcode code = CURLE_OK;
    *why = '\0';
    fetch_asked(x->fetch, http_now_ms());
    if (!request(h, &t, &code, err))
        return false;
    if (t.cancelled)
        return abl_fail(err, ABL_INTERRUPTED,
                        "interrupted; what came so far is kept for the next time");
    if (code == CURLE_OUT_OF_MEMORY || (t.store_failed && !t.error))
        return abl_no_memory(err);
    if (t.store_failed)
        return abl_fail(err, ABL_FAILED, "cannot store what came from '%s': %s", x->fetch->goal.url,
                        strerror(t.error));
    *step = fetch_answered(x->fetch, code != CURLE_OK, http_now_ms());
    if (code != CURLE_OK)
        snprintf(why, HTTP_WHY, "%s", h->api.easy_strerror(code));
    return true;
}
