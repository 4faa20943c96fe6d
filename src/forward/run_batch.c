// Some variants together, from where they leave the clean stream to the read-out.
#include "forward/run_parts.h"

#include "plan/shared_start.h"

bool run_is_cancelled(const struct forward_job *job, struct abl_err *err)
{
    if (!job->cancel || !atomic_load(job->cancel))
        return false;
    abl_fail(err, ABL_INTERRUPTED, "interrupted");
    return true;
}

bool run_finish(struct plan_run *r, const struct block *b, struct tensor states,
                const size_t *numbers, uint32_t n)
{
    const struct final_tap *tap = r->f->s.tap;
    const struct forward_job *job = r->job;
    if (tap && tap->kinds & 1u << PASS_VARIANTS
        && !tap->on_variants(tap->context, b, states, numbers, n, r->err))
        return false;
    if (job->keep && !job->keep(job->context, b->first, b->n, numbers, n, r->err))
        return false;
    size_t ended[MAX_COPIES], n_ended = 0, n_rows = r->f->s.n_prompts;
    for (uint32_t i = 0; i < n; i++) {
        size_t cell = numbers[i] * n_rows;
        cells_set(r->cells, cell + b->first, b->n);
        job->done[numbers[i]] = cells_are_set(r->cells, cell, n_rows);
        if (job->done[numbers[i]])
            ended[n_ended++] = numbers[i];
    }
    if (n_ended && job->finished)
        job->finished(job->context, ended, n_ended);
    return true;
}

// From the clean stream's present place to behind the last layer.
static bool carry(struct plan_run *r, struct stream *s, const struct start_point *place,
                  struct shared_copies *c)
{
    uint32_t n_layers = r->f->s.model->shape.n_layers, from_copy[MAX_COPIES];
    shared_copies_part(c, place->layer, from_copy);
    if (!stream_branch(s, &r->clean, place->layer, place->stage, c->copies, c->n_copies, r->err))
        return false;
    for (uint32_t l = place->layer; l < n_layers; l++) {
        if (run_is_cancelled(r->job, r->err))
            return false;
        shared_copies_part(c, l, from_copy);
        enum stage from = l == place->layer ? place->stage : STAGE_START;
        if (!stream_part(s, from_copy, c->n_copies, r->err) || !stream_layer(s, l, from, r->err))
            return false;
    }
    return true;
}

static bool read_out(struct plan_run *r, struct tensor states, const size_t *numbers, uint32_t n)
{
    struct row_stats *rows[MAX_COPIES];
    for (uint32_t i = 0; i < n; i++)
        rows[i] = r->job->rows + numbers[i] * r->f->s.n_prompts + r->block->first;
    return block_read(r->block, states, n, r->block->final, rows, r->err)
           && run_finish(r, r->block, states, numbers, n);
}

// Read out what waits.
static bool flush(struct plan_run *r)
{
    struct readout_queue *q = &r->queue;
    uint32_t n = q->n;
    q->n = 0;
    return !n || read_out(r, tensor_rows(q->states, 0, n * r->block->trie.n_reads), q->numbers, n);
}

// Final states of every row, where somebody compares them.
static bool look_at_every(struct plan_run *r, struct stream *s, const size_t *numbers, uint32_t n)
{
    const struct final_tap *tap = r->f->s.tap;
    struct tensor every;
    return !pass_compares(r->plan, &r->plan->passes[r->pass_number])
           || (stream_final_of_every(s, &every, r->err)
               && tap->on_every_variant(tap->context, r->block, every, numbers, n, r->err));
}

// Variants of a batch; reads: they do not wait.
static bool run_some(struct plan_run *r, struct stream *s, const struct start_point *place,
                     const struct batch_items *items, uint32_t first, uint32_t n, bool reads)
{
    struct shared_copies c;
    struct tensor final;
    c.n = c.n_copies = 0;
    for (uint32_t i = first; i < first + n; i++)
        shared_copies_add(&c, &r->job->variants->items[items->variants[i]], items->until[i]);
    const size_t *numbers = items->variants + first;
    if (!carry(r, s, place, &c) || !look_at_every(r, s, numbers, n)
        || !stream_final(s, &final, r->err))
        return false;
    if (reads && !r->queue.n)
        return read_out(r, final, numbers, n);
    return readout_queue_add(&r->queue, final, numbers, n, r->err) && (!reads || flush(r));
}

bool run_batch(struct plan_run *r, struct stream *s, const struct plan_batch *b)
{
    struct batch_items items;
    uint32_t first = r->alone && b->n > 1; // that one by itself
    batch_items(r->plan, b, &items);
    if (first && !run_some(r, s, &b->start, &items, 0, 1, true))
        return false;
    r->alone = false;
    bool ok = run_some(r, s, &b->start, &items, first, b->n - first, b->n_read > 0);
    if (ok)
        forward_spend(r->f, (uint64_t)b->n * b->rows.rows);
    return ok;
}
