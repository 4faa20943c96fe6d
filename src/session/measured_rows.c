#include "session/measured_rows.h"

struct measured_rows session_measured_rows(const struct session *session)
{
    return (struct measured_rows){ .prompts = session->prompts,
                                   .intact = session->intact,
                                   .other = session->other,
                                   .rows = { .n = session->prompts->n,
                                             .n_clusters = session->prompts->n_clusters,
                                             .resampler = session->resampler,
                                             .pairs = session->pairs },
                                   .subsets = session->subsets,
                                   .held_out = session->held_out,
                                   .n_boot = session->settings.n_boot,
                                   .seed = session->settings.seed,
                                   .alpha = session->settings.alpha,
                                   .min_effect = session->settings.min_effect };
}

bool measured_subset(const struct measured_rows *measured, const struct variants *v, size_t variant,
                     unsigned flags, struct measured_rows *out, struct abl_err *err)
{
    *out = *measured;
    if (!measured->subsets)
        return true;
    out->subsets = NULL;
    return row_subsets_find(measured->subsets, v, variant, flags, &out->rows, err);
}
