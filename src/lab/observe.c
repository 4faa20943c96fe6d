#include "lab/observe.h"

#include <stdlib.h>

#include "lab/block.h"

struct watch {
    const struct observer *observer;
    const struct block *block;
    const struct stream *stream;
    float *host;             // room for the widest activation
    struct tensor read_rows; // (n_reads, widest site) on the device; none where every row is wanted
};

static uint32_t widest_site(const struct model_shape *shape, unsigned sites)
{
    uint32_t widest = 0;
    for (int site = 0; site < N_SITES; site++) {
        uint32_t cols = sites & 1u << site ? site_cols(shape, (enum site)site) : 0;
        widest = cols > widest ? cols : widest;
    }
    return widest;
}

// The read-out rows of an activation of every node.
static bool gather_reads(const struct watch *w, struct tensor *t, struct abl_err *err)
{
    struct engine *e = w->block->weights->s.engine;
    uint32_t n_reads = w->block->trie.n_reads;
    struct tensor reads = tensor_cols(tensor_rows(w->read_rows, 0, n_reads), 0, t->cols);
    struct index rows = { w->stream->read_rows.buffer, n_reads };
    if (!e->ops->gather(e, reads, *t, rows, err))
        return false;
    *t = reads;
    return true;
}

static bool show(void *context, uint32_t layer, enum site site, struct tensor t,
                 struct abl_err *err)
{
    const struct watch *w = context;
    const struct observer *o = w->observer;
    struct engine *e = w->block->weights->s.engine;
    if (o->cancel && atomic_load(o->cancel))
        return abl_fail(err, ABL_INTERRUPTED, "interrupted");
    if (!o->every_row && w->stream->space == ROWS_NODES && !gather_reads(w, &t, err))
        return false;
    if (!e->ops->download(e, t, w->host, err))
        return false;
    struct observed seen = { .site = site,
                             .layer = layer,
                             .values = w->host,
                             .n_rows = t.rows,
                             .n_cols = t.cols,
                             .trie = &w->block->trie,
                             .first_prompt = w->block->first };
    return o->see(o->context, &seen, err);
}

static bool observe_block(struct block *b, const struct observer *o, struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    uint32_t cols = widest_site(&b->model->shape, o->sites);
    size_t rows = o->every_row ? b->trie.n_nodes : b->trie.n_reads;
    struct stream s = { 0 };
    struct watch w = { .observer = o,
                       .block = b,
                       .stream = &s,
                       .host = malloc((rows ? rows : 1) * (cols ? cols : 1) * sizeof(float)) };
    struct tap tap = { .sites = o->sites, .see = show, .context = &w };
    struct pass pass = block_pass(b);
    bool ok = (w.host || abl_no_memory(err))
              && (o->every_row || e->ops->alloc(e, (uint32_t)rows, cols, &w.read_rows, err))
              && stream_init(&s, &pass, 1, err);
    if (ok) {
        s.tap = &tap;
        s.wide = o->every_row;
        ok = block_run_clean(b, &s, err);
    }
    stream_release(&s);
    if (w.read_rows.buffer)
        e->ops->release(e, &w.read_rows);
    free(w.host);
    return ok;
}

bool forward_observe(struct forward *f, const struct observer *o, struct abl_err *err)
{
    size_t n;
    struct block *blocks = forward_blocks(f, &n);
    for (size_t i = 0; i < n; i++)
        if (!observe_block(&blocks[i], o, err))
            return false;
    return true;
}
