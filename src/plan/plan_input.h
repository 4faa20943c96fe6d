// What a plan is made from: named and compared by number, never by address.
#ifndef ABL_PLAN_PLAN_INPUT_H
#define ABL_PLAN_PLAN_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "plan/cells.h"
#include "plan/memory_budget.h"
#include "plan/observations.h"
#include "plan/variant.h"
#include "plan/weights_fit.h"
#include "text/prompts.h"

struct prompt_list {
    const struct prompt *items; // borrowed
    size_t n;
};

// Cells that are there already. Rows count the run's prompts.
struct done_cells {
    const uint64_t *bits; // plan/cells.h
    size_t n_rows;
};

// What is there before the plan begins.
enum plan_given {
    GIVEN_INTACT = 1 << 0, // the intact runs, read out; every layer has been loaded once
    GIVEN_MEANS = 1 << 1,
};

enum { MAX_DONOR_MAPS = 64 };

struct plan_input {
    struct prompt_list run;   // what variants run over
    struct prompt_list other; // what else is run intact and read out; n = 0: nothing
    // Whom edits take from; n = 0: the run's prompts. maps[edit->donor][row] counts them.
    struct prompt_list donors;
    const uint32_t *const *maps;
    const struct variants *variants;     // NULL: none
    const struct observations *observed; // NULL: nothing is
    const struct model_shape *shape;
    struct memory_budget budget;
    struct weights_fit weights;
    unsigned taps; // 1 << enum pass_kind whose final states go through the unembedding once more
    // (run.n) of each prompt the positions, from its start, whose final states are compared with
    // those of the other prompts' run, where there is one, else the intact one: variants that every
    // row goes through are unembedded there, and once a batch what they are compared with. NULL:
    // none are.
    const uint32_t *compared;
    unsigned left_out;             // enum saving
    unsigned given;                // enum plan_given
    const struct done_cells *done; // NULL: none are
};

#endif
