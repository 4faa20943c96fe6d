// Activations of the intact run, brought to the host as they are computed: what experiments read
// that are no ablations.
#ifndef ABL_FORWARD_OBSERVE_H
#define ABL_FORWARD_OBSERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/forward.h"
#include "plan/prompt_trie.h"
#include "plan/variant.h"

// One activation of some of the run's prompts.
struct observed {
    enum site site;
    uint32_t layer;
    // (n_rows, n_cols). Rows are nodes of the trie or, where only read-outs are observed, its
    // read-outs: the row of prompt p (of the run) is trie->read_of[p - first_prompt].
    const float *values;
    uint32_t n_rows, n_cols;
    const struct trie *trie;
    size_t first_prompt; // of the run: prompt 0 of the trie
    // Of patterns, whose rows are edges and whose columns are heads: those of row r of the above
    // are edges[r] … edges[r + 1] - 1, in the order of the keys, the query itself last. NULL of
    // other sites.
    const uint32_t *edges;
};

// Of a pattern: the weight that row r gives to the token `back` before it; 0 where it does not see
// that far.
float observed_weight(const struct observed *o, uint32_t row, uint32_t back, uint32_t head);

struct observer {
    unsigned sites; // 1 << site for those wanted
    bool every_row; // all token rows; else the read-outs only
    // Called in the order of layers, and in a layer in the order of sites, for each block of
    // prompts.
    bool (*on_activation)(void *context, const struct observed *o, struct abl_err *err);
    void *context;
    const char *over;    // for messages: what the prompts are; NULL: the run's
    atomic_bool *cancel; // looked at before every activation; NULL = never
};

// Run the run's prompts intact once more and show what the observer wants. ABL_INTERRUPTED when
// cancelled.
bool forward_observe(struct forward *f, const struct observer *o, struct abl_err *err);

// The same for prompts of the caller's, none longer than the run was opened for. `first_prompt`
// counts these.
bool forward_observe_prompts(struct forward *f, const struct prompt *prompts, size_t n,
                             const struct observer *o, struct abl_err *err);

#endif
