// Index lists of a stream: who sees whom, where read-outs are,
// which clean rows its copies begin as.
#include "forward/stream_parts.h"

#include <stdlib.h>

#include "base/size.h"

// Device lists are made from host ones of max_copies copies, so that fewer copies use the front of
// the same list.
struct list_builder {
    struct stream *s;
    // (n_nodes) a node's row in a copy, UINT32_MAX where the clean stream's is used; NULL: all have
    // their own
    uint32_t *place;
    uint32_t *values;
    struct abl_err *err;
};

static bool list_done(struct list_builder *b, uint32_t n, struct index *out)
{
    struct engine *e = b->s->pass->engine;
    return e->ops->index_new(e, b->values, n, out, b->err);
}

static uint32_t node_of(const struct stream *s, uint32_t row)
{
    return s->rows.nodes ? s->rows.nodes[row] : row;
}

// The row of copy c that a node has among keys: behind the clean stream's, or one of those.
static uint32_t key_row(const struct list_builder *b, uint32_t c, uint32_t node)
{
    uint32_t at = b->place ? b->place[node] : node;
    return at == UINT32_MAX ? node : b->s->prefix + c * b->s->rows.n + at;
}

static bool list_repeat(struct list_builder *b, uint32_t n, const uint32_t *nodes,
                        struct index *out)
{
    uint32_t total = b->s->max_copies * n;
    for (uint32_t i = 0; i < total; i++)
        b->values[i] = nodes ? nodes[i % n] : i % n;
    return list_done(b, total, out);
}

static bool list_reads(struct list_builder *b, struct index *out)
{
    const struct trie *t = b->s->pass->trie;
    uint32_t n = 0;
    for (uint32_t c = 0; c < b->s->max_copies; c++)
        for (uint32_t i = 0; i < t->n_reads; i++)
            b->values[n++] = key_row(b, c, t->reads[i]) - b->s->prefix;
    return list_done(b, n, out);
}

// Contexts of `n` query nodes a copy (nodes[i], or the stream's own rows where nodes is NULL).
static bool list_contexts(struct list_builder *b, const uint32_t *nodes, uint32_t n,
                          uint32_t window, struct contexts *out)
{
    const struct trie *t = b->s->pass->trie;
    uint32_t at = 0, query = 0;
    b->values[0] = 0;
    for (uint32_t c = 0; c < b->s->max_copies; c++)
        for (uint32_t i = 0; i < n; i++) {
            at += trie_seen(t, nodes ? nodes[i] : node_of(b->s, i), window);
            b->values[++query] = at;
        }
    if (!list_done(b, query + 1, &out->start))
        return false;
    at = 0;
    for (uint32_t c = 0; c < b->s->max_copies; c++)
        for (uint32_t i = 0; i < n; i++) {
            uint32_t node = nodes ? nodes[i] : node_of(b->s, i);
            uint32_t n_seen = trie_context(t, node, window, b->values + at);
            for (uint32_t k = at; k < at + n_seen; k++)
                b->values[k] = key_row(b, c, b->values[k]);
            at += n_seen;
        }
    return list_done(b, at, &out->rows);
}

static bool list_both(struct list_builder *b, uint32_t window, struct stream_contexts *out)
{
    const struct trie *t = b->s->pass->trie;
    return list_contexts(b, NULL, b->s->rows.n, window, &out->nodes)
           && list_contexts(b, t->reads, t->n_reads, window, &out->reads);
}

// Positions of `n` nodes a copy (nodes[i], or the stream's own rows where nodes is NULL).
static bool list_positions(struct list_builder *b, const uint32_t *nodes, uint32_t n,
                           struct index *out)
{
    const struct trie *t = b->s->pass->trie;
    uint32_t at = 0;
    for (uint32_t c = 0; c < b->s->max_copies; c++)
        for (uint32_t i = 0; i < n; i++)
            b->values[at++] = t->position[nodes ? nodes[i] : node_of(b->s, i)];
    return list_done(b, at, out);
}

// Whether some query has more before it than the window holds.
static bool window_matters(const struct stream *s)
{
    const struct trie *t = s->pass->trie;
    uint32_t window = s->pass->shape->window;
    for (uint32_t i = 0; window && i < t->n_nodes; i++)
        if (t->position[i] >= window)
            return true;
    return false;
}

