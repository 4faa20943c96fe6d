// Expected numbers: tests/fixtures/stats-golden.json, written by tools/golden_stats.py with NumPy
// and SciPy.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "stats/ranks.h"
#include "stats/stats.h"
#include "stats/student_t.h"

enum { MAX_VALUES = 256 };

struct column {
    double v[MAX_VALUES];
    size_t n;
};

static void close_to(const char *name, const char *what, double found, double expected,
                     double tolerance)
{
    double slack = tolerance * fmax(1.0, fabs(expected));
    if (!(fabs(found - expected) <= slack))
        fail_msg("%s, %s: found %.17g, expected %.17g, differs by %g, tolerance %g", name, what,
                 found, expected, found - expected, slack);
}

static void read_column(struct json *j, struct column *out)
{
    out->n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        assert_true(out->n < MAX_VALUES);
        assert_true(json_double(j, &out->v[out->n++]));
    }
}

struct golden_estimate {
    char name[64];
    struct column values, cluster;
    uint64_t n_clusters, n_boot, seed;
    double alpha, mean, se, ci_lo, ci_hi, p;
};

static bool read_estimate_key(struct json *j, struct json_text key, struct golden_estimate *g)
{
    if (json_key_is(key, "name")) {
        struct json_text text;
        bool ok = json_string(j, &text);
        snprintf(g->name, sizeof g->name, "%s", ok ? text.data : "");
        return ok;
    }
    if (json_key_is(key, "values") || json_key_is(key, "cluster")) {
        read_column(j, json_key_is(key, "values") ? &g->values : &g->cluster);
        return true;
    }
    const struct {
        const char *key;
        uint64_t *out;
    } wholes[]
        = { { "n_clusters", &g->n_clusters }, { "n_boot", &g->n_boot }, { "seed", &g->seed } };
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        if (json_key_is(key, wholes[i].key))
            return json_u64(j, wholes[i].out);
    if (json_peek(j) == JSON_NULL) // it stays as it was: NaN
        return json_null(j);
    const struct {
        const char *key;
        double *out;
    } reals[] = { { "alpha", &g->alpha }, { "mean", &g->mean },   { "se", &g->se },
                  { "ci_lo", &g->ci_lo }, { "ci_hi", &g->ci_hi }, { "p", &g->p } };
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (json_key_is(key, reals[i].key))
            return json_double(j, reals[i].out);
    return json_skip(j);
}

static void check_estimate(const struct golden_estimate *g)
{
    uint32_t cluster[MAX_VALUES];
    for (size_t i = 0; i < g->cluster.n; i++)
        cluster[i] = (uint32_t)g->cluster.v[i];
    struct resampler *r;
    struct abl_err err;
    assert_true(resampler_new(cluster, g->values.n, (uint32_t)g->n_clusters, (uint32_t)g->n_boot,
                              g->seed, g->alpha, &r, &err));
    struct estimate e;
    assert_true(stats_estimate(r, g->values.v, true, &e, &err));
    resampler_free(r);
    const double rounding = 1e-13; // the golden sums are exact, ours round once an addition
    close_to(g->name, "mean", e.mean, g->mean, rounding);
    close_to(g->name, "se", e.se, g->se, rounding);
    close_to(g->name, "ci_lo", e.ci_lo, g->ci_lo, rounding);
    close_to(g->name, "ci_hi", e.ci_hi, g->ci_hi, rounding);
    if (isnan(g->p))
        assert_true(isnan(e.p));
    else
        close_to(g->name, "p", e.p, g->p, 0.0); // a count of patterns: exact
    assert_true(isnan(e.q));
    assert_int_equal(e.n, g->values.n);
    assert_int_equal(e.n_clusters, g->n_clusters);
}

static size_t check_estimates(struct json *j)
{
    size_t n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        static struct golden_estimate g;
        g = (struct golden_estimate){ .p = NAN };
        struct json_text key;
        assert_true(json_object(j));
        while (json_next_key(j, &key))
            assert_true(read_estimate_key(j, key, &g));
        check_estimate(&g);
        n++;
    }
    return n;
}

