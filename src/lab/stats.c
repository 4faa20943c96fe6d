// Cluster bootstrap and sign-flip permutation over one set of resamples, drawn once and shared by every column.
//
// What is stored, with B = n_boot, C = n_clusters, F = n_flips:
//
//   counts (C, B)      how often resample b drew cluster c; resample index innermost, so that a column is C
//                      multiply-adds over B independent sums: they vectorise without changing the order of any sum
//   flips  (C/8, F)    bit i of byte [g][f]: permutation f turns the sign of cluster 8g + i; a byte picks one of the
//                      256 sums of eight signed clusters, made once per column, so that a permutation is C/8 additions
#include "lab/stats.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "lab/student.h"

enum {
    EXACT_CLUSTERS = 12,     // up to here all 2^n sign patterns are counted
    GROUP = 8,               // clusters per byte of a sign pattern
    TILE = 256,              // sums that stay in the first cache; a thread's share
    PARALLEL_FROM = 1 << 16, // additions that are worth waking other threads for
    FEW = 10, // fewer patterns as big as the observed one: p is small, and asks for more of them
    FLIPS
    = 1
      << 15, // so many: the least p is then 1 / 32769, small enough to stand among a thousand heads
};

struct resampler {
    uint32_t *cluster; // (n)
    size_t n;
    uint32_t n_clusters, n_boot;
    double tail;       // share of the resamples' means on either side of an interval
    float *counts;     // (n_clusters, n_boot); whole numbers
    double *boot_rows; // (n_boot): rows in each resample
    uint8_t *flips;    // (n_groups, n_flips)
    size_t n_flips, n_groups;
    size_t
        n_first; // the patterns that every column is tried with; the others where FEW of these are as big
    bool exact;
};

// malloc'd and zeroed a * b elements; NULL on overflow or when memory is out.
static void *new_array(size_t a, size_t b, size_t element)
{
    size_t n;
    if (!size_mul(a, b, &n))
        return NULL;
    return calloc(size_max(n, 1), element);
}

// Draw the bootstrap: resample after resample, n_clusters draws each.
static void draw_counts(struct resampler *r, const double *rows_of, struct rng *rng)
{
    for (uint32_t b = 0; b < r->n_boot; b++)
        for (uint32_t i = 0; i < r->n_clusters; i++) {
            uint32_t c = rng_below(rng, r->n_clusters);
            r->counts[(size_t)c * r->n_boot + b] += 1.0f;
            r->boot_rows[b] += rows_of[c];
        }
}

// Sign patterns: the binary numbers 0 … 2^n - 1 when exact, else one random word per 64 clusters, lowest bit first.
static void draw_flips(struct resampler *r, struct rng *rng)
{
    for (size_t f = 0; f < r->n_flips; f++) {
        uint64_t word = f;
        for (size_t g = 0; g < r->n_groups; g++) {
            if (!r->exact && g % 8 == 0)
                word = rng_next(rng);
            r->flips[g * r->n_flips + f] = (uint8_t)(word >> 8 * (g % 8));
        }
    }
}

// The percentiles of an interval. With n clusters of one size the resamples' means spread sqrt((n - 1) / n) as far as the
// true error does, and a normal shape says too little about errors whose size is itself estimated: the plain percentile
// interval of 16 clusters holds the truth 92 times in 100. Hesterberg (2015, "What teachers should know about the
// bootstrap", section 5.4) moves the percentiles out to where the t interval would be,
//     tail = Phi(-sqrt(n / (n - 1)) t(alpha / 2, n - 1)),
// which changes the second digit at n = 16 and nothing to see at n = 160. Clusters of unlike size count as
// n = (sum of sizes)^2 / (sum of squared sizes) (Kish 1965): a few big ones say less than as many rows would.
static double interval_tail(const double *rows_of, uint32_t n_clusters, double alpha)
{
    double rows = 0.0, squares = 0.0;
    for (uint32_t c = 0; c < n_clusters; c++) {
        rows += rows_of[c];
        squares += rows_of[c] * rows_of[c];
    }
    if (n_clusters < 2)
        return alpha / 2;
    double n = fmax(rows * rows / squares, 2.0);
    return normal_cdf(-sqrt(n / (n - 1)) * student_quantile(alpha / 2, n - 1));
}

