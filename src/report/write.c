#include "report/write.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/effects.h"
#include "base/sha256.h"
#include "report/config.h"
#include "report/heatmap.h"
#include "report/ov_report.h"
#include "report/profile.h"
#include "report/provenance.h"
#include "report/rundir.h"
#include "report/summary.h"
#include "report/tables.h"

static const char runs_folder[] = "runs";

// What every part of a report is made from.
struct parts {
    const struct report *report;
    struct effects effects;
    char model_sha256[SHA256_HEX];
};

static bool parts_make(const struct report *r, struct parts *out, struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(r->session);
    *out = (struct parts){ .report = r };
    return model_sha256(r->session->model, out->model_sha256, err)
           && effects_make(&measured, r->results, r->readings ? r->readings->lens : NULL,
                           &out->effects, err);
}

static bool add_doc(struct rundir *dir, const char *name, struct doc *d, unsigned flags,
                    struct abl_err *err)
{
    struct buf text = { 0 };
    bool ok = doc_print(d, DOC_PRETTY, &text, err) && rundir_add(dir, name, &text, flags, err);
    buf_release(&text);
    doc_release(d);
    return ok;
}

// config.json ends without a line end: the SHA-256 of the file is the one that names the run.
static bool add_config(struct rundir *dir, const struct parts *p, struct abl_err *err)
{
    struct buf text = { 0 };
    bool ok = config_write(p->report->session, p->report->settings, p->model_sha256,
                           p->report->interrupted, &text, err)
              && rundir_add(dir, "config.json", &text, 0, err);
    buf_release(&text);
    return ok;
}

static bool add_documents(struct rundir *dir, const struct parts *p, struct abl_err *err)
{
    const struct report *r = p->report;
    struct doc provenance = provenance_doc(r, p->model_sha256), summary, partial;
    if (!add_doc(dir, "provenance.json", &provenance, RUNDIR_VOLATILE, err))
        return false;
    if (!summary_doc(r, &p->effects, &summary, err)) {
        doc_release(&summary);
        return false;
    }
    if (!add_doc(dir, "metrics/summary.json", &summary, 0, err))
        return false;
    if (!r->interrupted)
        return true;
    partial = partial_summary_doc(r);
    return add_doc(dir, "metrics/partial_summary.json", &partial, 0, err);
}

// A table of nothing but column names is left out: no reader could tell the columns' types. Names
// have no line ends.
static bool has_rows(const struct buf *csv)
{
    const char *end = csv->failed ? NULL : memchr(csv->data, '\n', csv->len);
    return !end || end + 1 < csv->data + csv->len;
}

static bool add_tables(struct rundir *dir, const struct parts *p, struct abl_err *err)
{
    for (size_t i = 0; i < N_TABLES; i++) {
        char name[64];
        struct buf text = { 0 };
        if (!table_is_wanted(run_tables[i], p->report))
            continue;
        snprintf(name, sizeof name, "metrics/%s.csv", run_tables[i]->name);
        table_write(run_tables[i], p->report, &p->effects, SHEET_CSV, &text);
        bool ok = !has_rows(&text) || rundir_add(dir, name, &text, 0, err);
        buf_release(&text);
        if (!ok)
            return false;
    }
    return true;
}

// The figure's lines of text and cells, in the arena.
static bool make_heatmap(const struct parts *p, struct arena *a, struct heatmap *out,
                         struct abl_err *err)
{
    const struct session *session = p->report->session;
    const struct results *results = p->report->results;
    const struct model_shape *shape = &session->model->shape;
    const struct metric_info *metric = metric_info(session->settings.metric);
    const char *compat = compat_name(session->settings.compat);
    char ablate[ABLATE_SIZE];
    struct estimate *cells
        = arena_alloc(a, (size_t)shape->n_layers * shape->n_heads, sizeof *cells);
    *out = (struct heatmap){
        .n_layers = shape->n_layers,
        .n_heads = shape->n_heads,
        .cells = cells,
        .alpha = session->settings.alpha,
        .title = arena_printf(a, "%s · %s · %s ablation · %s%s", session->model->name,
                              session->data->name, ablate_text(&session->settings, ablate),
                              metric->name, p->report->interrupted ? " · PARTIAL" : ""),
        .subtitle
        = arena_printf(a, "%s%s%s%s%zu rows in %u clusters · %zu of %zu variants · %s value bias",
                       compat ? "COMPAT " : "", compat ? compat : "", compat ? " · " : "",
                       session->answers ? "whole answers · " : "", session->prompts->n,
                       session->prompts->n_clusters, results->n_done, results->variants->n,
                       value_bias_name(session->settings.ablation.value_bias)),
        .quantity = *metric->unit ? arena_printf(a, "Δ %s (%s)", metric->name, metric->unit)
                                  : arena_printf(a, "Δ %s", metric->name),
    };
    if (!cells || !out->title || !out->subtitle || !out->quantity)
        return abl_no_memory(err);
    for (size_t i = 0; i < p->effects.n_heads; i++) {
        const struct effect *e = &p->effects.heads[i];
        const struct head *h = results->variants->items[e->variant].nodes.heads;
        cells[(size_t)h->layer * shape->n_heads + h->head] = e->delta[session->settings.metric];
    }
    return true;
}

