// Whole runs, from settings and files to the table, on every engine: what users get, and what stops
// them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/attn.h"
#include "experiments/experiments.h"
#include "forward/forward.h"
#include "analysis/joint.h"
#include "analysis/estimates.h"
#include "session/session.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"
#include "tests/support/labelled.h"
#include "tests/support/mini_model.h"
#include "tests/support/rig.h"

static struct abl_err err;
static struct scratch scratch;

// Rows of a byte-level tokenizer: one byte, one token. Of different lengths, two with the same
// prompt.
static const char rows[] = "{\"clean\":\"ab\",\"target\":\"c\",\"foil\":\"d\"}\n"
                           "{\"clean\":\"the cat sat\",\"target\":\"x\",\"foil\":\"y\"}\n"
                           "{\"clean\":\"the cat ran\",\"target\":\"y\",\"foil\":\"z\"}\n"
                           "{\"clean\":\"the c\",\"target\":\"o\",\"foil\":\"u\"}\n"
                           "{\"clean\":\"the cat sat\",\"target\":\"q\",\"foil\":\"r\"}\n"
                           "{\"clean\":\"z\",\"target\":\"z\",\"foil\":\"a\"}\n";

static char model_path[SCRATCH_PATH], rows_path[SCRATCH_PATH];

static const struct mini_model mini = { .n_layers = 3,
                                        .n_heads = 4,
                                        .d_model = 20,
                                        .d_mlp = 44,
                                        .n_vocab = 257,
                                        .n_ctx = 16,
                                        .dtype = "F32",
                                        .flags = MINI_TOKENIZER,
                                        .seed = 3 };

static int make_files(void **state)
{
    (void)state;
    scratch_make(&scratch);
    mini_model_write(&scratch, "model", &mini);
    scratch_text(&scratch, "rows.jsonl", rows);
    snprintf(model_path, sizeof model_path, "%s", scratch_path(&scratch, "model"));
    snprintf(rows_path, sizeof rows_path, "%s", scratch_path(&scratch, "rows.jsonl"));
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static struct settings settings_on(const char *device)
{
    struct settings s;
    settings_default(&s, &experiment_heads);
    s.device = device;
    s.model = model_path;
    s.data = rows_path;
    s.n_threads = 2;
    s.n_boot = 10;
    return s;
}

// A session, its variants and their finished table.
struct run {
    struct session *session;
    struct variants variants;
    struct results table;
};

static void run_open(struct run *r, const struct settings *s)
{
    CHECK(session_open(s, &r->session, &err));
    CHECK(experiment_variants(r->session, &r->variants, &err));
    CHECK(results_init(&r->table, &r->variants, r->session->prompts->n, &err));
}

static void run_all(struct run *r, const struct settings *s)
{
    run_open(r, s);
    CHECK(session_run(r->session, &r->table, NULL, NULL, NULL, &err));
    assert_int_equal(r->table.n_done, r->variants.n);
}

static void run_close(struct run *r)
{
    results_release(&r->table);
    variants_release(&r->variants);
    session_free(r->session);
}

static const struct row_stats *run_row(const struct run *r, const char *label, size_t row)
{
    size_t v = labelled(&r->variants, label);
    if (v == NO_VARIANT)
        fail_msg("no variant '%s'", label);
    return &r->table.rows[v * r->table.n_prompts + row];
}

static size_t table_bytes(const struct run *r)
{
    return r->variants.n * r->table.n_prompts * sizeof *r->table.rows;
}

// Text to table: dataset, split, tokenizer, BOS, model and device together, by row number against
// transformers.
static void check_condition(const struct golden *g, const char *condition, const char *device)
{
    struct run r;
    struct settings s = settings_on(device);
    s.model = "tiny-gpt2";
    s.data = condition;
    s.split = SPLIT_TEST;
    run_all(&r, &s);
    size_t n_found = 0;
    for (size_t i = 0; i < g->n_rows; i++)
        for (size_t p = 0; p < r.session->prompts->n; p++) {
            const struct golden_row *row = &g->rows[i];
            const struct prompt *prompt = &r.session->prompts->items[p];
            if (strcmp(row->condition, condition) != 0 || prompt->row->index != row->row)
                continue;
            n_found++;
            assert_int_equal(prompt->n_ids, row->n_ids);
            assert_memory_equal(prompt->ids, row->ids, row->n_ids * sizeof *row->ids);
            const struct row_stats *intact = &r.session->intact[p];
            golden_close(metric_value(METRIC_LD, intact, intact), row->ld, 1e-3,
                         "%s, %s row %u, ld", device, condition, (unsigned)row->row);
            for (size_t v = 0; v < r.variants.n; v++)
                golden_close(
                    metric_delta(METRIC_LD, &r.table.rows[v * r.table.n_prompts + p], intact),
                    row->by_head[VALUE_BIAS_FOLDED].delta_ld[v], 1e-3,
                    "%s, %s row %u, %s, delta_ld", device, condition, (unsigned)row->row,
                    r.variants.items[v].label);
        }
    assert_true(n_found > 0);
    run_close(&r);
}

static void runs_of_the_bundled_model_agree_with_transformers(void **state)
{
    (void)state;
    static const char *const conditions[] = { "facts", "negation", "counterfactual", "logic" };
    const char *devices[2];
    size_t n = test_devices(devices);
    struct golden g;
    golden_open("tests/fixtures/tiny-gpt2-golden.json", &g);
    // The engines agree elsewhere: here one condition on each but the first is enough.
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < (i ? 1 : 4); c++)
            check_condition(&g, conditions[c], devices[i]);
    golden_release(&g);
}

