// Logits and what is read off them, a block of rows at a time: the logits of a block go into
// scratch memory, are reduced there, and only the reduced rows come back, once, at the end.
//
// With a base, a block also holds the logits of the base rows that its rows compare with, in front
// of its own:
//
//     scratch   | base rows b0 … b0 + n_base - 1 | rows first … first + n - 1 |
//     items     one for each base row, then one for each ask, numbered through all blocks;
//               likewise the results
//     ids       of answers that are lists, one behind the other
#include "engine/vulkan/vulkan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shaders/args.h"

struct logits_block {
    uint32_t ask_first, n_asks;
    uint32_t first, n;           // rows of x
    uint32_t base_first, n_base; // rows of base
    uint32_t item_first;         // of the block's n_base + n_asks items
};

struct reading {
    struct vulkan *v;
    struct tensor x, base;
    const struct weight *w;
    struct epilogue bias; // of the logits
    float cap;            // 0: none
    const struct readout_ask *asks;
    uint32_t n_asks;
    struct logits_block *blocks;
    uint32_t n_blocks;
    uint32_t n_items;
    struct readout_item *items;
    uint32_t *ids;                             // at least one, so that there is something to bind
    uint32_t n_ids, targets_at, foils_at;      // where the last lists stand
    struct buffer *item_list, *id_list, *raws; // on the device
};

static uint32_t logits_cols(const struct weight *w)
{
    return (w->n + 3) & ~3u;
}

// The largest block from ask `first` on whose rows fit `capacity` rows of scratch; never less than
// one row and its base.
static struct logits_block next_block(const struct reading *r, uint32_t first, uint32_t capacity)
{
    const struct readout_ask *asks = r->asks;
    struct logits_block b = {
        .ask_first = first, .n_asks = 1, .first = asks[first].row, .n = 1, .item_first = r->n_items
    };
    if (r->base.buffer) {
        b.base_first = asks[first].base;
        b.n_base = 1;
    }
    for (uint32_t i = first + 1; i < r->n_asks; i++) {
        uint32_t n = asks[i].row - b.first + 1,
                 n_base = r->base.buffer ? asks[i].base - b.base_first + 1 : 0;
        assert(asks[i].row >= asks[i - 1].row);
        assert(!r->base.buffer || asks[i].base >= asks[i - 1].base);
        if (n > b.n && n + n_base > capacity)
            break;
        b.n_asks++;
        b.n = n;
        b.n_base = n_base;
    }
    return b;
}

static uint32_t put_ids(struct reading *r, struct id_list list)
{
    memcpy(r->ids + r->n_ids, list.ids, list.n * sizeof *r->ids);
    r->n_ids += list.n;
    return r->n_ids - list.n;
}

// Asks beside each other that have their lists from one place share them.
static void put_lists(struct reading *r, const struct readout_ask *ask, struct readout_item *item)
{
    const struct answer_lists *l = ask->lists;
    if (ask == r->asks || ask[-1].lists != l) {
        r->targets_at = put_ids(r, l->targets);
        r->foils_at = put_ids(r, l->foils);
    }
    item->target = r->targets_at;
    item->n_targets = l->targets.n;
    item->foil = r->foils_at;
    item->n_foils = l->foils.n;
}

static void add_items(struct reading *r, const struct logits_block *b)
{
    for (uint32_t i = 0; i < b->n_base; i++)
        r->items[r->n_items++] = (struct readout_item){ .row = i };
    for (uint32_t i = 0; i < b->n_asks; i++) {
        const struct readout_ask *ask = &r->asks[b->ask_first + i];
        struct readout_item *item = &r->items[r->n_items++];
        *item = (struct readout_item){ .row = b->n_base + ask->row - b->first,
                                       .target = ask->target,
                                       .foil = ask->foil,
                                       .base = r->base.buffer ? ask->base - b->base_first : 0 };
        if (ask->lists)
            put_lists(r, ask, item);
    }
}

