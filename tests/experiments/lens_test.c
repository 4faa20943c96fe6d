// Direct effects, their sums, and the logit lens of every architecture against transformers in
// float64, row by row: tests/fixtures/lens-golden.json, written by tools/golden_lens.py.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "analysis/lens_estimates.h"
#include "experiments/experiments.h"
#include "experiments/lens.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/mini_model.h"
#include "tests/support/rig.h"

enum { MAX_ROWS = 8, MAX_HEADS = 64 };

static const double tolerance = 1e-4, sum_tolerance = 1e-4, end_tolerance = 1e-5;

static struct abl_err err;

// ---------------------------------------------------------------------------------------- expected

static const char *const biases[] = { [VALUE_BIAS_FOLDED] = "folded", [VALUE_BIAS_HEAD] = "head" };

// --------------------------------------------------------------------------------------- a session

// One model of the fixture with its prompts, each a cluster of its own.
struct bench {
    const cJSON *model, *rows;
    const char *name, *device;
    struct prompt items[MAX_ROWS];
    uint32_t ids[MAX_ROWS][GOLDEN_MAX_IDS], cluster[MAX_ROWS];
    struct prompts prompts;
    struct rig rig;
    struct session session;
};

static void read_prompt(struct bench *b, uint32_t i)
{
    const cJSON *row = cJSON_GetArrayItem(b->rows, (int)i), *ids = fixture_at(row, "ids");
    size_t n = (size_t)cJSON_GetArraySize(ids);
    assert_true(n <= GOLDEN_MAX_IDS);
    for (size_t k = 0; k < n; k++)
        b->ids[i][k] = (uint32_t)fixture_nth(ids, k);
    b->items[i] = (struct prompt){ .ids = b->ids[i],
                                   .n_ids = (uint32_t)n,
                                   .target = (uint32_t)fixture_number(fixture_at(row, "target")),
                                   .foil = (uint32_t)fixture_number(fixture_at(row, "foil")),
                                   .cluster = i };
    b->cluster[i] = i;
}

// Open the model that the bench names, with its prompts.
static void lab_on(struct bench *b, uint64_t mem, uint64_t weights_mem)
{
    size_t n = b->prompts.n;
    struct rig_settings s = { .device = b->device,
                              .model = b->name,
                              .prompts = b->prompts.items,
                              .n_prompts = n,
                              .mem = mem,
                              .weights_mem = weights_mem };
    rig_open(&b->rig, &s);
    b->session = (struct session){ .settings.experiment = experiment_named("lens"),
                                   .model = b->rig.model,
                                   .engine = b->rig.engine,
                                   .forward = b->rig.forward,
                                   .prompts = &b->prompts,
                                   .intact = b->rig.intact };
    CHECK(resampler_new(b->cluster, n, (uint32_t)n, 20, 0, 0.05, &b->session.resampler, &err));
}

static void bench_open(struct bench *b, const cJSON *model, const char *device, uint64_t mem,
                       uint64_t weights_mem)
{
    *b = (struct bench){ .model = model, .rows = fixture_at(model, "rows"), .device = device };
    b->name = fixture_at(model, "model")->valuestring;
    uint32_t n = (uint32_t)cJSON_GetArraySize(b->rows);
    assert_in_range(n, 2, MAX_ROWS);
    for (uint32_t i = 0; i < n; i++)
        read_prompt(b, i);
    b->prompts = (struct prompts){ .items = b->items, .n = n, .n_clusters = n };
    lab_on(b, mem, weights_mem);
}

static void bench_close(struct bench *b)
{
    resampler_free(b->session.resampler);
    rig_close(&b->rig);
}

// Calls check for each model on each device.
static void each(void (*check)(const cJSON *model, const char *device))
{
    const char *devices[2];
    size_t n = test_devices(devices);
    cJSON *golden = fixture_read("tests/fixtures/lens-golden.json");
    const cJSON *model;
    assert_int_equal(cJSON_GetArraySize(fixture_at(golden, "models")), 41);
    cJSON_ArrayForEach(model, fixture_at(golden, "models"))
    {
        for (size_t d = 0; d < n; d++)
            check(model, devices[d]);
    }
    cJSON_Delete(golden);
}

