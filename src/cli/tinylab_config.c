#include "cli/tinylab_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/names.h"
#include "cli/tinylab_battery.h"
#include "cli/tinylab_model.h"
#include "experiments/experiments.h"
#include "report/doc.h"

// ----------------------------------------------------------------------------------- one condition

// The condition of ours that stands in for one of tinyLab's corpora.
static const char *stand_in(const char *id)
{
    static const char *const names[][2] = { { "facts", "facts" },
                                            { "negation", "negation" },
                                            { "counterfactual", "counterfactual" },
                                            { "logical", "logic" },
                                            { "logic", "logic" } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(id, names[i][0], strlen(names[i][0])) == 0)
            return names[i][1];
    return NULL;
}

static bool find_corpus(struct config_reader *r, const char *id, struct settings *s)
{
    static const char *const places[]
        = { "lab/data/corpora/%s.jsonl", "data/corpora/%s.jsonl", "%s.jsonl", "%s" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char name[1024];
        snprintf(name, sizeof name, "%s", places[i]);
        char *mark = strstr(name, "%s");
        char rest[64];
        snprintf(rest, sizeof rest, "%s", mark + 2);
        snprintf(mark, sizeof name - (size_t)(mark - name), "%s%s", id, rest);
        const char *path;
        if (!config_find(r, name, &path))
            return false;
        if (path && !file_is_dir(path)) {
            s->data = path;
            return true;
        }
    }
    const char *bundled = file_path(&r->config->arena, "%s/corpora/%s.jsonl", s->data_dir, id);
    const char *other = stand_in(id);
    if (!bundled)
        return abl_no_memory(r->err);
    if (file_exists(bundled)) {
        s->data = id;
        return true;
    }
    if (!other)
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': \"dataset.id\" is '%s': there is no lab/data/corpora/%s.jsonl or "
                        "data/corpora/%s.jsonl in this folder or above it",
                        r->path, id, id, id);
    s->data = other;
    return config_note(r, "'%s': the corpus '%s' is not here: '%s' of our own stands in for it",
                       r->path, id, other);
}

static bool read_dataset(struct config_reader *r, const cJSON *o, struct settings *s)
{
    const cJSON *data = config_get(r, o, "", "dataset", cJSON_IsObject, "object");
    if (r->failed)
        return false;
    const char *id = config_text(r, data, "dataset.", "id");
    const char *split = config_text(r, data, "dataset.", "split");
    s->fields = (struct data_fields){
        .names = { [DATA_CLEAN] = config_text(r, data, "dataset.", "clean_field"),
                   [DATA_CORRUPT] = config_text(r, data, "dataset.", "corrupt_field"),
                   [DATA_TARGET] = config_text(r, data, "dataset.", "target_field"),
                   [DATA_FOIL] = config_text(r, data, "dataset.", "foil_field") }
    };
    if (r->failed || !config_check_keys(r, data, "dataset."))
        return false;
    char splits[NAMES_SIZE];
    if (split && !split_parse(split, &s->split))
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': \"dataset.split\" is '%s': expected %s",
                        r->path, split,
                        names_join(split_name, SPLIT_TRAIN, ", ", " or ", splits, sizeof splits));
    if (!id)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': \"dataset.id\" is missing: expected a corpus",
                        r->path);
    return find_corpus(r, id, s);
}

static bool read_device(struct config_reader *r, const cJSON *o, struct settings *s)
{
    const char *device = config_text(r, o, "", "device");
    if (r->failed)
        return false;
    bool theirs = device && (strcmp(device, "mps") == 0 || strcmp(device, "cuda") == 0);
    bool given = s->device;
    if (!given)
        s->device = device && !theirs ? device : "auto";
    if (!device || strcmp(device, "auto") == 0 || strcmp(s->device, device) == 0)
        return true;
    return config_note(r, "'%s': \"device\" is %s: --device %s is used", r->path, device,
                       s->device);
}

static bool read_verify(struct config_reader *r, const cJSON *o, struct config_run *run)
{
    const cJSON *slice = config_get(r, o, "", "verify_slice", cJSON_IsObject, "object");
    if (!slice)
        return !r->failed;
    run->verify_rows
        = (size_t)config_whole(r, slice, "verify_slice.", "n_examples", 1, 1000000, 20);
    config_text(r, slice, "verify_slice.", "device");
    return !r->failed && config_check_keys(r, slice, "verify_slice.");
}

