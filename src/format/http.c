#include "format/http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/library.h"

#ifdef __APPLE__
static const char *const libraries[] = { "libcurl.4.dylib", NULL };
#else
static const char *const libraries[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
#endif

#define CURL_FUNCTIONS(X)                                                                          \
    X(easy_init)                                                                                   \
    X(easy_cleanup)                                                                                \
    X(easy_escape)                                                                                 \
    X(easy_getinfo)                                                                                \
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

enum { CONNECT_TIMEOUT_S = 20, STALL_S = 30, MAX_TEXT = 64 << 20 };

struct http {
    struct curl_api api;
    CURL *curl;
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
    return true;
}

bool http_new(struct http **out, struct abl_err *err)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return abl_no_memory(err);
    bool loaded = load_curl(&h->api, err);
    h->curl = loaded ? h->api.easy_init() : NULL;
    if (!h->curl) {
        free(h);
        return loaded ? abl_fail(err, ABL_FAILED, "libcurl cannot be started") : false;
    }
    *out = h;
    return true;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    h->api.easy_cleanup(h->curl);
    free(h);
}

char *http_escape(struct http *h, const char *text)
{
    char *escaped = h->api.easy_escape(h->curl, text, 0), *copy = escaped ? strdup(escaped) : NULL;
    h->api.free(escaped);
    return copy;
}

// One transfer.
struct transfer {
    const struct http_request *r;
    const struct http *h;
    bool restarted, store_failed, cancelled, too_long;
    int error; // errno of the store
    uint64_t received;
    char range[32], reason[48];
};

static long status_of(const struct http *h)
{
    long status = 0;
    h->api.easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

// The server sends the whole file though a part was asked for: begin again.
static bool restart(struct transfer *t)
{
    t->restarted = true;
    rewind(t->r->to);
    return fflush(t->r->to) == 0 && ftruncate(fileno(t->r->to), 0) == 0;
}

static bool store(struct transfer *t, const char *bytes, size_t n)
{
    if (t->r->text) {
        buf_add(t->r->text, bytes, n);
        return !t->r->text->failed && t->r->text->len <= MAX_TEXT;
    }
    long status = status_of(t->h);
    if (status != 200 && status != 206)
        return true;
    if (status == 200 && t->r->from && !t->restarted && !restart(t))
        return false;
    return fwrite(bytes, 1, n, t->r->to) == n;
}

static size_t write_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = size * count;
    if (!store(t, bytes, n)) {
        t->error = errno;
        t->store_failed = true;
        return 0;
    }
    t->received += n;
    uint64_t first = t->restarted ? 0 : t->r->from;
    t->too_long = t->r->most && first + t->received > t->r->most;
    if (t->too_long)
        return 0;
    if (t->r->progress)
        t->r->progress(t->r->context, first + t->received);
    return n;
}

// Keeps X-Error-Code of the last answer; each begins with its status line.
static size_t read_header(char *line, size_t size, size_t count, void *context)
{
    static const char key[] = "x-error-code:";
    struct transfer *t = context;
    size_t n = size * count, at = sizeof key - 1, len = 0;
    if (n >= 5 && strncmp(line, "HTTP/", 5) == 0)
        t->reason[0] = '\0';
    if (n < at || strncasecmp(line, key, at) != 0)
        return n;
    while (at < n && line[at] == ' ')
        at++;
    while (at < n && line[at] > ' ' && line[at] < 0x7f && len + 1 < sizeof t->reason)
        t->reason[len++] = line[at++];
    t->reason[len] = '\0';
    return n;
}

static int look_for_cancel(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *t = context;
    (void)a, (void)b, (void)c, (void)d;
    t->cancelled = t->r->cancel && atomic_load(t->r->cancel);
    return t->cancelled;
}

// The strings came with 7.85; the numbers they replace are what older systems have.
static void limit_protocols(const struct curl_api *api, CURL *c, bool secure)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    api->easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    api->easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
    long any = CURLPROTO_HTTP | CURLPROTO_HTTPS;
    api->easy_setopt(c, CURLOPT_PROTOCOLS, any);
    api->easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, secure ? (long)CURLPROTO_HTTPS : any);
#endif
}

static struct curl_slist *set_options(struct transfer *t)
{
    const struct curl_api *api = &t->h->api;
    CURL *c = t->h->curl;
    struct curl_slist *headers = NULL;
    api->easy_reset(c);
    api->easy_setopt(c, CURLOPT_URL, t->r->url);
    limit_protocols(api, c, strncmp(t->r->url, "https:", 6) == 0);
    api->easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    api->easy_setopt(c, CURLOPT_MAXREDIRS, 8L);
    api->easy_setopt(c, CURLOPT_USERAGENT, "abltui");
    api->easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    api->easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    api->easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    api->easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    api->easy_setopt(c, CURLOPT_WRITEFUNCTION, write_body);
    api->easy_setopt(c, CURLOPT_WRITEDATA, t);
    api->easy_setopt(c, CURLOPT_HEADERFUNCTION, read_header);
    api->easy_setopt(c, CURLOPT_HEADERDATA, t);
    api->easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    api->easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
    api->easy_setopt(c, CURLOPT_XFERINFODATA, t);
    // A range, not libcurl's resuming: that gives up where a server sends the whole file.
    if (t->r->from) {
        snprintf(t->range, sizeof t->range, "%" PRIu64 "-", t->r->from);
        api->easy_setopt(c, CURLOPT_RANGE, t->range);
    }
    if (t->r->token) {
        struct buf header = { 0 };
        buf_printf(&header, "Authorization: Bearer %s", t->r->token);
        headers = header.failed ? NULL : api->slist_append(NULL, header.data);
        buf_release(&header);
        // curl drops the header where a redirect leads to another host, port or protocol.
        api->easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    }
    return headers;
}

bool http_get(struct http *h, const struct http_request *r, struct http_answer *out,
              struct abl_err *err)
{
    struct transfer t = { .r = r, .h = h };
    struct curl_slist *headers = set_options(&t);
    CURLcode code = h->api.easy_perform(h->curl);
    h->api.slist_free_all(headers);
    curl_off_t wait = 0;
    *out = (struct http_answer){ .status = status_of(h) };
    if (h->api.easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
        out->wait_s = (uint64_t)wait;
    snprintf(out->reason, sizeof out->reason, "%s", t.reason);
    if (t.cancelled)
        return abl_fail(err, ABL_INTERRUPTED,
                        "interrupted; what came so far is kept for the next time");
    if (t.store_failed)
        return abl_fail(err, ABL_FAILED, "cannot store what came from '%s': %s", r->url,
                        t.error ? strerror(t.error) : "out of memory");
    out->cut = code != CURLE_OK && !t.too_long;
    if (out->cut)
        snprintf(out->why, sizeof out->why, "%s", h->api.easy_strerror(code));
    return true;
}
