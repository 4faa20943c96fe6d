#include "report/cross_invariants.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "plan/head_syntax.h"
#include "report/compat.h"
#include "report/number.h"
#include "stats/metrics.h"

// The strongest places of a condition under one kind of ablation.
struct top {
    const char *condition;
    const char *ablate; // "" where nothing is ablated
    struct places places;
};

struct tops {
    struct top *items;
    size_t n;
    bool several_kinds; // of some condition
};

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

// The places of one child behind the n that are there. Whether there were any.
static bool add_places(const struct column_of *c, const struct csv_table *t, const char *ablate,
                       struct place *all, size_t *n)
{
    size_t before = *n;
    for (size_t row = 0; row < t->n_rows; row++) {
        const char *number = cross_cell(t, row, c->number);
        bool is_of = !c->metric || strcmp(cross_cell(t, row, "metric"), c->metric) == 0;
        if (!is_of || !*number || strcmp(cross_cell(t, row, "ablate"), ablate) != 0
            || cross_is_beside(c->m, t, row))
            continue;
        struct place *p = &all[(*n)++];
        *p = (struct place){ .text = number, .delta = strtod(number, NULL) };
        for (int k = 0; k < PLACE_KEYS && c->m->keys[k]; k++)
            p->keys[k] = cross_cell(t, row, c->m->keys[k]);
    }
    return *n > before;
}

