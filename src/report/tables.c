#include "report/tables.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "experiments/experiments.h"
#include "plan/head_syntax.h"
#include "report/number.h"
#include "session/estimates.h"

const char *ablate_text(const struct settings *s, char out[ABLATE_SIZE])
{
    static const char *const names[] = { [ABLATE_SCALE] = "zero",
                                         [ABLATE_MEAN] = "mean",
                                         [ABLATE_RESAMPLE] = "resample",
                                         [ABLATE_PATCH] = "patch" };
    struct ablation how = s->ablation;
    char scale[NUMBER_SIZE];
    if (!settings_ablate(s))
        return NULL;
    number_format_float(how.scale, scale);
    if (how.kind != ABLATE_SCALE || how.scale == 0.0f)
        snprintf(out, ABLATE_SIZE, "%s", names[how.kind]);
    else
        snprintf(out, ABLATE_SIZE, "scale=%s", scale);
    return out;
}

static void write_baseline(const struct report *r, const struct effects *effects,
                           enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "condition", "row",     "cluster", "n_tokens",  "ld",      "logprob", "prob",
            "rank",      "entropy", "pred_id", "target_id", "foil_id", NULL };
    const struct session *session = r->session;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < session->prompts->n; i++) {
        const struct prompt *p = &session->prompts->items[i];
        const struct row_stats *row = &session->intact[i];
        sheet_text(&s, session->data->name);
        sheet_uint(&s, p->row->index);
        sheet_uint(&s, p->cluster);
        sheet_uint(&s, p->n_ids);
        sheet_number(&s, metric_value(METRIC_LD, row, row));
        sheet_number(&s, metric_value(METRIC_LOGPROB, row, row));
        sheet_number(&s, metric_value(METRIC_PROB, row, row));
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

static void put_run(struct sheet *s, const struct session *session)
{
    char ablate[ABLATE_SIZE];
    sheet_text(s, session->data->name);
    sheet_uint(s, session->settings.seed);
    sheet_text(s, ablate_text(&session->settings, ablate));
}

// The factor of scaling kinds; the others have none.
static void put_scale(struct sheet *s, const struct session *session)
{
    bool scales
        = settings_ablate(&session->settings) && session->settings.ablation.kind == ABLATE_SCALE;
    if (scales)
        sheet_float(s, session->settings.ablation.scale);
    else
        sheet_missing(s);
}

static void write_heads(const struct report *r, const struct effects *effects,
                        enum sheet_format format, struct buf *out)
{
    static const char *const columns[]
        = { "condition", "seed",  "ablate", "layer",      "head",  "scale",
            "metric",    "value", "delta",  "se",         "ci_lo", "ci_hi",
            "p",         "q",     "n",      "n_clusters", NULL };
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < effects->n_heads; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &effects->heads[i];
            const struct head *h = r->results->variants->items[e->variant].nodes.heads;
            put_run(&s, r->session);
            sheet_uint(&s, h->layer);
            sheet_uint(&s, h->head);
            put_scale(&s, r->session);
            put_effect(&s, e, (enum metric)m);
        }
    sheet_end(&s);
}

static void write_groups(const struct report *r, const struct effects *effects,
                         enum sheet_format format, struct buf *out)
{
    static const char *const columns[]
        = { "condition", "seed",  "ablate",     "heads",      "kind",        "parent", "scale",
            "metric",    "value", "delta",      "se",         "ci_lo",       "ci_hi",  "p",
            "q",         "n",     "n_clusters", "percentile", "interaction", "p_null", NULL };
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < effects->n_groups; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &effects->groups[i];
            put_run(&s, r->session);
            const struct variant *v = &r->results->variants->items[e->variant];
            sheet_text(&s, v->label);
            sheet_text(&s, v->role == ROLE_CONTROL ? "control" : "chosen");
            sheet_text(&s, v->role == ROLE_CONTROL ? r->results->variants->items[v->parent].label
                                                   : NULL);
            put_scale(&s, r->session);
            put_effect(&s, e, (enum metric)m);
            sheet_number(&s, e->percentile[m]);
            sheet_number(&s, e->interaction[m].mean);
            sheet_number(&s, e->p_null[m]);
        }
    sheet_end(&s);
}

static void put_heads(struct sheet *s, const struct head_set *set)
{
    struct arena scratch = { 0 };
    const char *text = head_set_label(set, &scratch);
    if (text)
        sheet_text(s, text);
    else
        s->out->failed = true;
    arena_release(&scratch);
}

static void write_recovery(const struct report *r, const struct effects *effects,
                           enum sheet_format format, struct buf *out)
{
    static const char *const columns[]
        = { "condition", "ablate",   "heads",   "restored",   "source",
            "metric",    "baseline", "ablated", "patched",    "recovery",
            "ci_lo",     "ci_hi",    "n",       "n_clusters", "small_denominator",
            NULL };
    char text[ABLATE_SIZE];
    const char *ablate = ablate_text(r->settings, text);
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < effects->n_restored; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &effects->restored[i];
            const struct variant *v = &r->results->variants->items[e->variant];
            const struct recovery *c = &e->recovery[m];
            sheet_text(&s, r->session->data->name);
            sheet_text(&s, ablate);
            sheet_text(&s, r->results->variants->items[v->parent].label);
            put_heads(&s, &v->restored);
            sheet_text(&s, v->donor == DONOR_OTHER ? "corrupt" : "same");
            sheet_text(&s, metric_info((enum metric)m)->name);
            sheet_number(&s, c->reference);
            sheet_number(&s, c->damaged);
            sheet_number(&s, c->patched);
            sheet_number(&s, c->ratio.mean);
            sheet_number(&s, c->ratio.ci_lo);
            sheet_number(&s, c->ratio.ci_hi);
            sheet_uint(&s, c->ratio.n);
            sheet_uint(&s, c->ratio.n_clusters);
            sheet_uint(&s, c->small);
        }
    sheet_end(&s);
}

