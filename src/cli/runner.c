#include "cli/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sampler.h"
#include "base/say.h"
#include "cli/kept_run.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/run_print.h"
#include "cli/stopping.h"
#include "experiments/experiments.h"
#include "experiments/saved.h"
#include "report/rundir_place.h"
#include "report/write.h"
#include "session/session.h"
#include "verify/drift.h"
#include "verify/verify.h"

// The line that says how far a run is, on a terminal only.
struct progress_line {
    bool shown;
    size_t n_before; // variants that were there already
    double started, drawn;
};

static void draw_progress(void *context, const struct results *t, size_t variant)
{
    (void)variant;
    struct progress_line *p = context;
    double now = now_seconds();
    size_t n = t->variants->n;
    if (!p->shown || (now - p->drawn < 0.1 && t->n_done < n))
        return;
    p->drawn = now;
    double rate = (double)(t->n_done - p->n_before) / (now - p->started + 1e-9);
    unsigned long eta = (unsigned long)ceil((double)(n - t->n_done) / (rate + 1e-9));
    say(SAY_ERR, "\r%zu/%zu variants, %.1f/s, ETA %lu:%02lu ", t->n_done, n, rate, eta / 60,
        eta % 60);
}

static void end_progress(const struct progress_line *p)
{
    if (p->shown)
        say(SAY_ERR, "\r\033[K");
}

static void tell(const struct runner *run, const struct written *w)
{
    struct buf lines = { 0 };
    written_tell(w, "warning: ", &lines);
    if (lines.len && !lines.failed)
        say_lines(SAY_ERR, lines.data);
    if (!(run->flags & CLI_QUIET) && !w->not_there.code)
        say(SAY_ERR, "results in %s\n", w->place);
    buf_release(&lines);
}

// Where the run lies is where it goes, also later: only where that is gone it goes elsewhere.
static bool save(const struct report *r, const char *dir, struct written *out, struct abl_err *err)
{
    if (!r->live)
        return report_save(r, dir, out, err);
    if (report_write(r, r->live->place, out, err))
        return true;
    written_release(out);
    if (!live_run_is_there(r->live))
        return report_save(r, r->live->place, out, err);
    struct abl_err failed = *err;
    return abl_fail(err, ABL_STOPPED,
                    "%.600s; everything is kept: 'abltui --export %s --resume' writes it",
                    failed.text, r->live->place);
}

static bool write_folder(const struct runner *run, const struct report *r, const char *dir,
                         char **written, struct abl_err *err)
{
    struct written w = { 0 };
    bool ok = save(r, dir, &w, err);
    if (ok)
        tell(run, &w);
    if (ok && w.not_there.code)
        ok = abl_fail(err, ABL_FAILED, "the results are not where they were to be, but in '%s'",
                      w.place);
    *written = w.place;
    w.place = NULL;
    written_release(&w);
    return ok;
}

// A reader that is gone ends nothing: what it did not take is still to be saved.
static bool print_report(const struct report *r, struct abl_err *err)
{
    struct buf json = { 0 };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    bool ok = report_json(r, &json, err);
    buf_char(&json, '\n');
    ok = ok && (!json.failed || abl_no_memory(err));
    sigaction(SIGPIPE, &ignore, &before);
    ok = ok && say_json(json.data, json.len, err);
    sigaction(SIGPIPE, &before, NULL);
    buf_release(&json);
    return ok;
}

// No place on any disk takes the run: better on standard output than nowhere.
static bool print_instead(const struct report *r, struct abl_err *err)
{
    struct abl_err failed = *err, lost;
    if (!print_report(r, &lost))
        return false;
    return abl_fail(err, ABL_FAILED,
                    "%s; no other place takes the run either: it is on standard output, as JSON",
                    failed.text);
}

// The folder first, if there is to be one: standard output is others' business. Where that takes
// nothing, there is a folder after all; where no folder can be, standard output has it.
static bool write_results(const struct runner *run, const struct report *r, char **written,
                          struct abl_err *err)
{
    bool to_stdout = run->dir && strcmp(run->dir, "-") == 0;
    bool ok = to_stdout || write_folder(run, r, run->dir, written, err);
    if (!to_stdout && !(run->flags & CLI_JSON))
        return ok || (!*written && err->code != ABL_STOPPED && print_instead(r, err));
    struct abl_err failed, lost;
    if (print_report(r, &failed))
        return ok;
    if (to_stdout && write_folder(run, r, NULL, written, &lost))
        return abl_fail(err, ABL_FAILED, "%s; the run is whole in '%s'", failed.text, *written);
    if (ok)
        *err = failed;
    return false;
}

// Run the variants and read what the experiment reads; `in` says how far it came.
static bool run_all(struct session *session, struct results *t, struct readings *in,
                    struct progress_line *line, struct abl_err *err)
{
    bool ok = session_run(session, t, stopping_flag(), draw_progress, line, err);
    end_progress(line);
    return ok && experiment_read(session, t, stopping_flag(), in, err);
}

