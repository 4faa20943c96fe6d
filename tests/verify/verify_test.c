// What `abltui verify` rests on: devices that compute rightly pass, a wrong weight does not, and
// the slice is what it says.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "tests/support/devices.h"
#include "verify/verify.h"

static struct abl_err err;

static struct settings settings_on(const char *device)
{
    struct settings s;
    settings_default(&s, &experiment_heads);
    s.device = device;
    return s;
}

static struct verify_limits rows(size_t n)
{
    return (struct verify_limits){ .n_rows = n };
}

static void print_drifts(const struct verify_result *r)
{
    for (int i = 0; i < N_DRIFTS; i++)
        print_message("%-24.24s %-8s max %.3g mean %.3g (n %zu, near ties %zu)\n", r->device.name,
                      r->drift[i].name, r->drift[i].max, r->drift[i].mean, r->drift[i].n,
                      r->drift[i].n_near);
}

static void every_device_passes_in_both_value_bias_modes(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++)
        for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
            struct verify v;
            struct settings s = settings_on(devices[i]);
            s.ablation.value_bias = (enum value_bias)bias;
            if (!verify_run(&s, rows(0), &v, &err) || !verify_passed(&v, &err))
                fail_msg("%s", err.text);
            const struct verify_result *r = &v.results[0];
            print_drifts(r);
            size_t values = (v.variants.n + 1) * v.n_prompts;
            assert_int_equal(v.n_results, 1);
            assert_int_equal(v.n_prompts, 8);
            assert_int_equal(r->drift[METRIC_LD].n, values);
            assert_int_equal(r->drift[METRIC_RANK].n + r->drift[METRIC_RANK].n_near, values);
            assert_true(r->drift[METRIC_RANK].n > values / 2); // ties are the exception
            assert_true(r->drift[METRIC_LD].mean <= r->drift[METRIC_LD].max);
            verify_release(&v);
        }
}

static void passes(const struct settings *s, size_t n_variants)
{
    struct verify v;
    if (!verify_run(s, rows(3), &v, &err) || !verify_passed(&v, &err))
        fail_msg("%s", err.text);
    assert_int_equal(v.n_prompts, 3);
    assert_int_equal(v.variants.n, n_variants);
    assert_int_equal(v.results[0].drift[METRIC_LD].n, (v.variants.n + 1) * 3);
    verify_release(&v);
}

// Kinds whose donors are among all of the run's rows, of which three are compared.
static void every_device_passes_with_other_rows_activations(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct settings s = settings_on(devices[i]);
        s.heads = "0:0,1:3,3:1";
        for (int kind = ABLATE_MEAN; kind <= ABLATE_PATCH; kind++) {
            s.ablation.kind = (enum ablate_kind)kind;
            passes(&s, kind == ABLATE_RESAMPLE ? 3 * settings_donors(&s) : 3);
        }
        s.ablation = (struct ablation){ .kind = ABLATE_SCALE };
        s.experiment = &experiment_patch;
        s.sites = 1u << SITE_RESID_POST;
        for (int d = CLEAN_TO_CORRUPT; d <= CORRUPT_TO_CLEAN; d++) {
            s.direction = (enum direction)d;
            passes(&s, 4 + 1); // one of each layer, and the sham
        }
        s.compat = COMPAT_TINYLAB; // padded, and aligned from the start
        passes(&s, 4 + 1);
    }
}

// What runs are the prompts of the answers' tokens: of three rows with answers of several tokens
// more than three.
static void whole_answers_are_compared_token_by_token(void **state)
{
    (void)state;
    struct settings s = settings_on("cpu");
    struct verify v;
    s.data = "tests/fixtures/span/tiny-gpt2.jsonl";
    s.heads = "0:2,2:1";
    s.whole_answers = true;
    for (int patched = 0; patched <= 1; patched++) {
        s.ablation.kind = patched ? ABLATE_PATCH : ABLATE_SCALE;
        if (!verify_run(&s, rows(100), &v, &err) || !verify_passed(&v, &err))
            fail_msg("%s", err.text);
        assert_true(v.session->prompts->n == 3 && v.n_prompts > 3);
        assert_int_equal(v.n_donors, patched ? v.n_prompts : 0);
        verify_release(&v);
    }
}