// The strongest places under a kind of the condition that child `first` is the first of. tables:
// (r->n)
static bool top_places(struct reader *r, const struct column_of *c, const struct csv_table *tables,
                       size_t first, const char *ablate, struct places *out)
{
    const char *condition = cross_condition(&r->children[first]);
    size_t room = 1, n = 0, n_children = 0;
    for (size_t i = first; i < r->n; i++)
        room += tables[i].n_rows;
    struct place *all = malloc(room * sizeof *all);
    if (!all)
        return abl_no_memory(r->err);
    for (size_t i = first; i < r->n; i++)
        if (strcmp(cross_condition(&r->children[i]), condition) == 0)
            n_children += add_places(c, &tables[i], ablate, all, &n);
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

// Add the kinds of a child that its condition, from `from` on in the list, does not have yet.
static void add_kinds(const struct csv_table *t, const char *condition, size_t from,
                      struct tops *out)
{
    struct ablate_names names = cross_ablations(t);
    for (size_t k = 0; k < names.n; k++) {
        size_t i = from;
        while (i < out->n && strcmp(out->items[i].ablate, names.items[k]) != 0)
            i++;
        if (i == out->n)
            out->items[out->n++] = (struct top){ condition, names.items[k], { .n = 0 } };
    }
}

// The strongest of each condition under each kind that it has. The caller's: free the items.
static bool top_of_all(struct reader *r, const struct column_of *c, const struct csv_table *tables,
                       struct tops *out)
{
    *out = (struct tops){ .items = calloc(r->n * MAX_ABLATIONS + 1, sizeof *out->items) };
    bool ok = out->items || abl_no_memory(r->err);
    for (size_t i = 0; ok && i < r->n; i++) {
        const char *condition = cross_condition(&r->children[i]);
        size_t from = out->n;
        if (!cross_is_first(r->children, i))
            continue;
        for (size_t k = i; k < r->n; k++)
            if (strcmp(cross_condition(&r->children[k]), condition) == 0)
                add_kinds(&tables[k], condition, from, out);
        for (size_t k = from; ok && k < out->n; k++)
            ok = top_places(r, c, tables, i, out->items[k].ablate, &out->items[k].places);
        out->several_kinds = out->several_kinds || out->n > from + 1;
    }
    if (!ok)
        free(out->items);
    return ok;
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

// The number of a place in each condition, and under each kind where some condition has several.
static void add_numbers(const struct reader *r, const struct tops *tops, const struct place *p,
                        cJSON *o, const char *name)
{
    cJSON *numbers = doc_object(r->d, o, name), *of = NULL;
    for (size_t i = 0; i < tops->n; i++) {
        const struct top *t = &tops->items[i];
        const char *number = places_find(&t->places, p)->text;
        if (!tops->several_kinds) {
            doc_raw(r->d, numbers, t->condition, number);
            continue;
        }
        if (!i || strcmp(t->condition, t[-1].condition) != 0)
            of = doc_object(r->d, numbers, t->condition);
        doc_raw(r->d, of, t->ablate, number);
    }
}

// Whether a place is among the top of every condition under every kind; *one_sign: with one sign.
static bool is_everywhere(const struct tops *tops, const struct place *p, bool *one_sign)
{
    bool everywhere = true;
    *one_sign = true;
    for (size_t i = 0; everywhere && i < tops->n; i++) {
        bool same;
        everywhere = place_is_everywhere(p, &tops->items[i].places, 1, &same);
        *one_sign = *one_sign && same;
    }
    return everywhere;
}

// Places that are among the top of every condition under every kind, in the order of the first:
// those of one sign, which hold whatever was asked, and the others.
static void add_found(const struct reader *r, const struct cross_matrix *m, const struct tops *tops,
                      bool of_one_sign, cJSON *list)
{
    for (size_t k = 0; tops->n && k < tops->items[0].places.n; k++) {
        const struct place *p = &tops->items[0].places.items[k];
        bool one_sign;
        if (!is_everywhere(tops, p, &one_sign) || one_sign != of_one_sign)
            continue;
        cJSON *o = doc_object(r->d, list, NULL);
        for (int i = 0; i < PLACE_KEYS && m->keys[i]; i++)
            add_cell(r->d, o, m->table, m->keys[i], p->keys[i]);
        if (of_one_sign)
            doc_bool(r->d, o, "one_sign", one_sign);
        add_numbers(r, tops, p, o, "delta");
    }
}

static bool add_metric(struct reader *r, const struct cross_matrix *m,
                       const struct csv_table *tables, const char *metric, cJSON *held,
                       cJSON *turned)
{
    struct column_of c = { m, metric, "delta", BY_SIZE };
    struct tops tops;
    if (!top_of_all(r, &c, tables, &tops))
        return false;
    add_found(r, m, &tops, true, doc_array(r->d, held, metric));
    add_found(r, m, &tops, false, doc_array(r->d, turned, metric));
    free(tops.items);
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
                       const struct csv_table *tables, cJSON *both_signs)
{
    if (!m->list || !all_have(r, tables))
        return true;
    cJSON *held = doc_object(r->d, r->d->root, m->list);
    cJSON *turned = doc_object(r->d, both_signs, m->list);
    for (int i = 0; i < N_METRICS; i++)
        if (!add_metric(r, m, tables, metric_info((enum metric)i)->name, held, turned))
            return false;
    return true;
}

static bool add_tinylab_metric(struct reader *r, const struct cross_matrix *m,
                               const struct csv_table *tables, const char *metric, cJSON *parent)
{
    struct column_of c = { m, NULL, metric, BY_VALUE };
    struct tops tops;
    if (!top_of_all(r, &c, tables, &tops))
        return false;
    cJSON *list = doc_array(r->d, parent, metric);
    for (size_t k = 0; tops.n && k < tops.items[0].places.n; k++) {
        const struct place *p = &tops.items[0].places.items[k];
        bool one_sign;
        if (!is_everywhere(&tops, p, &one_sign))
            continue;
        cJSON *o = doc_object(r->d, list, NULL);
        doc_text(r->d, o, "variant", p->keys[0]);
        add_numbers(r, &tops, p, o, "value");
    }
    free(tops.items);
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
    doc_text(out, out->root, "by",
             "largest |delta| of each condition under each kind of ablation, of one sign");
    cJSON *names = doc_array(out, out->root, "conditions");
    for (size_t i = 0; i < n; i++)
        if (cross_is_first(children, i))
            doc_text(out, names, NULL, cross_condition(&children[i]));
    bool ok = true;
    cJSON *both_signs = doc_object(out, out->root, "both_signs");
    for (size_t i = 0; ok && i < N_CROSS_MATRICES; i++)
        ok = add_matrix(&r, &cross_matrices[i], tables[i], both_signs)
             && add_tinylab(&r, &cross_matrices[i], tables[i]);
    arena_release(&r.arena);
    if (!ok)
        doc_release(out);
    return ok;
}
