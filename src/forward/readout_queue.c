#include "forward/readout_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool list_rows(struct readout_queue *q, uint32_t n, struct abl_err *err)
{
    struct engine *e = q->block->weights->s.engine;
    uint32_t *rows = malloc(n * sizeof *rows);
    if (!rows)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = i;
    bool ok = e->ops->index_new(e, rows, n, &q->rows, err);
    free(rows);
    return ok;
}

bool readout_queue_init(struct readout_queue *q, const struct block *b, uint32_t max,
                        struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    uint32_t n_reads = b->trie.n_reads;
    *q = (struct readout_queue){ 0 };
    if (!max)
        return true;
    q->block = b;
    q->max = max;
    return e->ops->alloc(e, max * n_reads, b->model->shape.d_model, &q->states, err)
           && list_rows(q, max * n_reads, err);
}

void readout_queue_release(struct readout_queue *q)
{
    if (!q->block)
        return;
    struct engine *e = q->block->weights->s.engine;
    if (q->states.buffer)
        e->ops->release(e, &q->states);
    if (q->rows.buffer)
        e->ops->index_release(e, &q->rows);
    q->block = NULL;
}

bool readout_queue_add(struct readout_queue *q, struct tensor states, const size_t *numbers,
                       uint32_t n, struct abl_err *err)
{
    assert(q->n + n <= q->max);
    struct engine *e = q->block->weights->s.engine;
    struct tensor to = tensor_rows(q->states, q->n * q->block->trie.n_reads, states.rows);
    struct index rows = { q->rows.buffer, states.rows };
    if (!e->ops->gather(e, to, states, rows, err))
        return false;
    memcpy(q->numbers + q->n, numbers, n * sizeof *numbers);
    q->n += n;
    return true;
}