// The verified slice, which the caller has made.
static bool add_verified(struct rundir *dir, const struct report *r, struct abl_err *err)
{
    struct buf text = { 0 };
    if (!r->verify_json)
        return true;
    buf_str(&text, r->verify_json);
    bool ok = rundir_add(dir, "metrics/verify.json", &text, RUNDIR_VOLATILE, err);
    buf_release(&text);
    return ok;
}

static bool add_readings(struct rundir *dir, const struct parts *p, struct abl_err *err)
{
    const struct report *r = p->report;
    if (!r->readings || !r->readings->ov)
        return true;
    struct doc d = ov_report_doc(r->session, r->readings->ov);
    return add_doc(dir, "ov_report.json", &d, 0, err);
}

// What --profile asked for.
static bool add_profile(struct rundir *dir, const struct parts *p, struct abl_err *err)
{
    const struct report *r = p->report;
    const struct trace *trace
        = r->session->engine && r->session->settings.profile ? trace_of(r->session->engine) : NULL;
    if (!trace)
        return true;
    struct doc d
        = profile_doc(trace, forward_spent(r->session->forward), r->samples, r->interrupted);
    struct buf text = { 0 };
    profile_trace(trace, &text);
    bool ok = add_doc(dir, "metrics/profile.json", &d, RUNDIR_VOLATILE, err)
              && rundir_add(dir, "artifacts/trace.json", &text, RUNDIR_VOLATILE, err);
    buf_release(&text);
    return ok;
}

// The figures, drawn beside the tables on a thread of their own: fonts alone take as long as all
// tables of a small run.
struct figures {
    const struct parts *parts;
    struct buf svg, png;
    struct abl_err err;
    bool drawn, has_thread;
    pthread_t thread;
};

static void *draw_figures(void *context)
{
    struct figures *f = context;
    struct arena scratch = { 0 };
    struct heatmap m;
    f->drawn = make_heatmap(f->parts, &scratch, &m, &f->err) && heatmap_svg(&m, &f->svg, &f->err)
               && heatmap_png(&m, &f->png, &f->err);
    arena_release(&scratch);
    return NULL;
}

static void figures_start(struct figures *f, const struct parts *p)
{
    *f = (struct figures){ .parts = p, .drawn = true };
    if (!p->effects.n_heads)
        return;
    f->has_thread = pthread_create(&f->thread, NULL, draw_figures, f) == 0;
    if (!f->has_thread)
        draw_figures(f);
}

static void figures_wait(struct figures *f)
{
    if (f->has_thread)
        pthread_join(f->thread, NULL);
    f->has_thread = false;
}

static bool add_figures(struct rundir *dir, struct figures *f, struct abl_err *err)
{
    figures_wait(f);
    if (!f->drawn) {
        *err = f->err;
        return false;
    }
    return !f->parts->effects.n_heads
           || (rundir_add(dir, "artifacts/impact_heatmap.svg", &f->svg, 0, err)
               && rundir_add(dir, "artifacts/impact_heatmap.png", &f->png, 0, err));
}

