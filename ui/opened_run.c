#include "ui/opened_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "report/ov_file.h"
#include "report/run_info.h"
#include "report/saved_table.h"
#include "text/clusters.h"
#include "ui/opened_run_parts.h"

enum { JSON_MAX = 64 << 20, MOST_HEADS = 1 << 14 };

const struct settings *opened_run_settings(const struct opened_run *r)
{
    return &r->settings;
}

const char *opened_run_place(const struct opened_run *r)
{
    return r->place;
}

const struct choice *opened_run_choice(const struct opened_run *r)
{
    return &r->choice;
}

void opened_run_free(struct opened_run *r)
{
    if (!r)
        return;
    if (r->kept)
        r->reader->release(r->kept);
    if (r->data)
        dataset_free(r->data);
    arena_release(&r->arena);
    free(r);
}

// ------------------------------------------------------------------------------------- documents

static cJSON *read_document(struct opened_run *r, const char *name, struct abl_err *err)
{
    const char *path = file_path(&r->arena, "%s/%s", r->place, name);
    if (path)
        return json_tree_read(path, JSON_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, err);
    abl_no_memory(err);
    return NULL;
}

// A document and its name, for messages.
struct named {
    const struct opened_run *run;
    const char *name;
    struct abl_err *err;
};

static bool whole(const struct named *n, const cJSON *o, const char *key, double most, double *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= most
        && item->valuedouble == floor(item->valuedouble)) {
        *out = item->valuedouble;
        return true;
    }
    return abl_fail(n->err, ABL_BAD_DATA, "'%s/%s': \"%s\" is %s: expected a whole number up to %g",
                    n->run->place, n->name, key, item ? "something else" : "missing", most);
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static void copy(char *to, size_t size, const cJSON *o, const char *key, const char *missing)
{
    snprintf(to, size, "%s", json_tree_text(o, key, missing));
}

// ------------------------------------------------------------------------------------------- facts

static bool take_shape(struct opened_run *r, const cJSON *provenance, struct abl_err *err)
{
    struct named n = { r, "provenance.json", err };
    struct model_shape *shape = &r->facts.shape;
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(provenance, "model");
    double layers = 0, heads = 0;
    if (!whole(&n, model, "n_layers", MODEL_MAX_LAYERS, &layers)
        || !whole(&n, model, "n_heads", MOST_HEADS, &heads))
        return false;
    if (layers < 1 || heads < 1)
        return abl_fail(err, ABL_BAD_DATA, "'%s/provenance.json' names a model without heads",
                        r->place);
    shape->n_layers = (uint32_t)layers;
    shape->n_heads = (uint32_t)heads;
    return true;
}

static void take_device(struct opened_run *r, const cJSON *provenance)
{
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(provenance, "device");
    const char *kind = json_tree_text(device, "kind", "");
    const char *precision = json_tree_text(device, "precision", "f32");
    bool cpu = strcmp(kind, "cpu") == 0, f32 = strcmp(precision, "f32") == 0;
    snprintf(r->facts.device, sizeof r->facts.device, "%s%s%.20s%s%.100s",
             cpu || !*kind ? "cpu" : "vulkan", f32 ? "" : " ", f32 ? "" : precision,
             cpu ? "" : ": ", cpu ? "" : json_tree_text(device, "name", ""));
}

static bool take_provenance(struct opened_run *r, struct abl_err *err)
{
    cJSON *provenance = read_document(r, "provenance.json", err);
    bool ok = provenance && take_shape(r, provenance, err);
    if (ok) {
        const cJSON *tokenizer = cJSON_GetObjectItemCaseSensitive(provenance, "tokenizer");
        take_device(r, provenance);
        copy(r->facts.bos, sizeof r->facts.bos, tokenizer, "bos", "none");
        r->facts.has_bos = json_tree_text(tokenizer, "bos", NULL);
        r->seconds = number(provenance, "seconds");
        r->seconds = r->seconds >= 0 && r->seconds < 1e9 ? r->seconds : 0;
    }
    cJSON_Delete(provenance);
    return ok;
}

