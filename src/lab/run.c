#include "lab/run.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/traced.h"
#include "lab/attn.h"
#include "lab/clamped.h"
#include "lab/forward.h"
#include "lab/experiments.h"
#include "lab/lens.h"
#include "lab/ov.h"
#include "lab/readings.h"
#include "lab/run_parts.h"
#include "lab/weights.h"
#include "text/padding.h"

static const double default_sample_from = 2.5e11; // about a second of two cores

#define GPU_MEM (UINT64_C(2) << 30) // at most, where --mem says nothing
enum { DEFAULT_BOOT = 1000, DEFAULT_CONTROLS = 20, DEFAULT_TOP_K = 100, DEFAULT_MEM = 256 << 20 };

static const struct {
    const char *name, *about;
    bool (*list)(const struct lab *lab, struct variants *out, struct abl_err *err);
    bool ablates;     // whether --ablate means something
    bool reads_other; // whether results are compared with the other run
    // What is read off the intact run behind the variants; NULL = nothing.
    bool (*read)(struct lab *lab, const struct table *t, atomic_bool *cancel, struct readings *out,
                 struct abl_err *err);
} experiments[N_EXPERIMENTS] = {
    [EXPERIMENT_HEADS] = { "heads", "each head alone", experiment_heads, true, false, NULL },
    [EXPERIMENT_SETS]
    = { "sets", "joint ablations, against random sets", experiment_sets, true, false, NULL },
    [EXPERIMENT_PATCH]
    = { "patch", "activations of the other prompt put in", experiment_patch, false, true, NULL },
    [EXPERIMENT_PARTIAL]
    = { "partial", "sets with heads given back", experiment_partial, true, false, NULL },
    [EXPERIMENT_OV]
    = { "ov", "what heads write into the vocabulary", experiment_none, false, false, ov_read },
    [EXPERIMENT_LENS] = { "lens", "logit lens and direct effects beside total ones",
                          experiment_heads, true, false, lens_read },
    [EXPERIMENT_ATTN]
    = { "attn", "where heads look, and what for", experiment_attn, false, false, attn_read },
};

void run_settings_default(struct run_settings *s)
{
    *s = (struct run_settings){ .data_dir = "data",
                                .model = "tiny-gpt2",
                                .data = "facts",
                                .split = SPLIT_DEFAULT,
                                .experiment = EXPERIMENT_HEADS,
                                .ablation = { .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED },
                                .n_controls = DEFAULT_CONTROLS,
                                .sites = 1u << SITE_RESID_POST,
                                .top_k = DEFAULT_TOP_K,
                                .bos = BOS_AUTO,
                                .metric = METRIC_LD,
                                .n_boot = DEFAULT_BOOT,
                                .alpha = 0.05,
                                .sample_from = default_sample_from,
                                .device = "auto" };
}

const char *run_positions(const struct run_settings *s)
{
    if (s->positions)
        return s->positions;
    // tinyLab patched every position, whatever it was told; whole answers have no one last token.
    return s->compat == COMPAT_TINYLAB || s->whole_answers ? "all" : "last";
}

struct run_mem run_mem(const struct run_settings *s, const struct device_info *device)
{
    if (s->mem)
        return (struct run_mem){ s->mem, s->mem };
    uint64_t activations = DEFAULT_MEM;
    if (device->kind == DEVICE_VULKAN_GPU && device->memory / 16 > activations) // needs many rows
        activations = device->memory / 16 < GPU_MEM ? device->memory / 16 : GPU_MEM;
    return (struct run_mem){ activations, device->memory ? device->memory / 4 * 3 : UINT64_MAX };
}

static bool copy_sources(struct lab *lab, const struct run_settings *from, struct abl_err *err)
{
    const char **sources = arena_alloc(&lab->arena, from->n_sources, sizeof *sources);
    if (!sources)
        return abl_no_memory(err);
    for (size_t i = 0; i < from->n_sources; i++)
        if (!(sources[i] = arena_strdup(&lab->arena, from->sources[i])))
            return abl_no_memory(err);
    lab->settings.sources = sources;
    return true;
}

