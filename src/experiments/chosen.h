// What several experiments take from the settings: the ablation, heads, sets of heads.
#ifndef ABL_EXPERIMENTS_CHOSEN_H
#define ABL_EXPERIMENTS_CHOSEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/position.h"
#include "plan/variant.h"
#include "session/session.h"

// The kinds of ablation that the settings ask for, with their donors. False where the data has
// none, or the experiment reads one kind.
bool chosen_ablations(const struct session *session, struct ablations *out, struct abl_err *err);

// --heads within --layers, in the arena; at least one.
bool chosen_heads(const struct session *session, struct arena *a, struct head_set *out,
                  struct abl_err *err);

// --positions, in the arena; paired: only what the row's other prompt has a partner for counts.
bool chosen_positions(const struct session *session, bool paired, struct arena *a,
                      struct position **out, size_t *n, struct abl_err *err);

// The same of positions that something else says.
bool chosen_positions_of(const struct session *session, const char *text, bool paired,
                         struct arena *a, struct position **out, size_t *n, struct abl_err *err);

// The head sets that --sets, --pairs and --triplets name, in the arena; at least one.
bool chosen_sets(const struct session *session, struct arena *a, struct head_set **out, size_t *n,
                 struct abl_err *err);

// Lists of variants, as struct experiment has them: each chosen head alone, kind after kind, and
// none, of experiments that only read.
bool chosen_list_heads(const struct session *session, struct variants *out, struct abl_err *err);
bool chosen_list_none(const struct session *session, struct variants *out, struct abl_err *err);

#endif
