// More about a head of a run that was read from its folder.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/ov_file.h"
#include "ui/opened_run_parts.h"

// -------------------------------------------------------------------------------------------- rows

// The data that the run was of, where it is still what it was: prompts are in no table.
static const struct dataset *data_of(struct opened_run *r)
{
    struct abl_err ignored;
    size_t dropped;
    if (r->data_looked)
        return r->data;
    r->data_looked = true;
    if (r->settings.data
        && !dataset_open_as(&r->settings.fields, r->settings.data, r->settings.data_dir, SPLIT_ALL,
                            0, true, &r->data, &dropped, &ignored))
        r->data = NULL;
    if (r->data && strcmp(r->data->sha256, r->data_sha256) != 0) {
        dataset_free(r->data);
        r->data = NULL;
    }
    return r->data;
}

// Rows of the file in order, of which some may be missing.
static const struct dataset_row *find_row(const struct dataset *data, uint32_t number)
{
    for (size_t i = 0; data && i < data->n_rows; i++)
        if (row_number(&data->rows[i]) == number)
            return &data->rows[i];
    return NULL;
}

static bool name_row(struct opened_run *r, const struct csv_table *rows, size_t at,
                     struct detail *d)
{
    struct detail_row *to = &d->rows[at];
    to->number = 0;
    bool known = opened_index(rows, at, "row", UINT32_MAX, &to->number);
    const struct dataset_row *row = known ? find_row(data_of(r), to->number) : NULL;
    if (row && row->id && strcmp(row->id, opened_cell(rows, at, "id")) != 0)
        row = NULL; // rows that were numbered in another way
    const char *prompt = !row                                 ? NULL
                         : settings_run_corrupt(&r->settings) ? row->corrupt
                                                              : row->clean;
    to->prompt = arena_strdup(&d->arena, prompt ? prompt : opened_cell(rows, at, "id"));
    to->target = arena_strdup(&d->arena, row && row->target ? row->target : "");
    to->foil = arena_strdup(&d->arena, row && row->foil ? row->foil : "");
    to->intact = to->delta = NAN;
    return to->prompt && to->target && to->foil;
}

// Rows of one table begin behind those of another: the place of a row of the data among d's.
static size_t place_of(const struct csv_table *rows, size_t n, const char *row, size_t hint)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = (hint + i) % n;
        if (strcmp(opened_cell(rows, at, "row"), row) == 0)
            return at;
    }
    return n;
}

static bool is_variant(const struct opened_run *r, const struct csv_table *t, size_t row,
                       const char *label, const struct ablation *how)
{
    struct ablation of = r->choice.kinds.items[0];
    return strcmp(opened_cell(t, row, "variant"), label) == 0
           && ablation_parse(opened_cell(t, row, "ablate"), &of) && ablation_same(&of, how);
}

// What a row loses of a metric; NaN for those that per_example.csv does not have.
static double delta_of(const struct csv_table *t, size_t row, const struct detail_row *of,
                       enum metric m)
{
    switch (m) {
    case METRIC_LD:
        return opened_number(t, row, "delta_ld");
    case METRIC_KL:
    case METRIC_FLIP:
        return opened_number(t, row, metric_info(m)->name);
    case METRIC_PROB:
        return exp(opened_number(t, row, metric_info(METRIC_LOGPROB)->name)) - of->intact;
    default:
        return opened_number(t, row, metric_info(m)->name) - of->intact;
    }
}

static bool fill_deltas(struct opened_run *r, const struct csv_table *rows, struct detail *d,
                        enum metric m, struct abl_err *err)
{
    const struct csv_table *t;
    char label[ITEM_LABEL];
    size_t hint = 0;
    snprintf(label, sizeof label, "%u:%u", (unsigned)d->ask.head.layer, (unsigned)d->ask.head.head);
    if (!opened_table(r, &table_per_example, &t, err))
        return false;
    for (size_t row = 0; t && row < t->n_rows; row++) {
        if (!is_variant(r, t, row, label, &d->ask.how))
            continue;
        size_t at = place_of(rows, d->n_rows, opened_cell(t, row, "row"), hint);
        if (at < d->n_rows)
            d->rows[at].delta = delta_of(t, row, &d->rows[at], m);
        hint = at + 1;
    }
    return true;
}

// What the intact run has of a distance from itself is 0.
static double intact_of(const struct csv_table *t, size_t row, enum metric m)
{
    return m == METRIC_KL || m == METRIC_FLIP ? 0 : opened_number(t, row, metric_info(m)->name);
}

static bool fill_rows(struct opened_run *r, struct detail *d, enum metric m, struct abl_err *err)
{
    const struct csv_table *rows, *baseline;
    if (!opened_table(r, &table_rows, &rows, err)
        || !opened_table(r, &table_baseline, &baseline, err))
        return false;
    size_t n = rows ? rows->n_rows : 0;
    d->rows = arena_alloc(&d->arena, n + 1, sizeof *d->rows);
    if (!d->rows)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!name_row(r, rows, i, d))
            return abl_no_memory(err);
    d->n_rows = n;
    for (size_t i = 0; baseline && i < baseline->n_rows && n; i++) {
        size_t at = place_of(rows, n, opened_cell(baseline, i, "row"), i);
        if (at < n)
            d->rows[at].intact = intact_of(baseline, i, m);
    }
    return !n || fill_deltas(r, rows, d, m, err);
}

// -------------------------------------------------------------------------------------- OV, tokens

static bool read_ov(struct opened_run *r, struct abl_err *err)
{
    if (r->ov_looked)
        return true;
    r->ov_looked = true;
    const char *path = file_path(&r->arena, "%s/ov_report.json", r->place);
    return path ? !file_exists(path) || ov_file_read(path, &r->arena, &r->ov, err)
                : abl_no_memory(err);
}

