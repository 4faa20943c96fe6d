// Orders, likeness of heads and what holds in several runs: expected numbers by hand.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/invariants.h"
#include "analysis/likeness.h"
#include "analysis/ranking.h"
#include "stats/ranks.h"
#include "tests/support/check.h"
#include "tests/support/study.h"

static void the_largest_size_comes_first_and_no_number_last(void **state)
{
    (void)state;
    const double values[] = { 1, NAN, -3, 0, 3, -1 };
    const size_t expected[] = { 2, 4, 0, 5, 3, 1 };
    size_t order[6];
    struct abl_err err;
    CHECK(ranks_by_size(values, 6, order, &err));
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(order[i], expected[i]);
}

static void quantiles_lie_between_order_statistics(void **state)
{
    (void)state;
    double v[] = { 9, 1, 5, 3 }; // 1 3 5 9 at 0, 1/3, 2/3, 1
    is_near("median", ranks_quantile(v, 4, 0.5), 4.0);
    is_near("least", ranks_quantile(v, 4, 0.0), 1.0);
    is_near("most", ranks_quantile(v, 4, 1.0), 9.0);
    is_near("0.9", ranks_quantile(v, 4, 0.9), 5.0 + 0.7 * 4.0);
}

// Deltas 1, -2, 0 and a control's 5, which is in the list of all but not in the ranking.
static void controls_are_not_ranked(void **state)
{
    (void)state;
    enum { ROWS = 3 };
    const double deltas[] = { 1, -2, 0, 5 };
    struct head random[] = { { 1, 0 }, { 1, 1 } };
    struct study s;
    struct effect effects[4] = { { 0 } };
    struct effect_ranking r;
    struct top_delta top[2];
    struct abl_err err;
    size_t n;
    study_open(&s, ROWS, 4);
    study_heads(&s, 3);
    CHECK(variants_add_set(&s.variants, &(struct head_set){ random, 2 }, (struct ablation){ 0 },
                           ROLE_CONTROL, 0, NULL, &err));
    study_begin(&s);
    study_resample(&s, 10, 1);
    for (size_t v = 0; v < 4; v++) {
        effects[v].variant = v;
        effects[v].delta[METRIC_LD].mean = deltas[v];
        for (size_t i = 0; i < ROWS; i++)
            study_set(&s, v, i, deltas[v]);
    }
    CHECK(effect_ranking_make(&s.measured, &s.results, effects, 4, METRIC_LD, &r, &err));
    assert_int_equal(r.n, 3);
    assert_ptr_equal(r.items[0].effect, &effects[1]);
    assert_ptr_equal(r.items[1].effect, &effects[0]);
    assert_ptr_equal(r.items[2].effect, &effects[2]);
    is_near("stays", r.items[0].stays, 1.0); // all rows alike: no resample thinks otherwise
    effect_ranking_release(&r);
    CHECK(top_deltas(&s.measured, &s.results, METRIC_LD, top, 2, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(top[0].variant, 3);
    assert_int_equal(top[1].variant, 1);
    study_close(&s);
}

static void means_over_a_list_and_what_shams_change(void **state)
{
    (void)state;
    struct effect effects[2] = { { 0 } };
    effects[0].value[METRIC_LD].mean = 3, effects[1].value[METRIC_LD].mean = 1;
    effects[0].delta[METRIC_LD]
        = (struct estimate){ .mean = -1, .q = 0.01, .n = 6, .n_clusters = 6 };
    effects[1].delta[METRIC_LD] = (struct estimate){ .mean = 2, .q = NAN, .n = 6, .n_clusters = 6 };
    struct verdict_bar bar = { .alpha = 0.05, .least = 1.5 };
    struct overall_effect all = effects_overall(effects, 2, METRIC_LD, bar);
    is_near("value", all.value, 2.0);
    is_near("delta", all.delta, 0.5);
    assert_int_equal(all.n_significant, 1);
    assert_int_equal(all.n_effects, 0); // told from chance, and smaller than what counts
    bar.least = 1.0;
    assert_int_equal(effects_overall(effects, 2, METRIC_LD, bar).n_effects, 1);
    struct study s;
    study_open(&s, 2, 1);
    study_heads(&s, 1);
    study_begin(&s);
    study_set(&s, 0, 1, -0.25);
    assert_true(isnan(sham_error(&s.measured, &s.results)));
    s.variants.items[0].role = ROLE_SHAM;
    is_near("sham", sham_error(&s.measured, &s.results), 0.25);
    study_close(&s);
}

static void a_verdict_needs_clusters_a_test_q_and_size(void **state)
{
    (void)state;
    struct verdict_bar bar = { .alpha = 0.05, .least = 0.5 };
    const struct {
        uint32_t n_clusters;
        double q, mean;
        enum verdict expected;
    } cases[] = { { 5, 0.001, 9.0, VERDICT_TOO_FEW }, { 6, NAN, 9.0, VERDICT_UNTESTED },
                  { 6, 0.05, -9.0, VERDICT_CHANCE },  { 6, 0.049, -0.49, VERDICT_NEGLIGIBLE },
                  { 6, 0.049, -0.5, VERDICT_EFFECT }, { 6, 0.049, 0.5, VERDICT_EFFECT } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct estimate e
            = { .mean = cases[i].mean, .q = cases[i].q, .n_clusters = cases[i].n_clusters };
        enum verdict found = verdict_of(&e, bar);
        if (found != cases[i].expected)
            fail_msg("case %zu: found \"%s\", expected \"%s\"", i, verdict_name(found),
                     verdict_name(cases[i].expected));
        assert_int_equal(verdict_is_effect(&e, bar), found == VERDICT_EFFECT);
    }
    struct estimate intact = { .mean = -4.0 };
    is_near("least", least_effect(0.02, &intact), 0.08);
    intact.mean = NAN; // no rows
    is_near("least of nothing", least_effect(0.02, &intact), 0.0);
}

// Tops { a b c } and { b c d }: 2 of 4. Bottoms { x } and { y }: none. Common scores 2, 1 of b, c
// and of none below: two are too few to correlate.
static void likeness_without_vectors_goes_by_tokens(void **state)
{
    (void)state;
    struct scored_token a[] = { { "a", 3 }, { "b", 2 }, { "c", 1 } }, x[] = { { "x", -1 } };
    struct scored_token b[] = { { "b", 9 }, { "d", 8 }, { "c", 7 } }, y[] = { { "y", -1 } };
    struct written_head p = { .top = { a, 3 }, .bottom = { x, 1 } };
    struct written_head q = { .top = { b, 3 }, .bottom = { y, 1 } };
    struct likeness l;
    struct abl_err err;
    CHECK(likeness_make(&p, &q, 0, &l, &err));
    assert_true(isnan(l.cosine) && isnan(l.correlation));
    is_near("top", l.top, 0.5);
    is_near("bottom", l.bottom, 0.0);
    assert_int_equal(l.n_common, 2);
    assert_false(l.agree);
    b[1] = (struct scored_token){ "a", 10 }; // all three in the same order but for none
    CHECK(likeness_make(&p, &q, 0, &l, &err));
    is_near("top", l.top, 1.0);
    is_near("correlation", l.correlation, 1.0);
    assert_true(l.agree); // (1 + 0) / 2 of overlap
}

static void likeness_goes_by_vectors_where_they_share_a_space(void **state)
{
    (void)state;
    double u[] = { 3, 4 }, v[] = { 4, 3 };
    struct written_head p = { .vector = u }, q = { .vector = v };
    struct likeness l;
    struct abl_err err;
    CHECK(likeness_make(&p, &q, 2, &l, &err));
    is_near("cosine", l.cosine, 24.0 / 25.0);
    assert_true(l.agree);
    v[0] = -4;
    CHECK(likeness_make(&p, &q, 2, &l, &err));
    is_near("cosine", l.cosine, 0.0);
    assert_false(l.agree);
    CHECK(likeness_make(&p, &q, 0, &l, &err));
    assert_true(isnan(l.cosine));
}

static void texts_are_counted_once_a_list(void **state)
{
    (void)state;
    struct scored_token a[] = { { "a", 3 }, { "b", 2 }, { "c", 1 } };
    struct scored_token b[] = { { "c", 9 }, { "b", 8 } };
    struct scored_tokens first = { a, 3 }, second = { b, 2 };
    const struct scored_tokens *lists[] = { &first, &second };
    struct text_count *counts;
    struct abl_err err;
    size_t n;
    CHECK(count_texts(lists, 2, 0, &counts, &n, &err));
    assert_int_equal(n, 3);
    assert_string_equal(counts[0].text, "b"); // as often as c, and before it
    assert_int_equal(counts[0].n, 2);
    assert_string_equal(counts[1].text, "c");
    assert_string_equal(counts[2].text, "a");
    free(counts);
    CHECK(count_texts(lists, 2, 1, &counts, &n, &err));
    assert_int_equal(n, 2); // a and c
    free(counts);
}

static struct place place_of(const char *key, double delta)
{
    return (struct place){ .keys = { key }, .text = "", .delta = delta };
}

static void what_is_everywhere_is_among_the_top_of_every_run(void **state)
{
    (void)state;
    struct place one[INVARIANT_TOP + 2], two[] = { place_of("k03", 1), place_of("k11", -9) };
    struct places lists[2];
    char keys[INVARIANT_TOP + 2][4];
    bool one_sign;
    for (int i = 0; i < INVARIANT_TOP + 2; i++) { // sizes 0, 1, … 11
        keys[i][0] = 'k', keys[i][1] = (char)('0' + i / 10), keys[i][2] = (char)('0' + i % 10);
        keys[i][3] = '\0';
        one[i] = place_of(keys[i], i);
    }
    places_keep_top(one, INVARIANT_TOP + 2, BY_SIZE, &lists[0]);
    places_keep_top(two, 2, BY_SIZE, &lists[1]);
    assert_int_equal(lists[0].n, INVARIANT_TOP);
    assert_string_equal(lists[0].items[0].keys[0], "k11");
    struct place k01 = place_of("k01", 1), k03 = place_of("k03", 3), k11 = place_of("k11", 11);
    assert_null(places_find(&lists[0], &k01)); // the eleventh
    assert_true(place_is_everywhere(&k03, lists, 2, &one_sign) && one_sign);
    assert_true(place_is_everywhere(&k11, lists, 2, &one_sign) && !one_sign);
    assert_false(place_is_everywhere(&k01, lists, 2, &one_sign));
}

static void the_highest_come_first_where_they_are_asked_for(void **state)
{
    (void)state;
    struct place some[] = { place_of("a", -9), place_of("b", 1), place_of("c", 2) };
    struct places list;
    places_keep_top(some, 3, BY_VALUE, &list);
    assert_string_equal(list.items[0].keys[0], "c");
    assert_string_equal(list.items[1].keys[0], "b");
    assert_string_equal(list.items[2].keys[0], "a");
}

static void places_of_several_seeds_have_their_mean(void **state)
{
    (void)state;
    struct place some[]
        = { place_of("b", 1), place_of("a", 5), place_of("b", 2), place_of("b", 6) };
    size_t n = 4;
    places_average(some, &n);
    assert_int_equal(n, 2);
    assert_string_equal(some[0].keys[0], "a");
    assert_true(some[0].delta == 5);
    assert_string_equal(some[1].keys[0], "b");
    assert_true(some[1].delta == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_size_comes_first_and_no_number_last),
        cmocka_unit_test(quantiles_lie_between_order_statistics),
        cmocka_unit_test(controls_are_not_ranked),
        cmocka_unit_test(means_over_a_list_and_what_shams_change),
        cmocka_unit_test(a_verdict_needs_clusters_a_test_q_and_size),
        cmocka_unit_test(likeness_without_vectors_goes_by_tokens),
        cmocka_unit_test(likeness_goes_by_vectors_where_they_share_a_space),
        cmocka_unit_test(texts_are_counted_once_a_list),
        cmocka_unit_test(what_is_everywhere_is_among_the_top_of_every_run),
        cmocka_unit_test(the_highest_come_first_where_they_are_asked_for),
        cmocka_unit_test(places_of_several_seeds_have_their_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
