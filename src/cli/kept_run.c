#include "cli/kept_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "cli/stopping.h"
#include "plan/cells.h"
#include "report/runs_folder.h"

void kept_model_sha256(const struct session *session, char out[SHA256_HEX])
{
    struct abl_err ignored;
    if (!model_sha256(session->model, out, &ignored))
        out[0] = '\0';
}

static bool find_place(const struct kept_request *q, const struct session *session,
                       const char *sha256, struct kept_run *k, struct abl_err *err)
{
    if (q->dir) {
        k->dir = strdup(q->dir);
        return k->dir || abl_no_memory(err);
    }
    k->dir = runs_default_place(session, &session->settings, sha256, false, err);
    return k->dir && runs_make(&k->made_runs, err);
}

// What is printed where there is no time left to say how far the run is.
static bool make_last_line(struct kept_run *k, struct abl_err *err)
{
    say_into(&k->last_line,
             "abltui: stopped amid a batch: 'abltui --export %s --resume' goes on with what is "
             "kept\n",
             k->dir);
    return !k->last_line.failed || abl_no_memory(err);
}

bool kept_run_begin(const struct kept_request *q, const struct session *session,
                    const struct variants *variants, struct kept_run *out, struct abl_err *err)
{
    char sha256[SHA256_HEX];
    *out = (struct kept_run){ .live = { .parent = -1, .folder = -1 } };
    kept_model_sha256(session, sha256);
    struct run_identity of = { .session = session,
                               .variants = variants,
                               .model_sha256 = sha256,
                               .part = q->part,
                               .words = q->words,
                               .command_line = q->command_line };
    out->is_open = find_place(q, session, sha256, out, err) && make_last_line(out, err)
                   && live_run_open(out->dir, &of, q->resume, &out->live, err);
    if (out->is_open && !out->live.is_whole) {
        out->workers = live_run_workers(&out->live);
        stopping_in_time(journal_descriptor(out->live.journal), out->last_line.data);
    }
    return out->is_open;
}

// Cells that the journal has.
static size_t n_kept(const struct results *t)
{
    if (!t || !t->cells)
        return 0;
    return t->tinylab ? t->n_done * t->n_run
                      : cells_count(t->cells, 0, t->variants->n * t->n_run) - t->n_others;
}

// Cells that are to be there.
static size_t n_wanted(const struct results *t)
{
    return t->variants->n * t->n_run - t->n_others;
}

static bool take(void *context, const struct journal_record *r, struct abl_err *err)
{
    (void)err;
    results_take(context, r);
    return true;
}

bool kept_run_load(struct kept_run *k, const struct session *session, struct results *t,
                   struct abl_err *err)
{
    struct workload w = session_workload(session);
    struct journal_part part = k->live.part;
    t->journal = k->live.journal;
    if (!results_begin(&w, t, err)
        || (part.n && !session_shard_others(session, t->variants, part.i, part.n, t->cells, err)))
        return false;
    t->n_others = cells_count(t->cells, 0, t->variants->n * t->n_run);
    if (!journal_records(t->journal, take, t, err))
        return false;
    results_end(&w, t);
    k->n_held = n_kept(t);
    k->n_wanted = n_wanted(t);
    return true;
}

bool kept_run_share_done(struct kept_run *k, struct abl_err *err)
{
    return journal_sync(k->live.journal, err);
}

bool kept_run_stopped(struct kept_run *k, const struct results *t, struct abl_err *err)
{
    struct abl_err lost, why = *err;
    size_t kept = n_kept(t), all = n_wanted(t);
    const char *cause = stopping_cause();
    bool synced = journal_sync(k->live.journal, &lost) || why.code != ABL_INTERRUPTED;
    enum abl_code code = why.code == ABL_INTERRUPTED      ? stopping_code()
                         : why.code == ABL_FAILED && kept ? ABL_STOPPED
                                                          : why.code;
    if (why.code == ABL_INTERRUPTED && !kept)
        return abl_fail(err, code, "stopped by %s before the first result; nothing is kept", cause);
    if (why.code == ABL_INTERRUPTED && synced)
        return abl_fail(err, code,
                        "stopped by %s after %zu of %zu cells: 'abltui --export %s --resume' goes "
                        "on",
                        cause, kept, all, k->dir);
    if (why.code == ABL_INTERRUPTED)
        return abl_fail(err, code, "stopped by %s: %.400s; 'abltui --export %s --resume' goes on",
                        cause, lost.text, k->dir);
    if (!kept)
        return false;
    return abl_fail(err, code,
                    "%.500s; %zu of %zu cells are kept: 'abltui --export %s --resume' goes on",
                    why.text, kept, all, k->dir);
}

void kept_run_end(struct kept_run *k, bool finished, const struct results *t)
{
    bool share = k->live.part.n; // which others join
    stopping_at_leisure();
    if (k->is_open)
        live_run_close(&k->live, finished && !share, n_kept(t) > 0 || (finished && share));
    if (!finished)
        runs_unmake(k->made_runs);
    free(k->dir);
    free(k->workers);
    buf_release(&k->last_line);
    *k = (struct kept_run){ 0 };
}