// ------------------------------------------------------------------------------------------- tests

// What the parts add up to.
static double uncapped_ld_of(const struct bench *b, const struct row_stats *s)
{
    double cap = (double)b->rig.model->shape.logit_cap;
    return cap > 0
               ? cap * (atanh((double)s->target_logit / cap) - atanh((double)s->foil_logit / cap))
               : ld_of(s);
}

static void check_parts(const struct bench *b, const struct lens *l, enum value_bias bias)
{
    for (size_t i = 0; i < l->n_rows; i++) {
        const cJSON *row = cJSON_GetArrayItem(b->rows, (int)i);
        const cJSON *want = fixture_at(fixture_at(row, "direct"), biases[bias]);
        double sum = 0;
        assert_int_equal(cJSON_GetArraySize(want), l->n_parts);
        for (size_t k = 0; k < l->n_parts; k++) {
            golden_close(l->parts[k].rows[i], fixture_nth(want, k), tolerance,
                         "%s, %s, %s, row %zu, part %zu (%s)", b->name, b->device, biases[bias], i,
                         k, direct_kind_name(l->parts[k].kind));
            sum += l->parts[k].rows[i];
        }
        double ld = uncapped_ld_of(b, &b->session.intact[i]);
        golden_close(sum, ld, sum_tolerance, "%s, %s, %s, row %zu, sum of the parts", b->name,
                     b->device, biases[bias], i);
        assert_true(fabs(sum - ld) <= l->worst_sum);
    }
}

static void check_points(const struct bench *b, const struct lens *l)
{
    for (size_t i = 0; i < l->n_rows; i++) {
        const cJSON *want = fixture_at(cJSON_GetArrayItem(b->rows, (int)i), "lens");
        assert_int_equal(cJSON_GetArraySize(want), l->n_points);
        for (size_t p = 0; p < l->n_points; p++) {
            static const enum metric metrics[]
                = { METRIC_LD, METRIC_LOGPROB, METRIC_RANK, METRIC_ENTROPY };
            const struct row_stats *found = &l->points[p].rows[i];
            for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++)
                golden_close(metric_value(metrics[m], found, found),
                             fixture_nth(cJSON_GetArrayItem(want, (int)p), m), tolerance,
                             "%s, %s, row %zu, point %zu, %s", b->name, b->device, i, p,
                             metric_info(metrics[m])->name);
        }
        golden_close(ld_of(&l->points[l->n_points - 1].rows[i]), ld_of(&b->session.intact[i]),
                     end_tolerance, "%s, %s, row %zu, end of the lens", b->name, b->device, i);
    }
}

static void check_model(const cJSON *model, const char *device)
{
    struct bench b;
    bench_open(&b, model, device, 0, 0);
    for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
        struct arena a = { 0 };
        struct lens *l;
        b.session.settings.ablation.value_bias = (enum value_bias)bias;
        CHECK(lens_make(&b.session, NULL, &a, &l, &err));
        check_parts(&b, l, (enum value_bias)bias);
        check_points(&b, l);
        arena_release(&a);
    }
    bench_close(&b);
}

static void every_architecture_agrees_row_by_row(void **state)
{
    (void)state;
    each(check_model);
}

// Each prompt in a block of its own, each layer's weights loaded when it is their turn.
static void check_small_memory(const cJSON *model, const char *device)
{
    struct bench b;
    struct arena a = { 0 };
    struct lens *l;
    size_t n_blocks;
    bench_open(&b, model, device, 1, 1);
    forward_blocks(b.rig.forward, &n_blocks);
    assert_true(n_blocks > 1);
    CHECK(lens_make(&b.session, NULL, &a, &l, &err));
    check_parts(&b, l, VALUE_BIAS_FOLDED);
    check_points(&b, l);
    arena_release(&a);
    bench_close(&b);
}

