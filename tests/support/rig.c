#include "tests/support/rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "stats/metrics.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"

void rig_open(struct rig *r, const struct rig_settings *settings)
{
    struct abl_err err;
    *r = (struct rig){ .settings = *settings };
    size_t n = settings->n_prompts;
    r->intact = calloc(n, sizeof *r->intact);
    assert_non_null(r->intact);
    if (settings->like) {
        r->model = settings->like->model;
        r->engine = settings->like->engine;
    } else if (!model_open(settings->model, OWNER_TRANSFORMERS_5, &r->model, &err)
               || !engine_open(settings->device, settings->n_threads ? settings->n_threads : 2,
                               settings->precision, &r->engine, &err))
        fail_msg("%s", err.text);
    struct forward_settings f
        = { .engine = r->engine,
            .weights_mem = settings->weights_mem ? settings->weights_mem : UINT64_MAX,
            .left_out = settings->left_out,
            .model = r->model,
            .prompts = settings->prompts,
            .n_prompts = n,
            .donors = settings->donors,
            .n_donors = settings->n_donors,
            .donor_maps = r->settings.donor_maps,
            .has_bos = settings->has_bos,
            .mem = settings->mem ? settings->mem : 64u << 20 };
    if (!forward_open(&f, r->intact, &r->forward, &err))
        fail_msg("%s", err.text);
}

void rig_run(struct rig *r, const struct variants *v)
{
    struct abl_err err;
    free(r->rows);
    r->n_variants = v->n;
    r->rows = calloc(v->n * r->settings.n_prompts, sizeof *r->rows);
    bool *done = calloc(v->n, sizeof *done);
    assert_true(r->rows && done);
    struct forward_job job = { .variants = v, .done = done, .rows = r->rows };
    if (!forward_run(r->forward, &job, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < v->n; i++)
        assert_true(done[i]);
    free(done);
}

void rig_close(struct rig *r)
{
    forward_free(r->forward);
    if (!r->settings.like) {
        r->engine->ops->free(r->engine);
        model_free(r->model);
    }
    free(r->intact);
    free(r->rows);
}

void rig_each_model(const struct rig_settings *settings, void (*check)(struct rig *r))
{
    static const char *const models[]
        = { "tests/fixtures/archs/gpt2", "tests/fixtures/archs/neox-parallel",
            "tests/fixtures/archs/qwen2-window" };
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
            struct rig r;
            struct rig_settings s = *settings;
            s.device = devices[i];
            s.model = models[k];
            s.n_threads = 1; // waking a second takes longer than a product
            rig_open(&r, &s);
            check(&r);
            rig_close(&r);
        }
}

struct block *rig_block(const struct rig *r)
{
    size_t n;
    struct block *b = forward_blocks(r->forward, &n);
    assert_int_equal(n, 1);
    return b;
}

float *rig_download(const struct rig *r, struct tensor t)
{
    struct abl_err err;
    float *values = malloc((size_t)t.rows * t.cols * sizeof *values);
    assert_non_null(values);
    CHECK(r->engine->ops->download(r->engine, t, values, &err));
    return values;
}

void same_floats(const float *found, const float *expected, size_t n, double tolerance,
                 const char *what)
{
    if (tolerance == 0) {
        assert_memory_equal(found, expected, n * sizeof *found);
        return;
    }
    for (size_t i = 0; i < n; i++)
        golden_close((double)found[i], (double)expected[i], tolerance, "%s, %zu", what, i);
}

struct place {
    const char *what, *device, *label;
    size_t prompt;
};

static void check_row(const struct row_stats *row, const struct row_stats *intact,
                      const struct reference_row *expected,
                      const struct reference_row *expected_intact, double tolerance,
                      const struct place *p)
{
    for (int i = 0; i < N_METRICS; i++) {
        enum metric m = (enum metric)i;
        if (reference_near_tie(m, expected, expected_intact, tolerance))
            continue;
        golden_close(metric_value(m, row, intact), reference_metric(m, expected, expected_intact),
                     tolerance, "%s, %s, %s, prompt %zu, %s", p->what, p->device, p->label,
                     p->prompt, metric_info(m)->name);
    }
    golden_close(metric_delta(METRIC_LD, row, intact),
                 reference_metric(METRIC_LD, expected, expected_intact)
                     - reference_metric(METRIC_LD, expected_intact, expected_intact),
                 tolerance, "%s, %s, %s, prompt %zu, delta_ld", p->what, p->device, p->label,
                 p->prompt);
}

void rig_check(const struct rig *r, const struct variants *v, double tolerance, const char *what)
{
    struct abl_err err;
    size_t n = r->settings.n_prompts;
    struct reference_row *intact = calloc(n, sizeof *intact);
    struct reference_row *rows = calloc(n * v->n + 1, sizeof *rows);
    const struct rig_settings *s = &r->settings;
    struct reference_job job = { .model = r->model,
                                 .prompts = s->prompts,
                                 .n_prompts = n,
                                 .donors = s->donors,
                                 .n_donors = s->n_donors,
                                 .donor_maps = s->donor_maps,
                                 .has_bos = s->has_bos,
                                 .variants = v };
    if (!reference_run(&job, intact, rows, &err))
        fail_msg("%s", err.text);
    for (size_t p = 0; p < n; p++) {
        struct place at = { what, r->settings.device, "intact", p };
        check_row(&r->intact[p], &r->intact[p], &intact[p], &intact[p], tolerance, &at);
        for (size_t i = 0; i < v->n; i++) {
            at.label = v->items[i].label;
            check_row(&r->rows[i * n + p], &r->intact[p], &rows[i * n + p], &intact[p], tolerance,
                      &at);
        }
    }
    free(intact);
    free(rows);
}

