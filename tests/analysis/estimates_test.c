// Estimates of a run without a model: expected numbers are worked out by hand beside each test.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/estimates.h"
#include "analysis/joint.h"
#include "analysis/live_effects.h"
#include "plan/donors.h"
#include "tests/support/check.h"
#include "tests/support/study.h"

enum { ROWS = 8, TURN = 4 };

// Heads 0:0 and 0:1, the two at once, and that set with 0:0 given back. ld of the first four rows, and again of
// the other four:
//   intact   2    4    6    8
//   0:0      1    3    5    7      delta -1
//   0:1      2    3    4    5      delta  0 -1 -2 -3
//   both     0    2    2    4      delta -2 -2 -4 -4
//   back     1    3    4    6      delta -1 -1 -2 -2
enum { FIRST, SECOND, BOTH, BACK, N_VARIANTS };
static const double lds[N_VARIANTS][TURN]
    = { { 1, 3, 5, 7 }, { 2, 3, 4, 5 }, { 0, 2, 2, 4 }, { 1, 3, 4, 6 } };

static const struct ablation zero = { 0 };
static struct head heads[] = { { 0, 0 }, { 0, 1 } };

static void open_pair(struct study *s)
{
    struct abl_err err;
    struct edit edits[] = { head_edit(heads[0], zero), head_edit(heads[1], zero) };
    struct variant back = { .edits = edits,
                            .n_edits = 2,
                            .role = ROLE_RESTORED,
                            .parent = BOTH,
                            .nodes = { heads, 2 },
                            .restored = { heads, 1 },
                            .donor = DONOR_SAME };
    study_open(s, ROWS, N_VARIANTS);
    study_heads(s, 2);
    CHECK(variants_add_set(&s->variants, &(struct head_set){ heads, 2 }, zero, ROLE_SET, NO_VARIANT,
                           NULL, &err));
    CHECK(variants_add(&s->variants, &back, NULL, &err));
    study_begin(s);
    study_resample(s, 50, 1);
    for (size_t i = 0; i < ROWS; i++) {
        s->intact[i].target_logit = (float)(2 * (i % TURN + 1));
        for (size_t v = 0; v < N_VARIANTS; v++)
            study_set(s, v, i, lds[v][i % TURN]);
    }
}

static void a_delta_is_paired_with_the_intact_row(void **state)
{
    (void)state;
    struct study s;
    struct estimate e, all[N_METRICS];
    struct abl_err err;
    open_pair(&s);
    CHECK(estimate_delta(&s.measured, &s.results, FIRST, METRIC_LD, &e, &err));
    is_near("mean", e.mean, -1.0);
    is_near("se", e.se, 0.0); // every row has the same delta: no resample differs
    is_near("ci_lo", e.ci_lo, -1.0);
    is_near("p", e.p, 2.0 / 256.0); // 2 of the 2^8 sign flips are as far from 0
    assert_int_equal(e.n, ROWS);
    assert_int_equal(e.n_clusters, ROWS);
    CHECK(estimate_deltas(&s.measured, &s.results, SECOND, all, &err));
    is_near("mean", all[METRIC_LD].mean, -1.5);
    CHECK(estimate_values(&s.measured, &s.results, SECOND, all, &err));
    is_near("value", all[METRIC_LD].mean, 3.5);
    assert_true(isnan(all[METRIC_LD].p)); // no difference: nothing to test
    CHECK(estimate_intact(&s.measured, METRIC_LD, &e, &err));
    is_near("intact", e.mean, 5.0);
    study_close(&s);
}

static void an_interaction_is_joint_less_the_singles(void **state)
{
    (void)state;
    struct study s;
    struct joint_effect e;
    struct abl_err err;
    open_pair(&s);
    CHECK(joint_effect_make(&s.measured, &s.results, &(struct head_set){ heads, 2 }, &zero,
                            METRIC_LD, &e, &err));
    is_near("joint", e.joint.mean, -3.0);
    is_near("sum", e.sum.mean, -2.5);
    // by row -1, 0, -1, 0, …
    is_near("interaction", e.interaction.mean, -0.5);
    is_near("p", e.interaction.p, 32.0 / 256.0); // ±1 ±1 ±1 ±1: two of 16 end at -4 or 4
    s.results.done[SECOND] = false;
    assert_false(joint_effect_make(&s.measured, &s.results, &(struct head_set){ heads, 2 }, &zero,
                                   METRIC_LD, &e, &err));
    study_close(&s);
}

static void a_recovery_is_the_way_back_to_the_intact_run(void **state)
{
    (void)state;
    struct study s;
    struct recovery r;
    struct abl_err err;
    open_pair(&s);
    CHECK(estimate_recovery(&s.measured, &s.results, BACK, METRIC_LD, &r, &err));
    is_near("reference", r.reference, 5.0);
    is_near("damaged", r.damaged, 2.0);
    is_near("patched", r.patched, 3.5);
    is_near("ratio", r.ratio.mean, 0.5);
    assert_false(r.small);
    s.results.done[BOTH] = false;
    CHECK(estimate_recovery(&s.measured, &s.results, BACK, METRIC_LD, &r, &err));
    assert_true(isnan(r.ratio.mean) && isnan(r.damaged));
    study_close(&s);
}

static void accuracy_is_the_share_of_targets_on_top(void **state)
{
    (void)state;
    struct study s;
    study_open(&s, ROWS, 1);
    for (uint32_t i = 0; i < ROWS; i++) {
        s.items[i].target = i;
        s.intact[i].argmax = i < 6 ? i : 0;
    }
    is_near("accuracy", intact_accuracy(&s.measured), 0.75);
    s.prompts.n = 0;
    assert_true(isnan(intact_accuracy(&s.measured)));
    study_close(&s);
}

