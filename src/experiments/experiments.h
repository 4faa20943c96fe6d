// The experiments: each is a file that turns settings into a list of variants.
#ifndef ABL_EXPERIMENTS_EXPERIMENTS_H
#define ABL_EXPERIMENTS_EXPERIMENTS_H

#include <stdbool.h>

#include "base/err.h"
#include "plan/variant.h"
#include "session/readings.h"
#include "session/session.h"

// The variants that the settings' experiment asks for.
bool experiment_variants(const struct session *session, struct variants *out, struct abl_err *err);

// What the settings' experiment reads; nothing for those that only ablate. `t` is the finished
// table of its variants. Owned by the caller: readings_release, also after a failure.
// ABL_INTERRUPTED when cancelled (NULL = never).
bool experiment_read(struct session *session, const struct results *t, atomic_bool *cancel,
                     struct readings *out, struct abl_err *err);

// Every list is the caller's: variants_release. What settings ask for that cannot be is ABL_USAGE
// or ABL_BAD_DATA.

// Each head alone: --heads within --layers.
bool experiment_heads(const struct session *session, struct variants *out, struct abl_err *err);

// Sets of heads, the singles that interactions need, and for each set random ones of the same size
// in the same layers.
bool experiment_sets(const struct session *session, struct variants *out, struct abl_err *err);

// Sets, and each of their heads (of sets of up to 6 heads each pair too) given back from the same
// run and from the other.
bool experiment_partial(const struct session *session, struct variants *out, struct abl_err *err);

// One activation of the other run put in: site by site, layer by layer, position by position.
bool experiment_patch(const struct session *session, struct variants *out, struct abl_err *err);

// Nothing is ablated: the experiment only reads.
bool experiment_none(const struct session *session, struct variants *out, struct abl_err *err);

// The ablation that the settings ask for, with its donors. False where the data has none.
bool experiment_ablation(const struct session *session, struct ablation *out, struct abl_err *err);

// The head sets that --sets, --pairs and --triplets name, in the arena; at least one.
bool experiment_head_sets(const struct session *session, struct arena *a, struct head_set **out,
                          size_t *n, struct abl_err *err);

// --heads within --layers, at least one.
bool experiment_select_heads(const struct session *session, struct arena *a, struct head_set *out,
                             struct abl_err *err);

#endif
