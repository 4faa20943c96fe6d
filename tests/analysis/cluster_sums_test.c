// Differences of two runs by cluster. Expected numbers are SciPy's (scipy.stats.t), of
//   d = sums of a - b by cluster, n = rows by cluster, C = 7:  m = sum(d) / sum(n),
//   se = sqrt(C / (C - 1) sum((d - m n)^2)) / sum(n), t.ppf(.975, 6), 2 t.sf(|m / se|, 6);
// not paired: both runs' own m and se, and Welch's degrees of freedom.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/cluster_sums.h"
#include "tests/support/check.h"
#include "tests/support/study.h"
#include "text/rows.h"

enum { ROWS = 9, CLUSTERS = 7 };

static const uint32_t clusters[ROWS] = { 0, 0, 1, 2, 3, 4, 4, 5, 6 };
static const double lds[2][ROWS] = { { -1, -2, -0.5, -3, -1.5, -2, -1, 0.5, -2.5 },
                                     { -0.5, -1, 0.25, -2, -2, -0.5, -1, 0, -1 } };

// One run's effect, of two heads that a study calls runs.
struct runs {
    struct study study;
    struct dataset_row rows[ROWS];
    struct cluster_sums a, b;
};

static void open_runs(struct runs *r, const char *data_of_b)
{
    struct abl_err err;
    struct study *s = &r->study;
    study_open(s, ROWS, 2);
    study_heads(s, 2);
    study_begin(s);
    s->prompts.n_clusters = CLUSTERS;
    for (uint32_t i = 0; i < ROWS; i++) {
        r->rows[i] = (struct dataset_row){ .line = i + 1 };
        s->items[i].row = &r->rows[i];
        s->items[i].cluster = clusters[i];
        study_set(s, 0, i, lds[0][i]);
        study_set(s, 1, i, lds[1][i]);
    }
    CHECK(cluster_sums_init(&s->measured, "data", 2, &r->a, &err));
    CHECK(cluster_sums_init(&s->measured, data_of_b, 2, &r->b, &err));
    cluster_sums_take(&r->a, 1, &s->measured, &s->results, 0, METRIC_LD);
    cluster_sums_take(&r->b, 1, &s->measured, &s->results, 1, METRIC_LD);
}

static void close_runs(struct runs *r)
{
    cluster_sums_release(&r->a);
    cluster_sums_release(&r->b);
    study_close(&r->study);
}

static void expect(const struct estimate *e, const double expected[5])
{
    static const char *const names[] = { "mean", "se", "ci_lo", "ci_hi", "p" };
    const double found[] = { e->mean, e->se, e->ci_lo, e->ci_hi, e->p };
    for (size_t i = 0; i < 5; i++)
        if (!(fabs(found[i] - expected[i]) < 1e-9))
            fail_msg("%s is %.12g, expected %.12g", names[i], found[i], expected[i]);
    assert_true(isnan(e->q));
    assert_int_equal(e->n, ROWS);
    assert_int_equal(e->n_clusters, CLUSTERS);
}

static void the_same_rows_are_paired(void **state)
{
    (void)state;
    struct runs r;
    open_runs(&r, "data");
    assert_true(cluster_sums_same_rows(&r.a, &r.b));
    struct estimate e = cluster_sums_difference(&r.a, &r.b, 1, 0.05);
    expect(&e, (double[]){ -0.5833333333333334, 0.22806115064087862, -1.1413788656222594,
                           -0.02528780104440731, 0.04303637433412179 });
    assert_true(isnan(cluster_sums_difference(&r.a, &r.b, 0, 0.05).mean)); // never taken
    close_runs(&r);
}

static void other_rows_are_two_samples(void **state)
{
    (void)state;
    struct runs r;
    open_runs(&r, "other data");
    assert_false(cluster_sums_same_rows(&r.a, &r.b));
    struct estimate e = cluster_sums_difference(&r.a, &r.b, 1, 0.05);
    expect(&e, (double[]){ -0.5833333333333333, 0.4314295228846552, -1.53124898871524,
                           0.36458232204857344, 0.20311097514271856 });
    close_runs(&r);
}

static void rows_in_other_clusters_are_other_rows(void **state)
{
    (void)state;
    struct runs r;
    struct abl_err err;
    open_runs(&r, "data");
    cluster_sums_release(&r.b);
    r.study.items[1].cluster = 1;
    CHECK(cluster_sums_init(&r.study.measured, "data", 2, &r.b, &err));
    assert_false(cluster_sums_same_rows(&r.a, &r.b));
    close_runs(&r);
}

static void a_copy_is_another(void **state)
{
    (void)state;
    struct runs r;
    struct cluster_sums copy;
    open_runs(&r, "data");
    assert_true(cluster_sums_copy(&r.a, &copy));
    struct estimate e = cluster_sums_difference(&copy, &r.a, 1, 0.05);
    assert_true(e.mean == 0.0 && e.p == 1.0 && e.ci_lo == 0.0 && e.ci_hi == 0.0);
    cluster_sums_release(&copy);
    assert_true(cluster_sums_copy(&copy, &copy) && !copy.n); // of nothing
    close_runs(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_rows_are_paired),
        cmocka_unit_test(other_rows_are_two_samples),
        cmocka_unit_test(rows_in_other_clusters_are_other_rows),
        cmocka_unit_test(a_copy_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
