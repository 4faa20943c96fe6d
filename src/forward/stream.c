#include "forward/stream_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "base/size.h"

uint32_t saved_rows(const struct saved_activation *s, const struct model_shape *shape,
                    const struct trie *t)
{
    return s->site == SITE_PATTERN ? trie_edges(t, false, stream_window(shape, s->layer), NULL)
                                   : t->n_nodes;
}

static uint32_t q_cols(const struct model_shape *s)
{
    return s->n_heads * s->d_head;
}

static uint32_t kv_cols(const struct model_shape *s)
{
    return s->n_kv_heads * s->d_head;
}

uint32_t stream_copy_rows(const struct stream *s)
{
    return s->space == ROWS_READS ? s->pass->trie->n_reads : s->rows.n;
}

struct index stream_first(struct index list, uint32_t count)
{
    assert(count <= list.count);
    list.count = count;
    return list;
}

struct index stream_repeat(const struct stream *s, uint32_t copies)
{
    struct index all = s->space == ROWS_READS ? s->repeat_reads : s->repeat_nodes;
    return stream_first(all, copies * stream_copy_rows(s));
}

static bool alloc_stream(struct stream *s, struct abl_err *err)
{
    const struct model_shape *shape = s->pass->shape;
    struct engine *e = s->pass->engine;
    uint32_t n = s->max_copies * s->rows.n, r = s->max_copies * s->pass->trie->n_reads;
    uint32_t d = shape->d_model, q = q_cols(shape), kv = 2 * kv_cols(shape);
    uint32_t most = mlp_rows(shape, e->info.part_bytes), m = n < most ? n : most;
    return e->ops->alloc(e, n, d, &s->resid, err) && e->ops->alloc(e, n, d, &s->h, err)
           && e->ops->alloc(e, n, q, &s->q, err)
           && (s->lasting || e->ops->alloc(e, s->prefix + n, kv, &s->kv, err))
           && e->ops->alloc(e, n, q, &s->z, err) && e->ops->alloc(e, m, shape->d_mlp, &s->up, err)
           && (!shape->gated || e->ops->alloc(e, m, shape->d_mlp, &s->gate, err))
           && e->ops->alloc(e, r, q, &s->read_q, err) && e->ops->alloc(e, r, d, &s->read_x, err);
}

static bool init(struct stream *s, struct abl_err *err)
{
    if (alloc_stream(s, err) && stream_lists_make(s, err))
        return true;
    stream_release(s);
    return false;
}

bool stream_init(struct stream *s, const struct pass *pass, uint32_t max_copies,
                 struct abl_err *err)
{
    *s = (struct stream){ .pass = pass,
                          .max_copies = max_copies,
                          .rows = { NULL, pass->trie->n_nodes } };
    return init(s, err);
}

bool stream_init_tail(struct stream *s, const struct pass *pass, struct row_list rows,
                      uint32_t max_copies, struct abl_err *err)
{
    assert(pass->kept);
    *s = (struct stream){
        .pass = pass, .max_copies = max_copies, .rows = rows, .prefix = pass->trie->n_nodes
    };
    return init(s, err);
}

bool stream_init_lasting(struct stream *s, const struct pass *pass, const struct lasting_kv *kv,
                         struct abl_err *err)
{
    *s = (struct stream){
        .pass = pass, .max_copies = kv->copies, .rows = { NULL, pass->trie->n_nodes }, .lasting = kv
    };
    return init(s, err);
}

void stream_release(struct stream *s)
{
    if (!s->pass)
        return;
    struct engine *e = s->pass->engine;
    struct tensor *tensors[]
        = { &s->resid, &s->h,      &s->q,      &s->kv,      &s->z,          &s->up,
            &s->gate,  &s->read_q, &s->read_x, &s->pattern, &s->pattern_was };
    struct index *lists[] = { &s->all.nodes.start,    &s->all.nodes.rows,     &s->all.reads.start,
                              &s->all.reads.rows,     &s->window.nodes.start, &s->window.nodes.rows,
                              &s->window.reads.start, &s->window.reads.rows,  &s->positions,
                              &s->read_positions,     &s->read_rows,          &s->repeat_nodes,
                              &s->repeat_reads };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i]->buffer)
            e->ops->release(e, tensors[i]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i]->buffer)
            e->ops->index_release(e, lists[i]);
    edits_release(&s->edits);
    *s = (struct stream){ 0 };
}

