#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stats/metrics.h"

// Logits (2, 1, 0) with target 1 and foil 2. By hand: lse = ln(e^2 + e + 1) = 2.4076059644443806,
// ln p(target) = -1.4076059644443806, p(target) = 0.24472847105479764.
static const struct row_stats intact = {
    .target_logit = 1.0f,
    .foil_logit = 0.0f,
    .target_lse = 1.0f,
    .lse = 2.4076059644443806f,
    .entropy = 0.8324f,
    .kl = 0.0f,
    .rank = 1,
    .argmax = 0,
};

// Logits (0, 3, 1): the target wins now.
static const struct row_stats ablated = {
    .target_logit = 3.0f,
    .foil_logit = 1.0f,
    .target_lse = 3.0f,
    .lse = 3.1698460195562856f, // ln(1 + e^3 + e)
    .entropy = 0.5f,
    .kl = 1.25f,
    .rank = 0,
    .argmax = 1,
};

static void close_to(const char *what, double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%s: found %.17g, expected %.17g, differs by %g, tolerance %g", what, found,
                 expected, found - expected, tolerance);
}

static void gives_each_metric_by_hand(void **state)
{
    (void)state;
    const double tolerance = 1e-6; // the stats are floats
    const struct {
        enum metric metric;
        double intact, ablated;
    } expected[] = {
        { METRIC_LD, 1.0, 2.0 },
        { METRIC_LOGPROB, -1.4076059644443806, -0.16984601955628567 },
        { METRIC_PROB, 0.24472847105479764, 0.84379473448133940 },
        { METRIC_KL, 0.0, 1.25 },
        { METRIC_RANK, 1.0, 0.0 },
        { METRIC_FLIP, 0.0, 1.0 },
        { METRIC_ENTROPY, 0.8324, 0.5 },
    };
    enum { N = sizeof expected / sizeof *expected };
    assert_int_equal(N, N_METRICS);
    for (size_t i = 0; i < N; i++) {
        enum metric m = expected[i].metric;
        const struct metric_info *info = metric_info(m);
        close_to(info->name, metric_value(m, &intact, &intact), expected[i].intact, tolerance);
        close_to(info->name, metric_value(m, &ablated, &intact), expected[i].ablated, tolerance);
        close_to(info->name, metric_delta(m, &ablated, &intact),
                 expected[i].ablated - expected[i].intact, tolerance);
        close_to(info->name, metric_delta(m, &intact, &intact), 0.0, 0.0);
    }
}

// Logits (2, 1, 0) and the targets 0 and 1 against foil 2, by hand: mean 1.5, ln(e^2 + e) =
// 2.3132616875182226, p = (e^2 + e) / (e^2 + e + 1) = 0.90996942682961961.
static void scores_a_list_by_the_sum_of_its_probabilities(void **state)
{
    (void)state;
    const double tolerance = 1e-6;
    struct row_stats row = intact;
    row.target_logit = 1.5f;
    row.target_lse = 2.3132616875182226f;
    close_to("ld of means", metric_value(METRIC_LD, &row, &row), 1.5, 0);
    close_to("prob", metric_value(METRIC_PROB, &row, &row), 0.90996942682961961, tolerance);
    close_to("logprob", metric_value(METRIC_LOGPROB, &row, &row), -0.09434427692615745, tolerance);
    row.target_logit = row.target_lse;
    close_to("ld of lse", metric_value(METRIC_LD, &row, &row), 2.3132616875182226, tolerance);
}

static void keeps_small_differences_of_big_logits(void **state)
{
    (void)state;
    // Both are exact floats; their difference is not representable near 16384 in half, but is in
    // double.
    struct row_stats row = { .target_logit = 16384.001953125f, .foil_logit = 16384.0f };
    close_to("ld", metric_value(METRIC_LD, &row, &row), 0.001953125, 0.0);
}