static bool resampler_fill(struct resampler *r, const uint32_t *cluster, uint64_t seed,
                           double alpha)
{
    double *rows_of = new_array(r->n_clusters, 1, sizeof *rows_of);
    r->cluster = new_array(r->n, 1, sizeof *r->cluster);
    r->counts = new_array(r->n_clusters, r->n_boot, sizeof *r->counts);
    r->boot_rows = new_array(r->n_boot, 1, sizeof *r->boot_rows);
    r->flips = new_array(r->n_groups, r->n_flips, sizeof *r->flips);
    bool ok = rows_of && r->cluster && r->counts && r->boot_rows && r->flips;
    if (ok) {
        for (size_t i = 0; i < r->n; i++) {
            assert(cluster[i] < r->n_clusters);
            r->cluster[i] = cluster[i];
            rows_of[cluster[i]] += 1.0;
        }
        for (uint32_t c = 0; c < r->n_clusters; c++)
            assert(rows_of[c] > 0.0);
        r->tail = interval_tail(rows_of, r->n_clusters, alpha);
        struct rng rng;
        rng_seed(&rng, seed);
        draw_counts(r, rows_of, &rng);
        draw_flips(r, &rng);
    }
    free(rows_of);
    return ok;
}

bool resampler_new(const uint32_t *cluster, size_t n, uint32_t n_clusters, uint32_t n_boot,
                   uint64_t seed, double alpha, struct resampler **out, struct abl_err *err)
{
    assert(alpha > 0.0 && alpha < 1.0);
    struct resampler *r = calloc(1, sizeof *r);
    if (!r)
        return abl_no_memory(err);
    bool exact = n_clusters <= EXACT_CLUSTERS;
    *r = (struct resampler){ .n = n,
                             .n_clusters = n_clusters,
                             .n_boot = n_boot,
                             .exact = exact,
                             .n_groups = ((size_t)n_clusters + GROUP - 1) / GROUP,
                             .n_flips = exact    ? (size_t)1 << n_clusters
                                        : n_boot ? size_max(n_boot, FLIPS)
                                                 : 0 };
    r->n_first = exact ? r->n_flips : n_boot;
    if (!resampler_fill(r, cluster, seed, alpha)) {
        resampler_free(r);
        return abl_fail(err, ABL_FAILED,
                        "out of memory for %u resamples of %u clusters; lower --boot", n_boot,
                        n_clusters);
    }
    *out = r;
    return true;
}

uint32_t resampler_n_boot(const struct resampler *r)
{
    return r->n_boot;
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    free(r->cluster);
    free(r->counts);
    free(r->boot_rows);
    free(r->flips);
    free(r);
}

// means[b] = sum over clusters of count * sum, in ascending order of clusters, over the resample's rows.
void stats_resampled(const struct resampler *r, const double *restrict sums, size_t n_means,
                     double *restrict means)
{
    size_t n = r->n_boot;
    assert(n_means <= n);
    memset(means, 0, n_means * sizeof *means);
#pragma omp parallel for if (n_means * r->n_clusters > PARALLEL_FROM)
    for (size_t first = 0; first < n_means; first += TILE) {
        size_t end = size_min(first + TILE, n_means);
        uint32_t c = 0;
        for (; c + 4 <= r->n_clusters; c += 4) { // four at a time spare loads and stores, not order
            const float *restrict k = r->counts + c * n;
            double s0 = sums[c], s1 = sums[c + 1], s2 = sums[c + 2], s3 = sums[c + 3];
            for (size_t b = first; b < end; b++)
                means[b] = means[b] + (double)k[b] * s0 + (double)k[n + b] * s1
                           + (double)k[2 * n + b] * s2 + (double)k[3 * n + b] * s3;
        }
        for (; c < r->n_clusters; c++)
            for (size_t b = first; b < end; b++)
                means[b] += (double)r->counts[c * n + b] * sums[c];
    }
    for (size_t b = 0; b < n_means; b++)
        means[b] /= r->boot_rows[b];
}

