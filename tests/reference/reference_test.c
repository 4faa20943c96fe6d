// The double-precision reference against transformers in float64 (tests/fixtures/*-golden.json),
// and by hand where the goldens do not reach: edits by site, position and donor on a model whose
// answer is known without a forward pass.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/head_syntax.h"
#include "reference/reference.h"
#include "tests/support/check.h"
#include "tests/support/golden.h"
#include "tests/support/labelled.h"

// The goldens have 9 digits. Beyond that the two differ in one thing: the sum of token and position
// embedding, which is rounded to fp32 once here (6e-8 of the embedding) and kept in float64 there.
static const double tolerance = 1e-6;

static struct abl_err err;

// A golden file's model and rows, and what the reference makes of a list of variants over them.
struct bench {
    struct golden golden;
    struct model *model;
    struct variants variants;
    const uint32_t *donor_map;
    bool has_bos;
    struct reference_row *intact; // (rows)
    struct reference_row *rows;   // [variant * rows + row]
};

static void bench_open(struct bench *b, const char *path, size_t step)
{
    golden_open(path, &b->golden);
    golden_thin(&b->golden, step);
    CHECK(model_open(b->golden.model, OWNER_TRANSFORMERS_5, &b->model, &err));
    b->variants = (struct variants){ 0 };
    b->donor_map = NULL;
    b->has_bos = false;
    b->intact = NULL;
    b->rows = NULL;
}

static void bench_run(struct bench *b)
{
    free(b->intact);
    free(b->rows);
    size_t n = b->golden.n_rows;
    b->intact = calloc(n, sizeof *b->intact);
    b->rows = calloc(n * b->variants.n + 1, sizeof *b->rows);
    assert_true(b->intact && b->rows);
    struct reference_job job = { .model = b->model,
                                 .prompts = b->golden.prompts,
                                 .n_prompts = n,
                                 .donor_maps = &b->donor_map,
                                 .has_bos = b->has_bos,
                                 .variants = &b->variants };
    CHECK(reference_run(&job, b->intact, b->rows, &err));
}

static void bench_close(struct bench *b)
{
    free(b->intact);
    free(b->rows);
    variants_release(&b->variants);
    model_free(b->model);
    golden_release(&b->golden);
}

static double delta_ld(const struct bench *b, size_t variant, size_t row)
{
    return reference_metric(METRIC_LD, &b->rows[variant * b->golden.n_rows + row], &b->intact[row])
           - reference_metric(METRIC_LD, &b->intact[row], &b->intact[row]);
}

static void check_intact(const struct bench *b)
{
    for (size_t i = 0; i < b->golden.n_rows; i++) {
        const struct golden_row *g = &b->golden.rows[i];
        const struct reference_row *r = &b->intact[i];
        const struct {
            enum metric metric;
            double expected;
        } expect[] = { { METRIC_LD, g->ld },
                       { METRIC_LOGPROB, g->logprob },
                       { METRIC_PROB, g->prob },
                       { METRIC_ENTROPY, g->entropy },
                       { METRIC_RANK, (double)g->rank },
                       { METRIC_KL, 0 },
                       { METRIC_FLIP, 0 } };
        for (size_t m = 0; m < sizeof expect / sizeof *expect; m++)
            golden_close(reference_metric(expect[m].metric, r, r), expect[m].expected, tolerance,
                         "%s row %u, intact %s", g->condition, (unsigned)g->row,
                         metric_info(expect[m].metric)->name);
        assert_int_equal(r->argmax, g->argmax);
    }
}

static void check_heads(const struct bench *b, enum value_bias bias)
{
    size_t n = b->golden.n_rows;
    for (size_t v = 0; v < b->variants.n; v++)
        for (size_t i = 0; i < n; i++) {
            const struct golden_row *g = &b->golden.rows[i];
            const struct golden_grid *grid = &g->by_head[bias];
            const struct reference_row *r = &b->rows[v * n + i];
            const char *label = b->variants.items[v].label;
            unsigned row = (unsigned)g->row;
            golden_close(delta_ld(b, v, i), grid->delta_ld[v], tolerance, "%s row %u, %s, delta_ld",
                         g->condition, row, label);
            golden_close(reference_metric(METRIC_KL, r, &b->intact[i]), grid->kl[v], tolerance,
                         "%s row %u, %s, kl", g->condition, row, label);
            golden_close(reference_metric(METRIC_FLIP, r, &b->intact[i]), grid->flip[v], 0,
                         "%s row %u, %s, flip", g->condition, row, label);
        }
}

