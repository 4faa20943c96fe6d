// From a variant's edits to the rows of an activation that they touch.
#ifndef ABL_LAB_EDITS_H
#define ABL_LAB_EDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "lab/trie.h"
#include "lab/variant.h"

// Rows of one copy of the prompts: every node of the trie, or the read-out nodes only.
enum row_space { ROWS_NODES, ROWS_READS };

// Several variants at once: copy i of the rows belongs to variants[i].
struct edit_job {
    const struct trie *trie;
    enum row_space space;
    const struct variant *const *variants;
    uint32_t n_variants;
    uint32_t layer;
    enum site site;
    uint32_t d_head; // of site z
    uint32_t n_cols; // width of the activation
};

// The edits whose source is the constants (or nothing), and those that read another prompt's activation.
struct edit_lists {
    struct row_edit *constant, *donor;
    size_t n_constant, n_donor, cap_constant, cap_donor;
};

// Translate; lists are emptied first and reused. Constants: row `layer`, columns as in the activation. Donors: row of the
// intact activation in the same row space. A position without a partner keeps its value.
bool edits_collect(const struct edit_job *job, struct edit_lists *lists, struct abl_err *err);
void edits_release(struct edit_lists *lists);

// True if any of the variants changes this site of this layer.
bool edits_any(const struct variant *const *variants, uint32_t n, uint32_t layer, enum site site);

// True if the edit treats prompts that share a prefix alike, so that they may share rows.
bool edit_is_shared(const struct edit *e);

#endif