// The copies' rows of nodes, before anything is in them.
static void begin(struct stream *s, uint32_t copies, const struct variant *const *variants)
{
    s->copies = copies;
    s->space = ROWS_NODES;
    s->variants = variants;
    s->x = tensor_rows(s->resid, 0, copies * s->rows.n);
}

bool stream_start(struct stream *s, struct tensor embedded, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    begin(s, 1, NULL);
    return e->ops->gather(e, s->x, embedded, stream_repeat(s, 1), err);
}

bool stream_start_variants(struct stream *s, struct tensor embedded,
                           const struct variant *const *variants, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    begin(s, s->max_copies, variants);
    return e->ops->gather(e, s->x, embedded, stream_repeat(s, s->copies), err);
}

bool stream_start_next(struct stream *s, const float *embedded, uint32_t n_before,
                       const struct variant *const *variants, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    begin(s, s->max_copies, variants);
    s->prefix = s->copies * n_before;
    s->whole_last_layer = true;
    return stream_lists_next(s, n_before, err) && e->ops->upload(e, s->x, embedded, err);
}

bool stream_branch(struct stream *s, const struct stream *from, uint32_t layer, enum stage stage,
                   const struct variant *const *variants, uint32_t copies, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    s->copies = copies;
    s->space = from->space;
    s->variants = variants;
    struct index repeat = stream_repeat(s, copies);
    s->x = tensor_rows(s->space == ROWS_READS ? s->read_x : s->resid, 0, repeat.count);
    if (!e->ops->gather(e, s->x, from->x, repeat, err))
        return false;
    if (stage == STAGE_PROJECTED)
        return stream_project_change(s, from, layer, err);
    bool with_z = stage == STAGE_ATTENDED || stage == STAGE_BESIDE;
    s->z_now = tensor_rows(s->z, 0, repeat.count);
    return !with_z || e->ops->gather(e, s->z_now, from->z_now, repeat, err);
}

bool stream_part(struct stream *s, const uint32_t *from, uint32_t copies, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    uint32_t n = s->rows.n;
    struct index rows = { 0 };
    if (copies == s->copies)
        return true;
    assert(s->space == ROWS_NODES && copies <= s->max_copies);
    uint32_t *list = malloc((size_t)copies * n * sizeof *list);
    if (!list)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < copies * n; i++)
        list[i] = from[i / n] * n + i % n;
    struct tensor was = s->resid;
    s->resid = s->h;
    s->h = was;
    bool ok = e->ops->index_new(e, list, copies * n, &rows, err)
              && e->ops->gather(e, tensor_rows(s->resid, 0, copies * n), s->x, rows, err);
    if (rows.buffer)
        e->ops->index_release(e, &rows);
    free(list);
    s->x = tensor_rows(s->resid, 0, copies * n);
    s->copies = copies;
    return ok;
}

bool stream_narrow(struct stream *s, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    struct index rows = stream_first(s->read_rows, s->copies * s->pass->trie->n_reads);
    struct tensor read_x = tensor_rows(s->read_x, 0, rows.count);
    if (!e->ops->gather(e, read_x, s->x, rows, err))
        return false;
    s->x = read_x;
    s->space = ROWS_READS;
    return true;
}

static bool norm_final(struct stream *s, struct tensor *out, struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    struct tensor h = tensor_rows(s->h, 0, s->x.rows);
    if (!e->ops->norm(e, h, s->x, &s->pass->weights->final, err))
        return false;
    *out = h;
    return true;
}

bool stream_final(struct stream *s, struct tensor *out, struct abl_err *err)
{
    return (s->space == ROWS_READS || stream_narrow(s, err)) && norm_final(s, out, err);
}

bool stream_final_of_every(struct stream *s, struct tensor *out, struct abl_err *err)
{
    assert(s->space == ROWS_NODES);
    return norm_final(s, out, err);
}
