// Fetching a checkpoint into the Hugging Face cache.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "format/hf_cache.h"
#include "format/hub.h"
#include "model/model.h"

enum { FIRST_PAUSE_MS = 500, MAX_TOKEN = 4096 };

static atomic_bool stop_asked;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stop_asked, true);
}

static bool is_set(const char *name)
{
    const char *v = getenv(name);
    return v && *v && strcmp(v, "0") != 0;
}

static const char *first_line(struct arena *a, const char *path)
{
    struct file_bytes bytes;
    struct abl_err ignored;
    if (!path || !file_exists(path) || !file_read(path, MAX_TOKEN, &bytes, ABL_FAILED, &ignored))
        return NULL;
    size_t len = strcspn(bytes.data, " \t\r\n");
    const char *line = len ? arena_strndup(a, bytes.data, len) : NULL;
    file_bytes_release(&bytes);
    return line;
}

// HF_TOKEN, the file that HF_TOKEN_PATH names, or the one where `hf auth login` leaves it.
static const char *find_token(struct arena *a)
{
    const char *token = getenv("HF_TOKEN"), *path = getenv("HF_TOKEN_PATH");
    const char *hf_home = getenv("HF_HOME"), *cache = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    if (token && *token)
        return arena_strdup(a, token);
    if (path && *path)
        return first_line(a, path);
    if (hf_home && *hf_home)
        return first_line(a, arena_printf(a, "%s/token", hf_home));
    if (cache && *cache)
        return first_line(a, arena_printf(a, "%s/huggingface/token", cache));
    return home && *home ? first_line(a, arena_printf(a, "%s/.cache/huggingface/token", home))
                         : NULL;
}

// A token must not travel in the clear, except where somebody says so or it stays on this machine.
static bool check_endpoint(const char *url, bool explicit, struct abl_err *err)
{
    bool https = strncmp(url, "https://", 8) == 0, http = strncmp(url, "http://", 7) == 0;
    const char *host = http ? url + 7 : url;
    bool local = http
                 && (strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0
                     || strncmp(host, "[::1]", 5) == 0);
    if (https || (http && (explicit || local)))
        return true;
    return abl_fail(
        err, ABL_USAGE,
        "bad endpoint '%s': expected an https:// address (http:// only with --endpoint or "
        "on this machine)",
        url);
}

struct shown {
    bool terminal, quiet;
};

static void show(void *context, const char *file, uint64_t done, uint64_t size)
{
    struct shown *s = context;
    char have[SIZE_TEXT], whole[SIZE_TEXT];
    if (s->quiet || (!s->terminal && done < size))
        return;
    if (s->terminal)
        fprintf(stderr, "\r\033[K%s  %s of %s", file, size_text(done, have),
                size_text(size, whole));
    else
        fprintf(stderr, "%s  %s", file, size_text(size, whole));
    if (done == size)
        fputc('\n', stderr);
}

// "ID@REVISION:FILE" into its parts; the text is cut up.
static bool parse_name(char *text, struct hub_job *j, struct abl_err *err)
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
    bool safe = !at
                || (*at && !strstr(at, "..")
                    && strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
                                  "KLMNOPQRSTUVWXYZ0123456789._-/")
                           == strlen(at));
    if (hf_id_valid(j->id) && safe && (!file || (*file && !strchr(file, '/'))))
        return true;
    return abl_fail(err, ABL_USAGE,
                    "bad model '%s' to pull: expected ID, ID@REVISION or ID:FILE.gguf, such as "
                    "openai-community/gpt2",
                    text);
}

static bool prepare(const struct cli *cli, struct hub_job *j, struct arena *a, struct abl_err *err)
{
    const char *given = cli->endpoint ? cli->endpoint : getenv("HF_ENDPOINT");
    const char *endpoint = given && *given ? given : "https://huggingface.co";
    size_t len = strlen(endpoint);
    while (len && endpoint[len - 1] == '/')
        len--;
    char *name = cli->data_arg ? arena_strdup(a, cli->data_arg) : NULL;
    if (!cli->data_arg)
        return abl_fail(err, ABL_USAGE, "pull needs a model: 'abltui pull openai-community/gpt2'");
    if (is_set("HF_HUB_OFFLINE"))
        return abl_fail(err, ABL_USAGE,
                        "HF_HUB_OFFLINE is set: nothing is fetched; unset it first");
    if (!cli->run.hf_cache)
        return abl_fail(err, ABL_USAGE, "no place for the cache: set HOME or HF_HOME");
    j->endpoint = arena_strndup(a, endpoint, len);
    j->token = find_token(a);
    if (!name || !j->endpoint)
        return abl_no_memory(err);
    j->root = cli->run.hf_cache;
    return check_endpoint(j->endpoint, cli->endpoint != NULL, err) && parse_name(name, j, err);
}

bool command_pull(const struct cli *cli, struct abl_err *err)
{
    struct arena a = { 0 };
    struct shown s = { isatty(STDERR_FILENO), cli->flags & CLI_QUIET };
    struct hub_job j
        = { .pause_ms = FIRST_PAUSE_MS, .progress = show, .context = &s, .cancel = &stop_asked };
    const char *pause = getenv("ABLTUI_PULL_PAUSE_MS");
    char *snapshot = NULL;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (pause)
        j.pause_ms = (uint32_t)strtoul(pause, NULL, 10);
    bool ok = prepare(cli, &j, &a, err) && hub_pull(&j, &snapshot, err);
    if (ok)
        printf("%s\n", snapshot);
    free(snapshot);
    arena_release(&a);
    return ok;
}
