#include "report/lab_run.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "base/numpy_rng.h"
#include "report/lab_run_parts.h"
#include "report/run_info.h"
#include "report/tables.h"

enum { JSON_MAX = 64 << 20 };

static const struct lab_shape_info shapes[N_LAB_SHAPES] = {
    [LAB_HEADS] = { "heads",
                    "head_impact",
                    "head_matrix",
                    { { "layer", CELL_INTEGER, true, true },
                      { "head", CELL_INTEGER, true, true },
                      { "scale", CELL_NUMBER, true, true } } },
    [LAB_PAIRS] = { "pairs",
                    "head_impact",
                    "head_matrix",
                    { { "layer", CELL_INTEGER, true, true },
                      { "head", CELL_TEXT, true, false },
                      { "h1", CELL_INTEGER, true, true },
                      { "h2", CELL_INTEGER, true, true },
                      { "scale", CELL_NUMBER, true, false } } },
    [LAB_SETS] = { "sets",
                   "layer_impact",
                   "layer_matrix",
                   { { "layer", CELL_INTEGER, true, true },
                     { "heads", CELL_TEXT, true, true },
                     { "label", CELL_TEXT, true, true } } },
    [LAB_LAYERS]
    = { "layers",
        "layer_impact",
        "layer_matrix",
        { { "layer", CELL_INTEGER, true, true }, { "granularity", CELL_TEXT, true, true } } },
};

const struct lab_shape_info *lab_shape_info(enum lab_shape s)
{
    return &shapes[s];
}

// ------------------------------------------------------------------------------------------- texts

// A text of an object, in the arena; "" where it is missing.
static const char *keep(struct lab_reader *r, const cJSON *o, const char *key)
{
    const char *text = json_tree_text(o, key, NULL);
    const char *kept = arena_strdup(r->a, text ? text : "");
    if (!kept)
        abl_no_memory(r->err);
    return kept;
}

void lab_note(struct lab_reader *r, const char *text)
{
    struct lab_run *out = r->out;
    if (out->n_notes < sizeof out->notes / sizeof *out->notes)
        out->notes[out->n_notes++] = text;
}

bool lab_read_table(struct lab_reader *r, const char *name, struct csv_table *out)
{
    const char *path = file_path(r->a, "%s/metrics/%s.csv", r->out->dir, name);
    return path ? csv_table_read(path, csv_format_of(r->config), r->a, out, r->err)
                : abl_no_memory(r->err);
}

// The columns of a table by name; ABL_BAD_DATA where it lacks one.
bool lab_find_columns(struct lab_reader *r, const struct csv_table *t, const char *const *names,
                      size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = csv_table_column(t, names[i]);
        if (out[i] == SIZE_MAX)
            return abl_fail(r->err, ABL_BAD_DATA,
                            "'%s' has no column \"%s\": expected a table of abltui's; run it again",
                            t->path, names[i]);
    }
    return true;
}

const char *lab_cell(const struct csv_table *t, size_t row, const char *name)
{
    size_t column = csv_table_column(t, name);
    return column == SIZE_MAX ? NULL : csv_table_cell(t, row, column);
}

// -------------------------------------------------------------------------------------- components

// The harness scales heads: 0.0 is zero. Missing of other kinds of ablation.
static const char *scale_of(const struct csv_table *t, size_t row)
{
    const char *ablate = lab_cell(t, row, "ablate");
    return lab_is(ablate, "zero") ? "0.0" : lab_cell(t, row, "scale");
}

static bool take_head(struct lab_reader *r, size_t row, struct lab_component *c)
{
    c->keys[0] = lab_cell(r->impact, row, "layer");
    c->keys[1] = lab_cell(r->impact, row, "head");
    c->keys[2] = scale_of(r->impact, row);
    if (!c->keys[0] || !c->keys[1])
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': row %zu names no head", r->impact->path,
                        row + 2);
    c->variant = arena_printf(r->a, "%s:%s", c->keys[0], c->keys[1]);
    return c->variant || abl_no_memory(r->err);
}

enum { SET_MOST = 256 };

