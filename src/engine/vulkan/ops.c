// The operations beside linear and readout, each described as struct windowed wants it.
#include "engine/vulkan/window.h"

#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "shaders/args.h"

// Texel fetches, exponentials and stores count as this many multiply-adds in the
// work of a submission.
static const double element_work = 8;

// Edits go over in lists of this many.
enum { EDITS = 100000 };

bool vulkan_norm(struct engine *e, struct tensor out, struct tensor x, const struct norm_args *norm,
                 struct abl_err *err)
{
    struct tensor gain = norm->gain, bias = norm->bias;
    uint32_t groups = norm->groups, cols = gain.cols;
    assert(groups && out.rows == x.rows && out.cols == x.cols && cols * groups == x.cols);
    struct norm_push args = { .groups = groups,
                              .cols = cols,
                              .is_centred = norm->kind == NORM_LAYER,
                              .out_stride = out.stride,
                              .x_stride = x.stride,
                              .gain_first = vulkan_position(gain),
                              .bias_first = vulkan_position(bias),
                              .has_bias = bias.buffer != NULL,
                              .eps = norm->eps };
    struct windowed w = {
        .out = out,
        .dispatch
        = { .shader = SHADER_NORM,
            .aligned = vulkan_is_aligned(out) && vulkan_is_aligned(x) && vulkan_is_aligned(gain)
                       && vulkan_is_aligned(bias),
            .args = &args,
            .args_size = sizeof args,
            .inputs = { x.buffer, gain.buffer, bias.buffer ? bias.buffer : gain.buffer } },
        .n_rows = &args.rows,
        .out_first = &args.out_first,
        .beside = { { x, &args.x_first } },
        .row_work = element_work * x.cols,
        .row_teams = groups,
    };
    return windowed_run((struct vulkan *)e, &w, err);
}

bool vulkan_rope(struct engine *e, struct tensor x, struct tensor table, struct index positions,
                 uint32_t d_head, struct abl_err *err)
{
    assert(positions.count == x.rows && x.cols % d_head == 0);
    assert(table.cols % 2 == 0 && table.cols <= d_head);
    struct rope_push args = { .n_heads = x.cols / d_head,
                              .d_head = d_head,
                              .half_cols = table.cols / 2,
                              .x_stride = x.stride,
                              .table_first = vulkan_position(table),
                              .table_stride = table.stride };
    struct windowed w = {
        .out = x,
        .dispatch = { .shader = SHADER_ROPE,
                      // a half of the turned columns, too
                      .aligned = d_head % 4 == 0 && table.cols % 8 == 0 && vulkan_is_aligned(x)
                                 && vulkan_is_aligned(table),
                      .args = &args,
                      .args_size = sizeof args,
                      .inputs = { x.buffer, table.buffer },
                      .lists = { { .buffer = positions.buffer } } },
        .n_rows = &args.rows,
        .out_first = &args.out_first,
        .first = &args.list_first,
        .beside = { { x, &args.x_first } },
        .row_work = element_work * x.cols,
        .row_teams = 1,
    };
    return windowed_run((struct vulkan *)e, &w, err);
}

bool vulkan_gate(struct engine *e, struct tensor x, struct tensor gate, enum act act,
                 struct abl_err *err)
{
    assert(x.rows == gate.rows && x.cols == gate.cols);
    struct gate_push args = { .cols = x.cols, .x_stride = x.stride, .gate_stride = gate.stride };
    struct windowed w = {
        .out = x,
        .dispatch = { .shader = SHADER_GATE,
                      .aligned = vulkan_is_aligned(x) && vulkan_is_aligned(gate),
                      .constants = { (uint32_t)act },
                      .args = &args,
                      .args_size = sizeof args,
                      .inputs = { x.buffer, gate.buffer } },
        .n_rows = &args.rows,
        .out_first = &args.out_first,
        .beside = { { x, &args.x_first }, { gate, &args.gate_first } },
        .row_work = element_work * x.cols,
        .row_teams = 1,
    };
    return windowed_run((struct vulkan *)e, &w, err);
}

// Edges of a query, on average.
static double keys_of_query(const struct contexts *c)
{
    return c->start.count > 1 ? (double)c->rows.count / (c->start.count - 1) : 0;
}

// What attend and mix are compiled for: vectors that each lane of a team keeps of a head.
static uint32_t lane_vectors(const struct vulkan *v, uint32_t d_head)
{
    uint32_t lane_cols = 4 * v->context.way.lanes;
    return (d_head + lane_cols - 1) / lane_cols;
}

