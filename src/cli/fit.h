// A corpus under a tokenizer, without a model's weights: what variants and check look at.
#ifndef ABL_CLI_FIT_H
#define ABL_CLI_FIT_H

#include "cli/options.h"
#include "text/dataset.h"
#include "text/prompts.h"
#include "text/tokenizer.h"

struct fit {
    char *path; // of the tokenizer
    struct tokenizer *tokenizer;
    struct dataset *data;
    struct prompts *prompts; // bad rows left out
    size_t n_unread;         // rows that are no rows
};

// tokenizer: whatever --model takes, or a folder with tokenizer files alone.
bool fit_open(const struct cli *cli, const char *tokenizer, const char *data, enum split split,
              struct fit *out, struct abl_err *err);
void fit_release(struct fit *f);

// ": 20 multi-token-target, 3 target-is-foil": why rows were left out, on standard output.
void fit_print_kinds(const struct fit *f);

#endif
