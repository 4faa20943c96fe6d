#include "plan/memory_budget.h"

#include "base/size.h"
#include "engine/work.h"
#include "plan/prompt_trie.h"

// Of a token row: resid, h and read_x; q, z and read_q; kv. What the MLP takes is apart.
static uint64_t row_bytes(const struct model_shape *s)
{
    uint64_t q = (uint64_t)s->n_heads * s->d_head, kv = (uint64_t)s->n_kv_heads * s->d_head;
    return (3 * (uint64_t)s->d_model + 3 * q + 2 * kv) * sizeof(float);
}

static uint64_t mlp_row_bytes(const struct model_shape *s)
{
    return (s->gated ? 2 : 1) * (uint64_t)s->d_mlp * sizeof(float);
}

uint32_t mlp_rows(const struct model_shape *s, uint64_t part_bytes)
{
    enum { LEAST = 512 };
    uint64_t rows = part_bytes / mlp_row_bytes(s);
    return rows < LEAST ? LEAST : rows > UINT32_MAX ? UINT32_MAX : (uint32_t)rows;
}

struct memory_budget memory_budget_of(const struct device_info *device, uint64_t mem,
                                      bool weights_stay)
{
    return (struct memory_budget){ .mem = mem,
                                   .part_bytes = device->part_bytes,
                                   .rows_at_once
                                   = weights_stay ? device->rows_at_once : UINT32_MAX };
}

struct memory_budget memory_budget_left(struct memory_budget r, uint64_t taken)
{
    r.mem = size_left(r.mem, taken);
    return r;
}

uint64_t stream_bytes(const struct model_shape *shape, const struct memory_budget *r,
                      uint64_t n_rows)
{
    uint64_t most = mlp_rows(shape, r->part_bytes), in_mlp = n_rows < most ? n_rows : most;
    return n_rows * row_bytes(shape) + in_mlp * mlp_row_bytes(shape);
}

size_t stream_rows_that_fit(const struct model_shape *shape, const struct memory_budget *r)
{
    uint64_t row = row_bytes(shape), mlp_row = mlp_row_bytes(shape);
    uint64_t few = r->mem / (row + mlp_row); // where all of them are in the MLP at once
    uint64_t many = size_left(r->mem, 2 * mlp_row * mlp_rows(shape, r->part_bytes)) / row;
    return (size_t)(few > many ? few : many);
}

uint32_t memory_budget_copies(const struct memory_budget *r, size_t fit, uint32_t n_rows)
{
    size_t copies = size_min(size_min(fit, r->rows_at_once) / n_rows, MAX_COPIES);
    return (uint32_t)size_max(copies, 1);
}

uint32_t stream_window(const struct model_shape *shape, uint32_t layer)
{
    return shape->window && shape->slides[layer] ? shape->window : NO_WINDOW;
}

uint64_t clean_kv_bytes(const struct model_shape *shape, uint32_t n_nodes)
{
    uint64_t kv = 2 * (uint64_t)shape->n_kv_heads * shape->d_head;
    return (uint64_t)shape->n_layers * n_nodes * kv * sizeof(float);
}

uint64_t state_bytes(const struct model_shape *shape, uint32_t n_reads)
{
    return (uint64_t)n_reads * shape->d_model * sizeof(float);
}

uint32_t waiting_states(const struct model_shape *shape, uint32_t n_reads, size_t n, uint64_t mem)
{
    enum { SHARE = 16 }; // of the memory for activations
    size_t most = (size_t)(mem / SHARE / state_bytes(shape, n_reads));
    most = size_min(size_min(n, MAX_COPIES), most);
    return most < 2 ? 0 : (uint32_t)most;
}

bool waiting_is_due(const struct model_shape *shape, uint32_t n_reads, uint64_t flop)
{
    enum { WORTH = 64 }; // how many times the intact states' unembedding
    return flop >= count_mul(WORTH, linear_flop(n_reads, shape->d_model, shape->n_vocab));
}
