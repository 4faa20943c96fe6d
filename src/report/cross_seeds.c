#include "report/cross_seeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/number.h"
#include "stats/metrics.h"

static bool has_siblings(const struct cross_child *children, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (k != i && strcmp(cross_condition(&children[k]), cross_condition(&children[i])) == 0)
            return true;
    return false;
}

static void put_number(double value, char out[NUMBER_SIZE])
{
    number_format(value, out);
    number_with_point(out);
}

// A row of the means of a metric over what a child's table holds of a kind of ablation.
static void put_mean(struct sheet *s, const struct cross_matrix *m, const struct csv_table *t,
                     const char *metric, const char *ablate)
{
    double value = 0, delta = 0;
    size_t n = 0, first = 0;
    for (size_t row = 0; row < t->n_rows; row++) {
        if (strcmp(cross_cell(t, row, "metric"), metric) != 0 || cross_is_beside(m, t, row)
            || strcmp(cross_cell(t, row, "ablate"), ablate) != 0)
            continue;
        first = n ? first : row;
        value += strtod(cross_cell(t, row, "value"), NULL);
        delta += strtod(cross_cell(t, row, "delta"), NULL);
        n++;
    }
    char count[24], mean_value[NUMBER_SIZE], mean_delta[NUMBER_SIZE];
    if (!n)
        return;
    snprintf(count, sizeof count, "%zu", n);
    put_number(value / (double)n, mean_value);
    put_number(delta / (double)n, mean_delta);
    sheet_cells(s, (const char *const[]){ cross_cell(t, first, "condition"),
                                          cross_cell(t, first, "seed"), metric, count, mean_value,
                                          mean_delta, *ablate ? ablate : NULL });
}

// The metrics of a child's table, for each kind of ablation that it has.
static void put_means(struct sheet *s, const struct cross_matrix *m, const struct csv_table *t)
{
    struct ablate_names names = cross_ablations(t);
    for (size_t i = 0; i < names.n; i++)
        for (int k = 0; k < N_METRICS; k++)
            put_mean(s, m, t, metric_info((enum metric)k)->name, names.items[i]);
}

bool cross_seeds(const struct cross_child *children, size_t n,
                 const struct csv_table *const tables[N_CROSS_MATRICES],
                 const struct csv_table *drawn, struct buf *out, bool *any, struct abl_err *err)
{
    const struct table *t = &table_seeds;
    struct sheet s;
    *any = false;
    sheet_begin(&s, out, SHEET_CSV, t->columns, t->n_columns);
    for (size_t i = 0; i < n; i++) {
        for (size_t row = 0; row < drawn[i].n_rows; row++)
            sheet_cells(&s, drawn[i].cells + row * t->n_columns);
        *any = *any || drawn[i].n_rows || has_siblings(children, n, i);
        for (size_t m = 0; has_siblings(children, n, i) && m < N_CROSS_MATRICES; m++)
            if (cross_matrices[m].list)
                put_means(&s, &cross_matrices[m], &tables[m][i]);
    }
    sheet_end(&s);
    return !out->failed || abl_no_memory(err);
}