static bool write_parts(const struct parts *p, const char *path, struct abl_err *err)
{
    struct rundir dir;
    struct figures figures;
    if (!rundir_open(path, &dir, err))
        return false;
    figures_start(&figures, p);
    bool ok = add_config(&dir, p, err) && add_documents(&dir, p, err) && add_tables(&dir, p, err)
              && add_verified(&dir, p->report, err) && add_readings(&dir, p, err)
              && add_profile(&dir, p, err) && add_figures(&dir, &figures, err);
    figures_wait(&figures);
    buf_release(&figures.svg);
    buf_release(&figures.png);
    if (ok)
        return rundir_commit(&dir, p->report->interrupted, err);
    rundir_abort(&dir);
    return false;
}

// malloc'd "runs/<name>_<12 hex>"; NULL on failure.
static char *default_path(const struct parts *p, struct abl_err *err)
{
    struct buf path = { 0 };
    buf_printf(&path, "%s/", runs_folder);
    if (!config_run_name(p->report->session, p->report->settings, p->model_sha256, &path, err)) {
        buf_release(&path);
        return NULL;
    }
    if (p->report->interrupted)
        buf_str(&path, "-partial");
    if (path.failed) {
        buf_release(&path);
        abl_no_memory(err);
    }
    return path.data;
}

// Write to path; the folder of all runs is made for it, and goes again when nothing came of it.
static bool write_default(const struct parts *p, const char *path, struct abl_err *err)
{
    bool made = mkdir(runs_folder, 0777) == 0;
    if (!made && errno != EEXIST)
        return abl_fail(err, ABL_FAILED,
                        "cannot create folder '%s' here: %s; name another place with --export",
                        runs_folder, strerror(errno));
    if (write_parts(p, path, err))
        return true;
    if (made)
        rmdir(runs_folder);
    return false;
}

bool report_check_target(const char *path, struct abl_err *err)
{
    return rundir_check(path, err);
}

bool report_write(const struct report *r, const char *path, char **written, struct abl_err *err)
{
    struct parts p;
    char *where = NULL;
    bool ok = parts_make(r, &p, err);
    if (ok) {
        where = path ? strdup(path) : default_path(&p, err);
        ok = (where || (path && abl_no_memory(err)))
             && (path ? write_parts(&p, where, err) : write_default(&p, where, err));
    }
    effects_release(&p.effects);
    if (ok)
        *written = where;
    else
        free(where);
    return ok;
}

static bool put_doc(struct buf *out, const char *key, struct doc *d, struct abl_err *err)
{
    buf_printf(out, ",\n\"%s\":", key);
    bool ok = doc_print(d, DOC_COMPACT, out, err);
    doc_release(d);
    return ok;
}

static void put_tables(struct buf *out, const struct parts *p)
{
    buf_str(out, ",\n\"tables\":{");
    const char *comma = "";
    for (size_t i = 0; i < N_TABLES; i++) {
        if (!table_is_wanted(run_tables[i], p->report))
            continue;
        buf_printf(out, "%s\n\"%s\":", comma, run_tables[i]->name);
        table_write(run_tables[i], p->report, &p->effects, SHEET_JSON, out);
        comma = ",";
    }
    buf_str(out, "}}\n");
}

// Joined as text: a tree of every cell of every table would take a hundred times the memory.
static bool put_parts(struct buf *out, const struct parts *p, struct abl_err *err)
{
    const struct report *r = p->report;
    buf_printf(out, "{\"schema\":\"abltui.run/1\",\"partial\":%s,\n\"config\":",
               r->interrupted ? "true" : "false");
    if (!config_write(r->session, r->settings, p->model_sha256, r->interrupted, out, err))
        return false;
    struct doc provenance = provenance_doc(r, p->model_sha256), summary;
    if (!put_doc(out, "provenance", &provenance, err))
        return false;
    if (!summary_doc(r, &p->effects, &summary, err)) {
        doc_release(&summary);
        return false;
    }
    if (!put_doc(out, "summary", &summary, err))
        return false;
    if (r->readings && r->readings->ov) {
        struct doc ov = ov_report_doc(r->session, r->readings->ov);
        if (!put_doc(out, "ov_report", &ov, err))
            return false;
    }
    put_tables(out, p);
    return !out->failed || abl_no_memory(err);
}

bool report_json(const struct report *r, struct buf *out, struct abl_err *err)
{
    struct parts p;
    bool ok = parts_make(r, &p, err) && put_parts(out, &p, err);
    effects_release(&p.effects);
    return ok;
}