// The lab outlives whatever the caller's strings lived in.
static bool copy_settings(struct lab *lab, const struct run_settings *from, struct abl_err *err)
{
    struct run_settings *s = &lab->settings;
    *s = *from;
    const char **strings[]
        = { &s->data_dir, &s->hf_cache,     &s->model,          &s->data,          &s->condition,
            &s->run_name, &s->fields.clean, &s->fields.corrupt, &s->fields.target, &s->fields.foil,
            &s->heads,    &s->layers,       &s->sets,           &s->pairs,         &s->triplets,
            &s->restore,  &s->positions,    &s->device };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        if (!*strings[i])
            continue;
        *strings[i] = arena_strdup(&lab->arena, *strings[i]);
        if (!*strings[i])
            return abl_no_memory(err);
    }
    return copy_sources(lab, from, err);
}

static bool open_prompts(struct lab *lab, struct abl_err *err)
{
    const struct run_settings *s = &lab->settings;
    struct prompts_options options = { .bos = s->bos,
                                       .skip_bad = s->skip_bad,
                                       .n_ctx = lab->model->shape.n_ctx,
                                       .n_vocab = lab->model->shape.n_vocab,
                                       .cluster_by_template = s->cluster_by_template,
                                       .whole_answers = s->whole_answers };
    if (!dataset_open_as(&s->fields, s->data, s->data_dir, s->split, s->max_rows, s->skip_bad,
                         &lab->data, &lab->n_dropped, err))
        return false;
    if (s->condition)
        lab->data->name = s->condition;
    return prompts_make(lab->data, lab->tokenizer, &options, &lab->prompts, err)
           && (s->compat != COMPAT_TINYLAB
               || prompts_pad(lab->prompts, lab->tokenizer, options.n_vocab, err));
}

static bool open_model(struct lab *lab, struct abl_err *err)
{
    const struct run_settings *s = &lab->settings;
    struct model_places places = { s->data_dir, s->hf_cache };
    char *path;
    bool named;
    if (!model_find(s->model, &places, &path, &named, err))
        return false;
    bool ok = model_open(path, &lab->model, err) && model_tokenizer_open(path, &lab->tokenizer, err)
              && (!named || model_rename(lab->model, s->model) || abl_no_memory(err));
    free(path);
    return ok;
}

// The corrupt prompts are the ones that run, and the clean ones give.
static bool runs_corrupt(const struct run_settings *s)
{
    return s->experiment == EXPERIMENT_PATCH && s->direction == CLEAN_TO_CORRUPT;
}

const struct prompts *lab_run_prompts(const struct lab *lab)
{
    return lab->spans ? &lab->spans->prompts : lab->prompts;
}

static bool open_cold(struct lab *lab, const struct run_settings *s, struct abl_err *err)
{
    if (!copy_settings(lab, s, err) || !open_model(lab, err) || !open_prompts(lab, err))
        return false;
    return (!runs_corrupt(s) || donors_swap(lab->prompts, err))
           && (!s->whole_answers || spans_make(lab->prompts, &lab->arena, &lab->spans, err))
           && donors_make(lab_run_prompts(lab), s->seed, &lab->arena, &lab->donors, err);
}

bool lab_open_cold(const struct run_settings *s, struct lab **out, struct abl_err *err)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab)
        return abl_no_memory(err);
    if (!open_cold(lab, s, err)) {
        lab_free(lab);
        return false;
    }
    *out = lab;
    return true;
}

bool lab_make_resampler(struct lab *lab, struct abl_err *err)
{
    const struct prompts *p = lab->prompts;
    uint32_t *cluster = malloc(p->n * sizeof *cluster);
    if (!cluster)
        return abl_no_memory(err);
    for (size_t i = 0; i < p->n; i++)
        cluster[i] = p->items[i].cluster;
    const struct run_settings *s = &lab->settings;
    bool ok = resampler_new(cluster, p->n, p->n_clusters, s->n_boot, s->seed, s->alpha,
                            &lab->resampler, err);
    free(cluster);
    return ok;
}

// Which clusters are kept for confirmation: as many as the share asks for, to the nearest, drawn by the seed.
static bool hold_out(struct lab *lab, struct abl_err *err)
{
    uint32_t n = lab->prompts->n_clusters, left = (uint32_t)lround(lab->settings.holdout * n);
    if (!(lab->settings.holdout > 0))
        return true;
    if (left < 2 || n - left < 2)
        return abl_fail(err, ABL_BAD_DATA,
                        "--holdout %g of %" PRIu32 " clusters keeps %" PRIu32
                        ": expected at least 2 kept and 2 left; take more rows or another share",
                        lab->settings.holdout, n, left);
    lab->held_out = arena_alloc(&lab->arena, n, sizeof *lab->held_out);
    if (!lab->held_out)
        return abl_no_memory(err);
    struct rng rng;
    rng_seed(&rng, lab->settings.seed);
    for (uint32_t c = 0; c < n;
         c++) { // of the n - c clusters from here on, `left` are still to be kept
        lab->held_out[c] = rng_below(&rng, n - c) < left;
        left -= lab->held_out[c];
    }
    return true;
}