bool vulkan_cap(struct vulkan *v, struct tensor x, float cap, struct abl_err *err)
{
    struct cap_push args = { .cols = x.cols, .x_stride = x.stride, .cap = cap };
    struct windowed w = {
        .out = x,
        .dispatch = { .shader = SHADER_CAP,
                      .aligned = vulkan_is_aligned(x),
                      .args = &args,
                      .args_size = sizeof args,
                      .inputs = { x.buffer } },
        .n_rows = &args.rows,
        .out_first = &args.out_first,
        .beside = { { x, &args.x_first } },
        .row_work = element_work * x.cols,
        .row_teams = 1,
    };
    return windowed_run(v, &w, err);
}

bool vulkan_attend(struct engine *e, struct tensor z, const struct attend_args *a,
                   struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    assert(a->contexts.start.count == a->q.rows + 1 && a->n_heads % a->n_kv_heads == 0);
    assert(z.rows == a->q.rows);
    struct attend_push args = { .n_heads = a->n_heads,
                                .heads_per_kv = a->n_heads / a->n_kv_heads,
                                .d_head = a->d_head,
                                .out_stride = z.stride,
                                .q_first = vulkan_position(a->q),
                                .q_stride = a->q.stride,
                                .k_first = vulkan_position(a->k),
                                .k_stride = a->k.stride,
                                .v_first = vulkan_position(a->v),
                                .v_stride = a->v.stride,
                                .scale = a->scale,
                                .cap = a->cap,
                                .has_lean = a->lean.buffer != NULL,
                                .lean_first = a->lean.buffer ? vulkan_position(a->lean) : 0,
                                .lean_stride = a->lean.stride };
    struct windowed w = {
        .out = z,
        .dispatch
        = { .shader = SHADER_ATTEND,
            .aligned = a->d_head % 4 == 0 && vulkan_is_aligned(z) && vulkan_is_aligned(a->q)
                       && vulkan_is_aligned(a->k) && vulkan_is_aligned(a->v),
            .constants = { lane_vectors(v, a->d_head) },
            .args = &args,
            .args_size = sizeof args,
            .inputs = { a->q.buffer, a->k.buffer, a->v.buffer,
                        a->lean.buffer ? a->lean.buffer : a->q.buffer },
            .lists
            = { { .buffer = a->contexts.start.buffer }, { .buffer = a->contexts.rows.buffer } } },
        .n_rows = &args.n_queries,
        .out_first = &args.out_first,
        .first = &args.query_first,
        .row_work = element_work * a->n_heads * a->d_head * (1 + keys_of_query(&a->contexts)),
        .row_teams = a->n_heads,
    };
    return windowed_run(v, &w, err);
}

// Its rows are edges; every window's queries are all of them.
bool vulkan_weigh(struct engine *e, struct tensor weights, const struct attend_args *a,
                  struct abl_err *err)
{
    assert(a->contexts.start.count == a->q.rows + 1 && weights.cols == a->n_heads);
    struct weigh_push args = { .n_queries = a->q.rows,
                               .n_heads = a->n_heads,
                               .heads_per_kv = a->n_heads / a->n_kv_heads,
                               .d_head = a->d_head,
                               .out_stride = weights.stride,
                               .q_first = vulkan_position(a->q),
                               .q_stride = a->q.stride,
                               .k_first = vulkan_position(a->k),
                               .k_stride = a->k.stride,
                               .scale = a->scale,
                               .cap = a->cap,
                               .has_lean = a->lean.buffer != NULL,
                               .lean_first = a->lean.buffer ? vulkan_position(a->lean) : 0,
                               .lean_stride = a->lean.stride };
    struct windowed w = {
        .out = weights,
        .dispatch
        = { .shader = SHADER_WEIGH,
            .aligned = a->d_head % 4 == 0 && vulkan_is_aligned(a->q) && vulkan_is_aligned(a->k),
            .args = &args,
            .args_size = sizeof args,
            .inputs = { a->q.buffer, a->k.buffer, a->lean.buffer ? a->lean.buffer : a->q.buffer },
            .lists
            = { { .buffer = a->contexts.start.buffer }, { .buffer = a->contexts.rows.buffer } } },
        .n_rows = &args.n_edges,
        .out_first = &args.out_first,
        .first = &args.edge_first,
        .row_work = 2 * element_work * a->n_heads * a->d_head,
        .teams = (uint64_t)a->q.rows * a->n_heads,
    };
    return windowed_run((struct vulkan *)e, &w, err);
}

