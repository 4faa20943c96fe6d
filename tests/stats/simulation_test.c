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
#include "stats/donor_shares.h"
#include "stats/group_means.h"
#include "stats/stats.h"

enum {
    STUDIES = 1000,
    MANY_STUDIES = 4000,
    BOOT = 1000,
    TURN = 5,
    MOST_CLUSTERS = 160,
    MOST_COPIES = 5,
    HEADS = 32,
    BIG_GRID = 384,
    ROWS_OF_TEMPLATE = 5,
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
    if (!stats_estimates(c->resampler, packed, NULL, columns->n, tested, columns->found, &err))
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
            assert_true(stats_ratio(c.resampler, above, below, NULL, &e, &small, &err));
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

// ------------------------------------------------------------------------------------- templates

// Five rows of each of n templates, clustered by template and, as it should not be, row by row.
struct templates {
    struct resampler *by_template, *by_row;
    size_t n_rows;
    uint32_t n;
};

static struct resampler *resample(const uint32_t *cluster, size_t n, uint32_t n_clusters,
                                  uint32_t n_boot, uint64_t seed)
{
    struct resampler *r;
    struct abl_err err;
    if (!resampler_new(cluster, n, n_clusters, n_boot, seed, 0.05, &r, &err))
        fail_msg("%s", err.text);
    return r;
}

static struct templates templates_new(uint32_t n, uint32_t n_boot, uint64_t seed)
{
    uint32_t of[MOST_CLUSTERS * ROWS_OF_TEMPLATE], own[MOST_CLUSTERS * ROWS_OF_TEMPLATE];
    struct templates t = { .n = n, .n_rows = (size_t)n * ROWS_OF_TEMPLATE };
    for (uint32_t i = 0; i < t.n_rows; i++) {
        of[i] = i / ROWS_OF_TEMPLATE;
        own[i] = i;
    }
    t.by_template = resample(of, t.n_rows, n, n_boot, seed);
    t.by_row = resample(own, t.n_rows, (uint32_t)t.n_rows, n_boot, seed);
    return t;
}

static void templates_free(struct templates *t)
{
    resampler_free(t->by_template);
    resampler_free(t->by_row);
}

// mean, what each template adds, and what each row adds with a variance of 1.
static void draw_templates(const struct templates *t, double mean, double spread, enum shape shape,
                           struct rng *r, double *column)
{
    double own = 0.0;
    for (size_t i = 0; i < t->n_rows; i++) {
        own = i % ROWS_OF_TEMPLATE ? own : spread * draw(r, shape);
        column[i] = mean + own + normal(r);
    }
}

static bool covers(const struct resampler *r, const double *column, double truth)
{
    struct estimate e;
    struct abl_err err;
    if (!stats_estimate(r, column, false, &e, &err))
        fail_msg("%s", err.text);
    return e.ci_lo <= truth && truth <= e.ci_hi;
}

struct shares {
    double by_template, by_row;
};

static struct shares template_coverage(uint32_t n, double spread, enum shape shape)
{
    struct shares s = { 0, 0 };
    struct rng r;
    rng_seed(&r, 7000 + 10 * n + (uint32_t)(10 * spread));
    int studies = n < 100 ? MANY_STUDIES / 2 : STUDIES;
    struct templates t = { .n = 0 };
    for (int study = 0; study < studies; study++) {
        double column[MOST_CLUSTERS * ROWS_OF_TEMPLATE];
        if (study % (4 * TURN) == 0) {
            templates_free(&t);
            t = templates_new(n, BOOT, (uint64_t)study);
        }
        draw_templates(&t, 0.25, spread, shape, &r, column);
        s.by_template += covers(t.by_template, column, 0.25) / (double)studies;
        s.by_row += covers(t.by_row, column, 0.25) / (double)studies;
    }
    templates_free(&t);
    return s;
}

// What the rows of a template share makes five of them less than five witnesses.
static void intervals_by_template_hold_the_truth_and_by_prompt_do_not(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 16, 40, 160 };
    static const double spreads[] = { 0.0, 0.5, 1.0, 2.0 };
    int failed = 0;
    print_message("coverage of 95 %% intervals, five rows a template, of the rows' own spread 1\n");
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
        for (size_t k = 0; k < sizeof spreads / sizeof *spreads; k++) {
            enum shape shape = (enum shape)((n + k) % N_SHAPES);
            struct shares s = template_coverage(counts[n], spreads[k], shape);
            bool ok = s.by_template >= 0.93 && s.by_template <= 0.97
                      && (spreads[k] < 1.0 || s.by_row < 0.85);
            failed += !ok;
            print_message("  %3u templates, spread %.1f %-7s by template %.3f, by prompt %.3f%s\n",
                          counts[n], spreads[k], shape_names[shape], s.by_template, s.by_row,
                          ok ? "" : "  expected 0.93 to 0.97, and less by prompt");
        }
    assert_int_equal(failed, 0);
}

