// Whether the statistics keep what they promise, over a thousand studies each whose truth is known.
// Prints what it finds.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "stats/stats.h"

enum {
    STUDIES = 1000,
    MANY_STUDIES = 4000,
    BOOT = 1000,
    TURN = 5,
    MOST_CLUSTERS = 160,
    MOST_COPIES = 5,
    HEADS = 32
};

enum shape { SHAPE_NORMAL, SHAPE_HEAVY, SHAPE_SKEWED, N_SHAPES };
static const char *const shape_names[] = { "normal", "heavy", "skewed" };

enum sizes { SIZES_EQUAL, SIZES_MIXED, N_SIZES };
static const char *const size_names[] = { "twice each", "1 to 5 times" };

static double uniform(struct rng *r)
{
    return ((double)(rng_next(r) >> 12) + 0.5) * 0x1p-52;
}

static double normal(struct rng *r)
{
    return sqrt(-2.0 * log(uniform(r))) * cos(2.0 * acos(-1.0) * uniform(r));
}

// Mean 0 and variance 1. Heavy: Laplace, kurtosis 6. Skewed: a sum of four exponentials, skewness
// 1.
static double draw(struct rng *r, enum shape shape)
{
    if (shape == SHAPE_NORMAL)
        return normal(r);
    double e[4];
    for (int i = 0; i < 4; i++)
        e[i] = -log(uniform(r));
    return shape == SHAPE_HEAVY ? (e[0] - e[1]) / sqrt(2.0)
                                : (e[0] + e[1] + e[2] + e[3] - 4.0) / 2.0;
}

// Prompts that stand in the data several times, in mixed order: all rows of a cluster say the same.
struct design {
    uint32_t cluster[MOST_CLUSTERS * MOST_COPIES];
    size_t n_rows;
    uint32_t n_clusters;
};

static void draw_design(struct design *d, uint32_t n_clusters, enum sizes sizes, struct rng *r)
{
    *d = (struct design){ .n_clusters = n_clusters };
    for (uint32_t c = 0; c < n_clusters; c++)
        for (uint32_t n = sizes == SIZES_EQUAL ? 2 : 1 + rng_below(r, MOST_COPIES); n; n--)
            d->cluster[d->n_rows++] = c;
    for (uint32_t i = (uint32_t)d->n_rows; i > 1; i--) {
        uint32_t j = rng_below(r, i), last = d->cluster[i - 1];
        d->cluster[i - 1] = d->cluster[j];
        d->cluster[j] = last;
    }
}

// A corpus and its resamples, drawn anew every TURN studies: they are what takes time.
struct corpus {
    struct design design;
    struct resampler *resampler;
};

static void next_corpus(struct corpus *c, uint64_t study, uint32_t n_clusters, enum sizes sizes,
                        uint32_t n_boot, struct rng *r)
{
    struct abl_err err;
    if (study % TURN)
        return;
    resampler_free(c->resampler);
    draw_design(&c->design, n_clusters, sizes, r);
    if (!resampler_new(c->design.cluster, c->design.n_rows, n_clusters, n_boot, study, 0.05,
                       &c->resampler, &err))
        fail_msg("%s", err.text);
}

// One value a cluster, the same in all its rows.
static void draw_column(const struct design *d, enum shape shape, double mean, struct rng *r,
                        double *column)
{
    double of_cluster[MOST_CLUSTERS] = { 0 };
    for (uint32_t c = 0; c < d->n_clusters; c++)
        of_cluster[c] = mean + draw(r, shape);
    for (size_t i = 0; i < d->n_rows; i++)
        column[i] = of_cluster[d->cluster[i]];
}

// Columns of a corpus, which are estimated together.
struct columns {
    double at[HEADS][MOST_CLUSTERS * MOST_COPIES];
    size_t n;
    struct estimate found[HEADS];
};

static void estimate(const struct corpus *c, struct columns *columns, bool test)
{
    bool tested[HEADS];
    static double packed[HEADS * MOST_CLUSTERS * MOST_COPIES];
    size_t n_rows = c->design.n_rows;
    struct abl_err err;
    memset(tested, test, sizeof tested);
    for (size_t i = 0; i < columns->n; i++)
        memcpy(packed + i * n_rows, columns->at[i], n_rows * sizeof *packed);
    if (!stats_estimates(c->resampler, packed, columns->n, tested, columns->found, &err))
        fail_msg("%s", err.text);
}

