#include "session/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/traced.h"
#include "forward/forward.h"
#include "forward/weights.h"
#include "plan/shards.h"
#include "session/held_out.h"
#include "session/ranked_foils.h"
#include "session/session_parts.h"
#include "session/tinylab_measure.h"
#include "session/tinylab_sequences.h"
#include "text/text_prompts.h"

static bool open_data(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    if (settings_have_templates(s))
        return dataset_open_templates(&s->templates, &s->fields, s->split, s->max_rows, s->skip_bad,
                                      &session->data, &session->n_dropped, err);
    return dataset_open_as(&s->fields, s->data, s->data_dir, s->split, s->max_rows, s->skip_bad,
                           &session->data, &session->n_dropped, err);
}

static bool open_prompts(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct conventions *c = conventions_of(s->compat);
    struct prompts_options options = { .bos = s->bos,
                                       .skip_bad = s->skip_bad,
                                       .fix_spaces = s->fix_spaces,
                                       .equal_answers = c->keeps_equal_answers ? LINT_KEPT
                                                        : s->strict_rows       ? LINT_REFUSED
                                                                               : LINT_DROPPED,
                                       .notes = &session->model->notes,
                                       .n_ctx = session->model->shape.n_ctx,
                                       .n_vocab = session->model->shape.n_vocab,
                                       .by = s->fields.by,
                                       .cluster = s->cluster ? s->cluster : c->clusters,
                                       .whole_answers = s->whole_answers && !c->sequences,
                                       .answers = s->answers,
                                       .foil = s->foil,
                                       .seed = s->seed };
    if (!open_data(session, err))
        return false;
    if (s->condition)
        session->data->name = s->condition;
    return prompts_make(session->data, session->tokenizer, &options, &session->prompts, err)
           && (!c->lay_out
               || c->lay_out(session->prompts, session->tokenizer, options.n_vocab, err));
}

static bool open_model(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    struct model_places places = { s->data_dir, s->hf_cache };
    char *path;
    bool named;
    if (!model_find(s->model, &places, &path, &named, err))
        return false;
    bool ok = model_open(path, s->like, &session->model, err)
              && model_tokenizer(session->model, s->like, &session->tokenizer, err)
              && (!named || model_rename(session->model, s->model) || abl_no_memory(err));
    free(path);
    return ok;
}

const char *session_positions(const struct session *session)
{
    const struct settings *s = &session->settings;
    const char *theirs = conventions_of(s->compat)->positions;
    if (s->positions)
        return s->positions;
    if (theirs || s->whole_answers || !(s->experiment->options & READS_PATCH))
        return theirs ? theirs : "all";
    for (size_t i = 0; i < session->prompts->n; i++)
        if (session->prompts->items[i].n_ids != session->prompts->items[i].n_corrupt_ids)
            return "last";
    return "diff";
}

static const struct whole_answers *run_answers(const struct session *session)
{
    return session->answers ? session->answers : session->sequences;
}

const struct prompts *session_prompts(const struct session *session)
{
    const struct whole_answers *answers = run_answers(session);
    return answers ? &answers->prompts : session->prompts;
}

// What the rows' whole answers, or sequences, take.
static bool make_answers(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct model_shape *shape = &session->model->shape;
    if (!s->whole_answers)
        return true;
    return conventions_of(s->compat)->sequences
               ? tinylab_sequences_make(session->prompts, session->tokenizer, shape->n_ctx,
                                        shape->n_vocab, &session->arena, &session->sequences, err)
               : whole_answers_make(session->prompts, &session->arena, &session->answers, err);
}

static bool compares_with_other(const struct session *session)
{
    return session->settings.experiment->traits & READS_OTHER
           && session->donors.maps[DONOR_MAP_OTHER];
}

// tinyLab had this of patches alone.
static bool list_compared(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    if (!conventions_of(s->compat)->own_metrics || !(s->experiment->options & READS_PATCH))
        return true;
    session->compared = tinylab_compared(session_prompts(session), session->sequences,
                                         compares_with_other(session), &session->arena);
    return session->compared || abl_no_memory(err);
}

// The heads of each draw that --layers leaves in.
static bool read_draws(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct model_shape *shape = &session->model->shape;
    bool *keep = arena_alloc(&session->arena, shape->n_layers, sizeof *keep);
    if (!keep)
        return abl_no_memory(err);
    if (!(s->experiment->options & READS_HEADS)
        || !layers_parse(s->layers ? s->layers : "all", shape, keep, err)
        || !heads_draws(s->heads, shape, &session->arena, &session->draws, &session->n_draws, err))
        return !(s->experiment->options & READS_HEADS);
    for (size_t i = 0; i < session->n_draws; i++) {
        struct head_set *set = &session->draws[i].heads;
        size_t n = 0;
        for (size_t k = 0; k < set->n; k++)
            if (keep[set->heads[k].layer])
                set->heads[n++] = set->heads[k];
        set->n = n;
    }
    return true;
}

