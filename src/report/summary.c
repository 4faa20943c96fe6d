#include "report/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/ranking.h"
#include "experiments/attn.h"
#include "report/compat.h"
#include "report/config.h"
#include "report/number.h"
#include "report/summary_kinds.h"
#include "report/summary_readings.h"
#include "text/clusters.h"
#include "verify/drift.h"

enum { TOP = STABILITY_TOP, CI_KEY_SIZE = NUMBER_SIZE + 2 };

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

// Means over a list of variants, how many of them differ from the intact run after correction, and
// how many of these matter.
static void add_overall(struct doc *d, cJSON *parent, const char *key, const struct effect *effects,
                        size_t n, enum metric m, struct verdict_bar bar)
{
    if (!n)
        return;
    struct overall_effect all = effects_overall(effects, n, m, bar);
    cJSON *o = doc_object(d, parent, key);
    doc_uint(d, o, "n_variants", n);
    doc_number(d, o, "value", all.value);
    doc_number(d, o, "delta", all.delta);
    doc_uint(d, o, "n_significant", all.n_significant);
    doc_uint(d, o, "n_effects", all.n_effects);
}

static void add_metrics(struct doc *d, cJSON *parent, const struct effects *effects, double alpha)
{
    cJSON *metrics = doc_object(d, parent, "metrics");
    for (int i = 0; i < N_METRICS; i++) {
        enum metric m = (enum metric)i;
        struct verdict_bar bar = effects->bar[m];
        cJSON *o = doc_object(d, metrics, metric_info(m)->name);
        cJSON *intact = doc_object(d, o, "intact");
        add_estimate(d, intact, &effects->intact[m], alpha);
        doc_number(d, o, "min_effect", metric_is_signed(m) ? bar.least : NAN);
        add_overall(d, o, "heads", effects->heads, effects->n_heads, m, bar);
        add_overall(d, o, "groups", effects->groups, effects->n_groups, m, bar);
        add_overall(d, o, "restored", effects->restored, effects->n_restored, m, bar);
        add_overall(d, o, "patches", effects->patches, effects->n_patches, m, bar);
    }
}

static void add_effect(struct doc *d, cJSON *list, const struct report *r,
                       const struct ranked_effect *p)
{
    const struct effect *e = p->effect;
    const struct variant *v = &r->results->variants->items[e->variant];
    double alpha = r->settings->alpha;
    cJSON *o = doc_object(d, list, NULL);
    doc_text(d, o, "variant", v->label);
    if (v->role == ROLE_HEAD) {
        doc_uint(d, o, "layer", v->nodes.heads[0].layer);
        doc_uint(d, o, "head", v->nodes.heads[0].head);
    }
    doc_number(d, o, "value", e->value[METRIC_LD].mean);
    cJSON *delta = doc_object(d, o, "delta");
    add_estimate(d, delta, &e->delta[METRIC_LD], alpha);
    doc_number(d, o, "top_k_share", p->stays);
    if (e->n_controls) {
        doc_uint(d, o, "n_controls", e->n_controls);
        doc_number(d, o, "percentile", e->percentile[METRIC_LD]);
        doc_number(d, o, "p_null", e->p_null[METRIC_LD]);
    }
    if (e->interaction[METRIC_LD].n) {
        cJSON *interaction = doc_object(d, o, "interaction");
        add_estimate(d, interaction, &e->interaction[METRIC_LD], alpha);
    }
}