static void a_scale_of_one_changes_nothing_at_all(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++)
        for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
            struct run r;
            struct settings s = settings_on(devices[i]);
            s.ablation = (struct ablation){ .scale = 1.0f, .value_bias = (enum value_bias)bias };
            run_all(&r, &s);
            for (size_t k = 0; k < r.variants.n * r.table.n_prompts; k++)
                for (int m = 0; m < N_METRICS; m++) {
                    double d = metric_delta((enum metric)m, &r.table.rows[k],
                                            &r.session->intact[k % r.table.n_prompts]);
                    if (!(d == 0.0))
                        fail_msg("%s, %s changes by %g under %s", devices[i],
                                 metric_info((enum metric)m)->name, d,
                                 r.variants.items[k / r.table.n_prompts].label);
                }
            run_close(&r);
        }
}

static void a_set_is_the_same_however_it_is_written(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct run pair, reversed, singles;
        struct settings s = settings_on(devices[i]);
        run_all(&singles, &s);
        s.experiment = &experiment_sets;
        s.sets = "0:2+1:1;0:0+0:3+2:1";
        run_all(&pair, &s);
        s.sets = "2:1+0:3+0:0;1:1+0:2";
        run_all(&reversed, &s);
        for (size_t p = 0; p < pair.table.n_prompts; p++) {
            same_stats(run_row(&pair, "0:2+1:1", p), run_row(&reversed, "0:2+1:1", p), 1e-6,
                       "%s, pair, row %zu", devices[i], p);
            same_stats(run_row(&pair, "0:0+0:3+2:1", p), run_row(&reversed, "0:0+0:3+2:1", p), 1e-6,
                       "%s, triplet, row %zu", devices[i], p);
            same_stats(run_row(&pair, "0:2", p), run_row(&singles, "0:2", p), 1e-6,
                       "%s, single in a list of sets, row %zu", devices[i], p);
        }
        run_close(&pair);
        run_close(&reversed);
        run_close(&singles);
    }
}

static void the_memory_budget_changes_no_result(void **state)
{
    (void)state;
    const char *devices[2];
    static const uint64_t budgets[] = { 1, 20000, 60000, 1 << 20 };
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct run plenty;
        struct settings s = settings_on(devices[i]);
        run_all(&plenty, &s);
        for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
            struct run r;
            s.mem = budgets[b];
            run_all(&r, &s);
            for (size_t k = 0; k < r.variants.n * r.table.n_prompts; k++)
                same_stats(&r.table.rows[k], &plenty.table.rows[k], 2e-6,
                           "%s, budget %u, variant %s, row %zu", devices[i], (unsigned)s.mem,
                           r.variants.items[k / r.table.n_prompts].label, k % r.table.n_prompts);
            run_close(&r);
        }
        run_close(&plenty);
    }
}

static void a_row_does_not_feel_the_other_rows(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices), first = 0;
    for (size_t i = 0; i < n; i++) {
        struct run all;
        struct settings s = settings_on(devices[i]);
        run_all(&all, &s);
        first = 0;
        for (size_t p = 0; p < all.table.n_prompts; p++) {
            struct run alone;
            size_t len = strcspn(rows + first, "\n") + 1;
            scratch_write(&scratch, "alone.jsonl", rows + first, len);
            first += len;
            s.data = scratch_path(&scratch, "alone.jsonl");
            run_all(&alone, &s);
            same_stats(&all.session->intact[p], alone.session->intact, 2e-6, "%s, intact row %zu",
                       devices[i], p);
            for (size_t v = 0; v < all.variants.n; v++)
                same_stats(&all.table.rows[v * all.table.n_prompts + p], &alone.table.rows[v], 2e-6,
                           "%s, variant %s, row %zu", devices[i], all.variants.items[v].label, p);
            run_close(&alone);
        }
        run_close(&all);
    }
}