static bool draw_donors(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    struct donor_draw draw = { s->seed, s->donor_from, settings_donors(s) };
    return donors_make(session_prompts(session), draw, &session->arena, &session->donors, err);
}

static bool open_cold(struct session *session, const struct settings *s, struct abl_err *err)
{
    if (!settings_copy(s, &session->arena, &session->settings, err) || !open_model(session, err)
        || !open_prompts(session, err))
        return false;
    return (!settings_run_corrupt(s) || donors_swap(session->prompts, err))
           && make_answers(session, err) && draw_donors(session, err) && list_compared(session, err)
           && read_draws(session, err);
}

// What has been opened, or nothing.
static bool opened(struct session *session, bool ok, struct session **out)
{
    if (ok)
        *out = session;
    else
        session_free(session);
    return ok;
}

bool session_open_cold(const struct settings *s, struct session **out, struct abl_err *err)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return abl_no_memory(err);
    return opened(session, open_cold(session, s, err), out);
}

bool session_resampler_new(const struct settings *s, const struct prompts *p,
                           struct resampler **out, struct abl_err *err)
{
    uint32_t *cluster = malloc(p->n * sizeof *cluster);
    if (!cluster)
        return abl_no_memory(err);
    for (size_t i = 0; i < p->n; i++)
        cluster[i] = p->items[i].cluster;
    bool ok = resampler_new(cluster, p->n, p->n_clusters, s->n_boot, s->seed, s->alpha, out, err);
    free(cluster);
    return ok;
}

// Who gives to whom, for the uncertainty of resampled rows. Whole answers are never resampled.
static bool pair_donors(struct session *session, struct abl_err *err)
{
    const struct prompts *p = session->prompts;
    const uint32_t *const *drawn = session->donors.maps + DONOR_MAP_RESAMPLED;
    if (!*drawn || session_prompts(session) != p)
        return true;
    uint32_t *cluster = calloc(p->n + 1, sizeof *cluster);
    if (!cluster)
        return abl_no_memory(err);
    for (size_t i = 0; i < p->n; i++)
        cluster[i] = p->items[i].cluster;
    bool ok = donor_pairs_new(cluster, p->n, p->n_clusters, drawn,
                              settings_donors(&session->settings), &session->pairs, err);
    free(cluster);
    return ok;
}

// The intact run of the other prompts, where the experiment is compared with it.
static bool read_other(struct session *session, struct abl_err *err)
{
    size_t n = session->prompts->n;
    if (!compares_with_other(session))
        return true;
    size_t n_run = session_prompts(session)->n;
    struct row_stats *run = arena_alloc(&session->arena, n_run, sizeof *run);
    session->other = arena_alloc(&session->arena, n, sizeof *session->other);
    if (!run || !session->other)
        return abl_no_memory(err);
    if (!forward_read_other(session->forward, run, err))
        return false;
    struct workload w = session_workload(session);
    workload_fold(&w, run, session->other);
    return true;
}

bool session_engine_open(const struct settings *s, struct engine **out, struct abl_err *err)
{
    if (!engine_open(s->device, s->n_threads, s->precision, out, err))
        return false;
    if (s->weights != WEIGHTS_STORED || (*out)->info.stores)
        return true;
    abl_fail(err, ABL_USAGE,
             "--weights stored is of the cpu in f32: expected --device cpu and --precision f32, or "
             "--weights auto or f32; found %s in %s",
             (*out)->info.name, precision_name((*out)->info.precision));
    (*out)->ops->free(*out);
    return false;
}

// The engine, traced where that is asked for or free.
static bool open_engine(const struct settings *s, struct engine **out, struct abl_err *err)
{
    return session_engine_open(s, out, err)
           && ((!s->profile && (*out)->info.kind != DEVICE_CPU)
               || traced_engine_new(*out, s->profile, out, err));
}

// What is run intact beside the prompts that run.
static struct prompt_list other_prompts(const struct session *session)
{
    size_t n = session_prompts(session)->n; // the first donors are the run's own
    return compares_with_other(session)
               ? (struct prompt_list){ session->donors.prompts + n, session->donors.n - n }
               : (struct prompt_list){ 0 };
}

