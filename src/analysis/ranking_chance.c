#include "analysis/ranking_chance.h"

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "stats/ranks.h"

// One draw at work.
struct draw {
    const double *sums;
    size_t n, n_kept, top_k;
    uint32_t n_clusters;
    bool *flipped;           // (n_clusters)
    uint32_t *order, *times; // (n_clusters) a permutation; how often a resample has each
    double *first, *second;  // (n) sums over one half of the clusters, over the other
    double *whole, *again;   // (n) over both, over the resample
    size_t *by_size;         // (n) variants by |whole|, the largest first
    double *a, *b;           // (n_kept)
    double **sorted;         // (n_kept)
    size_t *by_again;        // (n_kept) places in by_size, by |again|
};

static bool draw_init(struct draw *d, struct arena *a)
{
    size_t n = size_max(d->n, 1), c = size_max(d->n_clusters, 1);
    d->flipped = arena_alloc(a, c, sizeof *d->flipped);
    d->order = arena_alloc(a, c, sizeof *d->order);
    d->times = arena_alloc(a, c, sizeof *d->times);
    d->sorted = arena_alloc(a, n, sizeof *d->sorted);
    d->by_size = arena_alloc(a, n, sizeof *d->by_size);
    d->by_again = arena_alloc(a, n, sizeof *d->by_again);
    double **sums[] = { &d->first, &d->second, &d->whole, &d->again, &d->a, &d->b };
    bool ok = d->flipped && d->order && d->times && d->sorted && d->by_size && d->by_again;
    for (size_t i = 0; ok && i < sizeof sums / sizeof *sums; i++)
        ok = (*sums[i] = arena_alloc(a, n, sizeof **sums[i])) != NULL;
    return ok;
}

// Signs, halves and a resample.
static void toss(struct draw *d, struct rng *rng)
{
    uint32_t n = d->n_clusters;
    for (uint32_t c = 0; c < n; c++) {
        d->flipped[c] = rng_next(rng) >> 63;
        d->times[c] = 0;
    }
    rng_shuffle(rng, d->order, n);
    for (uint32_t c = 0; c < n; c++)
        d->times[rng_below(rng, n)]++;
}

static void add_up(struct draw *d)
{
    uint32_t n = d->n_clusters;
    for (size_t v = 0; v < d->n; v++) {
        const double *sums = d->sums + v * n;
        double halves[2] = { 0.0, 0.0 }, again = 0.0;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t c = d->order[i];
            double sum = d->flipped[c] ? -sums[c] : sums[c];
            halves[i >= n / 2] += sum;
            again += d->times[c] * sum;
        }
        d->first[v] = halves[0];
        d->second[v] = halves[1];
        d->whole[v] = halves[0] + halves[1];
        d->again[v] = again;
    }
}

static bool overlap(struct draw *d, double *jaccard, struct abl_err *err)
{
    size_t shared = 0;
    for (size_t i = 0; i < d->n_kept; i++)
        d->a[i] = d->again[d->by_size[i]];
    if (!ranks_by_size(d->a, d->n_kept, d->by_again, err))
        return false;
    for (size_t i = 0; i < d->top_k; i++)
        shared += d->by_again[i] < d->top_k;
    *jaccard += (double)shared / (double)(2 * d->top_k - shared);
    return true;
}

static double correlate(struct draw *d)
{
    for (size_t i = 0; i < d->n_kept; i++) {
        d->a[i] = d->first[d->by_size[i]];
        d->b[i] = d->second[d->by_size[i]];
    }
    return ranks_spearman(d->a, d->b, d->n_kept, d->sorted);
}

bool ranking_chance(const double *sums, size_t n, uint32_t n_clusters, size_t n_kept, size_t top_k,
                    uint64_t seed, struct ranking_chance *out, struct abl_err *err)
{
    struct draw d
        = { .sums = sums, .n = n, .n_kept = n_kept, .top_k = top_k, .n_clusters = n_clusters };
    struct rng rng;
    double rho = 0.0, jaccard = 0.0;
    size_t n_rho = 0;
    rng_seed(&rng, seed);
    struct arena room = { 0 };
    bool ok = draw_init(&d, &room) || abl_no_memory(err);
    for (int i = 0; ok && i < CHANCE_DRAWS; i++) {
        toss(&d, &rng);
        add_up(&d);
        ok = ranks_by_size(d.whole, n, d.by_size, err);
        double one = ok && n_clusters >= 4 && n_kept >= 3 ? correlate(&d) : (double)NAN;
        rho += isnan(one) ? 0.0 : one;
        n_rho += isnan(one) ? 0 : 1;
        ok = ok && (!top_k || overlap(&d, &jaccard, err));
    }
    arena_release(&room);
    *out = (struct ranking_chance){ .split_half = n_rho ? rho / (double)n_rho : (double)NAN,
                                    .top_jaccard = top_k ? jaccard / CHANCE_DRAWS : (double)NAN };
    return ok;
}
