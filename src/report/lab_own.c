#include "report/lab_own.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/string_index.h"
#include "report/csv_table.h"
#include "report/number.h"

enum { TEXT_MAX = 64 << 20 };

static const char cross_summary[] = "artifacts/cross_condition/summary.json";

// -------------------------------------------------------------------------------------------- JSON

// Python writes numbers that are not finite as words, which JSON has not: null. In strings they
// stay.
static void put_finite(const char *text, size_t size, struct buf *out)
{
    static const char *const words[] = { "-Infinity", "Infinity", "NaN" };
    bool in_string = false;
    for (size_t i = 0; i < size;) {
        size_t len = 0;
        for (size_t w = 0; !in_string && !len && w < sizeof words / sizeof *words; w++)
            if (size - i >= strlen(words[w]) && memcmp(text + i, words[w], strlen(words[w])) == 0)
                len = strlen(words[w]);
        if (len) {
            buf_str(out, "null");
            i += len;
            continue;
        }
        if (text[i] == '"')
            in_string = !in_string;
        else if (in_string && text[i] == '\\' && i + 1 < size)
            buf_char(out, text[i++]);
        buf_char(out, text[i++]);
    }
}

// A file of a run as strict JSON, in the arena; NULL on failure.
static const char *read_json(const char *dir, const char *name, struct arena *a,
                             struct abl_err *err)
{
    struct file_bytes bytes;
    struct buf text = { 0 };
    const char *path = file_path(a, "%s/%s", dir, name), *kept = NULL;
    if (!path)
        abl_no_memory(err);
    if (!path || !file_read(path, TEXT_MAX, &bytes, ABL_BAD_DATA, err))
        return NULL;
    put_finite(bytes.data, bytes.size, &text);
    cJSON *tree = text.failed ? NULL
                              : json_tree(path, text.data ? text.data : "", text.len,
                                          JSON_TREE_DIGITS, ABL_BAD_DATA, err);
    if (tree)
        kept = arena_strdup(a, text.data);
    if (text.failed || (tree && !kept))
        abl_no_memory(err);
    cJSON_Delete(tree);
    buf_release(&text);
    file_bytes_release(&bytes);
    return kept;
}

static cJSON *read_tree(const char *dir, const char *name, struct arena *a, struct abl_err *err)
{
    const char *text = read_json(dir, name, a, err);
    return text ? json_tree(name, text, strlen(text), JSON_TREE_DIGITS, ABL_BAD_DATA, err) : NULL;
}

// ------------------------------------------------------------------------------------------ places

bool lab_own_is(const char *dir)
{
    struct arena a = { 0 };
    struct abl_err ignored;
    cJSON *config = read_tree(dir, "config.json", &a, &ignored);
    bool own
        = cJSON_IsObject(config) && !json_tree_text(config, "schema", NULL)
          && (file_exists_in(dir, "metrics/summary.json") || file_exists_in(dir, cross_summary));
    cJSON_Delete(config);
    arena_release(&a);
    return own;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// "lab/runs/x/" has "lab/runs/y" beside it.
static const char *beside(struct arena *a, const char *dir, const char *name)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    size_t parent = len;
    while (parent && dir[parent - 1] != '/')
        parent--;
    bool dots = (len - parent == 1 && dir[parent] == '.')
                || (len - parent == 2 && strncmp(dir + parent, "..", 2) == 0);
    return dots ? file_path(a, "%.*s/../%s", (int)len, dir, name)
                : file_path(a, "%.*s%s", (int)parent, dir, name);
}

static bool add_runs(const char *dir, const cJSON *summary, struct arena *a, const char **runs,
                     size_t *n, struct abl_err *err)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(summary, "child_runs"))
    {
        const char *run = json_tree_text(item, "run_dir", NULL);
        if (!run || !*last_part(run) || strcmp(last_part(run), "..") == 0)
            return abl_fail(err, ABL_BAD_DATA, "'%s/%s' names a run that has no folder", dir,
                            cross_summary);
        runs[*n] = beside(a, dir, last_part(run));
        if (!runs[*n])
            return abl_no_memory(err);
        (*n)++;
    }
    return *n || abl_fail(err, ABL_BAD_DATA, "'%s/%s' names no runs", dir, cross_summary);
}

