// Prompts that are run together: their trie, what enters layer 0, and the intact state at the end.
#ifndef ABL_FORWARD_PROMPT_BLOCK_H
#define ABL_FORWARD_PROMPT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "forward/stream.h"
#include "forward/weights.h"
#include "model/model.h"
#include "plan/prompt_trie.h"
#include "text/prompts.h"

// What a prompt asks of the logits of its read-out.
struct ask {
    uint32_t prompt, read, target, foil;
    const struct answer_lists *lists; // as of struct prompt
    // the same number for those that differ in their prompt only; ascending with the read-outs
    uint32_t distinct;
};

struct block {
    size_t first, n;              // of the run's prompts
    const struct prompt *prompts; // (n), borrowed
    const struct model *model;    // borrowed
    struct weights *weights;      // borrowed, with its engine
    struct trie trie;
    struct tensor embedded;   // (n_nodes, d_model): what enters layer 0
    struct tensor final;      // (n_reads, d_model): intact state behind the final norm
    struct ask *asks;         // (n) by read-out row, so that rows to compare with ascend
    uint32_t n_distinct;      // of them: equal ones are answered once
    uint32_t *first_distinct; // (n_reads + 1) of each read-out
};

// Lay out prompts [first, first + n); `all` are the run's prompts. block_release ends it; b->final
// is not computed yet.
bool block_init(struct block *b, const struct model *model, struct weights *weights,
                const struct prompt *all, size_t first, size_t n, bool share, struct abl_err *err);
void block_release(struct block *b);

// What streams over this block run on.
struct pass block_pass(const struct block *b);

// The clean stream from the first layer to the last; then its final state into b->final. Or both.
bool block_run_layers(const struct block *b, struct stream *clean, struct abl_err *err);
bool block_keep_final(struct block *b, struct stream *clean, struct abl_err *err);
bool block_run_clean(struct block *b, struct stream *clean, struct abl_err *err);

// Read `copies` variants off `states` (copies * n_reads, d_model) into out[copy][prompt of the
// block], compared with `base` (n_reads, d_model) or, where that is none, with nothing. Logits that
// are not finite are an error.
bool block_read(const struct block *b, struct tensor states, uint32_t copies, struct tensor base,
                struct row_stats *const *out, struct abl_err *err);

#endif