static void ignores_a_kl_left_in_the_intact_row(void **state)
{
    (void)state;
    struct row_stats base = intact;
    base.kl = 7.0f;
    close_to("kl", metric_value(METRIC_KL, &base, &base), 0.0, 0.0);
    close_to("kl delta", metric_delta(METRIC_KL, &ablated, &base), 1.25, 0.0);
}

static void finds_every_metric_by_its_name_and_no_other(void **state)
{
    (void)state;
    for (int m = 0; m < N_METRICS; m++) {
        const struct metric_info *info = metric_info((enum metric)m);
        enum metric found;
        assert_true(info->name && info->meaning && info->unit && info->value);
        assert_true(metric_parse(info->name, &found));
        assert_int_equal(found, m);
    }
    enum metric untouched = METRIC_RANK;
    assert_false(metric_parse("LD", &untouched));
    assert_false(metric_parse("", &untouched));
    assert_false(metric_parse("ld ", &untouched));
    assert_int_equal(untouched, METRIC_RANK);
}

// The same read-out with one part of it changed.
static struct readout changed(struct readout r, enum readout_part part)
{
    switch (part) {
    case OF_TARGET:
        r.target_logit += 1;
        r.target_lse += 1;
        break;
    case OF_FOIL:
        r.foil_logit += 1;
        break;
    case OF_LSE:
        r.lse += 1;
        break;
    case OF_ENTROPY:
        r.entropy += 1;
        break;
    case OF_KL:
        r.kl += 1;
        break;
    case OF_RANK:
        r.rank += 1;
        break;
    case OF_ARGMAX:
        r.argmax += 1;
        break;
    }
    return r;
}

static void looks_at_the_parts_that_its_row_names_and_no_other(void **state)
{
    (void)state;
    const struct readout base
        = { .target_logit = 1, .target_lse = 1, .lse = 2.5, .entropy = 0.5, .rank = 3 };
    for (int m = 0; m < N_METRICS; m++) {
        const struct metric_info *info = metric_info((enum metric)m);
        assert_true(info->parts);
        for (unsigned part = 1; part <= OF_ARGMAX; part <<= 1) {
            struct readout other = changed(base, (enum readout_part)part);
            bool moves = info->value(&other, &base) != info->value(&base, &base);
            if (moves != ((info->parts & part) != 0))
                fail_msg("%s: part %#x, found %d", info->name, part, moves);
        }
    }
}

// By what the target gains, which raises its logit and lowers its rank.
static void has_the_sign_that_its_row_names(void **state)
{
    (void)state;
    const struct readout base
        = { .target_logit = 1, .target_lse = 1, .lse = 3, .entropy = 1, .rank = 3 };
    const struct readout better = { .target_logit = 2,
                                    .target_lse = 2,
                                    .lse = 3,
                                    .entropy = 0.5,
                                    .kl = 0.1,
                                    .rank = 1,
                                    .argmax = 1 };
    for (int m = 0; m < N_METRICS; m++) {
        const struct metric_info *info = metric_info((enum metric)m);
        double gain = info->value(&better, &base) - info->value(&base, &base);
        bool rises = info->sense == SENSE_FOR_TARGET || info->sense == SENSE_CHANGE;
        if (rises ? !(gain > 0) : !(gain < 0))
            fail_msg("%s: changes by %g", info->name, gain);
        if (info->sense == SENSE_CHANGE)
            close_to(info->name, info->value(&base, &base), 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_each_metric_by_hand),
        cmocka_unit_test(scores_a_list_by_the_sum_of_its_probabilities),
        cmocka_unit_test(keeps_small_differences_of_big_logits),
        cmocka_unit_test(ignores_a_kl_left_in_the_intact_row),
        cmocka_unit_test(finds_every_metric_by_its_name_and_no_other),
        cmocka_unit_test(looks_at_the_parts_that_its_row_names_and_no_other),
        cmocka_unit_test(has_the_sign_that_its_row_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
