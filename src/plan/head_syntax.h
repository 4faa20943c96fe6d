// The little languages of --heads, --layers, --sets, --pairs and --triplets.
#ifndef ABL_PLAN_HEAD_SYNTAX_H
#define ABL_PLAN_HEAD_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/shape.h"
#include "plan/place.h"

// Errors are ABL_USAGE and name the option, the part that is wrong and the valid range. The texts
// of heads, sets and combinations may be out of a file (head_file.h), whose line an error names
// then; the end of a line separates.

// "0:2,1:3,2:*,*:4" or "all": heads in the order given, repeats dropped; out lives in the arena.
// "random:K@SEED": K heads of each layer (all where there are fewer), those that NumPy's
// default_rng(SEED + layer) chooses; "random:K@SEED+SEED…": those of any of the seeds, ascending.
bool heads_parse(const char *text, const struct model_shape *shape, struct arena *a,
                 struct head_set *out, struct abl_err *err);

// What one seed of "random:K@SEED+SEED…" draws, in the arena; n = 0 of another text and of NULL.
enum { MAX_DRAWS = 64 };
struct head_draw {
    uint64_t seed;
    struct head_set heads;
};
bool heads_draws(const char *text, const struct model_shape *shape, struct arena *a,
                 struct head_draw **out, size_t *n, struct abl_err *err);

// "0-2,5" or "all": keep[layer] for n_layers layers.
bool layers_parse(const char *text, const struct model_shape *shape, bool *keep,
                  struct abl_err *err);

// "0:2+0:4;0:2+0:4+0:7": each set ascending, without repeats; repeated sets dropped.
bool sets_parse(const char *text, const struct model_shape *shape, struct arena *a,
                struct head_set **out, size_t *n, struct abl_err *err);

// "0:2,4,7;3:0,1,5": every combination of k of the heads named of a layer, as sets; `option` names
// the option.
bool combinations_parse(const char *text, uint32_t k, const struct model_shape *shape,
                        struct arena *a, struct head_set **out, size_t *n, struct abl_err *err);

bool head_set_has(const struct head_set *set, struct head h);

// "0:2+0:4" in the arena; NULL when memory is out.
const char *head_set_label(const struct head_set *set, struct arena *a);

#endif