// A run that failed on its way: what finished before is written all the same. The failure is the
// run's, and tells where they are.
static bool write_finished(const struct runner *run, const struct report *r, char **written,
                           struct abl_err *err)
{
    struct runner quiet = *run;
    struct abl_err failed = *err, lost;
    const struct results *t = r->results;
    if (!t->n_done)
        return false;
    quiet.flags |= CLI_QUIET; // one line
    stopping_spare(true);
    bool ok = write_results(&quiet, r, written, &lost);
    stopping_spare(false);
    if (ok || *written)
        return abl_fail(err, failed.code,
                        "%.600s; %zu of %zu variants had finished: they are saved%s%s%s and "
                        "marked as partial",
                        failed.text, t->n_done, t->variants->n, *written ? " in '" : "",
                        *written ? *written : "", *written ? "'" : "");
    return abl_fail(err, failed.code,
                    "%.400s; %zu of %zu variants had finished, and cannot be saved: %.400s",
                    failed.text, t->n_done, t->variants->n, lost.text);
}

// What is there after a run that ended, or was interrupted (exit 130): an interrupted one is
// written too.
static bool write_run(const struct runner *run, const struct report *r, char **written,
                      struct abl_err *err)
{
    const struct results *t = r->results;
    if (r->interrupted && !t->n_done)
        return abl_fail(err, ABL_INTERRUPTED,
                        "interrupted before the first result; nothing written");
    if (!r->interrupted && !(run->flags & CLI_QUIET)) {
        print_top(r->session, t);
        print_stability(r);
    }
    if (!(run->flags & CLI_QUIET))
        print_profile(r->session);
    stopping_spare(true); // impatience must not cost what is being saved
    bool ok = write_results(run, r, written, err);
    stopping_spare(false);
    if (!ok)
        return false;
    return !r->interrupted
           || abl_fail(err, ABL_INTERRUPTED,
                       "interrupted after %zu of %zu variants; what finished "
                       "is saved and marked as partial",
                       t->n_done, t->variants->n);
}

// What goes along with a run from its beginning.
struct attendants {
    double started;
    char *verified;          // the slice, as JSON; NULL = none
    struct sampler *sampler; // NULL = none
};

static bool run_and_write(const struct runner *run, struct session *session, struct results *t,
                          const struct attendants *with, struct kept_run *kept, char **written,
                          struct abl_err *err)
{
    struct progress_line line = { .shown = !(run->flags & CLI_QUIET) && isatty(STDERR_FILENO),
                                  .n_before = t->n_done,
                                  .started = with->started };
    struct readings readings = { 0 };
    struct drift drift = { 0 };
    bool ran = run_all(session, t, &readings, &line, err) && drift_measure(session, t, &drift, err);
    struct report r = { .session = session,
                        .settings = &session->settings,
                        .drift = &drift,
                        .verify_json = with->verified,
                        .results = t,
                        .readings = &readings,
                        .jobs = run->jobs,
                        .command_line = run->command_line,
                        .interrupted = !ran,
                        .live = kept->is_open ? &kept->live : NULL,
                        .workers = kept->workers,
                        .samples = with->sampler ? sampler_stop(with->sampler) : NULL,
                        .seconds = now_seconds() - with->started };
    if (!ran && r.live && t->n_done)
        live_run_sum_up(r.live, &r);
    bool ok = !ran && r.live                        ? kept_run_stopped(kept, t, err)
              : ran || err->code == ABL_INTERRUPTED ? write_run(run, &r, written, err)
                                                    : write_finished(run, &r, written, err);
    readings_release(&readings);
    return ok;
}

static bool is_kept(const struct runner *run)
{
    return !run->dir || strcmp(run->dir, "-") != 0;
}

static void tell_kept(const struct runner *run, const struct kept_run *kept)
{
    if (kept->live.changed.code)
        say(SAY_ERR, "warning: %s\n", kept->live.changed.text);
    if (kept->live.went_on && !(run->flags & CLI_QUIET))
        say(SAY_ERR, "%s: %zu of %zu cells are there already\n", kept->dir, kept->n_held,
            kept->n_wanted);
}

// A shard's cells are kept, and nothing is written of them.
static bool run_share(const struct runner *run, struct session *session, struct results *t,
                      const struct attendants *with, struct kept_run *kept, struct abl_err *err)
{
    struct progress_line line = { .shown = !(run->flags & CLI_QUIET) && isatty(STDERR_FILENO),
                                  .n_before = t->n_done,
                                  .started = with->started };
    bool ok = session_run(session, t, stopping_flag(), draw_progress, &line, err);
    end_progress(&line);
    if (!ok)
        return kept_run_stopped(kept, t, err);
    ok = kept_run_share_done(kept, err);
    if (ok && !(run->flags & CLI_QUIET))
        say(SAY_ERR,
            "shard %" PRIu32 " of %" PRIu32 ": %zu cells in %s; 'abltui merge' joins the shards\n",
            run->part.i, run->part.n, kept->n_wanted, kept->dir);
    return ok;
}

