// holdout.csv: what was chosen on the discovery clusters, and what the held-out ones say of it.
#include <math.h>

#include "report/columns.h"
#include "report/tables.h"

struct held_out {
    const struct holdout_list *list;
    const struct holdout_row *row;
};

static const struct holdout_row *held(const struct table_row *row)
{
    return ((const struct held_out *)row->item)->row;
}

static const struct estimate *found(const struct table_row *row)
{
    return &held(row)->discovery;
}

static const char *kind(const struct table_row *row)
{
    return ((const struct held_out *)row->item)->list->kind;
}

static void put_row(struct sheet *s, const struct report *r, const struct holdout_list *list,
                    enum metric m, const struct holdout_row *row)
{
    sheet_row(s, &(struct table_row){ .report = r,
                                      .variant = &r->results->variants->items[row->variant],
                                      .metric = m,
                                      .estimate = &row->heldout,
                                      .item = &(struct held_out){ list, row } });
}

static void put_rows(const struct report *r, const struct effects *effects, struct sheet *s)
{
    for (int l = 0; l < HOLDOUT_LISTS; l++) {
        const struct holdout_list *list = &effects->holdout.lists[l];
        for (size_t i = 0; i < list->n; i++)
            for (int m = 0; m < N_METRICS; m++)
                put_row(s, r, list, (enum metric)m, &list->rows[m][i]);
    }
}

static void cell_confirmed(struct sheet *s, const struct table_row *row)
{
    if (held(row)->chosen && !isnan(held(row)->heldout.q))
        sheet_bool(s, held(row)->confirmed);
    else
        sheet_missing(s);
}

CELL(cell_kind, text, kind(row))
CELL(cell_found_delta, number, found(row)->mean)
CELL(cell_found_rank, uint, held(row)->rank)
CELL(cell_found_p, number, found(row)->p)
CELL(cell_found_q, number, found(row)->q)
CELL(cell_chosen, bool, held(row)->chosen)
CELL(cell_n_found, uint, found(row)->n)
CELL(cell_found_clusters, uint, found(row)->n_clusters)

static const struct column columns[] = {
    CONDITION_COLUMN,
    SEED_COLUMN,
    ABLATE_COLUMN,
    { "kind", CELL_TEXT, "", "head, set, restored or patch: what it is ranked with", cell_kind },
    VARIANT_COLUMN,
    METRIC_COLUMN,
    { "discovery_delta", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean paired difference, discovery rows; missing where none has the position",
      cell_found_delta },
    { "discovery_rank", CELL_INTEGER, "", "by its size there, from 1", cell_found_rank },
    { "discovery_p", CELL_NUMBER | CELL_OR_NONE, "", "two-sided, by sign flips over clusters",
      cell_found_p },
    { "discovery_q", CELL_NUMBER | CELL_OR_NONE, "", "p after Benjamini-Hochberg over the list",
      cell_found_q },
    { "chosen", CELL_BOOLEAN, "", "whether discovery alone would name it", cell_chosen },
    { "heldout_delta", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean paired difference, held-out rows; likewise", cell_mean },
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    P_COLUMN,
    { "q", CELL_NUMBER | CELL_OR_NONE, "", "p after Benjamini-Hochberg over what was chosen",
      cell_q },
    { "confirmed", CELL_BOOLEAN | CELL_OR_NONE, "",
      "of what was chosen and has a q: below alpha, and the sign of the discovery",
      cell_confirmed },
    { "n_discovery", CELL_INTEGER, "rows", "of the discovery side", cell_n_found },
    { "discovery_clusters", CELL_INTEGER, "clusters", "of the discovery side",
      cell_found_clusters },
    { "n_heldout", CELL_INTEGER, "rows", "of the held-out side", cell_n },
    { "heldout_clusters", CELL_INTEGER, "clusters", "of the held-out side", cell_n_clusters },
};

static bool holds_out(const struct report *r)
{
    return r->session->held_out;
}

const struct table table_holdout = {
    .name = "holdout",
    .row = "what a variant does to a metric in the discovery rows and in those held out",
    COLUMNS(columns),
    .roles = ANY_ROLE,
    .is_of = holds_out,
    .when = "--holdout",
    .put_rows = put_rows,
};
