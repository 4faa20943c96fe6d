// Partial patch: a set is ablated, and some of its heads are given back. From the same run a head
// gets its own intact z; for a set within one layer that is the ablation of the others, exactly.
// From the other run it gets the z that the row's other prompt gives it, which asks whether the
// head carries the answer or only has to be there. A head outside the set that --restore names is
// held at its intact value while the set is ablated: what would go through it is taken out.
#include <stdlib.h>

#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "plan/head_syntax.h"

enum { MAX_PAIRED = 6 }; // of sets up to this size, pairs are given back too

struct writer {
    const struct session *session;
    struct ablation how;
    const struct head_set *chosen; // --restore: only these are given back or held; NULL: the set's
    struct variants *v;
    struct abl_err *err;
};

static bool add_restored(struct writer *w, const struct head_set *set, size_t parent,
                         const struct head_set *back, enum variant_donor donor)
{
    struct ablation intact = w->how; // where it is ablated
    intact.kind = ABLATE_PATCH;
    intact.donor = donor == DONOR_OTHER ? DONOR_MAP_OTHER : DONOR_MAP_SELF;
    struct variant one = { .edits = malloc((set->n + back->n) * sizeof *one.edits),
                           .n_edits = set->n,
                           .role = ROLE_RESTORED,
                           .parent = parent,
                           .nodes = *set,
                           .restored = *back,
                           .donor = donor,
                           .how = w->how };
    if (!one.edits)
        return abl_no_memory(w->err);
    for (size_t i = 0; i < set->n; i++)
        one.edits[i]
            = head_edit(set->heads[i], head_set_has(back, set->heads[i]) ? intact : w->how);
    for (size_t i = 0; i < back->n; i++)
        if (!head_set_has(set, back->heads[i]))
            one.edits[one.n_edits++] = head_edit(back->heads[i], intact);
    bool ok = variants_add(w->v, &one, NULL, w->err);
    free(one.edits);
    return ok;
}

// From the same run, and from the other where every row has one.
static bool add_both(struct writer *w, const struct head_set *set, size_t parent,
                     const struct head_set *back)
{
    for (size_t i = 0; i < back->n; i++)
        if (w->chosen && !head_set_has(w->chosen, back->heads[i]))
            return true;
    return add_restored(w, set, parent, back, DONOR_SAME)
           && (!w->session->donors.maps[DONOR_MAP_OTHER]
               || add_restored(w, set, parent, back, DONOR_OTHER));
}

// Heads outside of the set, each held by itself.
static bool add_held(struct writer *w, const struct head_set *set, size_t parent)
{
    for (size_t i = 0; w->chosen && i < w->chosen->n; i++) {
        struct head_set one = { .heads = &w->chosen->heads[i], .n = 1 };
        if (!head_set_has(set, one.heads[0]) && !add_restored(w, set, parent, &one, DONOR_SAME))
            return false;
    }
    return true;
}

static bool add_set(struct writer *w, const struct head_set *set)
{
    size_t parent;
    if (!variants_add_set(w->v, set, w->how, set->n > 1 ? ROLE_SET : ROLE_HEAD, NO_VARIANT, &parent,
                          w->err))
        return false;
    for (size_t i = 0; i < set->n; i++)
        if (!add_both(w, set, parent, &(struct head_set){ .heads = &set->heads[i], .n = 1 }))
            return false;
    for (size_t i = 0; set->n > 2 && set->n <= MAX_PAIRED && i < set->n; i++)
        for (size_t k = i + 1; k < set->n; k++) {
            struct head pair[2] = { set->heads[i], set->heads[k] };
            if (!add_both(w, set, parent, &(struct head_set){ .heads = pair, .n = 2 }))
                return false;
        }
    return add_held(w, set, parent);
}

static bool add_sets(struct writer *w, const struct head_set *sets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!add_set(w, &sets[i]))
            return false;
    return true;
}

static bool list_partial(const struct session *session, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set *sets, chosen = { 0 };
    struct variants v = { 0 };
    struct ablations kinds;
    struct writer w = { .session = session, .v = &v, .err = err };
    size_t n = 0, cap = 0;
    bool ok
        = chosen_ablations(session, &kinds, err) && chosen_sets(session, &scratch, &sets, &n, err);
    if (ok && session->settings.restore) {
        ok = heads_parse(session->settings.restore, &session->model->shape, &scratch, &chosen, err);
        w.chosen = &chosen;
    }
    for (size_t i = 0; ok && i < n; i++)
        cap += 1 + chosen.n
               + 2 * (sets[i].n + (sets[i].n <= MAX_PAIRED ? sets[i].n * sets[i].n : 0));
    ok = ok && variants_init(&v, cap * kinds.n, err);
    for (size_t i = 0; ok && i < kinds.n; i++) {
        w.how = kinds.items[i];
        ok = add_sets(&w, sets, n);
    }
    arena_release(&scratch);
    if (!ok) {
        variants_release(&v);
        return false;
    }
    *out = v;
    return true;
}

const struct experiment experiment_partial = {
    .name = "partial",
    .about = "sets with heads given back",
    .options = READS_ABLATION | READS_SETS | READS_RESTORE,
    .traits = SCORES_ANSWERS,
    .makes = MAKES(ROLE_HEAD) | MAKES(ROLE_SET) | MAKES(ROLE_RESTORED),
    .swept = ROLE_RESTORED,
    .list = list_partial,
};
