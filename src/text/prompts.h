// Tokenised rows, and the pre-flight check that every run makes (DESIGN section 3).
#ifndef ABL_TEXT_PROMPTS_H
#define ABL_TEXT_PROMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/dataset.h"
#include "text/tokenizer.h"

struct prompt {
    const struct dataset_row *row; // borrowed from the dataset
    const uint32_t *ids;           // BOS included where the policy adds one
    uint32_t n_ids;
    const uint32_t *corrupt_ids; // of the corrupt prompt, likewise
    uint32_t n_corrupt_ids;      // 0: the row has none
    uint32_t target, foil; // token ids; TOKEN_NONE where an error finding says that there is none
    // The whole answers; of more than one token only where the options ask for them.
    const uint32_t *target_ids, *foil_ids;
    uint32_t n_target_ids, n_foil_ids;
    // Dense number of the row's cluster: `cluster` where given, else its distinct clean prompt.
    uint32_t cluster;
};

enum { FINDING_LINES = 3 }; // lines that a finding names

enum finding_level { FINDING_WARNING, FINDING_ERROR };

// One line of the pre-flight report: what, where, and what to do.
struct finding {
    enum finding_level level;
    const char *kind; // "multi-token-target", "target-in-prompt", …: stable names, all in lint.c
    uint32_t n_rows;  // rows concerned
    uint32_t first_line;           // of the first of them
    uint32_t lines[FINDING_LINES]; // of the first ones, as many as there are
    const char *text;              // one line, names up to three rows and the remedy
};

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
    uint32_t bos; // TOKEN_NONE = none
    uint32_t pad; // of padded prompts (text/padding.h); TOKEN_NONE = they are not padded
    size_t n_padded;
    struct prompt_drop *dropped;
    size_t n_dropped;
    struct finding *findings;
    size_t n_findings;
    struct arena arena;
};

struct prompts_options {
    enum bos_mode bos;
    bool skip_bad;
    uint32_t n_ctx; // longest prompt the model takes, BOS included; 0 = no limit
    // Ids at or above it are refused (tokenizer and weights do not fit together); 0 = no limit.
    uint32_t n_vocab;
    bool cluster_by_template; // --cluster template
    bool whole_answers;       // --span full: answers may have several tokens
};

// Tokenise every row and lint the set. With errors and without skip_bad it still returns true, with
// all rows; the caller sees prompts_refuse. With skip_bad rows with errors are left out, counted,
// and told as warnings. Errors: target or foil not one token, target = foil, empty prompt, prompt
// longer than n_ctx, id beyond n_vocab, a byte without a token. Warnings, about the rows kept: what
// lets a model score without reading (target in the prompt or at its end; one target, one foil, or
// words that never change sides), rows that repeat, nearly repeat or contradict one another,
// prompts or clusters in two splits, clean/corrupt of unequal token length or equal, missing
// corrupt, a special token spelt in the text, white space at the seam, text decoded wrongly.
bool prompts_make(const struct dataset *data, const struct tokenizer *t,
                  const struct prompts_options *options, struct prompts **out, struct abl_err *err);

// Add what only a run can tell: a warning where the intact model prefers the target to the foil in
// fewer than 60 % of the rows. prefers: one a row.
bool prompts_judge(struct prompts *p, const bool *prefers, struct abl_err *err);

// Fill err (ABL_BAD_DATA, naming rows and remedy) and return false if a finding forbids the run or
// no row is left.
bool prompts_refuse(const struct prompts *p, struct abl_err *err);
void prompts_free(struct prompts *p);

#endif