// Target and foil are swapped by a fair coin for each template: whatever heads do, ld and its
// changes lose their sign, and every true mean effect is 0.
struct false_calls {
    double p;     // share of the cells with p < 0.05
    double any_q; // share of the studies with a q < 0.05
};

static struct false_calls call(const struct resampler *r, const double *values, size_t n)
{
    static struct estimate grid[BIG_GRID];
    struct false_calls c = { 0, 0 };
    bool test[BIG_GRID];
    struct abl_err err;
    memset(test, true, sizeof test);
    if (!stats_estimates(r, values, NULL, n, test, grid, &err) || !stats_fdr(grid, n, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++) {
        c.p += (grid[i].p < 0.05) / (double)n;
        c.any_q = grid[i].q < 0.05 ? 1.0 : c.any_q;
    }
    return c;
}

static void check_swaps(uint32_t n_templates, size_t n_heads, int studies)
{
    static double values[BIG_GRID * MOST_CLUSTERS * ROWS_OF_TEMPLATE];
    struct false_calls by_template = { 0, 0 }, by_row = { 0, 0 };
    struct rng r;
    rng_seed(&r, 8000 + n_templates + n_heads);
    for (int study = 0; study < studies; study++) {
        struct templates t = templates_new(n_templates, 100, (uint64_t)study);
        double coin[MOST_CLUSTERS];
        for (uint32_t k = 0; k < n_templates; k++)
            coin[k] = rng_next(&r) >> 63 ? 1.0 : -1.0;
        for (size_t h = 0; h < n_heads; h++) {
            double *column = values + h * t.n_rows;
            draw_templates(&t, normal(&r), 1.0, SHAPE_NORMAL, &r, column);
            for (size_t i = 0; i < t.n_rows; i++)
                column[i] *= coin[i / ROWS_OF_TEMPLATE];
        }
        struct false_calls a = call(t.by_template, values, n_heads);
        struct false_calls b = call(t.by_row, values, n_heads);
        by_template.p += a.p / studies, by_template.any_q += a.any_q / studies;
        by_row.p += b.p / studies, by_row.any_q += b.any_q / studies;
        templates_free(&t);
    }
    print_message("  %3u templates, %3zu heads: p < .05 in %.3f of cells, a q < .05 in %.3f of %d "
                  "studies; by prompt %.3f and %.3f\n",
                  n_templates, n_heads, by_template.p, by_template.any_q, studies, by_row.p,
                  by_row.any_q);
    // all heads of a study share its coins: three standard errors are of studies
    double slack = 3.0 * sqrt(0.05 * 0.95 / studies);
    assert_true(by_template.p <= 0.05 + slack && by_template.any_q <= 0.05 + slack);
    assert_true(by_row.p > 0.2 && by_row.any_q > 0.8);
}

static void swapped_templates_are_no_discoveries(void **state)
{
    (void)state;
    check_swaps(16, HEADS, 300);
    check_swaps(40, HEADS, 200);
    check_swaps(16, BIG_GRID, 100);
    check_swaps(40, BIG_GRID, 60);
}

// Groups of five rows with one mean: shares of p below 0.05. The test is cautious where rows are
// skewed, and never the other way.
static void groups_of_one_mean_differ_no_more_often_than_alpha(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 3, 16, 46 };
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
        for (int shape = 0; shape < N_SHAPES; shape++) {
            uint32_t group[MOST_CLUSTERS * ROWS_OF_TEMPLATE], unit[sizeof group / sizeof *group];
            double column[sizeof group / sizeof *group], room[sizeof group / sizeof *group];
            struct group_mean means[MOST_CLUSTERS];
            struct heterogeneity het;
            struct grouping *g;
            struct abl_err err;
            struct rng r;
            size_t n_rows = counts[n] * ROWS_OF_TEMPLATE;
            int called = 0;
            rng_seed(&r, 9000 + 10 * n + (uint64_t)shape);
            for (uint32_t i = 0; i < n_rows; i++) {
                group[i] = i / ROWS_OF_TEMPLATE;
                unit[i] = i;
            }
            assert_true(
                grouping_new(group, unit, n_rows, counts[n], (uint32_t)n_rows, 0.05, &g, &err));
            for (int study = 0; study < MANY_STUDIES; study++) {
                for (size_t i = 0; i < n_rows; i++)
                    column[i] = draw(&r, (enum shape)shape);
                group_means(g, column, room, means, &het);
                called += het.p < 0.05;
            }
            grouping_free(g);
            print_message("  %2u groups of 5, %-7s: p < .05 in %.3f\n", counts[n],
                          shape_names[shape], (double)called / MANY_STUDIES);
            assert_in_range(called, 1,
                            (int)(MANY_STUDIES * 0.05 + 3 * sqrt(MANY_STUDIES * 0.0475)));
        }
}