// How far the ranking hangs on the sample: rankings of halves of it, and of its resamples.
static void add_stability(struct doc *d, cJSON *parent, const char *key, const struct stability *s)
{
    cJSON *o = doc_object(d, parent, key);
    doc_text(d, o, "metric", metric_info(METRIC_LD)->name);
    doc_uint(d, o, "n", s->n);
    doc_uint(d, o, "n_all", s->n_all);
    doc_number(d, o, "split_half_spearman", s->split_half);
    doc_number(d, o, "split_half_chance", s->chance.split_half);
    cJSON *range = doc_array(d, o, "range95");
    doc_number(d, range, NULL, s->split_half_lo);
    doc_number(d, range, NULL, s->split_half_hi);
    doc_number(d, o, "spearman_brown", s->spearman_brown);
    doc_uint(d, o, "n_halvings", s->n_halvings);
    doc_uint(d, o, "top_k", s->top_k);
    doc_number(d, o, "top_jaccard", s->top_jaccard);
    doc_number(d, o, "top_jaccard_chance", s->chance.top_jaccard);
    doc_number(d, o, "top_k_share_chance", s->top_k ? (double)s->top_k / (double)s->n : NAN);
    doc_uint(d, o, "n_resamples", s->n_resamples);
}

// The TOP effects with the biggest |delta ld| under `top` of `tops`, and the ranking's stability
// under `key`.
static bool add_ranking(struct doc *d, cJSON *parent, const char *key, cJSON *tops, const char *top,
                        const struct report *r, const struct effect *effects, size_t n,
                        struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(r->session);
    struct effect_ranking ranking;
    if (!effect_ranking_make(&measured, r->results, effects, n, METRIC_LD, &ranking, err))
        return false;
    add_stability(d, parent, key, &ranking.stability);
    cJSON *list = doc_array(d, tops, top);
    for (size_t i = 0; i < ranking.n && i < TOP; i++)
        add_effect(d, list, r, &ranking.items[i]);
    effect_ranking_release(&ranking);
    return true;
}

static bool add_rankings(struct doc *d, cJSON *to, const struct report *r,
                         const struct effects *effects, struct abl_err *err)
{
    cJSON *o = doc_object(d, to, "stability");
    return add_ranking(d, o, "heads", to, "top_heads", r, effects->heads, effects->n_heads, err)
           && (!effects->n_groups
               || add_ranking(d, o, "sets", to, "top_groups", r, effects->groups, effects->n_groups,
                              err))
           && (!effects->n_patches
               || add_ranking(d, o, "patches", to, "top_patches", r, effects->patches,
                              effects->n_patches, err));
}

// One list of the hold-out table: what became of the chosen ones.
static bool add_verdict(struct doc *d, cJSON *parent, const struct report *r,
                        const struct holdout_list *list, struct abl_err *err)
{
    struct holdout_verdict v;
    if (!holdout_judge(list, METRIC_LD, &v, err))
        return false;
    cJSON *o = doc_object(d, parent, list->kind);
    doc_text(d, o, "metric", metric_info(METRIC_LD)->name);
    doc_uint(d, o, "n", list->n);
    doc_uint(d, o, "n_chosen", v.n_chosen);
    doc_uint(d, o, "n_confirmed", v.n_confirmed);
    doc_number(d, o, "chosen_discovery_delta", v.discovery);
    doc_number(d, o, "chosen_heldout_delta", v.heldout);
    doc_number(d, o, "spearman", v.spearman);
    cJSON *confirmed = doc_array(d, o, "confirmed"), *lost = doc_array(d, o, "not_confirmed");
    for (size_t i = 0; i < list->n; i++) {
        const struct holdout_row *row = &list->rows[METRIC_LD][i];
        if (row->chosen)
            doc_text(d, row->confirmed ? confirmed : lost, NULL,
                     r->results->variants->items[row->variant].label);
    }
    return true;
}

static bool add_holdout(struct doc *d, cJSON *to, const struct report *r, const struct holdout *h,
                        const struct ablation *how, struct abl_err *err)
{
    if (!h->made)
        return true;
    cJSON *o = doc_object(d, to, "holdout");
    doc_number(d, o, "share", r->settings->holdout);
    doc_uint(d, o, "n_discovery", h->n_rows[0]);
    doc_uint(d, o, "discovery_clusters", h->n_clusters[0]);
    doc_uint(d, o, "n_heldout", h->n_rows[1]);
    doc_uint(d, o, "heldout_clusters", h->n_clusters[1]);
    for (int i = 0; i < HOLDOUT_LISTS; i++)
        if (h->lists[i].n && (!how || ablation_same(&h->lists[i].how, how))
            && !add_verdict(d, o, r, &h->lists[i], err))
            return false;
    return true;
}