static void a_damaged_weight_fails_the_self_check(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct verify v;
        struct settings s = settings_on(devices[i]);
        s.damage_weight = true;
        if (!verify_run(&s, rows(2), &v, &err))
            fail_msg("%s", err.text);
        assert_false(v.results[0].pass);
        assert_false(verify_passed(&v, &err));
        assert_int_equal(err.code, ABL_SELF_CHECK);
        assert_non_null(strstr(err.text, "ld of "));
        assert_null(strchr(err.text, '\n'));
        print_message("%s\n", err.text);
        verify_release(&v);
    }
}

static void rows_are_spread_over_the_lengths(void **state)
{
    (void)state;
    struct verify v;
    struct settings s = settings_on("cpu");
    s.heads = "0:0,3:1";
    if (!verify_run(&s, rows(5), &v, &err))
        fail_msg("%s", err.text);
    assert_int_equal(v.n_prompts, 5);
    assert_int_equal(v.variants.n, 2);
    uint32_t shortest = UINT32_MAX, longest = 0;
    for (size_t i = 0; i < v.session->prompts->n; i++) {
        uint32_t n = v.session->prompts->items[i].n_ids;
        shortest = n < shortest ? n : shortest;
        longest = n > longest ? n : longest;
    }
    assert_int_equal(v.prompts[0].n_ids, shortest);
    assert_int_equal(v.prompts[4].n_ids, longest);
    for (size_t i = 1; i < 5; i++) {
        assert_true(v.prompts[i].n_ids >= v.prompts[i - 1].n_ids);
        assert_ptr_not_equal(v.prompts[i].row, v.prompts[i - 1].row);
    }
    verify_release(&v);
}

static void fewer_rows_than_asked_for_are_all_taken(void **state)
{
    (void)state;
    struct verify v;
    struct settings s = settings_on("cpu");
    s.max_rows = 1;
    s.heads = "1:1";
    if (!verify_run(&s, rows(8), &v, &err) || !verify_passed(&v, &err))
        fail_msg("%s", err.text);
    assert_int_equal(v.n_prompts, 1);
    verify_release(&v);
}

static void a_tight_limit_takes_a_head_a_layer_and_fewer_rows(void **state)
{
    (void)state;
    struct verify v;
    struct settings s = settings_on("cpu");
    // 33 passes over 8 rows are some 1e9, 5 passes over 2 rows some 1e8
    if (!verify_run(&s, (struct verify_limits){ .flop = 3e8 }, &v, &err)
        || !verify_passed(&v, &err))
        fail_msg("%s", err.text);
    assert_int_equal(v.n_all_variants, 32);
    assert_int_equal(v.variants.n, 4);
    for (uint32_t l = 0; l < 4; l++)
        assert_int_equal(variant_first_layer(&v.variants.items[l]), l);
    assert_in_range(v.n_prompts, 2, 7);
    verify_release(&v);
}

static void refuses_what_a_run_refuses(void **state)
{
    (void)state;
    struct verify v;
    struct settings s = settings_on("cpu");
    s.model = "no-such-model";
    assert_false(verify_run(&s, rows(0), &v, &err));
    assert_int_equal(err.code, ABL_BAD_MODEL);
    s = settings_on("cpu");
    s.heads = "0:99";
    assert_false(verify_run(&s, rows(0), &v, &err));
    assert_int_equal(err.code, ABL_USAGE);
    s = settings_on("no-such-device");
    assert_false(verify_run(&s, rows(1), &v, &err));
    assert_int_equal(err.code, ABL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_device_passes_in_both_value_bias_modes),
        cmocka_unit_test(every_device_passes_with_other_rows_activations),
        cmocka_unit_test(whole_answers_are_compared_token_by_token),
        cmocka_unit_test(a_damaged_weight_fails_the_self_check),
        cmocka_unit_test(rows_are_spread_over_the_lengths),
        cmocka_unit_test(fewer_rows_than_asked_for_are_all_taken),
        cmocka_unit_test(a_tight_limit_takes_a_head_a_layer_and_fewer_rows),
        cmocka_unit_test(refuses_what_a_run_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
