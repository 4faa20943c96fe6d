// The operations beside linear and readout: arguments into push constants, rows into windows.
#include "engine/vulkan/vulkan.h"

#include <assert.h>
#include <string.h>

#include "shaders/args.h"

// Texel fetches, exponentials and stores count as this many multiply-adds in the work of a
// submission.
static const double element_work = 8;

// Edits go over in lists of this many.
enum { EDITS = 100000 };

static uint64_t window_alignment(const struct vulkan *v)
{
    uint64_t a = v->context.gpu->limits.minStorageBufferOffsetAlignment;
    return a < 16 ? 16 : a; // a power of two
}

uint32_t vulkan_window_rows(const struct vulkan *v, struct tensor t)
{
    uint64_t row = (uint64_t)t.stride * sizeof(float);
    // A window begins and ends a little outside of its rows, at multiples of the alignment.
    uint64_t n = (v->context.gpu->limits.maxStorageBufferRange - 2 * window_alignment(v)) / row;
    assert(n > 0);
    return n < t.rows ? (uint32_t)n : t.rows;
}

struct span vulkan_window(const struct vulkan *v, struct tensor t, uint32_t *first)
{
    uint64_t begin = (uint64_t)t.first * sizeof(float);
    uint64_t end = begin + ((uint64_t)(t.rows - 1) * t.stride + t.cols) * sizeof(float);
    uint64_t bound = begin & ~(window_alignment(v) - 1);
    end = (end + 15) & ~UINT64_C(15); // vectors; buffers are whole vectors long
    *first = (uint32_t)((begin - bound) / sizeof(float));
    return (struct span){ .buffer = t.buffer, .first = bound, .size = end - bound };
}

bool vulkan_is_aligned(struct tensor t)
{
    return !t.buffer || (t.first % 4 == 0 && (t.stride % 4 == 0 || t.rows == 1) && t.cols % 4 == 0);
}

