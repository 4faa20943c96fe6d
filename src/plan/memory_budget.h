// What streams of activations take of a device, and how much of that fits.
#ifndef ABL_PLAN_MEMORY_BUDGET_H
#define ABL_PLAN_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/values.h"
#include "model/model.h"

// The window of a layer's attention, NO_WINDOW where it sees everything.
uint32_t stream_window(const struct model_shape *shape, uint32_t layer);

// What streams may take of a device.
struct memory_budget {
    uint64_t mem;        // bytes
    uint64_t part_bytes; // of what passes between two products, as in struct device_info
    // Likewise; UINT32_MAX where weights come and go, which favours few passes over many rows.
    uint32_t rows_at_once;
};
struct memory_budget memory_budget_of(const struct device_info *device, uint64_t mem,
                                      bool weights_stay);
struct memory_budget memory_budget_left(struct memory_budget r, uint64_t taken); // bytes

// Bytes that a stream of so many token rows takes, and token rows of two streams together that fit.
uint64_t stream_bytes(const struct model_shape *shape, const struct memory_budget *r,
                      uint64_t n_rows);
size_t stream_rows_that_fit(const struct model_shape *shape, const struct memory_budget *r);

enum { MAX_COPIES = 512 };

// Copies of n_rows rows that are carried at once, where `fit` rows fit: at least one.
uint32_t memory_budget_copies(const struct memory_budget *r, size_t fit, uint32_t n_rows);

// Bytes of the clean stream's k and v in every layer.
uint64_t clean_kv_bytes(const struct model_shape *shape, uint32_t n_nodes);

// Final states wait to be read out together, as each read-out also unembeds the intact states that
// it compares with. How many variants' of up to n may wait, in a share of mem; 0: none. Bytes of
// one's. Whether they took so many FLOP that reading them out now costs next to nothing.
uint32_t waiting_states(const struct model_shape *shape, uint32_t n_reads, size_t n, uint64_t mem);
uint64_t state_bytes(const struct model_shape *shape, uint32_t n_reads);
bool waiting_is_due(const struct model_shape *shape, uint32_t n_reads, uint64_t flop);

// Token rows that are in the MLP at once: what fits a part, but enough for products to run at their
// full rate.
uint32_t mlp_rows(const struct model_shape *s, uint64_t part_bytes);

#endif