// ----------------------------------------------------------------------------------------- donors
//
// Row i under donor j: mean + a_i + b_j + e_ij, the parts normal with these deviations. Donors are
// rows of the same corpus, so that each gives to many.
struct donor_world {
    double row, donor, noise;
    uint32_t n_donors;
};

enum { DONOR_ROWS = 120, DONOR_MOST = 5, DONOR_STUDIES = 2000 };

// Each a cluster; donors[d][i]: not the row itself, and none twice.
static void draw_givers(uint32_t n_donors, struct rng *r, uint32_t donors[][DONOR_ROWS])
{
    for (uint32_t i = 0; i < DONOR_ROWS; i++)
        for (uint32_t d = 0; d < n_donors; d++) {
            bool taken;
            do {
                donors[d][i] = rng_below(r, DONOR_ROWS);
                taken = donors[d][i] == i;
                for (uint32_t k = 0; k < d; k++)
                    taken = taken || donors[k][i] == donors[d][i];
            } while (taken);
        }
}

static void draw_runs(const struct donor_world *w, uint32_t donors[][DONOR_ROWS], struct rng *r,
                      double *runs, double *means)
{
    double of_row[DONOR_ROWS], of_donor[DONOR_ROWS];
    for (int i = 0; i < DONOR_ROWS; i++) {
        of_row[i] = w->row * draw(r, SHAPE_NORMAL);
        of_donor[i] = w->donor * draw(r, SHAPE_NORMAL);
        means[i] = 0;
    }
    for (uint32_t d = 0; d < w->n_donors; d++)
        for (int i = 0; i < DONOR_ROWS; i++) {
            runs[d * DONOR_ROWS + (uint32_t)i]
                = 0.25 + of_row[i] + of_donor[donors[d][i]] + w->noise * draw(r, SHAPE_NORMAL);
            means[i] += runs[d * DONOR_ROWS + (uint32_t)i] / w->n_donors;
        }
}

