#include "forward/read_back.h"

#include <math.h>
#include <stdio.h>

static bool not_finite(const struct engine *e, const char *what, struct abl_err *err)
{
    bool full = e->info.precision == PRECISION_F32;
    return abl_fail(err, ABL_FAILED,
                    "%s are not finite: the weights overflow or are damaged; %scheck the "
                    "checkpoint with 'abltui verify'",
                    what, full ? "" : "take --precision f32, or ");
}

static bool floats_are_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static bool stats_are_finite(const struct row_stats *s)
{
    return isfinite(s->target_logit) && isfinite(s->foil_logit) && isfinite(s->target_lse)
           && isfinite(s->lse) && isfinite(s->kl) && isfinite(s->entropy);
}

bool read_back(struct engine *e, struct tensor t, float *out, const char *what, struct abl_err *err)
{
    return e->ops->download(e, t, out, err)
           && (floats_are_finite(out, (size_t)t.rows * t.cols) || not_finite(e, what, err));
}

bool check_logits(const struct engine *e, const struct row_stats *s, size_t prompt,
                  struct abl_err *err)
{
    char what[64];
    if (stats_are_finite(s))
        return true;
    snprintf(what, sizeof what, "logits of prompt %zu", prompt + 1);
    return not_finite(e, what, err);
}
