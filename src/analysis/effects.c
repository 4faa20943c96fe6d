#include "analysis/effects.h"

#include <math.h>
#include <stdlib.h>

#include <omp.h>

#include "analysis/joint.h"
#include "stats/ranks.h"

static const struct estimate missing
    = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };

static bool estimate_interactions(const struct measured_rows *measured,
                                  const struct results *results, struct effect *e,
                                  struct abl_err *err)
{
    const struct variant *joint = &results->variants->items[e->variant];
    size_t *singles = calloc(joint->nodes.n, sizeof *singles);
    if (!singles)
        return abl_no_memory(err);
    bool ok = true;
    if (joint_singles(results, joint->nodes.heads, joint->nodes.n, &joint->how, singles))
        for (int m = 0; m < N_METRICS && ok; m++)
            ok = estimate_interaction(measured, results, e->variant, singles, joint->nodes.n,
                                      (enum metric)m, &e->interaction[m], err);
    free(singles);
    return ok;
}

static bool estimate_effect(const struct measured_rows *measured, const struct results *results,
                            size_t variant, struct effect *out, struct abl_err *err)
{
    out->variant = variant;
    if (!estimate_values(measured, results, variant, out->value, err)
        || !estimate_deltas(measured, results, variant, out->delta, err))
        return false;
    enum variant_role role = results->variants->items[variant].role;
    for (int m = 0; m < N_METRICS; m++) {
        out->interaction[m] = missing;
        out->percentile[m] = out->p_null[m] = NAN;
        if ((role == ROLE_RESTORED || role == ROLE_PATCH)
            && !estimate_recovery(measured, results, variant, (enum metric)m, &out->recovery[m],
                                  err))
            return false;
        if ((role == ROLE_PATCH || role == ROLE_SHAM)
            && !estimate_changed(measured, results, variant, (enum metric)m, &out->changed[m], err))
            return false;
    }
    return role != ROLE_SET || estimate_interactions(measured, results, out, err);
}

