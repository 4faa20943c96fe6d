// Variants carried from where they leave the clean stream to the read-out.
#include "forward/run_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forward/clean_kv.h"
#include "forward/edit_sources.h"
#include "forward/stream.h"
#include "plan/prompt_trie.h"
#include "plan/shared_start.h"
#include "plan/start_point.h"

// The layer that is waited for, as long as it has variants left and would not come next anyway;
// else NO_LAYER. Where prompts need several blocks the next to come is not the next to finish.
static uint32_t waited_for(const struct forward *f, const struct forward_job *job)
{
    uint32_t wanted = job->wanted ? atomic_load(job->wanted) : NO_LAYER, lowest = NO_LAYER;
    bool left = false;
    for (size_t i = 0; wanted != NO_LAYER && i < job->variants->n; i++) {
        if (job->done[i])
            continue;
        uint32_t layer = variant_first_layer(&job->variants->items[i]);
        left |= layer == wanted;
        lowest = layer < lowest ? layer : lowest;
    }
    return left && (lowest != wanted || f->n_blocks > 1) ? wanted : NO_LAYER;
}

// Whether what is left should wait until another layer's variants have run.
static bool is_cut(const struct block_run *j)
{
    return j->may_cut && waited_for(j->f, j->job) != NO_LAYER;
}

// Tokens at the end of each prompt whose rows a variant carries.
static uint32_t tail_of(const struct block_run *j, const struct variant *v)
{
    return j->tails ? variant_tail(v) : ALL_TOKENS;
}

// Where some variants leave the clean stream, and how many of their last tokens they carry.
struct group {
    struct start_point place;
    uint32_t tail;
};

static bool is_in_group(const struct block_run *j, const struct group *g, const struct variant *v)
{
    struct start_point place = start_point_of(&j->f->s.model->shape, v, j->f->s.left_out);
    return place.layer == g->place.layer && place.stage == g->place.stage
           && tail_of(j, v) == g->tail;
}

// The variants of a group, as many at a time as the stream has room for.
static bool run_group(struct block_run *j, const struct group *g, struct stream *s)
{
    size_t chunk[MAX_COPIES];
    uint32_t n = 0;
    for (size_t i = 0; i < j->n_todo; i++) {
        if (!is_in_group(j, g, &j->job->variants->items[j->todo[i]]))
            continue;
        chunk[n++] = j->todo[i];
        if (n == s->max_copies || *j->alone) {
            if (!batch_run(j, s, &g->place, chunk, n))
                return false;
            n = 0;
            *j->alone = false;
        }
    }
    return (!n || batch_run(j, s, &g->place, chunk, n)) && batch_flush(j);
}

// Copies of `n_rows` rows that fit beside the clean stream and its k and v in front of them; no
// more than the group has.
static uint32_t tail_copies(const struct block_run *j, const struct group *g, uint32_t n_rows)
{
    const struct pass *pass = j->clean->pass;
    size_t fit = stream_rows_that_fit(pass->shape, &j->budget), n = 0;
    size_t copies
        = memory_budget_copies(&j->budget, size_left(fit, 2 * (size_t)pass->trie->n_nodes), n_rows);
    for (size_t i = 0; i < j->n_todo; i++)
        n += is_in_group(j, g, &j->job->variants->items[j->todo[i]]);
    return (uint32_t)size_min(copies, n);
}

// A group over a stream of its own, which has rows of its tail only.
static bool run_tail_group(struct block_run *j, const struct group *g)
{
    const struct pass *pass = j->clean->pass;
    struct row_list rows = { 0 };
    uint32_t *nodes = malloc(pass->trie->n_nodes * sizeof *nodes);
    if (!nodes)
        return abl_no_memory(j->err);
    rows.n = trie_tail(pass->trie, g->tail, nodes);
    rows.nodes = nodes;
    struct stream s = { 0 };
    bool ok = stream_init_tail(&s, pass, rows, tail_copies(j, g, rows.n), j->err);
    s.whole_last_layer = j->clean->whole_last_layer;
    ok = ok && run_group(j, g, &s);
    stream_release(&s);
    free(nodes);
    return ok;
}

// The group with the next longer tail that branches at the same place.
static bool next_group(const struct block_run *j, struct group *g)
{
    uint32_t next = 0;
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        struct group of = { g->place, tail_of(j, v) };
        if (of.tail > g->tail && (!next || of.tail < next) && is_in_group(j, &of, v))
            next = of.tail;
    }
    g->tail = next;
    return next > 0;
}

// Every variant that branches here.
static bool run_branches(struct block_run *j, uint32_t layer, enum stage stage)
{
    struct group g = { { layer, stage }, 0 };
    while (next_group(j, &g))
        if (!(j->tails ? run_tail_group(j, &g) : run_group(j, &g, j->branch)))
            return false;
    return true;
}