// Standard deviation with n - 1; NaN below two values.
static double deviation(const double *v, size_t n)
{
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += v[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - mean) * (v[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
}

// Reorder v so that v[k] is what sorting would put there, nothing bigger before it and nothing smaller behind
// (Hoare 1961): an interval needs four of the order statistics, not the sorted list.
static void select_kth(double *v, size_t n, size_t k)
{
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        double pivot = v[lo + (hi - lo) / 2];
        size_t i = lo, j = hi;
        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            double swap = v[i];
            v[i++] = v[j];
            v[j--] = swap;
        }
        // v[lo..j] <= pivot <= v[j + 1..hi], and j < hi because the pivot was not the last
        if (k <= j)
            hi = j;
        else
            lo = j + 1;
    }
}

// Quantile p of v by linear interpolation between order statistics (Hyndman & Fan 1996, type 7). Reorders v.
static double quantile(double *v, size_t n, double p)
{
    double place = (double)(n - 1) * p, below = floor(place);
    size_t k = (size_t)below;
    select_kth(v, n, k);
    if (k + 1 >= n)
        return v[k];
    double next = v[k + 1];
    for (size_t i = k + 2; i < n; i++)
        if (v[i] < next)
            next = v[i];
    return v[k] + (next - v[k]) * (place - below);
}

static void boot_interval(const struct resampler *r, const double *sums, double *means,
                          struct estimate *out)
{
    if (!r->n_boot)
        return;
    stats_resampled(r, sums, r->n_boot, means);
    out->se = deviation(means, r->n_boot);
    out->ci_lo = quantile(means, r->n_boot, r->tail);
    out->ci_hi = quantile(means, r->n_boot, 1 - r->tail);
}

// table[bits] = the sum of n signed values, value i negative where bit i is set. Values enter in ascending order
// whatever the signs, so that opposite patterns give exactly opposite sums.
static void signed_sums(const double *values, size_t n, double *table)
{
    table[0] = 0.0;
    for (size_t i = 0; i < n; i++)
        for (size_t bits = 0, half = (size_t)1 << i; bits < half; bits++) {
            table[half + bits] = table[bits] - values[i];
            table[bits] += values[i];
        }
}

// How many of the patterns first … end-1 give a sum at least as big as bound. tables: (n_groups) of signed_sums.
static size_t count_in_tile(const struct resampler *r, const double *tables, size_t first,
                            size_t end, double bound)
{
    double flipped[TILE] = { 0 };
    size_t n = end - first, as_big = 0;
    for (size_t g = 0; g < r->n_groups; g++) {
        const double *table = tables + (g << GROUP);
        const uint8_t *pattern = r->flips + g * r->n_flips + first;
        size_t n_here = size_min(r->n_clusters - g * GROUP, GROUP);
        uint8_t mask = (uint8_t)((1u << n_here) - 1);
        for (size_t f = 0; f < n; f++)
            flipped[f] += table[pattern[f] & mask];
    }
    for (size_t f = 0; f < n; f++)
        as_big += fabs(flipped[f]) >= bound;
    return as_big;
}

static size_t count_as_big(const struct resampler *r, const double *tables, size_t first,
                           size_t end, double bound)
{
    size_t as_big = 0;
#pragma omp parallel for reduction(+ : as_big) if ((end - first) * r->n_groups > PARALLEL_FROM)
    for (size_t from = first; from < end; from += TILE)
        as_big += count_in_tile(r, tables, from, size_min(from + TILE, end), bound);
    return as_big;
}