// "0:2+0:4": its layer and heads, in the arena; *n is 0 where it goes over several layers or is no
// set.
static bool split_set(struct lab_reader *r, const char *set, const char **layer,
                      const char *heads[SET_MOST], size_t *n)
{
    char *text = arena_strdup(r->a, set ? set : ""), *rest = NULL;
    if (!text)
        return abl_no_memory(r->err);
    *n = 0;
    *layer = NULL;
    for (char *at = strtok_r(text, "+", &rest); at; at = strtok_r(NULL, "+", &rest)) {
        char *colon = strchr(at, ':');
        bool other = colon && *layer
                     && (strlen(*layer) != (size_t)(colon - at)
                         || strncmp(*layer, at, (size_t)(colon - at)) != 0);
        if (!colon || other || *n == SET_MOST) {
            *n = 0;
            return true;
        }
        *colon = '\0';
        *layer = at;
        heads[(*n)++] = colon + 1;
    }
    return true;
}

// "2-4-7" in the arena.
static const char *join(struct lab_reader *r, const char *const *heads, size_t n)
{
    const char *text = heads[0];
    for (size_t i = 1; text && i < n; i++)
        text = arena_printf(r->a, "%s-%s", text, heads[i]);
    return text;
}

// What the battery calls the set, else its heads.
static const char *label_of(struct lab_reader *r, size_t number, const char *heads)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(r->battery, "groups");
    const char *label = json_tree_text(cJSON_GetArrayItem(groups, (int)number), "label", NULL);
    return label && *label ? arena_strdup(r->a, label) : heads;
}

static bool take_set(struct lab_reader *r, size_t row, size_t number, struct lab_component *c)
{
    const char *heads[SET_MOST], *layer;
    size_t n;
    c->variant = lab_cell(r->impact, row, "heads");
    if (!split_set(r, c->variant, &layer, heads, &n))
        return false;
    if (!n)
        return abl_fail(r->err, ABL_USAGE,
                        "'%s': the set '%s' is none of one layer: tinyLab's tables have no place "
                        "for it; expected sets such as 0:2+0:4",
                        r->out->dir, c->variant ? c->variant : "");
    const char *all = join(r, heads, n);
    const char *const of_pair[]
        = { layer, all, heads[0], n > 1 ? heads[1] : NULL, scale_of(r->impact, row) };
    const char *const of_set[] = { layer, all, label_of(r, number, all) };
    if (!all || !of_set[2])
        return abl_no_memory(r->err);
    if (r->out->shape == LAB_PAIRS)
        memcpy(c->keys, of_pair, sizeof of_pair);
    else
        memcpy(c->keys, of_set, sizeof of_set);
    return true;
}

// What the harness calls a patch of every position.
static const char *granularity_of(const char *site)
{
    return lab_is(site, "resid_post") ? "layer_resid"
           : lab_is(site, "attn_out") ? "head_out" // z of all heads at once is what it is made from
                                      : site;
}

static bool take_place(struct lab_reader *r, size_t row, struct lab_component *c)
{
    const char *site = lab_cell(r->impact, row, "site"), *layer = lab_cell(r->impact, row, "layer");
    const char *position = lab_cell(r->impact, row, "position");
    const char *role = lab_cell(r->impact, row, "role");
    bool all = lab_is(lab_cell(r->impact, row, "positions"), POSITIONS_ALL);
    if (!site || !layer)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': row %zu names no place", r->impact->path,
                        row + 2);
    if (lab_cell(r->impact, row, "head"))
        return abl_fail(r->err, ABL_USAGE,
                        "'%s' patches heads one by one: tinyLab's tables have a row a layer; "
                        "expected sites such as resid_post",
                        r->out->dir);
    bool sham = lab_is(lab_cell(r->impact, row, "direction"), "sham");
    const char *where = all ? POSITIONS_ALL : role ? role : position ? position : "";
    c->variant = arena_printf(r->a, "%s%s@%s[%s]", sham ? "sham " : "", site, layer, where);
    c->keys[0] = layer;
    c->keys[1] = all ? granularity_of(site) : arena_printf(r->a, "%s[%s]", site, where);
    return (c->variant && c->keys[1]) || abl_no_memory(r->err);
}