// Shares of the studies whose interval holds the truth, with the donors' level and without.
static void donor_coverage(const struct donor_world *w, struct rng *r, double *with,
                           double *without)
{
    static uint32_t cluster[DONOR_ROWS], donors[DONOR_MOST][DONOR_ROWS];
    static double runs[DONOR_MOST * DONOR_ROWS], means[DONOR_ROWS], shares[DONOR_ROWS];
    const uint32_t *maps[DONOR_MOST];
    struct resampler *resampler = NULL;
    struct donor_pairs *pairs = NULL;
    struct estimate e;
    struct abl_err err;
    int covered = 0, plain = 0;
    for (uint32_t i = 0; i < DONOR_ROWS; i++)
        cluster[i] = i;
    for (uint32_t d = 0; d < DONOR_MOST; d++)
        maps[d] = donors[d];
    for (int study = 0; study < DONOR_STUDIES; study++) {
        if (study % TURN == 0) {
            draw_givers(w->n_donors, r, donors);
            resampler_free(resampler);
            donor_pairs_free(pairs);
            assert_true(resampler_new(cluster, DONOR_ROWS, DONOR_ROWS, BOOT, (uint64_t)study, 0.05,
                                      &resampler, &err)
                        && donor_pairs_new(cluster, DONOR_ROWS, DONOR_ROWS, maps, w->n_donors,
                                           &pairs, &err));
        }
        draw_runs(w, donors, r, runs, means);
        assert_true(donor_shares(pairs, runs, shares, &err)
                    && stats_estimates(resampler, means, shares, 1, NULL, &e, &err));
        covered += e.ci_lo <= 0.25 && 0.25 <= e.ci_hi;
        assert_true(stats_estimates(resampler, means, NULL, 1, NULL, &e, &err));
        plain += e.ci_lo <= 0.25 && 0.25 <= e.ci_hi;
    }
    resampler_free(resampler);
    donor_pairs_free(pairs);
    *with = (double)covered / DONOR_STUDIES;
    *without = (double)plain / DONOR_STUDIES;
}

// Whatever varies: rows, donors, or neither of them alone. Without their level, intervals of what
// donors move together hold the truth far less often.
static void intervals_hold_what_donors_add(void **state)
{
    (void)state;
    static const struct donor_world worlds[]
        = { { 1, 0, 0.3, 1 }, { 1, 0, 2, 1 }, { 1, 1, 0.5, 1 }, { 0.5, 2, 0.5, 1 },
            { 1, 0, 0.3, 5 }, { 1, 0, 2, 5 }, { 1, 1, 0.5, 5 }, { 0.5, 2, 0.5, 5 } };
    struct rng r;
    int failed = 0;
    rng_seed(&r, 17);
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
        const struct donor_world *w = &worlds[i];
        double with, without;
        donor_coverage(w, &r, &with, &without);
        bool ok = with >= 0.93 && with <= 0.97 && (!(w->donor > 0) || without < 0.93);
        failed += !ok;
        print_message("  %u donors, rows %.1f, donors %.1f, both %.1f: %.3f, %.3f without their "
                      "level%s\n",
                      w->n_donors, w->row, w->donor, w->noise, with, without,
                      ok ? "" : "  expected 0.93 to 0.97");
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_hold_the_truth_95_times_in_100),
        cmocka_unit_test(intervals_hold_what_donors_add),
        cmocka_unit_test(intervals_of_recovery_hold_the_truth_95_times_in_100),
        cmocka_unit_test(p_is_uniform_where_nothing_happens),
        cmocka_unit_test(q_keeps_the_share_of_false_discoveries_below_alpha),
        cmocka_unit_test(intervals_by_template_hold_the_truth_and_by_prompt_do_not),
        cmocka_unit_test(swapped_templates_are_no_discoveries),
        cmocka_unit_test(groups_of_one_mean_differ_no_more_often_than_alpha),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