static void take_tokens(const struct scored_tokens *from, size_t n, struct ov_token *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (struct ov_token){ .text = from->items[i].text,
                                   .logit = (float)from->items[i].logit };
}

static bool take_head(const struct written_head *w, struct ov_head *h, struct arena *a)
{
    size_t n = w->top.n < w->bottom.n ? w->top.n : w->bottom.n;
    struct ov_token *top = arena_alloc(a, n + 1, sizeof *top);
    struct ov_token *bottom = arena_alloc(a, n + 1, sizeof *bottom);
    if (!top || !bottom)
        return false;
    take_tokens(&w->top, n, top);
    take_tokens(&w->bottom, n, bottom);
    *h = (struct ov_head){ .layer = w->layer,
                           .head = w->head,
                           .vector_norm = w->vector_norm,
                           .tokens = { .top = top, .bottom = bottom, .n = n },
                           .copying = NAN };
    return true;
}

static bool fill_ov(struct opened_run *r, struct detail *d, struct abl_err *err)
{
    if (!read_ov(r, err))
        return false;
    if (!r->ov || strcmp(r->ov->kind, ov_kind_name(d->ask.ov_kind)) != 0)
        return true;
    for (size_t i = 0; i < r->ov->n_heads; i++) {
        const struct written_head *w = &r->ov->heads[i];
        if (w->layer != d->ask.head.layer || w->head != d->ask.head.head)
            continue;
        struct ov *ov = arena_alloc(&d->arena, 1, sizeof *ov);
        struct ov_head *h = arena_alloc(&d->arena, 1, sizeof *h);
        if (!ov || !h || !take_head(w, h, &d->arena))
            return abl_no_memory(err);
        *ov = (struct ov){
            .kind = d->ask.ov_kind, .n_samples = r->facts.n_rows, .heads = h, .n_heads = 1
        };
        d->ov = ov;
        return true;
    }
    return true;
}

// --------------------------------------------------------------------------------------- attention

// Rows of attn.csv that are of the head and of a row of the data.
struct attn_cells {
    const struct csv_table *t;
    const struct detail_ask *ask;
    const char *row;
};

static bool is_weight(const struct attn_cells *w, size_t at, uint32_t *query, uint32_t *key)
{
    uint32_t layer, head;
    return strcmp(opened_cell(w->t, at, "row"), w->row) == 0
           && opened_index(w->t, at, "layer", UINT32_MAX, &layer) && layer == w->ask->head.layer
           && opened_index(w->t, at, "head", UINT32_MAX, &head) && head == w->ask->head.head
           && opened_index(w->t, at, "query", UINT32_MAX, query)
           && opened_index(w->t, at, "key", UINT32_MAX, key) && *key <= *query;
}

static bool make_pattern(const struct attn_cells *w, uint32_t n, struct detail *d)
{
    struct attn *attn = arena_alloc(&d->arena, 1, sizeof *attn);
    struct attn_row *row = arena_alloc(&d->arena, 1, sizeof *row);
    struct attn_pattern *pattern = arena_alloc(&d->arena, 1, sizeof *pattern);
    const char **tokens = arena_alloc(&d->arena, n, sizeof *tokens);
    float *weights = arena_alloc(&d->arena, (size_t)n * n, sizeof *weights);
    if (!attn || !row || !pattern || !tokens || !weights)
        return false;
    memset(weights, 0, (size_t)n * n * sizeof *weights);
    for (uint32_t i = 0; i < n; i++)
        tokens[i] = "";
    uint32_t query, key;
    for (size_t at = 0; at < w->t->n_rows; at++)
        if (is_weight(w, at, &query, &key)) {
            weights[(size_t)query * n + key] = (float)opened_number(w->t, at, "weight");
            tokens[query] = opened_cell(w->t, at, "query_token");
        }
    *pattern = (struct attn_pattern){ .head = w->ask->head, .weights = weights };
    *row = (struct attn_row){
        .row = w->ask->row, .n_tokens = n, .tokens = tokens, .patterns = pattern, .n_patterns = 1
    };
    *attn = (struct attn){ .rows = row, .n_rows = 1 };
    d->attn = attn;
    return true;
}

static bool fill_attn(struct opened_run *r, struct detail *d, struct abl_err *err)
{
    enum { MOST_TOKENS = 1 << 13 };
    const struct csv_table *rows;
    struct attn_cells w = { .ask = &d->ask };
    uint32_t n = 0, query, key;
    if (!opened_table(r, &table_attn, &w.t, err) || !opened_table(r, &table_rows, &rows, err))
        return false;
    if (!w.t || !rows || d->ask.row >= rows->n_rows)
        return true;
    w.row = opened_cell(rows, d->ask.row, "row");
    for (size_t at = 0; at < w.t->n_rows; at++)
        if (is_weight(&w, at, &query, &key) && query >= n)
            n = query + 1;
    if (!n || n > MOST_TOKENS)
        return true;
    return make_pattern(&w, n, d) || abl_no_memory(err);
}

// ------------------------------------------------------------------------------------------- whole

bool opened_run_detail(struct opened_run *r, const struct detail_ask *ask, enum metric metric,
                       struct detail **out, unsigned *lacks, struct abl_err *err)
{
    struct detail *d = calloc(1, sizeof *d);
    if (!d)
        return abl_no_memory(err);
    d->ask = *ask;
    if (!fill_rows(r, d, metric, err) || !fill_ov(r, d, err) || !fill_attn(r, d, err)) {
        detail_free(d);
        return false;
    }
    *lacks = ask->parts & ((d->ov ? 0u : DETAIL_OV) | (d->attn ? 0u : DETAIL_ATTN));
    *out = d;
    return true;
}