static void identical_runs_give_identical_bits(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct run first;
        struct settings s = settings_on(devices[i]);
        run_all(&first, &s);
        for (uint32_t k = 0; k < 4; k++) {
            struct run again;
            s.n_threads = 1 + k; // first: all cores
            run_all(&again, &s);
            assert_memory_equal(again.session->intact, first.session->intact,
                                first.table.n_prompts * sizeof *first.session->intact);
            assert_memory_equal(again.table.rows, first.table.rows, table_bytes(&first));
            run_close(&again);
        }
        run_close(&first);
    }
}

// The order in which layers' variants finished, and who is looking where.
struct watched {
    atomic_uint wanted;
    uint32_t look_next;  // after the first variant
    uint32_t layers[64]; // of the finished variants, in order
    size_t n;
};

static void watch(void *context, const struct results *t, size_t variant)
{
    struct watched *w = context;
    assert_in_range(w->n, 0, 63);
    w->layers[w->n++] = variant_first_layer(&t->variants->items[variant]);
    if (w->n == 1)
        atomic_store(&w->wanted, w->look_next);
}

// How many of the layer's variants there are, and how many of them are among the next ones that
// finished, from `at` on.
static void comes_next(const struct watched *w, const struct run *r, uint32_t layer, size_t *at)
{
    size_t n = 0;
    for (size_t v = 0; v < r->variants.n; v++)
        n += variant_first_layer(&r->variants.items[v]) == layer;
    for (size_t i = 0; i < n; i++, ++*at)
        if (*at >= w->n || w->layers[*at] != layer)
            fail_msg("variant %zu to finish is of layer %u, expected layer %u", *at, w->layers[*at],
                     layer);
}

static void a_layer_that_is_waited_for_comes_first(void **state)
{
    (void)state;
    static const struct {
        const char *layers;
        uint32_t first, then;
        uint32_t order[3];
    } cases[] = { { NULL, NO_LAYER, NO_LAYER, { 0, 1, 2 } },
                  { NULL, 0, 0, { 0, 1, 2 } },
                  { NULL, 2, 2, { 2, 0, 1 } },
                  { NULL, 0, 2, { 0, 2, 1 } },
                  { NULL, 2, 1, { 2, 1, 0 } },
                  { "1-2", 1, 1, { 1, 2 } },
                  { "1-2", 0, 0, { 1, 2 } },
                  { "2", 2, 2, { 2 } } };
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            struct run plain, r;
            struct settings s = settings_on(devices[i]);
            struct watched w = { .look_next = cases[k].then };
            s.layers = cases[k].layers;
            run_all(&plain, &s);
            run_open(&r, &s);
            atomic_store(&w.wanted, cases[k].first);
            struct workload load = session_workload(r.session);
            CHECK(workload_run(&load, &r.table, &w.wanted, NULL, watch, &w, &err));
            size_t at = 0;
            for (size_t l = 0; at < w.n; l++)
                comes_next(&w, &r, cases[k].order[l], &at);
            assert_int_equal(r.table.n_done, r.variants.n);
            assert_memory_equal(r.table.rows, plain.table.rows, table_bytes(&plain));
            run_close(&r);
            run_close(&plain);
        }
}

static void cancel_after_some(void *context, const struct results *t, size_t variant)
{
    (void)variant;
    if (t->n_done >= 5)
        atomic_store((atomic_bool *)context, true);
}

static void a_cancelled_run_keeps_what_it_finished_and_goes_on(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct run whole, r;
        struct settings s = settings_on(devices[i]);
        s.mem = 60000;
        run_all(&whole, &s);
        run_open(&r, &s);
        atomic_bool cancel = false;
        assert_false(session_run(r.session, &r.table, &cancel, cancel_after_some, &cancel, &err));
        assert_int_equal(err.code, ABL_INTERRUPTED);
        assert_in_range(r.table.n_done, 5, r.variants.n - 1);
        size_t n_done = 0;
        for (size_t v = 0; v < r.variants.n; v++) {
            n_done += r.table.done[v];
            for (size_t p = 0; r.table.done[v] && p < r.table.n_prompts; p++)
                same_stats(&r.table.rows[v * r.table.n_prompts + p],
                           &whole.table.rows[v * r.table.n_prompts + p], 2e-6,
                           "%s, finished variant %s, row %zu", devices[i],
                           r.variants.items[v].label, p);
        }
        assert_int_equal(n_done, r.table.n_done);
        atomic_store(&cancel, false);
        CHECK(session_run(r.session, &r.table, &cancel, NULL, NULL, &err));
        assert_int_equal(r.table.n_done, r.variants.n);
        for (size_t k = 0; k < r.variants.n * r.table.n_prompts; k++)
            same_stats(&r.table.rows[k], &whole.table.rows[k], 2e-6, "%s, resumed, row %zu",
                       devices[i], k);
        run_close(&r);
        run_close(&whole);
    }
}

