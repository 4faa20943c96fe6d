#include "analysis/cluster_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/estimates.h"
#include "base/size.h"
#include "stats/student_t.h"

// The text of all rows' lines and clusters, behind what file they stand in.
static bool name_rows(const struct prompts *p, const char *data_sha256, char out[SHA256_HEX],
                      struct abl_err *err)
{
    struct sha256_sum *sum = sha256_begin(err);
    bool ok = sum && sha256_more(sum, data_sha256, strlen(data_sha256), err);
    for (size_t i = 0; ok && i < p->n; i++) {
        uint32_t row[] = { p->items[i].row->line, p->items[i].cluster };
        ok = sha256_more(sum, row, sizeof row, err);
    }
    if (ok)
        return sha256_end(sum, out, err);
    sha256_drop(sum);
    return false;
}

bool cluster_sums_init(const struct measured_rows *measured, const char *data_sha256, size_t n,
                       struct cluster_sums *out, struct abl_err *err)
{
    const struct prompts *p = measured->prompts;
    struct cluster_sums s = { .n_clusters = p->n_clusters, .n = n };
    if (!name_rows(p, data_sha256, s.rows, err))
        return false;
    s.n_rows = calloc(size_max(s.n_clusters, 1), sizeof *s.n_rows);
    s.sums = calloc(size_max(n, 1), size_max(s.n_clusters, 1) * sizeof *s.sums);
    if (!s.n_rows || !s.sums) {
        cluster_sums_release(&s);
        return abl_no_memory(err);
    }
    for (size_t i = 0; i < p->n; i++)
        s.n_rows[p->items[i].cluster]++;
    for (size_t i = 0; i < n * s.n_clusters; i++)
        s.sums[i] = NAN;
    *out = s;
    return true;
}

void cluster_sums_release(struct cluster_sums *s)
{
    free(s->n_rows);
    free(s->sums);
    *s = (struct cluster_sums){ 0 };
}

bool cluster_sums_copy(const struct cluster_sums *from, struct cluster_sums *out)
{
    struct cluster_sums s = *from;
    if (!from->n) {
        *out = (struct cluster_sums){ 0 };
        return true;
    }
    size_t n_rows = size_max(s.n_clusters, 1) * sizeof *s.n_rows;
    s.n_rows = malloc(n_rows);
    s.sums = malloc(s.n * n_rows);
    if (!s.n_rows || !s.sums) {
        cluster_sums_release(&s);
        return false;
    }
    memcpy(s.n_rows, from->n_rows, s.n_clusters * sizeof *s.n_rows);
    memcpy(s.sums, from->sums, s.n * s.n_clusters * sizeof *s.sums);
    *out = s;
    return true;
}

void cluster_sums_take(struct cluster_sums *s, size_t at, const struct measured_rows *measured,
                       const struct results *results, size_t variant, enum metric m)
{
    double *sums = s->sums + at * s->n_clusters;
    for (uint32_t c = 0; c < s->n_clusters; c++)
        sums[c] = 0;
    for (size_t i = 0; i < measured->prompts->n; i++)
        sums[measured->prompts->items[i].cluster] += row_delta(measured, results, variant, i, m);
}

bool cluster_sums_same_rows(const struct cluster_sums *a, const struct cluster_sums *b)
{
    return a->n_clusters == b->n_clusters && strcmp(a->rows, b->rows) == 0;
}

struct sample {
    double mean, se; // se: NaN of one cluster
    double n_rows;
    uint32_t n_clusters;
};

// The mean over rows of sums by cluster, less those of `minus` (NULL: of nothing).
static struct sample sample_of(const struct cluster_sums *s, const double *sums,
                               const double *minus)
{
    struct sample out = { .n_clusters = s->n_clusters };
    double total = 0, squares = 0, n = s->n_clusters;
    for (uint32_t c = 0; c < s->n_clusters; c++) {
        total += sums[c] - (minus ? minus[c] : 0);
        out.n_rows += s->n_rows[c];
    }
    out.mean = total / out.n_rows;
    for (uint32_t c = 0; c < s->n_clusters; c++) {
        double off = sums[c] - (minus ? minus[c] : 0) - out.mean * s->n_rows[c];
        squares += off * off;
    }
    out.se = n < 2 ? NAN : sqrt(n / (n - 1) * squares) / out.n_rows;
    return out;
}

// dof is NaN where nothing varies.
static struct estimate student_estimate(struct sample of, double dof, double alpha)
{
    struct estimate e = { .mean = of.mean,
                          .se = of.se,
                          .ci_lo = NAN,
                          .ci_hi = NAN,
                          .p = NAN,
                          .q = NAN,
                          .n = (uint32_t)of.n_rows,
                          .n_clusters = of.n_clusters };
    if (!isfinite(of.mean) || !isfinite(of.se))
        return e;
    double half = of.se > 0 ? student_quantile(alpha / 2, dof) * of.se : 0;
    e.ci_lo = of.mean - half;
    e.ci_hi = of.mean + half;
    if (of.n_clusters >= LEAST_TESTED_CLUSTERS && of.se > 0)
        e.p = fisher_tail(of.mean / of.se * (of.mean / of.se), 1, dof);
    else if (of.n_clusters >= LEAST_TESTED_CLUSTERS && of.mean == 0.0)
        e.p = 1;
    return e;
}

struct estimate cluster_sums_difference(const struct cluster_sums *a, const struct cluster_sums *b,
                                        size_t at, double alpha)
{
    const double *mine = a->sums + at * a->n_clusters, *other = b->sums + at * b->n_clusters;
    if (cluster_sums_same_rows(a, b))
        return student_estimate(sample_of(a, mine, other), a->n_clusters - 1.0, alpha);
    struct sample x = sample_of(a, mine, NULL), y = sample_of(b, other, NULL);
    double vx = x.se * x.se, vy = y.se * y.se, nx = x.n_clusters, ny = y.n_clusters;
    bool fewer = x.n_clusters < y.n_clusters;
    struct sample both = { .mean = x.mean - y.mean,
                           .se = sqrt(vx + vy),
                           .n_rows = fewer ? x.n_rows : y.n_rows,
                           .n_clusters = fewer ? x.n_clusters : y.n_clusters };
    double dof = (vx + vy) * (vx + vy) / (vx * vx / (nx - 1) + vy * vy / (ny - 1));
    return student_estimate(both, dof, alpha);
}
