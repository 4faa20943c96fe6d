#include "report/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/attn.h"
#include "report/config.h"
#include "report/number.h"
#include "report/stability.h"
#include "report/tables.h"

enum { TOP = 10, CI_KEY_SIZE = NUMBER_SIZE + 2 };

// "ci95" at alpha 0.05: the key says what the interval is.
static void ci_key(double alpha, char out[CI_KEY_SIZE])
{
    char level[NUMBER_SIZE];
    number_format(round(1e6 * (1.0 - alpha)) / 1e4, level);
    snprintf(out, CI_KEY_SIZE, "ci%s", level);
}

static void add_interval(struct doc *d, cJSON *parent, const struct estimate *e, double alpha)
{
    char key[CI_KEY_SIZE];
    ci_key(alpha, key);
    cJSON *pair = doc_array(d, parent, key);
    doc_number(d, pair, NULL, e->ci_lo);
    doc_number(d, pair, NULL, e->ci_hi);
}

static void add_estimate(struct doc *d, cJSON *o, const struct estimate *e, double alpha)
{
    doc_number(d, o, "mean", e->mean);
    doc_number(d, o, "se", e->se);
    add_interval(d, o, e, alpha);
    if (!isnan(e->p))
        doc_number(d, o, "p", e->p);
    if (!isnan(e->q))
        doc_number(d, o, "q", e->q);
    doc_uint(d, o, "n", e->n);
    doc_uint(d, o, "n_clusters", e->n_clusters);
}

// Means over a list of variants, and how many of them differ from the intact run after correction.
static void add_overall(struct doc *d, cJSON *parent, const char *key, const struct effect *effects,
                        size_t n, enum metric m, double alpha)
{
    if (!n)
        return;
    double value = 0.0, delta = 0.0;
    size_t n_significant = 0;
    for (size_t i = 0; i < n; i++) {
        value += effects[i].value[m].mean / (double)n;
        delta += effects[i].delta[m].mean / (double)n;
        n_significant += effects[i].delta[m].q < alpha;
    }
    cJSON *o = doc_object(d, parent, key);
    doc_uint(d, o, "n_variants", n);
    doc_number(d, o, "value", value);
    doc_number(d, o, "delta", delta);
    doc_uint(d, o, "n_significant", n_significant);
}

static void add_metrics(struct doc *d, const struct results *results, double alpha)
{
    cJSON *metrics = doc_object(d, d->root, "metrics");
    for (int m = 0; m < N_METRICS; m++) {
        cJSON *o = doc_object(d, metrics, metric_info((enum metric)m)->name);
        cJSON *intact = doc_object(d, o, "intact");
        add_estimate(d, intact, &results->intact[m], alpha);
        add_overall(d, o, "heads", results->heads, results->n_heads, (enum metric)m, alpha);
        add_overall(d, o, "groups", results->groups, results->n_groups, (enum metric)m, alpha);
        add_overall(d, o, "restored", results->restored, results->n_restored, (enum metric)m,
                    alpha);
        add_overall(d, o, "patches", results->patches, results->n_patches, (enum metric)m, alpha);
    }
}

// Strongest ld effect first; equal ones in the order of the variants.
static int by_strength(const void *a, const void *b)
{
    const struct effect *x = *(const struct effect *const *)a,
                        *y = *(const struct effect *const *)b;
    double dx = fabs(x->delta[METRIC_LD].mean), dy = fabs(y->delta[METRIC_LD].mean);
    if (dx > dy || dx < dy)
        return dx > dy ? -1 : 1;
    return (x->variant > y->variant) - (x->variant < y->variant);
}

static void add_effect(struct doc *d, cJSON *list, const struct report *r, const struct effect *e)
{
    const struct variant *v = &r->table->variants->items[e->variant];
    double alpha = r->lab->settings.alpha;
    cJSON *o = doc_object(d, list, NULL);
    doc_text(d, o, "variant", v->label);
    if (variant_is_head(v)) {
        doc_uint(d, o, "layer", v->edits[0].layer);
        doc_uint(d, o, "head", v->edits[0].head);
    }
    doc_number(d, o, "value", e->value[METRIC_LD].mean);
    cJSON *delta = doc_object(d, o, "delta");
    add_estimate(d, delta, &e->delta[METRIC_LD], alpha);
    if (e->interaction[METRIC_LD].n) {
        cJSON *interaction = doc_object(d, o, "interaction");
        add_estimate(d, interaction, &e->interaction[METRIC_LD], alpha);
    }
}

// The TOP effects with the biggest |delta ld|.
static bool add_top(struct doc *d, const char *key, const struct report *r,
                    const struct effect *effects, size_t n, struct abl_err *err)
{
    const struct effect **sorted = calloc(n ? n : 1, sizeof *sorted);
    if (!sorted)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &effects[i];
    qsort(sorted, n, sizeof *sorted, by_strength);
    cJSON *list = doc_array(d, d->root, key);
    for (size_t i = 0; i < n && i < TOP; i++)
        add_effect(d, list, r, sorted[i]);
    free(sorted);
    return true;
}

static void add_findings(struct doc *d, const struct prompts *p)
{
    cJSON *list = doc_array(d, d->root, "findings");
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        cJSON *o = doc_object(d, list, NULL);
        doc_text(d, o, "level", f->level == FINDING_ERROR ? "error" : "warning");
        doc_text(d, o, "kind", f->kind);
        doc_uint(d, o, "n_rows", f->n_rows);
        doc_uint(d, o, "first_line", f->first_line);
        doc_text(d, o, "text", f->text);
    }
}

