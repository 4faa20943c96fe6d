// The forward pass on every engine against the double-precision reference and transformers'
// float64: models of odd sizes, all storage types, and seeded random variants over every site,
// operation, source and position.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "forward/weights.h"
#include "plan/head_syntax.h"
#include "plan/variant.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"
#include "tests/support/mini_model.h"
#include "tests/support/random_variants.h"
#include "tests/support/rig.h"

enum { MAX_HEADS = 64 };

static const double tolerance = 1e-4;

static struct abl_err err;
static struct scratch scratch;

static int make_scratch(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static struct variants every_head(const struct model_shape *s, struct ablation how)
{
    struct head heads[MAX_HEADS];
    size_t n = 0;
    for (uint32_t l = 0; l < s->n_layers; l++)
        for (uint32_t h = 0; h < s->n_heads; h++) {
            assert_true(n < MAX_HEADS);
            heads[n++] = (struct head){ l, h };
        }
    struct variants v;
    if (!variants_heads(heads, n, how, &v, &err))
        fail_msg("%s", err.text);
    return v;
}

static void check_goldens(const struct rig *r, const struct golden *g, const struct variants *v,
                          enum value_bias bias)
{
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct golden_row *row = &g->rows[i];
        golden_close(metric_value(METRIC_LD, &r->intact[i], &r->intact[i]), row->ld, 1e-3,
                     "%s, %s row %zu, ld", r->settings.device, row->condition, i);
        for (size_t k = 0; k < v->n; k++)
            golden_close(metric_delta(METRIC_LD, &r->rows[k * g->n_rows + i], &r->intact[i]),
                         row->by_head[bias].delta_ld[k], 1e-3, "%s, %s row %zu, %s, delta_ld",
                         r->settings.device, row->condition, i, v->items[k].label);
    }
}

static void compare_with_golden(const char *path, size_t step, const char *device)
{
    struct golden g;
    struct rig r;
    golden_open(path, &g);
    golden_thin(&g, step);
    struct rig_settings s
        = { .device = device, .model = g.model, .prompts = g.prompts, .n_prompts = g.n_rows };
    rig_open(&r, &s);
    for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
        struct variants v
            = every_head(&r.model->shape,
                         (struct ablation){ .scale = 0.0f, .value_bias = (enum value_bias)bias });
        rig_run(&r, &v);
        check_goldens(&r, &g, &v, (enum value_bias)bias);
        rig_check(&r, &v, tolerance, path);
        variants_release(&v);
    }
    rig_close(&r);
    golden_release(&g);
}

static void agrees_with_transformers_and_the_reference(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        compare_with_golden("tests/fixtures/odd-gpt2-golden.json", 1, devices[i]);
        compare_with_golden("tests/fixtures/tiny-gpt2-golden.json", 7, devices[i]);
    }
}

// Sizes at and around what tiles and vectors are cut into.
static const struct mini_model minis[] = {
    { .n_layers = 1,
      .n_heads = 1,
      .d_model = 1,
      .d_mlp = 1,
      .n_vocab = 3,
      .n_ctx = 9,
      .dtype = "F32" },
    { .n_layers = 2,
      .n_heads = 3,
      .d_model = 21,
      .d_mlp = 37,
      .n_vocab = 101,
      .n_ctx = 17,
      .dtype = "F32" },
    { .n_layers = 3,
      .n_heads = 5,
      .d_model = 60,
      .d_mlp = 176,
      .n_vocab = 257,
      .n_ctx = 40,
      .dtype = "F32",
      .flags = MINI_UNTIED | MINI_LM_HEAD | MINI_LAYER_SCALE },
    { .n_layers = 2,
      .n_heads = 2,
      .d_model = 128,
      .d_mlp = 129,
      .n_vocab = 511,
      .n_ctx = 33,
      .dtype = "F32",
      .flags = MINI_NO_ATTN_SCALE | MINI_SHARDS },
    { .n_layers = 2,
      .n_heads = 4,
      .d_model = 64,
      .n_vocab = 1025,
      .n_ctx = 70,
      .dtype = "F32",
      .flags = MINI_NO_VALUE_BIAS | MINI_PREFIX },
};

static void agrees_with_the_reference_at_odd_sizes(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t k = 0; k < sizeof minis / sizeof *minis; k++) {
        struct mini_model mini = minis[k];
        char name[32];
        mini.seed = k;
        snprintf(name, sizeof name, "odd%zu", k);
        mini_model_write(&scratch, name, &mini);
        struct prompt *prompts = prompts_random(7, mini.n_ctx, mini.n_vocab, k);
        for (size_t i = 0; i < n; i++) {
            struct rig r;
            struct rig_settings s = { .device = devices[i],
                                      .model = scratch_path(&scratch, name),
                                      .prompts = prompts,
                                      .n_prompts = 7 };
            rig_open(&r, &s);
            struct variants v
                = every_head(&r.model->shape,
                             (struct ablation){ .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED });
            rig_run(&r, &v);
            rig_check(&r, &v, tolerance, name);
            variants_release(&v);
            rig_close(&r);
        }
        prompts_random_free(prompts);
    }
}