bool lab_own_runs(const char *dir, struct arena *a, const char ***runs, size_t *n,
                  struct abl_err *err)
{
    bool joint = file_exists_in(dir, cross_summary);
    cJSON *summary = joint ? read_tree(dir, cross_summary, a, err) : NULL;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(summary, "child_runs");
    if (joint && !summary)
        return false;
    *n = 0;
    *runs = arena_alloc(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof **runs);
    bool ok = *runs || abl_no_memory(err);
    if (ok && joint)
        ok = add_runs(dir, summary, a, *runs, n, err);
    else if (ok)
        (*runs)[(*n)++] = dir;
    cJSON_Delete(summary);
    return ok;
}

bool lab_own_table(const char *dir, struct arena *a, const char **table, bool *parquet,
                   struct abl_err *err)
{
    static const char *const names[] = { "metrics/head_impact", "metrics/layer_impact" };
    *table = NULL;
    for (size_t i = 0; !*table && i < sizeof names / sizeof *names; i++) {
        const char *path = file_path(a, "%s/%s", dir, names[i]);
        const char *csv = arena_printf(a, "%s.csv", names[i]);
        const char *other = arena_printf(a, "%s.parquet", names[i]);
        if (!path || !csv || !other)
            return abl_no_memory(err);
        *parquet = !file_exists_in(dir, csv);
        if (!*parquet || file_exists_in(dir, other))
            *table = path;
    }
    return true;
}

// ------------------------------------------------------------------------------------------- table

struct reader {
    struct lab_run *run;
    struct arena *a;
    const struct csv_table *t;
    struct string_index seen;
    struct abl_err *err;
};

static bool find_shape(struct reader *r)
{
    bool heads = csv_table_column(r->t, "heads") != SIZE_MAX;
    bool pair = csv_table_column(r->t, "h1") != SIZE_MAX;
    bool head = csv_table_column(r->t, "head") != SIZE_MAX;
    r->run->shape = heads ? LAB_SETS : pair ? LAB_PAIRS : head ? LAB_HEADS : LAB_LAYERS;
    const struct lab_key *keys = lab_shape_info(r->run->shape)->keys;
    static const char *const others[] = { "seed", "metric", "value" };
    for (size_t i = 0; i < LAB_KEYS + 3; i++) {
        const char *name = i < LAB_KEYS ? keys[i].name : others[i - LAB_KEYS];
        if (name && csv_table_column(r->t, name) == SIZE_MAX)
            return abl_fail(r->err, ABL_BAD_DATA,
                            "'%s' has no column \"%s\": expected a table of tinyLab's harness",
                            r->t->path, name);
    }
    return true;
}

// A cell of a type, written as we write it; NULL where it is missing. False where it is another.
static bool cell(struct reader *r, size_t row, const char *name, enum cell_type type,
                 const char **out)
{
    const char *text = csv_table_cell(r->t, row, csv_table_column(r->t, name));
    char *end = NULL, digits[NUMBER_SIZE];
    *out = text;
    if (!text || type == CELL_TEXT)
        return true;
    bool whole = text[strspn(text, "0123456789")] == '\0';
    double value = strtod(text, &end);
    if (type == CELL_INTEGER ? !whole || strlen(text) > 19 : *end || !isfinite(value))
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': row %zu, column \"%s\": found '%s', expected a %snumber", r->t->path,
                        row + 2, name, text, type == CELL_INTEGER ? "whole " : "");
    if (type == CELL_INTEGER)
        return true;
    number_format(value, digits);
    number_with_point(digits);
    *out = arena_strdup(r->a, digits);
    return *out || abl_no_memory(r->err);
}

// The number of a metric among those that are known, which it becomes.
static bool metric_of(struct reader *r, const char *name, size_t *out)
{
    struct lab_run *run = r->run;
    for (*out = 0; *out < run->n_metrics; (*out)++)
        if (strcmp(run->metrics[*out], name) == 0)
            return true;
    if (run->n_metrics == LAB_METRICS)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s' has more than %d metrics", r->t->path,
                        LAB_METRICS);
    run->metrics[run->n_metrics++] = name;
    return true;
}

