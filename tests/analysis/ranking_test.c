// What a run says of choices made by looking at it: how stable a ranking is, what held-out clusters
// confirm, and where a chosen set lies among random ones. Rankings:
// tests/fixtures/stats-golden.json, by tools/golden_stats.py with NumPy.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/effects.h"
#include "analysis/stability.h"
#include "base/rng.h"
#include "tests/support/fixture.h"
#include "tests/support/study.h"

static double normal(struct rng *r)
{
    double a = ((double)(rng_next(r) >> 12) + 0.5) * 0x1p-52;
    double b = ((double)(rng_next(r) >> 12) + 0.5) * 0x1p-52;
    return sqrt(-2.0 * log(a)) * cos(2.0 * acos(-1.0) * b);
}

// --------------------------------------------------------------------------------------- stability

static double at(const cJSON *o, const char *key)
{
    return fixture_number(fixture_at(o, key));
}

static double item_at(const cJSON *o, const char *key, size_t i)
{
    return fixture_nth(fixture_at(o, key), i);
}

static void check_stability(const cJSON *golden)
{
    size_t n = (size_t)at(golden, "n");
    size_t rows = (size_t)cJSON_GetArraySize(fixture_at(golden, "cluster"));
    struct study s;
    struct stability found;
    struct abl_err err;
    study_open(&s, rows, n);
    study_heads(&s, (uint32_t)n);
    study_begin(&s);
    size_t *variants = calloc(n, sizeof *variants);
    assert_non_null(variants);
    s.measured.min_effect = at(golden, "least"); // of an intact ld of 1
    for (size_t i = 0; i < rows; i++)
        s.intact[i].target_logit = 1.0f;
    for (size_t i = 0; i < rows; i++)
        s.items[i].cluster = (uint32_t)item_at(golden, "cluster", i);
    s.prompts.n_clusters = (uint32_t)at(golden, "n_clusters");
    for (size_t v = 0; v < n; v++) {
        variants[v] = v;
        for (size_t i = 0; i < rows; i++)
            study_set(&s, v, i, 1.0 + item_at(golden, "deltas", v * rows + i));
    }
    study_resample(&s, (uint32_t)at(golden, "n_boot"), (uint64_t)at(golden, "seed"));
    must(stability_make(&s.measured, &s.results, variants, n, METRIC_LD, &found, &err), &err);
    is_near("split_half", found.split_half, at(golden, "split_half"));
    is_near("split_half_lo", found.split_half_lo, at(golden, "split_half_lo"));
    is_near("split_half_hi", found.split_half_hi, at(golden, "split_half_hi"));
    is_near("spearman_brown", found.spearman_brown, at(golden, "spearman_brown"));
    is_near("top_k", found.top_k, at(golden, "top_k"));
    is_near("top_jaccard", found.top_jaccard, at(golden, "top_jaccard"));
    is_near("n", (double)found.n, at(golden, "n_ranked"));
    assert_int_equal(found.n_all, n);
    is_near("chance of halves", found.chance.split_half, item_at(golden, "chance", 0));
    is_near("chance of tops", found.chance.top_jaccard, item_at(golden, "chance", 1));
    for (size_t v = 0; v < n; v++)
        if (cJSON_IsNull(cJSON_GetArrayItem(fixture_at(golden, "stays"), (int)v)))
            assert_true(isnan(found.stays[v]));
        else
            is_near("stays", found.stays[v], item_at(golden, "stays", v));
    stability_release(&found);
    free(variants);
    study_close(&s);
}

static void stability_agrees_with_numpy(void **state)
{
    (void)state;
    cJSON *root = fixture_read("tests/fixtures/stats-golden.json");
    const cJSON *cases = fixture_at(root, "stability"), *one;
    assert_int_equal(cJSON_GetArraySize(cases), 3);
    cJSON_ArrayForEach(one, cases) check_stability(one);
    cJSON_Delete(root);
}

static void stability_is_missing_where_there_is_nothing_to_rank(void **state)
{
    (void)state;
    struct study s;
    struct stability found;
    struct abl_err err;
    const size_t variants[] = { 0, 1 };
    study_open(&s, 6, 2);
    study_heads(&s, 2);
    study_begin(&s);
    study_resample(&s, 50, 1);
    must(stability_make(&s.measured, &s.results, variants, 1, METRIC_LD, &found, &err), &err);
    assert_true(isnan(found.split_half) && isnan(found.top_jaccard) && isnan(found.stays[0]));
    assert_int_equal(found.top_k, 0);
    stability_release(&found);
    // Two can be put in order, but two ranks always agree or are reversed.
    must(stability_make(&s.measured, &s.results, variants, 2, METRIC_LD, &found, &err), &err);
    assert_true(isnan(found.split_half) && found.top_k == 1);
    stability_release(&found);
    study_close(&s);
}

// ---------------------------------------------------------------------------------------- hold-out

enum { NULL_HEADS = 64, CLUSTERS = 40, STUDIES = 60 };

// Heads 0 … n_real-1 add `effect` to every row, the others nothing; all rows have noise of their
// own. The verdict on single heads under ld, with every other cluster held out.
static struct holdout_verdict judge(uint64_t seed, size_t n_real, double effect)
{
    struct study s;
    struct holdout h;
    struct holdout_verdict v;
    struct abl_err err;
    struct rng r;
    rng_seed(&r, seed);
    study_open(&s, CLUSTERS, NULL_HEADS);
    study_heads(&s, NULL_HEADS);
    study_begin(&s);
    for (size_t i = 0; i < CLUSTERS; i++) {
        s.held_out[i] = i % 2;
        for (size_t head = 0; head < NULL_HEADS; head++)
            study_set(&s, head, i, normal(&r) + (head < n_real ? effect : 0.0));
    }
    s.measured.held_out = s.held_out;
    study_resample(&s, 200, seed);
    must(holdout_make(&s.measured, &s.results, &h, &err), &err);
    assert_true(h.made && h.n_rows[0] == CLUSTERS / 2 && h.n_clusters[1] == CLUSTERS / 2);
    assert_int_equal(h.lists[0].n, NULL_HEADS);
    must(holdout_judge(&h.lists[0], METRIC_LD, &v, &err), &err);
    holdout_release(&h);
    study_close(&s);
    return v;
}

