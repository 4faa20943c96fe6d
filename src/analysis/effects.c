#include "analysis/effects.h"

#include <math.h>
#include <stdlib.h>

#include <omp.h>

static const struct estimate missing
    = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };

// Find the finished singles of a joint variant; false if one was not run.
static bool find_singles(const struct results *t, const struct variant *joint, size_t *singles)
{
    for (size_t i = 0; i < joint->nodes.n; i++) {
        singles[i] = variants_find_heads(t->variants, &joint->nodes.heads[i], 1);
        if (singles[i] == NO_VARIANT || !t->done[singles[i]])
            return false;
    }
    return true;
}

static bool estimate_interactions(const struct session *session, const struct results *t,
                                  struct effect *e, struct abl_err *err)
{
    const struct variant *joint = &t->variants->items[e->variant];
    size_t *singles = calloc(joint->nodes.n, sizeof *singles);
    if (!singles)
        return abl_no_memory(err);
    bool ok = true;
    if (find_singles(t, joint, singles))
        for (int m = 0; m < N_METRICS && ok; m++)
            ok = estimate_interaction(session, t, e->variant, singles, joint->nodes.n,
                                      (enum metric)m, &e->interaction[m], err);
    free(singles);
    return ok;
}

static bool estimate_effect(const struct session *session, const struct results *t, size_t variant,
                            struct effect *out, struct abl_err *err)
{
    out->variant = variant;
    if (!estimate_metrics(session, t, variant, true, out->value, err)
        || !estimate_metrics(session, t, variant, false, out->delta, err))
        return false;
    enum variant_role role = t->variants->items[variant].role;
    for (int m = 0; m < N_METRICS; m++) {
        out->interaction[m] = missing;
        out->percentile[m] = out->p_null[m] = NAN;
        if ((role == ROLE_RESTORED || role == ROLE_PATCH)
            && !estimate_recovery(session, t, variant, (enum metric)m, &out->recovery[m], err))
            return false;
    }
    return role != ROLE_SET || estimate_interactions(session, t, out, err);
}

// Where a chosen set's delta lies among those of its controls, of a metric.
static void place_among_controls(const struct results *t, const struct effects *r, struct effect *e,
                                 enum metric m)
{
    size_t n = 0, below = 0, as_big = 0;
    double own = e->delta[m].mean;
    const struct variant *set = &t->variants->items[e->variant];
    for (size_t k = 0; k < r->n_groups; k++) {
        if (!variant_is_control_of(&t->variants->items[r->groups[k].variant], set))
            continue;
        double delta = r->groups[k].delta[m].mean;
        n++;
        below += delta <= own;
        as_big += fabs(delta) >= fabs(own);
    }
    e->n_controls = n;
    if (!n || isnan(own))
        return;
    e->percentile[m] = 100.0 * (double)below / (double)n;
    e->p_null[m] = (double)(as_big + 1) / (double)(n + 1);
}

static void compare_with_controls(const struct results *t, struct effects *r)
{
    for (size_t i = 0; i < r->n_groups; i++) {
        if (t->variants->items[r->groups[i].variant].role != ROLE_SET)
            continue;
        for (int m = 0; m < N_METRICS; m++)
            place_among_controls(t, r, &r->groups[i], (enum metric)m);
    }
}

// The list that a variant's effect belongs to.
static struct effect *next_effect(struct effects *r, enum variant_role role)
{
    switch (role) {
    case ROLE_HEAD:
        return &r->heads[r->n_heads++];
    case ROLE_SET:
    case ROLE_CONTROL:
        return &r->groups[r->n_groups++];
    case ROLE_RESTORED:
        return &r->restored[r->n_restored++];
    case ROLE_PATCH:
    case ROLE_SHAM:
        break;
    }
    return &r->patches[r->n_patches++];
}

// q of one metric over a list of effects.
static bool correct(struct effect *effects, size_t n, enum metric m, struct abl_err *err)
{
    struct estimate *grid = calloc(n ? n : 1, sizeof *grid);
    if (!grid)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        grid[i] = effects[i].delta[m];
    bool ok = stats_fdr(grid, n, err);
    for (size_t i = 0; i < n && ok; i++)
        effects[i].delta[m].q = grid[i].q;
    free(grid);
    return ok;
}

// Whole variants are shared out over threads, which leaves each column's sums in their order.
static bool estimate_effects(const struct session *session, const struct results *t,
                             struct effect **out, struct abl_err *err)
{
    bool ok = true;
#pragma omp parallel for schedule(dynamic) if (t->variants->n >= (size_t)omp_get_max_threads())
    for (size_t i = 0; i < t->variants->n; i++) {
        struct abl_err own;
        if (!out[i] || estimate_effect(session, t, i, out[i], &own))
            continue;
#pragma omp critical
        {
            *err = own;
            ok = false;
        }
    }
    return ok;
}

static bool fill(const struct session *session, const struct results *t, struct effects *r,
                 struct abl_err *err)
{
    size_t n = t->variants->n;
    struct effect **effects = calloc(n ? n : 1, sizeof *effects); // NULL: not done
    bool ok = effects || abl_no_memory(err);
    for (int m = 0; m < N_METRICS && ok; m++)
        ok = estimate_intact(session, (enum metric)m, &r->intact[m], err);
    for (size_t i = 0; i < n && ok; i++)
        if (t->done[i])
            effects[i] = next_effect(r, t->variants->items[i].role);
    ok = ok && estimate_effects(session, t, effects, err);
    free(effects);
    if (!ok)
        return false;
    compare_with_controls(t, r);
    for (int m = 0; m < N_METRICS; m++)
        if (!correct(r->heads, r->n_heads, (enum metric)m, err)
            || !correct(r->groups, r->n_groups, (enum metric)m, err)
            || !correct(r->restored, r->n_restored, (enum metric)m, err)
            || !correct(r->patches, r->n_patches, (enum metric)m, err))
            return false;
    return holdout_make(session, t, &r->holdout, err);
}

bool effects_make(const struct session *session, const struct results *table, struct effects *out,
                  struct abl_err *err)
{
    size_t room = table->variants->n ? table->variants->n : 1;
    struct effects r = { .heads = calloc(room, sizeof *r.heads),
                         .groups = calloc(room, sizeof *r.groups),
                         .restored = calloc(room, sizeof *r.restored),
                         .patches = calloc(room, sizeof *r.patches) };
    bool ok = (r.heads && r.groups && r.restored && r.patches) || abl_no_memory(err);
    if (!ok || !fill(session, table, &r, err)) {
        effects_release(&r);
        return false;
    }
    *out = r;
    return true;
}

void effects_release(struct effects *r)
{
    free(r->heads);
    free(r->groups);
    free(r->restored);
    free(r->patches);
    holdout_release(&r->holdout);
    *r = (struct effects){ 0 };
}
