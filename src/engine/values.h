// What an engine is told and answers, as plain numbers: all that plans and statistics know of it.
#ifndef ABL_ENGINE_VALUES_H
#define ABL_ENGINE_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer_lists.h"
#include "engine/precision.h"

// x[row][first_col + c] = keep * x[row][first_col + c] + add * source[source_row][source_col + c],
// c < n_cols. keep = 0 ignores the old value and add = 0 ignores the source, even where they are
// not finite.
struct row_edit {
    uint32_t row;
    uint32_t first_col, n_cols;
    uint32_t source_row, source_col;
    float keep, add;
};

// A question about the logits of a row. Ids are below the unembedding's n.
struct readout_ask {
    // of x; as many ask of one row as like, and each row is asked of. Never decreases from one ask
    // to the next
    uint32_t row;
    uint32_t target, foil;
    // where either answer is several tokens': all of them, in place of these two. Borrowed.
    const struct answer_lists *lists;
    // row of `base` to compare with: the same for all of one row; never decreases either
    uint32_t base;
};

static inline struct id_list ask_targets(const struct readout_ask *ask)
{
    return ask->lists ? ask->lists->targets : (struct id_list){ &ask->target, 1 };
}

static inline struct id_list ask_foils(const struct readout_ask *ask)
{
    return ask->lists ? ask->lists->foils : (struct id_list){ &ask->foil, 1 };
}

// Natural logarithms; computed from fp32 logits by log-sum-exp.
struct row_stats {
    float target_logit, foil_logit; // of a list what its `how` says
    float target_lse; // ln sum exp(logits of the targets); target_logit where there is one
    float lse;        // ln sum exp(logits)
    float entropy;    // nats
    float kl;         // sum p_base (ln p_base - ln p); 0 without a base
    uint32_t rank;    // tokens scoring above the target, of a list above its best
    uint32_t argmax;  // lowest id among equals
};

enum device_kind { DEVICE_CPU, DEVICE_VULKAN_GPU, DEVICE_VULKAN_CPU };

struct device_info {
    enum device_kind kind;
    uint32_t vulkan_index; // N of vulkan:N
    char name[256];
    char driver[256]; // library or driver name and version
    char uuid[33];    // 32 hex digits, empty for the cpu engine
    uint64_t memory;  // bytes of the heap used, of the cpu what the process may take; 0 = unknown
    enum precision precision; // of an engine: what it multiplies in
    // Likewise: bytes to which what only passes between two products is best kept, so that it stays
    // in the caches.
    uint64_t part_bytes;
    // Likewise: rows that are enough, as carrying more at once makes no product faster.
    uint32_t rows_at_once;
    // Likewise: matrices may stay in their files (struct matrix_source)
    bool stores;
    // Likewise: the file of measured speeds that it goes by, and why one that is there is not used;
    // "" for none.
    char tuned[384], not_tuned[512];
};

#endif
