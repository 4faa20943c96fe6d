// k and v of the clean stream in every layer: what tokens see of those before them that a variant does not change.
#ifndef ABL_LAB_KEPT_H
#define ABL_LAB_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "lab/stream.h"

struct kept {
    struct engine *engine; // borrowed
    uint32_t n_layers;
    struct tensor *k, *v; // (n_layers) of (n_nodes, n_kv_heads * d_head)
    struct index nodes;   // 0 … n_nodes - 1
};

// Room for a pass's clean stream; kept_release ends it, also after a failure.
bool kept_init(struct kept *k, const struct pass *pass, struct abl_err *err);
void kept_release(struct kept *k);

// Bytes that it takes.
uint64_t kept_bytes(const struct model_shape *shape, uint32_t n_nodes);

// Fills it from a clean stream that this looks at.
struct tap kept_tap(struct kept *k);

// Copy a layer's k and v out.
bool kept_give(const struct kept *k, uint32_t layer, struct tensor to_k, struct tensor to_v,
               struct abl_err *err);

#endif
