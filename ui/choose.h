// What keys, pickers and commands choose: marked heads, ablation, experiment and what it reads.
// Each returns enum action_effect flags; a mistake becomes a message.
#ifndef ABL_UI_CHOOSE_H
#define ABL_UI_CHOOSE_H

#include "base/buf.h"
#include "ui/state.h"

// Mark the head under the cursor, or take its mark away; take all marks away.
unsigned choose_mark(struct state *s);
unsigned choose_no_marks(struct state *s);

// Keep the marked heads and ablate all others, or the reverse again; mark what is not marked; mark
// the "5" heads of the largest effects ("": 5).
unsigned choose_keep_only(struct state *s);
unsigned choose_inverse(struct state *s);
unsigned choose_top(struct state *s, const char *text);

// Remember the marked set by a name, and mark it again.
unsigned choose_set_name(struct state *s, const char *name);
unsigned choose_set(struct state *s, const char *name);

// The named sets as --sets @FILE reads them, a line each, named behind a '#'.
void choose_sets_text(const struct state *s, struct buf *out);

// Ablation by kind, by scaling ("0.5"), or the next one in turn: zero, half, mean, resample, patch,
// or the next that the run has where it has several. One that the run has is shown, another runs
// alone. And several at once: "zero,mean".
unsigned choose_kind(struct state *s, enum ablate_kind kind);
unsigned choose_scale(struct state *s, const char *text);
unsigned choose_next_ablation(struct state *s);
unsigned choose_kinds(struct state *s, const char *text);

// Marks and ablation as they were before they changed last.
unsigned choose_undo(struct state *s);

unsigned choose_experiment(struct state *s, const char *name);

// What patch puts in, in which direction and where.
unsigned choose_site(struct state *s, const char *name);
unsigned choose_direction(struct state *s, const char *name);
unsigned choose_positions(struct state *s, const char *text);

#endif
