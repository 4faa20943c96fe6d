#include "forward/observe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "forward/forward_parts.h"
#include "forward/prompt_block.h"
#include "forward/read_back.h"
#include "plan/plan_blocks.h"

struct watch {
    const struct observer *observer;
    const struct block *block;
    const struct stream *stream;
    float *host;             // room for the largest activation
    struct tensor read_rows; // (n_reads, widest site) on the device; none where every row is wanted
    uint32_t *edges;         // (rows + 1)
};

// Of sites whose rows are nodes.
static uint32_t widest_site(const struct model_shape *shape, unsigned sites)
{
    uint32_t widest = 0;
    for (int site = 0; site < N_SITES; site++) {
        bool counts = sites & 1u << site && site != SITE_PATTERN;
        uint32_t cols = counts ? site_cols(shape, (enum site)site) : 0;
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
    bool pattern = site == SITE_PATTERN;
    if (!o->every_row && w->stream->space == ROWS_NODES && !pattern && !gather_reads(w, &t, err))
        return false;
    if (pattern)
        trie_edges(&w->block->trie, !o->every_row, stream_window(&w->block->model->shape, layer),
                   w->edges);
    char what[96];
    snprintf(what, sizeof what, "%s of layer %" PRIu32 "%s%s", site_name(site), layer,
             o->over ? " over " : "", o->over ? o->over : "");
    if (!read_back(e, t, w->host, what, err))
        return false;
    struct observed seen = { .site = site,
                             .layer = layer,
                             .values = w->host,
                             .n_rows = t.rows,
                             .n_cols = t.cols,
                             .trie = &w->block->trie,
                             .first_prompt = w->block->first,
                             .edges = pattern ? w->edges : NULL };
    return o->on_activation(o->context, &seen, err);
}

static size_t largest_activation(const struct block *b, const struct observer *o)
{
    const struct model_shape *shape = &b->model->shape;
    size_t n
        = (o->every_row ? b->trie.n_nodes : b->trie.n_reads) * (size_t)widest_site(shape, o->sites);
    if (o->sites & 1u << SITE_PATTERN)
        n = size_max(n, trie_edges(&b->trie, !o->every_row, NO_WINDOW, NULL)
                            * (size_t)site_cols(shape, SITE_PATTERN));
    return n ? n : 1;
}

static bool observe_block(struct forward *f, struct block *b, const struct observer *o,
                          struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    uint32_t cols = widest_site(&b->model->shape, o->sites);
    size_t rows = o->every_row ? b->trie.n_nodes : b->trie.n_reads;
    bool gathers = !o->every_row && cols;
    struct stream s = { 0 };
    struct watch w = { .observer = o,
                       .block = b,
                       .stream = &s,
                       .host = malloc(largest_activation(b, o) * sizeof *w.host),
                       .edges = malloc((rows + 1) * sizeof *w.edges) };
    struct tap tap
        = { .sites = o->sites, .reads_only = !o->every_row, .on_activation = show, .context = &w };
    struct pass pass = block_pass(b);
    bool ok = ((w.host && w.edges) || abl_no_memory(err))
              && (!gathers || e->ops->alloc(e, (uint32_t)rows, cols, &w.read_rows, err))
              && stream_init(&s, &pass, 1, err);
    if (ok) {
        s.tap = &tap;
        s.whole_last_layer = o->every_row;
        ok = block_run_clean(b, &s, err);
        forward_spend(f, b->trie.n_nodes);
    }
    stream_release(&s);
    if (w.read_rows.buffer)
        e->ops->release(e, &w.read_rows);
    free(w.host);
    free(w.edges);
    return ok;
}

float observed_weight(const struct observed *o, uint32_t row, uint32_t back, uint32_t head)
{
    if (back >= o->edges[row + 1] - o->edges[row])
        return 0;
    return o->values[(size_t)(o->edges[row + 1] - 1 - back) * o->n_cols + head];
}

bool forward_observe_prompts(struct forward *f, const struct prompt *prompts, size_t n,
                             const struct observer *o, struct abl_err *err)
{
    size_t n_blocks, end;
    const struct block *own = forward_blocks(f, &n_blocks);
    struct memory_budget budget = forward_budget(f);
    size_t fit = stream_rows_that_fit(&own->model->shape, &budget);
    for (size_t first = 0; first < n; first = end) {
        struct block b;
        end = block_end(prompts, first, n, fit);
        if (!block_init(&b, own->model, own->weights, prompts, first, end - first, true, err))
            return false;
        bool ok = observe_block(f, &b, o, err);
        block_release(&b);
        if (!ok)
            return false;
    }
    return true;
}

bool forward_observe(struct forward *f, const struct observer *o, struct abl_err *err)
{
    size_t n;
    struct block *blocks = forward_blocks(f, &n);
    for (size_t i = 0; i < n; i++)
        if (!observe_block(f, &blocks[i], o, err))
            return false;
    return true;
}