static bool take_row(struct reader *r, size_t row)
{
    const struct lab_key *keys = lab_shape_info(r->run->shape)->keys;
    struct lab_component c = { 0 };
    const char *metric, *value, *name = "";
    size_t m;
    if (!cell(r, row, "seed", CELL_INTEGER, &c.seed) || !cell(r, row, "metric", CELL_TEXT, &metric)
        || !cell(r, row, "value", CELL_NUMBER, &value))
        return false;
    for (size_t k = 0; k < LAB_KEYS && keys[k].name; k++) {
        if (!cell(r, row, keys[k].name, keys[k].type, &c.keys[k]))
            return false;
        name = name ? arena_printf(r->a, "%s\t%s", name, c.keys[k] ? c.keys[k] : "") : NULL;
    }
    if (!c.seed || !metric || !c.keys[0])
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': row %zu lacks its seed, layer or metric",
                        r->t->path, row + 2);
    name = name ? arena_printf(r->a, "%s\t%s", c.seed, name) : NULL;
    if (!metric_of(r, metric, &m))
        return false;
    uint32_t *at
        = name ? string_index_put(&r->seen, name, strlen(name), (uint32_t)r->run->n) : NULL;
    if (!at)
        return abl_no_memory(r->err);
    if (*at == r->run->n)
        r->run->components[r->run->n++] = c;
    r->run->components[*at].values[m] = value;
    return true;
}

static bool read_table(struct reader *r)
{
    struct lab_run *run = r->run;
    run->components = arena_alloc(r->a, r->t->n_rows + 1, sizeof *run->components);
    if (!run->components)
        return abl_no_memory(r->err);
    bool ok = find_shape(r);
    for (size_t row = 0; ok && row < r->t->n_rows; row++)
        ok = take_row(r, row);
    string_index_release(&r->seen);
    return ok;
}

// The seeds that the table has are those of the run.
static bool take_seeds(const struct lab_run *run, struct arena *a, struct lab_config *config,
                       struct abl_err *err)
{
    uint64_t *seeds = arena_alloc(a, run->n + 1, sizeof *seeds);
    size_t n = 0;
    if (!seeds)
        return abl_no_memory(err);
    for (size_t i = 0; i < run->n; i++) {
        uint64_t seed = strtoull(run->components[i].seed, NULL, 10);
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || seeds[k] == seed;
        if (!known)
            seeds[n++] = seed;
    }
    config->seeds = seeds;
    config->n_seeds = n;
    return true;
}

// ------------------------------------------------------------------------------------------- whole

static bool name_run(const struct lab_child *c, const cJSON *config, struct lab_run *run,
                     struct arena *a, struct abl_err *err)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(config, "model");
    const char *tag = json_tree_text(config, "tag", NULL),
               *name = json_tree_text(model, "name", NULL);
    const char *revision = json_tree_text(model, "revision", NULL);
    run->condition = arena_strdup(a, tag ? tag : c->config.run_name);
    run->model = revision ? arena_printf(a, "%s@%s", name ? name : "", revision)
                          : arena_strdup(a, name ? name : "");
    return (run->condition && run->model) || abl_no_memory(err);
}

bool lab_own_read(const char *dir, const char *csv, struct arena *a, struct lab_child *out,
                  struct abl_err *err)
{
    struct lab_run *run = arena_alloc(a, 1, sizeof *run);
    const struct lab_run **members = arena_alloc(a, 1, sizeof *members);
    *out = (struct lab_child){ .members = members, .n = 1, .place = dir };
    if (!run || !members)
        return abl_no_memory(err);
    run->dir = dir;
    members[0] = run;
    const char *config = read_json(dir, "config.json", a, err);
    out->summary = config ? read_json(dir, "metrics/summary.json", a, err) : NULL;
    if (!out->summary || !lab_config_read(dir, config, a, &out->config, err))
        return false;
    cJSON *tree = json_tree(dir, config, strlen(config), JSON_TREE_DIGITS, ABL_BAD_DATA, err);
    bool ok = tree && name_run(out, tree, run, a, err);
    cJSON_Delete(tree);
    struct csv_table t;
    if (!ok || !csv)
        return ok;
    struct reader r = { .run = run, .a = a, .t = &t, .err = err };
    return csv_table_read(csv, SHEET_CSV, a, &t, err) && read_table(&r)
           && take_seeds(run, a, &out->config, err);
}
