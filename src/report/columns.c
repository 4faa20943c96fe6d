#include "report/columns.h"

#include "report/config.h"
#include "stats/metrics.h"

void cell_condition(struct sheet *s, const struct table_row *row)
{
    sheet_text(s, row->report->session->data->name);
}

void cell_seed(struct sheet *s, const struct table_row *row)
{
    sheet_uint(s, row->report->settings->seed);
}

// How the row's heads are ablated: as its variant says, or the run's one kind; NULL: none is.
static const struct ablation *how_of(const struct table_row *row)
{
    const struct settings *settings = row->report->settings;
    if (!settings_ablate(settings))
        return NULL;
    return row->variant ? &row->variant->how : &settings->ablation;
}

void cell_ablate(struct sheet *s, const struct table_row *row)
{
    char text[ABLATION_SIZE];
    const struct ablation *how = how_of(row);
    sheet_text(s, how ? ablation_text(how, text) : NULL);
}

void cell_scale(struct sheet *s, const struct table_row *row)
{
    const struct ablation *how = how_of(row);
    if (how && how->kind == ABLATE_SCALE)
        sheet_float(s, how->scale);
    else
        sheet_missing(s);
}

void cell_row(struct sheet *s, const struct table_row *row)
{
    sheet_uint(s, row_number(row->prompt->row));
}

void cell_variant(struct sheet *s, const struct table_row *row)
{
    sheet_text(s, row->variant->label);
}

void cell_metric(struct sheet *s, const struct table_row *row)
{
    sheet_text(s, metric_info(row->metric)->name);
}

void cell_value(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->effect->value[row->metric].mean);
}

void cell_mean(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->estimate->mean);
}

void cell_se(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->estimate->se);
}

void cell_ci_lo(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->estimate->ci_lo);
}

void cell_ci_hi(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->estimate->ci_hi);
}

void cell_p(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->estimate->p);
}

void cell_q(struct sheet *s, const struct table_row *row)
{
    sheet_number(s, row->estimate->q);
}

void cell_n(struct sheet *s, const struct table_row *row)
{
    sheet_uint(s, row->estimate->n);
}

void cell_n_clusters(struct sheet *s, const struct table_row *row)
{
    sheet_uint(s, row->estimate->n_clusters);
}

void put_layer(struct sheet *s, uint32_t layer)
{
    if (layer == NO_LAYER)
        sheet_missing(s);
    else
        sheet_uint(s, layer);
}

void put_head(struct sheet *s, uint32_t head)
{
    if (head == ALL_HEADS)
        sheet_missing(s);
    else
        sheet_uint(s, head);
}