static bool read_profiling(struct config_reader *r, const cJSON *o, struct config_run *run)
{
    const cJSON *profiling = config_get(r, o, "", "profiling", cJSON_IsObject, "object");
    if (!profiling)
        return !r->failed;
    run->settings.profile = true;
    run->sample_seconds = config_number(r, profiling, "profiling.", "interval_s", 0.001, 86400,
                                        run->sample_seconds);
    return !r->failed && config_check_keys(r, profiling, "profiling.");
}

// What is no model, data or battery.
static bool read_rest(struct config_reader *r, const cJSON *o, struct config_run *run)
{
    struct settings *s = &run->settings;
    const char *span = config_text(r, o, "", "metric_span");
    uint64_t rows = config_whole(r, o, "", "rows", 1, 1u << 31, s->max_rows);
    uint64_t boot = config_whole(r, o, "", "boot", 10, 100000, r->standard.n_boot);
    const cJSON *safe = config_get(r, o, "", "csv_safe", cJSON_IsBool, "boolean");
    if (r->failed)
        return false;
    s->csv_safe = s->csv_safe || cJSON_IsTrue(safe);
    if (!s->max_rows)
        s->max_rows = (size_t)rows;
    if (!s->n_boot)
        s->n_boot = (uint32_t)boot;
    s->whole_answers = s->whole_answers || (span && strcmp(span, "first_token") != 0);
    return true;
}

enum { MAX_SEEDS = 64 };

// The seeds that a configuration names, in `out`; 0 where there is none. Returns how many, 0 after
// a failure.
static size_t read_seeds(struct config_reader *r, const cJSON *o, uint64_t out[MAX_SEEDS])
{
    const cJSON *list = config_get(r, o, "", "seeds", cJSON_IsArray, "list of numbers"), *item;
    const uint64_t most = 1ull << 53; // whole in a double
    size_t n = 0;
    out[0] = config_whole(r, o, "", "seed", 0, most, 0);
    if (r->failed)
        return 0;
    cJSON_ArrayForEach(item, list)
    {
        bool whole = cJSON_IsNumber(item) && item->valuedouble >= 0
                     && item->valuedouble <= (double)most
                     && item->valuedouble == (double)(uint64_t)item->valuedouble;
        if (!whole || n == MAX_SEEDS) {
            abl_fail(r->err, ABL_BAD_DATA,
                     "'%s': \"seeds\"[%zu]: expected whole numbers from 0 on, %d at most", r->path,
                     n, MAX_SEEDS);
            return 0;
        }
        out[n++] = (uint64_t)item->valuedouble;
    }
    return n ? n : 1;
}

// Tags name folders beside what the joint run writes itself.
static bool check_tag(struct config_reader *r, const char *tag)
{
    static const char *const taken[] = { "config.json", "manifest.json", "artifacts" };
    bool ok = *tag && *tag != '.' && strlen(tag) <= 100;
    for (const unsigned char *c = (const unsigned char *)tag; *c; c++)
        ok = ok && *c != '/' && *c != '\\' && *c >= 0x20 && *c != 0x7f;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        ok = ok && strcmp(tag, taken[i]) != 0;
    return ok
           || abl_fail(r->err, ABL_BAD_DATA,
                       "'%s': the tag '%.120s' names no folder: expected a name without '/' that "
                       "begins with no '.' and is none of config.json, manifest.json and artifacts",
                       r->path, tag);
}

static bool add_run(struct config_reader *r, const struct config_run *run, const char *tag)
{
    struct tinylab_config *c = r->config;
    if (c->n == CONFIG_MAX_RUNS)
        return abl_fail(r->err, ABL_USAGE, "'%s': more than %d runs", r->path, CONFIG_MAX_RUNS);
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->runs[i].tag, tag) == 0)
            return abl_fail(r->err, ABL_BAD_DATA, "'%s': two conditions are called '%s'", r->path,
                            tag);
    c->runs[c->n] = *run;
    c->runs[c->n].tag = tag;
    c->runs[c->n].settings.condition = tag;
    c->n++;
    return true;
}

static const char *tag_of_run(struct config_reader *r, const char *tag, const struct battery *b,
                              size_t scale)
{
    return b->n_scales > 1
               ? arena_printf(&r->config->arena, "%s-scale%g", tag, (double)b->scales[scale])
               : tag;
}