struct forward_settings session_forward_settings(const struct session *session,
                                                 const struct device_info *device)
{
    const struct settings *s = &session->settings;
    const struct prompts *p = session_prompts(session);
    struct run_memory mem = settings_memory(s, device);
    return (struct forward_settings){ .engine = session->engine,
                                      .model = session->model,
                                      .prompts = p->items,
                                      .n_prompts = p->n,
                                      .other = other_prompts(session),
                                      .donors = session->donors.prompts,
                                      .n_donors = session->donors.n,
                                      .donor_maps = session->donors.maps,
                                      .has_bos = session->prompts->bos != TOKEN_NONE,
                                      .mem = mem.activations,
                                      .weights_mem = mem.weights,
                                      .weights_stored = weights_are_stored(
                                          s->weights, &session->model->shape, device),
                                      .weights_flags = s->damage_weight ? WEIGHTS_DAMAGED : 0,
                                      .n_positions = OBSERVED_POSITIONS,
                                      .tap = session->tinylab ? &session->tinylab->tap : NULL };
}

struct plan_input session_plan_input(const struct session *session,
                                     const struct device_info *device)
{
    struct forward_settings f = session_forward_settings(session, device);
    struct plan_input in = forward_plan_input(&f, device);
    if (conventions_of(session->settings.compat)->own_metrics)
        in.taps = tinylab_kinds(compares_with_other(session), session->sequences);
    in.compared = session->compared;
    return in;
}

static bool open_measure(struct session *session, struct abl_err *err)
{
    const struct model_shape *shape = &session->model->shape;
    struct tinylab_settings s = { .sequences = session->sequences,
                                  .compared = session->compared,
                                  .n_rows = session->prompts->n,
                                  .n_run = session_prompts(session)->n,
                                  .n_vocab = shape->n_vocab,
                                  .d_model = shape->d_model,
                                  .of_other = compares_with_other(session) };
    return tinylab_measure_new(&s, &session->tinylab, err);
}

static struct ranking_request ranking_of(const struct session *session)
{
    const struct settings *s = &session->settings;
    return (struct ranking_request){ .prompts = session->prompts,
                                     .corrupt = settings_run_corrupt(s),
                                     .shape = &session->model->shape,
                                     .tokenizer = session->tokenizer,
                                     .n_foils = s->foil.n,
                                     .answers = s->answers };
}

// Whether some row waits for the model's choice.
static bool foils_wait(const struct session *session)
{
    const struct prompts *p = session->prompts;
    for (size_t i = 0; session->settings.foil.from == FOIL_TOP && i < p->n; i++)
        if (foil_is_missing(&p->items[i]))
            return true;
    return false;
}

bool session_observe_foils(const struct session *session, struct observations *out,
                           struct abl_err *err)
{
    struct ranking_request q = ranking_of(session);
    return !foils_wait(session) || ranked_foils_observe(&q, out, err);
}

struct forward_spent session_spent(const struct session *session)
{
    struct forward_spent all = forward_spent(session->forward);
    if (session->ranker) {
        struct forward_spent before = forward_spent(session->ranker);
        all.n_batches += before.n_batches;
        all.token_rows += before.token_rows;
    }
    return all;
}

// Donors hold their rows' foils, too.
static bool rank_foils(struct session *session, struct abl_err *err)
{
    struct ranking_request q = ranking_of(session);
    if (!foils_wait(session))
        return true;
    struct forward_settings f = session_forward_settings(session, &session->engine->info);
    return ranked_foils_find(&q, &f, &session->ranker, err) && draw_donors(session, err);
}

static bool open_device(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    struct engine *engine;
    if (!open_engine(s, &engine, err))
        return false;
    session->engine = engine;
    session->device = engine->info;
    const struct prompts *p = session_prompts(session);
    struct row_stats *intact = arena_alloc(&session->arena, p->n, sizeof *intact);
    session->intact = arena_alloc(&session->arena, session->prompts->n, sizeof *session->intact);
    if (!intact || !session->intact)
        return abl_no_memory(err);
    if (conventions_of(s->compat)->own_metrics && !open_measure(session, err))
        return false;
    if (!rank_foils(session, err))
        return false;
    struct forward_settings f = session_forward_settings(session, &engine->info);
    f.weights = session->ranker ? forward_weights(session->ranker) : NULL;
    if (!forward_open(&f, intact, &session->forward, err))
        return false;
    struct workload w = session_workload(session);
    workload_fold(&w, intact, session->intact);
    if (session->tinylab)
        tinylab_keep_intact(session->tinylab, intact);
    return read_other(session, err);
}

