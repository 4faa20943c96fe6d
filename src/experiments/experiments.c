#include "experiments/experiments.h"

#include <string.h>

#include "experiments/saved.h"
#include "plan/plan_make.h"

#define EXPERIMENT_ADDRESS(name) &experiment_##name,
const struct experiment *const experiments[N_EXPERIMENTS] = { EXPERIMENTS(EXPERIMENT_ADDRESS) };

const struct experiment *experiment_named(const char *name)
{
    for (int i = 0; i < N_EXPERIMENTS; i++)
        if (strcmp(experiments[i]->name, name) == 0)
            return experiments[i];
    return NULL;
}

bool experiment_variants(const struct session *session, struct variants *out, struct abl_err *err)
{
    return whole_answers_allow(&session->settings, err) // the explorer may have changed them
           && session->settings.experiment->list(session, out, err);
}

bool experiment_plan(const struct session *session, const struct device_info *device,
                     const struct variants *v, struct plan *out, struct abl_err *err)
{
    const struct experiment *e = session->settings.experiment;
    struct observations observed = { 0 };
    struct plan_input in = session_plan_input(session, device);
    in.variants = v;
    in.observed = &observed;
    *out = (struct plan){ 0 };
    bool ok = (!e->observe || e->observe(session, &observed, err))
              && session_observe_foils(session, &observed, err)
              && saved_observe(session, &observed, err) && plan_make(&in, out, err);
    observations_release(&observed);
    return ok;
}

bool experiment_read(struct session *session, const struct results *t, atomic_bool *cancel,
                     struct readings *out, struct abl_err *err)
{
    const struct experiment *e = session->settings.experiment;
    *out = (struct readings){ 0 };
    return (!e->read || e->read(session, t, cancel, out, err))
           && saved_list(session, &out->arena, &out->saved, err)
           && (!out->saved || saved_read(session, out->saved, cancel, &out->arena, err));
}
