// More about one head than its effect: what it writes into the vocabulary, and what its ablation
// does to each row.
#ifndef ABL_UI_DETAIL_H
#define ABL_UI_DETAIL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "experiments/attn.h"
#include "experiments/ov.h"
#include "session/session.h"
#include "ui/state.h"

struct detail_row {
    uint32_t line; // in the data file
    const char *prompt, *target, *foil;
    double intact, delta; // of the metric; delta NaN where the head is not measured
};

struct detail {
    struct detail_ask ask;
    const struct ov *ov;     // of the one head
    const struct attn *attn; // of the one head in the one row; NULL where it is not to be had
    struct detail_row *rows;
    size_t n_rows;
    char error[256]; // why there is no ov; empty where there is
    struct arena arena;
};

// t: the run's table, NULL while there is none. False where memory is out or it was cancelled
// (ABL_INTERRUPTED); other failures stand in the detail. Owned: detail_free.
bool detail_make(struct session *session, const struct results *t, const struct detail_ask *ask,
                 enum metric metric, atomic_bool *cancel, struct detail **out, struct abl_err *err);
void detail_free(struct detail *d);

#endif