// The weights are the same numbers in all three types, so that the results are the same bits.
static void storage_types_give_the_same_results(void **state)
{
    (void)state;
    const char *devices[2], *types[] = { "F32", "F16", "BF16" };
    size_t n = test_devices(devices);
    struct mini_model mini = minis[1];
    struct prompt *prompts = prompts_random(5, mini.n_ctx, mini.n_vocab, 4);
    for (size_t i = 0; i < n; i++) {
        struct rig r[3];
        for (int t = 0; t < 3; t++) {
            mini.dtype = types[t];
            mini_model_write(&scratch, types[t], &mini);
            struct rig_settings s = { .device = devices[i],
                                      .model = scratch_path(&scratch, types[t]),
                                      .prompts = prompts,
                                      .n_prompts = 5 };
            rig_open(&r[t], &s);
            struct variants v
                = every_head(&r[t].model->shape,
                             (struct ablation){ .scale = 0.0f, .value_bias = VALUE_BIAS_HEAD });
            rig_run(&r[t], &v);
            rig_check(&r[t], &v, tolerance, types[t]);
            variants_release(&v);
            assert_memory_equal(r[t].rows, r[0].rows, r[0].n_variants * 5 * sizeof *r[0].rows);
        }
        for (int t = 0; t < 3; t++)
            rig_close(&r[t]);
    }
    prompts_random_free(prompts);
}

// Numbers that fp16 holds are the same numbers when the device stores them so; cooperative matrices
// add them up in another order.
static void matrices_in_fp16_lose_nothing_that_fp16_holds(void **state)
{
    (void)state;
    const char *devices[2], *shaders[] = { "texel", "tile" };
    bool has_vulkan
        = test_devices(devices) > 0 && strcmp(devices[test_devices(devices) - 1], "cpu");
    struct mini_model mini = minis[1];
    struct prompt *prompts = prompts_random(5, mini.n_ctx, mini.n_vocab, 4);
    mini.dtype = "F16";
    mini_model_write(&scratch, "halves", &mini);
    for (int k = 0; has_vulkan && k < 2; k++) {
        struct rig r[2];
        setenv("ABLTUI_VULKAN_GEMM", shaders[k], 1);
        for (int p = 0; p < 2; p++) {
            struct rig_settings s = { .device = "vulkan",
                                      .model = scratch_path(&scratch, "halves"),
                                      .prompts = prompts,
                                      .n_prompts = 5,
                                      .precision = p ? PRECISION_F16 : PRECISION_F32 };
            rig_open(&r[p], &s);
            struct variants v
                = every_head(&r[p].model->shape,
                             (struct ablation){ .scale = 0.0f, .value_bias = VALUE_BIAS_HEAD });
            rig_run(&r[p], &v);
            rig_check(&r[p], &v, tolerance, shaders[k]);
            variants_release(&v);
        }
        bool coop = strstr(r[1].engine->info.driver, "cooperative");
        for (size_t i = 0; i < r[0].n_variants * 5; i++)
            same_stats(&r[1].rows[i], &r[0].rows[i], coop ? 1e-5 : 0, "%s, row %zu", shaders[k], i);
        rig_close(&r[0]);
        rig_close(&r[1]);
        unsetenv("ABLTUI_VULKAN_GEMM");
    }
    prompts_random_free(prompts);
}

