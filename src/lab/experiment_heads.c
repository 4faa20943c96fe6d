#include <string.h>

#include "lab/experiments.h"
#include "lab/select.h"

bool experiment_ablation(const struct lab *lab, struct ablation *out, struct abl_err *err)
{
    *out = lab->settings.ablation;
    switch (out->kind) {
    case ABLATE_SCALE:
    case ABLATE_MEAN:
        return true;
    case ABLATE_RESAMPLE:
        out->donor = lab->donors.resampled;
        return donors_need_resampled(&lab->donors, "--ablate resample", err);
    case ABLATE_PATCH:
        out->donor = lab->donors.other;
        return donors_need_other(&lab->donors, "--ablate patch", err);
    }
    return false;
}

bool experiment_select_heads(const struct lab *lab, struct arena *a, struct head_set *out,
                             struct abl_err *err)
{
    const struct run_settings *s = &lab->settings;
    const struct model_shape *shape = &lab->model->shape;
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

bool experiment_heads(const struct lab *lab, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set heads;
    struct ablation how;
    bool ok = experiment_ablation(lab, &how, err)
              && experiment_select_heads(lab, &scratch, &heads, err)
              && variants_heads(heads.heads, heads.n, how, out, err);
    arena_release(&scratch);
    return ok;
}

bool experiment_none(const struct lab *lab, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set heads; // what is asked for must be there before anything is loaded
    bool ok = experiment_select_heads(lab, &scratch, &heads, err) && variants_init(out, 0, err);
    arena_release(&scratch);
    return ok;
}
