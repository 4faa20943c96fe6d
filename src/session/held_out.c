#include "session/held_out.h"

#include <inttypes.h>
#include <math.h>

#include "base/rng.h"

bool held_out_draw(const struct settings *s, uint32_t n, struct arena *a, bool **out,
                   struct abl_err *err)
{
    uint32_t left = (uint32_t)lround(s->holdout * n);
    if (!(s->holdout > 0))
        return true;
    if (left < 2 || n - left < 2)
        return abl_fail(err, ABL_BAD_DATA,
                        "--holdout %g of %" PRIu32 " clusters keeps %" PRIu32
                        ": expected at least 2 kept and 2 left; take more rows or another share",
                        s->holdout, n, left);
    bool *kept = arena_alloc(a, n, sizeof *kept);
    if (!kept)
        return abl_no_memory(err);
    struct rng rng;
    rng_seed(&rng, s->seed);
    for (uint32_t c = 0; c < n;
         c++) { // of the n - c clusters from here on, `left` are still to be kept
        kept[c] = rng_below(&rng, n - c) < left;
        left -= kept[c];
    }
    *out = kept;
    return true;
}