static void add_run(struct doc *d, const struct report *r)
{
    const struct lab *lab = r->lab;
    const struct run_settings *s = &lab->settings;
    char ablate[ABLATE_SIZE];
    ablate_text(s->ablation, ablate);
    doc_bool(d, d->root, "complete", !r->interrupted);
    doc_uint(d, d->root, "n_variants", r->table->variants->n);
    doc_uint(d, d->root, "n_done", r->table->n_done);
    doc_text(d, d->root, "model", lab->model->name);
    doc_text(d, d->root, "condition", lab->data->name);
    doc_text(d, d->root, "split", split_name(lab->data->split));
    doc_text(d, d->root, "experiment", experiment_name(s->experiment));
    doc_text(d, d->root, "ablate", ablate);
    doc_text(d, d->root, "value_bias", value_bias_name(s->ablation.value_bias));
    doc_uint(d, d->root, "seed", s->seed);
    doc_uint(d, d->root, "boot", s->n_boot);
    doc_number(d, d->root, "alpha", s->alpha);
    doc_uint(d, d->root, "n_rows", lab->prompts->n);
    doc_uint(d, d->root, "n_clusters", lab->prompts->n_clusters);
    doc_uint(d, d->root, "n_dropped", lab->n_dropped + lab->prompts->n_dropped);
}

// Share of rows whose intact top token is the target.
static void add_accuracy(struct doc *d, const struct lab *lab)
{
    size_t n = lab->prompts->n, right = 0;
    for (size_t i = 0; i < n; i++)
        right += lab->intact[i].argmax == lab->prompts->items[i].target;
    doc_number(d, d->root, "accuracy", n ? (double)right / (double)n : NAN);
}

enum { TOP_DETECTED = 5 };

// Of the heads that are not listed yet the one with the highest score; NULL: none is left. Equal ones in their order.
static const struct attn_head *next_highest(const struct attn *attn, enum detector by,
                                            const bool *listed)
{
    const struct attn_head *best = NULL;
    for (size_t i = 0; i < attn->n_heads; i++)
        if (!listed[i] && (!best || attn->heads[i].score[by] > best->score[by]))
            best = &attn->heads[i];
    return best;
}

// For each detector the heads that it finds, and what it was made of.
static bool add_attn(struct doc *d, const struct attn *attn, struct abl_err *err)
{
    bool *listed = malloc(attn->n_heads * sizeof *listed);
    if (!listed)
        return abl_no_memory(err);
    doc_uint(d, d->root, "attn_repeated", attn->n_repeated);
    doc_uint(d, d->root, "attn_prompts", attn->n_prompts);
    cJSON *list = doc_array(d, d->root, "attn");
    for (int by = 0; by < N_DETECTORS && attn->n_prompts; by++) {
        memset(listed, 0, attn->n_heads * sizeof *listed);
        for (int i = 0; i < TOP_DETECTED; i++) {
            const struct attn_head *h = next_highest(attn, (enum detector)by, listed);
            if (!h)
                break;
            listed[h - attn->heads] = true;
            cJSON *o = doc_object(d, list, NULL);
            doc_text(d, o, "detector", detector_name((enum detector)by));
            doc_uint(d, o, "layer", h->head.layer);
            doc_uint(d, o, "head", h->head.head);
            doc_number(d, o, "score", h->score[by]);
        }
    }
    free(listed);
    return true;
}

// The largest change of a logit under patches of the run into itself, which change nothing.
static void add_sham(struct doc *d, const struct report *r)
{
    const struct table *t = r->table;
    double worst = NAN;
    for (size_t v = 0; v < t->variants->n; v++)
        for (size_t i = 0;
             t->variants->items[v].role == ROLE_SHAM && t->done[v] && i < t->n_prompts; i++) {
            const struct row_stats *x = &t->rows[v * t->n_prompts + i], *y = &r->lab->intact[i];
            double a = fabs((double)x->target_logit - (double)y->target_logit);
            double b = fabs((double)x->foil_logit - (double)y->foil_logit);
            worst = fmax(worst, fmax(a, b)); // fmax passes over NaN
        }
    if (r->lab->settings.experiment == EXPERIMENT_PATCH)
        doc_number(d, d->root, "sham_max_abs_delta", worst);
}

bool summary_doc(const struct report *r, const struct results *results, struct doc *out,
                 struct abl_err *err)
{
    *out = doc_file("summary", r->interrupted);
    add_run(out, r);
    add_accuracy(out, r->lab);
    add_findings(out, r->lab->prompts);
    add_metrics(out, results, r->lab->settings.alpha);
    double rho;
    if (!stability_split_half(r->lab, r->table, results, METRIC_LD, &rho, err))
        return false;
    doc_number(out, out->root, "split_half_spearman", rho);
    add_sham(out, r);
    const struct attn *attn = r->readings ? r->readings->attn : NULL;
    return (!attn || add_attn(out, attn, err))
           && add_top(out, "top_heads", r, results->heads, results->n_heads, err)
           && (!results->n_groups
               || add_top(out, "top_groups", r, results->groups, results->n_groups, err))
           && (!results->n_patches
               || add_top(out, "top_patches", r, results->patches, results->n_patches, err));
}

struct doc partial_summary_doc(const struct report *r)
{
    const struct table *t = r->table;
    struct doc d = doc_file("partial_summary", true);
    doc_uint(&d, d.root, "n_variants", t->variants->n);
    doc_uint(&d, d.root, "n_done", t->n_done);
    cJSON *done = doc_array(&d, d.root, "done"), *missing = doc_array(&d, d.root, "missing");
    for (size_t i = 0; i < t->variants->n; i++)
        doc_text(&d, t->done[i] ? done : missing, NULL, t->variants->items[i].label);
    return d;
}
