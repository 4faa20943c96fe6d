#include "forward/forward_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forward/readout_queue.h"
#include "forward/stream.h"
#include "plan/prompt_trie.h"
#include "plan/start_point.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

bool forward_plan(const struct model_shape *shape, const struct memory_budget *budget,
                  const struct prompt *prompts, size_t n, const struct variants *variants,
                  struct forward_cut *out, struct abl_err *err)
{
    struct forward_cut cut = { 0 };
    size_t fit = stream_rows_that_fit(shape, budget);
    for (size_t first = 0; first < n;) {
        size_t end = block_end(prompts, first, n, fit);
        struct trie t;
        if (!trie_build(prompts + first, end - first, variants_share_rows(variants, NULL), &t, err))
            return false;
        uint64_t pattern, waiting = readout_queue_bytes(shape, t.n_reads, variants->n, budget->mem);
        struct memory_budget streams = memory_budget_left(*budget, waiting);
        uint32_t copies = start_point_copies(shape, &streams, &t, variants, NULL, 0, &pattern);
        uint64_t bytes = stream_bytes(shape, budget, t.n_nodes)
                         + stream_bytes(shape, budget, (uint64_t)copies * t.n_nodes) + pattern
                         + waiting;
        cut.n_blocks++;
        cut.n_nodes += t.n_nodes;
        cut.n_reads += t.n_reads;
        if (bytes > cut.bytes) {
            cut.bytes = bytes;
            cut.copies = copies;
        }
        trie_release(&t);
        first = end;
    }
    *out = cut;
    return true;
}

static size_t rows_that_fit(const struct forward *f)
{
    struct memory_budget r = forward_budget(f);
    return stream_rows_that_fit(&f->s.model->shape, &r);
}

static bool show_intact(const struct forward *f, bool donors, const struct block *b, size_t first,
                        struct abl_err *err)
{
    const struct final_tap *tap = f->s.tap;
    return !tap || !tap->on_intact || tap->on_intact(tap->context, donors, b, first, b->final, err);
}

static bool run_intact(struct forward *f, struct block *b, struct abl_err *err)
{
    struct pass pass = block_pass(b);
    struct stream clean;
    if (!stream_init(&clean, &pass, 1, err))
        return false;
    struct row_stats *out = f->intact + b->first;
    bool ok = block_run_clean(b, &clean, err)
              && block_read(b, b->final, 1, (struct tensor){ 0 }, &out, err)
              && show_intact(f, false, b, b->first, err);
    stream_release(&clean);
    return ok;
}

static bool open_blocks(struct forward *f, struct abl_err *err)
{
    size_t fit = rows_that_fit(f), n = f->s.n_prompts;
    f->blocks = calloc(n, sizeof *f->blocks);
    f->intact = calloc(n, sizeof *f->intact);
    if (!f->blocks || !f->intact)
        return abl_no_memory(err);
    for (size_t first = 0; first < n;) {
        size_t end = block_end(f->s.prompts, first, n, fit);
        struct block *b = &f->blocks[f->n_blocks];
        if (!block_init(b, f->s.model, f->weights, f->s.prompts, first, end - first,
                        !(f->s.left_out & SAVING_SHARED_ROWS), err))
            return false;
        f->n_blocks++;
        if (!run_intact(f, b, err))
            return false;
        first = end;
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
    struct weights_settings w = { s->engine, s->model, longest, s->weights_mem, s->weights_flags };
    f->weights = s->weights;
    if ((!f->weights && !weights_open(&w, &f->weights, err)) || !open_blocks(f, err)) {
        forward_free(f);
        return false;
    }
    memcpy(intact, f->intact, s->n_prompts * sizeof *intact);
    *out = f;
    return true;
}

bool forward_read_donors(struct forward *f, size_t first, size_t n, struct row_stats *out,
                         struct abl_err *err)
{
    const struct prompt *donors = f->s.donors ? f->s.donors : f->s.prompts;
    size_t fit = rows_that_fit(f);
    bool ok = true;
    for (size_t at = first, end; ok && at < first + n; at = end) {
        struct block b;
        struct stream clean = { 0 };
        struct row_stats *rows = out + (at - first);
        end = block_end(donors, at, first + n, fit);
        if (!block_init(&b, f->s.model, f->weights, donors, at, end - at, true, err))
            return false;
        struct pass pass = block_pass(&b);
        ok = stream_init(&clean, &pass, 1, err) && block_run_clean(&b, &clean, err)
             && block_read(&b, b.final, 1, (struct tensor){ 0 }, &rows, err)
             && show_intact(f, true, &b, at - first, err);
        stream_release(&clean);
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
    return memory_budget_of(&f->s.engine->info, f->s.mem, !f->weights->first_kept);
}

struct block *forward_blocks(struct forward *f, size_t *n)
{
    *n = f->n_blocks;
    return f->blocks;
}
