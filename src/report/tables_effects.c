// head_impact.csv, group_impact.csv, recovery.csv and layer_impact.csv: what each variant does to
// each metric.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/head_syntax.h"
#include "plan/position.h"
#include "report/columns.h"
#include "report/tables.h"

// A row for each effect and metric. What is estimated is the delta, of restored sets the recovery.
static void put_effects(const struct report *r, const struct effect *effects, size_t n,
                        struct sheet *s)
{
    for (size_t i = 0; i < n; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &effects[i];
            const struct variant *v = &r->results->variants->items[e->variant];
            bool recovers = v->role == ROLE_RESTORED;
            sheet_row(s, &(struct table_row){ .report = r,
                                              .variant = v,
                                              .metric = (enum metric)m,
                                              .effect = e,
                                              .estimate
                                              = recovers ? &e->recovery[m].ratio : &e->delta[m] });
        }
}

static void put_singles(const struct report *r, const struct effects *effects, struct sheet *s)
{
    put_effects(r, effects->heads, effects->n_heads, s);
}

static void put_groups(const struct report *r, const struct effects *effects, struct sheet *s)
{
    put_effects(r, effects->groups, effects->n_groups, s);
}

static void put_restored(const struct report *r, const struct effects *effects, struct sheet *s)
{
    put_effects(r, effects->restored, effects->n_restored, s);
}

static void put_patches(const struct report *r, const struct effects *effects, struct sheet *s)
{
    put_effects(r, effects->patches, effects->n_patches, s);
}

static void put_head_set(struct sheet *s, const struct head_set *set)
{
    struct arena scratch = { 0 };
    const char *text = head_set_label(set, &scratch);
    s->out->failed = s->out->failed || !text;
    sheet_text(s, text);
    arena_release(&scratch);
}

// ----------------------------------------------------------------------------------- single heads

CELL(cell_head_layer, uint, row->variant->nodes.heads[0].layer)
CELL(cell_head, uint, row->variant->nodes.heads[0].head)

// What the kinds of ablation of a run say together: nothing where it has one.
static const struct agreement *agreement(const struct table_row *row)
{
    const struct agreement *all = &row->effect->agreement[row->metric];
    return all->n_kinds > 1 ? all : NULL;
}

static void cell_sign_agrees(struct sheet *s, const struct table_row *row)
{
    if (agreement(row))
        sheet_bool(s, agreement(row)->sign_agrees);
    else
        sheet_missing(s);
}

static void put_rank(struct sheet *s, const struct table_row *row, uint32_t rank)
{
    if (agreement(row))
        sheet_uint(s, rank);
    else
        sheet_missing(s);
}

static void cell_rank_min(struct sheet *s, const struct table_row *row)
{
    put_rank(s, row, row->effect->agreement[row->metric].rank_min);
}

static void cell_rank_max(struct sheet *s, const struct table_row *row)
{
    put_rank(s, row, row->effect->agreement[row->metric].rank_max);
}

#define AGREEMENT_COLUMNS                                                                          \
    COLUMN("sign_agrees", CELL_BOOLEAN | CELL_OR_NONE, "",                                         \
           "whether delta has one sign under every kind of ablation of the run; missing where it " \
           "has one kind",                                                                         \
           cell_sign_agrees),                                                                      \
        COLUMN("rank_min", CELL_INTEGER | CELL_OR_NONE, "",                                        \
               "best place by size of delta, from 1, that it has under a kind; likewise",          \
               cell_rank_min),                                                                     \
        COLUMN("rank_max", CELL_INTEGER | CELL_OR_NONE, "", "worst such place; likewise",          \
               cell_rank_max)

static const struct column head_columns[] = {
    CONDITION_COLUMN,
    SEED_COLUMN,
    ABLATE_COLUMN,
    { "layer", CELL_INTEGER, "", "of the head, from 0", cell_head_layer },
    { "head", CELL_INTEGER, "", "in its layer, from 0", cell_head },
    SCALE_COLUMN,
    METRIC_COLUMN,
    VALUE_COLUMN,
    DELTA_COLUMN,
    SE_COLUMN,
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    P_COLUMN,
    Q_COLUMN,
    N_COLUMN,
    N_CLUSTERS_COLUMN,
    AGREEMENT_COLUMNS,
};

const struct table table_head_impact = {
    .name = "head_impact",
    .row = "what the ablation of one head does to a metric",
    COLUMNS(head_columns),
    .roles = MAKES(ROLE_HEAD),
    .put_rows = put_singles,
};

// ------------------------------------------------------------------------------------------- sets

static const char *parent_label(const struct table_row *row)
{
    return row->report->results->variants->items[row->variant->parent].label;
}