void lab_fold_rows(const struct lab *lab, const struct row_stats *run, struct row_stats *rows)
{
    if (lab->spans)
        spans_fold(lab->spans, run, rows);
    else
        memcpy(rows, run, lab->prompts->n * sizeof *rows);
}

// The intact run of the other prompts, where the experiment is compared with it.
static bool read_other(struct lab *lab, struct abl_err *err)
{
    size_t n = lab->prompts->n;
    if (!experiments[lab->settings.experiment].reads_other || !lab->donors.other)
        return true;
    size_t n_run = lab_run_prompts(lab)->n;
    struct row_stats *run = arena_alloc(&lab->arena, n_run, sizeof *run);
    lab->other = arena_alloc(&lab->arena, n, sizeof *lab->other);
    if (!run || !lab->other)
        return abl_no_memory(err);
    if (!forward_read_donors(lab->forward, n_run, n_run, run, err))
        return false;
    lab_fold_rows(lab, run, lab->other);
    return true;
}

// The engine, traced where that is asked for or free.
static bool open_engine(const struct run_settings *s, struct engine **out, struct abl_err *err)
{
    return engine_open(s->device, s->n_threads, s->precision, out, err)
           && ((!s->profile && (*out)->info.kind != DEVICE_CPU)
               || traced_engine_new(*out, s->profile, out, err));
}

struct forward_settings lab_forward_settings(const struct lab *lab)
{
    const struct run_settings *s = &lab->settings;
    const struct prompts *p = lab_run_prompts(lab);
    struct run_mem mem = run_mem(s, &lab->engine->info);
    return (struct forward_settings){ .engine = lab->engine,
                                      .model = lab->model,
                                      .prompts = p->items,
                                      .n_prompts = p->n,
                                      .donors = lab->donors.prompts,
                                      .n_donors = lab->donors.n,
                                      .has_bos = lab->prompts->bos != TOKEN_NONE,
                                      .mem = mem.activations,
                                      .weights_mem = mem.weights,
                                      .weights_flags = s->damage_weight ? WEIGHTS_DAMAGED : 0,
                                      .n_positions = ATTN_POSITIONS,
                                      .clamped = lab->clamped };
}

static bool open_device(struct lab *lab, struct abl_err *err)
{
    const struct run_settings *s = &lab->settings;
    struct engine *engine;
    if (!open_engine(s, &engine, err))
        return false;
    lab->engine = engine;
    const struct prompts *p = lab_run_prompts(lab);
    struct row_stats *intact = arena_alloc(&lab->arena, p->n, sizeof *intact);
    lab->intact = arena_alloc(&lab->arena, lab->prompts->n, sizeof *lab->intact);
    if (!intact || !lab->intact)
        return abl_no_memory(err);
    bool of_other = experiments[s->experiment].reads_other && lab->donors.other;
    if (s->compat == COMPAT_TINYLAB
        && !clamped_new(lab->prompts->n, lab->model->shape.n_vocab, of_other, &lab->clamped, err))
        return false;
    struct forward_settings f = lab_forward_settings(lab);
    if (!forward_open(&f, intact, &lab->forward, err))
        return false;
    lab_fold_rows(lab, intact, lab->intact);
    return read_other(lab, err);
}

// Whether the intact model prefers the target behind the clean prompt, row by row: pre-flight's last warning.
static bool judge(struct lab *lab, struct abl_err *err)
{
    size_t n = lab->prompts->n;
    const struct row_stats *clean = runs_corrupt(&lab->settings) ? lab->other : lab->intact;
    if (!clean)
        return true;
    bool *prefers = malloc(n * sizeof *prefers);
    if (!prefers)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        prefers[i] = clean[i].target_logit > clean[i].foil_logit;
    bool ok = prompts_judge(lab->prompts, prefers, err);
    free(prefers);
    return ok;
}

bool lab_start(struct lab *lab, struct abl_err *err)
{
    return prompts_refuse(lab->prompts, err) && lab_make_resampler(lab, err) && hold_out(lab, err)
           && open_device(lab, err) && judge(lab, err);
}

