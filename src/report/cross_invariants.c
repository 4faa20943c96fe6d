#include "report/cross_invariants.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "plan/head_syntax.h"
#include "report/compat.h"
#include "report/number.h"
#include "stats/metrics.h"

struct reader {
    const struct cross_child *children;
    size_t n;
    struct arena arena;
    struct doc *d;
    struct abl_err *err;
};

// A number of each row of a table, and what the row is of.
struct column_of {
    const struct cross_matrix *m; // whose keys name the places
    const char *metric;           // rows of this one alone; NULL: all
    const char *number;           // the column
    enum place_order order;
};

// The places of one child behind the n that are there.
static void add_places(const struct column_of *c, const struct csv_table *t, struct place *all,
                       size_t *n)
{
    for (size_t row = 0; row < t->n_rows; row++) {
        const char *number = cross_cell(t, row, c->number);
        bool is_of = !c->metric || strcmp(cross_cell(t, row, "metric"), c->metric) == 0;
        if (!is_of || !*number || cross_is_beside(c->m, t, row))
            continue;
        struct place *p = &all[(*n)++];
        *p = (struct place){ .text = number, .delta = strtod(number, NULL) };
        for (int k = 0; k < PLACE_KEYS && c->m->keys[k]; k++)
            p->keys[k] = cross_cell(t, row, c->m->keys[k]);
    }
}

// The strongest places of the condition that child `first` is the first of. tables: (r->n)
static bool top_places(struct reader *r, const struct column_of *c, const struct csv_table *tables,
                       size_t first, struct places *out)
{
    const char *condition = cross_condition(&r->children[first]);
    size_t room = 1, n = 0, n_children = 0;
    for (size_t i = first; i < r->n; i++)
        room += tables[i].n_rows;
    struct place *all = malloc(room * sizeof *all);
    if (!all)
        return abl_no_memory(r->err);
    for (size_t i = first; i < r->n; i++)
        if (strcmp(cross_condition(&r->children[i]), condition) == 0) {
            add_places(c, &tables[i], all, &n);
            n_children++;
        }
    if (n_children > 1)
        places_average(all, &n);
    places_keep_top(all, n, c->order, out);
    free(all);
    bool ok = true;
    for (size_t i = 0; n_children > 1 && i < out->n; i++) {
        char text[NUMBER_SIZE];
        number_format(out->items[i].delta, text);
        out->items[i].text = arena_strdup(&r->arena, text);
        ok = ok && out->items[i].text;
    }
    return ok || abl_no_memory(r->err);
}

// The strongest of each condition: those of child i where it is the first of its own, else none.
// The caller's: free.
static struct places *top_of_all(struct reader *r, const struct column_of *c,
                                 const struct csv_table *tables, size_t *n)
{
    struct places *tops = calloc(r->n, sizeof *tops);
    bool ok = tops || abl_no_memory(r->err);
    *n = 0;
    for (size_t i = 0; ok && i < r->n; i++)
        if (cross_is_first(r->children, i))
            ok = top_places(r, c, tables, i, &tops[(*n)++]);
    if (ok)
        return tops;
    free(tops);
    return NULL;
}

// Numbers as numbers, text as text; a missing cell is null.
static void add_cell(struct doc *d, cJSON *o, const struct table *t, const char *key,
                     const char *cell)
{
    const struct column *c = t->columns;
    while (strcmp(c->name, key) != 0)
        c++;
    if (column_type(c) == CELL_TEXT)
        doc_text(d, o, key, cell);
    else if (*cell)
        doc_raw(d, o, key, cell);
    else
        doc_null(d, o, key);
}

// The number of a place in each condition.
static void add_numbers(const struct reader *r, const struct places *tops, const struct place *p,
                        cJSON *o, const char *name)
{
    cJSON *numbers = doc_object(r->d, o, name);
    for (size_t i = 0, at = 0; i < r->n; i++)
        if (cross_is_first(r->children, i))
            doc_raw(r->d, numbers, cross_condition(&r->children[i]),
                    places_find(&tops[at++], p)->text);
}