static bool place_nodes(struct list_builder *b)
{
    const struct stream *s = b->s;
    uint32_t n_nodes = s->pass->trie->n_nodes;
    if (!s->rows.nodes)
        return true;
    b->place = malloc(n_nodes * sizeof *b->place);
    if (!b->place)
        return abl_no_memory(b->err);
    for (uint32_t i = 0; i < n_nodes; i++)
        b->place[i] = UINT32_MAX;
    for (uint32_t i = 0; i < s->rows.n; i++)
        b->place[s->rows.nodes[i]] = i;
    return true;
}

bool stream_lists_make(struct stream *s, struct abl_err *err)
{
    const struct trie *t = s->pass->trie;
    struct list_builder b = { .s = s, .err = err };
    size_t longest = s->rows.n + 1; // of one copy: its edges, or fewer
    for (uint32_t i = 0; i < s->rows.n; i++)
        longest += t->position[node_of(s, i)] + 1u;
    b.values = malloc(s->max_copies * longest * sizeof *b.values);
    bool ok = (b.values || abl_no_memory(err)) && place_nodes(&b)
              && list_repeat(&b, s->rows.n, s->rows.nodes, &s->repeat_nodes)
              && list_repeat(&b, t->n_reads, NULL, &s->repeat_reads)
              && list_reads(&b, &s->read_rows) && list_both(&b, NO_WINDOW, &s->all)
              && (!window_matters(s) || list_both(&b, s->pass->shape->window, &s->window))
              && (!s->pass->shape->rope.n_dims
                  || (list_positions(&b, NULL, s->rows.n, &s->positions)
                      && list_positions(&b, t->reads, t->n_reads, &s->read_positions)));
    free(b.place);
    free(b.values);
    return ok;
}

// ------------------------------------------------------------------------------------- next tokens

// Where copy c's i-th token lies among lasting keys.
static uint32_t lasting_row(const struct lasting_kv *kv, uint32_t c, uint32_t i)
{
    return i < kv->n_prompt ? c * kv->n_prompt + i
                            : kv->copies * kv->n_prompt + (i - kv->n_prompt) * kv->copies + c;
}

// Each copy's token sees itself and those before it, as far as the window reaches.
static bool list_next_contexts(struct list_builder *b, uint32_t n_before, uint32_t window,
                               struct contexts *out)
{
    const struct lasting_kv *kv = b->s->lasting;
    uint32_t seen = u32_min(n_before + 1, window), at = 0;
    for (uint32_t c = 0; c <= kv->copies; c++)
        b->values[c] = c * seen;
    if (!list_done(b, kv->copies + 1, &out->start))
        return false;
    for (uint32_t c = 0; c < kv->copies; c++)
        for (uint32_t i = n_before + 1 - seen; i <= n_before; i++)
            b->values[at++] = lasting_row(kv, c, i);
    return list_done(b, at, &out->rows);
}

static bool list_next_positions(struct list_builder *b, uint32_t n_before, struct index *out)
{
    for (uint32_t c = 0; c < b->s->lasting->copies; c++)
        b->values[c] = n_before;
    return list_done(b, b->s->lasting->copies, out);
}

static void drop_next(struct stream *s)
{
    struct engine *e = s->pass->engine;
    struct index *lists[] = { &s->all.nodes.start, &s->all.nodes.rows, &s->window.nodes.start,
                              &s->window.nodes.rows, &s->positions };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i]->buffer)
            e->ops->index_release(e, lists[i]);
}

bool stream_lists_next(struct stream *s, uint32_t n_before, struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct list_builder b = { .s = s, .err = err };
    b.values = malloc(((size_t)s->lasting->copies * (n_before + 1) + 1) * sizeof *b.values);
    if (!b.values)
        return abl_no_memory(err);
    drop_next(s);
    bool slides = shape->window && n_before >= shape->window;
    bool ok = list_next_contexts(&b, n_before, NO_WINDOW, &s->all.nodes)
              && (!slides || list_next_contexts(&b, n_before, shape->window, &s->window.nodes))
              && (!shape->rope.n_dims || list_next_positions(&b, n_before, &s->positions));
    free(b.values);
    return ok;
}