static bool is_control(const struct table_row *row)
{
    return row->variant->role == ROLE_CONTROL;
}

CELL(cell_kind, text, is_control(row) ? "control" : "chosen")
CELL(cell_parent, text, is_control(row) ? parent_label(row) : NULL)
CELL(cell_percentile, number, row->effect->percentile[row->metric])
CELL(cell_interaction, number, row->effect->interaction[row->metric].mean)
CELL(cell_p_null, number, row->effect->p_null[row->metric])

static const struct column group_columns[] = {
    CONDITION_COLUMN,
    SEED_COLUMN,
    ABLATE_COLUMN,
    { "heads", CELL_TEXT, "", "the set: layer:head, joined by +", cell_variant },
    { "kind", CELL_TEXT, "", "chosen, or control: a random set like a chosen one", cell_kind },
    { "parent", CELL_TEXT | CELL_OR_NONE, "", "of a control: the chosen set that it is drawn for",
      cell_parent },
    SCALE_COLUMN,
    METRIC_COLUMN,
    VALUE_COLUMN,
    DELTA_COLUMN,
    SE_COLUMN,
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    P_COLUMN,
    Q_COLUMN,
    N_COLUMN,
    N_CLUSTERS_COLUMN,
    { "percentile", CELL_NUMBER | CELL_OR_NONE, "percent",
      "of a chosen set: its controls with no larger delta", cell_percentile },
    { "interaction", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "delta minus the sum of its heads' own; missing where one was not run", cell_interaction },
    { "p_null", CELL_NUMBER | CELL_OR_NONE, "",
      "of a chosen set: two-sided, of its delta among its controls'", cell_p_null },
    AGREEMENT_COLUMNS,
};

const struct table table_group_impact = {
    .name = "group_impact",
    .row = "what the joint ablation of a set of heads does to a metric",
    COLUMNS(group_columns),
    .roles = MAKES(ROLE_SET),
    .put_rows = put_groups,
};

// ---------------------------------------------------------------------------------- restored sets

static const struct recovery *recovery(const struct table_row *row)
{
    return &row->effect->recovery[row->metric];
}

static void cell_restored(struct sheet *s, const struct table_row *row)
{
    put_head_set(s, &row->variant->restored);
}

CELL(cell_set, text, parent_label(row))
CELL(cell_source, text, row->variant->donor == DONOR_OTHER ? "corrupt" : "same")
CELL(cell_reference, number, recovery(row)->reference)
CELL(cell_damaged, number, recovery(row)->damaged)
CELL(cell_patched, number, recovery(row)->patched)
CELL(cell_small, bool, recovery(row)->small)

static const struct column recovery_columns[] = {
    CONDITION_COLUMN,
    ABLATE_COLUMN,
    { "heads", CELL_TEXT, "", "the ablated set", cell_set },
    { "restored", CELL_TEXT, "",
      "those of its heads that are given back, or a head outside of it that is held",
      cell_restored },
    { "source", CELL_TEXT, "", "the run that they come from: the same, or of the corrupt prompt",
      cell_source },
    METRIC_COLUMN,
    { "baseline", CELL_NUMBER, "of the metric", "mean of the intact run", cell_reference },
    { "ablated", CELL_NUMBER, "of the metric", "mean under the ablated set", cell_damaged },
    { "patched", CELL_NUMBER, "of the metric", "mean with the heads given back", cell_patched },
    { "recovery", CELL_NUMBER | CELL_OR_NONE, "",
      "(patched - ablated) / (baseline - ablated), never clipped", cell_mean },
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    N_COLUMN,
    N_CLUSTERS_COLUMN,
    { "small_denominator", CELL_BOOLEAN, "", "whether baseline - ablated is not told from 0",
      cell_small },
};

const struct table table_recovery = {
    .name = "recovery",
    .row = "what giving heads of an ablated set back does to a metric",
    COLUMNS(recovery_columns),
    .roles = MAKES(ROLE_RESTORED),
    .put_rows = put_restored,
};

// ---------------------------------------------------------------------------------------- patches

static const struct edit *place(const struct table_row *row)
{
    return &row->variant->edits[0];
}

static bool is_sham(const struct table_row *row)
{
    return row->variant->role == ROLE_SHAM;
}

static void cell_place_head(struct sheet *s, const struct table_row *row)
{
    put_head(s, place(row)->head);
}

static const char *positions(const struct table_row *row)
{
    int32_t position = place(row)->position;
    return position == ALL_POSITIONS      ? POSITIONS_ALL
           : position_is_number(position) ? POSITIONS_ONE
                                          : POSITIONS_ROLE;
}