// Room for every list that is not the one before.
static bool reserve_ids(struct reading *r, struct abl_err *err)
{
    size_t n = 1;
    for (uint32_t i = 0; i < r->n_asks; i++) {
        const struct answer_lists *l = r->asks[i].lists;
        n += l && !(i && r->asks[i - 1].lists == l) ? (size_t)l->targets.n + l->foils.n : 0;
    }
    r->ids = n <= UINT32_MAX ? calloc(n, sizeof *r->ids) : NULL;
    return r->ids || abl_no_memory(err);
}

static bool plan_blocks(struct reading *r, uint32_t capacity, struct abl_err *err)
{
    size_t cap = 0;
    r->blocks = calloc(r->n_asks, sizeof *r->blocks);
    if (!r->blocks)
        return abl_no_memory(err);
    for (uint32_t first = 0; first < r->n_asks;) {
        struct logits_block b = next_block(r, first, capacity);
        if (r->n_items + (size_t)b.n_base + b.n_asks > cap) {
            cap = 2 * cap + b.n_base + b.n_asks;
            struct readout_item *bigger = realloc(r->items, cap * sizeof *bigger);
            if (!bigger)
                return abl_no_memory(err);
            r->items = bigger;
        }
        add_items(r, &b);
        r->blocks[r->n_blocks++] = b;
        first += b.n_asks;
    }
    return true;
}

// Scratch for `rows` rows of logits, kept from call to call.
static bool reserve_logits(struct vulkan *v, uint32_t rows, uint32_t cols, struct abl_err *err)
{
    if (v->logits.cols == cols && v->logits.rows >= rows)
        return true;
    vulkan_release(&v->engine, &v->logits);
    return vulkan_alloc(&v->engine, rows, cols, &v->logits, err);
}

static bool reduce(struct reading *r, enum shader shader, const struct logits_block *b,
                   uint32_t first, uint32_t n, struct abl_err *err)
{
    struct vulkan *v = r->v;
    struct readout_args args = { .items = n,
                                 .item_first = b->item_first + first,
                                 .base_first = b->item_first,
                                 .n = r->w->n,
                                 .logits_stride = v->logits.stride };
    // the scratch is ours
    struct dispatch d = { .shader = shader,
                          .aligned = true,
                          .args = &args,
                          .args_size = sizeof args,
                          .out = { .buffer = r->raws },
                          .inputs = { v->logits.buffer },
                          .lists = { { .buffer = r->item_list }, { .buffer = r->id_list } },
                          .work = 40.0 * n * r->w->n };
    dispatch_groups(&d, n);
    return pipelines_dispatch(&v->pipelines, &v->queue, &d, err);
}

static bool multiply(const struct reading *r, struct tensor logits, struct tensor x,
                     struct abl_err *err)
{
    return vulkan_linear(&r->v->engine, logits, x, r->w, &r->bias, err)
           && (!(r->cap > 0) || vulkan_cap(r->v, tensor_cols(logits, 0, r->w->n), r->cap, err));
}

static bool read_block(struct reading *r, const struct logits_block *b, struct abl_err *err)
{
    struct tensor base_logits = tensor_rows(r->v->logits, 0, b->n_base);
    struct tensor logits = tensor_rows(r->v->logits, b->n_base, b->n);
    return (b->n_base == 0
            || multiply(r, base_logits, tensor_rows(r->base, b->base_first, b->n_base), err))
           && multiply(r, logits, tensor_rows(r->x, b->first, b->n), err)
           && reduce(r, SHADER_READOUT, b, 0, b->n_base + b->n_asks, err)
           && (b->n_base == 0 || reduce(r, SHADER_KL, b, b->n_base, b->n_asks, err));
}

// An answer's logits as one; the logarithms are taken here, in double.
struct answer {
    double mean, lse;
};

