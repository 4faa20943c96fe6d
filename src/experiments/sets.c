// Joint ablations, and random sets of the same size in the same layers as their null.
#include <stdlib.h>

#include "base/rng.h"
#include "base/string_index.h"
#include "experiments/chosen.h"
#include "experiments/experiments.h"

static int by_place(const void *a, const void *b)
{
    const struct head *x = a, *y = b;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return (x->head > y->head) - (x->head < y->head);
}

static bool is_in(const struct head *heads, size_t n, struct head h)
{
    for (size_t i = 0; i < n; i++)
        if (heads[i].layer == h.layer && heads[i].head == h.head)
            return true;
    return false;
}

// A random set with as many heads in each layer as `like` has. out has room for like->n heads.
static void draw_like(const struct head_set *like, uint32_t n_heads, struct rng *r,
                      struct head *out)
{
    for (size_t i = 0; i < like->n; i++)
        do
            out[i] = (struct head){ like->heads[i].layer, rng_below(r, n_heads) };
        while (is_in(out, i, out[i]));
    qsort(out, like->n, sizeof *out, by_place);
}

// How many controls there are of sets with the heads' layers; NULL when memory is out.
static uint32_t *count_of_like(struct string_index *counts, const struct head_set *set)
{
    uint32_t *layers = malloc(set->n * sizeof *layers), *count = NULL;
    for (size_t i = 0; layers && i < set->n; i++)
        layers[i] = set->heads[i].layer;
    if (layers)
        count = string_index_put_copy(counts, (const char *)layers, set->n * sizeof *layers, 0);
    free(layers);
    return count;
}

// Up to n_controls random sets, each once, none of them a set that was asked for; those of a like
// set before this one count, `counts` says how many. Where a layer has few heads there are fewer: a
// fixed number of draws finds what there is.
static bool add_controls(const struct session *session, const struct head_set *chosen,
                         size_t parent, struct ablation how, struct rng *r,
                         struct string_index *counts, struct variants *v, struct abl_err *err)
{
    enum { DRAWS = 20 };
    uint32_t wanted = session->settings.n_controls, n_heads = session->model->shape.n_heads;
    struct head *heads = malloc(chosen->n * sizeof *heads);
    uint32_t *found = count_of_like(counts, chosen);
    bool ok = (heads && found) || abl_no_memory(err);
    for (uint32_t draw = 0; ok && *found < wanted && draw < DRAWS * wanted; draw++) {
        struct head_set one = { .heads = heads, .n = chosen->n };
        size_t before = v->n;
        draw_like(chosen, n_heads, r, heads);
        ok = variants_add_set(v, &one, how, ROLE_CONTROL, parent, NULL, err);
        *found += v->n > before;
    }
    free(heads);
    return ok;
}

// Of one kind of ablation: singles first, then the sets, then their controls, which are the same
// under every kind.
static bool add_all(const struct session *session, const struct head_set *sets, size_t n,
                    size_t *parents, struct ablation how, struct variants *v, struct abl_err *err)
{
    struct rng r;
    struct string_index counts = { 0 };
    rng_seed(&r, session->settings.seed);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sets[i].n; k++)
            if (!variants_add_set(v, &(struct head_set){ .heads = &sets[i].heads[k], .n = 1 }, how,
                                  ROLE_HEAD, NO_VARIANT, NULL, err))
                return false;
    for (size_t i = 0; i < n; i++)
        if (!variants_add_set(v, &sets[i], how, sets[i].n > 1 ? ROLE_SET : ROLE_HEAD, NO_VARIANT,
                              &parents[i], err))
            return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = sets[i].n < 2 || add_controls(session, &sets[i], parents[i], how, &r, &counts, v, err);
    string_index_release(&counts);
    return ok;
}

static bool list_sets(const struct session *session, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set *sets;
    struct ablations kinds;
    struct variants v = { 0 };
    size_t n = 0, cap = 0, *parents = NULL;
    bool ok
        = chosen_ablations(session, &kinds, err) && chosen_sets(session, &scratch, &sets, &n, err);
    for (size_t i = 0; ok && i < n; i++)
        cap += sets[i].n + 1 + session->settings.n_controls;
    if (ok) {
        parents = arena_alloc(&scratch, n, sizeof *parents);
        ok = (parents || abl_no_memory(err)) && variants_init(&v, cap * kinds.n, err);
    }
    for (size_t i = 0; ok && i < kinds.n; i++)
        ok = add_all(session, sets, n, parents, kinds.items[i], &v, err);
    arena_release(&scratch);
    if (!ok) {
        variants_release(&v);
        return false;
    }
    *out = v;
    return true;
}

const struct experiment experiment_sets = {
    .name = "sets",
    .about = "joint ablations, against random sets",
    .help = "joint ablations",
    .options = READS_ABLATION | READS_SETS | READS_CONTROLS,
    .traits = SCORES_ANSWERS,
    .makes = MAKES(ROLE_HEAD) | MAKES(ROLE_SET) | MAKES(ROLE_CONTROL),
    .swept = ROLE_SET,
    .list = list_sets,
};
