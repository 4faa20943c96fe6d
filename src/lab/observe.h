// Activations of the intact run, brought to the host as they are computed: what experiments read that are no ablations.
#ifndef ABL_LAB_OBSERVE_H
#define ABL_LAB_OBSERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/forward.h"
#include "lab/trie.h"
#include "lab/variant.h"

// One activation of some of the run's prompts.
struct observed {
    enum site site;
    uint32_t layer;
    // (n_rows, n_cols). Rows are nodes of the trie or, where only read-outs are observed, its read-outs: the row of prompt p
    // (of the run) is trie->read_of[p - first_prompt].
    const float *values;
    uint32_t n_rows, n_cols;
    const struct trie *trie;
    size_t first_prompt; // of the run: prompt 0 of the trie
};

struct observer {
    unsigned sites; // 1 << site for those wanted
    bool every_row; // all token rows; else the read-outs only
    // Called in the order of layers, and in a layer in the order of sites, for each block of prompts.
    bool (*see)(void *context, const struct observed *o, struct abl_err *err);
    void *context;
    atomic_bool *cancel; // looked at before every activation; NULL = never
};

// Run the run's prompts intact once more and show what the observer wants. ABL_INTERRUPTED when cancelled.
bool forward_observe(struct forward *f, const struct observer *o, struct abl_err *err);

#endif