bool lab_is_beside(const struct lab_reader *r, size_t row)
{
    bool sham = lab_is(lab_cell(r->impact, row, "direction"), "sham");
    return lab_is(lab_cell(r->impact, row, "kind"), "control")
           || (sham && !lab_is(json_tree_text(r->config, "experiment", NULL), "sham"));
}

bool lab_take(struct lab_reader *r, size_t row, size_t number, struct lab_component *c)
{
    switch (r->out->shape) {
    case LAB_HEADS:
        return take_head(r, row, c);
    case LAB_LAYERS:
        return take_place(r, row, c);
    default:
        return take_set(r, row, number, c);
    }
}

// A component for each run of rows of the impact table that differ in their metric alone.
static bool read_components(struct lab_reader *r)
{
    const struct csv_table *t = r->impact;
    struct lab_run *out = r->out;
    out->components = arena_alloc(r->a, t->n_rows + 1, sizeof *out->components);
    if (!out->components)
        return abl_no_memory(r->err);
    for (size_t row = 0; row < t->n_rows; row++) {
        struct lab_component c = { .seed = lab_cell(t, row, "seed") };
        const struct lab_component *last = out->n ? &out->components[out->n - 1] : NULL;
        if (lab_is_beside(r, row))
            continue;
        if (!lab_take(r, row, out->n, &c))
            return false;
        if (last && strcmp(last->variant, c.variant) == 0
            && lab_is(c.seed, last->seed ? last->seed : ""))
            continue;
        if (!string_index_put(&r->variants, c.variant, strlen(c.variant), (uint32_t)out->n))
            return abl_no_memory(r->err);
        out->components[out->n++] = c;
    }
    return out->n
           || abl_fail(r->err, ABL_BAD_DATA, "'%s' holds no row that tinyLab's tables have",
                       t->path);
}

struct lab_component *lab_component_of(struct lab_reader *r, const char *variant, const char *seed)
{
    const uint32_t *at = variant ? string_index_find(&r->variants, variant, strlen(variant)) : NULL;
    if (!at)
        return NULL;
    struct lab_component *first = &r->out->components[*at];
    if (!seed)
        return first;
    for (size_t i = *at; i < r->out->n; i++) {
        struct lab_component *c = &r->out->components[i];
        if (strcmp(c->variant, variant) == 0 && lab_is(c->seed, seed))
            return c;
    }
    return NULL;
}

// ------------------------------------------------------------------------------------------ tokens

// Rows in the order of the run; where each is, in `rows`.
static bool read_answers(struct lab_reader *r, struct string_index *rows)
{
    static const char *const names[] = { "row", "target_id", "foil_id" };
    struct lab_run *out = r->out;
    struct csv_table t;
    size_t columns[3];
    if (!lab_read_table(r, "baseline", &t) || !lab_find_columns(r, &t, names, 3, columns))
        return false;
    out->n_rows = t.n_rows;
    out->target = arena_alloc(r->a, t.n_rows + 1, sizeof *out->target);
    out->foil = arena_alloc(r->a, t.n_rows + 1, sizeof *out->foil);
    if (!out->target || !out->foil)
        return abl_no_memory(r->err);
    for (size_t i = 0; i < t.n_rows; i++) {
        const char *row = csv_table_cell(&t, i, columns[0]);
        out->target[i] = csv_table_cell(&t, i, columns[1]);
        out->foil[i] = csv_table_cell(&t, i, columns[2]);
        if (!row || !out->target[i] || !out->foil[i])
            return abl_fail(r->err, ABL_BAD_DATA, "'%s': row %zu lacks a token", t.path, i + 2);
        if (!string_index_put(rows, row, strlen(row), (uint32_t)i))
            return abl_no_memory(r->err);
    }
    return true;
}

