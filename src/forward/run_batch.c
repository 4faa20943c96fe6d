// Some variants together, from where they leave the clean stream to the read-out.
#include "forward/run_parts.h"

#include "plan/flop.h"
#include "plan/shared_start.h"

bool job_cancelled(const struct forward_job *job, struct abl_err *err)
{
    if (!job->cancel || !atomic_load(job->cancel))
        return false;
    abl_fail(err, ABL_INTERRUPTED, "interrupted");
    return true;
}

bool batch_finish(const struct block_run *j, struct tensor final, const size_t *numbers, uint32_t n)
{
    const struct final_tap *tap = j->f->s.tap;
    if (tap && tap->on_variants
        && !tap->on_variants(tap->context, j->block, final, numbers, n, j->err))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        j->n_blocks_done[numbers[i]]++;
        j->job->done[numbers[i]] = j->last;
    }
    if (j->last && j->job->finished)
        j->job->finished(j->job->context, numbers, n);
    return true;
}

// Some variants that leave the clean stream together; those that agree at first are one copy at
// first.
static void set_out(const struct block_run *j, const size_t *numbers, uint32_t n,
                    struct shared_copies *c)
{
    bool apart = j->f->s.left_out & SAVING_AGREEMENT;
    uint32_t last = j->f->s.model->shape.n_layers - 1; // each is read out by itself
    c->n = c->n_copies = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct variant *v = &j->job->variants->items[numbers[i]];
        uint32_t until = i && !apart ? shared_until(c->variants[i - 1], v) : 0;
        shared_copies_add(c, v, until < last ? until : last);
    }
}

// From the clean stream's present place to behind the last layer.
static bool run_shared(struct block_run *j, struct stream *s, const struct start_point *place,
                       struct shared_copies *c)
{
    uint32_t n_layers = j->f->s.model->shape.n_layers, from_copy[MAX_COPIES];
    shared_copies_part(c, place->layer, from_copy);
    if (!stream_branch(s, j->clean, place->layer, place->stage, c->copies, c->n_copies, j->err))
        return false;
    for (uint32_t l = place->layer; l < n_layers; l++) {
        if (job_cancelled(j->job, j->err))
            return false;
        shared_copies_part(c, l, from_copy);
        enum stage from = l == place->layer ? place->stage : STAGE_START;
        if (!stream_part(s, from_copy, c->n_copies, j->err) || !stream_layer(s, l, from, j->err))
            return false;
    }
    return true;
}

static bool read_out(struct block_run *j, struct tensor final, const size_t *numbers, uint32_t n)
{
    struct row_stats *rows[MAX_COPIES];
    for (uint32_t i = 0; i < n; i++)
        rows[i] = j->job->rows + numbers[i] * j->f->s.n_prompts + j->block->first;
    return block_read(j->block, final, n, j->block->final, rows, j->err)
           && batch_finish(j, final, numbers, n);
}

bool batch_flush(struct block_run *j)
{
    struct readout_queue *p = j->pending;
    uint32_t n = p->n;
    p->n = 0;
    p->flop = 0;
    return !n || read_out(j, tensor_rows(p->states, 0, n * j->block->trie.n_reads), p->numbers, n);
}

// FLOP of n variants from here to the last layer.
static double chunk_flop(const struct stream *s, const struct start_point *place, uint32_t n)
{
    const struct model_shape *shape = s->pass->shape;
    double rows = (double)n * s->rows.n, flop = 0;
    for (uint32_t l = place->layer; l < shape->n_layers; l++)
        flop += flop_layer(shape, l == place->layer ? place->stage : STAGE_START, 0, rows, rows);
    return flop;
}

// Let some variants wait to be read out together with the next, unless somebody waits for them.
static bool hold(struct block_run *j, const struct stream *s, const struct start_point *place,
                 struct tensor final, const size_t *numbers, uint32_t n)
{
    struct readout_queue *p = j->pending;
    if (!readout_queue_fits(p, n) && !batch_flush(j))
        return false;
    if (!readout_queue_fits(p, n) || *j->alone)
        return read_out(j, final, numbers, n);
    return readout_queue_add(p, final, numbers, n, chunk_flop(s, place, n), j->err)
           && (!readout_queue_is_due(p) || batch_flush(j));
}

bool batch_run(struct block_run *j, struct stream *s, const struct start_point *place,
               const size_t *numbers, uint32_t n)
{
    struct shared_copies shared;
    set_out(j, numbers, n, &shared);
    struct tensor final;
    return run_shared(j, s, place, &shared) && stream_final(s, &final, j->err)
           && hold(j, s, place, final, numbers, n);
}