void same_stats(const struct row_stats *found, const struct row_stats *expected, double tolerance,
                const char *format, ...)
{
    char where[256];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    golden_close((double)found->target_logit, (double)expected->target_logit, tolerance,
                 "%s, target_logit", where);
    golden_close((double)found->foil_logit, (double)expected->foil_logit, tolerance,
                 "%s, foil_logit", where);
    golden_close((double)found->target_lse, (double)expected->target_lse, tolerance,
                 "%s, target_lse", where);
    golden_close((double)found->lse, (double)expected->lse, tolerance, "%s, lse", where);
    golden_close((double)found->entropy, (double)expected->entropy, tolerance, "%s, entropy",
                 where);
    golden_close((double)found->kl, (double)expected->kl, tolerance, "%s, kl", where);
}

enum { LISTED_TARGETS = 3, LISTED_FOILS = 4, LISTED = LISTED_TARGETS + LISTED_FOILS };

// Spans 0 and 1, where the prompt has them, and tokens that differ from some other prompt's.
static void random_places(struct rng *r, struct prompt *p, struct token_span *spans,
                          uint32_t *differs)
{
    p->spans.items = spans;
    p->differs = differs;
    for (uint32_t name = 0; name < 2; name++) {
        uint32_t first = rng_below(r, p->n_ids), n = 1 + rng_below(r, 3);
        if (rng_below(r, 4) && first + n <= p->n_ids)
            spans[p->spans.n++] = (struct token_span){ name, first, first + n };
    }
    for (uint32_t back = 0; back < p->n_ids; back++)
        if (!rng_below(r, 3))
            differs[p->n_differs++] = back;
}

// The ids of all lie in one array, the first prompt's; so do lists, spans and differences.
struct prompt *prompts_random(size_t n, uint32_t max_ids, uint32_t n_vocab, uint64_t seed)
{
    struct rng r, places;
    rng_seed(&r, seed);
    rng_seed(&places, seed + 1);
    struct prompt *p = calloc(n, sizeof *p);
    uint32_t *ids = calloc(n * (max_ids + LISTED), sizeof *ids);
    struct answer_lists *lists = calloc(n, sizeof *lists);
    uint32_t *differs = calloc(n * max_ids, sizeof *differs);
    struct token_span *spans = calloc(2 * n, sizeof *spans);
    assert_true(p && ids && lists && differs && spans);
    for (size_t i = 0; i < n; i++) {
        uint32_t *own = ids + i * max_ids, count = 1 + rng_below(&r, max_ids);
        for (uint32_t k = 0; k < count; k++)
            own[k] = rng_below(&r, n_vocab);
        if (i % 3 == 2)
            memcpy(own, own - max_ids, (count + 1) / 2 * sizeof *own);
        uint32_t target = rng_below(&r, n_vocab);
        p[i] = (struct prompt){ .ids = own,
                                .n_ids = count,
                                .target = target,
                                .foil = (target + 1 + rng_below(&r, n_vocab - 1)) % n_vocab,
                                .cluster = (uint32_t)i };
        random_places(&places, &p[i], spans + 2 * i, differs + i * max_ids);
        if (i % 5)
            continue;
        uint32_t *listed = ids + n * max_ids + i * LISTED;
        for (uint32_t k = 0; k < LISTED; k++)
            listed[k] = (target + k) % n_vocab;
        lists[i] = (struct answer_lists){ .targets = { listed, 1 + (uint32_t)i % LISTED_TARGETS },
                                          .foils = { listed + LISTED_TARGETS,
                                                     1 + (uint32_t)i % LISTED_FOILS },
                                          .how = i % 2 ? ANSWERS_LSE : ANSWERS_MEAN };
        p[i].lists = &lists[i];
        p[i].foil = lists[i].foils.ids[0];
    }
    return p;
}

void prompts_random_free(struct prompt *prompts)
{
    free((void *)(uintptr_t)prompts[0].ids);
    free((void *)(uintptr_t)prompts[0].lists);
    free((void *)(uintptr_t)prompts[0].differs);
    free(prompts[0].spans.items);
    free(prompts);
}

void rig_check_pairs(const struct rig *r, const struct variants *v, double tolerance,
                     const char *what)
{
    size_t n = r->settings.n_prompts;
    for (size_t k = 0; k + 1 < v->n; k += 2)
        for (size_t p = 0; p < n; p++)
            same_stats(&r->rows[k * n + p], &r->rows[(k + 1) * n + p], tolerance,
                       "%s, %s = %s, prompt %zu", what, v->items[k].label, v->items[k + 1].label,
                       p);
}

double ld_of(const struct row_stats *row)
{
    return (double)row->target_logit - (double)row->foil_logit;
}
