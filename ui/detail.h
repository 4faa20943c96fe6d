// More about one head than its effect: what it writes, where it looks, what each row loses.
#ifndef ABL_UI_DETAIL_H
#define ABL_UI_DETAIL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "experiments/attn.h"
#include "experiments/ov.h"
#include "session/session.h"

// What a detail may have beside its rows, a bit each.
enum detail_part { DETAIL_OV = 1, DETAIL_ATTN = 2 };

// The selected head, about which more is asked for while a pane shows it.
struct detail_ask {
    struct head head;
    size_t row; // whose attention is shown
    enum ov_kind ov_kind;
    struct ablation how; // whose deltas are shown
    unsigned run;
    bool complete;  // the run has ended: every row is known
    unsigned parts; // that a pane asks for beside the rows, which are always made
};

bool detail_same_ask(const struct detail_ask *a, const struct detail_ask *b);

struct detail_row {
    uint32_t number;           // as row_number
    const char *prompt;        // the one that runs
    const char *target, *foil; // answers that are lists: their tokens with | between
    double intact, delta;      // of the metric; delta NaN where the head is not measured
};

struct detail {
    struct detail_ask ask;
    const struct ov *ov;     // of the one head
    const struct attn *attn; // of the one head in the one row; NULL where it is not to be had
    struct detail_row *rows;
    size_t n_rows;
    char error[256]; // why something is lacking; empty where nothing is
    struct arena arena;
};

// t: the run's table, NULL while there is none. False where memory is out or it was cancelled
// (ABL_INTERRUPTED); other failures stand in the detail. Owned: detail_free.
bool detail_make(struct session *session, const struct results *t, const struct detail_ask *ask,
                 enum metric metric, atomic_bool *cancel, struct detail **out, struct abl_err *err);
void detail_free(struct detail *d);

// Add what a head writes and where it looks, those of `parts`, to a detail.
bool detail_add(struct session *session, unsigned parts, struct detail *d, atomic_bool *cancel,
                struct abl_err *err);

#endif