static void add_findings(struct doc *d, const struct prompts *p)
{
    cJSON *list = doc_array(d, d->root, "findings");
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        cJSON *o = doc_object(d, list, NULL);
        doc_text(d, o, "level", finding_level_name(f->level));
        doc_text(d, o, "kind", f->kind);
        doc_uint(d, o, "n_rows", f->n_rows);
        doc_uint(d, o, "first_line", f->first_line);
        doc_text(d, o, "text", f->text);
    }
}

static void add_run(struct doc *d, const struct report *r)
{
    const struct session *session = r->session;
    const struct settings *s = r->settings;
    char ablate[ABLATE_SIZE], foil[FOIL_RULE_SIZE];
    doc_bool(d, d->root, "complete", !r->interrupted);
    doc_uint(d, d->root, "n_variants", r->results->variants->n);
    doc_uint(d, d->root, "n_done", r->results->n_done);
    doc_text(d, d->root, "model", session->model->name);
    doc_text(d, d->root, "condition", session->data->name);
    doc_text(d, d->root, "split", split_name(session->data->split));
    doc_text(d, d->root, "experiment", s->experiment->name);
    doc_text(d, d->root, "ablate", ablate_text(s, ablate));
    doc_text(d, d->root, "value_bias", value_bias_name(s->ablation.value_bias));
    doc_text(d, d->root, "answers", answer_rule_name(s->answers));
    if (s->foil.from != FOIL_GIVEN)
        doc_text(d, d->root, "foil", foil_rule_text(s->foil, foil));
    doc_text(d, d->root, "compat", compat_name(s->compat));
    doc_text(d, d->root, "banner", conventions_of(s->compat)->banner);
    doc_uint(d, d->root, "seed", s->seed);
    doc_uint(d, d->root, "boot", s->n_boot);
    doc_number(d, d->root, "alpha", s->alpha);
    doc_uint(d, d->root, "n_rows", session->prompts->n);
    doc_uint(d, d->root, "n_clusters", session->prompts->n_clusters);
    doc_text(d, d->root, "cluster", cluster_name(session->prompts->clustered));
    doc_uint(d, d->root, "n_templates", session->prompts->n_templates);
    doc_text(d, d->root, "scope", clusters_scope(session->prompts));
    doc_uint(d, d->root, "n_dropped", session->n_dropped + session->prompts->n_dropped);
}

// Share of rows whose intact top token is the target.
static void add_accuracy(struct doc *d, const struct session *session)
{
    struct measured_rows measured = session_measured_rows(session);
    doc_number(d, d->root, "accuracy", intact_accuracy(&measured));
}

// How far patches of the run into itself, which change nothing, move a logit.
static void add_sham(struct doc *d, const struct report *r)
{
    struct measured_rows measured = session_measured_rows(r->session);
    if (r->settings->experiment->makes & MAKES(ROLE_SHAM))
        doc_number(d, d->root, "sham_max_abs_delta", sham_error(&measured, r->results));
}

// What its own summary held: means over what was swept, of which the logit difference was published
// as the baseline. The intact run's stands beside it.
static void add_tinylab(struct doc *d, const struct report *r, const struct effects *effects)
{
    double means[N_COMPAT_METRICS];
    if (!conventions_of(r->settings->compat)->own_metrics)
        return;
    size_t n = compat_sweep(r, means);
    cJSON *o = doc_object(d, d->root, "tinylab");
    doc_uint(d, o, "n_components", n);
    doc_number(d, o, "baseline_logit_diff", means[COMPAT_LOGIT_DIFF]);
    doc_number(d, o, "intact_logit_diff", effects->intact[METRIC_LD].mean);
    cJSON *sweep = doc_object(d, o, "sweep_mean");
    for (int m = 0; m < N_COMPAT_METRICS; m++)
        doc_number(d, sweep, compat_metric_name((size_t)m), means[m]);
}

