#include "cli/lab_config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "cli/lab_battery.h"

enum { JSON_MAX = 4 << 20 };

bool config_note(struct config_reader *r, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < r->config->n_notes; i++)
        if (strcmp(r->config->notes[i], text) == 0)
            return true;
    if (r->config->n_notes == CONFIG_MAX_NOTES)
        return true;
    const char *kept = arena_strdup(&r->config->arena, text);
    if (!kept)
        return abl_no_memory(r->err);
    r->config->notes[r->config->n_notes++] = kept;
    return true;
}

cJSON *config_parse(struct config_reader *r, const char *path)
{
    struct file_bytes bytes;
    if (!file_read(path, JSON_MAX, &bytes, ABL_BAD_DATA, r->err))
        return NULL;
    const char *end = NULL;
    size_t bom = bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    cJSON *parsed = cJSON_ParseWithLengthOpts(bytes.data + bom, bytes.size - bom, &end, false);
    if (!parsed || !cJSON_IsObject(parsed)) {
        abl_fail(r->err, ABL_BAD_DATA, "'%s': %s byte %zu: expected a JSON object", path,
                 parsed ? "no object at" : "no JSON from", end ? (size_t)(end - bytes.data) : 0);
        cJSON_Delete(parsed);
        parsed = NULL;
    }
    file_bytes_release(&bytes);
    return parsed;
}

// A key of an object, NULL where it is missing or null. Another type sets r->failed and err.
static const cJSON *config_get(struct config_reader *r, const cJSON *o, const char *place,
                               const char *key, cJSON_bool (*is)(const cJSON *),
                               const char *expected)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!item || cJSON_IsNull(item) || is(item))
        return item && !cJSON_IsNull(item) ? item : NULL;
    r->failed = true;
    abl_fail(r->err, ABL_BAD_DATA, "'%s': \"%s%s\" is no %s", r->path, place, key, expected);
    return NULL;
}

static const char *config_text(struct config_reader *r, const cJSON *o, const char *place,
                               const char *key)
{
    const cJSON *item = config_get(r, o, place, key, cJSON_IsString, "string");
    const char *text = item ? arena_strdup(&r->config->arena, item->valuestring) : NULL;
    if (item && !text) {
        r->failed = true;
        abl_no_memory(r->err);
    }
    return text;
}

// -------------------------------------------------------------------------------------------------- places

// The file that a path in the configuration means: as it stands, else from the configuration's folder or one above it.
const char *config_find(struct config_reader *r, const char *name)
{
    const char *slash = strrchr(r->path, '/');
    size_t len = slash ? (size_t)(slash - r->path) : 0;
    if (*name == '/' || (!slash && file_exists(name)))
        return file_exists(name) ? name : NULL;
    for (;;) {
        const char *path = len ? arena_printf(&r->config->arena, "%.*s/%s", (int)len, r->path, name)
                               : arena_strdup(&r->config->arena, name);
        if (path && file_exists(path))
            return path;
        if (!len)
            return NULL;
        do
            len--;
        while (len && r->path[len] != '/');
    }
}

// ---------------------------------------------------------------------------------------------------- keys

struct known_key {
    const char *place, *key;
    const char *why; // it has no meaning here; NULL: it is used
};

static const struct known_key known_keys[] = {
    { "", "run_name", NULL },
    { "", "seeds", NULL },
    { "", "seed", NULL },
    { "", "device", NULL },
    { "", "model", NULL },
    { "", "dataset", NULL },
    { "", "battery", NULL },
    { "", "battery_overrides", NULL },
    { "", "shared", NULL },
    { "", "conditions", NULL },
    { "", "tag", NULL },
    { "", "metric_span", NULL },
    { "", "verify_slice", NULL },
    { "", "profiling", NULL },
    { "", "rows", NULL },
    { "", "boot", NULL },
    { "", "metrics", "every metric is computed" },
    { "", "batch_size", "--mem decides how much runs at once" },
    { "", "max_seq_len", "prompts are read whole" },
    { "", "low_memory", "--mem decides" },
    { "model.", "name", NULL },
    { "model.", "revision", NULL },
    { "model.", "dtype", NULL },
    { "model.", "family", "the checkpoint says what it is" },
    { "model.", "hf_model", "the checkpoint is named by model.name" },
    { "model.", "low_memory", "--mem decides" },
    { "dataset.", "id", NULL },
    { "dataset.", "split", NULL },
    { "dataset.", "clean_field", NULL },
    { "dataset.", "corrupt_field", NULL },
    { "dataset.", "target_field", NULL },
    { "dataset.", "foil_field", NULL },
    { "verify_slice.", "n_examples", NULL },
    { "verify_slice.", "device", NULL },
    { "profiling.", "interval_s", "every operation is timed" },
    { "profiling.", "powermetrics", "power is not measured" },
};

