#include "verify/drift.h"

#include <math.h>
#include <stdlib.h>

#include "forward/forward.h"
#include "session/session_parts.h"

enum { MOST_VARIANTS = 8 };

// The session again, on an engine of its own. Everything else is borrowed.
static bool open_again(const struct session *session, struct session *again, struct abl_err *err)
{
    *again = *session;
    again->arena = (struct arena){ 0 };
    again->engine = NULL;
    again->forward = NULL;
    again->tinylab_kl = NULL;
    again->wanted = NULL;
    size_t n = session_prompts(session)->n;
    struct row_stats *run = arena_alloc(&again->arena, n, sizeof *run);
    again->intact = arena_alloc(&again->arena, session->prompts->n, sizeof *again->intact);
    if (!run || !again->intact)
        return abl_no_memory(err);
    if (!engine_open("cpu", session->settings.n_threads, PRECISION_F32, &again->engine, err))
        return false;
    struct forward_settings f = session_forward_settings(again, &again->engine->info);
    if (!forward_open(&f, run, &again->forward, err))
        return false;
    session_fold_rows(again, run, again->intact);
    return true;
}

static void close_again(struct session *again)
{
    forward_free(again->forward);
    if (again->engine)
        again->engine->ops->free(again->engine);
    arena_release(&again->arena);
}

// Leave out all but some of the variants that have finished.
static size_t choose(const struct results *t, bool *done)
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
        enum metric m = (enum metric)i;
        add(&d->value[i], metric_value(m, found, found_intact),
            metric_value(m, expected, expected_intact));
    }
    add(&d->delta_ld, metric_delta(METRIC_LD, found, found_intact),
        metric_delta(METRIC_LD, expected, expected_intact));
}

// skipped: the variants that were not run again.
static void compare(const struct session *session, const struct results *t,
                    const struct session *again, const struct results *u, const bool *skipped,
                    struct drift *d)
{
    size_t n = t->n_prompts;
    for (size_t i = 0; i < n; i++) {
        const struct row_stats *intact = &session->intact[i], *other = &again->intact[i];
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

static bool measure(const struct session *session, const struct results *t, bool *skipped,
                    struct drift *d, struct abl_err *err)
{
    struct session again;
    struct results u = { 0 };
    d->n_rows = t->n_prompts;
    d->n_variants = choose(t, skipped);
    bool ok = open_again(session, &again, err) && results_init(&u, t->variants, t->n_prompts, err);
    for (size_t v = 0; ok && v < t->variants->n; v++)
        u.done[v] = skipped[v];
    ok = ok && session_run(&again, &u, NULL, NULL, NULL, err);
    if (ok)
        compare(session, t, &again, &u, skipped, d);
    results_release(&u);
    close_again(&again);
    return ok;
}

bool drift_measure(const struct session *session, const struct results *t, struct drift *out,
                   struct abl_err *err)
{
    struct drift d = { 0 };
    *out = d;
    if (!session->engine || session->engine->info.precision == PRECISION_F32)
        return true;
    bool *skipped = calloc(t->variants->n + 1, sizeof *skipped);
    if (!skipped)
        return abl_no_memory(err);
    bool ok = measure(session, t, skipped, &d, err);
    free(skipped);
    if (ok)
        *out = d;
    return ok;
}