static struct answer answer_of(float best, float exps, float below, uint32_t n)
{
    return (struct answer){ .mean = (double)best + (double)below / n,
                            .lse = (double)best + log((double)exps) };
}

// ln sum exp(l) = m + ln(1 + others).
static void finish_row(const struct readout_raw *raw, const struct readout_ask *ask,
                       struct row_stats *s)
{
    double ln_sum = log1p((double)raw->others);
    struct answer target
        = answer_of(raw->target_best, raw->target_exps, raw->target_below, ask_targets(ask).n);
    struct answer foil
        = answer_of(raw->foil_best, raw->foil_exps, raw->foil_below, ask_foils(ask).n);
    bool lse = ask->lists && ask->lists->how == ANSWERS_LSE;
    *s = (struct row_stats){ .target_logit = (float)(lse ? target.lse : target.mean),
                             .foil_logit = (float)(lse ? foil.lse : foil.mean),
                             .target_lse = (float)target.lse,
                             .lse = (float)((double)raw->peak + ln_sum),
                             .entropy
                             = (float)(ln_sum - (double)raw->slope / (1.0 + (double)raw->others)),
                             .kl = raw->kl,
                             .rank = raw->rank,
                             .argmax = raw->argmax };
}

static bool run(struct reading *r, struct row_stats *stats, struct abl_err *err)
{
    uint64_t size = r->n_items * sizeof(struct readout_raw);
    if (!vulkan_list_new(r->v, r->items, r->n_items * sizeof *r->items, &r->item_list, err)
        || !vulkan_list_new(r->v, r->ids, (r->n_ids ? r->n_ids : 1) * sizeof *r->ids, &r->id_list,
                            err)
        || !vulkan_buffer_new(r->v, size, &r->raws, err))
        return false;
    for (uint32_t i = 0; i < r->n_blocks; i++)
        if (!read_block(r, &r->blocks[i], err))
            return false;
    const void *result;
    if (!vulkan_read(r->v, r->raws, size, &result, err))
        return false;
    const struct readout_raw *raws = result;
    for (uint32_t i = 0; i < r->n_blocks; i++) {
        const struct logits_block *b = &r->blocks[i];
        for (uint32_t k = 0; k < b->n_asks; k++)
            finish_row(&raws[b->item_first + b->n_base + k], &r->asks[b->ask_first + k],
                       &stats[b->ask_first + k]);
    }
    return true;
}

bool vulkan_readout(struct engine *e, struct tensor x, const struct weight *w,
                    const struct logit_args *how, struct tensor base,
                    const struct readout_ask *asks, uint32_t n_asks, struct row_stats *stats,
                    struct abl_err *err)
{
    if (n_asks == 0)
        return true;
    assert(asks[n_asks - 1].row < x.rows);
    struct vulkan *v = (struct vulkan *)e;
    struct reading r = { .v = v,
                         .x = x,
                         .base = base,
                         .w = w,
                         .bias = { .bias = how ? how->bias : (struct tensor){ 0 } },
                         .cap = how ? how->cap : 0,
                         .asks = asks,
                         .n_asks = n_asks };
    uint64_t row_bytes = (logits_cols(w) + 64) * sizeof(float);
    uint32_t capacity = (uint32_t)(v->logits_bytes / row_bytes), most = 0;
    bool ok = reserve_ids(&r, err) && plan_blocks(&r, capacity, err);
    for (uint32_t i = 0; i < r.n_blocks; i++)
        if (r.blocks[i].n_base + r.blocks[i].n > most)
            most = r.blocks[i].n_base + r.blocks[i].n;
    ok = ok && reserve_logits(v, most, logits_cols(w), err) && run(&r, stats, err);
    vulkan_buffer_release(v, r.item_list);
    vulkan_buffer_release(v, r.id_list);
    vulkan_buffer_release(v, r.raws);
    free(r.blocks);
    free(r.items);
    free(r.ids);
    return ok;
}