// Places that are among the top of every condition, in the order of the first one.
static bool add_metric(struct reader *r, const struct cross_matrix *m,
                       const struct csv_table *tables, const char *metric, cJSON *parent)
{
    struct column_of c = { m, metric, "delta", BY_SIZE };
    size_t n;
    struct places *tops = top_of_all(r, &c, tables, &n);
    if (!tops)
        return false;
    cJSON *list = doc_array(r->d, parent, metric);
    for (size_t k = 0; k < tops[0].n; k++) {
        const struct place *p = &tops[0].items[k];
        bool one_sign;
        if (!place_is_everywhere(p, tops, n, &one_sign))
            continue;
        cJSON *o = doc_object(r->d, list, NULL);
        for (int i = 0; i < PLACE_KEYS && m->keys[i]; i++)
            add_cell(r->d, o, m->table, m->keys[i], p->keys[i]);
        doc_bool(r->d, o, "one_sign", one_sign);
        add_numbers(r, tops, p, o, "delta");
    }
    free(tops);
    return true;
}

static bool all_have(const struct reader *r, const struct csv_table *tables)
{
    bool all = true;
    for (size_t i = 0; i < r->n; i++)
        all = all && tables[i].n_columns;
    return all;
}

static bool add_matrix(struct reader *r, const struct cross_matrix *m,
                       const struct csv_table *tables)
{
    cJSON *o = m->list && all_have(r, tables) ? doc_object(r->d, r->d->root, m->list) : NULL;
    for (int i = 0; o && i < N_METRICS; i++)
        if (!add_metric(r, m, tables, metric_info((enum metric)i)->name, o))
            return false;
    return true;
}

static bool add_tinylab_metric(struct reader *r, const struct cross_matrix *m,
                               const struct csv_table *tables, const char *metric, cJSON *parent)
{
    struct column_of c = { m, NULL, metric, BY_VALUE };
    size_t n;
    struct places *tops = top_of_all(r, &c, tables, &n);
    if (!tops)
        return false;
    cJSON *list = doc_array(r->d, parent, metric);
    for (size_t k = 0; k < tops[0].n; k++) {
        const struct place *p = &tops[0].items[k];
        bool one_sign;
        if (!place_is_everywhere(p, tops, n, &one_sign))
            continue;
        cJSON *o = doc_object(r->d, list, NULL);
        doc_text(r->d, o, "variant", p->keys[0]);
        add_numbers(r, tops, p, o, "value");
    }
    free(tops);
    return true;
}

// What tinyLab would list: highest values first, whatever their sign.
static bool add_tinylab(struct reader *r, const struct cross_matrix *m,
                        const struct csv_table *tables)
{
    if (m->table != &table_compat || !all_have(r, tables))
        return true;
    cJSON *o = doc_object(r->d, r->d->root, "tinylab");
    doc_uint(r->d, o, "k", INVARIANT_TOP);
    doc_text(r->d, o, "by", "highest value of each condition, as tinyLab lists them");
    cJSON *metrics = doc_object(r->d, o, "metrics");
    for (size_t i = 0; compat_metric_name(i); i++)
        if (!add_tinylab_metric(r, m, tables, compat_metric_name(i), metrics))
            return false;
    return true;
}

bool cross_invariants(const struct cross_child *children, size_t n,
                      const struct csv_table *const tables[N_CROSS_MATRICES], struct doc *out,
                      struct abl_err *err)
{
    *out = doc_file("cross_invariants", false);
    struct reader r = { .children = children, .n = n, .d = out, .err = err };
    doc_uint(out, out->root, "k", INVARIANT_TOP);
    doc_text(out, out->root, "by", "largest |delta| of each condition");
    cJSON *names = doc_array(out, out->root, "conditions");
    for (size_t i = 0; i < n; i++)
        if (cross_is_first(children, i))
            doc_text(out, names, NULL, cross_condition(&children[i]));
    bool ok = true;
    for (size_t i = 0; ok && i < N_CROSS_MATRICES; i++)
        ok = add_matrix(&r, &cross_matrices[i], tables[i])
             && add_tinylab(&r, &cross_matrices[i], tables[i]);
    arena_release(&r.arena);
    if (!ok)
        doc_release(out);
    return ok;
}
