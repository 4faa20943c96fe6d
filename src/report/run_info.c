#include "report/run_info.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json_tree.h"
#include "report/rundir_place.h"

enum { JSON_MAX = 64 << 20 };

static const double most_cells = 0x1p53; // whole numbers that a double tells apart

const char *run_state_name(size_t state)
{
    static const char *const names[] = { [RUN_STATE_COMPLETE] = "complete",
                                         [RUN_STATE_RUNNING] = "running",
                                         [RUN_STATE_INCOMPLETE] = "incomplete",
                                         [RUN_STATE_PARTIAL] = "partial",
                                         [RUN_STATE_UNREADABLE] = "unreadable" };
    return state < N_RUN_STATES ? names[state] : NULL;
}

// What is read of a run, one after the other.
struct look {
    struct arena *a;
    struct run_info *out;
    struct abl_err *err;
};

static bool keep(const struct look *l, const cJSON *o, const char *key, const char **to)
{
    *to = arena_strdup(l->a, json_tree_text(o, key, ""));
    return *to || abl_no_memory(l->err);
}

// A document of the run; NULL with err filled.
static cJSON *read_document(const struct look *l, const char *name)
{
    const char *path = file_path(l->a, "%s/%s", l->out->place, name);
    if (path)
        return json_tree_read(path, JSON_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, l->err);
    abl_no_memory(l->err);
    return NULL;
}

static bool has(const struct look *l, const char *name)
{
    return file_is_regular_in(l->out->place, name);
}

// -------------------------------------------------------------------------------------- what it is

// A joint run is named by all of its conditions, and by the first one's model.
static bool take_joint(const struct look *l, const cJSON *conditions)
{
    const cJSON *item;
    const char *all = "";
    l->out->joint = true;
    cJSON_ArrayForEach(item, conditions)
    {
        all = arena_printf(l->a, "%s%s%s", all, *all ? "," : "", item->string);
        if (!all)
            return abl_no_memory(l->err);
    }
    const cJSON *first = conditions->child;
    bool ok = keep(l, first, "model", &l->out->model)
              && keep(l, first, "experiment", &l->out->experiment)
              && keep(l, first, "ablate", &l->out->ablate)
              && keep(l, first, "split", &l->out->split);
    l->out->condition = all;
    return ok;
}

static bool take_config(const struct look *l, const cJSON *config)
{
    const cJSON *conditions = cJSON_GetObjectItemCaseSensitive(config, "conditions");
    if (cJSON_IsObject(conditions))
        return take_joint(l, conditions);
    return keep(l, config, "model", &l->out->model) && keep(l, config, "data", &l->out->condition)
           && keep(l, config, "experiment", &l->out->experiment)
           && keep(l, config, "ablate", &l->out->ablate)
           && keep(l, config, "split", &l->out->split);
}

// Whether a configuration is one of ours: tinyLab's runs have files of that name, too.
static bool is_ours(const cJSON *config)
{
    const char *schema = json_tree_text(config, "schema", "");
    return strcmp(schema, "abltui.config/1") == 0 || strcmp(schema, "abltui.cross_config/1") == 0;
}

// A time as provenance.json has it; nothing else is taken for one.
static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return !text[sizeof form - 1];
}

// A run over several conditions has no provenance of its own.
static bool take_started(const struct look *l)
{
    if (!has(l, "provenance.json"))
        return true;
    cJSON *provenance = read_document(l, "provenance.json");
    bool ok = provenance && keep(l, provenance, "started", &l->out->started);
    if (ok && !is_time(l->out->started))
        l->out->started = "";
    cJSON_Delete(provenance);
    return ok;
}

// ----------------------------------------------------------------------------------- how far it is

static bool take_count(const struct look *l, const cJSON *summary, const char *key, double *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(summary, key);
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= UINT32_MAX
        && item->valuedouble == floor(item->valuedouble)) {
        *out = item->valuedouble;
        return true;
    }
    return abl_fail(l->err, ABL_BAD_DATA,
                    "'%s/metrics/summary.json': \"%s\" is %s: expected a whole number",
                    l->out->place, key, item ? "something else" : "missing");
}

static bool count_whole(const struct look *l)
{
    double n = 0, done = 0, rows = 0;
    cJSON *summary = read_document(l, "metrics/summary.json");
    bool ok = summary && take_count(l, summary, "n_variants", &n)
              && take_count(l, summary, "n_done", &done) && take_count(l, summary, "n_rows", &rows);
    cJSON_Delete(summary);
    if (ok && (n * rows > most_cells || done > n))
        ok = abl_fail(l->err, ABL_BAD_DATA,
                      "'%s/metrics/summary.json' says %.0f of %.0f variants of %.0f rows: no run "
                      "has these",
                      l->out->place, done, n, rows);
    if (ok) {
        l->out->done = (uint64_t)(done * rows);
        l->out->all = (uint64_t)(n * rows);
    }
    return ok;
}