// Where a chosen set's delta lies among those of its controls, of a metric.
static void place_among_controls(const struct results *results, const struct effects *r,
                                 struct effect *e, enum metric m)
{
    size_t n = 0, below = 0, as_big = 0;
    double own = e->delta[m].mean;
    const struct variant *set = &results->variants->items[e->variant];
    for (size_t k = 0; k < r->n_groups; k++) {
        if (!variant_is_control_of(&results->variants->items[r->groups[k].variant], set))
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

static void compare_with_controls(const struct results *results, struct effects *r)
{
    for (size_t i = 0; i < r->n_groups; i++) {
        if (results->variants->items[r->groups[i].variant].role != ROLE_SET)
            continue;
        for (int m = 0; m < N_METRICS; m++)
            place_among_controls(results, r, &r->groups[i], (enum metric)m);
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
    case ROLE_REPEAT: // has none
        break;
    }
    return &r->patches[r->n_patches++];
}

static const struct ablation *how_of(const struct results *results, const struct effect *e)
{
    return &results->variants->items[e->variant].how;
}

// How many of the first effects of a list, which has n, are of the first one's kind.
static size_t count_kind(const struct results *results, const struct effect *effects, size_t n)
{
    size_t end = n ? 1 : 0;
    while (end < n && ablation_same(how_of(results, &effects[end]), how_of(results, &effects[0])))
        end++;
    return end;
}

// The part of a list that is of one kind.
static void keep_kind(const struct results *results, const struct ablation *how,
                      struct effect **list, size_t *n)
{
    size_t first = 0;
    while (first < *n && !ablation_same(how_of(results, &(*list)[first]), how))
        first++;
    *list += first;
    *n = count_kind(results, *list, *n - first);
}

struct effects effects_of_kind(const struct results *results, const struct effects *all,
                               const struct ablation *how)
{
    struct effects part = *all;
    keep_kind(results, how, &part.heads, &part.n_heads);
    keep_kind(results, how, &part.groups, &part.n_groups);
    keep_kind(results, how, &part.restored, &part.n_restored);
    return part;
}

// q of one metric over a list of effects, kind by kind. room: (n).
static void correct(const struct results *results, struct effect *effects, size_t n, enum metric m,
                    struct estimate **room)
{
    for (size_t first = 0, count; first < n; first += count) {
        count = count_kind(results, effects + first, n - first);
        for (size_t i = 0; i < count; i++)
            room[i] = &effects[first + i].delta[m];
        stats_fdr_among(room, count);
    }
}

static bool correct_all(const struct results *results, struct effects *r, struct abl_err *err)
{
    struct estimate **room = malloc((results->variants->n + 1) * sizeof *room);
    if (!room)
        return abl_no_memory(err);
    for (int m = 0; m < N_METRICS; m++) {
        correct(results, r->heads, r->n_heads, (enum metric)m, room);
        correct(results, r->groups, r->n_groups, (enum metric)m, room);
        correct(results, r->restored, r->n_restored, (enum metric)m, room);
        correct(results, r->patches, r->n_patches, (enum metric)m, room);
    }
    free(room);
    return true;
}

// ------------------------------------------------------------------------------ kinds of ablation

// The places of one kind's effects by |delta| of a metric, controls left out: rank[i] of effect i,
// from 1, 0 of controls.
static bool rank_kind(const struct results *results, const struct effect *effects, size_t n,
                      enum metric m, uint32_t *rank, struct abl_err *err)
{
    double *deltas = calloc(n, sizeof *deltas);
    size_t *order = calloc(n, sizeof *order), *who = calloc(n, sizeof *who), count = 0;
    bool ok = (deltas && order && who) || abl_no_memory(err);
    for (size_t i = 0; ok && i < n; i++) {
        rank[i] = 0;
        if (results->variants->items[effects[i].variant].role == ROLE_CONTROL)
            continue;
        who[count] = i;
        deltas[count++] = effects[i].delta[m].mean;
    }
    ok = ok && ranks_by_size(deltas, count, order, err);
    for (size_t i = 0; ok && i < count; i++)
        rank[who[order[i]]] = (uint32_t)i + 1;
    free(deltas);
    free(order);
    free(who);
    return ok;
}

static int sign_of(double x)
{
    return (x > 0) - (x < 0);
}

// Put what one effect says to what the others of its nodes said: all are in `to`.
static void agree(struct agreement *to, const struct effect *e, enum metric m, uint32_t rank,
                  int *sign)
{
    int own = sign_of(e->delta[m].mean);
    to->sign_agrees = own && (!to->n_kinds || (to->sign_agrees && own == *sign));
    to->rank_min = !to->n_kinds || rank < to->rank_min ? rank : to->rank_min;
    to->rank_max = rank > to->rank_max ? rank : to->rank_max;
    to->n_kinds++;
    *sign = own;
}

// The place in a list of the effect with the nodes of effect i under another kind; n: it has none.
// of_variant: (variants) places in the list.
static size_t same_nodes(const struct results *results, const struct effect *list, size_t n,
                         size_t i, const struct ablation *how, const size_t *of_variant)
{
    const struct head_set *nodes = &results->variants->items[list[i].variant].nodes;
    size_t v = variants_find_heads(results->variants, nodes->heads, nodes->n, how);
    return v == NO_VARIANT ? n : of_variant[v];
}

// Of every effect of a list, once all have their deltas. room: ranks (n), places (variants).
static bool compare_kinds(const struct results *results, const struct ablations *kinds,
                          struct effect *list, size_t n, uint32_t *rank, size_t *of_variant,
                          enum metric m, struct abl_err *err)
{
    for (size_t first = 0, count; first < n; first += count) {
        count = count_kind(results, list + first, n - first);
        if (!rank_kind(results, list + first, count, m, rank + first, err))
            return false;
    }
    for (size_t v = 0; v < results->variants->n; v++)
        of_variant[v] = n;
    for (size_t i = 0; i < n; i++)
        of_variant[list[i].variant] = i;
    for (size_t i = 0; i < n; i++) {
        struct agreement all = { 0 };
        int sign = 0;
        for (size_t k = 0; rank[i] && k < kinds->n; k++) {
            size_t at = same_nodes(results, list, n, i, &kinds->items[k], of_variant);
            if (at < n && rank[at])
                agree(&all, &list[at], m, rank[at], &sign);
        }
        list[i].agreement[m] = all;
    }
    return true;
}

// The kinds that a list has, in its order.
static struct ablations kinds_of(const struct results *results, const struct effect *list, size_t n)
{
    struct ablations kinds = { .n = 0 };
    for (size_t first = 0; first < n && kinds.n < MAX_ABLATIONS;
         first += count_kind(results, list + first, n - first))
        kinds.items[kinds.n++] = *how_of(results, &list[first]);
    return kinds;
}

static bool compare_all_kinds(const struct results *results, struct effects *r, struct abl_err *err)
{
    struct ablations kinds[]
        = { kinds_of(results, r->heads, r->n_heads), kinds_of(results, r->groups, r->n_groups) };
    if (kinds[0].n < 2 && kinds[1].n < 2)
        return true;
    size_t n = results->variants->n;
    uint32_t *rank = calloc(n + 1, sizeof *rank);
    size_t *of_variant = calloc(n + 1, sizeof *of_variant);
    bool ok = (rank && of_variant) || abl_no_memory(err);
    for (int m = 0; ok && m < N_METRICS; m++)
        ok = compare_kinds(results, &kinds[0], r->heads, r->n_heads, rank, of_variant,
                           (enum metric)m, err)
             && compare_kinds(results, &kinds[1], r->groups, r->n_groups, rank, of_variant,
                              (enum metric)m, err);
    free(rank);
    free(of_variant);
    return ok;
}

// Whole variants are shared out over threads, which leaves each column's sums in their order.
static bool estimate_effects(const struct measured_rows *measured, const struct results *results,
                             struct effect **out, struct abl_err *err)
{
    bool ok = true;
#pragma omp parallel for schedule(dynamic) if (results->variants->n                                \
                                               >= (size_t)omp_get_max_threads())
    for (size_t i = 0; i < results->variants->n; i++) {
        struct abl_err own;
        if (!out[i] || estimate_effect(measured, results, i, out[i], &own))
            continue;
#pragma omp critical
        {
            *err = own;
            ok = false;
        }
    }
    return ok;
}

static bool fill(const struct measured_rows *measured, const struct results *results,
                 struct effects *r, struct abl_err *err)
{
    size_t n = results->variants->n;
    struct effect **effects = calloc(n ? n : 1, sizeof *effects); // NULL: not done
    bool ok = effects || abl_no_memory(err);
    for (int m = 0; m < N_METRICS && ok; m++) {
        ok = estimate_intact(measured, (enum metric)m, &r->intact[m], err);
        r->bar[m] = (struct verdict_bar){ measured->alpha,
                                          least_effect(measured->min_effect, &r->intact[m]) };
    }
    for (size_t i = 0; i < n && ok; i++)
        if (results_is_effect(results, i))
            effects[i] = next_effect(r, results->variants->items[i].role);
    ok = ok && estimate_effects(measured, results, effects, err);
    free(effects);
    if (!ok)
        return false;
    compare_with_controls(results, r);
    return correct_all(results, r, err) && compare_all_kinds(results, r, err);
}

bool effects_make(const struct measured_rows *measured, const struct results *results,
                  const struct lens *lens, struct effects *out, struct abl_err *err)
{
    size_t room = results->variants->n ? results->variants->n : 1;
    struct effects r = { .heads = calloc(room, sizeof *r.heads),
                         .groups = calloc(room, sizeof *r.groups),
                         .restored = calloc(room, sizeof *r.restored),
                         .patches = calloc(room, sizeof *r.patches) };
    bool ok = (r.heads && r.groups && r.restored && r.patches) || abl_no_memory(err);
    ok = ok && fill(measured, results, &r, err) && holdout_make(measured, results, &r.holdout, err)
         && by_group_make(measured, results, &r.by_group, err)
         && (!lens || lens_estimates_make(measured, results, lens, &r.lens, err));
    if (ok)
        *out = r;
    else
        effects_release(&r);
    return ok;
}

void effects_release(struct effects *r)
{
    free(r->heads);
    free(r->groups);
    free(r->restored);
    free(r->patches);
    holdout_release(&r->holdout);
    by_group_release(&r->by_group);
    lens_estimates_release(&r->lens);
    *r = (struct effects){ 0 };
}

struct overall_effect effects_overall(const struct effect *effects, size_t n, enum metric m,
                                      struct verdict_bar bar)
{
    struct overall_effect all = { 0 };
    size_t n_told = 0; // of the effects that some row tells of
    for (size_t i = 0; i < n; i++)
        n_told += effects[i].delta[m].n > 0;
    for (size_t i = 0; i < n; i++) {
        if (!effects[i].delta[m].n)
            continue;
        all.value += effects[i].value[m].mean / (double)n_told;
        all.delta += effects[i].delta[m].mean / (double)n_told;
        all.n_significant += effects[i].delta[m].q < bar.alpha;
        all.n_effects += verdict_is_effect(&effects[i].delta[m], bar);
    }
    if (!n_told)
        all.value = all.delta = NAN;
    return all;
}

double sham_error(const struct measured_rows *measured, const struct results *results)
{
    double worst = NAN;
    for (size_t v = 0; v < results->variants->n; v++) {
        const struct row_stats *rows = results->rows + v * results->n_prompts;
        if (results->variants->items[v].role != ROLE_SHAM || !results->done[v])
            continue;
        for (size_t i = 0; i < results->n_prompts; i++) {
            const struct row_stats *x = &rows[i], *y = &measured->intact[i];
            double a = fabs((double)x->target_logit - (double)y->target_logit);
            double b = fabs((double)x->foil_logit - (double)y->foil_logit);
            worst = fmax(worst, fmax(a, b)); // fmax passes over NaN
        }
    }
    return worst;
}