// Whether the intact model prefers the target behind the clean prompt, row by row: pre-flight's
// last warning.
static bool judge(struct session *session, struct abl_err *err)
{
    size_t n = session->prompts->n;
    const struct row_stats *clean
        = settings_run_corrupt(&session->settings) ? session->other : session->intact;
    if (!clean)
        return true;
    bool *prefers = malloc(n * sizeof *prefers);
    if (!prefers)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        prefers[i] = clean[i].target_logit > clean[i].foil_logit;
    bool ok = prompts_judge(session->prompts, prefers, err);
    free(prefers);
    return ok;
}

static bool know_subsets(struct session *session, struct abl_err *err)
{
    const struct settings *s = &session->settings;
    struct row_subsets_of of = { .prompts = session->prompts,
                                 .donors = session->donors.prompts,
                                 .donor_maps = session->donors.maps,
                                 .held_out = session->held_out,
                                 .resampler = session->resampler,
                                 .pairs = session->pairs,
                                 .n_boot = s->n_boot,
                                 .seed = s->seed,
                                 .alpha = s->alpha };
    return row_subsets_new(&of, &session->subsets, err);
}

// What uncertainty is worked out from.
static bool know_rows(struct session *session, struct abl_err *err)
{
    return prompts_refuse(session->prompts, err)
           && session_resampler_new(&session->settings, session->prompts, &session->resampler, err)
           && pair_donors(session, err)
           && held_out_draw(&session->settings, session->prompts->n_clusters, &session->arena,
                            &session->held_out, err)
           && know_subsets(session, err);
}

bool session_start(struct session *session, struct abl_err *err)
{
    return know_rows(session, err) && open_device(session, err) && judge(session, err);
}

static const struct row_stats *copy_rows(struct session *session, const struct row_stats *rows)
{
    size_t n = session->prompts->n;
    struct row_stats *copy = arena_alloc(&session->arena, n, sizeof *copy);
    return copy ? memcpy(copy, rows, n * sizeof *copy) : NULL;
}

bool session_start_kept(struct session *session, const struct device_info *device,
                        const char *device_name, const struct row_stats *intact,
                        const struct row_stats *other, struct abl_err *err)
{
    session->device = *device;
    session->settings.device = arena_strdup(&session->arena, device_name);
    session->intact = (struct row_stats *)copy_rows(session, intact);
    session->other = other ? (struct row_stats *)copy_rows(session, other) : NULL;
    if (!session->settings.device || !session->intact || (other && !session->other))
        return abl_no_memory(err);
    return know_rows(session, err) && judge(session, err);
}

bool session_shard_others(const struct session *session, const struct variants *variants,
                          uint32_t i, uint32_t n, uint64_t *cells, struct abl_err *err)
{
    struct plan_input in = session_plan_input(session, &session->device);
    in.variants = variants;
    return shard_others(&in, i, n, cells, err);
}

bool session_open(const struct settings *s, struct session **out, struct abl_err *err)
{
    struct session *session;
    if (!session_open_cold(s, &session, err))
        return false;
    return opened(session, session_start(session, err), out);
}

bool session_open_text(const struct settings *s, const char *text, struct session **out,
                       struct abl_err *err)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return abl_no_memory(err);
    bool ok = settings_copy(s, &session->arena, &session->settings, err) && open_model(session, err)
              && text_prompts_make(session->tokenizer, s->bos, text, &session->prompts, err)
              && open_device(session, err);
    return opened(session, ok, out);
}

void session_free(struct session *session)
{
    if (!session)
        return;
    forward_free(session->forward);
    forward_free(session->ranker);
    tinylab_measure_free(session->tinylab);
    if (session->engine)
        session->engine->ops->free(session->engine);
    row_subsets_free(session->subsets);
    resampler_free(session->resampler);
    donor_pairs_free(session->pairs);
    prompts_free(session->prompts);
    dataset_free(session->data);
    tokenizer_free(session->tokenizer);
    model_free(session->model);
    arena_release(&session->arena);
    free(session);
}

struct workload session_workload(const struct session *session)
{
    return (struct workload){ .n_rows = session->prompts->n,
                              .forward = session->forward,
                              .answers = run_answers(session),
                              .tinylab = session->tinylab };
}

bool session_run(struct session *session, struct results *t, atomic_bool *cancel,
                 session_progress *progress, void *context, struct abl_err *err)
{
    struct workload w = session_workload(session);
    return workload_run(&w, t, NULL, cancel, progress, context, err);
}

bool session_observe(struct session *session, const struct observer *o, struct abl_err *err)
{
    if (!run_answers(session))
        return forward_observe(session->forward, o, err);
    return forward_observe_prompts(session->forward, session->prompts->items, session->prompts->n,
                                   o, err);
}