// q over the first p-value alone, 2/256; then over it and 8/256, where it doubles.
static void live_effects_come_as_variants_finish(void **state)
{
    (void)state;
    struct study s;
    struct live_effects e;
    struct estimate whole;
    struct abl_err err;
    size_t both[] = { FIRST, SECOND };
    open_pair(&s);
    s.results.done[SECOND] = false;
    CHECK(live_effects_init(&e, N_VARIANTS, &err));
    CHECK(live_effects_update(&e, &s.measured, &s.results, METRIC_LD, &err));
    assert_true(e.items[FIRST].made && !e.items[SECOND].made);
    is_near("value", e.items[FIRST].value, 4.0);
    is_near("recovery", e.items[BACK].recovery.ratio.mean, 0.5);
    CHECK(live_effects_correct(&e, both, 1, &err));
    is_near("q alone", e.items[FIRST].delta.q, 2.0 / 256.0);
    s.results.done[SECOND] = true;
    CHECK(live_effects_update(&e, &s.measured, &s.results, METRIC_LD, &err));
    CHECK(estimate_delta(&s.measured, &s.results, SECOND, METRIC_LD, &whole, &err));
    is_near("delta", e.items[SECOND].delta.mean, whole.mean);
    is_near("p", whole.p, 8.0 / 256.0); // 0 has no sign: ±12, each with four signs of two zeros
    CHECK(live_effects_correct(&e, both, 2, &err));
    is_near("q of two", e.items[FIRST].delta.q, 4.0 / 256.0);
    is_near("q of two", e.items[SECOND].delta.q, 8.0 / 256.0);
    live_effects_forget(&e);
    assert_false(e.items[FIRST].made);
    live_effects_release(&e);
    study_close(&s);
}

// A patch at -3 of prompts of 3 and 4 tokens, BOS among them: of the shorter, every other row, BOS
// stands there. In rows 1 and 5 the two prompts differ there. Row i's delta is i; the run that gives
// is ahead by 8, or by 16 in rows 5 and 7.
static void a_patch_is_of_the_rows_that_have_its_position(void **state)
{
    (void)state;
    static const uint32_t ids[] = { 0, 1, 2, 3 }, other_ids[] = { 0, 9, 2, 3 };
    struct study s;
    struct row_stats other[ROWS] = { 0 };
    struct estimate e;
    struct recovery r;
    struct changed_effect c;
    struct abl_err err;
    struct edit edit = { .site = SITE_RESID_POST,
                         .head = ALL_HEADS,
                         .position = -3,
                         .op = EDIT_SET,
                         .source = SOURCE_ROW,
                         .donor = DONOR_MAP_OTHER };
    struct variant patch = {
        .edits = &edit, .n_edits = 1, .role = ROLE_PATCH, .parent = NO_VARIANT, .donor = DONOR_OTHER
    };
    study_open(&s, ROWS, 2);
    CHECK(variants_add(&s.variants, &patch, NULL, &err));
    edit.position = -4; // nobody has it but as BOS
    CHECK(variants_add(&s.variants, &patch, NULL, &err));
    for (size_t i = 0; i < ROWS; i++) {
        s.items[i].ids = ids;
        s.items[i].corrupt_ids = i % 4 == 1 ? other_ids : ids;
        s.items[i].n_ids = s.items[i].n_corrupt_ids = 3 + i % 2;
        other[i].target_logit = i > 4 ? 16 : 8;
    }
    s.measured.other = other;
    study_begin(&s);
    study_resample(&s, 50, 1);
    for (size_t i = 0; i < ROWS; i++)
        study_set(&s, 0, i, (double)i);
    CHECK(estimate_delta(&s.measured, &s.results, 0, METRIC_LD, &e, &err));
    assert_int_equal(e.n, 4);
    assert_int_equal(e.n_clusters, 4);
    is_near("delta", e.mean, (1 + 3 + 5 + 7) / 4.0);
    assert_true(e.ci_lo >= 1 && e.ci_hi <= 7 && e.ci_lo < e.mean && e.mean < e.ci_hi);
    CHECK(estimate_recovery(&s.measured, &s.results, 0, METRIC_LD, &r, &err));
    is_near("recovery", r.ratio.mean, 16.0 / (8 + 8 + 16 + 16));
    CHECK(estimate_changed(&s.measured, &s.results, 0, METRIC_LD, &c, &err));
    assert_int_equal(c.delta.n, 2);
    is_near("delta of the changed", c.delta.mean, (1 + 5) / 2.0);
    is_near("their recovery", c.recovery, 6.0 / (8 + 16));
    CHECK(estimate_delta(&s.measured, &s.results, 1, METRIC_LD, &e, &err));
    assert_int_equal(e.n, 0);
    assert_true(isnan(e.mean));
    CHECK(estimate_recovery(&s.measured, &s.results, 1, METRIC_LD, &r, &err));
    assert_true(isnan(r.ratio.mean) && r.small);
    study_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delta_is_paired_with_the_intact_row),
        cmocka_unit_test(an_interaction_is_joint_less_the_singles),
        cmocka_unit_test(a_recovery_is_the_way_back_to_the_intact_run),
        cmocka_unit_test(accuracy_is_the_share_of_targets_on_top),
        cmocka_unit_test(live_effects_come_as_variants_finish),
        cmocka_unit_test(a_patch_is_of_the_rows_that_have_its_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