static void cell_position(struct sheet *s, const struct table_row *row)
{
    if (position_is_number(place(row)->position))
        sheet_int(s, place(row)->position);
    else
        sheet_missing(s);
}

// The name, where it says more than the number.
static void cell_role(struct sheet *s, const struct table_row *row)
{
    const char *name = row->variant->position;
    bool is_role
        = name && place(row)->position != ALL_POSITIONS && strspn(name, "-0123456789") == 0;
    sheet_text(s, is_role ? name : NULL);
}

static const char *direction(const struct table_row *row)
{
    if (is_sham(row))
        return "sham";
    return direction_name(row->report->settings->direction);
}

// A sham recovers nothing.
static void cell_patch_small(struct sheet *s, const struct table_row *row)
{
    if (is_sham(row))
        sheet_missing(s);
    else
        sheet_bool(s, recovery(row)->small);
}

static const struct changed_effect *changed(const struct table_row *row)
{
    return &row->effect->changed[row->metric];
}

CELL(cell_n_changed, uint, changed(row)->delta.n)
CELL(cell_changed, number, changed(row)->delta.mean)
CELL(cell_changed_lo, number, changed(row)->delta.ci_lo)
CELL(cell_changed_hi, number, changed(row)->delta.ci_hi)
CELL(cell_changed_recovery, number, is_sham(row) ? (double)NAN : changed(row)->recovery)
CELL(cell_site, text, site_name(place(row)->site))
CELL(cell_place_layer, uint, place(row)->layer)
CELL(cell_positions, text, positions(row))
CELL(cell_direction, text, direction(row))
CELL(cell_recovered, number, is_sham(row) ? (double)NAN : recovery(row)->ratio.mean)

static const struct column patch_columns[] = {
    CONDITION_COLUMN,
    SEED_COLUMN,
    { "site", CELL_TEXT, "", "the activation that is put in", cell_site },
    { "layer", CELL_INTEGER, "", "of the place, from 0", cell_place_layer },
    { "head", CELL_INTEGER | CELL_OR_NONE, "",
      "in its layer, from 0; missing where the place has none", cell_place_head },
    { "positions", CELL_TEXT, "",
      "where in the prompt: all, the one that position says, or where role is in each row",
      cell_positions },
    { "position", CELL_INTEGER | CELL_OR_NONE, "",
      "from the prompt's end: -1 is the last token; from its start: 0 is the first; missing of all "
      "and where role alone says it",
      cell_position },
    { "direction", CELL_TEXT, "",
      "the run that gives and the one that is read; sham: one gives to itself", cell_direction },
    METRIC_COLUMN,
    { "value", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean over rows under the change; missing where n is 0", cell_value },
    { "delta", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "mean paired difference from the intact run; likewise", cell_mean },
    { "recovery", CELL_NUMBER | CELL_OR_NONE, "",
      "delta over what the run that gives is ahead by; missing of shams", cell_recovered },
    CI_LO_COLUMN,
    CI_HI_COLUMN,
    P_COLUMN,
    Q_COLUMN,
    { "n", CELL_INTEGER, "rows",
      "that have the position in both prompts, BOS not counted: value, delta and recovery are of "
      "these",
      cell_n },
    N_CLUSTERS_COLUMN,
    { "small_denominator", CELL_BOOLEAN | CELL_OR_NONE, "",
      "whether that lead is not told from 0; missing of shams", cell_patch_small },
    { "role", CELL_TEXT | CELL_OR_NONE, "",
      "the position by name: diff, END, NAME:last of a span; missing of numbers and all",
      cell_role },
    { "n_changed", CELL_INTEGER | CELL_OR_NONE, "rows",
      "those of the n whose two prompts have other tokens there; missing of runs of versions that "
      "did "
      "not count them",
      cell_n_changed },
    { "delta_changed", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "delta over the n_changed rows; missing where there is none", cell_changed },
    { "ci_lo_changed", CELL_NUMBER | CELL_OR_NONE, "of the metric",
      "lower end of its interval, as ci_lo", cell_changed_lo },
    { "ci_hi_changed", CELL_NUMBER | CELL_OR_NONE, "of the metric", "upper end", cell_changed_hi },
    { "recovery_changed", CELL_NUMBER | CELL_OR_NONE, "",
      "recovery over the n_changed rows; missing of shams", cell_changed_recovery },
};

const struct table table_layer_impact = {
    .name = "layer_impact",
    .row = "what an activation of another run, put in at a place, does to a metric",
    COLUMNS(patch_columns),
    .roles = MAKES(ROLE_PATCH) | MAKES(ROLE_SHAM),
    .put_rows = put_patches,
};
