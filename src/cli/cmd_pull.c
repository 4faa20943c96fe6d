// Fetching a checkpoint into the Hugging Face cache.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/say.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "format/hf_cache.h"
#include "format/hub.h"
#include "format/url.h"
#include "model/config.h"
#include "model/model.h"

enum { FIRST_PAUSE_MS = 500, WINDOW_MS = 60000, MAX_TOKEN = 4096, LINE = 80 };

static atomic_bool stop_asked;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stop_asked, true);
}

// As `hf` reads its switches.
static bool is_on(const char *name)
{
    static const char *const on[] = { "1", "on", "yes", "true" };
    const char *v = getenv(name);
    for (size_t i = 0; v && i < sizeof on / sizeof *on; i++)
        if (strcasecmp(v, on[i]) == 0)
            return true;
    return false;
}

static const char *variable(const char *name)
{
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

// Without white space at the ends, such as the line end of a file; NULL where nothing is left. What
// is left goes into a header: it holds no line end either.
static const char *trimmed(struct arena *a, const char *text)
{
    text += strspn(text, " \t\r\n");
    size_t len = strcspn(text, " \t\r\n");
    return len ? arena_strndup(a, text, len) : NULL;
}

static const char *token_in(struct arena *a, const char *path)
{
    struct file_bytes bytes;
    struct abl_err ignored;
    if (!path || !file_exists(path) || !file_read(path, MAX_TOKEN, &bytes, ABL_FAILED, &ignored))
        return NULL;
    const char *token = trimmed(a, bytes.data);
    file_bytes_release(&bytes);
    return token;
}

// HF_TOKEN or its older name, the file that HF_TOKEN_PATH names, or the one where `hf auth login`
// leaves it.
static const char *find_token(struct arena *a)
{
    const char *token = variable("HF_TOKEN"), *path = variable("HF_TOKEN_PATH");
    const char *hf_home = variable("HF_HOME"), *cache = variable("XDG_CACHE_HOME"),
               *home = variable("HOME");
    if (!token)
        token = variable("HUGGING_FACE_HUB_TOKEN");
    if (token)
        return trimmed(a, token);
    if (path)
        return token_in(a, path);
    if (hf_home)
        return token_in(a, file_path(a, "%s/token", hf_home));
    if (cache)
        return token_in(a, file_path(a, "%s/huggingface/token", cache));
    return home ? token_in(a, file_path(a, "%s/.cache/huggingface/token", home)) : NULL;
}

// A token must not travel in the clear, except where somebody says so or it stays on this machine;
// nor does anybody fetch in the clear without having said so.
static bool check_endpoint(const struct cli *cli, const struct hub_job *j, struct abl_err *err)
{
    struct url u;
    bool said = cli->endpoint || cli->flags & CLI_INSECURE_TOKEN;
    if (strchr(j->endpoint, '@'))
        return abl_fail(err, ABL_USAGE,
                        "bad endpoint: expected no user or password in its address; set HF_TOKEN");
    bool ok = url_parse(j->endpoint, &u) && !strpbrk(u.rest, "?#");
    if (!ok || (!u.secure && !url_is_loopback(&u) && !said))
        return abl_fail(err, ABL_USAGE,
                        "bad endpoint '%s': expected an https:// address (http:// only with "
                        "--endpoint or on this machine)",
                        j->endpoint);
    if (u.secure || url_is_loopback(&u) || !j->token || cli->flags & CLI_INSECURE_TOKEN)
        return true;
    return abl_fail(err, ABL_USAGE,
                    "the token would go to '%s' in the clear: expected an https:// address; leave "
                    "the token here with HF_HUB_DISABLE_IMPLICIT_TOKEN=1, or send it all the same "
                    "with --insecure-token",
                    j->endpoint);
}

// What the progress line needs to know.
struct shown {
    bool terminal, quiet;
    bool open;          // a line is begun on the terminal
    const char *id;     // asked for
    char file[256];     // the one on the line
    uint64_t first;     // bytes that were there when it began
    double began, last; // seconds: the file's first line, the line drawn last
};

// "1.2 GiB of 4.6 GiB  85.3 MiB/s  0:41 left"
static void rate_text(const struct shown *s, uint64_t done, uint64_t size, double now, char *out,
                      size_t room)
{
    char have[SIZE_TEXT], whole[SIZE_TEXT], speed[SIZE_TEXT];
    double seconds = now - s->began, rate = (double)(done - s->first) / seconds;
    int n = snprintf(out, room, "%s of %s", size_text(done, have), size_text(size, whole));
    if (seconds < 0.5 || !(rate >= 1) || n < 0)
        return;
    double left = (double)(size - done) / rate;
    n += snprintf(out + n, room - (size_t)n, "  %s/s", size_text((uint64_t)rate, speed));
    if (left < 360000)
        snprintf(out + n, room - (size_t)n, "  %d:%02d left", (int)left / 60, (int)left % 60);
}

static void show_progress(struct shown *s, const char *file, uint64_t done, uint64_t size)
{
    char text[64];
    double now = now_seconds();
    if (strcmp(s->file, file) != 0 || done < s->first) {
        snprintf(s->file, sizeof s->file, "%s", file);
        s->first = done;
        s->began = now;
        s->last = 0;
    }
    if (done < size && now - s->last < 0.1) // a terminal far away takes no more
        return;
    s->last = now;
    rate_text(s, done, size, now, text, sizeof text);
    int room = LINE - 4 - (int)strlen(text);
    say(SAY_ERR, "\r\033[K%.*s  %s", room, file, done < size ? text : size_text(size, text));
    s->open = done < size;
    if (!s->open)
        say(SAY_ERR, "\n");
}

static void show(void *context, const char *file, uint64_t done, uint64_t size)
{
    struct shown *s = context;
    char whole[SIZE_TEXT];
    if (s->quiet)
        return;
    if (s->terminal)
        show_progress(s, file, done, size);
    else if (done == size)
        say(SAY_ERR, "%s  %s\n", file, size_text(size, whole));
}

// A line of its own, below one that is begun.
static void end_line(struct shown *s)
{
    if (s->open)
        say(SAY_ERR, "\n");
    s->open = false;
}

static void show_space(void *context, uint64_t needed, uint64_t free)
{
    struct shown *s = context;
    char needs[SIZE_TEXT], has[SIZE_TEXT];
    if (!s->quiet)
        say(SAY_ERR, "%s: %s to fetch, %s free\n", s->id, size_text(needed, needs),
            size_text(free, has));
}

static void show_warning(void *context, const char *line)
{
    end_line(context);
    say(SAY_ERR, "warning: %s\n", line);
}

// Whether this program could run the weights: a look at config.json before gigabytes are fetched.
static bool accept(void *context, const char *snapshot, struct abl_err *err)
{
    const struct shown *s = context;
    struct model_shape shape;
    const struct arch *arch;
    struct owner_notes notes = { 0 };
    char *config = file_join(snapshot, "config.json");
    bool is_there = config && file_exists(config);
    free(config);
    // a GGUF file has its own
    bool ok = !is_there || config_read(snapshot, OWNER_TRANSFORMERS_5, &shape, &arch, &notes, err);
    owner_notes_release(&notes);
    return ok || abl_fail_in(err, "the weights of '%s' are not fetched, they cannot be run", s->id);
}

static bool is_gguf_name(const char *file)
{
    size_t n = strlen(file);
    return n > 5 && strcmp(file + n - 5, ".gguf") == 0 && !strchr(file, '/');
}

// "ID@REVISION:FILE" into its parts; the text is cut up.
static bool parse_name(char *text, const char *given, struct hub_job *j, struct abl_err *err)
{
    char *file = strchr(text, ':'), *at;
    if (file)
        *file++ = '\0';
    if ((at = strchr(text, '@')))
        *at++ = '\0';
    const char *alias = model_alias(text);
    j->id = alias ? alias : text;
    j->revision = at;
    j->file = file;
    if (hf_id_valid(j->id) && (!at || hf_revision_valid(at)) && (!file || is_gguf_name(file)))
        return true;
    return abl_fail(err, ABL_USAGE,
                    "bad model '%s' to pull: expected ID, ID@REVISION or ID:FILE.gguf, such as "
                    "openai-community/gpt2",
                    given);
}

static bool prepare(const struct cli *cli, struct hub_job *j, struct arena *a, struct abl_err *err)
{
    const char *given = cli->endpoint ? cli->endpoint : getenv("HF_ENDPOINT");
    const char *endpoint = given && *given ? given : "https://huggingface.co";
    size_t len = strlen(endpoint);
    while (len && endpoint[len - 1] == '/')
        len--;
    char *name = cli->args[0] ? arena_strdup(a, cli->args[0]) : NULL;
    if (!cli->args[0])
        return abl_fail(err, ABL_USAGE, "pull needs a model: 'abltui pull openai-community/gpt2'");
    if (is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE"))
        return abl_fail(err, ABL_USAGE, "%s is set: nothing is fetched; unset it first",
                        is_on("HF_HUB_OFFLINE") ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE");
    if (!cli->run.hf_cache)
        return abl_fail(err, ABL_USAGE, "no place for the cache: set HOME or HF_HOME");
    j->endpoint = arena_strndup(a, endpoint, len);
    j->token = is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? NULL : find_token(a);
    j->ca_file = variable("SSL_CERT_FILE");
    if (!j->ca_file)
        j->ca_file = variable("REQUESTS_CA_BUNDLE");
    j->least_rate = cli->min_rate;
    j->limit_s = cli->time_limit;
    if (!name || !j->endpoint)
        return abl_no_memory(err);
    j->root = cli->run.hf_cache;
    return check_endpoint(cli, j, err) && parse_name(name, cli->args[0], j, err);
}

bool command_pull(const struct cli *cli, struct abl_err *err)
{
    struct arena a = { 0 };
    struct shown s = { .terminal = isatty(STDERR_FILENO),
                       .quiet = cli->flags & CLI_QUIET,
                       .id = cli->args[0] };
    struct hub_job j = { .pause_ms = FIRST_PAUSE_MS,
                         .window_ms = WINDOW_MS,
                         .progress = show,
                         .space = show_space,
                         .warn = show_warning,
                         .accept = accept,
                         .context = &s,
                         .cancel = &stop_asked };
    const char *pause = getenv("ABLTUI_PULL_PAUSE_MS"), *window = getenv("ABLTUI_PULL_WINDOW_MS");
    char *snapshot = NULL;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (pause)
        j.pause_ms = (uint32_t)strtoul(pause, NULL, 10);
    if (window)
        j.window_ms = strtoul(window, NULL, 10);
    bool ok = prepare(cli, &j, &a, err) && hub_pull(&j, &snapshot, err);
    end_line(&s);
    if (ok)
        say(SAY_OUT, "%s\n", snapshot);
    free(snapshot);
    arena_release(&a);
    return ok;
}
