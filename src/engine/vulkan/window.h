// The frame around an operation: its output bound window by window, as one binding holds only so
// many bytes, and each window dispatched.
#ifndef ABL_ENGINE_VULKAN_WINDOW_H
#define ABL_ENGINE_VULKAN_WINDOW_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/vulkan/vulkan.h"

// Where a tensor begins in its buffer, as push constants say it.
static inline uint32_t vulkan_position(struct tensor t)
{
    assert(t.first <= UINT32_MAX);
    return (uint32_t)t.first;
}

// Whether every row of it is whole vectors of four.
bool vulkan_is_aligned(struct tensor t);

// Bytes of which a binding's offset is a multiple; a power of two.
uint64_t vulkan_binding_alignment(const struct vulkan *v);
// The rows of t, from the first on, that one output binding can hold.
uint32_t vulkan_window_rows(const struct vulkan *v, struct tensor t);
// The binding of all rows of t, and where t begins in it.
struct span vulkan_window(const struct vulkan *v, struct tensor t, uint32_t *first);

enum { MAX_BESIDE = 2 };

// An operation but for what a window decides: that goes into its push constants, at the places that
// are named here, and into a copy of `dispatch`.
struct windowed {
    struct tensor out;
    struct dispatch dispatch; // without out, groups and work
    uint32_t *n_rows;         // rows of the window
    uint32_t *out_first;      // where out begins in it
    uint32_t *first;          // first row of the window; NULL: the shader does not ask
    // Tensors with a row for each of out, and where the window's begin.
    struct {
        struct tensor tensor;
        uint32_t *first;
    } beside[MAX_BESIDE];
    double row_work;    // of one row of out
    uint32_t row_teams; // likewise; 0: every window takes `teams`
    uint64_t teams;
};

// All windows of out.
bool windowed_run(struct vulkan *v, const struct windowed *w, struct abl_err *err);
// Rows [first, first + n) of out, which one window holds.
bool windowed_run_one(struct vulkan *v, const struct windowed *w, uint32_t first, uint32_t n,
                      struct abl_err *err);

#endif
