#include "forward/prompt_block.h"

#include <stdlib.h>

#include "base/size.h"
#include "forward/read_back.h"

void block_release(struct block *b)
{
    if (!b->weights)
        return;
    struct engine *e = b->weights->s.engine;
    if (b->embedded.buffer)
        e->ops->release(e, &b->embedded);
    if (b->final.buffer)
        e->ops->release(e, &b->final);
    trie_release(&b->trie);
    free(b->asks);
    free(b->first_distinct);
    *b = (struct block){ 0 };
}

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_lists(const struct answer_lists *a, const struct answer_lists *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    int targets = id_list_compare(a->targets, b->targets);
    return targets ? targets : id_list_compare(a->foils, b->foils);
}

// Apart from which prompt it is.
static int compare_questions(const struct ask *a, const struct ask *b)
{
    int read = compare_u32(a->read, b->read), target = compare_u32(a->target, b->target);
    int foil = compare_u32(a->foil, b->foil);
    return read ? read : target ? target : foil ? foil : compare_lists(a->lists, b->lists);
}

static int compare_asks(const void *x, const void *y)
{
    const struct ask *a = x, *b = y;
    int question = compare_questions(a, b);
    return question ? question : compare_u32(a->prompt, b->prompt);
}

static bool make_asks(struct block *b, struct abl_err *err)
{
    b->asks = calloc(b->n, sizeof *b->asks);
    b->first_distinct = calloc(b->trie.n_reads + 1, sizeof *b->first_distinct);
    if (!b->asks || !b->first_distinct)
        return abl_no_memory(err);
    for (uint32_t p = 0; p < b->n; p++)
        b->asks[p] = (struct ask){ .prompt = p,
                                   .read = b->trie.read_of[p],
                                   .target = b->prompts[p].target,
                                   .foil = b->prompts[p].foil,
                                   .lists = b->prompts[p].lists };
    qsort(b->asks, b->n, sizeof *b->asks, compare_asks);
    for (size_t i = 1; i < b->n; i++) {
        struct ask *ask = &b->asks[i], *before = &b->asks[i - 1];
        ask->distinct = before->distinct + (compare_questions(ask, before) != 0);
    }
    b->n_distinct = b->asks[b->n - 1].distinct + 1;
    for (size_t i = 0; i < b->n; i++) // the last of each read-out stays
        b->first_distinct[b->asks[i].read + 1] = b->asks[i].distinct + 1;
    return true;
}

static bool embed(struct block *b, struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    uint32_t d = b->model->shape.d_model;
    const struct trie *t = &b->trie;
    float *host = malloc((size_t)t->n_nodes * d * sizeof *host);
    bool ok = host || abl_no_memory(err);
    for (uint32_t i = 0; ok && i < t->n_nodes; i++)
        ok = model_embed(b->model, t->token[i], t->position[i], host + (size_t)i * d, err);
    ok = ok && e->ops->alloc(e, t->n_nodes, d, &b->embedded, err)
         && e->ops->upload(e, b->embedded, host, err)
         && e->ops->alloc(e, t->n_reads, d, &b->final, err);
    free(host);
    return ok;
}

bool block_init(struct block *b, const struct model *model, struct weights *weights,
                const struct prompt *all, size_t first, size_t n, bool share, struct abl_err *err)
{
    *b = (struct block){
        .first = first, .n = n, .prompts = all + first, .model = model, .weights = weights
    };
    if (trie_build(b->prompts, n, share, &b->trie, err) && make_asks(b, err) && embed(b, err))
        return true;
    block_release(b);
    return false;
}

struct pass block_pass(const struct block *b)
{
    return (struct pass){ .engine = b->weights->s.engine,
                          .shape = &b->model->shape,
                          .weights = b->weights,
                          .trie = &b->trie };
}

// Where a variant's answer stands: read-out by read-out, of each copy by copy, of each ask by ask.
static uint32_t answer_at(const struct block *b, const struct ask *ask, uint32_t copy,
                          uint32_t copies)
{
    uint32_t first = b->first_distinct[ask->read], n = b->first_distinct[ask->read + 1] - first;
    return first * copies + copy * n + (ask->distinct - first);
}

// The rows of states that are read out, a read-out's copies beside each other, and what is asked of
// them.
static void list_asks(const struct block *b, uint32_t copies, uint32_t *rows,
                      struct readout_ask *asks)
{
    uint32_t n_reads = b->trie.n_reads;
    for (uint32_t i = 0; i < n_reads * copies; i++)
        rows[i] = i % copies * n_reads + i / copies;
    for (size_t i = 0; i < b->n; i++) {
        const struct ask *ask = &b->asks[i];
        for (uint32_t c = 0; c < copies; c++)
            asks[answer_at(b, ask, c, copies)]
                = (struct readout_ask){ .row = ask->read * copies + c,
                                        .target = ask->target,
                                        .foil = ask->foil,
                                        .lists = ask->lists,
                                        .base = ask->read };
    }
}

bool block_read(const struct block *b, struct tensor states, uint32_t copies, struct tensor base,
                struct row_stats *const *out, struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    uint32_t n = b->n_distinct * copies, n_rows = b->trie.n_reads * copies;
    uint32_t *rows = malloc(n_rows * sizeof *rows);
    struct readout_ask *asks = malloc(n * sizeof *asks);
    struct row_stats *stats = malloc(n * sizeof *stats);
    struct index list = { 0 };
    struct tensor gathered = { 0 };
    bool ok = (rows && asks && stats) || abl_no_memory(err);
    if (ok)
        list_asks(b, copies, rows, asks);
    ok = ok && e->ops->index_new(e, rows, n_rows, &list, err)
         && e->ops->alloc(e, n_rows, states.cols, &gathered, err)
         && e->ops->gather(e, gathered, states, list, err)
         && e->ops->readout(e, gathered, b->weights->unembed, &b->weights->logits, base, asks, n,
                            stats, err);
    for (size_t i = 0; ok && i < b->n * copies; i++) {
        const struct ask *ask = &b->asks[i / copies];
        uint32_t c = (uint32_t)(i % copies);
        out[c][ask->prompt] = stats[answer_at(b, ask, c, copies)];
        ok = check_logits(e, &out[c][ask->prompt], b->first + ask->prompt, err);
    }
    if (list.buffer)
        e->ops->index_release(e, &list);
    if (gathered.buffer)
        e->ops->release(e, &gathered);
    free(rows);
    free(asks);
    free(stats);
    return ok;
}

bool block_run_layers(const struct block *b, struct stream *clean, struct abl_err *err)
{
    bool ok = stream_start(clean, b->embedded, err);
    for (uint32_t l = 0; ok && l < b->model->shape.n_layers; l++)
        ok = stream_layer(clean, l, STAGE_START, err);
    return ok;
}

bool block_keep_final(struct block *b, struct stream *clean, struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    struct tensor final;
    return stream_final(clean, &final, err)
           && e->ops->gather(e, b->final, final,
                             (struct index){ clean->repeat_reads.buffer, final.rows }, err);
}

bool block_run_clean(struct block *b, struct stream *clean, struct abl_err *err)
{
    return block_run_layers(b, clean, err) && block_keep_final(b, clean, err);
}
