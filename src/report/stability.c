#include "report/stability.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

// Fisher-Yates: order becomes a random permutation of 0..n-1.
static void shuffle(uint32_t *order, uint32_t n, struct rng *rng)
{
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = rng_below(rng, i), last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}

// sums[head * n_clusters + cluster] of the paired deltas.
static void cluster_sums(const struct lab *lab, const struct table *t, const struct results *r,
                         enum metric m, double *sums)
{
    uint32_t n_clusters = lab->prompts->n_clusters;
    for (size_t h = 0; h < r->n_heads; h++) {
        const struct row_stats *rows = t->rows + r->heads[h].variant * t->n_prompts;
        for (size_t i = 0; i < t->n_prompts; i++)
            sums[h * n_clusters + lab->prompts->items[i].cluster]
                += metric_delta(m, &rows[i], &lab->intact[i]);
    }
}

// Sums stand for means: all heads of a half share their number of rows, and ranks do not see the factor.
static double halve(const double *sums, size_t n_heads, const uint32_t *order, uint32_t n_clusters,
                    double *first, double *second)
{
    for (size_t h = 0; h < n_heads; h++) {
        first[h] = second[h] = 0.0;
        for (uint32_t c = 0; c < n_clusters; c++)
            *(c < n_clusters / 2 ? &first[h] : &second[h]) += sums[h * n_clusters + order[c]];
    }
    return stats_spearman(first, second, n_heads);
}

bool stability_split_half(const struct lab *lab, const struct table *t, const struct results *r,
                          enum metric m, double *out, struct abl_err *err)
{
    uint32_t n_clusters = lab->prompts->n_clusters;
    *out = NAN;
    if (n_clusters < 4 || r->n_heads < 3)
        return true;
    double *sums = calloc(r->n_heads, n_clusters * sizeof *sums);
    double *halves = calloc(r->n_heads, 2 * sizeof *halves);
    uint32_t *order = calloc(n_clusters, sizeof *order);
    bool ok = sums && halves && order;
    if (ok) {
        struct rng rng;
        rng_seed(&rng, lab->settings.seed);
        cluster_sums(lab, t, r, m, sums);
        double total = 0.0;
        int n = 0;
        for (int i = 0; i < STABILITY_HALVINGS; i++) {
            shuffle(order, n_clusters, &rng);
            double rho = halve(sums, r->n_heads, order, n_clusters, halves, halves + r->n_heads);
            if (isnan(rho)) // all heads alike in one half: there is no ranking to compare
                continue;
            total += rho;
            n++;
        }
        *out = n ? total / n : NAN;
    }
    free(sums);
    free(halves);
    free(order);
    return ok || abl_no_memory(err);
}
