#include "plan/work.h"

#include "base/size.h"
#include "engine/work.h"

struct work work_add(struct work a, struct work b)
{
    return (struct work){ .flop = count_add(a.flop, b.flop),
                          .loaded_bytes = count_add(a.loaded_bytes, b.loaded_bytes),
                          .token_rows = count_add(a.token_rows, b.token_rows) };
}

static uint64_t mlp_flop(const struct model_shape *s, uint64_t rows)
{
    return count_mul(s->gated ? 3 : 2, linear_flop(rows, s->d_model, s->d_mlp));
}

// Rows of a copy behind a layer's k and v.
static uint32_t rows_on(const struct model_shape *s, const struct copy_rows *c, uint32_t layer)
{
    return layer + 1 == s->n_layers && !c->whole_last_layer ? c->reads : c->rows;
}

uint64_t stage_flop(const struct model_shape *s, const struct copy_rows *c, uint32_t layer,
                    enum stage stage)
{
    uint64_t q = (uint64_t)s->n_heads * s->d_head, kv = 2 * (uint64_t)s->n_kv_heads * s->d_head;
    uint32_t on = rows_on(s, c, layer);
    switch (stage) {
    case STAGE_START:
        return count_add(linear_flop(c->rows, s->d_model, kv), linear_flop(on, s->d_model, q));
    case STAGE_ATTENDED:
        return s->parallel ? mlp_flop(s, on) : 0;
    case STAGE_BESIDE:
        return linear_flop(on, q, s->d_model);
    case STAGE_PROJECTED:
        return s->parallel ? 0 : mlp_flop(s, on);
    case STAGE_DONE:
    case N_STAGES:
        break;
    }
    return 0;
}

// Stages [from, to) of a layer.
static uint64_t stages_flop(const struct model_shape *s, const struct copy_rows *c, uint32_t layer,
                            enum stage from, enum stage to)
{
    uint64_t sum = 0;
    for (int stage = (int)from; stage < (int)to; stage++)
        sum = count_add(sum, stage_flop(s, c, layer, (enum stage)stage));
    return sum;
}

uint64_t path_flop(const struct model_shape *s, const struct copy_rows *c, struct start_point from,
                   struct start_point to)
{
    if (from.layer >= to.layer)
        return from.layer > to.layer || from.layer == s->n_layers
                   ? 0
                   : stages_flop(s, c, from.layer, from.stage, to.stage);
    uint64_t sum = stages_flop(s, c, from.layer, from.stage, N_STAGES);
    uint32_t n = to.layer - from.layer - 1; // whole layers between, of which the last may be the
    bool with_last = to.layer == s->n_layers && n; // model's, where fewer rows go on
    sum = count_add(sum, count_mul(n - with_last, stages_flop(s, c, 0, STAGE_START, N_STAGES)));
    if (with_last)
        sum = count_add(sum, stages_flop(s, c, s->n_layers - 1, STAGE_START, N_STAGES));
    return to.layer == s->n_layers
               ? sum
               : count_add(sum, stages_flop(s, c, to.layer, STAGE_START, to.stage));
}

struct start_point path_end(const struct model_shape *s)
{
    return (struct start_point){ s->n_layers, STAGE_START };
}

uint64_t head_change_flop(const struct model_shape *s, const struct copy_rows *c, uint32_t layer,
                          uint32_t n_heads)
{
    return count_mul(n_heads, head_out_flop(rows_on(s, c, layer), s->d_head, s->d_model));
}

uint64_t constants_flop(const struct model_shape *s)
{
    uint64_t kv = 2 * (uint64_t)s->n_kv_heads * s->d_head;
    return model_vector_len(s, VECTOR_LN1_BIAS)
               ? count_mul(s->n_layers, linear_flop(1, s->d_model, kv))
               : 0;
}
