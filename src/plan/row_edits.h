// From a variant's edits to the rows of an activation that they touch.
#ifndef ABL_PLAN_ROW_EDITS_H
#define ABL_PLAN_ROW_EDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/values.h"
#include "plan/prompt_trie.h"
#include "plan/variant.h"

// Rows of one copy of the prompts: every node of the trie, or the read-out nodes only.
enum row_space { ROWS_NODES, ROWS_READS };

// Where SOURCE_ROW edits take from: rows of the donors' own trie.
struct donor_rows {
    const struct trie *trie;
    const uint32_t *number;      // by the donor's index in the run: its prompt in the trie
    const uint32_t *const *maps; // edit->donor counts these: for each prompt of the run its donor
};

// Several variants at once: copy i of the rows belongs to variants[i].
struct edit_job {
    const struct trie *trie;
    size_t first_prompt;             // of the run: prompt 0 of the trie
    const struct donor_rows *donors; // NULL where no edit has any
    bool has_bos;                    // position 0 is BOS: its own class for means
    enum row_space space;
    const uint32_t *nodes; // (n_rows) of the rows of one copy, ascending; NULL: every node
    uint32_t n_rows;
    const struct variant *const *variants;
    uint32_t n_variants;
    uint32_t layer;
    enum site site;
    uint32_t head_cols; // of one head; 0: the site has none
    uint32_t n_cols;    // width of the activation
    uint32_t window;    // of the layer, for patterns: NO_WINDOW where it has none
};

struct edit_list {
    struct row_edit *items;
    size_t n, cap;
};

// A list for each source. What takes nothing is among the constants.
struct edit_lists {
    struct edit_list constant, mean, donor;
};

// Translate; lists are emptied first and reused. Constants and means: row `layer`, columns as in
// the activation. Donors: row of the intact activation of the donors' trie, in the same row space.
// A position without a partner keeps its value. Rows of patterns are the edges of that row space
// (trie_edges): an edge's partner is as far from the end at both ends.
bool edits_collect(const struct edit_job *job, struct edit_lists *lists, struct abl_err *err);
void edits_release(struct edit_lists *lists);

// True if any of the variants changes this site of this layer.
bool edits_any(const struct variant *const *variants, uint32_t n, uint32_t layer, enum site site);

// True if the edit treats prompts that share a prefix alike, so that they may share rows.
bool edit_is_shared(const struct edit *e);

#endif