static void add_difference(struct doc *d, cJSON *to, const char *name, const struct difference *of)
{
    cJSON *o = doc_object(d, to, name);
    doc_number(d, o, "max", of->max);
    doc_number(d, o, "mean", of->mean);
}

// How far the run's precision has taken it from f32; nothing where it is f32.
static void add_drift(struct doc *d, const struct session *session, const struct drift *drift)
{
    if (!drift || !drift->n_rows)
        return;
    cJSON *o = doc_object(d, d->root, "drift");
    doc_text(d, o, "precision", precision_name(session->engine->info.precision));
    doc_text(d, o, "against", precision_name(PRECISION_F32));
    doc_uint(d, o, "n_rows", drift->n_rows);
    doc_uint(d, o, "n_variants", drift->n_variants);
    for (int i = 0; i < N_METRICS; i++)
        add_difference(d, o, metric_info((enum metric)i)->name, &drift->value[i]);
    add_difference(d, o, "delta_ld", &drift->delta_ld);
}

// What the effects of a kind of ablation say. how: which; NULL: the run has none, or one.
static bool add_kind(struct doc *d, cJSON *to, const struct report *r,
                     const struct effects *effects, const struct ablation *how, struct abl_err *err)
{
    struct effects part = how ? effects_of_kind(r->results, effects, how) : *effects;
    add_metrics(d, to, &part, r->settings->alpha);
    return add_rankings(d, to, r, &part, err) && add_holdout(d, to, r, &part.holdout, how, err);
}

// The first kind stands where a run with one has it, the others in a list.
static bool add_kinds(struct doc *d, const struct report *r, const struct effects *effects,
                      struct abl_err *err)
{
    struct ablations kinds = settings_ablations(r->settings);
    if (!settings_ablate(r->settings) || kinds.n < 2)
        return add_kind(d, d->root, r, effects, NULL, err);
    if (!add_kind(d, d->root, r, effects, &kinds.items[0], err))
        return false;
    cJSON *list = doc_array(d, d->root, "further_kinds");
    for (size_t i = 1; i < kinds.n; i++) {
        char text[ABLATION_SIZE];
        cJSON *o = doc_object(d, list, NULL);
        doc_text(d, o, "ablate", ablation_text(&kinds.items[i], text));
        if (!add_kind(d, o, r, effects, &kinds.items[i], err))
            return false;
    }
    return summary_kinds(d, r, effects, err);
}

bool summary_doc(const struct report *r, const struct effects *effects, struct doc *out,
                 struct abl_err *err)
{
    *out = doc_file("summary", r->interrupted);
    add_run(out, r);
    add_accuracy(out, r->session);
    add_findings(out, r->session->prompts);
    add_drift(out, r->session, r->drift);
    add_tinylab(out, r, effects);
    add_sham(out, r);
    return summary_readings(out, r, effects, err) && add_kinds(out, r, effects, err);
}

struct doc partial_summary_doc(const struct report *r)
{
    const struct results *results = r->results;
    struct doc d = doc_file("partial_summary", true);
    doc_uint(&d, d.root, "n_variants", results->variants->n);
    doc_uint(&d, d.root, "n_done", results->n_done);
    cJSON *done = doc_array(&d, d.root, "done"), *missing = doc_array(&d, d.root, "missing");
    for (size_t i = 0; i < results->variants->n; i++)
        if (results->variants->items[i].role != ROLE_REPEAT)
            doc_text(&d, results_is_effect(results, i) ? done : missing, NULL,
                     results->variants->items[i].label);
    return d;
}