// Variants that change nothing are the intact run, to the bit.
static bool copy_identities(const struct block_run *j)
{
    const struct forward *f = j->f;
    for (size_t i = 0; i < j->n_todo; i++) {
        size_t v = j->todo[i];
        if (variant_first_layer(&j->job->variants->items[v]) != NO_LAYER)
            continue;
        memcpy(j->job->rows + v * f->s.n_prompts + j->block->first, f->intact + j->block->first,
               j->block->n * sizeof *f->intact);
        if (!batch_finish(j, j->block->final, &v, 1))
            return false;
    }
    return true;
}

static bool run_layers(struct block_run *j)
{
    uint32_t n_layers = j->f->s.model->shape.n_layers;
    if (!stream_start(j->clean, j->block->embedded, j->err))
        return false;
    for (uint32_t l = 0; l < n_layers && !is_cut(j); l++)
        for (int stage = STAGE_START; stage < N_STAGES; stage++)
            if (!run_branches(j, l, (enum stage)stage)
                || !stream_step(j->clean, l, (enum stage)stage, j->err))
                return false;
    return true;
}

// Whether every row goes through the whole of the last layer: also where positions are aligned from
// the start, as a read-out may then take from a donor's row that is none.
static bool needs_whole_last_layer(const struct block_run *j)
{
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        for (size_t k = 0; k < v->n_edits; k++)
            if (v->edits[k].from_start)
                return true;
    }
    return j->f->s.left_out & SAVING_LAST_LAYER;
}

// The intact final state; on the way k and v are kept for tails.
static bool run_fresh(struct block_run *j, struct clean_kv *kept)
{
    struct tap tap = clean_kv_tap(kept);
    j->clean->tap = j->tails ? &tap : NULL;
    bool ok = block_run_clean(j->block, j->clean, j->err);
    j->clean->tap = NULL;
    return ok;
}

// The streams over a pass. Tails make their own branches, each as they are met.
static bool run_streams(struct block_run *j, struct pass *pass)
{
    struct stream clean = { 0 }, branch = { 0 };
    struct clean_kv kept = { 0 };
    struct readout_queue pending = { 0 };
    uint64_t pattern,
        waiting = readout_queue_bytes(pass->shape, pass->trie->n_reads, j->n_todo, j->budget.mem);
    bool ok = readout_queue_init(&pending, j->block, waiting, j->err);
    j->budget = memory_budget_left(j->budget, waiting);
    uint32_t copies = start_point_copies(pass->shape, &j->budget, pass->trie, j->job->variants,
                                         j->job->done, j->f->s.left_out, &pattern);
    j->clean = &clean;
    j->branch = &branch;
    j->pending = &pending;
    ok = ok && (!j->tails || clean_kv_init(&kept, pass, j->err));
    pass->kept = j->tails ? &kept : NULL;
    ok = ok && stream_init(&clean, pass, 1, j->err)
         && (j->tails || stream_init(&branch, pass, copies, j->err));
    clean.whole_last_layer = branch.whole_last_layer = needs_whole_last_layer(j);
    ok = ok && (!j->fresh || run_fresh(j, &kept)) && copy_identities(j) && run_layers(j);
    stream_release(&clean);
    stream_release(&branch);
    clean_kv_release(&kept);
    readout_queue_release(&pending);
    return ok;
}

// The clean stream and its branches over one block. donors: NULL where no edit takes from any.
static bool run_block(struct block_run *j, const struct donor_state *donors)
{
    struct forward *f = j->f;
    struct pass pass = block_pass(j->block);
    pass.first_prompt = j->block->first;
    pass.has_bos = f->s.has_bos;
    pass.z_mean = f->z_mean;
    if (donors) {
        pass.donors = (struct donor_rows){ &donors->block.trie, donors->number, f->s.donor_maps };
        pass.saved = donors->saved;
    }
    return run_streams(j, &pass);
}

// First what has a tail, then the others: tails need k and v kept, which has to leave room for the
// rest.
static bool run_parts(struct block_run *j, const struct donor_state *donors)
{
    struct block_run tails = *j, wholes = *j;
    size_t *todo = malloc((j->n_todo + 1) * sizeof *todo);
    if (!todo)
        return abl_no_memory(j->err);
    uint64_t kept = clean_kv_bytes(&j->block->model->shape, j->block->trie.n_nodes);
    bool saves = !(j->f->s.left_out & SAVING_POSITIONS) && kept <= j->budget.mem / 2;
    tails.n_todo = wholes.n_todo = 0;
    for (size_t i = 0; i < j->n_todo; i++) {
        bool tail = saves && variant_tail(&j->job->variants->items[j->todo[i]]) != ALL_TOKENS;
        // tails from the front, the others from the back, which turns their order round: it does
        // not matter
        todo[tail ? tails.n_todo++ : j->n_todo - ++wholes.n_todo] = j->todo[i];
    }
    tails.todo = todo;
    wholes.todo = todo + tails.n_todo;
    tails.tails = true;
    tails.budget = memory_budget_left(j->budget, saves ? kept : 0);
    wholes.fresh = !tails.n_todo;
    bool ok = (!tails.n_todo || run_block(&tails, donors))
              && (!wholes.n_todo || run_block(&wholes, donors));
    free(todo);
    return ok;
}

