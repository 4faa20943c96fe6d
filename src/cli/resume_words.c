#include "cli/resume_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "cli/option_table.h"
#include "report/rundir_place.h"
#include "report/run_journals.h"

// A command line being put together.
struct words {
    char **items;
    size_t n, cap;
    struct arena *arena;
    struct abl_err *err;
};

static bool add(struct words *w, const char *word)
{
    if (w->n + 1 < w->cap && (w->items[w->n] = arena_strdup(w->arena, word))) {
        w->n++;
        return true;
    }
    return abl_no_memory(w->err);
}

// The option that a word begins; NULL: none. *takes_next: its value is the next word.
static const struct option *option_of(const char *word, bool *takes_next)
{
    bool quiet = strcmp(word, "-q") == 0;
    size_t len = strcspn(word, "=");
    *takes_next = false;
    if (!quiet && (strncmp(word, "--", 2) != 0 || len < 3))
        return NULL;
    const char *name = quiet ? "quiet" : word + 2;
    size_t name_len = quiet ? strlen(name) : len - 2;
    for (size_t i = 0; i < n_cli_options; i++) {
        const struct option *o = &cli_options[i];
        if (strlen(o->name) != name_len || strncmp(o->name, name, name_len) != 0)
            continue;
        *takes_next = o->value && !word[len];
        return o;
    }
    return NULL;
}

static bool is_said(const struct run_words *now, const struct option *o)
{
    for (size_t i = 0; i < now->n; i++) {
        bool takes_next;
        if (option_of(now->items[i], &takes_next) == o)
            return true;
        i += takes_next;
    }
    return false;
}

// Whether a folder, as it was named then, is the run's or the one that the run is a part of.
static bool is_place_of(const char *named, const char *run)
{
    char *path = realpath(named, NULL);
    size_t len = path ? strlen(path) : 0;
    bool is = path && strncmp(path, run, len) == 0 && (!run[len] || run[len] == '/');
    free(path);
    return is;
}

// A word that a journal keeps, with the value that is the next one (NULL: none).
struct kept_word {
    const char *word, *next;
    const struct option *option; // that it begins; NULL: none
};

// The word at *at, which goes on behind it; false at the end.
static bool next_word(const cJSON **at, struct kept_word *out)
{
    bool takes_next;
    while (*at && !cJSON_IsString(*at))
        *at = (*at)->next;
    if (!*at)
        return false;
    *out = (struct kept_word){ .word = (*at)->valuestring };
    out->option = option_of(out->word, &takes_next);
    *at = (*at)->next;
    if (takes_next && *at) {
        out->next = cJSON_IsString(*at) ? (*at)->valuestring : "";
        *at = (*at)->next;
    }
    return true;
}

static bool add_kept(struct words *w, const struct kept_word *k)
{
    return add(w, k->word) && (!k->next || add(w, k->next));
}

static const char *value_of(const struct kept_word *k)
{
    const char *equals = strchr(k->word, '=');
    return k->next ? k->next : equals ? equals + 1 : "";
}

// Whether it was for that time alone: a limit that has ended a run would end it again.
static bool is_passing(const struct option *o)
{
    return o && strcmp(o->name, "stop-after") == 0;
}

// What was said then, but for how it was run where that is said now.
static bool add_then(struct words *w, const cJSON *list, const struct run_words *now,
                     const char *run, bool *has_place)
{
    struct kept_word k;
    for (const cJSON *at = list->child; next_word(&at, &k);) {
        bool is_place = k.option && strcmp(k.option->name, "export") == 0;
        bool stays = !k.option || !k.option->is_manner
                     || (!is_passing(k.option) && !is_said(now, k.option));
        if (is_place)
            stays = *has_place = is_place_of(value_of(&k), run);
        if (stays && !add_kept(w, &k))
            return false;
    }
    return true;
}

static bool add_now(struct words *w, const struct run_words *now, const char *run, bool has_place)
{
    for (size_t i = 0; i < now->n; i++) {
        bool takes_next;
        const struct option *o = option_of(now->items[i], &takes_next);
        bool is_place = o && strcmp(o->name, "export") == 0;
        if (!is_place && (!add(w, now->items[i]) || (takes_next && !add(w, now->items[i + 1]))))
            return false;
        i += takes_next;
    }
    return has_place || (add(w, "--export") && add(w, run));
}