static bool read_predictions(struct lab_reader *r, const struct string_index *rows)
{
    static const char *const names[] = { "variant", "row", "pred_id" };
    struct lab_run *out = r->out;
    struct csv_table t;
    size_t columns[3];
    if (!lab_read_table(r, "per_example", &t) || !lab_find_columns(r, &t, names, 3, columns))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        out->components[i].predicted
            = arena_alloc(r->a, out->n_rows + 1, sizeof *out->components[i].predicted);
        if (!out->components[i].predicted)
            return abl_no_memory(r->err);
    }
    size_t seed = csv_table_column(&t, "seed");
    for (size_t i = 0; i < t.n_rows; i++) {
        const char *row = csv_table_cell(&t, i, columns[1]);
        const uint32_t *at = row ? string_index_find(rows, row, strlen(row)) : NULL;
        struct lab_component *c
            = lab_component_of(r, csv_table_cell(&t, i, columns[0]),
                               seed == SIZE_MAX ? NULL : csv_table_cell(&t, i, seed));
        if (c && at)
            c->predicted[*at] = csv_table_cell(&t, i, columns[2]);
    }
    return true;
}

static bool read_tokens(struct lab_reader *r)
{
    struct string_index rows = { 0 };
    bool ok = read_answers(r, &rows) && read_predictions(r, &rows);
    string_index_release(&rows);
    return ok;
}

// ------------------------------------------------------------------------------------------- whole

static const char *impact_name(enum lab_shape shape)
{
    return shape == LAB_HEADS    ? "head_impact"
           : shape == LAB_LAYERS ? "layer_impact"
                                 : "group_impact";
}

// Whether all sets that were chosen are pairs, of a run whose battery is not known.
static bool are_pairs(struct lab_reader *r)
{
    const char *heads[SET_MOST], *layer;
    bool pairs = true;
    for (size_t row = 0; pairs && row < r->impact->n_rows; row++) {
        size_t n = 0;
        if (!lab_is_beside(r, row))
            pairs = split_set(r, lab_cell(r->impact, row, "heads"), &layer, heads, &n) && n == 2;
    }
    return pairs;
}

static bool find_shape(struct lab_reader *r)
{
    const char *experiment = json_tree_text(r->config, "experiment", NULL),
               *type = json_tree_text(r->battery, "type", NULL);
    enum lab_shape *shape = &r->out->shape;
    if (lab_is(experiment, "heads"))
        *shape = LAB_HEADS;
    else if (lab_is(experiment, "sets"))
        *shape = LAB_SETS;
    else if (lab_is(experiment, "patch") || lab_is(experiment, "sham"))
        *shape = LAB_LAYERS;
    else
        return abl_fail(r->err, ABL_USAGE,
                        "'%s' is a run of '%s', for which tinyLab's harness has no tables: "
                        "expected one of heads, sets or patch",
                        r->out->dir, experiment ? experiment : "");
    struct csv_table *impact = arena_alloc(r->a, 1, sizeof *impact);
    if (!impact)
        return abl_no_memory(r->err);
    if (!lab_read_table(r, impact_name(*shape), impact))
        return false;
    r->impact = impact;
    if (*shape == LAB_SETS && (type ? lab_is(type, "heads_pair_zero") : are_pairs(r)))
        *shape = LAB_PAIRS;
    return true;
}

// How heads are ablated, as far as the harness has it.
static bool check_ablation(struct lab_reader *r)
{
    const char *ablate = json_tree_text(r->config, "ablate", NULL);
    if (r->out->shape == LAB_LAYERS)
        return true;
    if (ablate && strchr(ablate, ','))
        return abl_fail(r->err, ABL_USAGE,
                        "'%s' ablates heads in several ways (%s): tinyLab's tables have one; run "
                        "them one by one",
                        r->out->dir, ablate);
    if (r->out->shape == LAB_SETS && !lab_is(ablate, "zero"))
        return abl_fail(r->err, ABL_USAGE,
                        "'%s' ablates sets by '%s': tinyLab's table of sets does not say how, as "
                        "its own are zeroed; expected --ablate zero",
                        r->out->dir, ablate ? ablate : "");
    if (!lab_is(ablate, "zero") && (!ablate || strncmp(ablate, "scale=", 6) != 0))
        lab_note(r, "heads are not zeroed or scaled but ablated otherwise: `scale` is missing");
    if (lab_is(json_tree_text(r->config, "value_bias", NULL), "head"))
        lab_note(r, "--value-bias head: a head's constant part goes too, which tinyLab keeps");
    return true;
}