// Call check on the element of the golden file's `section`; returns what it returns.
static size_t with_golden(const char *section, size_t (*check)(struct json *))
{
    struct file_bytes bytes;
    struct abl_err err = { 0 };
    const char *path = "tests/fixtures/stats-golden.json";
    if (!file_read(path, 1 << 24, &bytes, ABL_FAILED, &err))
        fail_msg("%s", err.text);
    struct json j;
    struct json_text key;
    size_t n = 0;
    assert_true(json_open(&j, path, bytes.data, bytes.size, ABL_FAILED, &err) && json_object(&j));
    while (json_next_key(&j, &key)) {
        if (json_key_is(key, section))
            n = check(&j);
        else
            json_skip(&j);
    }
    if (!json_end(&j))
        fail_msg("%s", err.text);
    json_close(&j);
    file_bytes_release(&bytes);
    return n;
}

static void agrees_with_pooled_rows_numpy_quantiles_and_brute_force_flips(void **state)
{
    (void)state;
    assert_int_equal(with_golden("estimates", check_estimates), 9);
}

struct golden_ratio {
    char name[64];
    struct column above, below, cluster;
    uint64_t n_clusters, n_boot, seed;
    double alpha, mean, se, ci_lo, ci_hi; // NaN: missing
    bool small;
};

static bool read_ratio_key(struct json *j, struct json_text key, struct golden_ratio *g)
{
    const struct {
        const char *key;
        struct column *out;
    } columns[] = { { "above", &g->above }, { "below", &g->below }, { "cluster", &g->cluster } };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (json_key_is(key, columns[i].key)) {
            read_column(j, columns[i].out);
            return true;
        }
    const struct {
        const char *key;
        uint64_t *out;
    } wholes[]
        = { { "n_clusters", &g->n_clusters }, { "n_boot", &g->n_boot }, { "seed", &g->seed } };
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        if (json_key_is(key, wholes[i].key))
            return json_u64(j, wholes[i].out);
    const struct {
        const char *key;
        double *out;
    } reals[] = { { "alpha", &g->alpha },
                  { "mean", &g->mean },
                  { "se", &g->se },
                  { "ci_lo", &g->ci_lo },
                  { "ci_hi", &g->ci_hi } };
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (json_key_is(key, reals[i].key)) {
            *reals[i].out = NAN;
            return json_peek(j) == JSON_NULL ? json_null(j) : json_double(j, reals[i].out);
        }
    if (json_key_is(key, "small"))
        return json_bool(j, &g->small);
    struct json_text text;
    bool ok = json_string(j, &text);
    snprintf(g->name, sizeof g->name, "%s", ok ? text.data : "");
    return ok;
}

static void close_or_missing(const char *name, const char *what, double found, double expected)
{
    if (isnan(expected))
        assert_true(isnan(found));
    else
        close_to(name, what, found, expected, 1e-12);
}

static void check_ratio(const struct golden_ratio *g)
{
    uint32_t cluster[MAX_VALUES];
    struct resampler *r;
    struct abl_err err;
    struct estimate e;
    bool small;
    for (size_t i = 0; i < g->cluster.n; i++)
        cluster[i] = (uint32_t)g->cluster.v[i];
    assert_true(resampler_new(cluster, g->above.n, (uint32_t)g->n_clusters, (uint32_t)g->n_boot,
                              g->seed, g->alpha, &r, &err));
    assert_true(stats_ratio(r, g->above.v, g->below.v, NULL, &e, &small, &err));
    resampler_free(r);
    close_to(g->name, "mean", e.mean, g->mean, 1e-13);
    close_or_missing(g->name, "se", e.se, g->se);
    close_or_missing(g->name, "ci_lo", e.ci_lo, g->ci_lo);
    close_or_missing(g->name, "ci_hi", e.ci_hi, g->ci_hi);
    assert_int_equal(small, g->small);
    assert_true(isnan(e.p) && isnan(e.q));
    assert_int_equal(e.n, g->above.n);
    assert_int_equal(e.n_clusters, g->n_clusters);
}