// An engine's read-outs and their rows, counted; after every `step` read-outs somebody cancels.
static struct {
    struct engine_ops ops;
    const struct engine_ops *real;
    atomic_bool cancel;
    size_t n, step, n_rows;
} counted;

static bool count_readout(struct engine *e, struct tensor x, const struct weight *w,
                          const struct logit_args *how, struct tensor base,
                          const struct readout_ask *asks, uint32_t n_asks, struct row_stats *stats,
                          struct abl_err *why)
{
    counted.n_rows += x.rows;
    if (++counted.n % counted.step == 0)
        atomic_store(&counted.cancel, true);
    return counted.real->readout(e, x, w, how, base, asks, n_asks, stats, why);
}

// Run until it is complete, however often it is cancelled. Returns the rows that were read out.
static size_t run_with_breaks(struct run *r, size_t step, size_t *n_breaks)
{
    counted.real = r->session->engine->ops;
    counted.ops = *counted.real;
    counted.ops.readout = count_readout;
    counted.n = counted.n_rows = 0;
    counted.step = step;
    r->session->engine->ops = &counted.ops;
    *n_breaks = 0;
    for (;;) {
        atomic_store(&counted.cancel, false);
        if (session_run(r->session, &r->table, &counted.cancel, NULL, NULL, &err))
            break;
        assert_int_equal(err.code, ABL_INTERRUPTED);
        assert_in_range(++*n_breaks, 1, 1000);
    }
    r->session->engine->ops = counted.real;
    return counted.n_rows;
}

static void check_breaks(const struct settings *s)
{
    struct run whole, r;
    size_t n_breaks, n_blocks;
    run_open(&whole, s);
    run_open(&r, s);
    forward_blocks(r.session->forward, &n_blocks);
    assert_in_range(n_blocks, 2, 1000);
    size_t n = run_with_breaks(&whole, SIZE_MAX, &n_breaks);
    assert_int_equal(n_breaks, 0);
    assert_int_equal(run_with_breaks(&r, 1, &n_breaks), n);
    assert_in_range(n_breaks, 5, n);
    assert_memory_equal(r.table.rows, whole.table.rows, table_bytes(&whole));
    assert_int_equal(r.table.n_done, r.variants.n);
    run_close(&r);
    run_close(&whole);
}

static void an_interrupted_run_repeats_nothing(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct settings s = settings_on(devices[i]);
        s.mem = 60000;
        check_breaks(&s);
        s.ablation.kind = ABLATE_RESAMPLE;
        check_breaks(&s);
        s.ablation.kind = ABLATE_SCALE;
        s.whole_answers = true;
        check_breaks(&s);
    }
}

static void refused(const struct settings *s, enum abl_code code, const char *says)
{
    struct session *session;
    assert_false(session_open(s, &session, &err));
    if (err.code != code || !strstr(err.text, says))
        fail_msg("expected code %d and '%s', found %d: %s", (int)code, says, (int)err.code,
                 err.text);
}

static void a_weight_that_is_no_number_is_refused(void **state)
{
    (void)state;
    struct mini_model bad = mini;
    bad.poisoned = "h.2.mlp.c_proj.weight";
    bad.poisoned_at = 77;
    bad.poison = NAN;
    mini_model_write(&scratch, "nan", &bad);
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct settings s = settings_on(devices[i]);
        s.model = scratch_path(&scratch, "nan");
        refused(&s, ABL_BAD_MODEL, "h.2.mlp.c_proj.weight");
    }
}