// The ten largest of 64 effects that do not exist: on the rows that chose them they look like 1.9
// standard errors of a mean (1 / sqrt(20) = 0.22), on the held-out rows like nothing. The bounds
// are four standard errors of the mean over the studies wide.
static void the_winners_curse_shows_where_they_won_and_not_where_they_are_held_out(void **state)
{
    (void)state;
    double found = 0.0, held = 0.0, confirmed = 0.0;
    for (uint64_t study = 0; study < STUDIES; study++) {
        struct holdout_verdict v = judge(study, 0, 0.0);
        assert_true(v.n_chosen >= HOLDOUT_TOP);
        found += v.discovery / STUDIES;
        held += v.heldout / STUDIES;
        confirmed += v.n_confirmed > 0;
    }
    print_message("  of nothing: chosen %.3f, held out %.3f, confirmed in %.0f of %d studies\n",
                  found, held, confirmed, STUDIES);
    assert_true(found > 0.33);
    assert_true(fabs(held) < 4.0 * 0.2236 / sqrt(HOLDOUT_TOP * STUDIES));
    // 5 % of the studies, and three standard errors more.
    assert_true(confirmed <= STUDIES * 0.05 + 3.0 * sqrt(STUDIES * 0.05 * 0.95));
}

// Six real heads of a strength that selection would overstate. On held-out rows they have their
// true size, but for the four others of the ten, which are nothing: 0.6 of it.
static void real_heads_are_confirmed_at_their_true_size(void **state)
{
    (void)state;
    double found = 0.0, held = 0.0, confirmed = 0.0;
    for (uint64_t study = 0; study < STUDIES; study++) {
        struct holdout_verdict v = judge(1000 + study, 6, 1.0);
        found += v.discovery * (double)v.n_chosen / 6 / STUDIES;
        held += v.heldout * (double)v.n_chosen / 6 / STUDIES;
        confirmed += (double)v.n_confirmed / STUDIES;
    }
    print_message("  of six real ones: chosen %.3f, held out %.3f, confirmed %.2f\n", found, held,
                  confirmed);
    assert_true(found > 1.1);
    assert_true(fabs(held - 1.0) < 0.1);
    assert_true(confirmed > 5.5 && confirmed < 6.5);
}

// --------------------------------------------------------------------------------------- null sets

static void a_chosen_set_is_placed_among_its_own_random_sets(void **state)
{
    (void)state;
    enum { CONTROLS = 9, ROWS = 4 };
    struct study s;
    struct effects r;
    struct abl_err err;
    struct head pair[] = { { 0, 0 }, { 0, 1 } }, other[] = { { 1, 0 }, { 1, 1 } };
    struct ablation how = { .kind = ABLATE_SCALE };
    size_t chosen, alone, n;
    study_open(&s, ROWS, 2 + CONTROLS);
    must(variants_add_set(&s.variants, &(struct head_set){ pair, 2 }, how, ROLE_SET, NO_VARIANT,
                          &chosen, &err)
             && variants_add_set(&s.variants, &(struct head_set){ other, 2 }, how, ROLE_SET,
                                 NO_VARIANT, &alone, &err),
         &err);
    for (uint32_t c = 0; c < CONTROLS; c++) {
        struct head random[] = { { 0, 2 + 2 * c }, { 0, 3 + 2 * c } };
        must(variants_add_set(&s.variants, &(struct head_set){ random, 2 }, how, ROLE_CONTROL,
                              chosen, &n, &err),
             &err);
    }
    study_begin(&s);
    study_resample(&s, 20, 1);
    // Random sets: -1, -0.75, … 1. The chosen one, 0.75, is at or above eight of the nine, and four
    // are as far from 0.
    for (size_t i = 0; i < ROWS; i++) {
        study_set(&s, chosen, i, 0.75);
        study_set(&s, alone, i, 8.0);
        for (size_t c = 0; c < CONTROLS; c++)
            study_set(&s, 2 + c, i, -1.0 + 0.25 * (double)c);
    }
    must(effects_make(&s.measured, &s.results, NULL, &r, &err), &err);
    assert_int_equal(r.groups[0].n_controls, CONTROLS);
    is_near("percentile", r.groups[0].percentile[METRIC_LD], 100.0 * 8 / 9);
    is_near("p_null", r.groups[0].p_null[METRIC_LD], (4.0 + 1) / (CONTROLS + 1));
    assert_int_equal(r.groups[1].n_controls, 0);
    assert_true(isnan(r.groups[1].p_null[METRIC_LD])); // the other set's null is not its own
    assert_true(isnan(r.groups[2].p_null[METRIC_LD])); // a control has none
    effects_release(&r);
    study_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stability_agrees_with_numpy),
        cmocka_unit_test(stability_is_missing_where_there_is_nothing_to_rank),
        cmocka_unit_test(the_winners_curse_shows_where_they_won_and_not_where_they_are_held_out),
        cmocka_unit_test(real_heads_are_confirmed_at_their_true_size),
        cmocka_unit_test(a_chosen_set_is_placed_among_its_own_random_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
