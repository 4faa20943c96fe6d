#include "tests/support/random_variants.h"

#include <stdio.h>
#include <string.h>

#include "plan/position.h"

static bool overlap(const struct edit *a, const struct edit *b)
{
    return a->site == b->site && a->layer == b->layer
           && (a->head == b->head || a->head == ALL_HEADS || b->head == ALL_HEADS)
           && (a->position == b->position || a->position >= 0 || b->position >= 0);
}

static void random_source(struct rng *r, struct edit *e)
{
    bool constant = e->site == SITE_Z && rng_below(r, 2);
    if (e->site == SITE_Z && e->op != EDIT_SCALE && rng_below(r, 3) == 0) {
        e->source = SOURCE_MEAN;
        return;
    }
    switch (e->op) {
    case EDIT_SCALE:
        e->source = constant ? SOURCE_CONSTANT : SOURCE_NONE;
        break;
    case EDIT_SET:
        e->source = constant ? SOURCE_CONSTANT : rng_below(r, 3) ? SOURCE_ROW : SOURCE_NONE;
        break;
    case EDIT_ADD:
        e->source = constant ? SOURCE_CONSTANT : SOURCE_ROW;
        break;
    }
}

// From the end, where some prompts have no ninth token; from the start; of spans; where two prompts
// differ.
static int32_t random_position(struct rng *r)
{
    switch (rng_below(r, 6)) {
    case 0:
        return (int32_t)rng_below(r, 9);
    case 1:
        return position_of_span(rng_below(r, 3),
                                (enum position_part)rng_below(r, N_POSITION_PARTS));
    case 2:
        return POSITION_DIFF;
    default:
        return -1 - (int32_t)rng_below(r, rng_below(r, 2) ? 2 : 9);
    }
}

static struct edit random_edit(struct rng *r, const struct model_shape *s,
                               const struct prompt *prompts, size_t n_prompts)
{
    static const float factors[] = { 0.0f, 0.5f, 1.0f, -0.7f, 1.5f };
    struct edit e = { .site = (enum site)rng_below(r, N_SITES),
                      .layer = rng_below(r, s->n_layers),
                      .head = ALL_HEADS,
                      .position = ALL_POSITIONS,
                      .op = (enum edit_op)rng_below(r, 3),
                      .factor = factors[rng_below(r, 5)] };
    if (e.site == SITE_Z || (site_head_cols(s, e.site) && rng_below(r, 3)))
        e.head = rng_below(r, site_cols(s, e.site) / site_head_cols(s, e.site));
    if (rng_below(r, 2))
        e.position = random_position(r);
    if (rng_below(r, 2))
        e.reach = position_reach(e.position, prompts, n_prompts);
    random_source(r, &e);
    return e;
}

static void describe(const struct edit *e, char *out, size_t size)
{
    static const char *const ops[] = { "scale", "set", "add" };
    static const char *const sources[] = { "none", "constant", "mean", "row" };
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s@%u:%d[%d]%s%g,%s ", site_name(e->site), e->layer,
             (int)e->head, (int)e->position, ops[e->op], (double)e->factor, sources[e->source]);
}

// What the variant before i changes up to some layer, in another order, for half of them; how many
// edits that is.
static size_t begin_alike(struct rng *r, const struct model_shape *s, struct random_variants *list,
                          size_t i)
{
    const struct variant *before = &list->variants[i - 1];
    uint32_t end = rng_below(r, 2) ? rng_below(r, s->n_layers + 1) : 0;
    size_t n = 0;
    for (size_t k = before->n_edits; k-- > 0;)
        if (before->edits[k].layer < end) {
            list->edits[i][n++] = before->edits[k];
            describe(&before->edits[k], list->labels[i], sizeof list->labels[i]);
        }
    return n;
}

void random_variants_make(struct random_variants *list, struct rng *r, const struct model_shape *s,
                          size_t n_donors, const struct prompt *prompts, size_t n_prompts)
{
    *list = (struct random_variants){ .v = { .items = list->variants, .n = N_RANDOM } };
    for (size_t i = 0; i < n_prompts; i++)
        list->donor[i] = rng_below(r, (uint32_t)n_donors);
    for (size_t i = 0; i < list->v.n; i++) {
        size_t n = i ? begin_alike(r, s, list, i) : 0, wanted = 1 + rng_below(r, RANDOM_EDITS);
        for (size_t k = n; k < wanted; k++) {
            struct edit e = random_edit(r, s, prompts, n_prompts);
            bool clash = false;
            for (size_t m = 0; m < n; m++)
                clash = clash || overlap(&e, &list->edits[i][m]);
            if (clash)
                continue;
            list->edits[i][n++] = e;
            describe(&e, list->labels[i], sizeof list->labels[i]);
        }
        list->variants[i]
            = (struct variant){ .label = list->labels[i], .edits = list->edits[i], .n_edits = n };
    }
}