// Note every key that is unknown or has no meaning.
static bool config_check_keys(struct config_reader *r, const cJSON *o, const char *place)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, o)
    {
        const struct known_key *k = known_keys,
                               *end = known_keys + sizeof known_keys / sizeof *known_keys;
        if (item->string[0] == '_') // a comment
            continue;
        while (k < end && (strcmp(k->place, place) != 0 || strcmp(k->key, item->string) != 0))
            k++;
        bool ok = k == end ? config_note(r, "'%s': unknown key \"%s%s\" is ignored", r->path, place,
                                         item->string)
                  : k->why ? config_note(r, "'%s': \"%s%s\" has no meaning here: %s", r->path,
                                         place, item->string, k->why)
                           : true;
        if (!ok)
            return false;
    }
    return true;
}

// -------------------------------------------------------------------------------------------- one condition

// tinyLab names models as TransformerLens does.
static const char *model_name(struct config_reader *r, const char *name, const char *revision)
{
    static const char *const aliases[][2] = { { "gpt2-small", "gpt2" },
                                              { "mistral-7b", "mistralai/Mistral-7B-v0.1" },
                                              { "pythia-70m", "EleutherAI/pythia-70m" },
                                              { "pythia-160m", "EleutherAI/pythia-160m" },
                                              { "pythia-410m", "EleutherAI/pythia-410m" },
                                              { "pythia-1b", "EleutherAI/pythia-1b" },
                                              { "pythia-1.4b", "EleutherAI/pythia-1.4b" },
                                              { "pythia-2.8b", "EleutherAI/pythia-2.8b" } };
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(name, aliases[i][0]) == 0)
            name = aliases[i][1];
    if (!revision)
        return name;
    const char *id = model_alias(name);
    return arena_printf(&r->config->arena, "%s@%s", id ? id : name, revision);
}

static bool read_model(struct config_reader *r, const cJSON *o, struct run_settings *s)
{
    const cJSON *model = config_get(r, o, "", "model", cJSON_IsObject, "object");
    if (!model)
        return !r->failed;
    const char *name = config_text(r, model, "model.", "name");
    const char *revision = config_text(r, model, "model.", "revision");
    const char *dtype = config_text(r, model, "model.", "dtype");
    if (r->failed || !config_check_keys(r, model, "model."))
        return false;
    if (name && !s->model) {
        s->model = model_name(r, name, revision);
        if (!s->model)
            return abl_no_memory(r->err);
    } else if (name && strcmp(name, s->model) != 0
               && !config_note(r, "'%s': --model %s is run in place of \"model.name\" %s", r->path,
                               s->model, name))
        return false;
    if (dtype && strcmp(dtype, "float32") != 0
        && !config_note(r, "'%s': \"model.dtype\" is %s: computed in float32", r->path, dtype))
        return false;
    return true;
}

// The condition of ours that stands in for one of the lab's corpora.
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

static bool find_corpus(struct config_reader *r, const char *id, struct run_settings *s)
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
        const char *path = config_find(r, name);
        if (path && !file_is_dir(path)) {
            s->data = path;
            return true;
        }
    }
    const char *bundled = arena_printf(&r->config->arena, "%s/corpora/%s.jsonl", s->data_dir, id);
    const char *other = stand_in(id);
    if (bundled && file_exists(bundled)) {
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

static bool read_dataset(struct config_reader *r, const cJSON *o, struct run_settings *s)
{
    const cJSON *data = config_get(r, o, "", "dataset", cJSON_IsObject, "object");
    if (!data)
        return !r->failed;
    const char *id = config_text(r, data, "dataset.", "id");
    const char *split = config_text(r, data, "dataset.", "split");
    s->fields = (struct dataset_fields){ config_text(r, data, "dataset.", "clean_field"),
                                         config_text(r, data, "dataset.", "corrupt_field"),
                                         config_text(r, data, "dataset.", "target_field"),
                                         config_text(r, data, "dataset.", "foil_field") };
    if (r->failed || !config_check_keys(r, data, "dataset."))
        return false;
    if (split && !split_parse(split, &s->split))
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': \"dataset.split\" is '%s': expected train, val, test or all",
                        r->path, split);
    return !id || find_corpus(r, id, s);
}

