#include "forward/readout_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "plan/flop.h"

// Of the memory for activations, and how many times the intact states' unembedding is enough work
// to wait for.
enum { MEM_SHARE = 16, WORTH = 64 };

static bool list_rows(struct readout_queue *p, uint32_t n, struct abl_err *err)
{
    struct engine *e = p->block->weights->s.engine;
    uint32_t *rows = malloc(n * sizeof *rows);
    if (!rows)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = i;
    bool ok = e->ops->index_new(e, rows, n, &p->rows, err);
    free(rows);
    return ok;
}

// Of one variant.
static uint64_t state_bytes(const struct model_shape *shape, uint32_t n_reads)
{
    return (uint64_t)n_reads * shape->d_model * sizeof(float);
}

uint64_t readout_queue_bytes(const struct model_shape *shape, uint32_t n_reads, size_t n,
                             uint64_t mem)
{
    uint64_t each = state_bytes(shape, n_reads);
    size_t max = size_min(size_min(n, MAX_COPIES), (size_t)(mem / MEM_SHARE / each));
    return max < 2 ? 0 : max * each;
}

bool readout_queue_init(struct readout_queue *p, const struct block *b, uint64_t bytes,
                        struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    const struct model_shape *shape = &b->model->shape;
    uint32_t n_reads = b->trie.n_reads;
    *p = (struct readout_queue){ 0 };
    if (!bytes)
        return true;
    p->block = b;
    p->max = (uint32_t)(bytes / state_bytes(shape, n_reads));
    return e->ops->alloc(e, p->max * n_reads, shape->d_model, &p->states, err)
           && list_rows(p, p->max * n_reads, err);
}

void readout_queue_release(struct readout_queue *p)
{
    if (!p->block)
        return;
    struct engine *e = p->block->weights->s.engine;
    if (p->states.buffer)
        e->ops->release(e, &p->states);
    if (p->rows.buffer)
        e->ops->index_release(e, &p->rows);
    p->block = NULL;
}

bool readout_queue_fits(const struct readout_queue *p, uint32_t n)
{
    return p->block && n <= p->max - p->n;
}

bool readout_queue_add(struct readout_queue *p, struct tensor states, const size_t *numbers,
                       uint32_t n, double flop, struct abl_err *err)
{
    struct engine *e = p->block->weights->s.engine;
    struct tensor to = tensor_rows(p->states, p->n * p->block->trie.n_reads, states.rows);
    struct index rows = { p->rows.buffer, states.rows };
    if (!e->ops->gather(e, to, states, rows, err))
        return false;
    memcpy(p->numbers + p->n, numbers, n * sizeof *numbers);
    p->n += n;
    p->flop += flop;
    return true;
}

bool readout_queue_is_due(const struct readout_queue *p)
{
    return p->flop >= WORTH * flop_unembed(&p->block->model->shape, p->block->trie.n_reads);
}