// A position that the rows do not reach and random tokens do overflows.
static void what_overflows_on_random_tokens_is_refused(void **state)
{
    (void)state;
    struct mini_model huge = mini;
    huge.n_ctx = 100;
    huge.poisoned = "wpe.weight";
    huge.poisoned_at = (uint64_t)50 * huge.d_model;
    huge.poison = 1e30f;
    mini_model_write(&scratch, "huge", &huge);
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct settings s = settings_on(devices[i]);
        struct session *session;
        struct arena a = { 0 };
        struct head_set none = { 0 };
        struct attn *attn;
        s.model = scratch_path(&scratch, "huge");
        s.experiment = &experiment_attn;
        CHECK(session_open(&s, &session, &err)); // the rows themselves are fine
        assert_false(attn_make(session, &none, NULL, 0, NULL, &a, &attn, &err));
        assert_int_equal(err.code, ABL_FAILED);
        assert_non_null(strstr(err.text, "pattern of layer 0 over random tokens are not finite"));
        assert_null(strstr(err.text, "--precision")); // f32 it is
        arena_release(&a);
        session_free(session);
    }
}

static void what_is_not_there_is_refused(void **state)
{
    (void)state;
    struct settings s = settings_on("cpu");
    s.model = "no-such-model";
    refused(&s, ABL_BAD_MODEL, "no-such-model");
    s = settings_on("cpu");
    s.data = "no-such-data";
    refused(&s, ABL_BAD_DATA, "no-such-data");
    s = settings_on("no-such-device");
    refused(&s, ABL_USAGE, "no-such-device");
}

static void heads_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const char *const bad_heads[] = { "3:0", "0:4", "0:", "x" };
    static const char *const bad_sets[] = { "0:2+3:0", "0:2+0:9", "+", NULL };
    struct session *session;
    struct variants v;
    struct settings s = settings_on("cpu");
    for (size_t i = 0; i < sizeof bad_heads / sizeof *bad_heads; i++) {
        s.heads = bad_heads[i];
        CHECK(session_open_cold(&s, &session, &err));
        assert_false(experiment_variants(session, &v, &err));
        assert_int_equal(err.code, ABL_USAGE);
        session_free(session);
    }
    s.heads = NULL;
    s.experiment = &experiment_sets;
    for (size_t i = 0; i < sizeof bad_sets / sizeof *bad_sets; i++) {
        s.sets = bad_sets[i];
        CHECK(session_open_cold(&s, &session, &err));
        assert_false(experiment_variants(session, &v, &err));
        assert_int_equal(err.code, ABL_USAGE);
        assert_non_null(strstr(err.text, "--sets"));
        session_free(session);
    }
}

static void interactions_are_joint_minus_singles(void **state)
{
    (void)state;
    struct run r;
    struct settings s = settings_on("cpu");
    s.experiment = &experiment_sets;
    s.sets = "0:2+1:1";
    run_all(&r, &s);
    size_t joint = labelled(&r.variants, "0:2+1:1");
    size_t singles[] = { labelled(&r.variants, "0:2"), labelled(&r.variants, "1:1") };
    struct estimate both, alone[2], interaction;
    struct measured_rows measured = session_measured_rows(r.session);
    CHECK(estimate_delta(&measured, &r.table, joint, METRIC_LD, &both, &err));
    for (int i = 0; i < 2; i++)
        CHECK(estimate_delta(&measured, &r.table, singles[i], METRIC_LD, &alone[i], &err));
    CHECK(estimate_interaction(&measured, &r.table, joint, singles, 2, METRIC_LD, &interaction,
                               &err));
    golden_close(interaction.mean, both.mean - alone[0].mean - alone[1].mean, 1e-12, "interaction");
    assert_true(fabs(interaction.mean) > 1e-9); // heads of two layers do interact
    assert_int_equal(interaction.n, r.table.n_prompts);
    assert_int_equal(interaction.n_clusters, r.table.n_prompts - 1); // one prompt is there twice
    run_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_the_bundled_model_agree_with_transformers),
        cmocka_unit_test(a_scale_of_one_changes_nothing_at_all),
        cmocka_unit_test(a_set_is_the_same_however_it_is_written),
        cmocka_unit_test(the_memory_budget_changes_no_result),
        cmocka_unit_test(a_row_does_not_feel_the_other_rows),
        cmocka_unit_test(identical_runs_give_identical_bits),
        cmocka_unit_test(a_layer_that_is_waited_for_comes_first),
        cmocka_unit_test(a_cancelled_run_keeps_what_it_finished_and_goes_on),
        cmocka_unit_test(an_interrupted_run_repeats_nothing),
        cmocka_unit_test(a_weight_that_is_no_number_is_refused),
        cmocka_unit_test(what_overflows_on_random_tokens_is_refused),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(heads_that_do_not_exist_are_refused),
        cmocka_unit_test(interactions_are_joint_minus_singles),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
