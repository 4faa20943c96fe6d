#include "plan/start_point.h"

#include "plan/savings.h"

uint32_t start_point_heads(const struct model_shape *shape, const struct variant *v, uint32_t layer)
{
    uint32_t n = 0;
    for (uint32_t h = 0; h < shape->n_heads; h++)
        n += variant_changes_z(v, layer, h);
    return n;
}

// How far the clean stream may go in a layer and still be what an edit of this site needs. Behind a
// norm of what attention gives, a head's part is no sum that could be subtracted.
static enum stage latest_stage(const struct model_shape *shape, enum site site, bool few_heads)
{
    switch (site) {
    case SITE_RESID_PRE:
    case SITE_Q:
    case SITE_K:
    case SITE_V:
    case SITE_PATTERN:
        return STAGE_START;
    case SITE_Z:
        return few_heads && !norms_after(shape) ? STAGE_PROJECTED : STAGE_BESIDE;
    case SITE_ATTN_OUT:
        return STAGE_BESIDE;
    case SITE_MLP_OUT:
        return shape->parallel ? STAGE_ATTENDED : STAGE_PROJECTED;
    case SITE_RESID_POST:
    case N_SITES:
        break;
    }
    return STAGE_DONE;
}

struct start_point start_point_of(const struct model_shape *shape, const struct variant *v,
                                  unsigned left_out)
{
    struct start_point b = { variant_first_layer(v), STAGE_START };
    if (b.layer == NO_LAYER)
        return b;
    if (left_out & SAVING_CLEAN_START)
        return (struct start_point){ 0, STAGE_START };
    if (left_out & SAVING_ATTENTION)
        return b;
    // With more, W_O runs faster as a whole.
    bool few_heads = 2 * start_point_heads(shape, v, b.layer) <= shape->n_heads;
    b.stage = left_out & SAVING_LATE_START ? STAGE_ATTENDED : STAGE_DONE;
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        if (e->layer != b.layer || edit_is_identity(e))
            continue;
        enum stage latest = latest_stage(shape, e->site, few_heads);
        b.stage = latest < b.stage ? latest : b.stage;
    }
    return b;
}