// Studies of a TURN: a column each.
static void draw_studies(const struct corpus *c, enum shape shape, double mean, struct rng *r,
                         struct columns *out)
{
    out->n = TURN;
    for (size_t i = 0; i < TURN; i++)
        draw_column(&c->design, shape, mean, r, out->at[i]);
}

static double coverage(uint32_t n_clusters, enum sizes sizes, enum shape shape)
{
    struct corpus c = { .resampler = NULL };
    struct rng r;
    rng_seed(&r, 1000 * n_clusters + 10 * (uint32_t)sizes + (uint32_t)shape);
    uint64_t n = n_clusters < 100 ? MANY_STUDIES : STUDIES, covered = 0;
    for (uint64_t study = 0; study < n; study += TURN) {
        static struct columns columns;
        next_corpus(&c, study, n_clusters, sizes, BOOT, &r);
        draw_studies(&c, shape, 0.25, &r, &columns);
        estimate(&c, &columns, false);
        for (size_t i = 0; i < TURN; i++)
            covered += columns.found[i].ci_lo <= 0.25 && 0.25 <= columns.found[i].ci_hi;
    }
    resampler_free(c.resampler);
    return (double)covered / (double)n;
}

static void intervals_hold_the_truth_95_times_in_100(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 16, 40, 160 };
    int failed = 0;
    print_message("coverage of 95 %% intervals over %d studies, %d below 100 clusters\n", STUDIES,
                  MANY_STUDIES);
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
        for (int sizes = 0; sizes < N_SIZES; sizes++)
            for (int shape = 0; shape < N_SHAPES; shape++) {
                double share = coverage(counts[n], (enum sizes)sizes, (enum shape)shape);
                bool ok = share >= 0.93 && share <= 0.97;
                failed += !ok;
                print_message("  %3u clusters, %-12s %-7s %.3f%s\n", counts[n], size_names[sizes],
                              shape_names[shape], share, ok ? "" : "  expected 0.93 to 0.97");
            }
    assert_int_equal(failed, 0);
}

// (patched - damaged) / (reference - damaged) = 0.6 in truth, from rows that share their noise.
static void intervals_of_recovery_hold_the_truth_95_times_in_100(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 16, 40, 160 };
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        struct corpus c = { .resampler = NULL };
        struct rng r;
        rng_seed(&r, 7 + n);
        int covered = 0;
        for (uint64_t study = 0; study < STUDIES; study++) {
            double above[MOST_CLUSTERS * MOST_COPIES], below[MOST_CLUSTERS * MOST_COPIES];
            next_corpus(&c, study, counts[n], SIZES_MIXED, BOOT, &r);
            draw_column(&c.design, SHAPE_NORMAL, 0.0, &r, above);
            draw_column(&c.design, SHAPE_NORMAL, 3.0, &r, below);
            for (size_t i = 0; i < c.design.n_rows; i++)
                above[i] += 0.6 * below[i];
            struct estimate e;
            struct abl_err err;
            bool small;
            assert_true(stats_ratio(c.resampler, above, below, &e, &small, &err));
            assert_false(small);
            covered += e.ci_lo <= 0.6 && 0.6 <= e.ci_hi;
        }
        resampler_free(c.resampler);
        double share = (double)covered / STUDIES;
        print_message("  recovery, %3u clusters: %.3f\n", counts[n], share);
        if (!(share >= 0.93 && share <= 0.97))
            fail_msg("coverage %.3f with %u clusters, expected 0.93 to 0.97", share, counts[n]);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The largest distance between the share of p below x and x (Kolmogorov), which a uniform p exceeds
// 1.63 / sqrt(n) by once in a hundred.
static double distance_from_uniform(double *p, size_t n)
{
    double worst = 0.0;
    qsort(p, n, sizeof *p, ascending);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fmax(p[i] - (double)i / (double)n, (double)(i + 1) / (double)n - p[i]));
    return worst;
}

