#include "report/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/effects.h"
#include "base/file.h"
#include "base/say.h"
#include "base/sha256.h"
#include "report/activations_file.h"
#include "report/config.h"
#include "report/figures.h"
#include "report/live_run.h"
#include "report/ov_report.h"
#include "report/profile.h"
#include "report/provenance.h"
#include "report/rundir.h"
#include "report/rundir_place.h"
#include "report/runs_folder.h"
#include "report/summary.h"
#include "report/table_files.h"
#include "report/tables.h"

// What every part of a report is made from.
struct parts {
    const struct report *report;
    struct effects effects;
    struct weights_of weights;
};

static bool parts_make(const struct report *r, struct parts *out, struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(r->session);
    *out = (struct parts){ .report = r };
    // A run over weights that somebody wrote into afterwards is a run all the same.
    if (!model_sha256(r->session->model, out->weights.sha256, &out->weights.unknown))
        out->weights.sha256[0] = '\0';
    return effects_make(&measured, r->results, r->readings ? r->readings->lens : NULL,
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
    bool ok = config_write(p->report->session, p->report->settings, p->weights.sha256,
                           p->report->interrupted, &text, err)
              && rundir_add(dir, "config.json", &text, 0, err);
    buf_release(&text);
    return ok;
}

static bool add_documents(struct rundir *dir, const struct parts *p, struct abl_err *err)
{
    const struct report *r = p->report;
    struct doc provenance = provenance_doc(r, &p->weights), summary, partial;
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
    struct doc d = profile_doc(trace, session_spent(r->session), r->samples, r->interrupted);
    struct buf text = { 0 };
    profile_trace(trace, &text);
    bool ok = add_doc(dir, "metrics/profile.json", &d, RUNDIR_VOLATILE, err)
              && rundir_add(dir, "artifacts/trace.json", &text, RUNDIR_VOLATILE, err);
    buf_release(&text);
    return ok;
}

// Until they are there, the manifest says that they are not.
static void announce(struct rundir *dir, const struct figures *f)
{
    for (size_t i = 0; i < f->n; i++)
        rundir_lack(dir, f->names[i], "not drawn yet");
}

static void add_figure(struct rundir *dir, struct figures *f, size_t i, struct buf *lacking)
{
    struct buf bytes = { 0 };
    struct abl_err failed;
    bool told = f->err.code, drawn = !told && job_next(f->job, &bytes, &f->err);
    if (!drawn || !rundir_add(dir, f->names[i], &bytes, RUNDIR_LATE, &failed)) {
        const char *why = drawn ? failed.text : f->err.text;
        rundir_lack(dir, f->names[i], why);
        buf_printf(lacking, "%s%s%s%s", lacking->len ? " and " : "", f->names[i],
                   told && lacking->len ? "" : ": ", told && lacking->len ? "" : why);
    }
    buf_release(&bytes);
}

// From here on nothing costs more than a picture; what that was is told.
static void add_figures(struct rundir *dir, struct figures *f, struct buf *lacking)
{
    struct abl_err failed;
    for (size_t i = 0; i < f->n; i++)
        add_figure(dir, f, i, lacking);
    if (!rundir_finish(dir, &failed))
        buf_printf(lacking, "%spictures: %s", lacking->len ? "; " : "", failed.text);
}

static bool write_parts(const struct parts *p, const char *path, struct written *out,
                        struct abl_err *err)
{
    struct rundir dir;
    struct figures figures;
    char *place = strdup(path);
    if (!place)
        return abl_no_memory(err);
    int under_way = p->report->live ? p->report->live->folder : -1;
    if (!rundir_open(path, under_way, &dir, err)) {
        free(place);
        return false;
    }
    figures_begin(&figures, p->report, &p->effects);
    announce(&dir, &figures);
    bool ok = add_config(&dir, p, err) && add_documents(&dir, p, err)
              && table_files_add(&dir, p->report, &p->effects, err)
              && add_verified(&dir, p->report, err) && add_readings(&dir, p, err)
              && activations_file_add(&dir, p->report, p->weights.sha256, err)
              && add_profile(&dir, p, err);
    if (!ok)
        rundir_abort(&dir);
    ok = ok && rundir_commit(&dir, p->report->interrupted, err);
    if (ok) {
        add_figures(&dir, &figures, &out->lacking);
        out->place = place;
    } else
        free(place);
    figures_end(&figures);
    return ok;
}

// Write to path; the folder of all runs is made for it, and goes again when nothing came of it.
static bool write_default(const struct parts *p, const char *path, struct written *out,
                          struct abl_err *err)
{
    bool made, ok = runs_make(&made, err) && write_parts(p, path, out, err);
    if (!ok)
        runs_unmake(made);
    return ok;
}

bool report_check_target(const char *path, struct abl_err *err)
{
    return rundir_check(path, err);
}

static bool write_to(const struct parts *p, const char *path, bool by_name, struct written *out,
                     struct abl_err *err)
{
    out->rescued = rundir_sweep(path);
    return by_name ? write_default(p, path, out, err) : write_parts(p, path, out, err);
}

// The last part of a path, which a run keeps wherever it goes.
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// A name in `folder` (NULL: beside path) where nothing is yet.
static char *other_name(const char *path, const char *folder)
{
    char *name = folder ? file_join(folder, last_part(path)) : NULL;
    if (!folder || !name || !file_exists(name))
        return folder ? name : rundir_free_name(path);
    char *other = rundir_free_name(name);
    free(name);
    return other;
}

// Where else a run may go, the nearest first: beside the place, here, at home, among what is
// temporary.
static bool write_elsewhere(const struct parts *p, const char *path, struct written *out)
{
    const char *folders[] = { NULL,
                              ".",
                              getenv("PWD"),
                              getenv("HOME"),
                              getenv("TMPDIR"),
                              "/var/tmp",
                              "/tmp",
                              getenv("XDG_RUNTIME_DIR"),
                              "/dev/shm" };
    size_t len = strlen(path);
    char *base = strndup(path, len > 1 && path[len - 1] == '/' ? len - 1 : len);
    bool ok = false;
    for (size_t i = 0; base && !ok && i < sizeof folders / sizeof *folders; i++) {
        struct abl_err ignored;
        char *name = i && !folders[i] ? NULL : other_name(base, folders[i]);
        ok = name && write_parts(p, name, out, &ignored);
        free(name);
    }
    free(base);
    return ok;
}

// ABL_USAGE is a refusal, which whoever asked can answer, but for what came up meanwhile.
static bool save(const struct parts *p, const char *path, bool by_name, bool elsewhere,
                 struct written *out, struct abl_err *err)
{
    struct abl_err failed = { 0 };
    if (write_to(p, path, by_name, out, &failed))
        return true;
    if (!elsewhere || !write_elsewhere(p, path, out)) {
        *err = failed;
        return false;
    }
    abl_fail(&out->not_there, ABL_FAILED, "%s", failed.text);
    return true;
}

// Memory that others have taken may come back: what is finished is worth some waiting.
static bool parts_make_in_time(const struct report *r, struct parts *p, struct abl_err *err)
{
    static const unsigned pauses_s[] = { 0, 1, 4 };
    for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
        if (parts_make(r, p, err))
            return true;
        effects_release(&p->effects);
        sleep(pauses_s[i]);
    }
    return parts_make(r, p, err);
}

