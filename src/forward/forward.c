#include "forward/forward_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "forward/edit_sources.h"
#include "plan/plan.h"
#include "plan/plan_blocks.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct plan_input forward_plan_input(const struct forward_settings *s,
                                     const struct device_info *device)
{
    const struct model_shape *shape = &s->model->shape;
    struct weights_fit fit = s->weights_stored
                                 ? weights_fit_stored(shape)
                                 : weights_fit_of(shape, device->precision, s->weights_mem);
    return (struct plan_input){ .run = { s->prompts, s->n_prompts },
                                .other = s->other,
                                .donors = { s->donors, s->n_donors },
                                .maps = s->donor_maps,
                                .shape = shape,
                                .budget = memory_budget_of(device, s->mem, !fit.n_streamed),
                                .weights = fit,
                                .taps = s->tap ? s->tap->kinds : 0,
                                .compared = s->tap ? s->tap->compared : NULL,
                                .left_out = s->left_out };
}

void forward_spend(struct forward *f, uint64_t token_rows)
{
    f->spent.n_batches++;
    f->spent.token_rows += token_rows;
}

bool forward_means(struct forward *f, struct abl_err *err)
{
    if (f->z_mean.buffer)
        return true;
    if (!means_make(f->blocks, f->n_blocks, f->s.has_bos, &f->z_mean, err))
        return false;
    for (size_t b = 0; b < f->n_blocks; b++)
        forward_spend(f, f->blocks[b].trie.n_nodes);
    return true;
}

struct forward_spent forward_spent(const struct forward *f)
{
    return f->spent;
}

// Run a block intact and read it out.
static bool run_intact(struct forward *f, struct block *b, enum pass_kind kind,
                       struct row_stats *out, struct abl_err *err)
{
    const struct final_tap *tap = f->s.tap;
    struct pass pass = block_pass(b);
    struct stream clean;
    struct tensor every;
    bool compared = tap && tap->compared && kind == (f->s.other.n ? PASS_OTHER : PASS_INTACT);
    if (!stream_init(&clean, &pass, 1, err))
        return false;
    clean.whole_last_layer = compared;
    bool ok = block_run_layers(b, &clean, err)
              && (!compared
                  || (stream_final_of_every(&clean, &every, err)
                      && tap->on_every_intact(tap->context, b, every, err)))
              && block_keep_final(b, &clean, err)
              && block_read(b, b->final, 1, (struct tensor){ 0 }, &out, err)
              && (!tap || !(tap->kinds & 1u << kind)
                  || tap->on_intact(tap->context, b, kind, b->final, err));
    stream_release(&clean);
    if (ok)
        forward_spend(f, b->trie.n_nodes);
    return ok;
}

static size_t rows_that_fit(const struct forward *f)
{
    struct memory_budget budget = forward_budget(f);
    return stream_rows_that_fit(&f->s.model->shape, &budget);
}

static bool open_blocks(struct forward *f, struct abl_err *err)
{
    size_t fit = rows_that_fit(f), n = f->s.n_prompts;
    bool share = !(f->s.left_out & SAVING_SHARED_ROWS);
    f->blocks = calloc(n, sizeof *f->blocks);
    f->intact = calloc(n, sizeof *f->intact);
    if (!f->blocks || !f->intact)
        return abl_no_memory(err);
    for (size_t first = 0, end; first < n; first = end) {
        struct block *b = &f->blocks[f->n_blocks];
        end = block_end(f->s.prompts, first, n, fit);
        if (!block_init(b, f->s.model, f->weights, f->s.prompts, first, end - first, share, err))
            return false;
        f->n_blocks++;
        if (!run_intact(f, b, PASS_INTACT, f->intact + first, err))
            return false;
    }
    return true;
}

bool forward_open(const struct forward_settings *s, struct row_stats *intact, struct forward **out,
                  struct abl_err *err)
{
    assert(s->n_prompts > 0);
    struct forward *f = calloc(1, sizeof *f);
    if (!f)
        return abl_no_memory(err);
    f->s = *s;
    uint32_t longest = s->n_positions;
    for (size_t i = 0; i < s->n_prompts; i++)
        longest = max_u32(longest, s->prompts[i].n_ids);
    for (size_t i = 0; i < s->n_donors; i++)
        longest = max_u32(longest, s->donors[i].n_ids);
    struct weights_settings w = { .engine = s->engine,
                                  .model = s->model,
                                  .n_positions = longest,
                                  .mem = s->weights_mem,
                                  .stored = s->weights_stored,
                                  .flags = s->weights_flags };
    f->weights = s->weights;
    if ((!f->weights && !weights_open(&w, &f->weights, err)) || !open_blocks(f, err)) {
        forward_free(f);
        return false;
    }
    memcpy(intact, f->intact, s->n_prompts * sizeof *intact);
    *out = f;
    return true;
}

bool forward_read_other(struct forward *f, struct row_stats *out, struct abl_err *err)
{
    const struct prompt_list *other = &f->s.other;
    size_t fit = rows_that_fit(f);
    bool ok = true;
    for (size_t at = 0, end; ok && at < other->n; at = end) {
        struct block b;
        end = block_end(other->items, at, other->n, fit);
        if (!block_init(&b, f->s.model, f->weights, other->items, at, end - at, true, err))
            return false;
        ok = run_intact(f, &b, PASS_OTHER, out + at, err);
        block_release(&b);
    }
    return ok;
}

void forward_free(struct forward *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_blocks; i++)
        block_release(&f->blocks[i]);
    if (f->z_mean.buffer)
        f->s.engine->ops->release(f->s.engine, &f->z_mean);
    if (!f->s.weights)
        weights_free(f->weights);
    free(f->blocks);
    free(f->intact);
    free(f);
}

struct weights *forward_weights(struct forward *f)
{
    return f->weights;
}

struct memory_budget forward_budget(const struct forward *f)
{
    return forward_plan_input(&f->s, &f->s.engine->info).budget;
}

struct block *forward_blocks(struct forward *f, size_t *n)
{
    *n = f->n_blocks;
    return f->blocks;
}
