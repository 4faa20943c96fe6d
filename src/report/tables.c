#include "report/tables.h"

#include <stdint.h>
#include <stdio.h>

#include "report/number.h"

void ablate_text(struct ablation how, char out[ABLATE_SIZE])
{
    char scale[NUMBER_SIZE];
    number_format_float(how.scale, scale);
    if (how.scale == 0.0f)
        snprintf(out, ABLATE_SIZE, "zero");
    else
        snprintf(out, ABLATE_SIZE, "scale=%s", scale);
}

static double value_of(enum metric m, const struct row_stats *row, const struct row_stats *intact)
{
    return metric_info(m)->value(row, intact);
}

static void write_baseline(const struct report *r, const struct results *results,
                           enum sheet_format format, struct buf *out)
{
    (void)results;
    static const char *const columns[]
        = { "condition", "row",     "cluster", "n_tokens",  "ld",      "logprob", "prob",
            "rank",      "entropy", "pred_id", "target_id", "foil_id", NULL };
    const struct lab *lab = r->lab;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < lab->prompts->n; i++) {
        const struct prompt *p = &lab->prompts->items[i];
        const struct row_stats *row = &lab->intact[i];
        sheet_text(&s, lab->data->name);
        sheet_uint(&s, p->row->index);
        sheet_uint(&s, p->cluster);
        sheet_uint(&s, p->n_ids);
        sheet_number(&s, value_of(METRIC_LD, row, row));
        sheet_number(&s, value_of(METRIC_LOGPROB, row, row));
        sheet_number(&s, value_of(METRIC_PROB, row, row));
        sheet_uint(&s, row->rank);
        sheet_float(&s, row->entropy);
        sheet_uint(&s, row->argmax);
        sheet_uint(&s, p->target);
        sheet_uint(&s, p->foil);
    }
    sheet_end(&s);
}

// The cells that head_impact and group_impact share, from metric on.
static void put_effect(struct sheet *s, const struct effect *e, enum metric m)
{
    const struct estimate *d = &e->delta[m];
    sheet_text(s, metric_info(m)->name);
    sheet_number(s, e->value[m].mean);
    sheet_number(s, d->mean);
    sheet_number(s, d->se);
    sheet_number(s, d->ci_lo);
    sheet_number(s, d->ci_hi);
    sheet_number(s, d->p);
    sheet_number(s, d->q);
    sheet_uint(s, d->n);
    sheet_uint(s, d->n_clusters);
}

static void put_run(struct sheet *s, const struct lab *lab)
{
    char ablate[ABLATE_SIZE];
    ablate_text(lab->settings.ablation, ablate);
    sheet_text(s, lab->data->name);
    sheet_uint(s, lab->settings.seed);
    sheet_text(s, ablate);
}

static void write_heads(const struct report *r, const struct results *results,
                        enum sheet_format format, struct buf *out)
{
    static const char *const columns[]
        = { "condition", "seed",  "ablate", "layer",      "head",  "scale",
            "metric",    "value", "delta",  "se",         "ci_lo", "ci_hi",
            "p",         "q",     "n",      "n_clusters", NULL };
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < results->n_heads; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &results->heads[i];
            const struct edit *edit = r->table->variants->items[e->variant].edits;
            put_run(&s, r->lab);
            sheet_uint(&s, edit->layer);
            sheet_uint(&s, edit->head);
            sheet_float(&s, r->lab->settings.ablation.scale);
            put_effect(&s, e, (enum metric)m);
        }
    sheet_end(&s);
}

static void write_groups(const struct report *r, const struct results *results,
                         enum sheet_format format, struct buf *out)
{
    static const char *const columns[]
        = { "condition", "seed",  "ablate",     "heads",      "kind",        "parent", "scale",
            "metric",    "value", "delta",      "se",         "ci_lo",       "ci_hi",  "p",
            "q",         "n",     "n_clusters", "percentile", "interaction", NULL };
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < results->n_groups; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &results->groups[i];
            put_run(&s, r->lab);
            sheet_text(&s, r->table->variants->items[e->variant].label);
            sheet_text(&s, "chosen");
            sheet_missing(&s); // parent: of controls only
            sheet_float(&s, r->lab->settings.ablation.scale);
            put_effect(&s, e, (enum metric)m);
            sheet_missing(&s); // percentile: among controls
            sheet_number(&s, e->interaction[m].mean);
        }
    sheet_end(&s);
}

static void write_examples(const struct report *r, const struct results *results,
                           enum sheet_format format, struct buf *out)
{
    (void)results;
    static const char *const columns[]
        = { "variant", "condition", "ablate", "scale",   "row",  "ld", "delta_ld",
            "logprob", "kl",        "rank",   "pred_id", "flip", NULL };
    const struct table *t = r->table;
    const struct lab *lab = r->lab;
    char ablate[ABLATE_SIZE];
    ablate_text(lab->settings.ablation, ablate);
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t v = 0; v < t->variants->n; v++)
        for (size_t i = 0; t->done[v] && i < t->n_prompts; i++) {
            const struct row_stats *row = &t->rows[v * t->n_prompts + i];
            const struct row_stats *intact = &lab->intact[i];
            sheet_text(&s, t->variants->items[v].label);
            sheet_text(&s, lab->data->name);
            sheet_text(&s, ablate);
            sheet_float(&s, lab->settings.ablation.scale);
            sheet_uint(&s, lab->prompts->items[i].row->index);
            sheet_number(&s, value_of(METRIC_LD, row, intact));
            sheet_number(&s, metric_delta(METRIC_LD, row, intact));
            sheet_number(&s, value_of(METRIC_LOGPROB, row, intact));
            sheet_float(&s, row->kl);
            sheet_uint(&s, row->rank);
            sheet_uint(&s, row->argmax);
            sheet_uint(&s, row->argmax != intact->argmax);
        }
    sheet_end(&s);
}

const struct table_writer tables[N_TABLES] = {
    { .name = "baseline", .write = write_baseline },
    { .name = "head_impact", .write = write_heads },
    { .name = "group_impact", .sets_only = true, .write = write_groups },
    { .name = "per_example", .write = write_examples },
};
