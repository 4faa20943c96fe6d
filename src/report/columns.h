// What the columns of tables are made of, and the columns that several tables share.
#ifndef ABL_REPORT_COLUMNS_H
#define ABL_REPORT_COLUMNS_H

#include "analysis/effects.h"
#include "report/report.h"
#include "report/sheet.h"

// A row at hand. A table's walk sets what its columns ask for.
struct table_row {
    const struct report *report;
    const struct variant *variant;
    const struct prompt *prompt;
    const struct row_stats *stats, *intact; // the prompt's, under the variant and in the intact run
    enum metric metric;
    const struct effect *effect;
    const struct estimate *estimate; // which delta, se, ci_lo, … are of
    const void *item;                // of the table's own
};

// The function of a column: its cell is `value`, made from `row`. kind: as in sheet_text, …
#define CELL(function, kind, value)                                                                \
    static void function(struct sheet *s, const struct table_row *row)                             \
    {                                                                                              \
        sheet_##kind(s, value);                                                                    \
    }

#define COLUMNS(array) .columns = array, .n_columns = sizeof(array) / sizeof *(array)

// A row of an array, where a macro names it.
#define COLUMN(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

// Columns that several tables have.
#define CONDITION_COLUMN COLUMN("condition", CELL_TEXT, "", "name of the data", cell_condition)
#define SEED_COLUMN                                                                                \
    COLUMN("seed", CELL_INTEGER | CELL_64_BITS, "", "of everything that was drawn", cell_seed)
#define ABLATE_COLUMN                                                                              \
    COLUMN("ablate", CELL_TEXT | CELL_OR_NONE, "",                                                 \
           "how heads are ablated: zero, scale=S" ABLATION_LATER_NAMES "; missing where none is",  \
           cell_ablate)
#define SCALE_COLUMN                                                                               \
    COLUMN("scale", CELL_NUMBER | CELL_OR_NONE, "",                                                \
           "factor of ablations that scale; missing of others", cell_scale)
#define ROW_COLUMN                                                                                 \
    COLUMN("row", CELL_INTEGER, "", "number of the row in its file, from 1", cell_row)
#define VARIANT_COLUMN                                                                             \
    COLUMN("variant", CELL_TEXT, "", "what was changed, as its label", cell_variant)
#define METRIC_COLUMN COLUMN("metric", CELL_TEXT, "", "which the numbers are of", cell_metric)
#define VALUE_COLUMN                                                                               \
    COLUMN("value", CELL_NUMBER, "of the metric", "mean over rows under the change", cell_value)
#define DELTA_COLUMN                                                                               \
    COLUMN("delta", CELL_NUMBER, "of the metric", "mean paired difference from the intact run",    \
           cell_mean)
#define SE_COLUMN                                                                                  \
    COLUMN("se", CELL_NUMBER | CELL_OR_NONE, "of the estimate",                                    \
           "standard deviation of its bootstrap means", cell_se)
#define CI_LO_COLUMN                                                                               \
    COLUMN("ci_lo", CELL_NUMBER | CELL_OR_NONE, "of the estimate",                                 \
           "lower end of its expanded percentile bootstrap interval, of this row alone",           \
           cell_ci_lo)
#define CI_HI_COLUMN                                                                               \
    COLUMN("ci_hi", CELL_NUMBER | CELL_OR_NONE, "of the estimate",                                 \
           "upper end of its expanded percentile bootstrap interval, of this row alone",           \
           cell_ci_hi)
#define P_COLUMN                                                                                   \
    COLUMN("p", CELL_NUMBER | CELL_OR_NONE, "",                                                    \
           "two-sided, by sign flips over clusters, of no effect; missing below 6 clusters, and "  \
           "of kl and flip, which are never below 0",                                              \
           cell_p)
#define Q_COLUMN                                                                                   \
    COLUMN("q", CELL_NUMBER | CELL_OR_NONE, "",                                                    \
           "p after Benjamini-Hochberg over this table's grid of the metric, not over metrics",    \
           cell_q)
#define N_COLUMN COLUMN("n", CELL_INTEGER, "rows", "that the estimate is of", cell_n)
#define N_CLUSTERS_COLUMN                                                                          \
    COLUMN("n_clusters", CELL_INTEGER, "clusters", "that these rows are in", cell_n_clusters)

// Their functions.
void cell_condition(struct sheet *s, const struct table_row *row);
void cell_seed(struct sheet *s, const struct table_row *row);
void cell_ablate(struct sheet *s, const struct table_row *row);
void cell_scale(struct sheet *s, const struct table_row *row);
void cell_row(struct sheet *s, const struct table_row *row);
void cell_variant(struct sheet *s, const struct table_row *row);
void cell_metric(struct sheet *s, const struct table_row *row);
void cell_value(struct sheet *s, const struct table_row *row);
void cell_mean(struct sheet *s, const struct table_row *row);
void cell_se(struct sheet *s, const struct table_row *row);
void cell_ci_lo(struct sheet *s, const struct table_row *row);
void cell_ci_hi(struct sheet *s, const struct table_row *row);
void cell_p(struct sheet *s, const struct table_row *row);
void cell_q(struct sheet *s, const struct table_row *row);
void cell_n(struct sheet *s, const struct table_row *row);
void cell_n_clusters(struct sheet *s, const struct table_row *row);

// NO_LAYER and ALL_HEADS are missing.
void put_layer(struct sheet *s, uint32_t layer);
void put_head(struct sheet *s, uint32_t head);

#endif