static bool read_device(struct config_reader *r, const cJSON *o, struct run_settings *s)
{
    const char *device = config_text(r, o, "", "device");
    if (!device)
        return !r->failed;
    if (strcmp(device, "mps") != 0 && strcmp(device, "cuda") != 0) {
        if (strcmp(s->device, "auto") == 0)
            s->device = device;
        return true;
    }
    return config_note(r, "'%s': \"device\" is %s: --device %s is used", r->path, device,
                       s->device);
}

static bool read_verify(struct config_reader *r, const cJSON *o, struct config_run *run)
{
    const cJSON *slice = config_get(r, o, "", "verify_slice", cJSON_IsObject, "object");
    if (!slice)
        return !r->failed;
    const cJSON *n = config_get(r, slice, "verify_slice.", "n_examples", cJSON_IsNumber, "number");
    const char *device = config_text(r, slice, "verify_slice.", "device");
    if (r->failed || !config_check_keys(r, slice, "verify_slice."))
        return false;
    run->verify_rows = n && n->valuedouble >= 1 ? (size_t)n->valuedouble : 20;
    run->verify_device = device ? device : "cpu";
    return true;
}

// What is no model, data or battery.
static bool read_rest(struct config_reader *r, const cJSON *o, struct config_run *run)
{
    struct run_settings *s = &run->settings;
    const char *span = config_text(r, o, "", "metric_span");
    const cJSON *profiling = config_get(r, o, "", "profiling", cJSON_IsObject, "object");
    const cJSON *rows = config_get(r, o, "", "rows", cJSON_IsNumber, "number");
    const cJSON *boot = config_get(r, o, "", "boot", cJSON_IsNumber, "number");
    if (r->failed || (profiling && !config_check_keys(r, profiling, "profiling.")))
        return false;
    s->profile = s->profile || profiling;
    if (rows && rows->valuedouble >= 1 && !s->max_rows)
        s->max_rows = (size_t)rows->valuedouble;
    if (boot && !(boot->valuedouble >= 10 && boot->valuedouble <= 100000))
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': \"boot\" is %g: expected 10 to 100000",
                        r->path, boot->valuedouble);
    if (boot)
        s->n_boot = (uint32_t)boot->valuedouble;
    s->whole_answers = s->whole_answers || (span && strcmp(span, "first_token") != 0);
    return true;
}

// The seeds that a configuration names, in `out`; one where there is none.
static size_t read_seeds(struct config_reader *r, const cJSON *o, uint64_t *out, size_t most)
{
    const cJSON *list = config_get(r, o, "", "seeds", cJSON_IsArray, "list of numbers"), *item;
    const cJSON *one = config_get(r, o, "", "seed", cJSON_IsNumber, "number");
    size_t n = 0;
    cJSON_ArrayForEach(item, list) if (n < most && cJSON_IsNumber(item) && item->valuedouble >= 0)
        out[n++]
        = (uint64_t)item->valuedouble;
    if (!n)
        out[n++] = one && one->valuedouble >= 0 ? (uint64_t)one->valuedouble : 0;
    return n;
}