// "random:K@SEED+SEED…": whatever any seed draws is run once.
static const char *random_heads(struct config_reader *r, const struct battery *b,
                                const uint64_t *seeds, size_t n)
{
    struct buf text = { 0 };
    buf_printf(&text, "random:%u", (unsigned)b->n_random);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%c%llu", i ? '+' : '@', (unsigned long long)seeds[i]);
    const char *kept = text.failed ? NULL : arena_strdup(&r->config->arena, text.data);
    buf_release(&text);
    return kept;
}

// A run for each scale. What is ablated is the same whatever the seed, so that one run has all of
// them: the heads that any seed draws, the rest once.
static bool add_runs(struct config_reader *r, const cJSON *o, const char *tag,
                     const struct config_run *run, const struct battery *b)
{
    uint64_t seeds[MAX_SEEDS];
    size_t n = read_seeds(r, o, seeds);
    if (!n)
        return false;
    const char *heads = b->n_random ? random_heads(r, b, seeds, n) : run->settings.heads;
    if (b->n_random && !heads)
        return abl_no_memory(r->err);
    if (n > 1 && !b->n_random
        && !config_note(r,
                        "'%s': nothing is drawn here but resamples and controls: run once, with "
                        "seed %llu, not for each of %zu seeds",
                        r->path, (unsigned long long)seeds[0], n))
        return false;
    for (size_t i = 0; i < b->n_scales; i++) {
        struct config_run one = *run;
        struct settings *s = &one.settings;
        s->seed = seeds[0];
        s->run_file = (struct run_file){ r->config->text, r->config->joint ? tag : NULL, b->text };
        s->ablation.scale = b->scales[i];
        s->heads = heads;
        const char *name = tag_of_run(r, tag, b, i);
        if (!name)
            return abl_no_memory(r->err);
        if (!add_run(r, &one, name))
            return false;
    }
    return true;
}

// Not every experiment scores whole answers, patches only of every position; of sets tinyLab read
// the first tokens, whatever it was asked for.
static bool check_span(struct config_reader *r, struct settings *s)
{
    bool patches_some = s->experiment->options & READS_PATCH && strcmp(s->positions, "all") != 0;
    bool theirs = conventions_of(s->compat)->sequences && s->experiment->options & READS_SETS;
    bool scored = s->experiment->traits & SCORES_ANSWERS && !patches_some && !theirs;
    if (!s->whole_answers || scored)
        return true;
    s->whole_answers = false;
    return config_note(r,
                       "'%s': \"metric_span\" asks for whole answers: this battery is scored by "
                       "their first token",
                       r->path);
}

// One condition, merged; overrides of its battery may be NULL.
static bool read_condition(struct config_reader *r, const cJSON *o, const char *tag,
                           const char *battery, const cJSON *overrides)
{
    struct config_run run = { .settings = *r->options };
    struct battery b;
    return config_check_keys(r, o, "") && tinylab_model_read(r, o, &run.settings)
           && read_dataset(r, o, &run.settings) && read_device(r, o, &run.settings)
           && read_verify(r, o, &run) && read_profiling(r, o, &run) && read_rest(r, o, &run)
           && battery_read(r, battery, overrides, &run.settings, &b) && check_span(r, &run.settings)
           && add_runs(r, o, tag, &run, &b);
}

// ------------------------------------------------------------------------------------------ shapes

// The others go on without a condition that cannot be run.
static bool add_failed(struct config_reader *r, const char *tag)
{
    struct abl_err *failed = arena_alloc(&r->config->arena, 1, sizeof *failed);
    if (!failed || r->err->code == ABL_FAILED)
        return failed || abl_no_memory(r->err);
    *failed = *r->err;
    r->failed = false;
    return add_run(r, &(struct config_run){ .failed = failed }, tag);
}

