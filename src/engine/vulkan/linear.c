#include "engine/vulkan/window.h"

#include <assert.h>

#include "base/size.h"
#include "shaders/args.h"

_Static_assert(SHADER_ACT_IDENTITY == ACT_IDENTITY && SHADER_ACT_GELU_TANH == ACT_GELU_TANH
                   && SHADER_ACT_GELU_ERF == ACT_GELU_ERF && SHADER_ACT_SILU == ACT_SILU
                   && SHADER_ACT_RELU == ACT_RELU,
               "the shaders know an activation by its value");

enum { SMALL_TILE = 64, LARGE_TILE = 128 };
enum { WAY_SMALL, WAY_LARGE }; // of tune.h
// Large tiles need about this many of them to keep a GPU busy, and this much shared memory.
enum { ENOUGH_TILES = 128, LARGE_TILE_BYTES = (LARGE_TILE * 5 + 16 * LARGE_TILE / 4) * 16 };

static uint32_t tiles(uint32_t n, uint32_t tile)
{
    return (n + tile - 1) / tile;
}

// Rows that one workgroup takes on a CPU-type device, in blocks of a subgroup: few enough not to
// compute much for nothing, and not so many that they do not fit its registers.
static uint32_t row_blocks(uint32_t lanes, uint32_t m)
{
    uint32_t most = lanes <= 8 ? 4 : 1, blocks = 1;
    while (blocks < most && blocks * lanes < m)
        blocks *= 2;
    return blocks;
}

// Rows of one dispatch: what one window holds, and on a GPU no more than fits a submission.
static uint32_t dispatch_rows(const struct vulkan *v, struct tensor out, uint32_t k)
{
    uint32_t window = vulkan_window_rows(v, out);
    if (v->context.way.alone)
        return window;
    double rows = v->queue.work_limit / ((double)k * out.cols);
    uint32_t limit = rows < LARGE_TILE ? LARGE_TILE
                     : rows > 1e9      ? 1000000000
                                       : (uint32_t)rows / LARGE_TILE * LARGE_TILE;
    return u32_min(window, limit);
}

// Of linear_coop: what its tiles take of shared memory.
static uint32_t coop_bytes(const struct vulkan_device *gpu, uint32_t tile)
{
    uint32_t halves = 2 * tile * 24 + 16 * (tile + 8);
    return 2 * halves + 4 * gpu->way.threads / gpu->way.lanes * gpu->coop.m * gpu->coop.n;
}

static void choose_tiles(struct vulkan *v, struct dispatch *d, uint32_t m, uint32_t n, uint32_t k)
{
    const struct vulkan_device *gpu = v->context.gpu;
    uint32_t lanes = v->context.way.lanes, large_bytes = LARGE_TILE_BYTES;
    if (v->context.way.alone) {
        d->shader = SHADER_LINEAR_LANES;
        uint32_t blocks = row_blocks(lanes, m);
        d->constants[0] = blocks;
        d->groups_x = tiles(m, blocks * lanes);
        d->groups_y = tiles(n, 4 * lanes);
        return;
    }
    if (v->context.coop) {
        d->shader = SHADER_LINEAR_COOP;
        d->constants[3] = gpu->coop.m;
        d->constants[4] = gpu->coop.n;
        d->constants[5] = gpu->coop.k;
        large_bytes = coop_bytes(gpu, LARGE_TILE);
    }
    bool fits = gpu->limits.maxComputeSharedMemorySize >= large_bytes;
    bool many = (uint64_t)tiles(m, LARGE_TILE) * tiles(n, LARGE_TILE) >= ENOUGH_TILES;
    bool large = fits && tuner_choose(&v->tuner, &v->queue, m, n, k, many, &d->timing) == WAY_LARGE;
    uint32_t tile = large ? LARGE_TILE : SMALL_TILE;
    d->constants[0] = tile;
    d->groups_x = tiles(m, tile);
    d->groups_y = tiles(n, tile);
}

// Rows of a weight from the first on, as many as x has columns.
struct weight_rows {
    const struct weight *w;
    uint32_t first;
};

// The columns of one part of the weight; out is only these columns.
static bool linear_part(struct vulkan *v, struct tensor out, struct tensor x,
                        const struct weight_rows *rows, const struct weight_part *part,
                        const struct epilogue *epilogue, struct abl_err *err)
{
    const struct weight *w = rows->w;
    struct tensor bias = epilogue->bias;
    struct linear_args args = { .m = out.rows,
                                .n = out.cols,
                                .k = x.cols,
                                .k_pad = w->k_pad,
                                .w_first = rows->first,
                                .out_stride = out.stride,
                                .x_first = (uint32_t)x.first,
                                .x_stride = x.stride,
                                .old_first = (uint32_t)out.first,
                                .bias_first = (uint32_t)bias.first + part->first_col,
                                .has_bias = bias.buffer != NULL };
    struct dispatch d
        = { .shader = SHADER_LINEAR,
            .aligned = vulkan_is_aligned(out) && vulkan_is_aligned(x) && bias.first % 4 == 0,
            .constants = { 0, (uint32_t)epilogue->act, epilogue->accumulate, w->bytes == 2 },
            .args = &args,
            .args_size = sizeof args,
            .inputs = { x.buffer, part->buffer, bias.buffer ? bias.buffer : x.buffer,
                        epilogue->accumulate ? out.buffer : x.buffer },
            .work = (double)out.rows * out.cols * x.cols };
    d.out = vulkan_window(v, out, &args.out_first);
    choose_tiles(v, &d, out.rows, out.cols, x.cols);
    return pipelines_dispatch(&v->pipelines, &v->queue, &d, err);
}

// Window by window of out, and part by part of the weight.
static bool linear_rows(struct vulkan *v, struct tensor out, struct tensor x,
                        const struct weight_rows *rows, const struct epilogue *epilogue,
                        struct abl_err *err)
{
    const struct weight *w = rows->w;
    assert(out.rows == x.rows && rows->first + x.cols <= w->k);
    assert(out.cols == w->n || out.cols == ((w->n + 3) & ~3u));
    uint32_t most = dispatch_rows(v, out, x.cols);
    for (uint32_t row = 0, n; row < out.rows; row += n) {
        n = u32_min(most, out.rows - row);
        for (uint32_t i = 0; i < w->n_parts; i++) {
            const struct weight_part *part = &w->parts[i];
            uint32_t cols = i + 1 < w->n_parts ? part->n_cols : out.cols - part->first_col;
            struct tensor o = tensor_cols(tensor_rows(out, row, n), part->first_col, cols);
            if (!linear_part(v, o, tensor_rows(x, row, n), rows, part, epilogue, err))
                return false;
        }
    }
    return true;
}

bool vulkan_linear(struct engine *e, struct tensor out, struct tensor x, const struct weight *w,
                   const struct epilogue *epilogue, struct abl_err *err)
{
    static const struct epilogue plain = { .act = ACT_IDENTITY };
    struct weight_rows all = { w, 0 };
    epilogue = epilogue ? epilogue : &plain;
    assert(x.cols == w->k);
    assert(!epilogue->bias.buffer || epilogue->bias.cols == w->n);
    return linear_rows((struct vulkan *)e, out, x, &all, epilogue, err);
}

bool vulkan_head_out(struct engine *e, struct tensor x, struct tensor z, const struct weight *w,
                     uint32_t first, struct abl_err *err)
{
    static const struct epilogue onto_x = { .act = ACT_IDENTITY, .accumulate = true };
    struct weight_rows rows = { w, first };
    return linear_rows((struct vulkan *)e, x, z, &rows, &onto_x, err);
}
