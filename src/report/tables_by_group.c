// by_group.csv: effects by the values of a field of the rows (--by).
#include "report/columns.h"
#include "report/tables.h"

struct of_group {
    const char *group;
    const struct group_mean *mean;
    const struct heterogeneity *all; // of the variant under the metric
};

static void put_variant(const struct report *r, struct by_group *g, size_t v, enum metric m,
                        struct sheet *s)
{
    const struct prompts *p = r->session->prompts;
    struct measured_rows measured = session_measured_rows(r->session);
    struct heterogeneity again;
    struct abl_err err;
    if (!row_groups_means(&g->rows, &measured, r->results, v, m, g->means, &again, &err)) {
        s->out->failed = true; // memory is out
        return;
    }
    for (uint32_t k = 0; k < p->n_groups; k++) {
        struct of_group item = { p->group_names[k], &g->means[k], &g->found[m][v] };
        sheet_row(s, &(struct table_row){ .report = r,
                                          .variant = &r->results->variants->items[v],
                                          .metric = m,
                                          .item = &item });
    }
}

static void put_rows(const struct report *r, const struct effects *effects, struct sheet *s)
{
    struct by_group g = effects->by_group; // whose room is ours to work in
    for (size_t v = 0; v < r->results->variants->n; v++)
        for (int m = 0; by_group_has(r->results, v) && m < N_METRICS; m++)
            put_variant(r, &g, v, (enum metric)m, s);
}

static const struct of_group *item(const struct table_row *row)
{
    return row->item;
}

CELL(cell_by, text, row->report->session->prompts->by)
CELL(cell_group, text, item(row)->group)
CELL(cell_delta, number, item(row)->mean->mean)
CELL(cell_group_se, number, item(row)->mean->se)
CELL(cell_lo, number, item(row)->mean->ci_lo)
CELL(cell_hi, number, item(row)->mean->ci_hi)
CELL(cell_rows, uint, item(row)->mean->n)
CELL(cell_units, uint, item(row)->mean->n_units)
CELL(cell_without, number, item(row)->mean->without)
CELL(cell_het_p, number, item(row)->all->p)
CELL(cell_het_q, number, item(row)->all->q)
CELL(cell_without_lo, number, item(row)->all->without_lo)
CELL(cell_without_hi, number, item(row)->all->without_hi)

static const struct column columns[] = {
    CONDITION_COLUMN,
    SEED_COLUMN,
    ABLATE_COLUMN,
    VARIANT_COLUMN,
    METRIC_COLUMN,
    { "by", CELL_TEXT, "", "the field of the rows", cell_by },
    { "group", CELL_TEXT, "", "a value of it", cell_group },
    { "delta", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean paired difference over the group's rows; missing where none has a patch's position",
      cell_delta },
    { "se", CELL_NUMBER | CELL_OR_NONE, "of the metric", "of it, robust to clusters",
      cell_group_se },
    { "ci_lo", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "lower end of its interval by Student's t; missing below 2 clusters", cell_lo },
    { "ci_hi", CELL_NUMBER | CELL_OR_NONE, "of the metric", "upper end", cell_hi },
    { "n", CELL_INTEGER, "rows", "of the group", cell_rows },
    { "n_clusters", CELL_INTEGER, "clusters",
      "of the group; its distinct prompts where each group is one cluster", cell_units },
    { "without", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean paired difference over all rows but the group's", cell_without },
    { "het_p", CELL_NUMBER | CELL_OR_NONE, "",
      "of the variant: of all groups having one mean (Brown & Forsythe 1974, Mehrotra 1997)",
      cell_het_p },
    { "het_q", CELL_NUMBER | CELL_OR_NONE, "",
      "het_p after Benjamini-Hochberg over this table's variants of a kind, by ablate and metric",
      cell_het_q },
    { "without_lo", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "of the variant: the least of its `without`", cell_without_lo },
    { "without_hi", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "of the variant: the largest of its `without`", cell_without_hi },
};

static bool is_grouped(const struct report *r)
{
    return r->session->prompts->by;
}

const struct table table_by_group = {
    .name = "by_group",
    .row = "what a variant does to a metric in the rows that share a value of a field",
    COLUMNS(columns),
    .roles = ANY_ROLE,
    .is_of = is_grouped,
    .when = "--by",
    .put_rows = put_rows,
};