static size_t check_ratios(struct json *j)
{
    size_t n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        static struct golden_ratio g;
        g = (struct golden_ratio){ .name = "" };
        struct json_text key;
        assert_true(json_object(j));
        while (json_next_key(j, &key))
            assert_true(read_ratio_key(j, key, &g));
        check_ratio(&g);
        n++;
    }
    return n;
}

static void ratios_of_means_agree_with_numpy(void **state)
{
    (void)state;
    assert_int_equal(with_golden("ratios", check_ratios), 5);
}

static void a_ratio_to_nothing_is_missing(void **state)
{
    (void)state;
    const uint32_t cluster[] = { 0, 1, 2 };
    const double above[] = { 1.0, 2.0, 3.0 }, below[] = { 1.0, -1.0, 0.0 };
    struct resampler *r;
    struct abl_err err;
    struct estimate e;
    bool small = false;
    assert_true(resampler_new(cluster, 3, 3, 50, 1, 0.05, &r, &err));
    assert_true(stats_ratio(r, above, below, NULL, &e, &small, &err));
    assert_true(isnan(e.mean) && isnan(e.se) && isnan(e.ci_lo) && isnan(e.ci_hi) && small);
    resampler_free(r);
}

static size_t check_fdr(struct json *j)
{
    size_t n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        struct column p = { .n = 0 }, q = { .n = 0 };
        struct json_text key;
        assert_true(json_object(j));
        while (json_next_key(j, &key))
            read_column(j, json_key_is(key, "p") ? &p : &q);
        struct estimate grid[MAX_VALUES];
        for (size_t i = 0; i < p.n; i++)
            grid[i] = (struct estimate){ .p = p.v[i], .q = NAN };
        struct abl_err err;
        assert_true(stats_fdr(grid, p.n, &err));
        for (size_t i = 0; i < p.n; i++)
            close_to("fdr", "q", grid[i].q, q.v[i], 1e-15);
        n++;
    }
    return n;
}

static void q_agrees_with_scipy(void **state)
{
    (void)state;
    assert_int_equal(with_golden("fdr", check_fdr), 5);
}

static double spearman(const double *a, const double *b, size_t n)
{
    double x[64], y[64], *room[64];
    assert_true(n <= 64);
    memcpy(x, a, n * sizeof *x);
    memcpy(y, b, n * sizeof *y);
    return ranks_spearman(x, y, n, room);
}

static size_t check_spearman(struct json *j)
{
    size_t n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        struct column a = { .n = 0 }, b = { .n = 0 };
        double rho = NAN;
        struct json_text key;
        assert_true(json_object(j));
        while (json_next_key(j, &key)) {
            if (json_key_is(key, "rho"))
                assert_true(json_double(j, &rho));
            else
                read_column(j, json_key_is(key, "a") ? &a : &b);
        }
        close_to("spearman", "rho", spearman(a.v, b.v, a.n), rho, 1e-14);
        n++;
    }
    return n;
}

static void rank_correlation_agrees_with_scipy(void **state)
{
    (void)state;
    assert_int_equal(with_golden("spearman", check_spearman), 4);
}

static size_t check_student(struct json *j)
{
    size_t n = 0;
    assert_true(json_array(j));
    while (json_next_item(j)) {
        double p = NAN, dof = NAN, t = NAN;
        struct json_text key;
        assert_true(json_object(j));
        while (json_next_key(j, &key))
            assert_true(json_double(j, json_key_is(key, "p")     ? &p
                                       : json_key_is(key, "dof") ? &dof
                                                                 : &t));
        close_to("student", "t", student_quantile(p, dof), t, 1e-11);
        n++;
    }
    return n;
}

static void quantiles_of_t_agree_with_scipy(void **state)
{
    (void)state;
    assert_int_equal(with_golden("student", check_student), 35);
    close_to("normal", "cdf", normal_cdf(-1.959963984540054), 0.025, 1e-15);
}

static void rank_correlation_is_missing_where_undefined(void **state)
{
    (void)state;
    const double flat[] = { 2.0, 2.0, 2.0 }, up[] = { 1.0, 2.0, 3.0 }, hole[] = { 1.0, NAN, 3.0 };
    assert_true(isnan(spearman(flat, up, 3)));
    assert_true(isnan(spearman(up, hole, 3)));
    assert_true(isnan(spearman(up, up, 1)));
    assert_true(isnan(spearman(up, up, 0)));
}