// Two-sided p of the sign-flip test: the share of patterns with |sum| >= |observed|. tables has room for n_groups of them. The observed sum is that of the
// pattern without a flip, added in the same order.
static double flip_test(const struct resampler *r, const double *sums, double *tables)
{
    double observed = 0.0, size = 0.0;
    for (size_t g = 0; g < r->n_groups; g++) {
        double group = 0.0;
        for (size_t c = g * GROUP; c < r->n_clusters && c < (g + 1) * GROUP; c++) {
            group += sums[c];
            size += fabs(sums[c]);
        }
        observed += group;
        signed_sums(sums + g * GROUP, size_min(r->n_clusters - g * GROUP, GROUP),
                    tables + (g << GROUP));
    }
    // Patterns that tie in exact arithmetic may differ by the rounding of n_clusters additions: they count.
    double bound = fabs(observed) - r->n_clusters * DBL_EPSILON * size;
    size_t n = r->n_first, as_big = count_as_big(r, tables, 0, n, bound);
    if (r->exact)
        return (double)as_big / (double)n;
    // Two stages keep p valid: where the second one decides, it is an ordinary p of all patterns (Besag & Clifford 1991).
    if (n < r->n_flips && as_big < FEW) {
        as_big += count_as_big(r, tables, n, r->n_flips, bound);
        n = r->n_flips;
    }
    return n ? (double)(as_big + 1) / (double)(n + 1) : NAN;
}

bool stats_estimate(const struct resampler *r, const double *values, bool test,
                    struct estimate *out, struct abl_err *err)
{
    double total = 0.0;
    for (size_t i = 0; i < r->n; i++)
        total += values[i];
    struct estimate e = { .mean = r->n ? total / (double)r->n : NAN,
                          .se = NAN,
                          .ci_lo = NAN,
                          .ci_hi = NAN,
                          .p = NAN,
                          .q = NAN,
                          .n = (uint32_t)r->n,
                          .n_clusters = r->n_clusters };
    if (r->n_clusters >= 2 && isfinite(total)) {
        double *sums = new_array(r->n_clusters, 1, sizeof *sums);
        double *scratch = new_array(size_max(r->n_boot, r->n_groups << GROUP), 1, sizeof *scratch);
        if (sums && scratch) {
            for (size_t i = 0; i < r->n; i++)
                sums[r->cluster[i]] += values[i];
            boot_interval(r, sums, scratch, &e);
            if (test)
                e.p = flip_test(r, sums, scratch);
        }
        bool ok = sums && scratch;
        free(sums);
        free(scratch);
        if (!ok)
            return abl_no_memory(err);
    }
    *out = e;
    return true;
}

// Sums by cluster and their resampled means; total is the plain sum.
static void cluster_means(const struct resampler *r, const double *values, double *sums,
                          double *means, double *total)
{
    memset(sums, 0, r->n_clusters * sizeof *sums);
    *total = 0;
    for (size_t i = 0; i < r->n; i++) {
        sums[r->cluster[i]] += values[i];
        *total += values[i];
    }
    stats_resampled(r, sums, r->n_boot, means);
}

static void ratio_interval(const struct resampler *r, double *above, double *below,
                           struct estimate *out, bool *small)
{
    size_t n = r->n_boot;
    for (size_t b = 0; b < n; b++) {
        if (!(fabs(below[b]) > 0))
            return; // a resample without a ratio: nor have all of them an interval
        above[b] /= below[b];
    }
    double lo = quantile(below, n, r->tail), hi = quantile(below, n, 1 - r->tail);
    *small = !(lo > 0 || hi < 0);
    out->se = deviation(above, n);
    out->ci_lo = quantile(above, n, r->tail);
    out->ci_hi = quantile(above, n, 1 - r->tail);
}

