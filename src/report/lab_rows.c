#include "report/lab_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numpy_rng.h"
#include "report/columns.h"
#include "stats/student_t.h"

// -------------------------------------------------------------------------------------------- rows

static bool has_seed(const struct lab_child *c, const char *seed)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->members[i]->n; k++)
            if (strcmp(c->members[i]->components[k].seed, seed) == 0)
                return true;
    return false;
}

// Whether a seed draws a component's head, as NumPy draws it there.
static bool draws(const struct lab_child *c, const struct lab_run *run, const char *seed,
                  const struct lab_component *of)
{
    unsigned char picked[NUMPY_CHOICE_MAX];
    uint64_t layer = strtoull(of->keys[0], NULL, 10), head = strtoull(of->keys[1], NULL, 10);
    if (!c->n_drawn)
        return true;
    numpy_choice(strtoull(seed, NULL, 10) + layer, run->n_heads, c->n_drawn, picked);
    return head < run->n_heads && picked[head];
}

// The components of `of` for `seed`, put behind those that are there.
static void add_seed(const struct lab_child *c, const char *seed, const char *of,
                     struct lab_row *rows, size_t *n)
{
    size_t most = 0;
    for (size_t i = 0; i < c->n; i++)
        most = c->members[i]->n > most ? c->members[i]->n : most;
    for (size_t k = 0; k < most; k++)
        for (size_t i = 0; i < c->n; i++) {
            const struct lab_run *run = c->members[i];
            const struct lab_component *one = k < run->n ? &run->components[k] : NULL;
            if (one && strcmp(one->seed, of) == 0 && draws(c, run, seed, one))
                rows[(*n)++] = (struct lab_row){ seed, run, one };
        }
}

// A seed without a run of its own has the first one's rows, but for heads that it draws and that
// were not run: then it has none at all.
static void add_seed_of(const struct lab_child *c, const char *seed, const char *of,
                        struct lab_row *rows, size_t *n)
{
    size_t before = *n, n_layers = 0;
    const char *layer = "";
    add_seed(c, seed, of, rows, n);
    for (size_t i = before; c->n_drawn && i < *n; i++)
        if (strcmp(rows[i].component->keys[0], layer) != 0) {
            layer = rows[i].component->keys[0];
            n_layers++;
        }
    if (c->n_drawn && *n - before != n_layers * c->n_drawn * c->n)
        *n = before;
}

bool lab_rows(const struct lab_child *c, struct arena *a, struct lab_row **rows, size_t *n,
              struct abl_err *err)
{
    const char *first = c->members[0]->components[0].seed;
    size_t room = 0;
    *n = 0;
    for (size_t i = 0; i < c->n; i++)
        room += c->members[i]->n;
    *rows = room <= SIZE_MAX / c->config.n_seeds
                ? arena_alloc(a, room * c->config.n_seeds, sizeof **rows)
                : NULL;
    if (!*rows)
        return abl_no_memory(err);
    for (size_t i = 0; i < c->config.n_seeds; i++) {
        const char *seed = arena_printf(a, "%" PRIu64, c->config.seeds[i]);
        if (!seed)
            return abl_no_memory(err);
        if (has_seed(c, seed))
            add_seed(c, seed, seed, *rows, n);
        else
            add_seed_of(c, seed, first, *rows, n);
    }
    return *n
           || abl_fail(err, ABL_BAD_DATA, "'%s' was run with seed %s, which its run file has not",
                       c->members[0]->dir, first);
}

// ------------------------------------------------------------------------------------------ tables

enum { COLUMNS_MOST = LAB_KEYS + 8 };

// Columns and, in step with them, the cells of a row.
struct line {
    struct column columns[COLUMNS_MOST];
    const char *cells[COLUMNS_MOST];
    size_t n;
};

static void add(struct line *l, const char *name, enum cell_type type, const char *cell)
{
    l->columns[l->n] = (struct column){ .name = name, .type = type };
    l->cells[l->n++] = cell;
}

static void add_keys(struct line *l, const struct lab_run *run, const struct lab_component *c,
                     bool of_examples)
{
    const struct lab_key *keys = lab_shape_info(run->shape)->keys;
    for (size_t k = 0; k < LAB_KEYS && keys[k].name; k++)
        if (of_examples ? keys[k].of_examples : keys[k].of_impact)
            add(l, keys[k].name, keys[k].type, c->keys[k]);
}