static void all_heads(struct bench *b, enum value_bias bias)
{
    struct head heads[GOLDEN_MAX_HEADS];
    size_t n = 0;
    for (uint32_t l = 0; l < b->golden.n_layers; l++)
        for (uint32_t h = 0; h < b->golden.n_heads; h++)
            heads[n++] = (struct head){ l, h };
    variants_release(&b->variants);
    CHECK(variants_heads(heads, n, (struct ablation){ .scale = 0.0f, .value_bias = bias },
                         &b->variants, &err));
}

static void compare_heads(const char *path, size_t step)
{
    struct bench b;
    bench_open(&b, path, step);
    for (int bias = VALUE_BIAS_FOLDED; bias <= VALUE_BIAS_HEAD; bias++) {
        all_heads(&b, (enum value_bias)bias);
        bench_run(&b);
        check_intact(&b);
        check_heads(&b, (enum value_bias)bias);
    }
    bench_close(&b);
}

static void compare_sets(const char *path, size_t step)
{
    struct bench b;
    struct arena a = { 0 };
    struct head_set *sets;
    size_t n_sets, n_checked = 0;
    char text[1024] = "";
    bench_open(&b, path, step);
    const struct golden_row *first = &b.golden.rows[0];
    for (size_t k = 0; k < first->joint.n; k++) {
        strcat(text, k ? ";" : "");
        strcat(text, first->joint.items[k].label);
    }
    CHECK(sets_parse(text, &b.model->shape, &a, &sets, &n_sets, &err));
    struct ablation zero = { .value_bias = VALUE_BIAS_FOLDED };
    CHECK(variants_sets(sets, n_sets, zero, &b.variants, &err));
    bench_run(&b);
    for (size_t i = 0; i < b.golden.n_rows; i++)
        for (size_t k = 0; k < b.golden.rows[i].joint.n; k++, n_checked++) {
            const struct golden_row *g = &b.golden.rows[i];
            const struct golden_set *set = &g->joint.items[k];
            size_t v = labelled(&b.variants, set->label);
            assert_true(v != NO_VARIANT);
            golden_close(delta_ld(&b, v, i), set->delta_ld, tolerance, "%s row %u, set %s",
                         g->condition, (unsigned)g->row, set->label);
        }
    assert_true(n_checked >= 6);
    arena_release(&a);
    bench_close(&b);
}

static void agrees_with_transformers_on_the_trained_model(void **state)
{
    (void)state;
    compare_heads("tests/fixtures/tiny-gpt2-golden.json", 4);
}

static void agrees_with_transformers_on_odd_sizes(void **state)
{
    (void)state;
    compare_heads("tests/fixtures/odd-gpt2-golden.json", 1);
}

static void agrees_with_transformers_on_joint_sets(void **state)
{
    (void)state;
    compare_sets("tests/fixtures/tiny-gpt2-golden.json", 2);
    compare_sets("tests/fixtures/odd-gpt2-golden.json", 1);
}

// Edits that take from a donor take by `donor`; NULL: none does.
static void run_one(struct bench *b, struct edit *edits, size_t n_edits, const uint32_t *donor)
{
    struct variant one = { .label = "one", .edits = edits, .n_edits = n_edits };
    b->variants = (struct variants){ .items = &one, .n = 1 };
    b->donor_map = donor;
    bench_run(b);
    b->variants = (struct variants){ 0 };
}

static void same_row(const struct reference_row *found, const struct reference_row *expected,
                     const char *what, size_t row)
{
    golden_close(found->target_logit, expected->target_logit, 1e-12, "%s, row %zu, target", what,
                 row);
    golden_close(found->foil_logit, expected->foil_logit, 1e-12, "%s, row %zu, foil", what, row);
    golden_close(found->lse, expected->lse, 1e-12, "%s, row %zu, lse", what, row);
    golden_close(found->entropy, expected->entropy, 1e-12, "%s, row %zu, entropy", what, row);
}