static bool make_and_save(const struct report *r, const char *path, bool elsewhere,
                          struct written *out, struct abl_err *err)
{
    struct parts p;
    char *named = NULL;
    *out = (struct written){ 0 };
    bool ok = elsewhere ? parts_make_in_time(r, &p, err) : parts_make(r, &p, err);
    if (ok && !path)
        path = named
            = runs_default_place(r->session, r->settings, p.weights.sha256, r->interrupted, err);
    ok = ok && path && save(&p, path, named != NULL, elsewhere, out, err);
    out->weights = p.weights.unknown;
    effects_release(&p.effects);
    free(named);
    return ok;
}

bool report_write(const struct report *r, const char *path, struct written *out,
                  struct abl_err *err)
{
    return make_and_save(r, path, false, out, err);
}

bool report_save(const struct report *r, const char *path, struct written *out, struct abl_err *err)
{
    return make_and_save(r, path, true, out, err);
}

void written_release(struct written *w)
{
    free(w->place);
    free(w->rescued);
    buf_release(&w->lacking);
    *w = (struct written){ 0 };
}

void written_tell(const struct written *w, const char *mark, struct buf *out)
{
    if (w->rescued)
        say_into(out, "%sa finished run that had not got into its place is now in '%s'\n", mark,
                 w->rescued);
    if (w->not_there.code)
        say_into(out, "%s%s: the run is whole in '%s'\n", mark, w->not_there.text, w->place);
    if (w->weights.code)
        say_into(out, "%sthe SHA-256 of the weights is not known: %s\n", mark, w->weights.text);
    if (w->lacking.len && !w->lacking.failed)
        say_into(out, "%s'%s' lacks %s; its tables are whole\n", mark, w->place, w->lacking.data);
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
        table_write(run_tables[i], p->report, &p->effects, SHEET_JSON, NULL, out);
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
    if (!config_write(r->session, r->settings, p->weights.sha256, r->interrupted, out, err))
        return false;
    struct doc provenance = provenance_doc(r, &p->weights), summary;
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
