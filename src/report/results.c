#include "report/results.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

bool variant_is_head(const struct variant *v)
{
    return v->role == ROLE_HEAD;
}

static const struct estimate missing
    = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };

// Find the finished singles of a joint variant; false if one was not run.
static bool find_singles(const struct table *t, const struct variant *joint, size_t *singles)
{
    for (size_t i = 0; i < joint->n_edits; i++) {
        char label[32];
        snprintf(label, sizeof label, "%" PRIu32 ":%" PRIu32, joint->edits[i].layer,
                 joint->edits[i].head);
        singles[i] = variants_find(t->variants, label);
        if (singles[i] == SIZE_MAX || !t->done[singles[i]])
            return false;
    }
    return true;
}

static bool estimate_interactions(const struct lab *lab, const struct table *t, struct effect *e,
                                  struct abl_err *err)
{
    const struct variant *joint = &t->variants->items[e->variant];
    size_t *singles = calloc(joint->n_edits, sizeof *singles);
    if (!singles)
        return abl_no_memory(err);
    bool ok = true;
    if (find_singles(t, joint, singles))
        for (int m = 0; m < N_METRICS && ok; m++)
            ok = lab_interaction(lab, t, e->variant, singles, joint->n_edits, (enum metric)m,
                                 &e->interaction[m], err);
    free(singles);
    return ok;
}

static bool estimate_effect(const struct lab *lab, const struct table *t, size_t variant,
                            struct effect *out, struct abl_err *err)
{
    out->variant = variant;
    for (int m = 0; m < N_METRICS; m++) {
        out->interaction[m] = missing;
        if (!lab_estimate(lab, t, variant, (enum metric)m, true, &out->value[m], err)
            || !lab_estimate(lab, t, variant, (enum metric)m, false, &out->delta[m], err))
            return false;
    }
    return variant_is_head(&t->variants->items[variant]) || estimate_interactions(lab, t, out, err);
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

static bool fill(const struct lab *lab, const struct table *t, struct results *r,
                 struct abl_err *err)
{
    for (int m = 0; m < N_METRICS; m++)
        if (!lab_estimate_intact(lab, (enum metric)m, &r->intact[m], err))
            return false;
    for (size_t i = 0; i < t->variants->n; i++) {
        if (!t->done[i])
            continue;
        bool head = variant_is_head(&t->variants->items[i]);
        struct effect *e = head ? &r->heads[r->n_heads] : &r->groups[r->n_groups];
        if (!estimate_effect(lab, t, i, e, err))
            return false;
        *(head ? &r->n_heads : &r->n_groups) += 1;
    }
    for (int m = 0; m < N_METRICS; m++)
        if (!correct(r->heads, r->n_heads, (enum metric)m, err)
            || !correct(r->groups, r->n_groups, (enum metric)m, err))
            return false;
    return true;
}

bool results_make(const struct lab *lab, const struct table *table, struct results *out,
                  struct abl_err *err)
{
    size_t room = table->variants->n ? table->variants->n : 1;
    struct results r
        = { .heads = calloc(room, sizeof *r.heads), .groups = calloc(room, sizeof *r.groups) };
    bool ok = (r.heads && r.groups) || abl_no_memory(err);
    if (!ok || !fill(lab, table, &r, err)) {
        results_release(&r);
        return false;
    }
    *out = r;
    return true;
}

void results_release(struct results *r)
{
    free(r->heads);
    free(r->groups);
    *r = (struct results){ 0 };
}