// A partial run stays as it is.
static bool take_manifest(const struct look *l)
{
    cJSON *manifest = read_document(l, manifest_name);
    bool ok = manifest && (l->out->joint || count_whole(l));
    if (ok)
        l->out->state = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(manifest, "partial"))
                            ? RUN_STATE_PARTIAL
                            : RUN_STATE_COMPLETE;
    cJSON_Delete(manifest);
    return ok;
}

static bool take_journals(const struct look *l, int folder, const struct run_journals *j)
{
    struct run_progress p;
    if (!run_journals_count(folder, l->out->place, j, &p, l->err))
        return false;
    l->out->state = RUN_STATE_INCOMPLETE;
    l->out->done = p.done;
    l->out->all = p.all;
    for (size_t i = 0; i < j->n; i++) {
        l->out->n_shards += j->items[i].part.n > 0;
        if (j->items[i].is_open)
            l->out->state = RUN_STATE_RUNNING;
    }
    return true;
}

// A run that is under way says what it is in its journals, before anything else is there.
static const cJSON *config_of_journals(const struct run_journals *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(j->items[i].head, "config");
        if (config)
            return config;
    }
    return NULL;
}

// ------------------------------------------------------------------------------------------- whole

static bool look_at_whole(const struct look *l, bool *is_run)
{
    cJSON *config = read_document(l, "config.json");
    bool ok = config;
    *is_run = !config || is_ours(config);
    if (config && *is_run)
        ok = take_config(l, config) && take_manifest(l) && take_started(l);
    cJSON_Delete(config);
    return ok;
}

// Journals, or a configuration of ours and nothing else yet.
static bool look_at_begun(const struct look *l, bool *is_run)
{
    struct run_journals j = { 0 };
    int folder = open(l->out->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder < 0 || run_journals_read(folder, l->out->place, &j, l->err);
    cJSON *config = NULL;
    *is_run = !ok || j.n;
    if (ok && has(l, "config.json")) {
        config = read_document(l, "config.json");
        ok = config || !j.n;
        *is_run = j.n || (config && is_ours(config));
    }
    const cJSON *said = config && is_ours(config) ? config : config_of_journals(&j);
    if (ok && *is_run)
        ok = take_config(l, said) && take_journals(l, folder, &j) && take_started(l);
    cJSON_Delete(config);
    run_journals_release(&j);
    if (folder >= 0)
        close(folder);
    return ok;
}

bool run_info_read(const char *place, struct arena *a, struct run_info *out, bool *is_run,
                   struct abl_err *err)
{
    struct abl_err why = { 0 };
    *is_run = false;
    *out = (struct run_info){ .place = arena_strdup(a, place),
                              .state = RUN_STATE_UNREADABLE,
                              .model = "",
                              .condition = "",
                              .experiment = "",
                              .ablate = "",
                              .split = "",
                              .started = "" };
    if (!out->place)
        return abl_no_memory(err);
    struct look l = { .a = a, .out = out, .err = &why };
    if (has(&l, manifest_name) && has(&l, "config.json") ? look_at_whole(&l, is_run)
                                                         : look_at_begun(&l, is_run))
        return true;
    out->state = RUN_STATE_UNREADABLE;
    out->why = why;
    return true;
}

// What goes on with it.
static const char *remedy(const struct run_info *run)
{
    if (run->state == RUN_STATE_RUNNING)
        return "a process writes it: wait for it";
    return run->n_shards ? "run the shards that are missing, then 'abltui merge' joins them"
                         : "--resume goes on with it";
}

static bool is_incomplete(const struct run_info *run)
{
    return run->state == RUN_STATE_INCOMPLETE || run->state == RUN_STATE_RUNNING;
}

// Conditions that lie in a folder which is no run yet: the first that is incomplete.
static bool find_incomplete(const char *place, struct arena *a, struct run_info *out,
                            struct abl_err *err)
{
    struct names names = { 0 };
    bool is_run, ok = folder_names(place, file_is_dir_in, &names, err);
    for (size_t i = 0; ok && i < names.n && !is_incomplete(out); i++) {
        const char *inner = file_path(a, "%s/%s", place, names.items[i]);
        ok = inner ? run_info_read(inner, a, out, &is_run, err) : abl_no_memory(err);
        if (ok && !is_run)
            out->state = RUN_STATE_UNREADABLE;
    }
    names_release(&names);
    return ok;
}

bool run_is_not_incomplete(const char *place, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct run_info run;
    bool is_run, ok = run_info_read(place, &scratch, &run, &is_run, err);
    if (ok && !is_run && !file_exists_in(place, "config.json"))
        ok = find_incomplete(place, &scratch, &run, err);
    if (ok && is_incomplete(&run) && run.all)
        ok = abl_fail(err, ABL_BAD_DATA, "'%s' is incomplete, %" PRIu64 " of %" PRIu64 " cells: %s",
                      run.place, run.done, run.all, remedy(&run));
    arena_release(&scratch);
    return ok;
}
