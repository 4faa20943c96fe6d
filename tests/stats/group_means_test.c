// Means by group and whether they differ, against NumPy and SciPy
// (tests/fixtures/stats-golden.json, by tools/golden_stats.py).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "stats/group_means.h"
#include "stats/student_t.h"
#include "tests/support/fixture.h"

enum { MAX_ROWS = 64, MAX_GROUPS = 8 };

static void close_to(const char *of, const char *what, double found, double expected)
{
    bool same = isnan(expected) ? isnan(found)
                                : fabs(found - expected) <= 1e-11 * fmax(1, fabs(expected));
    if (!same)
        fail_msg("%s, %s: found %.17g, expected %.17g", of, what, found, expected);
}

// Missing is null there.
static double number_or_nan(const cJSON *item)
{
    return cJSON_IsNull(item) ? (double)NAN : fixture_number(item);
}

static double of_group(const cJSON *golden, const char *key, uint32_t k)
{
    return number_or_nan(cJSON_GetArrayItem(fixture_at(golden, key), (int)k));
}

static void check_groups(const cJSON *golden)
{
    uint32_t group[MAX_ROWS], unit[MAX_ROWS], n_groups = 0, n_units = 0;
    double values[MAX_ROWS], room[MAX_ROWS];
    size_t n = (size_t)cJSON_GetArraySize(fixture_at(golden, "values"));
    const char *name = fixture_at(golden, "name")->valuestring;
    struct group_mean means[MAX_GROUPS];
    struct heterogeneity het;
    struct grouping *g;
    struct abl_err err;
    assert_in_range(n, 1, MAX_ROWS);
    for (size_t i = 0; i < n; i++) {
        values[i] = fixture_nth(fixture_at(golden, "values"), i);
        group[i] = (uint32_t)fixture_nth(fixture_at(golden, "group"), i);
        unit[i] = (uint32_t)fixture_nth(fixture_at(golden, "unit"), i);
        n_groups = group[i] >= n_groups ? group[i] + 1 : n_groups;
        n_units = unit[i] >= n_units ? unit[i] + 1 : n_units;
    }
    double alpha = fixture_number(fixture_at(golden, "alpha"));
    if (!grouping_new(group, unit, n, n_groups, n_units, alpha, &g, &err))
        fail_msg("%s", err.text);
    group_means(g, values, room, means, &het);
    double lo = NAN, hi = NAN;
    for (uint32_t k = 0; k < n_groups; k++) {
        double without = of_group(golden, "without", k);
        close_to(name, "mean", means[k].mean, of_group(golden, "mean", k));
        close_to(name, "se", means[k].se, of_group(golden, "se", k));
        close_to(name, "ci_lo", means[k].ci_lo, of_group(golden, "ci_lo", k));
        close_to(name, "ci_hi", means[k].ci_hi, of_group(golden, "ci_hi", k));
        close_to(name, "without", means[k].without, without);
        close_to(name, "n_units", means[k].n_units, of_group(golden, "n_units", k));
        lo = fmin(lo, without);
        hi = fmax(hi, without);
    }
    close_to(name, "p", het.p, number_or_nan(fixture_at(golden, "p")));
    close_to(name, "without_lo", het.without_lo, lo);
    close_to(name, "without_hi", het.without_hi, hi);
    assert_true(isnan(het.q));
    grouping_free(g);
}

static void groups_agree_with_numpy(void **state)
{
    (void)state;
    cJSON *root = fixture_read("tests/fixtures/stats-golden.json");
    const cJSON *cases = fixture_at(root, "groups"), *one;
    assert_int_equal(cJSON_GetArraySize(cases), 5);
    cJSON_ArrayForEach(one, cases) check_groups(one);
    cJSON_Delete(root);
}

static void tails_of_f_agree_with_scipy(void **state)
{
    (void)state;
    cJSON *root = fixture_read("tests/fixtures/stats-golden.json");
    const cJSON *cases = fixture_at(root, "fisher"), *one;
    assert_int_equal(cJSON_GetArraySize(cases), 20);
    cJSON_ArrayForEach(one, cases)
    {
        double f = fixture_number(fixture_at(one, "f")), a = fixture_number(fixture_at(one, "a"));
        double b = fixture_number(fixture_at(one, "b"));
        close_to("fisher", "p", fisher_tail(f, a, b), fixture_number(fixture_at(one, "p")));
    }
    cJSON_Delete(root);
}

// Groups without any spread are not compared: there is nothing to compare the distance with.
static void groups_without_spread_have_no_p(void **state)
{
    (void)state;
    const uint32_t group[] = { 0, 0, 0, 1, 1, 1 }, unit[] = { 0, 1, 2, 3, 4, 5 };
    const double values[] = { 1, 1, 1, 2, 2, 2 };
    double room[6];
    struct group_mean means[2];
    struct heterogeneity het;
    struct grouping *g;
    struct abl_err err;
    assert_true(grouping_new(group, unit, 6, 2, 6, 0.05, &g, &err));
    group_means(g, values, room, means, &het);
    assert_true(isnan(het.p));
    close_to("no spread", "ci", means[1].ci_lo, 2.0);
    grouping_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_agree_with_numpy),
        cmocka_unit_test(tails_of_f_agree_with_scipy),
        cmocka_unit_test(groups_without_spread_have_no_p),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