static void q_skips_cells_without_p(void **state)
{
    (void)state;
    struct estimate grid[]
        = { { .p = 0.02, .q = NAN }, { .p = NAN, .q = NAN }, { .p = 0.5, .q = NAN } };
    struct abl_err err;
    assert_true(stats_fdr(grid, 3, &err));
    close_to("fdr", "q of the first", grid[0].q, 0.04, 1e-15);
    assert_true(isnan(grid[1].q));
    close_to("fdr", "q of the last", grid[2].q, 0.5, 1e-15);
    assert_true(stats_fdr(grid, 0, &err));
}

static struct estimate estimate_of(const uint32_t *cluster, const double *values, size_t n,
                                   uint32_t n_clusters, uint32_t n_boot, bool test)
{
    struct resampler *r;
    struct abl_err err;
    struct estimate e;
    assert_true(resampler_new(cluster, n, n_clusters, n_boot, 42, 0.05, &r, &err));
    assert_true(stats_estimate(r, values, test, &e, &err));
    resampler_free(r);
    return e;
}

static void one_cluster_has_a_mean_and_no_uncertainty(void **state)
{
    (void)state;
    const uint32_t cluster[] = { 0, 0, 0 };
    const double values[] = { 1.0, 2.0, 6.0 };
    struct estimate e = estimate_of(cluster, values, 3, 1, 100, true);
    close_to("one cluster", "mean", e.mean, 3.0, 0.0);
    assert_true(isnan(e.se) && isnan(e.ci_lo) && isnan(e.ci_hi) && isnan(e.p) && isnan(e.q));
    e = estimate_of(NULL, NULL, 0, 0, 100, true);
    assert_true(isnan(e.mean) && isnan(e.se) && isnan(e.p));
    assert_int_equal(e.n, 0);
}

static void a_value_that_is_no_number_leaves_nothing_behind(void **state)
{
    (void)state;
    const uint32_t cluster[] = { 0, 1, 2 };
    const double values[] = { 1.0, NAN, 6.0 };
    struct estimate e = estimate_of(cluster, values, 3, 3, 100, true);
    assert_true(isnan(e.mean) && isnan(e.se) && isnan(e.ci_lo) && isnan(e.ci_hi) && isnan(e.p));
}

static void values_that_are_no_differences_get_no_p(void **state)
{
    (void)state;
    const uint32_t cluster[] = { 0, 1, 2 };
    const double values[] = { 1.0, 2.0, 6.0 };
    struct estimate e = estimate_of(cluster, values, 3, 3, 100, false);
    assert_true(isnan(e.p));
    assert_true(e.se > 0.0 && e.ci_lo <= 3.0 && e.ci_hi >= 3.0);
}

// Five clusters of one sign are no rarer than 1 in 16, six are 1 in 32: from there on there is a p.
static void fewer_than_six_clusters_are_not_tested(void **state)
{
    (void)state;
    const uint32_t cluster[] = { 0, 1, 2, 3, 4, 5 };
    const double values[] = { 1.0, 1.0, 1.0, 1.0, 1.0, 1.0 };
    assert_true(isnan(estimate_of(cluster, values, 5, 5, 100, true).p));
    close_to("six clusters", "p", estimate_of(cluster, values, 6, 6, 100, true).p, 1.0 / 32, 0.0);
}

static void works_without_resamples(void **state)
{
    (void)state;
    uint32_t cluster[20];
    double values[20];
    for (uint32_t i = 0; i < 20; i++)
        cluster[i] = i, values[i] = i;
    struct estimate e = estimate_of(cluster, values, 20, 20, 0, true);
    close_to("no resamples", "mean", e.mean, 9.5, 1e-15);
    assert_true(isnan(e.se) && isnan(e.ci_lo) && isnan(e.p));
    e = estimate_of(cluster, values, 20, 20, 1, true);
    assert_true(isnan(e.se) && e.ci_lo == e.ci_hi);
}