static void p_is_uniform_where_nothing_happens(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 12, 16, 40, 160 };
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        static double p[STUDIES];
        struct corpus c = { .resampler = NULL };
        struct rng r;
        rng_seed(&r, 40 + n);
        for (uint64_t study = 0; study < STUDIES; study += TURN) {
            static struct columns columns;
            next_corpus(&c, study, counts[n], SIZES_MIXED, BOOT, &r);
            draw_studies(&c, SHAPE_HEAVY, 0.0, &r, &columns);
            estimate(&c, &columns, true);
            for (size_t i = 0; i < TURN; i++)
                p[study + i] = columns.found[i].p;
        }
        resampler_free(c.resampler);
        double distance = distance_from_uniform(p, STUDIES), bound = 1.63 / sqrt(STUDIES);
        print_message("  p of %3u clusters: %.3f from uniform, bound %.3f\n", counts[n], distance,
                      bound);
        assert_true(distance <= bound);
    }
}

struct discoveries {
    // mean over studies of false ones among those that q calls, 0 where it calls none
    double false_share;
    double found; // mean share of the real effects that q calls
};

// HEADS heads over 40 prompts, n_real of them with an effect of one standard deviation. `shared` of
// each head's variance is the prompt's own, so that heads go up and down together.
static struct discoveries discover(size_t n_real, double shared, uint64_t seed)
{
    struct discoveries out = { .found = 0.0 };
    struct corpus c = { .resampler = NULL };
    struct rng r;
    rng_seed(&r, seed);
    for (uint64_t study = 0; study < STUDIES; study++) {
        static struct columns heads = { .n = HEADS };
        struct estimate *grid = heads.found;
        struct abl_err err;
        double common[MOST_CLUSTERS * MOST_COPIES];
        next_corpus(&c, study, 40, SIZES_MIXED, 400, &r);
        draw_column(&c.design, SHAPE_NORMAL, 0.0, &r, common);
        for (size_t h = 0; h < HEADS; h++) {
            double *own = heads.at[h];
            draw_column(&c.design, SHAPE_NORMAL, 0.0, &r, own);
            for (size_t i = 0; i < c.design.n_rows; i++)
                own[i] = sqrt(1.0 - shared) * own[i] + sqrt(shared) * common[i] + (h < n_real);
        }
        estimate(&c, &heads, true);
        assert_true(stats_fdr(grid, HEADS, &err));
        size_t called = 0, wrong = 0;
        for (size_t h = 0; h < HEADS; h++) {
            called += grid[h].q < 0.05;
            wrong += grid[h].q < 0.05 && h >= n_real;
        }
        out.false_share += called ? (double)wrong / (double)called / STUDIES : 0.0;
        out.found += n_real ? (double)(called - wrong) / (double)n_real / STUDIES : 0.0;
    }
    resampler_free(c.resampler);
    return out;
}

// Three standard errors of a share of 0.05 over the studies are let through.
static void q_keeps_the_share_of_false_discoveries_below_alpha(void **state)
{
    (void)state;
    static const struct {
        size_t n_real;
        double shared;
    } cases[] = { { 0, 0.0 }, { 0, 0.5 }, { 8, 0.0 }, { 8, 0.5 }, { 24, 0.0 } };
    double slack = 3.0 * sqrt(0.05 * 0.95 / STUDIES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct discoveries d = discover(cases[i].n_real, cases[i].shared, 90 + i);
        print_message("  %2zu of %d real, %.1f shared: false discoveries %.3f, found %.3f\n",
                      cases[i].n_real, HEADS, cases[i].shared, d.false_share, d.found);
        assert_true(d.false_share <= 0.05 + slack);
        // Without a real effect a single call is a false discovery: it happens, and not hardly
        // ever.
        assert_true(cases[i].n_real || cases[i].shared > 0.0 || d.false_share >= 0.02);
        assert_true(!cases[i].n_real || d.found >= 0.95);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_hold_the_truth_95_times_in_100),
        cmocka_unit_test(intervals_of_recovery_hold_the_truth_95_times_in_100),
        cmocka_unit_test(p_is_uniform_where_nothing_happens),
        cmocka_unit_test(q_keeps_the_share_of_false_discoveries_below_alpha),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