static void random_variants_agree_with_the_reference(void **state)
{
    (void)state;
    const char *devices[2];
    // everything at once; a prompt at a time; a few
    static const uint64_t budgets[] = { 0, 1, 40 << 10 };
    size_t n = test_devices(devices), n_prompts = 7;
    struct mini_model mini = { .n_layers = 3,
                               .n_heads = 3,
                               .d_model = 18,
                               .d_mlp = 31,
                               .n_vocab = 67,
                               .n_ctx = 12,
                               .dtype = "F32",
                               .seed = 9 };
    mini_model_write(&scratch, "random", &mini);
    struct prompt *prompts = prompts_random(n_prompts, mini.n_ctx, mini.n_vocab, 5);
    enum { N_DONORS = 11 }; // from the second budget on others than the prompts
    struct prompt *donors = prompts_random(N_DONORS, mini.n_ctx, mini.n_vocab, 55);
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < 3; b++) {
            struct rig r;
            struct rng rng;
            rng_seed(&rng, 100 + b);
            static struct random_variants list;
            struct rig_settings s = { .device = devices[i],
                                      .donor_maps = { list.donor },
                                      .model = scratch_path(&scratch, "random"),
                                      .prompts = prompts,
                                      .n_prompts = n_prompts,
                                      .donors = b ? donors : NULL,
                                      .n_donors = b ? N_DONORS : 0,
                                      .has_bos = b != 1,
                                      .mem = budgets[b] };
            rig_open(&r, &s);
            for (int k = 0; k < 20; k++) {
                char what[64];
                random_variants_make(&list, &rng, &r.model->shape, b ? N_DONORS : n_prompts,
                                     prompts, n_prompts);
                rig_run(&r, &list.v);
                snprintf(what, sizeof what, "budget %zu, list %d", b, k);
                rig_check(&r, &list.v, tolerance, what);
            }
            rig_close(&r);
        }
    prompts_random_free(donors);
    prompts_random_free(prompts);
}

// Each variant beside one that says the same in other words.
static void equal_interventions_give_equal_results(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices), n_prompts = 6;
    struct mini_model mini = minis[1];
    mini_model_write(&scratch, "equal", &mini);
    struct prompt *prompts = prompts_random(n_prompts, mini.n_ctx, mini.n_vocab, 6);
    uint32_t self[6] = { 0, 1, 2, 3, 4, 5 };
    struct edit z = { .site = SITE_Z, .layer = 0, .head = 1, .position = ALL_POSITIONS };
    struct edit scale0 = z, none0 = z, set_c = z, set_0 = z, scale = z, add = z;
    scale0.source = SOURCE_CONSTANT;
    set_c.op = EDIT_SET, set_c.source = SOURCE_CONSTANT;
    set_0.op = EDIT_SET;
    scale.factor = 1.75f;
    add.op = EDIT_ADD, add.factor = 0.75f, add.source = SOURCE_ROW;
    struct edit other = z, pair[2], riap[2];
    other.layer = 1, other.head = 2;
    pair[0] = riap[1] = z;
    pair[1] = riap[0] = other;
    struct variant items[] = { { .label = "scale 0 folded", .edits = &scale0, .n_edits = 1 },
                               { .label = "set constant", .edits = &set_c, .n_edits = 1 },
                               { .label = "scale 0 head", .edits = &none0, .n_edits = 1 },
                               { .label = "set 0", .edits = &set_0, .n_edits = 1 },
                               { .label = "scale 1.75", .edits = &scale, .n_edits = 1 },
                               { .label = "add 0.75 of itself", .edits = &add, .n_edits = 1 },
                               { .label = "pair", .edits = pair, .n_edits = 2 },
                               { .label = "pair reversed", .edits = riap, .n_edits = 2 } };
    struct variants v = { .items = items, .n = 8 };
    for (size_t i = 0; i < n; i++) {
        struct rig r;
        struct rig_settings s = { .device = devices[i],
                                  .model = scratch_path(&scratch, "equal"),
                                  .donor_maps = { self },
                                  .prompts = prompts,
                                  .n_prompts = n_prompts };
        rig_open(&r, &s);
        rig_run(&r, &v);
        rig_check_pairs(&r, &v, 1e-5, devices[i]);
        double apart = 0;
        for (size_t p = 0; p < n_prompts; p++)
            apart
                = fmax(apart, fabs((double)r.rows[p].lse - (double)r.rows[2 * n_prompts + p].lse));
        assert_true(apart > 1e-3); // the value bias matters
        rig_close(&r);
    }
    prompts_random_free(prompts);
}

static void without_a_value_bias_both_modes_agree(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    struct mini_model mini = minis[1];
    mini.flags = MINI_NO_VALUE_BIAS;
    mini_model_write(&scratch, "unbiased", &mini);
    struct prompt *prompts = prompts_random(4, mini.n_ctx, mini.n_vocab, 7);
    for (size_t i = 0; i < n; i++) {
        struct rig r[2];
        struct rig_settings s = { .device = devices[i],
                                  .model = scratch_path(&scratch, "unbiased"),
                                  .prompts = prompts,
                                  .n_prompts = 4 };
        for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
            rig_open(&r[bias], &s);
            struct variants v = every_head(
                &r[bias].model->shape,
                (struct ablation){ .scale = 0.25f, .value_bias = (enum value_bias)bias });
            rig_run(&r[bias], &v);
            variants_release(&v);
        }
        for (size_t k = 0; k < r[0].n_variants * 4; k++)
            same_stats(&r[0].rows[k], &r[1].rows[k], 1e-6, "%s, row %zu", devices[i], k);
        rig_close(&r[0]);
        rig_close(&r[1]);
    }
    prompts_random_free(prompts);
}