static void put_place(struct sheet *s, const struct report *r, const struct variant *v)
{
    const struct edit *e = &v->edits[0];
    char position[16];
    sheet_text(s, r->session->data->name);
    sheet_uint(s, r->settings->seed);
    sheet_text(s, site_name(e->site));
    sheet_uint(s, e->layer);
    if (e->head == ALL_HEADS)
        sheet_missing(s);
    else
        sheet_uint(s, e->head);
    snprintf(position, sizeof position, "%d", (int)e->position);
    sheet_text(s, e->position == ALL_POSITIONS ? "all" : position);
    sheet_text(s, v->role == ROLE_SHAM                         ? "sham"
                  : r->settings->direction == CLEAN_TO_CORRUPT ? "clean->corrupt"
                                                               : "corrupt->clean");
}

static void write_patches(const struct report *r, const struct effects *effects,
                          enum sheet_format format, struct buf *out)
{
    static const char *const columns[]
        = { "condition", "seed",   "site",  "layer", "head",       "position",
            "direction", "metric", "value", "delta", "recovery",   "ci_lo",
            "ci_hi",     "p",      "q",     "n",     "n_clusters", "small_denominator",
            NULL };
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; i < effects->n_patches; i++)
        for (int m = 0; m < N_METRICS; m++) {
            const struct effect *e = &effects->patches[i];
            const struct variant *v = &r->results->variants->items[e->variant];
            const struct estimate *d = &e->delta[m];
            put_place(&s, r, v);
            sheet_text(&s, metric_info((enum metric)m)->name);
            sheet_number(&s, e->value[m].mean);
            sheet_number(&s, d->mean);
            sheet_number(&s, v->role == ROLE_SHAM ? NAN : e->recovery[m].ratio.mean);
            sheet_number(&s, d->ci_lo);
            sheet_number(&s, d->ci_hi);
            sheet_number(&s, d->p);
            sheet_number(&s, d->q);
            sheet_uint(&s, d->n);
            sheet_uint(&s, d->n_clusters);
            if (v->role == ROLE_SHAM) // it recovers nothing
                sheet_missing(&s);
            else
                sheet_uint(&s, e->recovery[m].small);
        }
    sheet_end(&s);
}

static void write_examples(const struct report *r, const struct effects *effects,
                           enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "variant", "condition", "ablate", "scale",   "row",  "ld", "delta_ld",
            "logprob", "kl",        "rank",   "pred_id", "flip", NULL };
    const struct results *results = r->results;
    const struct session *session = r->session;
    char text[ABLATE_SIZE];
    const char *ablate = ablate_text(&session->settings, text);
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t v = 0; v < results->variants->n; v++)
        for (size_t i = 0; results->done[v] && i < results->n_prompts; i++) {
            const struct row_stats *row = &results->rows[v * results->n_prompts + i];
            const struct row_stats *intact = &session->intact[i];
            sheet_text(&s, results->variants->items[v].label);
            sheet_text(&s, session->data->name);
            sheet_text(&s, ablate);
            put_scale(&s, session);
            sheet_uint(&s, session->prompts->items[i].row->index);
            sheet_number(&s, metric_value(METRIC_LD, row, intact));
            sheet_number(&s, metric_delta(METRIC_LD, row, intact));
            sheet_number(&s, metric_value(METRIC_LOGPROB, row, intact));
            sheet_float(&s, row->kl);
            sheet_uint(&s, row->rank);
            sheet_uint(&s, row->argmax);
            sheet_uint(&s, row->argmax != intact->argmax);
        }
    sheet_end(&s);
}

enum {
    HEADS = MAKES(ROLE_HEAD),
    SETS = MAKES(ROLE_SET),
    RESTORED = MAKES(ROLE_RESTORED),
    PATCHES = MAKES(ROLE_PATCH),
    ANY = HEADS | SETS | RESTORED | PATCHES,
};

const struct table_writer tables[N_TABLES] = {
    { .name = "baseline", .flags = TABLE_ALWAYS, .write = write_baseline },
    { .name = "head_impact", .roles = HEADS, .write = write_heads },
    { .name = "group_impact", .roles = SETS, .write = write_groups },
    { .name = "recovery", .roles = RESTORED, .write = write_recovery },
    { .name = "layer_impact", .roles = PATCHES, .write = write_patches },
    { .name = "direct", .of = &experiment_lens, .write = tables_write_direct },
    { .name = "indirect", .of = &experiment_lens, .write = tables_write_indirect },
    { .name = "lens", .of = &experiment_lens, .write = tables_write_lens },
    { .name = "attn_heads", .of = &experiment_attn, .write = tables_write_attn_heads },
    { .name = "attn", .of = &experiment_attn, .write = tables_write_attn },
    { .name = "span", .roles = ANY, .flags = TABLE_SPAN, .write = tables_write_span },
    { .name = "holdout", .roles = ANY, .flags = TABLE_HOLDOUT, .write = tables_write_holdout },
    { .name = "compat", .roles = ANY, .flags = TABLE_COMPAT, .write = tables_write_compat },
    { .name = "per_example", .roles = ANY, .write = write_examples },
};
