#include "engine/vulkan/window.h"

#include "base/size.h"

uint64_t vulkan_binding_alignment(const struct vulkan *v)
{
    uint64_t a = v->context.gpu->limits.minStorageBufferOffsetAlignment;
    return a < 16 ? 16 : a; // a power of two
}

uint32_t vulkan_window_rows(const struct vulkan *v, struct tensor t)
{
    uint64_t row = (uint64_t)t.stride * sizeof(float);
    // A window begins and ends a little outside of its rows, at multiples of the alignment.
    uint64_t n
        = (v->context.gpu->limits.maxStorageBufferRange - 2 * vulkan_binding_alignment(v)) / row;
    assert(n > 0);
    return n < t.rows ? (uint32_t)n : t.rows;
}

struct span vulkan_window(const struct vulkan *v, struct tensor t, uint32_t *first)
{
    uint64_t begin = (uint64_t)t.first * sizeof(float);
    uint64_t end = begin + ((uint64_t)(t.rows - 1) * t.stride + t.cols) * sizeof(float);
    uint64_t bound = begin & ~(vulkan_binding_alignment(v) - 1);
    end = (end + 15) & ~UINT64_C(15); // vectors; buffers are whole vectors long
    *first = (uint32_t)((begin - bound) / sizeof(float));
    return (struct span){ .buffer = t.buffer, .first = bound, .size = end - bound };
}

bool vulkan_is_aligned(struct tensor t)
{
    return !t.buffer || (t.first % 4 == 0 && (t.stride % 4 == 0 || t.rows == 1) && t.cols % 4 == 0);
}

bool windowed_run_one(struct vulkan *v, const struct windowed *w, uint32_t first, uint32_t n,
                      struct abl_err *err)
{
    struct dispatch d = w->dispatch;
    *w->n_rows = n;
    if (w->first)
        *w->first = first;
    for (int i = 0; i < MAX_BESIDE && w->beside[i].first; i++)
        *w->beside[i].first = vulkan_position(tensor_rows(w->beside[i].tensor, first, n));
    d.out = vulkan_window(v, tensor_rows(w->out, first, n), w->out_first);
    d.work = w->row_work * n;
    dispatch_teams(&v->context, &d, w->row_teams ? (uint64_t)n * w->row_teams : w->teams);
    return pipelines_dispatch(&v->pipelines, &v->queue, &d, err);
}

bool windowed_run(struct vulkan *v, const struct windowed *w, struct abl_err *err)
{
    uint32_t most = vulkan_window_rows(v, w->out);
    for (uint32_t first = 0, n; first < w->out.rows; first += n) {
        n = u32_min(most, w->out.rows - first);
        if (!windowed_run_one(v, w, first, n, err))
            return false;
    }
    return true;
}