bool stats_ratio(const struct resampler *r, const double *above, const double *below,
                 struct estimate *out, bool *small, struct abl_err *err)
{
    struct estimate e = { .mean = NAN,
                          .se = NAN,
                          .ci_lo = NAN,
                          .ci_hi = NAN,
                          .p = NAN,
                          .q = NAN,
                          .n = (uint32_t)r->n,
                          .n_clusters = r->n_clusters };
    double *sums = new_array(r->n_clusters + 1, 1, sizeof *sums), top, bottom;
    double *a = new_array(r->n_boot + 1, 1, sizeof *a), *b = new_array(r->n_boot + 1, 1, sizeof *b);
    bool ok = (sums && a && b) || abl_no_memory(err);
    *small = true;
    if (ok) {
        cluster_means(r, above, sums, a, &top);
        cluster_means(r, below, sums, b, &bottom);
        if (fabs(bottom) > 0)
            e.mean = top / bottom;
        if (r->n_clusters >= 2 && r->n_boot && isfinite(e.mean))
            ratio_interval(r, a, b, &e, small);
    }
    free(sums);
    free(a);
    free(b);
    if (ok)
        *out = e;
    return ok;
}

// Ascending by p.
static int by_p(const void *a, const void *b)
{
    double x = (*(struct estimate *const *)a)->p, y = (*(struct estimate *const *)b)->p;
    return (x > y) - (x < y);
}

// q of the i-th smallest of m p-values = min over j >= i of p_j m / j, at most 1.
bool stats_fdr(struct estimate *grid, size_t n, struct abl_err *err)
{
    struct estimate **sorted = new_array(n, 1, sizeof *sorted);
    if (!sorted)
        return abl_no_memory(err);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(grid[i].p))
            sorted[m++] = &grid[i];
    qsort(sorted, m, sizeof *sorted, by_p);
    double least = 1.0;
    for (size_t i = m; i-- > 0;) {
        least = fmin(least, sorted[i]->p * (double)m / (double)(i + 1));
        sorted[i]->q = least;
    }
    free(sorted);
    return true;
}

// Twice the mid-rank of v[i], counted from 1: equal values share the mean of their places.
static double twice_rank(const double *v, size_t n, size_t i)
{
    size_t less = 0, equal = 0;
    for (size_t j = 0; j < n; j++) {
        less += v[j] < v[i];
        equal += v[j] == v[i];
    }
    return (double)(2 * less + equal + 1);
}

// Quadratic in n, for there is nothing to allocate and grids have at most a few thousand heads.
double stats_spearman(const double *a, const double *b, size_t n)
{
    double centre = (double)n + 1; // twice the mean rank, with and without ties
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(a[i]) || isnan(b[i]))
            return NAN;
        double x = twice_rank(a, n, i) - centre, y = twice_rank(b, n, i) - centre;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return aa > 0.0 && bb > 0.0 ? ab / sqrt(aa * bb) : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = **(double *const *)a, y = **(double *const *)b;
    return (x > y) - (x < y);
}

// Values become twice their mid-ranks, less the mean rank: a sum of zero, with and without ties.
static void centred_ranks(double *v, size_t n, double **sorted)
{
    for (size_t i = 0; i < n; i++)
        sorted[i] = &v[i];
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t first = 0, end; first < n; first = end) {
        double value = *sorted[first], rank;
        for (end = first + 1; end < n && !(*sorted[end] > value);)
            end++;
        rank = (double)(first + end + 1) - (double)(n + 1);
        for (size_t i = first; i < end; i++)
            *sorted[i] = rank;
    }
}

double stats_spearman_in(double *a, double *b, size_t n, double **sorted)
{
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (size_t i = 0; i < n; i++)
        if (isnan(a[i]) || isnan(b[i]))
            return NAN;
    centred_ranks(a, n, sorted);
    centred_ranks(b, n, sorted);
    for (size_t i = 0; i < n; i++) {
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
    }
    return aa > 0.0 && bb > 0.0 ? ab / sqrt(aa * bb) : NAN;
}
