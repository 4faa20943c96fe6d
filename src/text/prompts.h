// How rows become prompts, and the pre-flight check that every run makes (DESIGN section 3).
#ifndef ABL_TEXT_PROMPTS_H
#define ABL_TEXT_PROMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/dataset.h"
#include "text/foils.h"
#include "text/lint.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

struct prompts_options {
    enum bos_mode bos;
    bool skip_bad;
    bool fix_spaces; // --fix-spaces: see seam_give_space
    // What becomes of a row whose target is its foil: its ld is 0 whatever the model does. Kept
    // ones are kept with skip_bad too.
    enum lint_fate equal_answers;
    uint32_t n_ctx; // longest prompt the model takes, BOS included; 0 = no limit
    // Ids at or above it are refused (tokenizer and weights do not fit together); 0 = no limit.
    uint32_t n_vocab;
    const char *by;           // the field that groups the rows, kept; NULL = none
    enum cluster_by cluster;  // --cluster
    bool whole_answers;       // --span full: answers may have several tokens
    enum answer_rule answers; // of those that are lists
    struct foil_rule foil;    // of rows without one: --foil; those of the model are set later
    uint64_t seed;            // by which others are drawn
    // how the model's files were read, told as findings beside the tokenizer's; NULL = nothing
    const struct owner_notes *notes;
};

// What is to be said of how the tokenizer reads one of the prompts; NULL = nothing. Borrowed.
const char *prompts_doubt(const struct prompts *p, const struct tokenizer *t);

// Tokenise every row and lint the set. With errors and without skip_bad it still returns true, with
// all rows; the caller sees prompts_refuse. With skip_bad, or as equal_answers has it, rows with
// errors are left out, counted, and told as warnings. Errors: target or foil not one token,
// target = foil, empty prompt, prompt longer than n_ctx, id beyond n_vocab, a byte without a token.
// Warnings, about the rows kept: what
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
