// direct.csv, indirect.csv and lens.csv: what the parts of the intact run write, what later parts
// do about the loss of a head, and what the run would say at each layer.
#include "experiments/experiments.h"
#include "experiments/lens.h"
#include "report/columns.h"
#include "report/tables.h"

static const struct lens *lens_of(const struct report *r)
{
    return r->readings ? r->readings->lens : NULL;
}

// ----------------------------------------------------------------------- direct and indirect parts

struct part_row {
    const struct direct_part *part;
    const struct direct_estimate *found;
};

static const struct direct_part *part(const struct table_row *row)
{
    return ((const struct part_row *)row->item)->part;
}

static const struct direct_estimate *found(const struct table_row *row)
{
    return ((const struct part_row *)row->item)->found;
}

static void put_direct(const struct report *r, const struct effects *effects, struct sheet *s)
{
    const struct lens *l = lens_of(r);
    for (size_t i = 0; l && i < l->n_parts; i++) {
        struct part_row item = { &l->parts[i], &effects->lens.parts[i] };
        sheet_row(s,
                  &(struct table_row){ .report = r, .estimate = &item.found->ld, .item = &item });
    }
}

static void put_indirect(const struct report *r, const struct effects *effects, struct sheet *s)
{
    const struct lens *l = lens_of(r);
    for (size_t i = 0; l && i < l->n_parts; i++) {
        struct part_row item = { &l->parts[i], &effects->lens.parts[i] };
        if (item.found->indirect.n)
            sheet_row(s, &(struct table_row){
                             .report = r, .estimate = &item.found->indirect, .item = &item });
    }
}

static void cell_layer(struct sheet *s, const struct table_row *row)
{
    put_layer(s, part(row)->layer);
}

static void cell_head(struct sheet *s, const struct table_row *row)
{
    put_head(s, part(row)->head);
}

CELL(cell_part, text, direct_kind_name(part(row)->kind))

static const struct column direct_columns[] = {
    CONDITION_COLUMN,
    { "part", CELL_TEXT, "", "embed, head, attn_bias, mlp, or bias: the final norm's", cell_part },
    { "layer", CELL_INTEGER | CELL_OR_NONE, "", "of the part, from 0; missing where it is in none",
      cell_layer },
    { "head", CELL_INTEGER | CELL_OR_NONE, "", "in its layer, from 0; missing of other parts",
      cell_head },
    { "ld", CELL_NUMBER, "logits", "mean share of ld; a row's shares add up to its ld", cell_mean },
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    N_COLUMN,
};

const struct table table_direct = {
    .name = "direct",
    .row = "what a part of the intact run writes towards the answer",
    COLUMNS(direct_columns),
    .of = &experiment_lens,
    .put_rows = put_direct,
};

// What its ablation takes from the head's own share; NaN, as indirect is, where lens_taken is.
static double lost(const struct table_row *row)
{
    const struct settings *s = row->report->settings;
    return -lens_taken(&s->ablation, settings_ablated_at(s)) * found(row)->ld.mean;
}

CELL(cell_total, number, found(row)->total.mean)
CELL(cell_direct, number, lost(row))

static const struct column indirect_columns[] = {
    CONDITION_COLUMN,
    SEED_COLUMN,
    ABLATE_COLUMN,
    { "layer", CELL_INTEGER, "", "of the head, from 0", cell_layer },
    { "head", CELL_INTEGER, "", "in its layer, from 0", cell_head },
    SCALE_COLUMN,
    { "total", CELL_NUMBER, "logits", "what the head's ablation does to ld", cell_total },
    { "direct", CELL_NUMBER | CELL_OR_NONE, "logits",
      "of that, what it takes from the head's own share; missing where another output takes its "
      "place",
      cell_direct },
    { "indirect", CELL_NUMBER | CELL_OR_NONE, "logits",
      "total - direct: what later parts do about it", cell_mean },
    SE_COLUMN,
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    P_COLUMN,
    Q_COLUMN,
    N_COLUMN,
    N_CLUSTERS_COLUMN,
};

const struct table table_indirect = {
    .name = "indirect",
    .row = "what the ablation of a head does to ld, apart by way",
    COLUMNS(indirect_columns),
    .of = &experiment_lens,
    .put_rows = put_indirect,
};

// ------------------------------------------------------------------------------------- logit lens

struct point_row {
    const struct lens_point *point;
    const struct lens_point_estimate *found;
};

static const struct point_row *point(const struct table_row *row)
{
    return row->item;
}

static void put_points(const struct report *r, const struct effects *effects, struct sheet *s)
{
    const struct lens *l = lens_of(r);
    for (size_t i = 0; l && i < l->n_points; i++) {
        struct point_row item = { &l->points[i], &effects->lens.points[i] };
        sheet_row(s,
                  &(struct table_row){ .report = r, .estimate = &item.found->ld, .item = &item });
    }
}

CELL(cell_point_layer, uint, point(row)->point->layer)
CELL(cell_site, text, site_name(point(row)->point->site))
CELL(cell_logprob, number, point(row)->found->logprob.mean)
CELL(cell_rank, number, point(row)->found->rank.mean)
CELL(cell_entropy, number, point(row)->found->entropy.mean)

static const struct column lens_columns[] = {
    CONDITION_COLUMN,
    { "layer", CELL_INTEGER, "", "of the place, from 0", cell_point_layer },
    { "site", CELL_TEXT, "", "resid_pre of layer 0, then each layer's resid_post", cell_site },
    { "ld", CELL_NUMBER, "logits", "mean logit of the target minus that of the foil", cell_mean },
    { "logprob", CELL_NUMBER, "nats", "mean log-probability of the target", cell_logprob },
    { "rank", CELL_NUMBER, "tokens", "mean number that score above the target", cell_rank },
    { "entropy", CELL_NUMBER, "nats", "mean entropy of the distribution", cell_entropy },
    N_COLUMN,
};

const struct table table_lens = {
    .name = "lens",
    .row = "the residual stream of the intact run at a place, read as if it were the last",
    COLUMNS(lens_columns),
    .of = &experiment_lens,
    .put_rows = put_points,
};