bool lab_open(const struct run_settings *s, struct lab **out, struct abl_err *err)
{
    struct lab *lab;
    if (!lab_open_cold(s, &lab, err))
        return false;
    if (!lab_start(lab, err)) {
        lab_free(lab);
        return false;
    }
    *out = lab;
    return true;
}

void lab_free(struct lab *lab)
{
    if (!lab)
        return;
    forward_free(lab->forward);
    clamped_free(lab->clamped);
    if (lab->engine)
        lab->engine->ops->free(lab->engine);
    resampler_free(lab->resampler);
    prompts_free(lab->prompts);
    dataset_free(lab->data);
    tokenizer_free(lab->tokenizer);
    model_free(lab->model);
    arena_release(&lab->arena);
    free(lab);
}

const char *experiment_name(enum experiment e)
{
    return experiments[e].name;
}

bool experiment_ablates(enum experiment e)
{
    return experiments[e].ablates;
}

const char *experiment_about(enum experiment e)
{
    return experiments[e].about;
}

bool lab_variants(const struct lab *lab, struct variants *out, struct abl_err *err)
{
    return spans_allow(&lab->settings, err) // the explorer may have changed them
           && experiments[lab->settings.experiment].list(lab, out, err);
}

bool table_init(struct table *t, const struct variants *v, size_t n_prompts, struct abl_err *err)
{
    *t = (struct table){ .variants = v, .n_prompts = n_prompts };
    size_t n = v->n ? v->n : 1; // an experiment may only read
    t->rows = calloc(n * n_prompts, sizeof *t->rows);
    t->done = calloc(n, sizeof *t->done);
    t->n_blocks_done = calloc(n, sizeof *t->n_blocks_done);
    if (t->rows && t->done && t->n_blocks_done)
        return true;
    table_release(t);
    return abl_no_memory(err);
}

void table_release(struct table *t)
{
    free(t->rows);
    free(t->done);
    free(t->clamped_kl);
    free(t->n_blocks_done);
    free(t->run);
    *t = (struct table){ 0 };
}

struct progress {
    const struct lab *lab;
    struct row_stats
        *run; // [variant * prompts run + prompt]; the table's own rows where these are what is run
    struct table *table;
    lab_progress *report;
    void *context;
};

static void variants_finished(void *context, const size_t *variants, size_t n)
{
    struct progress *p = context;
    for (size_t i = 0; p->lab->spans && i < n; i++)
        spans_fold(p->lab->spans, p->run + variants[i] * p->lab->spans->prompts.n,
                   p->table->rows + variants[i] * p->table->n_prompts);
    p->table->n_done += n;
    for (size_t i = 0; p->report && i < n; i++)
        p->report(p->context, p->table, variants[i]);
}

bool lab_run(struct lab *lab, struct table *t, atomic_bool *cancel, lab_progress *progress,
             void *context, struct abl_err *err)
{
    assert(t->n_prompts == lab->prompts->n);
    if (lab->clamped && !t->clamped_kl
        && !(t->clamped_kl = calloc((t->variants->n + 1) * t->n_prompts, sizeof *t->clamped_kl)))
        return abl_no_memory(err);
    size_t n_run = lab_run_prompts(lab)->n;
    if (lab->spans && !t->run && !(t->run = calloc(t->variants->n * n_run + 1, sizeof *t->run)))
        return abl_no_memory(err);
    struct row_stats *run = lab->spans ? t->run : t->rows;
    struct progress p = { lab, run, t, progress, context };
    struct forward_job job = { .variants = t->variants,
                               .done = t->done,
                               .n_blocks_done = t->n_blocks_done,
                               .rows = run,
                               .clamped_kl = t->clamped_kl,
                               .cancel = cancel,
                               .wanted = lab->wanted,
                               .finished = variants_finished,
                               .context = &p };
    return forward_run(lab->forward, &job, err);
}

bool lab_read(struct lab *lab, const struct table *t, atomic_bool *cancel, struct readings *out,
              struct abl_err *err)
{
    *out = (struct readings){ 0 };
    return !experiments[lab->settings.experiment].read
           || experiments[lab->settings.experiment].read(lab, t, cancel, out, err);
}

void readings_release(struct readings *r)
{
    arena_release(&r->arena);
    *r = (struct readings){ 0 };
}