// There is a device, and the intact run: the variants.
static bool run_variants(const struct runner *run, struct session *session,
                         const struct variants *variants, const struct attendants *with,
                         struct kept_run *kept, char **written, struct abl_err *err)
{
    struct results table;
    if (!results_init(&table, variants, session->prompts->n, err))
        return false;
    bool ok = !kept->is_open || kept_run_load(kept, session, &table, err);
    if (ok && kept->is_open)
        tell_kept(run, kept);
    ok = ok
         && (run->part.n ? run_share(run, session, &table, with, kept, err)
                         : run_and_write(run, session, &table, with, kept, written, err));
    kept_run_end(kept, ok, &table);
    results_release(&table);
    return ok;
}

static void tell_whole(const struct runner *run, const char *dir)
{
    if (!(run->flags & CLI_QUIET))
        say(SAY_ERR, "%s is complete: nothing is left to do\n", dir);
}

static bool run_started(const struct runner *run, struct session *session,
                        const struct variants *variants, const struct attendants *with,
                        char **written, struct abl_err *err)
{
    struct kept_run kept = { 0 };
    struct kept_request q = { .dir = run->dir,
                              .resume = run->flags & CLI_RESUME,
                              .part = run->part,
                              .words = run->words,
                              .command_line = run->command_line };
    bool ok = !is_kept(run) || kept_run_begin(&q, session, variants, &kept, err);
    if (ok && kept.live.is_whole) {
        tell_whole(run, kept.dir);
        *written = strdup(kept.dir);
    } else if (ok) {
        if (!(run->flags & CLI_QUIET)) {
            print_findings(session->prompts);
            print_run(session);
        }
        return run_variants(run, session, variants, with, &kept, written, err);
    }
    kept_run_end(&kept, false, NULL);
    return ok;
}

// Whether a run that goes on has ended already: that shows without a device.
static bool was_whole(const struct runner *run, const struct session *session, char **written,
                      struct abl_err *err)
{
    char sha256[SHA256_HEX];
    if (!(run->flags & CLI_RESUME) || !is_kept(run) || !run->dir
        || !rundir_is_whole(AT_FDCWD, run->dir))
        return false;
    kept_model_sha256(session, sha256);
    if (!live_run_is_whole(run->dir, session, sha256, err))
        return false;
    tell_whole(run, run->dir);
    *written = strdup(run->dir);
    return true;
}

// What is wrong with the request shows before anything is loaded on a device.
static bool run_lab(const struct runner *run, struct session *session,
                    const struct attendants *with, char **written, struct abl_err *err)
{
    struct variants variants;
    struct abl_err other = { 0 };
    uint64_t saved;
    if (!prompts_refuse(session->prompts, err) || !saved_size(session, &saved, err)
        || !experiment_variants(session, &variants, err))
        return false;
    model_sha256_begin(session->model);
    bool whole = was_whole(run, session, written, &other);
    if (other.code)
        *err = other;
    bool ok = whole
              || (!other.code && session_start(session, err)
                  && run_started(run, session, &variants, with, written, err));
    variants_release(&variants);
    return ok;
}

// The device that "auto" is here, by a name of its own.
static bool name_device(const struct settings *s, char out[32], struct abl_err *err)
{
    struct engine *engine;
    if (strcmp(s->device, "auto") != 0)
        return true;
    if (!session_engine_open(s, &engine, err))
        return false;
    if (engine->info.kind == DEVICE_CPU)
        strcpy(out, "cpu");
    else
        snprintf(out, 32, "vulkan:%" PRIu32, engine->info.vulkan_index);
    engine->ops->free(engine);
    return true;
}

// A slice of the run on its device against the reference, as JSON;
// a device that drifts ends the run.
static bool verify_slice(const struct runner *run, const struct settings *settings, char **out,
                         struct abl_err *err)
{
    struct settings s = *settings;
    struct verify v;
    char device[32] = "";
    if (!name_device(settings, device, err))
        return false;
    s.max_rows = 0;
    if (*device)
        s.device = device;
    if (!verify_run(&s, (struct verify_limits){ .n_rows = run->verify_rows }, &v, err))
        return false;
    cJSON *doc = verify_json(&v);
    *out = cJSON_Print(doc);
    cJSON_Delete(doc);
    bool ok = *out ? verify_passed(&v, err) : abl_no_memory(err);
    verify_release(&v);
    if (!ok) {
        cJSON_free(*out);
        *out = NULL;
    }
    return ok;
}

bool runner_run(const struct runner *run, const struct settings *settings, char **written,
                struct abl_err *err)
{
    struct attendants with = { .started = now_seconds() };
    struct session *session = NULL;
    char *place = NULL;
    double interval = run->sample_seconds > 0 ? run->sample_seconds : 5;
    if (run->dir && is_kept(run)
        && !live_run_check(run->dir, run->part, run->flags & CLI_RESUME, err))
        return false;
    bool ok = (!run->verify_rows || verify_slice(run, settings, &with.verified, err))
              && (!settings->profile || sampler_start(interval, &with.sampler, err))
              && session_open_cold(settings, &session, err)
              && run_lab(run, session, &with, &place, err);
    session_free(session);
    sampler_free(with.sampler);
    cJSON_free(with.verified);
    if (written)
        *written = place;
    else
        free(place);
    return ok;
}