static bool read_member(struct config_reader *r, const cJSON *shared, const cJSON *condition,
                        const char *battery, size_t number)
{
    if (!cJSON_IsObject(condition))
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': \"conditions\"[%zu] is no object", r->path,
                        number);
    const char *tag = config_text(r, condition, "conditions[].", "tag");
    const char *own = config_text(r, condition, "conditions[].", "battery");
    const cJSON *overrides
        = config_get(r, condition, "conditions[].", "battery_overrides", cJSON_IsObject, "object");
    if (r->failed)
        return false;
    if (!tag)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': \"conditions\"[%zu] has no \"tag\"", r->path,
                        number);
    if (!check_tag(r, tag))
        return false;
    cJSON *merged = shared ? cJSON_Duplicate(shared, true) : cJSON_CreateObject();
    bool made = (merged && doc_merge(merged, condition)) || abl_no_memory(r->err);
    bool ok = made && read_condition(r, merged, tag, own ? own : battery, overrides);
    cJSON_Delete(merged);
    return ok || (made && add_failed(r, tag));
}

// What stands beside `shared` and `conditions` reaches no condition.
static bool note_stray(struct config_reader *r, const cJSON *root)
{
    static const char *const meant[] = { "run_name", "battery", "shared", "conditions" };
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        bool is_meant = item->string[0] == '_';
        for (size_t i = 0; i < sizeof meant / sizeof *meant; i++)
            is_meant = is_meant || strcmp(item->string, meant[i]) == 0;
        if (!is_meant
            && !config_note(r,
                            "'%s': \"%s\" stands beside \"shared\" and reaches no condition: it "
                            "is ignored",
                            r->path, item->string))
            return false;
    }
    return true;
}

static bool read_several(struct config_reader *r, const cJSON *root, const cJSON *conditions)
{
    const cJSON *shared = config_get(r, root, "", "shared", cJSON_IsObject, "object"), *item;
    const char *battery = config_text(r, root, "", "battery");
    size_t number = 0;
    if (r->failed || !note_stray(r, root))
        return false;
    if (!cJSON_GetArraySize(conditions))
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': \"conditions\" is empty", r->path);
    r->config->joint = true;
    cJSON_ArrayForEach(
        item, conditions) if (!read_member(r, shared, item, battery, number++)) return false;
    return true;
}

static const char *base_name(struct config_reader *r)
{
    const char *slash = strrchr(r->path, '/'), *base = slash ? slash + 1 : r->path;
    const char *dot = strrchr(base, '.');
    return arena_strndup(&r->config->arena, base,
                         dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static bool read_root(struct config_reader *r, const cJSON *root)
{
    struct tinylab_config *c = r->config;
    const cJSON *conditions = config_get(r, root, "", "conditions", cJSON_IsArray, "list");
    c->name = config_text(r, root, "", "run_name");
    c->runs = arena_alloc(&c->arena, CONFIG_MAX_RUNS, sizeof *c->runs);
    if (r->failed)
        return false;
    if (!c->name)
        c->name = base_name(r);
    if (!c->name || !c->runs)
        return abl_no_memory(r->err);
    if (conditions)
        return read_several(r, root, conditions);
    if (cJSON_GetObjectItemCaseSensitive(root, "shared")
        && !config_note(r, "'%s': \"shared\" without \"conditions\" is ignored", r->path))
        return false;
    const char *battery = config_text(r, root, "", "battery");
    const cJSON *overrides = config_get(r, root, "", "battery_overrides", cJSON_IsObject, "object");
    return !r->failed && read_condition(r, root, c->name, battery, overrides);
}

bool tinylab_config_read(const char *path, const struct settings *options,
                         struct tinylab_config *out, struct abl_err *err)
{
    *out = (struct tinylab_config){ 0 };
    struct config_reader r = { .path = path, .options = options, .config = out, .err = err };
    settings_default(&r.standard, experiments[0]);
    const char *ready = NULL;
    if (!file_exists(path) && !config_ready(&r, path, &ready))
        return false;
    if (ready)
        r.path = ready;
    cJSON *root = config_parse(&r, r.path, &out->text);
    if (!root)
        return false;
    bool ok = sha256_bytes(out->text, strlen(out->text), out->hash, err) && read_root(&r, root);
    cJSON_Delete(root);
    // A single run is called by its condition's file, and its folder by run_name.
    for (size_t i = 0; ok && i < out->n; i++) {
        out->runs[i].settings.run_name = out->name;
        if (out->n == 1 && !out->joint)
            out->runs[i].settings.condition = NULL;
    }
    return ok;
}

void tinylab_config_release(struct tinylab_config *c)
{
    arena_release(&c->arena);
    *c = (struct tinylab_config){ 0 };
}
