#include "forward/clean_kv.h"

#include <stdlib.h>

static bool list_nodes(struct clean_kv *k, uint32_t n, struct abl_err *err)
{
    uint32_t *numbers = malloc(n * sizeof *numbers);
    if (!numbers)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        numbers[i] = i;
    bool ok = k->engine->ops->index_new(k->engine, numbers, n, &k->nodes, err);
    free(numbers);
    return ok;
}

bool clean_kv_init(struct clean_kv *k, const struct pass *pass, struct abl_err *err)
{
    const struct engine_ops *ops = pass->engine->ops;
    uint32_t n = pass->trie->n_nodes, cols = site_cols(pass->shape, SITE_K);
    *k = (struct clean_kv){ .engine = pass->engine, .n_layers = pass->shape->n_layers };
    k->k = calloc(k->n_layers, sizeof *k->k);
    k->v = calloc(k->n_layers, sizeof *k->v);
    if (!k->k || !k->v)
        return abl_no_memory(err);
    for (uint32_t l = 0; l < k->n_layers; l++)
        if (!ops->alloc(k->engine, n, cols, &k->k[l], err)
            || !ops->alloc(k->engine, n, cols, &k->v[l], err))
            return false;
    return list_nodes(k, n, err);
}

void clean_kv_release(struct clean_kv *k)
{
    for (uint32_t l = 0; k->k && k->v && l < k->n_layers; l++) {
        struct tensor *both[] = { &k->k[l], &k->v[l] };
        for (int i = 0; i < 2; i++)
            if (both[i]->buffer)
                k->engine->ops->release(k->engine, both[i]);
    }
    if (k->nodes.buffer)
        k->engine->ops->index_release(k->engine, &k->nodes);
    free(k->k);
    free(k->v);
    *k = (struct clean_kv){ 0 };
}

static bool keep(void *context, uint32_t layer, enum site site, struct tensor t,
                 struct abl_err *err)
{
    struct clean_kv *k = context;
    struct tensor to = site == SITE_K ? k->k[layer] : k->v[layer];
    return k->engine->ops->gather(k->engine, to, t, k->nodes, err);
}

struct tap clean_kv_tap(struct clean_kv *k)
{
    return (
        struct tap){ .sites = 1u << SITE_K | 1u << SITE_V, .on_activation = keep, .context = k };
}

bool clean_kv_give(const struct clean_kv *k, uint32_t layer, struct tensor to_k, struct tensor to_v,
                   struct abl_err *err)
{
    struct engine *e = k->engine;
    return e->ops->gather(e, to_k, k->k[layer], k->nodes, err)
           && e->ops->gather(e, to_v, k->v[layer], k->nodes, err);
}
