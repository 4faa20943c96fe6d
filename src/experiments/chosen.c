#include "experiments/chosen.h"

#include <stdio.h>
#include <string.h>

#include "plan/head_syntax.h"

// An ablation with its donors.
static bool find_donors(const struct session *session, struct ablation *out, struct abl_err *err)
{
    char option[64];
    snprintf(option, sizeof option, "--ablate %s", ablation_kind_name(out->kind));
    switch (ablation_needs(out->kind)) {
    case NEEDS_NOTHING:
    case NEEDS_MEANS:
        break;
    case NEEDS_RESAMPLED:
        out->donor = DONOR_MAP_RESAMPLED;
        out->n_donors = settings_donors(&session->settings);
        return donors_need_resampled(&session->donors, option, err);
    case NEEDS_OTHER:
        out->donor = DONOR_MAP_OTHER;
        return donors_need_other(&session->donors, option, err);
    }
    return true;
}

// Where they all act.
static bool find_place(const struct session *session, struct ablations *out, struct abl_err *err)
{
    const char *text = settings_ablated_at(&session->settings);
    struct arena scratch = { 0 };
    struct position *found;
    size_t n;
    if (!text)
        return true;
    bool ok = chosen_positions_of(session, text, false, &scratch, &found, &n, err)
              && (n == 1
                  || abl_fail(err, ABL_USAGE,
                              "--positions %s: heads are ablated at one place: expected all, last, "
                              "diff, END, NAME:last of a span, or a number such as -1",
                              text))
              && (found->at != POSITION_DIFF
                  || donors_need_other(&session->donors, "--positions diff", err));
    for (size_t i = 0; ok && i < out->n; i++) {
        out->items[i].at_position = found->at != ALL_POSITIONS;
        out->items[i].position = found->at;
        out->items[i].reach = found->reach;
    }
    arena_release(&scratch);
    return ok;
}

bool chosen_ablations(const struct session *session, struct ablations *out, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    *out = settings_ablations(s);
    if (out->n > 1 && s->experiment->traits & ONE_KIND)
        return abl_fail(err, ABL_USAGE, "--experiment %s reads one kind of ablation: found %zu",
                        s->experiment->name, out->n);
    if (out->n > 1 && conventions_of(s->compat)->own_metrics)
        return abl_fail(err, ABL_USAGE, "--compat %s takes one kind of ablation: found %zu",
                        compat_name(s->compat), out->n);
    for (size_t i = 0; i < out->n; i++)
        if (!find_donors(session, &out->items[i], err))
            return false;
    return find_place(session, out, err);
}

bool chosen_heads(const struct session *session, struct arena *a, struct head_set *out,
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
           || abl_fail(err, ABL_USAGE, "no head is left: --heads %.*s has none in --layers %s",
                       s->heads ? (int)strcspn(s->heads, "\n") : 3, s->heads ? s->heads : "all",
                       s->layers ? s->layers : "all");
}

// How many tokens the longest prompt has, of what gives to it too where it is paired.
static uint32_t longest_prompt(const struct prompts *prompts, bool paired)
{
    uint32_t longest = 0;
    for (size_t i = 0; i < prompts->n; i++) {
        const struct prompt *p = &prompts->items[i];
        uint32_t n = paired && p->n_corrupt_ids < p->n_ids ? p->n_corrupt_ids : p->n_ids;
        longest = n > longest ? n : longest;
    }
    return longest;
}

bool chosen_positions_of(const struct session *session, const char *text, bool paired,
                         struct arena *a, struct position **out, size_t *n, struct abl_err *err)
{
    const struct prompts *rows = session->prompts, *run = session_prompts(session);
    const struct position_names names = { .n_tokens = longest_prompt(rows, paired),
                                          .has_bos = rows->bos != TOKEN_NONE,
                                          .spans = rows->span_names,
                                          .n_spans = rows->n_span_names,
                                          .prompts = run->items,
                                          .n_prompts = run->n };
    return positions_parse(text, &names, a, out, n, err);
}

bool chosen_positions(const struct session *session, bool paired, struct arena *a,
                      struct position **out, size_t *n, struct abl_err *err)
{
    return chosen_positions_of(session, session_positions(session), paired, a, out, n, err);
}

bool chosen_sets(const struct session *session, struct arena *a, struct head_set **out, size_t *n,
                 struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct model_shape *shape = &session->model->shape;
    struct head_set *parts[3] = { NULL };
    size_t counts[3] = { 0 }, total = 0;
    if ((s->sets && !sets_parse(s->sets, shape, a, &parts[0], &counts[0], err))
        || (s->pairs && !combinations_parse(s->pairs, 2, shape, a, &parts[1], &counts[1], err))
        || (s->triplets
            && !combinations_parse(s->triplets, 3, shape, a, &parts[2], &counts[2], err)))
        return false;
    for (int i = 0; i < 3; i++)
        total += counts[i];
    if (!total)
        return abl_fail(
            err, ABL_USAGE,
            "--experiment %s needs --sets, such as --sets '0:2+0:4;0:2+0:7', or --pairs "
            "0:2,4,7",
            s->experiment->name);
    struct head_set *all = arena_alloc(a, total, sizeof *all);
    if (!all)
        return abl_no_memory(err);
    *n = 0;
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < counts[i]; k++)
            all[(*n)++] = parts[i][k];
    *out = all;
    return true;
}

bool chosen_list_heads(const struct session *session, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set heads;
    struct ablations kinds;
    struct variants v = { 0 };
    bool ok = chosen_ablations(session, &kinds, err) && chosen_heads(session, &scratch, &heads, err)
              && variants_init(&v, heads.n * kinds.n, err);
    for (size_t i = 0; ok && i < kinds.n; i++)
        ok = variants_add_heads(&v, heads.heads, heads.n, kinds.items[i], err);
    arena_release(&scratch);
    if (ok)
        *out = v;
    else
        variants_release(&v);
    return ok;
}

bool chosen_list_none(const struct session *session, struct variants *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct head_set heads; // what is asked for must be there before anything is loaded
    bool ok = chosen_heads(session, &scratch, &heads, err) && variants_init(out, 0, err);
    arena_release(&scratch);
    return ok;
}