static bool add_run(struct config_reader *r, const struct config_run *run, const char *tag)
{
    struct lab_config *c = r->config;
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

// A run for each scale and, where a seed changes something, for each seed.
static bool add_runs(struct config_reader *r, const cJSON *o, const char *tag,
                     const struct config_run *run, const struct battery *b)
{
    uint64_t seeds[64];
    size_t n = read_seeds(r, o, seeds, 64);
    if (r->failed)
        return false;
    bool drawn = run->settings.experiment == EXPERIMENT_SETS && run->settings.n_controls;
    if (n > 1 && !drawn
        && !config_note(r,
                        "'%s': nothing is drawn here but resamples: run once, with seed %llu, not "
                        "for each of %zu seeds",
                        r->path, (unsigned long long)seeds[0], n))
        return false;
    n = drawn ? n : 1;
    for (size_t i = 0; i < b->n_scales; i++)
        for (size_t k = 0; k < n; k++) {
            struct config_run one = *run;
            const char *name = tag;
            one.settings.seed = seeds[k];
            one.settings.ablation.scale = b->scales[i];
            if (b->n_scales > 1)
                name = arena_printf(&r->config->arena, "%s-scale%g", name, (double)b->scales[i]);
            if (name && n > 1)
                name = arena_printf(&r->config->arena, "%s-seed%llu", name,
                                    (unsigned long long)seeds[k]);
            if (!name)
                return abl_no_memory(r->err);
            if (!add_run(r, &one, name))
                return false;
        }
    return true;
}

// Whole answers are scored by experiments that ablate, and by patches of every position; not under --compat.
static bool check_span(struct config_reader *r, struct run_settings *s)
{
    bool patch = s->experiment == EXPERIMENT_PATCH && strcmp(s->positions, "all") == 0;
    bool scored = (experiment_ablates(s->experiment) || patch) && s->compat == COMPAT_NONE;
    if (!s->whole_answers || scored)
        return true;
    s->whole_answers = false;
    if (s->compat == COMPAT_TINYLAB)
        return config_note(r,
                           "'%s': \"metric_span\" asks for whole answers: under --compat tinylab "
                           "only the last column is read",
                           r->path);
    return config_note(r,
                       "'%s': \"metric_span\" asks for whole answers: this battery is scored by "
                       "their first token",
                       r->path);
}

// One condition, merged; overrides of its battery may be NULL.
static bool read_condition(struct config_reader *r, const cJSON *o, const char *tag,
                           const char *battery, const cJSON *overrides)
{
    struct config_run run = { .settings = *r->defaults };
    struct run_settings bundled;
    struct battery b;
    run_settings_default(&bundled);
    return config_check_keys(r, o, "") && read_model(r, o, &run.settings)
           && (run.settings.model || (run.settings.model = bundled.model))
           && read_dataset(r, o, &run.settings) && read_device(r, o, &run.settings)
           && read_verify(r, o, &run) && read_rest(r, o, &run)
           && battery_read(r, battery, overrides, &run.settings, &b) && check_span(r, &run.settings)
           && add_runs(r, o, tag, &run, &b);
}

// -------------------------------------------------------------------------------------------------- shapes

// src over dst: objects key by key, everything else replaced.
bool config_merge(cJSON *dst, const cJSON *src)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, src)
    {
        cJSON *there = cJSON_GetObjectItemCaseSensitive(dst, item->string);
        if (there && cJSON_IsObject(there) && cJSON_IsObject(item)) {
            if (!config_merge(there, item))
                return false;
            continue;
        }
        cJSON *copy = cJSON_Duplicate(item, true);
        bool ok = copy
                  && (there ? cJSON_ReplaceItemInObjectCaseSensitive(dst, item->string, copy)
                            : cJSON_AddItemToObject(dst, item->string, copy));
        if (!ok) {
            cJSON_Delete(copy);
            return false;
        }
    }
    return true;
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
    cJSON *merged = shared ? cJSON_Duplicate(shared, true) : cJSON_CreateObject();
    bool ok = (merged && config_merge(merged, condition)) || abl_no_memory(r->err);
    ok = ok && read_condition(r, merged, tag, own ? own : battery, overrides);
    cJSON_Delete(merged);
    return ok;
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
    struct lab_config *c = r->config;
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

bool lab_config_read(const char *path, const struct run_settings *defaults, struct lab_config *out,
                     struct abl_err *err)
{
    *out = (struct lab_config){ 0 };
    struct config_reader r = { .path = path, .defaults = defaults, .config = out, .err = err };
    cJSON *root = config_parse(&r, path);
    if (!root)
        return false;
    bool ok = read_root(&r, root);
    cJSON_Delete(root);
    // A single run is called by its condition's file, and its folder by run_name.
    for (size_t i = 0; ok && i < out->n; i++) {
        out->runs[i].settings.run_name = out->name;
        if (out->n == 1 && !out->joint)
            out->runs[i].settings.condition = NULL;
    }
    return ok;
}

void lab_config_release(struct lab_config *c)
{
    arena_release(&c->arena);
    *c = (struct lab_config){ 0 };
}