static struct line impact_line(const struct lab_child *c, const struct lab_row *row, size_t metric,
                               bool with_condition)
{
    struct line l = { .n = 0 };
    add(&l, "run_id", CELL_TEXT, c->config.run_name);
    add(&l, "seed", CELL_INTEGER, row->seed);
    add_keys(&l, row->run, row->component, false);
    add(&l, "metric", CELL_TEXT, row->run->metrics[metric]);
    add(&l, "value", CELL_NUMBER, row->component->values[metric]);
    if (with_condition)
        add(&l, "condition", CELL_TEXT, c->tag);
    return l;
}

bool lab_put_impact(const struct lab_child *c, const struct lab_row *rows, size_t n,
                    bool with_condition, bool with_header, struct buf *out)
{
    struct line l = impact_line(c, &rows[0], 0, with_condition);
    struct buf unwanted = { 0 };
    struct sheet s;
    sheet_begin(&s, with_header ? out : &unwanted, SHEET_CSV, l.columns, l.n);
    s.out = out;
    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; m < rows[i].run->n_metrics; m++) {
            struct line row = impact_line(c, &rows[i], m, with_condition);
            sheet_cells(&s, row.cells);
        }
    sheet_end(&s);
    buf_release(&unwanted);
    return !out->failed;
}

static struct line example_line(const struct lab_row *row, size_t i, const char *number)
{
    struct line l = { .n = 0 };
    add(&l, "i", CELL_INTEGER, number);
    add(&l, "pred_id", CELL_INTEGER, row->component->predicted[i]);
    add(&l, "target_id", CELL_INTEGER, row->run->target[i]);
    add(&l, "foil_id", CELL_INTEGER, row->run->foil[i]);
    add(&l, "seed", CELL_INTEGER, row->seed);
    add_keys(&l, row->run, row->component, true);
    return l;
}

bool lab_put_examples(const struct lab_child *c, const struct lab_row *rows, size_t n,
                      struct buf *out)
{
    (void)c;
    struct line l = example_line(&rows[0], 0, "0");
    struct sheet s;
    sheet_begin(&s, out, SHEET_CSV, l.columns, l.n);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < rows[k].run->n_rows; i++) {
            char number[24];
            snprintf(number, sizeof number, "%zu", i);
            struct line row = example_line(&rows[k], i, number);
            sheet_cells(&s, row.cells);
        }
    sheet_end(&s);
    return !out->failed;
}

// ----------------------------------------------------------------------------------------- summary

// Its table of t has three decimals up to 30 degrees of freedom, then the normal's 1.96.
static double critical_value(size_t dof)
{
    return dof <= 30 ? round(1e3 * student_quantile(0.025, (double)dof)) / 1e3 : 1.96;
}

// Mean of a metric over the components of a seed that have it; NaN where none has.
static double mean_of_seed(const struct lab_row *rows, size_t n, const char *seed, size_t metric)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *value = rows[i].component->values[metric];
        if (!value || strcmp(rows[i].seed, seed) != 0)
            continue;
        sum += strtod(value, NULL);
        count++;
    }
    return count ? sum / (double)count : NAN;
}

static void add_metric(struct doc *d, cJSON *to, const char *name, const double *values, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    cJSON *o = doc_object(d, to, name);
    doc_number(d, o, "mean", mean);
    if (n < 2)
        doc_null(d, o, "ci95");
    else {
        double se = sqrt(squares / (double)(n - 1) / (double)n);
        double margin = critical_value(n - 1) * se;
        cJSON *ci = doc_array(d, o, "ci95");
        doc_number(d, ci, NULL, mean - margin);
        doc_number(d, ci, NULL, mean + margin);
    }
    cJSON *list = doc_array(d, o, "values");
    for (size_t i = 0; i < n; i++)
        doc_number(d, list, NULL, values[i]);
}

void lab_add_summary(struct doc *d, cJSON *to, const struct lab_child *c,
                     const struct lab_row *rows, size_t n)
{
    const struct lab_run *run = rows[0].run;
    double *values = malloc(c->config.n_seeds * sizeof *values);
    d->failed |= !values;
    for (size_t m = 0; values && m < run->n_metrics; m++) {
        size_t n_values = 0;
        for (size_t i = 0; i < n; i++)
            if (!i || strcmp(rows[i].seed, rows[i - 1].seed) != 0)
                values[n_values++] = mean_of_seed(rows, n, rows[i].seed, m);
        add_metric(d, to, run->metrics[m], values, n_values);
    }
    free(values);
}
