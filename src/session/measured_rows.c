#include "session/measured_rows.h"

struct measured_rows session_measured_rows(const struct session *session)
{
    return (struct measured_rows){ .prompts = session->prompts,
                                   .intact = session->intact,
                                   .other = session->other,
                                   .resampler = session->resampler,
                                   .pairs = session->pairs,
                                   .held_out = session->held_out,
                                   .n_boot = session->settings.n_boot,
                                   .seed = session->settings.seed,
                                   .alpha = session->settings.alpha,
                                   .min_effect = session->settings.min_effect };
}
