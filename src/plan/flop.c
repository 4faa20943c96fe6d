#include "plan/flop.h"

double flop_layer(const struct model_shape *s, enum stage from, uint32_t n_heads, double n_rows,
                  double n_on)
{
    double d = s->d_model, q = (double)s->n_heads * s->d_head,
           kv = (double)s->n_kv_heads * s->d_head;
    double mlp = (s->gated ? 3 : 2) * d * s->d_mlp, sum = 0;
    if (from < STAGE_ATTENDED)
        sum += d * (2 * kv * n_rows + q * n_on);
    if (from < STAGE_PROJECTED)
        sum += d * q * n_on;
    else if (from == STAGE_PROJECTED)
        sum += d * n_heads * s->d_head * n_on;
    if (from < (s->parallel ? STAGE_BESIDE : STAGE_DONE))
        sum += mlp * n_on;
    return 2 * sum;
}

double flop_unembed(const struct model_shape *s, double n_reads)
{
    return 2.0 * s->d_model * s->n_vocab * n_reads;
}