// A run has one place a layer there.
static bool check_granularity(struct lab_reader *r)
{
    const struct lab_run *out = r->out;
    if (out->shape == LAB_LAYERS && strcmp(out->components[0].keys[1], "mlp_out") == 0)
        lab_note(r, "mlp_out is what the MLP gives out; tinyLab's is the layer within it");
    for (size_t i = 1; out->shape == LAB_LAYERS && i < out->n; i++)
        if (strcmp(out->components[i].keys[1], out->components[0].keys[1]) != 0)
            return abl_fail(r->err, ABL_USAGE,
                            "'%s' patches %s and %s: tinyLab's tables have one place a layer; run "
                            "them one by one",
                            out->dir, out->components[0].keys[1], out->components[i].keys[1]);
    return true;
}

static bool read_all(struct lab_reader *r)
{
    struct lab_run *out = r->out;
    const cJSON *partial = cJSON_GetObjectItemCaseSensitive(r->config, "partial");
    const char *span = json_tree_text(r->config, "span", NULL);
    r->compat = lab_is(json_tree_text(r->config, "compat", NULL), "tinylab");
    r->whole_answers = lab_is(span, "full");
    out->data_sha256 = keep(r, r->config, "data_sha256");
    out->condition = keep(r, r->config, "data");
    out->split = keep(r, r->config, "split");
    out->model = keep(r, r->config, "model");
    out->device = keep(r, r->config, "device");
    if (!out->data_sha256 || !out->condition || !out->split || !out->model || !out->device)
        return false;
    if (cJSON_IsTrue(partial))
        lab_note(r, "the run stopped early: what finished is here");
    return find_shape(r) && check_ablation(r) && read_components(r) && check_granularity(r)
           && read_tokens(r) && lab_read_metrics(r);
}

// Runs of earlier versions do not say their run file.
static bool read_run_file(struct lab_reader *r, cJSON **battery)
{
    const char *path = file_path(r->a, "%s/provenance.json", r->out->dir);
    cJSON *provenance
        = path ? json_tree_read(path, JSON_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, r->err) : NULL;
    if (!provenance)
        return path ? false : abl_no_memory(r->err);
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(provenance, "run_file");
    const cJSON *n_heads = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(provenance, "model"), "n_heads");
    if (cJSON_IsNumber(n_heads) && n_heads->valuedouble >= 1
        && n_heads->valuedouble <= NUMPY_CHOICE_MAX)
        r->out->n_heads = (uint32_t)n_heads->valuedouble;
    const char *config = json_tree_text(o, "config", NULL), *tag = json_tree_text(o, "tag", NULL);
    const char *text = json_tree_text(o, "battery", NULL);
    bool ok = true;
    if (config && text) {
        r->out->config = arena_strdup(r->a, config);
        r->out->battery = arena_strdup(r->a, text);
        r->out->tag = tag ? arena_strdup(r->a, tag) : NULL;
        ok = (r->out->config && r->out->battery && (!tag || r->out->tag)) || abl_no_memory(r->err);
        *battery = ok ? json_tree(path, text, strlen(text), JSON_TREE_DOUBLES, ABL_BAD_DATA, r->err)
                      : NULL;
        ok = *battery;
    }
    cJSON_Delete(provenance);
    return ok;
}

bool lab_run_read(const char *dir, struct arena *a, struct lab_run *out, struct abl_err *err)
{
    *out = (struct lab_run){ .dir = dir };
    struct lab_reader r = { .out = out, .a = a, .err = err };
    const char *path = file_path(a, "%s/config.json", dir);
    cJSON *config = NULL, *battery = NULL;
    if (!path)
        return abl_no_memory(err);
    if (run_is_not_incomplete(dir, err))
        config = json_tree_read(path, JSON_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, err);
    bool ok = config && read_run_file(&r, &battery);
    r.config = config;
    r.battery = battery;
    ok = ok && read_all(&r);
    string_index_release(&r.variants);
    cJSON_Delete(battery);
    cJSON_Delete(config);
    return ok;
}
