#include "lab/drift.h"

#include <math.h>
#include <stdlib.h>

#include "lab/forward.h"
#include "lab/run_parts.h"

enum { MOST_VARIANTS = 8 };

// The lab again, on an engine of its own. Everything else is borrowed.
static bool open_again(const struct lab *lab, struct lab *again, struct abl_err *err)
{
    *again = *lab;
    again->arena = (struct arena){ 0 };
    again->engine = NULL;
    again->forward = NULL;
    again->clamped = NULL;
    again->wanted = NULL;
    size_t n = lab_run_prompts(lab)->n;
    struct row_stats *run = arena_alloc(&again->arena, n, sizeof *run);
    again->intact = arena_alloc(&again->arena, lab->prompts->n, sizeof *again->intact);
    if (!run || !again->intact)
        return abl_no_memory(err);
    if (!engine_open("cpu", lab->settings.n_threads, PRECISION_F32, &again->engine, err))
        return false;
    struct forward_settings f = lab_forward_settings(again);
    if (!forward_open(&f, run, &again->forward, err))
        return false;
    lab_fold_rows(again, run, again->intact);
    return true;
}

static void close_again(struct lab *again)
{
    forward_free(again->forward);
    if (again->engine)
        again->engine->ops->free(again->engine);
    arena_release(&again->arena);
}

// Leave out all but some of the variants that have finished.
static size_t choose(const struct table *t, bool *done)
{
    size_t n = t->n_done < MOST_VARIANTS ? t->n_done : MOST_VARIANTS, seen = 0, taken = 0;
    for (size_t v = 0; v < t->variants->n; v++) {
        bool takes = t->done[v] && taken < n && seen >= taken * t->n_done / n;
        seen += t->done[v];
        taken += takes;
        done[v] = !takes;
    }
    return taken;
}

static void add(struct difference *d, double a, double b)
{
    double off = fabs(a - b);
    d->max = off > d->max || isnan(off) ? off : d->max;
    d->mean += off; // the sum until all are in
}

static void compare_row(struct drift *d, const struct row_stats *found,
                        const struct row_stats *found_intact, const struct row_stats *expected,
                        const struct row_stats *expected_intact)
{
    for (int i = 0; i < N_METRICS; i++) {
        const struct metric_info *m = metric_info((enum metric)i);
        add(&d->value[i], m->value(found, found_intact), m->value(expected, expected_intact));
    }
    add(&d->delta_ld, metric_delta(METRIC_LD, found, found_intact),
        metric_delta(METRIC_LD, expected, expected_intact));
}

// skipped: the variants that were not run again.
static void compare(const struct lab *lab, const struct table *t, const struct lab *again,
                    const struct table *u, const bool *skipped, struct drift *d)
{
    size_t n = t->n_prompts;
    for (size_t i = 0; i < n; i++) {
        const struct row_stats *intact = &lab->intact[i], *other = &again->intact[i];
        compare_row(d, intact, intact, other, other);
        for (size_t v = 0; v < t->variants->n; v++)
            if (!skipped[v])
                compare_row(d, &t->rows[v * n + i], intact, &u->rows[v * n + i], other);
    }
    double values = (double)n * (double)(d->n_variants + 1);
    for (int i = 0; i < N_METRICS; i++)
        d->value[i].mean /= values;
    d->delta_ld.mean /= values;
}

static bool measure(const struct lab *lab, const struct table *t, bool *skipped, struct drift *d,
                    struct abl_err *err)
{
    struct lab again;
    struct table u = { 0 };
    d->n_rows = t->n_prompts;
    d->n_variants = choose(t, skipped);
    bool ok = open_again(lab, &again, err) && table_init(&u, t->variants, t->n_prompts, err);
    for (size_t v = 0; ok && v < t->variants->n; v++)
        u.done[v] = skipped[v];
    ok = ok && lab_run(&again, &u, NULL, NULL, NULL, err);
    if (ok)
        compare(lab, t, &again, &u, skipped, d);
    table_release(&u);
    close_again(&again);
    return ok;
}

bool drift_measure(const struct lab *lab, const struct table *t, struct drift *out,
                   struct abl_err *err)
{
    struct drift d = { 0 };
    *out = d;
    if (!lab->engine || lab->engine->info.precision == PRECISION_F32)
        return true;
    bool *skipped = calloc(t->variants->n + 1, sizeof *skipped);
    if (!skipped)
        return abl_no_memory(err);
    bool ok = measure(lab, t, skipped, &d, err);
    free(skipped);
    if (ok)
        *out = d;
    return ok;
}
