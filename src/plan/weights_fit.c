#include "plan/weights_fit.h"

struct weights_fit weights_fit_of(const struct model_shape *s, enum precision precision,
                                  uint64_t mem)
{
    uint64_t d = s->d_model, z = (uint64_t)s->n_heads * s->d_head;
    uint64_t qkv = z + 2 * (uint64_t)s->n_kv_heads * s->d_head;
    uint64_t each = precision_bytes(precision);
    uint64_t layer = each * (d * qkv + z * d + (s->gated ? 3 : 2) * d * s->d_mlp);
    uint64_t unembed = each * d * s->n_vocab;
    struct weights_fit f = { .bytes = unembed + s->n_layers * layer, .layer = layer };
    if (f.bytes <= mem) {
        f.kept = f.bytes;
        return f;
    }
    // One layer passes through; the others stay as far as there is room.
    uint64_t room = mem > unembed + layer ? (mem - unembed - layer) / layer : 0;
    f.n_streamed = s->n_layers - (uint32_t)(room < s->n_layers ? room : s->n_layers - 1);
    f.kept = unembed + (s->n_layers - f.n_streamed + 1) * layer;
    return f;
}