static void blocks_and_streamed_weights_change_nothing(void **state)
{
    (void)state;
    each(check_small_memory);
}

static size_t every_head(const struct model_shape *s, struct head *out)
{
    size_t n = 0;
    for (uint32_t l = 0; l < s->n_layers; l++)
        for (uint32_t h = 0; h < s->n_heads; h++)
            out[n++] = (struct head){ l, h };
    assert_true(n <= MAX_HEADS);
    return n;
}

// Ablate every head and read: the lens lies in in->arena.
static void read_beside_ablation(struct bench *b, struct ablation how, struct readings *in,
                                 struct lens_estimates *out)
{
    struct head heads[MAX_HEADS];
    struct variants v;
    b->session.settings.ablation = how;
    CHECK(variants_heads(heads, every_head(&b->rig.model->shape, heads), how, &v, &err));
    rig_run(&b->rig, &v);
    bool done[MAX_HEADS];
    memset(done, true, sizeof done);
    struct results t = {
        .variants = &v, .n_prompts = b->prompts.n, .rows = b->rig.rows, .done = done, .n_done = v.n
    };
    struct measured_rows measured = session_measured_rows(&b->session);
    CHECK(experiment_lens.read(&b->session, &t, NULL, in, &err));
    CHECK(lens_estimates_make(&measured, &t, in->lens, out, &err));
    variants_release(&v);
}

static void check_indirect(const cJSON *model, const char *device)
{
    struct bench b;
    bench_open(&b, model, device, 0, 0);
    for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
        struct readings in = { 0 };
        struct lens_estimates found;
        size_t head = 0;
        read_beside_ablation(&b, (struct ablation){ .value_bias = (enum value_bias)bias }, &in,
                             &found);
        for (size_t k = 0; k < in.lens->n_parts; k++) {
            const struct direct_part *p = &in.lens->parts[k];
            const struct direct_estimate *e = &found.parts[k];
            double want = 0;
            assert_int_equal(e->indirect.n, p->kind == DIRECT_HEAD ? b.prompts.n : 0);
            if (p->kind != DIRECT_HEAD)
                continue;
            if (b.rig.model->shape.logit_cap > 0) {
                assert_true(isnan(e->indirect.mean));
                continue;
            }
            for (size_t i = 0; i < b.prompts.n; i++)
                want += fixture_nth(
                    fixture_at(fixture_at(cJSON_GetArrayItem(b.rows, (int)i), "indirect"),
                               biases[bias]),
                    head);
            want /= (double)b.prompts.n;
            golden_close(e->indirect.mean, want, 2 * tolerance, "%s, %s, %s, indirect of head %zu",
                         b.name, device, biases[bias], head);
            assert_true(e->indirect.ci_lo < e->indirect.mean
                        && e->indirect.mean < e->indirect.ci_hi);
            if (b.prompts.n < LEAST_TESTED_CLUSTERS)
                assert_true(isnan(e->indirect.p) && isnan(e->indirect.q));
            else
                assert_true(e->indirect.q >= e->indirect.p);
            head++;
        }
        lens_estimates_release(&found);
        arena_release(&in.arena);
    }
    bench_close(&b);
}

static void indirect_effects_are_totals_less_direct_ones(void **state)
{
    (void)state;
    each(check_indirect);
}

static void halving_a_head_takes_half_of_it(void **state)
{
    (void)state;
    cJSON *golden = fixture_read("tests/fixtures/lens-golden.json");
    struct bench b;
    struct readings in = { 0 };
    struct lens_estimates found;
    bench_open(&b, cJSON_GetArrayItem(fixture_at(golden, "models"), 0), "cpu", 0, 0);
    read_beside_ablation(&b, (struct ablation){ .scale = 0.5f }, &in, &found);
    for (size_t k = 0; k < in.lens->n_parts; k++) {
        const struct direct_part *p = &in.lens->parts[k];
        const struct direct_estimate *e = &found.parts[k];
        if (p->kind == DIRECT_HEAD)
            golden_close(e->total.mean + 0.5 * e->ld.mean, e->indirect.mean, 1e-12, "part %zu", k);
    }
    lens_estimates_release(&found);
    arena_release(&in.arena);
    bench_close(&b);
    cJSON_Delete(golden);
}