static void a_prompt_does_not_feel_its_company(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    enum { N = 9 };
    struct mini_model mini = minis[2];
    mini_model_write(&scratch, "shared", &mini);
    struct prompt *prompts = prompts_random(N, mini.n_ctx, mini.n_vocab, 8);
    struct prompt reversed[N];
    for (size_t p = 0; p < N; p++)
        reversed[p] = prompts[N - 1 - p];
    for (size_t i = 0; i < n; i++) {
        struct rig all, back, tiny;
        const char *folder = scratch_path(&scratch, "shared");
        struct rig_settings s
            = { .model = folder, .device = devices[i], .prompts = prompts, .n_prompts = N };
        rig_open(&all, &s);
        struct variants v = every_head(
            &all.model->shape, (struct ablation){ .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED });
        rig_run(&all, &v);
        s.mem = 1; // a prompt and a variant at a time
        rig_open(&tiny, &s);
        rig_run(&tiny, &v);
        s.prompts = reversed;
        s.mem = 200 << 10; // a few
        rig_open(&back, &s);
        rig_run(&back, &v);
        for (size_t p = 0; p < N; p++) {
            struct rig alone;
            s = (struct rig_settings){
                .device = devices[i], .model = folder, .prompts = prompts + p, .n_prompts = 1
            };
            rig_open(&alone, &s);
            rig_run(&alone, &v);
            for (size_t k = 0; k < v.n; k++) {
                const struct row_stats *want = &alone.rows[k];
                const char *label = v.items[k].label;
                same_stats(&all.rows[k * N + p], want, 2e-6, "%s, together, %s, prompt %zu",
                           devices[i], label, p);
                same_stats(&tiny.rows[k * N + p], want, 2e-6, "%s, small budget, %s, prompt %zu",
                           devices[i], label, p);
                same_stats(&back.rows[k * N + N - 1 - p], want, 2e-6,
                           "%s, reversed, %s, prompt %zu", devices[i], label, p);
            }
            rig_close(&alone);
        }
        variants_release(&v);
        rig_close(&all);
        rig_close(&back);
        rig_close(&tiny);
    }
    prompts_random_free(prompts);
}

// Weights that do not fit come and go layer by layer: the same numbers to the bit.
static void weights_may_come_and_go(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    enum { N = 5 };
    struct mini_model mini = minis[1];
    mini_model_write(&scratch, "visits", &mini);
    struct prompt *prompts = prompts_random(N, mini.n_ctx, mini.n_vocab, 9);
    for (size_t i = 0; i < n; i++) {
        struct rig stay, visit;
        struct rig_settings s = { .device = devices[i],
                                  .model = scratch_path(&scratch, "visits"),
                                  .prompts = prompts,
                                  .n_prompts = N };
        rig_open(&stay, &s);
        struct variants v
            = every_head(&stay.model->shape,
                         (struct ablation){ .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED });
        rig_run(&stay, &v);
        struct weights_fit fit = weights_fit_of(&stay.model->shape, PRECISION_F32, UINT64_MAX);
        assert_true(fit.n_streamed == 0 && fit.kept == fit.bytes);
        for (uint64_t mem = 1; mem < fit.bytes; mem += fit.layer / 2) {
            s.weights_mem = mem;
            assert_true(weights_fit_of(&stay.model->shape, PRECISION_F32, mem).n_streamed > 0);
            rig_open(&visit, &s);
            rig_run(&visit, &v);
            for (size_t k = 0; k < v.n * N; k++)
                same_stats(&visit.rows[k], &stay.rows[k], 0,
                           "%s, %" PRIu64 " bytes, %s, prompt %zu", devices[i], mem,
                           v.items[k / N].label, k % N);
            rig_close(&visit);
        }
        variants_release(&v);
        rig_close(&stay);
    }
    prompts_random_free(prompts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_transformers_and_the_reference),
        cmocka_unit_test(agrees_with_the_reference_at_odd_sizes),
        cmocka_unit_test(storage_types_give_the_same_results),
        cmocka_unit_test(matrices_in_fp16_lose_nothing_that_fp16_holds),
        cmocka_unit_test(random_variants_agree_with_the_reference),
        cmocka_unit_test(equal_interventions_give_equal_results),
        cmocka_unit_test(without_a_value_bias_both_modes_agree),
        cmocka_unit_test(a_prompt_does_not_feel_its_company),
        cmocka_unit_test(weights_may_come_and_go),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
