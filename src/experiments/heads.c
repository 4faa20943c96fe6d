#include <string.h>

#include "experiments/experiments.h"
#include "plan/head_syntax.h"

bool experiment_ablation(const struct session *session, struct ablation *out, struct abl_err *err)
{
    *out = session->settings.ablation;
    switch (out->kind) {
    case ABLATE_SCALE:
    case ABLATE_MEAN:
        return true;
    case ABLATE_RESAMPLE:
        out->donor = DONOR_MAP_RESAMPLED;
        return donors_need_resampled(&session->donors, "--ablate resample", err);
    case ABLATE_PATCH:
        out->donor = DONOR_MAP_OTHER;
        return donors_need_other(&session->donors, "--ablate patch", err);
    }
    return false;
}

bool experiment_select_heads(const struct session *session, struct arena *a, struct head_set *out,
                             struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct model_shape *shape = &session->model->shape;
    bool *keep = arena_alloc(a, shape->n_layers, sizeof *keep);
    if (!keep)
        return abl_no_memory(err);
    if (!layers_parse(s->layers ? s->layers : "all", shape, keep, err)
        || !heads_parse(s->heads ? s->heads : "all", shape, a, out, err))
        return false;
    size_t n = 0;
    for (size_t i = 0; i < out->n; i++)
        if (keep[out->heads[i].layer])
            out->heads[n++] = out->heads[i];
    out->n = n;
    return n
           || abl_fail(err, ABL_USAGE, "no head is left: --heads %s has none in --layers %s",
                       s->heads ? s->heads : "all", s->layers ? s->layers : "all");
}

bool experiment_heads(const struct session *session, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set heads;
    struct ablation how;
    bool ok = experiment_ablation(session, &how, err)
              && experiment_select_heads(session, &scratch, &heads, err)
              && variants_heads(heads.heads, heads.n, how, out, err);
    arena_release(&scratch);
    return ok;
}

bool experiment_none(const struct session *session, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set heads; // what is asked for must be there before anything is loaded
    bool ok = experiment_select_heads(session, &scratch, &heads, err) && variants_init(out, 0, err);
    arena_release(&scratch);
    return ok;
}