static struct estimate intact_of(const cJSON *metrics, enum metric m)
{
    const cJSON *of = cJSON_GetObjectItemCaseSensitive(metrics, metric_info(m)->name);
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(of, "intact");
    const cJSON *ci = cJSON_GetObjectItemCaseSensitive(o, "ci95");
    const cJSON *lo = cJSON_GetArrayItem(ci, 0), *hi = cJSON_GetArrayItem(ci, 1);
    double n = number(o, "n"), n_clusters = number(o, "n_clusters");
    return (struct estimate){ .mean = number(o, "mean"),
                              .se = number(o, "se"),
                              .ci_lo = cJSON_IsNumber(lo) ? lo->valuedouble : NAN,
                              .ci_hi = cJSON_IsNumber(hi) ? hi->valuedouble : NAN,
                              .p = NAN,
                              .q = NAN,
                              .n = n >= 0 && n < UINT32_MAX ? (uint32_t)n : 0,
                              .n_clusters = n_clusters >= 0 && n_clusters < UINT32_MAX
                                                ? (uint32_t)n_clusters
                                                : 0 };
}

static void take_findings(struct facts *f, const cJSON *summary)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(summary, "findings"))
    {
        if (strcmp(json_tree_text(item, "level", ""), "warning") == 0 && !f->n_warnings++)
            copy(f->warning, sizeof f->warning, item, "text", "");
    }
}

static bool take_counts(struct opened_run *r, const cJSON *summary, struct abl_err *err)
{
    struct named n = { r, "metrics/summary.json", err };
    double variants = 0, done = 0, rows = 0, clusters = 0;
    if (!whole(&n, summary, "n_variants", UINT32_MAX, &variants)
        || !whole(&n, summary, "n_done", UINT32_MAX, &done)
        || !whole(&n, summary, "n_rows", UINT32_MAX, &rows)
        || !whole(&n, summary, "n_clusters", UINT32_MAX, &clusters))
        return false;
    r->n_variants = (size_t)variants;
    r->n_done = (size_t)fmin(done, variants);
    r->facts.n_rows = (size_t)rows;
    r->facts.n_clusters = (uint32_t)clusters;
    return true;
}

static bool take_summary(struct opened_run *r, struct abl_err *err)
{
    struct facts *f = &r->facts;
    cJSON *summary = read_document(r, "metrics/summary.json", err);
    bool ok = summary && take_counts(r, summary, err);
    if (ok) {
        const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(summary, "metrics");
        double dropped = number(summary, "n_dropped");
        copy(f->model, sizeof f->model, summary, "model", "");
        copy(f->condition, sizeof f->condition, summary, "condition", "");
        copy(f->split, sizeof f->split, summary, "split", "");
        snprintf(f->clusters, sizeof f->clusters, "%u %.32ss", (unsigned)f->n_clusters,
                 json_tree_text(summary, "cluster", "cluster"));
        f->n_dropped = dropped > 0 && dropped < UINT32_MAX ? (size_t)dropped : 0;
        f->accuracy = number(summary, "accuracy");
        f->compat = compat_name(r->settings.compat);
        f->baseline = settings_baseline(&r->settings);
        f->whole_answers = r->settings.whole_answers;
        take_findings(f, summary);
        for (int m = 0; m < N_METRICS; m++)
            r->intact[m] = intact_of(metrics, (enum metric)m);
        f->intact_ld = r->intact[METRIC_LD];
    }
    cJSON_Delete(summary);
    return ok;
}

static bool take_config(struct opened_run *r, struct abl_err *err)
{
    cJSON *config = read_document(r, "config.json", err);
    if (!config)
        return false;
    copy(r->data_sha256, sizeof r->data_sha256, config, "data_sha256", "");
    r->partial = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(config, "partial"));
    cJSON_Delete(config);
    return true;
}

