// Tokenised rows, and what the pre-flight check found about them.
#ifndef ABL_TEXT_PROMPT_H
#define ABL_TEXT_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/answer_lists.h"
#include "base/arena.h"
#include "text/lint.h"
#include "text/rows.h"
#include "text/token.h"

// Tokens [first, end) of a prompt, BOS counted, that are a named stretch of its text.
struct token_span {
    uint32_t name; // number in prompts->span_names
    uint32_t first, end;
};

struct token_spans {
    struct token_span *items;
    size_t n;
};

struct prompt {
    const struct dataset_row *row; // borrowed from the dataset
    const uint32_t *ids;           // BOS included where the policy adds one
    uint32_t n_ids;
    const uint32_t *corrupt_ids; // of the corrupt prompt, likewise
    uint32_t n_corrupt_ids;      // 0: the row has none
    struct token_spans spans, corrupt_spans;
    // How far from the last token (0) clean and corrupt differ, as far as both have tokens;
    // ascending.
    const uint32_t *differs;
    uint32_t n_differs;
    uint32_t target, foil; // token ids; TOKEN_NONE where an error finding says that there is none
    // Where either answer is several tokens', any of which will do: all of them, `target` and
    // `foil` being the first. NULL: each is one.
    const struct answer_lists *lists;
    // The whole answers; of more than one token only where the options ask for them.
    const uint32_t *target_ids, *foil_ids;
    uint32_t n_target_ids, n_foil_ids;
    uint32_t cluster; // dense number of the row's cluster
    uint32_t group;   // of its group, where the rows have some
};

// What rows of a cluster share.
enum cluster_by { CLUSTER_AUTO, CLUSTER_PROMPT, CLUSTER_TEMPLATE, CLUSTER_GIVEN };

// The tokens that answer it, and those that are the foil; they live as long as the prompt.
static inline struct id_list prompt_targets(const struct prompt *p)
{
    return p->lists ? p->lists->targets : (struct id_list){ &p->target, 1 };
}

static inline struct id_list prompt_foils(const struct prompt *p)
{
    return p->lists ? p->lists->foils : (struct id_list){ &p->foil, 1 };
}

// A row that was left out, and the first reason.
struct prompt_drop {
    const struct dataset_row *row;
    const char *kind, *why; // "multi-token-target", "' Bangkok' is 2 tokens"
};

struct prompts {
    const char *source; // the dataset's path; borrowed
    struct prompt *items;
    size_t n;
    uint32_t n_clusters;
    enum cluster_by clustered;      // what clusters are; never CLUSTER_AUTO
    uint32_t n_templates;           // distinct ones
    const char *by;                 // the field that groups the rows; NULL: none does
    const char *const *group_names; // (n_groups)
    uint32_t n_groups;
    const char *const *span_names; // (n_span_names) of every row's spans
    size_t n_span_names;
    uint32_t bos; // TOKEN_NONE = none
    uint32_t pad; // of padded prompts (text/padding.h); TOKEN_NONE = they are not padded
    size_t n_padded;
    struct prompt_drop *dropped;
    size_t n_dropped;
    size_t n_spaced; // rows whose answers were given their leading space
    struct finding *findings;
    size_t n_findings;
    struct arena arena;
};

#endif
