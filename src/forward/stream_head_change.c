// z edits of a layer whose attn_out is in the residual stream already: x moves by (z' - z)_h·W_O,h
// of the heads that change, instead of the whole of W_O running again.
#include "forward/stream_parts.h"

#include <stdlib.h>

// The heads that copies change, in runs of neighbouring copies: what each takes.
struct head_run {
    uint32_t head, first_copy, n_copies;
};

// The next run behind *run, which begins as { 0 }; false behind the last.
static bool next_run(const struct stream *s, uint32_t layer, struct head_run *run)
{
    uint32_t copy = run->first_copy + run->n_copies;
    for (; run->head < s->pass->shape->n_heads; run->head++, copy = 0) {
        while (copy < s->copies && !variant_changes_z(s->variants[copy], layer, run->head))
            copy++;
        if (copy == s->copies)
            continue;
        run->first_copy = copy;
        while (copy < s->copies && variant_changes_z(s->variants[copy], layer, run->head))
            copy++;
        run->n_copies = copy - run->first_copy;
        return true;
    }
    return false;
}

// A head's columns of t in the copies of a run.
static struct tensor run_part(const struct stream *s, const struct head_run *run, struct tensor t)
{
    uint32_t n = stream_copy_rows(s), d_head = s->pass->shape->d_head;
    return tensor_cols(tensor_rows(t, run->first_copy * n, run->n_copies * n), run->head * d_head,
                       d_head);
}

// The clean z of the heads that change.
static bool copy_heads(struct stream *s, const struct stream *from, uint32_t layer,
                       struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    uint32_t d_head = s->pass->shape->d_head;
    for (struct head_run run = { 0 }; next_run(s, layer, &run);)
        if (!e->ops->gather(e, run_part(s, &run, s->z_now),
                            tensor_cols(from->z_now, run.head * d_head, d_head),
                            stream_repeat(s, run.n_copies), err))
            return false;
    return true;
}

// z of these heads less what it was.
static bool subtract_heads(struct stream *s, const struct stream *from, uint32_t layer,
                           struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    uint32_t n = stream_copy_rows(s), d_head = s->pass->shape->d_head;
    const uint32_t *nodes = s->space == ROWS_READS ? NULL : s->rows.nodes;
    struct row_edit *edits = malloc((size_t)s->copies * n * sizeof *edits);
    bool ok = edits || abl_no_memory(err);
    for (struct head_run run = { 0 }; ok && next_run(s, layer, &run);) {
        for (uint32_t i = 0; i < run.n_copies * n; i++)
            edits[i] = (struct row_edit){ .row = i,
                                          .n_cols = d_head,
                                          .source_row = nodes ? nodes[i % n] : i % n,
                                          .keep = 1,
                                          .add = -1 };
        ok = e->ops->edit(e, run_part(s, &run, s->z_now), edits, run.n_copies * n,
                          tensor_cols(from->z_now, run.head * d_head, d_head), err);
    }
    free(edits);
    return ok;
}

bool stream_project_change(struct stream *s, const struct stream *from, uint32_t layer,
                           struct abl_err *err)
{
    struct engine *e = s->pass->engine;
    const struct layer_weights *w;
    uint32_t n = stream_copy_rows(s), d_head = s->pass->shape->d_head;
    if (!stream_edits(s, layer, SITE_Z))
        return true;
    s->z_now = tensor_rows(s->z, 0, s->x.rows);
    if (!weights_layer(s->pass->weights, layer, &w, err) || !copy_heads(s, from, layer, err)
        || !stream_at_site(s, layer, SITE_Z, s->z_now, err) || !subtract_heads(s, from, layer, err))
        return false;
    for (struct head_run run = { 0 }; next_run(s, layer, &run);)
        if (!e->ops->head_out(e, tensor_rows(s->x, run.first_copy * n, run.n_copies * n),
                              run_part(s, &run, s->z_now), w->out, run.head * d_head, err))
            return false;
    return true;
}