// What follows the last layer's residual stream is a function of it at the last token, so that a
// row that takes another prompt's there predicts as that prompt does.
static void a_donated_final_state_predicts_as_its_donor(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "tests/fixtures/odd-gpt2-golden.json", 1);
    size_t n = b.golden.n_rows;
    uint32_t *donor = calloc(n, sizeof *donor);
    for (size_t i = 0; i < n; i++) {
        donor[i] = (uint32_t)((i + 1) % n);
        b.golden.prompts[i].target = b.golden.prompts[0].target;
        b.golden.prompts[i].foil = b.golden.prompts[0].foil;
    }
    struct edit take = { .site = SITE_RESID_POST,
                         .layer = 2,
                         .head = ALL_HEADS,
                         .position = -1,
                         .op = EDIT_SET,
                         .source = SOURCE_ROW };
    run_one(&b, &take, 1, donor);
    for (size_t i = 0; i < n; i++)
        same_row(&b.rows[i], &b.intact[donor[i]], "donor's state", i);
    take.position = -2; // nothing reads the last layer there
    run_one(&b, &take, 1, donor);
    for (size_t i = 0; i < n; i++)
        same_row(&b.rows[i], &b.intact[i], "state that nothing reads", i);
    free(donor);
    bench_close(&b);
}

// Two ways to write down one intervention: silence the last layer's modules, or carry its input
// over to its output.
static void silent_modules_leave_the_residual_stream(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "tests/fixtures/odd-gpt2-golden.json", 1);
    struct edit silent[2] = { { .site = SITE_ATTN_OUT,
                                .layer = 2,
                                .head = ALL_HEADS,
                                .position = ALL_POSITIONS,
                                .op = EDIT_SCALE,
                                .factor = 0 },
                              { .site = SITE_MLP_OUT,
                                .layer = 2,
                                .head = ALL_HEADS,
                                .position = ALL_POSITIONS,
                                .op = EDIT_SET } };
    run_one(&b, silent, 2, NULL);
    size_t n = b.golden.n_rows;
    struct reference_row *expected = calloc(n, sizeof *expected);
    memcpy(expected, b.rows, n * sizeof *expected);
    // The same through the activation that leaves layer 1: intact, from the row itself.
    uint32_t *self = calloc(n, sizeof *self);
    for (size_t i = 0; i < n; i++)
        self[i] = (uint32_t)i;
    struct edit carry[3] = { silent[0],
                             silent[1],
                             { .site = SITE_RESID_PRE,
                               .layer = 2,
                               .head = ALL_HEADS,
                               .position = ALL_POSITIONS,
                               .op = EDIT_SET,
                               .source = SOURCE_ROW } };
    double moved = 0;
    run_one(&b, carry, 3, self);
    for (size_t i = 0; i < n; i++) {
        same_row(&b.rows[i], &expected[i], "own input", i);
        moved = fmax(moved, fabs(expected[i].lse - b.intact[i].lse));
    }
    assert_true(moved > 1e-2); // the layer did something
    free(self);
    free(expected);
    bench_close(&b);
}

// Head 0:2 takes its z from the donor.
static struct edit take_z(int32_t position)
{
    return (struct edit){ .site = SITE_Z,
                          .layer = 0,
                          .head = 2,
                          .position = position,
                          .op = EDIT_SET,
                          .source = SOURCE_ROW };
}

// A donor that is too short has no partner for the first tokens: those keep their value, so that
// taking from a prompt of one token changes the last token only.
static void a_position_without_partner_keeps_its_value(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "tests/fixtures/odd-gpt2-golden.json", 1);
    size_t n = b.golden.n_rows;
    b.golden.prompts[n - 1].n_ids = 1;
    uint32_t *donor = calloc(n, sizeof *donor);
    for (size_t i = 0; i < n; i++)
        donor[i] = (uint32_t)(n - 1);
    struct edit take = take_z(ALL_POSITIONS);
    run_one(&b, &take, 1, donor);
    struct reference_row *everywhere = calloc(n, sizeof *everywhere);
    memcpy(everywhere, b.rows, n * sizeof *everywhere);
    take.position = -1;
    run_one(&b, &take, 1, donor);
    for (size_t i = 0; i < n; i++)
        same_row(&b.rows[i], &everywhere[i], "one-token donor", i);
    assert_true(fabs(delta_ld(&b, 0, 0)) > 1e-6);
    take.position = -2; // the donor has no such token
    run_one(&b, &take, 1, donor);
    for (size_t i = 0; i < n; i++)
        same_row(&b.rows[i], &b.intact[i], "no partner", i);
    free(everywhere);
    free(donor);
    bench_close(&b);
}

