// k and v of the clean stream in every layer: what tokens see of those before them that a variant
// does not change.
#ifndef ABL_FORWARD_CLEAN_KV_H
#define ABL_FORWARD_CLEAN_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "forward/stream.h"

struct clean_kv {
    struct engine *engine; // borrowed
    uint32_t n_layers;
    struct tensor *k, *v; // (n_layers) of (n_nodes, n_kv_heads * d_head)
    struct index nodes;   // 0 … n_nodes - 1
};

// Room for a pass's clean stream; clean_kv_release ends it, also after a failure.
bool clean_kv_init(struct clean_kv *k, const struct pass *pass, struct abl_err *err);
void clean_kv_release(struct clean_kv *k);

// Fills it from a clean stream that this looks at.
struct tap clean_kv_tap(struct clean_kv *k);

// Copy a layer's k and v out.
bool clean_kv_give(const struct clean_kv *k, uint32_t layer, struct tensor to_k, struct tensor to_v,
                   struct abl_err *err);

#endif