// Room for a command line out of a journal, in the folder where it was given; its list.
static const cJSON *begin(struct words *w, const cJSON *head, size_t n_more, const char *run)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(head, "arguments");
    const cJSON *folder = cJSON_GetObjectItemCaseSensitive(head, "folder");
    if (!cJSON_IsArray(list) || !cJSON_IsString(folder)) {
        abl_fail(w->err, ABL_BAD_DATA, "the journal in '%s' names no command line", run);
        return NULL;
    }
    w->cap = (size_t)cJSON_GetArraySize(list) + n_more + 4;
    w->items = arena_alloc(w->arena, w->cap, sizeof *w->items);
    if (!w->items) {
        abl_no_memory(w->err);
        return NULL;
    }
    if (chdir(folder->valuestring) == 0)
        return list;
    abl_fail(w->err, ABL_USAGE, "'%s' was begun in folder '%s': %s", run, folder->valuestring,
             strerror(errno));
    return NULL;
}

static bool join(struct words *w, const cJSON *head, const struct cli *cli, const char *program,
                 const char *run)
{
    bool has_place = false;
    const cJSON *list = begin(w, head, cli->words.n, run);
    return list && add(w, program) && add_then(w, list, &cli->words, run, &has_place)
           && add_now(w, &cli->words, run, has_place);
}

bool journal_words(const cJSON *head, const char *place, const char *program, int *argc,
                   char ***argv, struct arena *a, struct abl_err *err)
{
    struct words w = { .arena = a, .err = err };
    struct kept_word k;
    const cJSON *list = begin(&w, head, 0, place);
    bool ok = list && add(&w, program);
    for (const cJSON *at = ok ? list->child : NULL; ok && next_word(&at, &k);)
        if (!k.option || !k.option->is_manner)
            ok = add_kept(&w, &k);
    if (ok) {
        w.items[w.n] = NULL;
        *argc = (int)w.n;
        *argv = w.items;
    }
    return ok;
}

// The journals in a folder, or of a run over several conditions in the first below it that has any.
static bool find_journals(const char *run, struct run_journals *out, struct abl_err *err)
{
    struct names names = { 0 };
    int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder >= 0 && run_journals_read(folder, run, out, err);
    if (folder >= 0)
        close(folder);
    ok = ok && (out->n || folder_names(run, NULL, &names, err));
    for (size_t i = 0; ok && !out->n && i < names.n; i++) {
        char *inner = file_join(run, names.items[i]);
        folder = inner ? open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (folder >= 0) {
            run_journals_release(out);
            ok = run_journals_read(folder, inner, out, err);
            close(folder);
        }
        free(inner);
    }
    names_release(&names);
    return ok;
}

bool resume_words(const struct cli *cli, int *argc, char ***argv, struct arena *a, bool *whole,
                  struct abl_err *err)
{
    struct words w = { .arena = a, .err = err };
    struct run_journals journals = { 0 };
    char *run = realpath(cli->export_dir, NULL);
    if (!run)
        return abl_fail(err, ABL_USAGE,
                        "'%s': %s: there is no run to go on with; name its options together with "
                        "--resume to begin it",
                        cli->export_dir, strerror(errno));
    *whole = file_is_regular_in(run, manifest_name);
    bool ok = *whole || find_journals(run, &journals, err);
    const cJSON *head = NULL;
    for (size_t i = 0; ok && !head && i < journals.n; i++)
        head = journals.items[i].head;
    if (ok && !*whole && !head)
        ok = abl_fail(err, ABL_USAGE,
                      "'%s' holds no run to go on with: name its options together with --resume to "
                      "begin it",
                      cli->export_dir);
    if (ok && !*whole && (ok = join(&w, head, cli, (*argv)[0], run))) {
        w.items[w.n] = NULL;
        *argc = (int)w.n;
        *argv = w.items;
    }
    run_journals_release(&journals);
    free(run);
    return ok;
}
