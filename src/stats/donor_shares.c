#include "stats/donor_shares.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

#define NO_PAIR UINT32_MAX // a row takes from its own cluster, which is drawn with it anyway

struct donor_pairs {
    size_t n, n_donors;
    uint32_t n_clusters, n_pairs;
    uint32_t *giver; // (n_donors, n) cluster of the donor
    uint32_t *pair;  // (n_donors, n) number of the pair of clusters, NO_PAIR
};

// A taking and the clusters on either side.
struct taking {
    uint32_t taker, giver;
    size_t at;
};

static int by_clusters(const void *a, const void *b)
{
    const struct taking *x = a, *y = b;
    if (x->taker != y->taker)
        return x->taker < y->taker ? -1 : 1;
    return (x->giver > y->giver) - (x->giver < y->giver);
}

// Takings between the same two clusters are one pair.
static void number_pairs(struct donor_pairs *p, struct taking *list, size_t n)
{
    qsort(list, n, sizeof *list, by_clusters);
    for (size_t i = 0; i < n; i++) {
        p->n_pairs += !i || by_clusters(&list[i], &list[i - 1]) != 0;
        p->pair[list[i].at] = p->n_pairs - 1;
    }
}

static bool fill(struct donor_pairs *p, const uint32_t *cluster, const uint32_t *const *donors)
{
    size_t total, n = 0;
    if (!size_mul(p->n, p->n_donors, &total))
        return false;
    struct taking *list = calloc(total + 1, sizeof *list);
    p->giver = calloc(total + 1, sizeof *p->giver);
    p->pair = calloc(total + 1, sizeof *p->pair);
    bool ok = list && p->giver && p->pair;
    for (size_t at = 0; ok && at < total; at++) {
        size_t row = at % p->n, donor = donors[at / p->n][row];
        p->pair[at] = NO_PAIR;
        if (donor == OUTSIDE_ROW)
            continue;
        assert(donor < p->n);
        p->giver[at] = cluster[donor];
        if (cluster[row] != cluster[donor])
            list[n++] = (struct taking){ cluster[row], cluster[donor], at };
    }
    if (ok)
        number_pairs(p, list, n);
    free(list);
    return ok;
}

bool donor_pairs_new(const uint32_t *cluster, size_t n, uint32_t n_clusters,
                     const uint32_t *const *donors, size_t n_donors, struct donor_pairs **out,
                     struct abl_err *err)
{
    struct donor_pairs *p = calloc(1, sizeof *p);
    if (!p)
        return abl_no_memory(err);
    *p = (struct donor_pairs){ .n = n, .n_donors = n_donors, .n_clusters = n_clusters };
    if (!fill(p, cluster, donors)) {
        donor_pairs_free(p);
        return abl_no_memory(err);
    }
    *out = p;
    return true;
}

void donor_pairs_free(struct donor_pairs *p)
{
    if (!p)
        return;
    free(p->giver);
    free(p->pair);
    free(p);
}

size_t donor_pairs_donors(const struct donor_pairs *p)
{
    return p->n_donors;
}

static double squares(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sum;
}

bool donor_shares(const struct donor_pairs *p, const double *values, double *shares,
                  struct abl_err *err)
{
    size_t total = p->n * p->n_donors;
    double *pairs = calloc((size_t)p->n_pairs + 1, sizeof *pairs), mean = 0, left = 0;
    if (!pairs)
        return abl_no_memory(err);
    memset(shares, 0, p->n_clusters * sizeof *shares);
    for (size_t at = 0; at < total; at++)
        mean += values[at];
    mean /= (double)size_max(total, 1);
    for (size_t at = 0; isfinite(mean) && at < total; at++) {
        if (p->pair[at] == NO_PAIR)
            continue;
        double off = (values[at] - mean) / (double)p->n_donors;
        shares[p->giver[at]] += off;
        pairs[p->pair[at]] += off;
        left += off;
    }
    double own = squares(pairs, p->n_pairs), all = squares(shares, p->n_clusters);
    double lambda = all > own ? sqrt(1 - own / all) : 0;
    for (uint32_t c = 0; c < p->n_clusters; c++)
        shares[c] = lambda * (shares[c] - left / p->n_clusters);
    free(pairs);
    return true;
}