static void does_not_depend_on_the_order_of_calls(void **state)
{
    (void)state;
    uint32_t cluster[40];
    double a[40], b[40];
    for (uint32_t i = 0; i < 40; i++)
        cluster[i] = i % 20, a[i] = sin(i), b[i] = cos(i);
    struct resampler *r;
    struct abl_err err;
    struct estimate first, again;
    assert_true(resampler_new(cluster, 40, 20, 200, 9, 0.05, &r, &err));
    assert_true(stats_estimate(r, a, true, &first, &err));
    assert_true(stats_estimate(r, b, true, &again, &err));
    assert_true(stats_estimate(r, a, true, &again, &err));
    resampler_free(r);
    assert_memory_equal(&first.mean, &again.mean, sizeof first.mean);
    assert_true(first.se == again.se && first.ci_lo == again.ci_lo && first.ci_hi == again.ci_hi
                && first.p == again.p);
}

// Columns of all kinds side by side: nothing, a strong effect (which asks for more patterns), no
// number, noise.
static void columns_together_say_what_each_says_alone(void **state)
{
    (void)state;
    enum { ROWS = 40, COLUMNS = 11, CLUSTERS = 20 };
    uint32_t cluster[ROWS];
    double values[COLUMNS][ROWS];
    bool test[COLUMNS];
    for (int c = 0; c < COLUMNS; c++)
        test[c] = c != 2 && c != 6; // not these
    for (uint32_t i = 0; i < ROWS; i++) {
        cluster[i] = i % CLUSTERS;
        for (int c = 0; c < COLUMNS; c++)
            values[c][i] = c == 5       ? NAN
                           : c % 4 == 0 ? 0.0
                           : c % 4 == 1 ? 3 + sin(i)
                                        : cos(c + (int)i);
    }
    struct resampler *r;
    struct abl_err err;
    struct estimate together[COLUMNS], alone;
    assert_true(resampler_new(cluster, ROWS, CLUSTERS, 200, 9, 0.05, &r, &err));
    for (size_t n = 0; n <= COLUMNS; n++) {
        assert_true(stats_estimates(r, values[0], NULL, n, test, together, &err));
        for (size_t c = 0; c < n; c++) {
            assert_true(stats_estimate(r, values[c], test[c], &alone, &err));
            assert_memory_equal(&together[c], &alone, sizeof alone);
        }
    }
    resampler_free(r);
    close_to("an effect beside others", "p", together[9].p, 1.0 / 32769, 1e-15);
    close_to("nothing beside others", "p", together[8].p, 1.0, 0.0);
    assert_true(isnan(together[5].mean) && isnan(together[5].p));
    assert_true(isnan(together[2].p) && isnan(together[6].p) && !isnan(together[10].p));
}

// Sum of twelve uniforms minus six: mean 0, variance 1, near enough to normal.
static double normal(struct rng *rng)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += (double)(rng_next(rng) >> 11) * 0x1p-53;
    return sum;
}

// 400 studies of 40 clusters with two equal rows each: se must be 1 / sqrt(40), which a bootstrap
// blind to clusters would put at 1 / sqrt(80). simulation_test has what intervals, p and q promise.
static void se_is_that_of_clusters_not_of_rows(void **state)
{
    (void)state;
    enum { STUDIES = 400, CLUSTERS = 40 };
    uint32_t cluster[2 * CLUSTERS];
    double values[2 * CLUSTERS], mean_se = 0.0;
    struct rng rng;
    rng_seed(&rng, 2024);
    for (int s = 0; s < STUDIES; s++) {
        for (uint32_t c = 0; c < CLUSTERS; c++) {
            cluster[2 * c] = cluster[2 * c + 1] = c;
            values[2 * c] = values[2 * c + 1] = 0.25 + normal(&rng);
        }
        mean_se += estimate_of(cluster, values, 2 * CLUSTERS, CLUSTERS, 400, false).se / STUDIES;
    }
    close_to("clusters", "mean se", mean_se, 1.0 / sqrt(CLUSTERS), 0.006);
}