// Row `row` when each of its last n tokens takes head 0:2's z from its donor, said token by token.
static struct reference_row take_last(struct bench *b, size_t row, size_t n, const uint32_t *donor)
{
    enum { MAX_TOKENS = 32 };
    struct edit take[MAX_TOKENS];
    assert_true(n <= MAX_TOKENS);
    for (size_t i = 0; i < n; i++)
        take[i] = take_z(-1 - (int32_t)i);
    run_one(b, take, n, donor);
    return b->rows[row];
}

// The rows begin with BOS and have 5 to 20 tokens. From a donor of another length everything comes
// but what would meet BOS on either side; from one of the same length BOS comes too.
static void bos_meets_bos_alone(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "tests/fixtures/odd-gpt2-golden.json", 1);
    size_t n = b.golden.n_rows, n_equal = 0;
    uint32_t *donor = calloc(n, sizeof *donor);
    struct reference_row *all = calloc(n, sizeof *all);
    struct edit take = take_z(ALL_POSITIONS);
    double differs = 0;
    for (size_t shift = 1; shift <= 2; shift++) {
        for (size_t i = 0; i < n; i++)
            donor[i] = (uint32_t)((i + shift) % n);
        b.has_bos = true;
        run_one(&b, &take, 1, donor);
        memcpy(all, b.rows, n * sizeof *all);
        b.has_bos = false; // said token by token, nothing is left out
        for (size_t i = 0; i < n; i++) {
            uint32_t own = b.golden.prompts[i].n_ids, its = b.golden.prompts[donor[i]].n_ids;
            uint32_t shorter = own < its ? own : its, n_taken = own == its ? own : shorter - 1;
            struct reference_row expected = take_last(&b, i, n_taken, donor);
            same_row(&all[i], &expected, "tokens but BOS", i);
            n_equal += own == its;
            expected = take_last(&b, i, shorter, donor);
            if (own != its)
                differs = fmax(differs, fabs(expected.lse - all[i].lse));
        }
    }
    assert_true(n_equal > 0);    // both cases were there
    assert_true(differs > 1e-4); // and the rule made a difference
    free(all);
    free(donor);
    bench_close(&b);
}

static void scaling_meets_zero_and_one(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "tests/fixtures/odd-gpt2-golden.json", 1);
    struct edit e = { .site = SITE_Z,
                      .layer = 1,
                      .head = 3,
                      .position = ALL_POSITIONS,
                      .op = EDIT_SCALE,
                      .factor = 1,
                      .source = SOURCE_CONSTANT };
    run_one(&b, &e, 1, NULL);
    for (size_t i = 0; i < b.golden.n_rows; i++)
        same_row(&b.rows[i], &b.intact[i], "scale 1", i);
    e = (struct edit){ .site = SITE_Z,
                       .layer = 1,
                       .head = 3,
                       .position = ALL_POSITIONS,
                       .op = EDIT_SET,
                       .source = SOURCE_CONSTANT };
    run_one(&b, &e, 1, NULL);
    for (size_t i = 0; i < b.golden.n_rows; i++)
        golden_close(delta_ld(&b, 0, i),
                     b.golden.rows[i].by_head[VALUE_BIAS_FOLDED].delta_ld[1 * 5 + 3], tolerance,
                     "row %zu, z set to its constant", i);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_transformers_on_the_trained_model),
        cmocka_unit_test(agrees_with_transformers_on_odd_sizes),
        cmocka_unit_test(agrees_with_transformers_on_joint_sets),
        cmocka_unit_test(a_donated_final_state_predicts_as_its_donor),
        cmocka_unit_test(silent_modules_leave_the_residual_stream),
        cmocka_unit_test(a_position_without_partner_keeps_its_value),
        cmocka_unit_test(bos_meets_bos_alone),
        cmocka_unit_test(scaling_meets_zero_and_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