// A mean writes something of its own: what its ablation takes is not the head's share.
static void other_kinds_have_no_indirect_effect(void **state)
{
    (void)state;
    cJSON *golden = fixture_read("tests/fixtures/lens-golden.json");
    struct bench b;
    struct readings in = { 0 };
    struct lens_estimates found;
    bench_open(&b, cJSON_GetArrayItem(fixture_at(golden, "models"), 0), "cpu", 0, 0);
    read_beside_ablation(&b, (struct ablation){ .kind = ABLATE_MEAN }, &in, &found);
    size_t n = 0;
    for (size_t k = 0; k < in.lens->n_parts; k++) {
        const struct direct_part *p = &in.lens->parts[k];
        const struct direct_estimate *e = &found.parts[k];
        if (p->kind != DIRECT_HEAD)
            continue;
        n++;
        assert_true(isfinite(e->total.mean));
        assert_true(isnan(e->indirect.mean) && isnan(e->indirect.ci_lo)
                    && isnan(e->indirect.ci_hi));
        assert_true(isnan(e->indirect.p) && isnan(e->indirect.q));
    }
    assert_int_equal(n, b.rig.model->shape.n_layers * b.rig.model->shape.n_heads);
    lens_estimates_release(&found);
    arena_release(&in.arena);
    bench_close(&b);
    cJSON_Delete(golden);
}

// A stream of one column is all mean: the norm divides nothing by sqrt(eps), and ld is the norm's
// bias alone.
static void a_stream_without_spread_adds_up(void **state)
{
    (void)state;
    enum { N = 5 };
    struct scratch scratch;
    struct mini_model mini = { .n_layers = 1,
                               .n_heads = 1,
                               .d_model = 1,
                               .d_mlp = 3,
                               .n_vocab = 7,
                               .n_ctx = 9,
                               .dtype = "F32" };
    scratch_make(&scratch);
    mini_model_write(&scratch, "one", &mini);
    struct bench b = { .name = scratch_path(&scratch, "one"), .device = "cpu" };
    struct prompt *items = prompts_random(N, mini.n_ctx, mini.n_vocab, 3);
    for (uint32_t i = 0; i < N; i++)
        b.cluster[i] = i;
    b.prompts = (struct prompts){ .items = items, .n = N, .n_clusters = N };
    lab_on(&b, 0, 0);
    struct arena a = { 0 };
    struct lens *l;
    CHECK(lens_make(&b.session, NULL, &a, &l, &err));
    golden_close(l->worst_sum, 0, 1e-6, "sum of the parts");
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k + 1 < l->n_parts; k++)
            assert_true(fabs(l->parts[k].rows[i]) <= 1e-9);
    arena_release(&a);
    bench_close(&b);
    prompts_random_free(items);
    scratch_remove(&scratch);
}

static void stops_when_cancelled(void **state)
{
    (void)state;
    cJSON *golden = fixture_read("tests/fixtures/lens-golden.json");
    struct bench b;
    struct arena a = { 0 };
    struct lens *l = NULL;
    atomic_bool cancel = true;
    bench_open(&b, cJSON_GetArrayItem(fixture_at(golden, "models"), 0), "cpu", 0, 0);
    assert_false(lens_make(&b.session, &cancel, &a, &l, &err));
    assert_int_equal(err.code, ABL_INTERRUPTED);
    assert_null(l);
    arena_release(&a);
    bench_close(&b);
    cJSON_Delete(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_architecture_agrees_row_by_row),
        cmocka_unit_test(blocks_and_streamed_weights_change_nothing),
        cmocka_unit_test(indirect_effects_are_totals_less_direct_ones),
        cmocka_unit_test(halving_a_head_takes_half_of_it),
        cmocka_unit_test(other_kinds_have_no_indirect_effect),
        cmocka_unit_test(a_stream_without_spread_adds_up),
        cmocka_unit_test(stops_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
