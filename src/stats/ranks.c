#include "stats/ranks.h"

#include <math.h>
#include <stdlib.h>

// Largest size first, what is no number last; of equals the one that stands first.
static int by_size(const void *a, const void *b)
{
    const double *x = *(const double *const *)a, *y = *(const double *const *)b;
    double dx = isnan(*x) ? -1.0 : fabs(*x), dy = isnan(*y) ? -1.0 : fabs(*y);
    if (dx > dy || dx < dy)
        return dx > dy ? -1 : 1;
    return (x > y) - (x < y);
}

bool ranks_by_size(const double *values, size_t n, size_t *order, struct abl_err *err)
{
    const double **sorted = malloc((n + 1) * sizeof *sorted);
    if (!sorted)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &values[i];
    qsort(sorted, n, sizeof *sorted, by_size);
    for (size_t i = 0; i < n; i++)
        order[i] = (size_t)(sorted[i] - values);
    free(sorted);
    return true;
}

// Reorder v so that v[k] is what sorting would put there, nothing bigger before it and nothing
// smaller behind (Hoare 1961): an interval needs four of the order statistics, not the sorted list.
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

// Quantile p of v by linear interpolation between order statistics (Hyndman & Fan 1996, type 7).
// Reorders v.
double ranks_quantile(double *v, size_t n, double p)
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

double ranks_spearman(double *a, double *b, size_t n, double **sorted)
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
