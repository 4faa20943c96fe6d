#include "lab/forward.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "lab/block.h"
#include "lab/clamped.h"
#include "lab/sources.h"
#include "lab/stream.h"
#include "lab/trie.h"
#include "lab/weights.h"

struct forward {
    struct forward_settings s;
    struct weights *weights;
    struct block *blocks; // shared rows
    size_t n_blocks;
    struct row_stats *intact; // (n_prompts) copy
    struct tensor z_mean;     // made for the first variant that needs it
};

// Where a variant leaves the clean stream: at a layer, before or behind its attention.
struct branch {
    uint32_t layer; // NO_LAYER: it is the clean stream
    bool behind;
};

static bool starts_before_attention(const struct variant *v, uint32_t layer)
{
    return edits_any(&v, 1, layer, SITE_RESID_PRE) || edits_any(&v, 1, layer, SITE_Q)
           || edits_any(&v, 1, layer, SITE_K) || edits_any(&v, 1, layer, SITE_V)
           || edits_any(&v, 1, layer, SITE_PATTERN);
}

static struct branch branch_of(const struct variant *v, unsigned left_out)
{
    struct branch b = { variant_first_layer(v), false };
    if (b.layer == NO_LAYER)
        return b;
    if (left_out & SAVING_CLEAN_START)
        return (struct branch){ 0, false };
    b.behind = !(left_out & SAVING_ATTENTION) && !starts_before_attention(v, b.layer);
    return b;
}

// The most of these variants that any layer branches at once: no need for room beyond that.
static uint32_t widest_branch(const struct model_shape *shape, const struct variants *v,
                              const bool *done, unsigned left_out)
{
    size_t widest = 1;
    for (uint32_t l = 0; l < shape->n_layers; l++) {
        size_t n = 0;
        for (size_t i = 0; i < v->n; i++)
            n += !(done && done[i]) && branch_of(&v->items[i], left_out).layer == l;
        widest = size_max(widest, n);
    }
    return (uint32_t)size_min(widest, MAX_COPIES);
}

// Bytes that edits of patterns take beside the rows of a stream: the edges of one copy, before and after.
static uint64_t pattern_bytes(const struct model_shape *shape, const struct trie *t,
                              const struct variants *v, const bool *done)
{
    bool edited = false;
    for (size_t i = 0; i < v->n && !edited; i++)
        for (size_t k = 0; k < v->items[i].n_edits && !(done && done[i]); k++)
            edited = edited || v->items[i].edits[k].site == SITE_PATTERN;
    uint64_t edges = trie_edges(t, false, NO_WINDOW, NULL);
    return edited ? 2 * edges * shape->n_heads * sizeof(float) : 0;
}

