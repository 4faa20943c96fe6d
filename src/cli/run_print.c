#include "cli/run_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "analysis/estimates.h"
#include "analysis/ranking.h"
#include "analysis/stability.h"
#include "base/say.h"
#include "cli/print.h"
#include "experiments/saved.h"
#include "report/config.h"
#include "report/profile.h"
#include "text/clusters.h"

static const char *kind_of_device(const struct session *session)
{
    return session->engine->info.kind == DEVICE_CPU ? "cpu" : "vulkan";
}

enum { INTERVAL_SIZE = 64 };

// " [lo, hi]", or nothing where there is no interval. plus: numbers above 0 have a sign.
static const char *interval_text(const struct estimate *e, bool plus, char out[INTERVAL_SIZE])
{
    *out = '\0';
    if (isfinite(e->ci_lo) && isfinite(e->ci_hi))
        snprintf(out, INTERVAL_SIZE, plus ? " [%+.3f, %+.3f]" : " [%.3f, %.3f]", e->ci_lo,
                 e->ci_hi);
    return out;
}

// What the clusters let a run say.
static void print_clusters(const struct session *session)
{
    const char *scope = clusters_scope(session->prompts);
    if (scope)
        say(SAY_ERR, "note: %" PRIu32 " template%s: intervals, p and q are %s\n",
            session->prompts->n_templates, session->prompts->n_templates == 1 ? "" : "s", scope);
    if (session->prompts->n_clusters < LEAST_TESTED_CLUSTERS)
        say(SAY_ERR,
            "note: %" PRIu32 " clusters are too few to test: p and q stay empty below %d\n",
            session->prompts->n_clusters, LEAST_TESTED_CLUSTERS);
}

// What --save is going to take.
static void print_saved(const struct session *session)
{
    char size[SIZE_TEXT];
    uint64_t bytes;
    struct abl_err ignored;
    if (saved_size(session, &bytes, &ignored) && bytes)
        say(SAY_ERR, "activations at %s: %s in artifacts/activations.safetensors\n",
            saved_positions(&session->settings), size_text(bytes, size));
}

void print_run(const struct session *session)
{
    char interval[INTERVAL_SIZE], clusters[CLUSTERS_SIZE];
    const struct model_shape *s = &session->model->shape;
    struct estimate ld;
    struct abl_err ignored;
    const struct device_info *device = &session->engine->info;
    bool f32 = device->precision == PRECISION_F32;
    print_compat(session);
    say(SAY_ERR,
        "%s (%s, %" PRIu32 " layers x %" PRIu32 " heads) on %s%s%s: %s; %s/%s, %zu rows, %s, "
        "BOS %s\n",
        session->model->name, s->arch, s->n_layers, s->n_heads, kind_of_device(session),
        f32 ? "" : " in ", f32 ? "" : precision_name(device->precision), device->name,
        session->data->name, split_name(session->data->split), session->prompts->n,
        clusters_text(session->prompts, clusters),
        session->prompts->bos == TOKEN_NONE
            ? "none"
            : tokenizer_text(session->tokenizer, session->prompts->bos));
    say(SAY_ERR, "model from %s, data from %s\n", session->model->path, session->data->path);
    if (*device->not_tuned)
        say(SAY_ERR, "note: %s\n", device->not_tuned);
    if (session->answers)
        say(SAY_ERR,
            "whole answers: ld is ln p of the target's tokens minus ln p of the foil's; kl, rank, "
            "flip and entropy are of the first token; %zu prompts are run\n",
            session_prompts(session)->n);
    if (session->sequences)
        say(SAY_ERR,
            "whole answers are tinyLab's: seq_ metrics in metrics/compat.csv, read at the last "
            "columns; %zu prompts are run\n",
            session_prompts(session)->n);
    char foil[FOIL_RULE_SIZE];
    if (foil_rule_text(session->settings.foil, foil))
        say(SAY_ERR, "foils of rows that name none: %s\n", foil);
    struct measured_rows measured = session_measured_rows(session);
    if (estimate_intact(&measured, METRIC_LD, &ld, &ignored))
        say(SAY_ERR, "%s ld %.3f%s\n", settings_baseline(&session->settings), ld.mean,
            interval_text(&ld, false, interval));
    print_clusters(session);
    print_saved(session);
}

// The five largest effects, as a first answer on the terminal.
void print_top(const struct session *session, const struct results *results)
{
    struct measured_rows measured = session_measured_rows(session);
    enum metric m = session->settings.metric;
    struct top_delta top[5];
    struct abl_err ignored;
    size_t n;
    if (!top_deltas(&measured, results, m, top, sizeof top / sizeof *top, &n, &ignored))
        return;
    for (size_t i = 0; i < n; i++) {
        const struct estimate *e = &top[i].delta;
        const struct variant *v = &results->variants->items[top[i].variant];
        bool several = session->settings.also.n && settings_ablate(&session->settings);
        char interval[INTERVAL_SIZE], kind[ABLATION_SIZE];
        say(SAY_ERR, "  %-12s%s%s delta_%s %+.3f%s\n", v->label, several ? " " : "",
            several ? ablation_text(&v->how, kind) : "", metric_info(m)->name, e->mean,
            interval_text(e, true, interval));
    }
}

// How far that ranking would be the same in another sample of prompts.
void print_stability(const struct report *r)
{
    struct buf text = { 0 };
    struct measured_rows measured = session_measured_rows(r->session);
    stability_text(&measured, r->results, r->session->settings.metric, &text);
    if (text.len && !text.failed)
        say_lines(SAY_ERR, text.data);
    buf_release(&text);
}

void print_profile(const struct session *session)
{
    const struct trace *trace = session->settings.profile ? trace_of(session->engine) : NULL;
    struct buf text = { 0 };
    if (trace)
        profile_text(trace, &text);
    if (trace && !text.failed)
        say_lines(SAY_ERR, text.data);
    buf_release(&text);
}