// Edits that tell prompts apart need rows of their own for each prompt: the prompts of a block are
// laid out anew.
static bool run_unshared(struct block_run *j, const struct block *b)
{
    struct forward *f = j->f;
    struct donor_job donor_job = { .model = f->s.model,
                                   .weights = f->weights,
                                   .donors = f->s.donors ? f->s.donors : f->s.prompts,
                                   .n_donors = f->s.donors ? f->s.n_donors : f->s.n_prompts,
                                   .maps = f->s.donor_maps,
                                   .variants = j->job->variants,
                                   .todo = j->todo,
                                   .n_todo = j->n_todo,
                                   .first = b->first,
                                   .n = b->n,
                                   .whole_last_layer = needs_whole_last_layer(j) };
    struct donor_state donors = { 0 };
    struct block flat = { 0 };
    bool takes = donors_needed(&donor_job);
    uint64_t kept = donors_bytes(&donor_job);
    j->budget = memory_budget_left(forward_budget(f), kept);
    bool ok
        = (!takes || donors_run(&donors, &donor_job, j->err))
          && block_init(&flat, f->s.model, f->weights, f->s.prompts, b->first, b->n, false, j->err);
    if (ok) {
        j->block = &flat;
        j->fresh = true;
        ok = run_parts(j, takes ? &donors : NULL);
    }
    block_release(&flat);
    donors_release(&donors);
    return ok;
}

static bool needs_means(const struct block_run *j)
{
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->job->variants->items[j->todo[i]];
        for (size_t k = 0; k < v->n_edits; k++)
            if (v->edits[k].source == SOURCE_MEAN)
                return true;
    }
    return false;
}

// What is still to do over one block.
static bool run_over(struct forward *f, struct block_run *j, uint32_t block)
{
    bool shared = !(f->s.left_out & SAVING_SHARED_ROWS)
                  && variants_share_rows(j->job->variants, j->job->done);
    if (!f->z_mean.buffer && needs_means(j)
        && !means_make(f->blocks, f->n_blocks, f->s.has_bos, &f->z_mean, j->err))
        return false;
    j->block = &f->blocks[block];
    j->budget = forward_budget(f);
    j->last = block + 1 == f->n_blocks;
    return !job_cancelled(j->job, j->err)
           && (shared ? run_block(j, NULL) : run_unshared(j, &f->blocks[block]));
}

// What runs next: of the variants of the layer that is waited for, else of all that are left, those
// that have run over the fewest blocks. Returns how many, and over which block.
static size_t take_todo(struct block_run *j, size_t *todo, uint32_t *block)
{
    const struct forward_job *job = j->job;
    uint32_t wanted = waited_for(j->f, job);
    size_t n = 0;
    j->may_cut = wanted == NO_LAYER;
    for (size_t i = 0; i < job->variants->n; i++) {
        uint32_t over = j->n_blocks_done[i];
        if (job->done[i]
            || (!j->may_cut && variant_first_layer(&job->variants->items[i]) != wanted))
            continue;
        if (!n || over < *block) {
            *block = over;
            n = 0;
        }
        if (over == *block)
            todo[n++] = i;
    }
    return n;
}

// Block by block and layer by layer, as long as anything is left.
static bool run_all(struct forward *f, struct block_run *j, size_t *todo)
{
    uint32_t block = 0;
    while ((j->n_todo = take_todo(j, todo, &block)) > 0) {
        if (!(f->s.left_out & SAVING_AGREEMENT) && !shared_sort(j->job->variants, todo, j->n_todo))
            return abl_no_memory(j->err);
        j->todo = todo;
        if (!run_over(f, j, block))
            return false;
    }
    return true;
}

bool forward_run(struct forward *f, const struct forward_job *job, struct abl_err *err)
{
    size_t n = job->variants->n;
    size_t *todo = malloc((n + 1) * sizeof *todo);
    uint32_t *own = job->n_blocks_done ? NULL : calloc(n + 1, sizeof *own);
    bool ok = (todo && (own || job->n_blocks_done)) || abl_no_memory(err);
    bool alone = job->wanted && f->n_blocks == 1;
    struct block_run j = { .f = f,
                           .job = job,
                           .n_blocks_done = own ? own : job->n_blocks_done,
                           .alone = &alone,
                           .err = err };
    ok = ok && run_all(f, &j, todo);
    free(todo);
    free(own);
    return ok;
}
