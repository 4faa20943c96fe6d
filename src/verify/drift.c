#include "verify/drift.h"

#include <math.h>
#include <stdlib.h>

#include "forward/forward.h"
#include "session/session_parts.h"

enum { MOST_VARIANTS = 8 };

// The session's rows on an engine of their own.
struct again {
    struct engine *engine;
    struct forward *forward;
    struct row_stats *intact; // (rows)
};

static struct workload workload_again(const struct session *session, const struct again *a)
{
    struct workload w = session_workload(session);
    w.forward = a->forward;
    w.tinylab = NULL;
    return w;
}

static bool open_again(const struct session *session, struct again *a, struct abl_err *err)
{
    *a = (struct again){ .intact = calloc(session->prompts->n, sizeof *a->intact) };
    struct row_stats *run = calloc(session_prompts(session)->n, sizeof *run);
    bool ok = ((run && a->intact) || abl_no_memory(err))
              && engine_open("cpu", session->settings.n_threads, PRECISION_F32, &a->engine, err);
    if (ok) {
        struct forward_settings f = session_forward_settings(session, &a->engine->info);
        f.engine = a->engine;
        f.tap = NULL;
        ok = forward_open(&f, run, &a->forward, err);
    }
    if (ok) {
        struct workload w = workload_again(session, a);
        workload_fold(&w, run, a->intact);
    }
    free(run);
    return ok;
}

static void close_again(struct again *a)
{
    forward_free(a->forward);
    if (a->engine)
        a->engine->ops->free(a->engine);
    free(a->intact);
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
                    const struct again *again, const struct results *u, const bool *skipped,
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
    struct again again = { 0 };
    struct results u = { 0 };
    d->n_rows = t->n_prompts;
    d->n_variants = choose(t, skipped);
    bool ok = open_again(session, &again, err) && results_init(&u, t->variants, t->n_prompts, err);
    for (size_t v = 0; ok && v < t->variants->n; v++)
        u.done[v] = skipped[v];
    struct workload w = workload_again(session, &again);
    ok = ok && workload_run(&w, &u, NULL, NULL, NULL, NULL, err);
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