// The plain percentile interval of three clusters is far too short: here the widened one is all
// that the resamples reach.
static void few_clusters_widen_the_interval_to_what_resamples_reach(void **state)
{
    (void)state;
    const uint32_t cluster[] = { 0, 1, 2 };
    const double values[] = { 1.0, 2.0, 6.0 };
    struct estimate e = estimate_of(cluster, values, 3, 3, 1000, false);
    close_to("three clusters", "ci_lo", e.ci_lo, 1.0, 1e-12);
    close_to("three clusters", "ci_hi", e.ci_hi, 6.0, 1e-12);
}

// One real head among 999 that do nothing has the least p there is: it must not drown in its
// neighbours' number.
static void one_clear_effect_among_a_thousand_is_found(void **state)
{
    (void)state;
    enum { CLUSTERS = 30, GRID = 1000 };
    static struct estimate grid[GRID];
    uint32_t cluster[CLUSTERS];
    double values[CLUSTERS];
    struct resampler *r;
    struct abl_err err;
    struct rng rng;
    rng_seed(&rng, 5);
    for (uint32_t c = 0; c < CLUSTERS; c++)
        cluster[c] = c;
    assert_true(resampler_new(cluster, CLUSTERS, CLUSTERS, 1000, 1, 0.05, &r, &err));
    for (size_t h = 0; h < GRID; h++) {
        for (uint32_t c = 0; c < CLUSTERS; c++)
            values[c] = normal(&rng) + (h == 17 ? 3.0 : 0.0);
        assert_true(stats_estimate(r, values, true, &grid[h], &err));
    }
    resampler_free(r);
    assert_true(stats_fdr(grid, GRID, &err));
    close_to("one effect", "p", grid[17].p, 1.0 / 32769, 1e-15);
    assert_true(grid[17].q < 0.05);
    size_t called = 0;
    for (size_t h = 0; h < GRID; h++)
        called += grid[h].q < 0.05;
    assert_int_equal(called, 1);
}

// Without an effect p is uniform: 5 % of the studies fall below 0.05.
static void rejects_a_true_null_as_often_as_it_says(void **state)
{
    (void)state;
    enum { STUDIES = 1000, CLUSTERS = 20 };
    uint32_t cluster[CLUSTERS];
    double values[CLUSTERS];
    for (uint32_t c = 0; c < CLUSTERS; c++)
        cluster[c] = c;
    struct rng rng;
    rng_seed(&rng, 77);
    int rejected = 0;
    for (int s = 0; s < STUDIES; s++) {
        for (uint32_t c = 0; c < CLUSTERS; c++)
            values[c] = normal(&rng);
        rejected += estimate_of(cluster, values, CLUSTERS, CLUSTERS, 199, true).p <= 0.05;
    }
    double share = (double)rejected / STUDIES;
    if (!(share >= 0.035 && share <= 0.065))
        fail_msg("p <= 0.05 in %.4f of null studies, expected 0.035 to 0.065", share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_pooled_rows_numpy_quantiles_and_brute_force_flips),
        cmocka_unit_test(ratios_of_means_agree_with_numpy),
        cmocka_unit_test(a_ratio_to_nothing_is_missing),
        cmocka_unit_test(q_agrees_with_scipy),
        cmocka_unit_test(q_skips_cells_without_p),
        cmocka_unit_test(rank_correlation_agrees_with_scipy),
        cmocka_unit_test(quantiles_of_t_agree_with_scipy),
        cmocka_unit_test(rank_correlation_is_missing_where_undefined),
        cmocka_unit_test(one_cluster_has_a_mean_and_no_uncertainty),
        cmocka_unit_test(a_value_that_is_no_number_leaves_nothing_behind),
        cmocka_unit_test(values_that_are_no_differences_get_no_p),
        cmocka_unit_test(fewer_than_six_clusters_are_not_tested),
        cmocka_unit_test(works_without_resamples),
        cmocka_unit_test(does_not_depend_on_the_order_of_calls),
        cmocka_unit_test(columns_together_say_what_each_says_alone),
        cmocka_unit_test(se_is_that_of_clusters_not_of_rows),
        cmocka_unit_test(few_clusters_widen_the_interval_to_what_resamples_reach),
        cmocka_unit_test(one_clear_effect_among_a_thousand_is_found),
        cmocka_unit_test(rejects_a_true_null_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