bool vulkan_mix(struct engine *e, struct tensor z, struct tensor weights, struct tensor was,
                const struct attend_args *a, struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    assert(a->contexts.start.count == z.rows + 1 && weights.cols == a->n_heads);
    assert(was.rows == weights.rows && was.cols == a->n_heads);
    struct mix_push args = { .n_heads = a->n_heads,
                             .heads_per_kv = a->n_heads / a->n_kv_heads,
                             .d_head = a->d_head,
                             .out_stride = z.stride,
                             .weights_first = vulkan_position(weights),
                             .weights_stride = weights.stride,
                             .was_first = vulkan_position(was),
                             .was_stride = was.stride,
                             .v_first = vulkan_position(a->v),
                             .v_stride = a->v.stride };
    struct windowed w = {
        .out = z,
        .dispatch
        = { .shader = SHADER_MIX,
            .aligned = a->d_head % 4 == 0 && vulkan_is_aligned(z) && vulkan_is_aligned(a->v),
            .constants = { lane_vectors(v, a->d_head) },
            .args = &args,
            .args_size = sizeof args,
            .inputs = { z.buffer, weights.buffer, was.buffer, a->v.buffer },
            .lists
            = { { .buffer = a->contexts.start.buffer }, { .buffer = a->contexts.rows.buffer } } },
        .n_rows = &args.n_queries,
        .out_first = &args.out_first,
        .first = &args.query_first,
        .beside = { { z, &args.z_first } },
        .row_work = element_work * keys_of_query(&a->contexts) * a->n_heads * a->d_head,
        .row_teams = a->n_heads,
    };
    return windowed_run(v, &w, err);
}

bool vulkan_gather(struct engine *e, struct tensor out, struct tensor x, struct index rows,
                   struct abl_err *err)
{
    assert(out.rows == rows.count && out.cols == x.cols);
    struct gather_args args = { .cols = x.cols,
                                .out_stride = out.stride,
                                .x_first = vulkan_position(x),
                                .x_stride = x.stride };
    struct windowed w = {
        .out = out,
        .dispatch = { .shader = SHADER_GATHER,
                      .aligned = vulkan_is_aligned(out) && vulkan_is_aligned(x),
                      .args = &args,
                      .args_size = sizeof args,
                      .inputs = { x.buffer },
                      .lists = { { .buffer = rows.buffer } } },
        .n_rows = &args.rows,
        .out_first = &args.out_first,
        .first = &args.list_first,
        .row_work = element_work * x.cols,
        .row_teams = 1,
    };
    return windowed_run((struct vulkan *)e, &w, err);
}

static bool edits_are_aligned(const struct row_edit *edits, uint32_t n, double *elements)
{
    uint32_t odd = 0;
    *elements = 0;
    for (uint32_t i = 0; i < n; i++) {
        odd |= edits[i].first_col | edits[i].n_cols | edits[i].source_col;
        *elements += edits[i].n_cols;
    }
    return odd % 4 == 0;
}

// A list that one dispatch reads, in staging memory.
static bool stage_list(struct vulkan *v, const void *items, uint64_t size, struct span *out,
                       struct abl_err *err)
{
    struct span list = { .size = size };
    if (!queue_stage(&v->queue, size, vulkan_binding_alignment(v), &list.buffer, &list.first, err))
        return false;
    memcpy((unsigned char *)list.buffer->mapped + list.first, items, size);
    *out = list;
    return true;
}

// A list of edits, once for each window of x: those of other rows are passed over.
static bool edit_list(struct vulkan *v, struct tensor x, const struct row_edit *edits,
                      uint32_t n_edits, struct tensor source, struct abl_err *err)
{
    _Static_assert(sizeof(struct edit_item) == sizeof(struct row_edit),
                   "the shader reads row_edit");
    double elements;
    bool aligned = edits_are_aligned(edits, n_edits, &elements) && vulkan_is_aligned(x)
                   && vulkan_is_aligned(source);
    struct edit_args args = { .n_edits = n_edits,
                              .x_stride = x.stride,
                              .source_first = vulkan_position(source),
                              .source_stride = source.stride };
    struct windowed w = {
        .out = x,
        .dispatch = { .shader = SHADER_EDIT,
                      .aligned = aligned,
                      .args = &args,
                      .args_size = sizeof args,
                      .inputs = { source.buffer ? source.buffer : x.buffer } },
        .n_rows = &args.rows,
        .out_first = &args.x_first,
        .first = &args.row_first,
        .row_work = element_work * elements / x.rows,
        .teams = n_edits,
    };
    uint32_t most = vulkan_window_rows(v, x);
    for (uint32_t row = 0, n; row < x.rows; row += n) {
        n = u32_min(most, x.rows - row);
        // Staged again for each: what one submission reads may be written over behind it.
        if (!stage_list(v, edits, n_edits * sizeof *edits, &w.dispatch.lists[0], err)
            || !windowed_run_one(v, &w, row, n, err))
            return false;
    }
    return true;
}

bool vulkan_edit(struct engine *e, struct tensor x, const struct row_edit *edits, uint32_t n_edits,
                 struct tensor source, struct abl_err *err)
{
    for (uint32_t first = 0, n; first < n_edits; first += n) {
        n = u32_min(EDITS, n_edits - first);
        if (!edit_list((struct vulkan *)e, x, edits + first, n, source, err))
            return false;
    }
    return true;
}
