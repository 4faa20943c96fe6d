#include "experiments/experiments.h"

#include "experiments/attn.h"
#include "experiments/lens.h"
#include "experiments/ov.h"

static const struct {
    bool (*list)(const struct session *session, struct variants *out, struct abl_err *err);
    // What is read off the intact run behind the variants; NULL = nothing.
    bool (*read)(struct session *session, const struct results *t, atomic_bool *cancel,
                 struct readings *out, struct abl_err *err);
} experiments[N_EXPERIMENTS] = {
    [EXPERIMENT_HEADS] = { experiment_heads, NULL },
    [EXPERIMENT_SETS] = { experiment_sets, NULL },
    [EXPERIMENT_PATCH] = { experiment_patch, NULL },
    [EXPERIMENT_PARTIAL] = { experiment_partial, NULL },
    [EXPERIMENT_OV] = { experiment_none, ov_read },
    [EXPERIMENT_LENS] = { experiment_heads, lens_read },
    [EXPERIMENT_ATTN] = { experiment_attn, attn_read },
};

bool experiment_variants(const struct session *session, struct variants *out, struct abl_err *err)
{
    return whole_answers_allow(&session->settings, err) // the explorer may have changed them
           && experiments[session->settings.experiment].list(session, out, err);
}

bool experiment_read(struct session *session, const struct results *t, atomic_bool *cancel,
                     struct readings *out, struct abl_err *err)
{
    *out = (struct readings){ 0 };
    return !experiments[session->settings.experiment].read
           || experiments[session->settings.experiment].read(session, t, cancel, out, err);
}