static uint64_t minus_or_0(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

bool forward_plan(const struct model_shape *shape, const struct prompt *prompts, size_t n,
                  uint64_t mem, const struct variants *variants, struct forward_cut *out,
                  struct abl_err *err)
{
    uint32_t widest = widest_branch(shape, variants, NULL, 0);
    struct forward_cut cut = { 0 };
    size_t fit = block_rows_that_fit(shape, mem);
    for (size_t first = 0; first < n;) {
        size_t end = block_end(prompts, first, n, fit);
        struct trie t;
        if (!trie_build(prompts + first, end - first, true, &t, err))
            return false;
        uint64_t pattern = pattern_bytes(shape, &t, variants, NULL);
        size_t rows = block_rows_that_fit(shape, minus_or_0(mem, pattern));
        uint32_t copies = min_u32(block_copies(rows, t.n_nodes), widest);
        uint64_t bytes
            = (uint64_t)(copies + 1) * t.n_nodes * stream_row_floats(shape) * 4 + pattern;
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

static bool run_intact(struct forward *f, struct block *b, struct abl_err *err)
{
    struct pass pass = block_pass(b);
    struct stream clean;
    if (!stream_init(&clean, &pass, 1, err))
        return false;
    struct row_stats *out = f->intact + b->first;
    bool ok = block_run_clean(b, &clean, err)
              && block_read(b, b->final, 1, (struct tensor){ 0 }, &out, err)
              && (!f->s.clamped || f->s.clamped->of_other
                  || clamped_keep(f->s.clamped, b, b->first, b->final, err));
    stream_release(&clean);
    return ok;
}

static bool open_blocks(struct forward *f, struct abl_err *err)
{
    size_t fit = block_rows_that_fit(&f->s.model->shape, f->s.mem), n = f->s.n_prompts;
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
    if (!weights_open(&w, &f->weights, err) || !open_blocks(f, err)) {
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
    size_t fit = block_rows_that_fit(&f->s.model->shape, f->s.mem);
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
             && (!f->s.clamped || !f->s.clamped->of_other
                 || clamped_keep(f->s.clamped, &b, at - first, b.final, err));
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
    weights_free(f->weights);
    free(f->blocks);
    free(f->intact);
    free(f);
}

uint64_t forward_mem(const struct forward *f)
{
    return f->s.mem;
}

struct block *forward_blocks(struct forward *f, size_t *n)
{
    *n = f->n_blocks;
    return f->blocks;
}

// One block's share of a job.
struct block_job {
    struct forward *f;
    struct block *block;
    const struct forward_job *job;
    const size_t *todo; // variant numbers, by first layer
    size_t n_todo;
    uint64_t mem; // bytes for its streams
    bool last;    // with this block the variants are finished
    bool fresh;   // the block's final intact state is not there yet
    struct stream *clean, *branch;
    struct abl_err *err;
};

static bool cancelled(const struct forward_job *job, struct abl_err *err)
{
    if (!job->cancel || !atomic_load(job->cancel))
        return false;
    abl_fail(err, ABL_INTERRUPTED, "interrupted");
    return true;
}

static void finish_variants(const struct block_job *j, const size_t *variants, uint32_t n)
{
    for (uint32_t i = 0; j->last && i < n; i++) {
        j->job->done[variants[i]] = true;
        if (j->job->finished)
            j->job->finished(j->job->context, variants[i]);
    }
}

// tinyLab's kl_div of some variants, where it is asked for.
static bool read_clamped(const struct block_job *j, struct tensor final, const size_t *numbers,
                         uint32_t n)
{
    double *values[MAX_COPIES];
    const struct forward *f = j->f;
    if (!f->s.clamped || !j->job->clamped_kl)
        return true;
    for (uint32_t i = 0; i < n; i++)
        values[i] = j->job->clamped_kl + numbers[i] * f->s.n_prompts;
    return clamped_read(f->s.clamped, j->block, final, n, values, j->err);
}

// Carry some variants from the clean stream's present place to the read-out.
static bool run_chunk(struct block_job *j, uint32_t layer, bool with_z, const size_t *numbers,
                      uint32_t n)
{
    const struct variant *variants[MAX_COPIES];
    struct row_stats *rows[MAX_COPIES];
    for (uint32_t i = 0; i < n; i++) {
        variants[i] = &j->job->variants->items[numbers[i]];
        rows[i] = j->job->rows + numbers[i] * j->f->s.n_prompts + j->block->first;
    }
    struct stream *s = j->branch;
    if (!stream_branch(s, j->clean, with_z, variants, n, j->err))
        return false;
    uint32_t n_layers = j->f->s.model->shape.n_layers;
    for (uint32_t l = layer; l < n_layers; l++) {
        if (cancelled(j->job, j->err))
            return false;
        bool attended = with_z && l == layer;
        if ((!attended && !stream_attend(s, l, j->err)) || !stream_finish_layer(s, l, j->err))
            return false;
    }
    struct tensor final;
    if (!stream_final(s, &final, j->err)
        || !block_read(j->block, final, n, j->block->final, rows, j->err)
        || !read_clamped(j, final, numbers, n))
        return false;
    finish_variants(j, numbers, n);
    return true;
}

// Every variant that branches here: at `layer`, before (with_z false) or behind the attention.
static bool run_branches(struct block_job *j, uint32_t layer, bool with_z)
{
    size_t chunk[MAX_COPIES];
    uint32_t n = 0;
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        struct branch place = branch_of(v, j->f->s.left_out);
        if (place.layer != layer || place.behind != with_z)
            continue;
        chunk[n++] = j->todo[i];
        if (n == j->branch->max_copies) {
            if (!run_chunk(j, layer, with_z, chunk, n))
                return false;
            n = 0;
        }
    }
    return !n || run_chunk(j, layer, with_z, chunk, n);
}

// Variants that change nothing are the intact run, to the bit.
static bool copy_identities(const struct block_job *j)
{
    const struct forward *f = j->f;
    for (size_t i = 0; i < j->n_todo; i++) {
        size_t v = j->todo[i];
        if (variant_first_layer(&j->job->variants->items[v]) != NO_LAYER)
            continue;
        memcpy(j->job->rows + v * f->s.n_prompts + j->block->first, f->intact + j->block->first,
               j->block->n * sizeof *f->intact);
        if (!read_clamped(j, j->block->final, &v, 1))
            return false;
        finish_variants(j, &v, 1);
    }
    return true;
}

static bool run_layers(struct block_job *j)
{
    uint32_t n_layers = j->f->s.model->shape.n_layers;
    if (!stream_start(j->clean, j->block->embedded, j->err))
        return false;
    for (uint32_t l = 0; l < n_layers; l++) {
        if (!run_branches(j, l, false) || !stream_attend(j->clean, l, j->err)
            || !run_branches(j, l, true) || !stream_finish_layer(j->clean, l, j->err))
            return false;
    }
    return true;
}

// Whether every row goes through the whole of the last layer: also where positions are aligned from the start, as a
// read-out may then take from a donor's row that is none.
static bool is_wide(const struct block_job *j)
{
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        for (size_t k = 0; k < v->n_edits; k++)
            if (v->edits[k].from_start)
                return true;
    }
    return j->f->s.left_out & SAVING_LAST_LAYER;
}

// The clean stream and its branches over one block. donors: NULL where no edit takes from any.
static bool run_block(struct block_job *j, const struct donor_state *donors)
{
    struct forward *f = j->f;
    struct pass pass = block_pass(j->block);
    pass.first_prompt = j->block->first;
    pass.has_bos = f->s.has_bos;
    pass.z_mean = f->z_mean;
    if (donors) {
        pass.donors = (struct donor_rows){ &donors->block.trie, donors->number };
        pass.stashes = donors->stashes;
    }
    struct stream clean = { 0 }, branch = { 0 };
    uint64_t pattern = pattern_bytes(pass.shape, pass.trie, j->job->variants, j->job->done);
    size_t fit = block_rows_that_fit(pass.shape, minus_or_0(j->mem, pattern));
    uint32_t copies
        = min_u32(block_copies(fit, j->block->trie.n_nodes),
                  widest_branch(pass.shape, j->job->variants, j->job->done, f->s.left_out));
    bool ok = stream_init(&clean, &pass, 1, j->err) && stream_init(&branch, &pass, copies, j->err);
    clean.wide = branch.wide = is_wide(j);
    j->clean = &clean;
    j->branch = &branch;
    if (ok && j->fresh)
        ok = block_run_clean(j->block, &clean, j->err);
    ok = ok && copy_identities(j) && run_layers(j);
    stream_release(&clean);
    stream_release(&branch);
    return ok;
}

static bool job_is_shared(const struct block_job *j)
{
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        for (size_t k = 0; k < v->n_edits; k++)
            if (!edit_is_shared(&v->edits[k]))
                return false;
    }
    return true;
}

// Edits that tell prompts apart need rows of their own for each prompt: the prompts of a block are laid out anew.
static bool run_unshared(struct block_job *j, const struct block *b)
{
    struct forward *f = j->f;
    struct donor_job donor_job = { .model = f->s.model,
                                   .weights = f->weights,
                                   .donors = f->s.donors ? f->s.donors : f->s.prompts,
                                   .n_donors = f->s.donors ? f->s.n_donors : f->s.n_prompts,
                                   .variants = j->job->variants,
                                   .todo = j->todo,
                                   .n_todo = j->n_todo,
                                   .first = b->first,
                                   .n = b->n,
                                   .wide = is_wide(j) };
    struct donor_state donors = { 0 };
    struct block flat = { 0 };
    bool takes = donors_needed(&donor_job);
    uint64_t kept = donors_bytes(&donor_job);
    j->mem = minus_or_0(f->s.mem, kept);
    bool ok
        = (!takes || donors_run(&donors, &donor_job, j->err))
          && block_init(&flat, f->s.model, f->weights, f->s.prompts, b->first, b->n, false, j->err);
    if (ok) {
        j->block = &flat;
        j->fresh = true;
        ok = run_block(j, takes ? &donors : NULL);
    }
    block_release(&flat);
    donors_release(&donors);
    return ok;
}

static bool needs_means(const struct block_job *j)
{
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        for (size_t k = 0; k < v->n_edits; k++)
            if (v->edits[k].source == SOURCE_MEAN)
                return true;
    }
    return false;
}

static bool run_blocks(struct forward *f, struct block_job *j)
{
    bool shared = !(f->s.left_out & SAVING_SHARED_ROWS) && job_is_shared(j);
    if (!f->z_mean.buffer && needs_means(j)
        && !means_make(f->blocks, f->n_blocks, f->s.has_bos, &f->z_mean, j->err))
        return false;
    for (size_t i = 0; i < f->n_blocks; i++) {
        struct block *b = &f->blocks[i];
        j->block = b;
        j->mem = f->s.mem;
        j->last = i + 1 == f->n_blocks;
        if (cancelled(j->job, j->err) || !(shared ? run_block(j, NULL) : run_unshared(j, b)))
            return false;
    }
    return true;
}

bool forward_run(struct forward *f, const struct forward_job *job, struct abl_err *err)
{
    size_t n = 0, *todo = malloc((job->variants->n + 1) * sizeof *todo);
    if (!todo)
        return abl_no_memory(err);
    for (size_t i = 0; i < job->variants->n; i++)
        if (!job->done[i])
            todo[n++] = i;
    struct block_job j = { .f = f, .job = job, .todo = todo, .n_todo = n, .err = err };
    bool ok = !n || run_blocks(f, &j);
    free(todo);
    return ok;
}