// ------------------------------------------------------------------------------------------ tables

bool opened_table(struct opened_run *r, const struct table *of, const struct csv_table **out,
                  struct abl_err *err)
{
    size_t i = 0;
    while (run_tables[i] != of)
        i++;
    struct opened_table *t = &r->tables[i];
    const char *path = file_path(&r->arena, "%s/metrics/%s.csv", r->place, of->name);
    if (!path)
        return abl_no_memory(err);
    if (!t->looked && file_exists(path)) {
        t->table = arena_alloc(&r->arena, 1, sizeof *t->table);
        if (!t->table)
            return abl_no_memory(err);
        if (!saved_table_read(of, path, settings_csv(&r->settings), &r->arena, t->table, err)) {
            t->table = NULL;
            return false;
        }
    }
    t->looked = true;
    *out = t->table;
    return true;
}

const char *opened_cell(const struct csv_table *t, size_t row, const char *name)
{
    size_t column = csv_table_column(t, name);
    const char *cell = column == SIZE_MAX ? NULL : csv_table_cell(t, row, column);
    return cell ? cell : "";
}

double opened_number(const struct csv_table *t, size_t row, const char *name)
{
    const char *cell = opened_cell(t, row, name);
    return *cell ? strtod(cell, NULL) : NAN;
}

bool opened_index(const struct csv_table *t, size_t row, const char *name, uint32_t limit,
                  uint32_t *out)
{
    double value = opened_number(t, row, name);
    if (!(value >= 0 && value < limit))
        return false;
    *out = (uint32_t)value;
    return true;
}

// ------------------------------------------------------------------------------------------- whole

static bool refuse(const char *place, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct run_info run;
    bool is_run, ok = run_is_not_incomplete(place, err)
                      && run_info_read(place, &scratch, &run, &is_run, err);
    if (ok && !is_run)
        ok = abl_fail(err, ABL_USAGE,
                      "'%s' holds no run: expected a run directory of 'abltui --export DIR'",
                      place);
    else if (ok && run.state == RUN_STATE_UNREADABLE) {
        *err = run.why;
        ok = false;
    } else if (ok && run.joint)
        ok = abl_fail(err, ABL_USAGE, "'%s' holds the runs of several conditions: name one of them",
                      place);
    arena_release(&scratch);
    return ok;
}

static bool read_run(struct opened_run *r, const struct settings *base, struct abl_err *err)
{
    if (!r->reader->read(r->place, &r->settings, &r->kept, err))
        return false;
    r->settings.data_dir = base->data_dir;
    r->settings.hf_cache = base->hf_cache;
    r->settings.mem = base->mem;
    r->settings.n_threads = base->n_threads;
    r->settings.device = base->device;
    choice_init(&r->choice, &r->settings);
    return take_config(r, err) && take_provenance(r, err) && take_summary(r, err);
}

bool opened_run_read(const char *place, const struct run_reader *reader,
                     const struct settings *base, struct opened_run **out, struct abl_err *err)
{
    if (!refuse(place, err))
        return false;
    struct opened_run *r = calloc(1, sizeof *r);
    if (!r)
        return abl_no_memory(err);
    r->reader = reader;
    r->place = arena_strdup(&r->arena, place);
    if (!r->place ? !abl_no_memory(err) : !read_run(r, base, err)) {
        opened_run_free(r);
        return false;
    }
    *out = r;
    return true;
}

bool opened_run_has(const struct opened_run *r, const struct choice *c)
{
    struct choice same = *c;
    same.kinds = r->choice.kinds;
    return choice_same_inputs(c, &r->choice) && choice_same_variants(&same, &r->choice)
           && choice_find_kind(&r->choice, &c->ablation) < r->choice.kinds.n
           && choice_find_kind(c, &c->ablation) < c->kinds.n && c->kinds.n == r->choice.kinds.n;
}