static uint32_t position(struct tensor t)
{
    assert(t.first <= UINT32_MAX);
    return (uint32_t)t.first;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

bool vulkan_norm(struct engine *e, struct tensor out, struct tensor x, const struct norm_args *norm,
                 struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    struct tensor gain = norm->gain, bias = norm->bias;
    uint32_t groups = norm->groups, cols = gain.cols;
    assert(groups && out.rows == x.rows && out.cols == x.cols && cols * groups == x.cols);
    uint32_t window = vulkan_window_rows(v, out);
    for (uint32_t row = 0, n; row < x.rows; row += n) {
        n = min_u32(window, x.rows - row);
        struct norm_push args = { .rows = n,
                                  .groups = groups,
                                  .cols = cols,
                                  .is_centred = norm->kind == NORM_LAYER,
                                  .out_stride = out.stride,
                                  .x_first = position(tensor_rows(x, row, n)),
                                  .x_stride = x.stride,
                                  .gain_first = position(gain),
                                  .bias_first = position(bias),
                                  .has_bias = bias.buffer != NULL,
                                  .eps = norm->eps };
        struct dispatch d
            = { .shader = SHADER_NORM,
                .aligned = vulkan_is_aligned(out) && vulkan_is_aligned(x) && vulkan_is_aligned(gain)
                           && vulkan_is_aligned(bias),
                .args = &args,
                .args_size = sizeof args,
                .inputs = { x.buffer, gain.buffer, bias.buffer ? bias.buffer : gain.buffer },
                .work = element_work * n * x.cols };
        d.out = vulkan_window(v, tensor_rows(out, row, n), &args.out_first);
        dispatch_subgroups(&v->context, &d, (uint64_t)n * groups);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
}

bool vulkan_rope(struct engine *e, struct tensor x, struct tensor table, struct index positions,
                 uint32_t d_head, struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    assert(positions.count == x.rows && x.cols % d_head == 0);
    assert(table.cols % 2 == 0 && table.cols <= d_head);
    // a half of the turned columns, too
    bool aligned = d_head % 4 == 0 && table.cols % 8 == 0 && vulkan_is_aligned(x)
                   && vulkan_is_aligned(table);
    uint32_t window = vulkan_window_rows(v, x);
    for (uint32_t row = 0, n; row < x.rows; row += n) {
        n = min_u32(window, x.rows - row);
        struct rope_push args = { .rows = n,
                                  .list_first = row,
                                  .n_heads = x.cols / d_head,
                                  .d_head = d_head,
                                  .half_cols = table.cols / 2,
                                  .x_first = position(tensor_rows(x, row, n)),
                                  .x_stride = x.stride,
                                  .table_first = position(table),
                                  .table_stride = table.stride };
        struct dispatch d = { .shader = SHADER_ROPE,
                              .aligned = aligned,
                              .args = &args,
                              .args_size = sizeof args,
                              .inputs = { x.buffer, table.buffer },
                              .lists = { { .buffer = positions.buffer } },
                              .work = element_work * n * x.cols };
        d.out = vulkan_window(v, tensor_rows(x, row, n), &args.out_first);
        dispatch_subgroups(&v->context, &d, n);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
}

bool vulkan_gate(struct engine *e, struct tensor x, struct tensor gate, enum act act,
                 struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    assert(x.rows == gate.rows && x.cols == gate.cols);
    uint32_t window = vulkan_window_rows(v, x);
    for (uint32_t row = 0, n; row < x.rows; row += n) {
        n = min_u32(window, x.rows - row);
        struct gate_push args = { .rows = n,
                                  .cols = x.cols,
                                  .x_first = position(tensor_rows(x, row, n)),
                                  .x_stride = x.stride,
                                  .gate_first = position(tensor_rows(gate, row, n)),
                                  .gate_stride = gate.stride };
        struct dispatch d = { .shader = SHADER_GATE,
                              .aligned = vulkan_is_aligned(x) && vulkan_is_aligned(gate),
                              .constants = { (uint32_t)act },
                              .args = &args,
                              .args_size = sizeof args,
                              .inputs = { x.buffer, gate.buffer },
                              .work = element_work * n * x.cols };
        d.out = vulkan_window(v, tensor_rows(x, row, n), &args.out_first);
        dispatch_subgroups(&v->context, &d, n);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
}

bool vulkan_attend(struct engine *e, struct tensor z, const struct attend_args *args,
                   struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    uint32_t heads = args->n_heads, n_queries = args->q.rows;
    assert(args->contexts.start.count == n_queries + 1 && heads % args->n_kv_heads == 0);
    if (n_queries == 0)
        return true;
    bool aligned = args->d_head % 4 == 0 && vulkan_is_aligned(z) && vulkan_is_aligned(args->q)
                   && vulkan_is_aligned(args->k) && vulkan_is_aligned(args->v);
    uint32_t lane_cols = 4 * v->context.gpu->subgroup_size;
    double keys = (double)args->contexts.rows.count / n_queries; // of a query, on average
    uint32_t window = vulkan_window_rows(v, z);
    for (uint32_t first = 0, n; first < n_queries; first += n) {
        n = min_u32(window, n_queries - first);
        struct attend_push push = { .n_queries = n,
                                    .query_first = first,
                                    .n_heads = heads,
                                    .heads_per_kv = heads / args->n_kv_heads,
                                    .d_head = args->d_head,
                                    .out_stride = z.stride,
                                    .q_first = position(args->q),
                                    .q_stride = args->q.stride,
                                    .k_first = position(args->k),
                                    .k_stride = args->k.stride,
                                    .v_first = position(args->v),
                                    .v_stride = args->v.stride,
                                    .scale = args->scale };
        struct dispatch d = { .shader = SHADER_ATTEND,
                              .aligned = aligned,
                              .constants = { (args->d_head + lane_cols - 1) / lane_cols },
                              .args = &push,
                              .args_size = sizeof push,
                              .inputs = { args->q.buffer, args->k.buffer, args->v.buffer },
                              .lists = { { .buffer = args->contexts.start.buffer },
                                         { .buffer = args->contexts.rows.buffer } },
                              .work = element_work * n * heads * args->d_head * (1 + keys) };
        d.out = vulkan_window(v, tensor_rows(z, first, n), &push.out_first);
        dispatch_subgroups(&v->context, &d, (uint64_t)n * heads);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
}

bool vulkan_weigh(struct engine *e, struct tensor weights, const struct attend_args *args,
                  struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    uint32_t heads = args->n_heads, n_queries = args->q.rows;
    assert(args->contexts.start.count == n_queries + 1 && weights.cols == heads);
    if (n_queries == 0)
        return true;
    uint32_t window = vulkan_window_rows(v, weights);
    for (uint32_t first = 0, n; first < weights.rows; first += n) {
        n = min_u32(window, weights.rows - first);
        struct weigh_push push = { .n_queries = n_queries,
                                   .edge_first = first,
                                   .n_edges = n,
                                   .n_heads = heads,
                                   .heads_per_kv = heads / args->n_kv_heads,
                                   .d_head = args->d_head,
                                   .out_stride = weights.stride,
                                   .q_first = position(args->q),
                                   .q_stride = args->q.stride,
                                   .k_first = position(args->k),
                                   .k_stride = args->k.stride,
                                   .scale = args->scale };
        struct dispatch d = { .shader = SHADER_WEIGH,
                              .aligned = args->d_head % 4 == 0 && vulkan_is_aligned(args->q)
                                         && vulkan_is_aligned(args->k),
                              .args = &push,
                              .args_size = sizeof push,
                              .inputs = { args->q.buffer, args->k.buffer },
                              .lists = { { .buffer = args->contexts.start.buffer },
                                         { .buffer = args->contexts.rows.buffer } },
                              .work = 2 * element_work * weights.rows * heads * args->d_head };
        d.out = vulkan_window(v, tensor_rows(weights, first, n), &push.out_first);
        dispatch_subgroups(&v->context, &d, (uint64_t)n_queries * heads);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
}

bool vulkan_mix(struct engine *e, struct tensor z, struct tensor weights, struct tensor was,
                const struct attend_args *args, struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    uint32_t heads = args->n_heads, lane_cols = 4 * v->context.gpu->subgroup_size;
    assert(args->contexts.start.count == z.rows + 1 && weights.cols == heads);
    assert(was.rows == weights.rows && was.cols == heads);
    uint32_t window = vulkan_window_rows(v, z);
    for (uint32_t first = 0, n; first < z.rows; first += n) {
        n = min_u32(window, z.rows - first);
        struct mix_push push = { .n_queries = n,
                                 .query_first = first,
                                 .n_heads = heads,
                                 .heads_per_kv = heads / args->n_kv_heads,
                                 .d_head = args->d_head,
                                 .out_stride = z.stride,
                                 .z_first = position(tensor_rows(z, first, n)),
                                 .weights_first = position(weights),
                                 .weights_stride = weights.stride,
                                 .was_first = position(was),
                                 .was_stride = was.stride,
                                 .v_first = position(args->v),
                                 .v_stride = args->v.stride };
        struct dispatch d = { .shader = SHADER_MIX,
                              .aligned = args->d_head % 4 == 0 && vulkan_is_aligned(z)
                                         && vulkan_is_aligned(args->v),
                              .constants = { (args->d_head + lane_cols - 1) / lane_cols },
                              .args = &push,
                              .args_size = sizeof push,
                              .inputs = { z.buffer, weights.buffer, was.buffer, args->v.buffer },
                              .lists = { { .buffer = args->contexts.start.buffer },
                                         { .buffer = args->contexts.rows.buffer } },
                              .work = element_work * weights.rows * heads * args->d_head };
        d.out = vulkan_window(v, tensor_rows(z, first, n), &push.out_first);
        dispatch_subgroups(&v->context, &d, (uint64_t)n * heads);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
}

bool vulkan_gather(struct engine *e, struct tensor out, struct tensor x, struct index rows,
                   struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    assert(out.rows == rows.count && out.cols == x.cols);
    uint32_t window = vulkan_window_rows(v, out);
    for (uint32_t row = 0, n; row < rows.count; row += n) {
        n = min_u32(window, rows.count - row);
        struct gather_args args = { .rows = n,
                                    .cols = x.cols,
                                    .list_first = row,
                                    .out_stride = out.stride,
                                    .x_first = position(x),
                                    .x_stride = x.stride };
        struct dispatch d = { .shader = SHADER_GATHER,
                              .aligned = vulkan_is_aligned(out) && vulkan_is_aligned(x),
                              .args = &args,
                              .args_size = sizeof args,
                              .inputs = { x.buffer },
                              .lists = { { .buffer = rows.buffer } },
                              .work = element_work * n * x.cols };
        d.out = vulkan_window(v, tensor_rows(out, row, n), &args.out_first);
        dispatch_subgroups(&v->context, &d, n);
        if (!pipelines_dispatch(&v->pipelines, &v->queue, &d, err))
            return false;
    }
    return true;
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

// All edits of one list that fall into one window of x.
static bool edit_window(struct vulkan *v, struct tensor x, uint32_t row,
                        const struct row_edit *edits, uint32_t n_edits, struct tensor source,
                        struct abl_err *err)
{
    _Static_assert(sizeof(struct edit_item) == sizeof(struct row_edit),
                   "the shader reads row_edit");
    struct edit_args args = { .n_edits = n_edits,
                              .row_first = row,
                              .rows = x.rows,
                              .x_stride = x.stride,
                              .source_first = position(source),
                              .source_stride = source.stride };
    struct buffer *staging;
    uint64_t offset, size = n_edits * sizeof *edits;
    if (!queue_stage(&v->queue, size, window_alignment(v), &staging, &offset, err))
        return false;
    memcpy((unsigned char *)staging->mapped + offset, edits, size);
    double elements;
    struct dispatch d = { .shader = SHADER_EDIT,
                          .aligned = edits_are_aligned(edits, n_edits, &elements)
                                     && vulkan_is_aligned(x) && vulkan_is_aligned(source),
                          .args = &args,
                          .args_size = sizeof args,
                          .inputs = { source.buffer ? source.buffer : x.buffer },
                          .lists = { { .buffer = staging, .first = offset, .size = size } } };
    d.work = element_work * elements;
    d.out = vulkan_window(v, x, &args.x_first);
    dispatch_subgroups(&v->context, &d, n_edits);
    return pipelines_dispatch(&v->pipelines, &v->queue, &d, err);
}

bool vulkan_edit(struct engine *e, struct tensor x, const struct row_edit *edits, uint32_t n_edits,
                 struct tensor source, struct abl_err *err)
{
    struct vulkan *v = (struct vulkan *)e;
    uint32_t window = vulkan_window_rows(v, x);
    for (uint32_t first = 0, n; first < n_edits; first += n) {
        n = min_u32(EDITS, n_edits - first);
        for (uint32_t row = 0, rows; row < x.rows; row += rows) {
            rows = min_u32(window, x.rows - row);
            if (!edit_window(v, tensor_rows(x, row, rows), row, edits + first, n, source, err))
                return false;
        }
    }
    return true;
}
