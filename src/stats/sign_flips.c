#include "stats/sign_flips.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/wide.h"

enum {
    EXACT_CLUSTERS = 12,     // up to here all 2^n sign patterns are counted
    GROUP = 8,               // clusters per byte of a sign pattern
    LANES = 4,               // columns whose sums are made together
    TILE = 256,              // patterns whose sums stay in the first cache; a thread's share
    PARALLEL_FROM = 1 << 16, // additions that are worth waking other threads for
    // Fewer than FEW patterns as big as the observed one: p is small, and asks for MANY; the least
    // p is then 1 / 32769, small enough to stand among a thousand heads.
    FEW = 10,
    MANY = 32768,
};

// Columns side by side.
struct lanes {
    double v[LANES];
};

// The binary numbers 0 … 2^n - 1 when exact, else one random word per 64
// clusters, lowest bit first.
static void draw(struct flips *f, struct rng *rng)
{
    for (size_t i = 0; i < f->n; i++) {
        uint64_t word = i;
        for (size_t g = 0; g < f->n_groups; g++) {
            if (!f->exact && g % 8 == 0)
                word = rng_next(rng);
            f->patterns[g * f->n + i] = (uint8_t)(word >> 8 * (g % 8));
        }
    }
}

bool flips_init(struct flips *f, uint32_t n_clusters, uint32_t n_wanted, struct rng *rng)
{
    bool exact = n_clusters <= EXACT_CLUSTERS;
    *f = (struct flips){ .n = exact      ? (size_t)1 << n_clusters
                              : n_wanted ? size_max(n_wanted, MANY)
                                         : 0,
                         .n_groups = ((size_t)n_clusters + GROUP - 1) / GROUP,
                         .n_clusters = n_clusters,
                         .exact = exact };
    f->n_first = exact ? f->n : n_wanted;
    size_t bytes;
    if (!size_mul(f->n, f->n_groups, &bytes) || !(f->patterns = malloc(size_max(bytes, 1))))
        return false;
    draw(f, rng);
    return true;
}

void flips_release(struct flips *f)
{
    free(f->patterns);
    *f = (struct flips){ 0 };
}

// table[bits] = the sum of n signed values of each column, value i negative where bit i is set.
// Values enter in ascending order whatever the signs, so that opposite patterns give exactly
// opposite sums.
static void signed_sums(const struct lanes *values, size_t n, struct lanes *table)
{
    table[0] = (struct lanes){ 0 };
    for (size_t i = 0; i < n; i++)
        for (size_t bits = 0, half = (size_t)1 << i; bits < half; bits++)
            for (size_t k = 0; k < LANES; k++) {
                table[half + bits].v[k] = table[bits].v[k] - values[i].v[k];
                table[bits].v[k] += values[i].v[k];
            }
}

// Some columns at work. tables: (n_groups) of signed_sums.
struct test {
    const struct flips *f;
    struct lanes *tables;
    struct lanes observed, bound;
    size_t as_big[LANES];
};

// How many of the patterns first … end-1 give sums at least as big as the bounds.
WIDE static void count_in_tile(const struct test *t, size_t first, size_t end, size_t as_big[LANES])
{
    struct lanes flipped[TILE] = { 0 };
    const struct flips *f = t->f;
    size_t n = end - first;
    for (size_t g = 0; g < f->n_groups; g++) {
        const struct lanes *table = t->tables + (g << GROUP);
        const uint8_t *pattern = f->patterns + g * f->n + first;
        size_t n_here = size_min(f->n_clusters - g * GROUP, GROUP);
        uint8_t mask = (uint8_t)((1u << n_here) - 1);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < LANES; k++)
                flipped[i].v[k] += table[pattern[i] & mask].v[k];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < LANES; k++)
            as_big[k] += fabs(flipped[i].v[k]) >= t->bound.v[k];
}

static void count_as_big(struct test *t, size_t first, size_t end)
{
    size_t *as_big = t->as_big;
    bool worth = (end - first) * t->f->n_groups > PARALLEL_FROM;
#pragma omp parallel for reduction(+ : as_big[:LANES]) if (worth)
    for (size_t from = first; from < end; from += TILE)
        count_in_tile(t, from, size_min(from + TILE, end), as_big);
}

// The observed sums are those of the pattern without a flip, added in the same order.
static void prepare(struct test *t, const struct lanes *sums)
{
    const struct flips *f = t->f;
    struct lanes size = { 0 };
    t->observed = (struct lanes){ 0 };
    for (size_t g = 0; g < f->n_groups; g++) {
        struct lanes group = { 0 };
        size_t first = g * GROUP, end = size_min(first + GROUP, f->n_clusters);
        for (size_t c = first; c < end; c++)
            for (size_t k = 0; k < LANES; k++) {
                group.v[k] += sums[c].v[k];
                size.v[k] += fabs(sums[c].v[k]);
            }
        for (size_t k = 0; k < LANES; k++)
            t->observed.v[k] += group.v[k];
        signed_sums(sums + first, end - first, t->tables + (g << GROUP));
    }
    // Patterns that tie in exact arithmetic may differ by the rounding of n_clusters additions:
    // they count.
    for (size_t k = 0; k < LANES; k++)
        t->bound.v[k] = fabs(t->observed.v[k]) - f->n_clusters * DBL_EPSILON * size.v[k];
}

static double share(const struct flips *f, size_t as_big, size_t n)
{
    if (f->exact)
        return (double)as_big / (double)n;
    return n ? (double)(as_big + 1) / (double)(n + 1) : NAN;
}

// n columns, at most LANES. Two stages keep p valid: where the second one decides, it is an
// ordinary p of all patterns (Besag & Clifford 1991).
static void test_lanes(struct test *t, const struct lanes *sums, size_t n, double *p)
{
    const struct flips *f = t->f;
    bool more = false;
    prepare(t, sums);
    memset(t->as_big, 0, sizeof t->as_big);
    count_as_big(t, 0, f->n_first);
    for (size_t k = 0; k < n; k++) {
        p[k] = share(f, t->as_big[k], f->n_first);
        more = more || (f->n_first < f->n && t->as_big[k] < FEW);
    }
    if (!more)
        return;
    size_t first[LANES];
    memcpy(first, t->as_big, sizeof first);
    count_as_big(t, f->n_first, f->n);
    for (size_t k = 0; k < n; k++)
        if (first[k] < FEW)
            p[k] = share(f, t->as_big[k], f->n);
}

bool flips_test(const struct flips *f, const double *sums, size_t n, double *p)
{
    struct test t
        = { .f = f, .tables = calloc(size_max(f->n_groups << GROUP, 1), sizeof *t.tables) };
    struct lanes *beside = calloc(size_max(f->n_clusters, 1), sizeof *beside);
    bool ok = t.tables && beside;
    for (size_t first = 0; ok && first < n; first += LANES) {
        size_t here = size_min(n - first, LANES);
        memset(beside, 0, f->n_clusters * sizeof *beside);
        for (size_t k = 0; k < here; k++)
            for (size_t c = 0; c < f->n_clusters; c++)
                beside[c].v[k] = sums[(first + k) * f->n_clusters + c];
        test_lanes(&t, beside, here, p + first);
    }
    free(t.tables);
    free(beside);
    return ok;
}
