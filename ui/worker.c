#include "ui/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ui/sweep.h"

static const double post_interval = 0.05; // seconds between snapshots of a running sweep

// What the interface has asked for and the thread has not begun yet. A later request replaces an
// earlier of its kind; a cancel takes back what was asked for before it, and a run that is asked
// for after it takes the cancel back. So the order of requests needs no queue: a cancel that stands
// beside a run came later than the run.
struct requests {
    bool run, restart, open, joint, detail, say, cancel, export, stop;
    const struct run_reader *reader;
    char folder[MAX_NAME];
    struct choice choice;
    struct marks marks;
    struct detail_ask ask;
    struct said_ask said;
    char export_path[MAX_NAME];
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t asked;
    struct requests requests;
    struct snapshot *posted;
    struct detail *posted_detail;
    struct said *posted_said;
    bool has_opened;
    struct opened_news opened;
    struct buf lines;
    bool busy;
    // there are requests: what runs now returns; written under the lock, read without
    atomic_bool interrupt;
    // Not guarded:
    atomic_uint wanted; // layer that the user looks at
    int wake_fd;
    struct sweep *sweep; // the thread's own
    double posted_at;
};

static void wake(struct worker *w)
{
    // A full pipe wakes the interface just as well.
    if (w->wake_fd >= 0 && write(w->wake_fd, "", 1) < 0)
        return;
}

static void post(struct worker *w, struct snapshot *s)
{
    pthread_mutex_lock(&w->lock);
    struct snapshot *old = w->posted;
    w->posted = s;
    pthread_mutex_unlock(&w->lock);
    snapshot_free(old);
    wake(w);
}

static void add_line(struct worker *w, const char *mark, const char *text)
{
    pthread_mutex_lock(&w->lock);
    buf_printf(&w->lines, "%s%s\n", mark, text);
    pthread_mutex_unlock(&w->lock);
    wake(w);
}

static void add_lines(struct worker *w, const struct buf *lines)
{
    pthread_mutex_lock(&w->lock);
    if (lines->len && !lines->failed)
        buf_add(&w->lines, lines->data, lines->len);
    pthread_mutex_unlock(&w->lock);
    wake(w);
}

// What the sweep has to say, line by line.
static void add_text(struct worker *w, void (*say)(const struct sweep *s, struct buf *out))
{
    struct buf lines = { 0 };
    say(w->sweep, &lines);
    add_lines(w, &lines);
    buf_release(&lines);
}

static void post_phase(struct worker *w, enum run_phase phase, const struct abl_err *why)
{
    struct snapshot *s;
    struct abl_err err;
    if (!sweep_snapshot(w->sweep, phase, &s, &err)) {
        add_line(w, "!", err.text);
        return;
    }
    if (why)
        s->err = *why;
    w->posted_at = now_seconds();
    post(w, s);
}

static void post_progress(void *context)
{
    struct worker *w = context;
    if (now_seconds() - w->posted_at >= post_interval)
        post_phase(w, RUN_RUNNING, NULL);
}

// Load if need be and say so: a model may take a while.
static bool choose(struct worker *w, const struct requests *r)
{
    struct abl_err err = { 0 };
    bool loaded;
    if (sweep_must_load(w->sweep, &r->choice))
        post_phase(w, RUN_LOADING, NULL);
    if (!sweep_choose(w->sweep, &r->choice, r->restart, &loaded, &err)) {
        add_line(w, "!", err.text);
        post_phase(w, RUN_FAILED, &err);
        return false;
    }
    if (loaded)
        add_text(w, sweep_describe);
    w->posted_at = 0; // the first finished head shows at once
    return true;
}

// Show the run in a folder. Where that fails what is shown stays, if anything is.
static bool open_run(struct worker *w, const struct requests *r, bool has_run)
{
    struct abl_err err = { 0 };
    if (!sweep_open(w->sweep, r->folder, r->reader, &err)) {
        add_line(w, "!", err.text);
        if (!has_run)
            post_phase(w, RUN_FAILED, &err);
        return has_run;
    }
    pthread_mutex_lock(&w->lock);
    w->has_opened = true;
    w->opened.choice = *sweep_choice(w->sweep);
    w->opened.ov_kind = sweep_ov_kind(w->sweep);
    pthread_mutex_unlock(&w->lock);
    add_text(w, sweep_describe_opened);
    return true;
}

// What takes its time is said before. Whether it is the model of the run that is open.
static bool tell_load(struct worker *w, bool needed)
{
    bool lacks = needed && sweep_lacks_model(w->sweep);
    if (lacks)
        add_line(w, "", "loading the model for what the run's files do not have");
    return lacks;
}

static void tell_loaded(struct worker *w, bool lacked)
{
    if (lacked && !sweep_lacks_model(w->sweep))
        add_text(w, sweep_describe_model);
}

// A set that was interrupted is measured again, unless it was cancelled or another has been asked
// for meanwhile.
static void retry_joint(struct worker *w, const struct marks *marks)
{
    pthread_mutex_lock(&w->lock);
    if (!w->requests.joint && !w->requests.cancel) {
        w->requests.joint = true;
        w->requests.marks = *marks;
    }
    pthread_mutex_unlock(&w->lock);
}

static void measure_joint(struct worker *w, const struct marks *marks)
{
    struct abl_err err = { 0 };
    bool lacked = tell_load(w, marks->n > 1);
    bool ok = sweep_joint(w->sweep, marks, &w->interrupt, &err);
    tell_loaded(w, lacked);
    if (ok)
        return;
    if (err.code == ABL_INTERRUPTED)
        retry_joint(w, marks);
    else
        add_line(w, "!", err.text);
}

// A detail that was interrupted is made again, unless another has been asked for meanwhile.
static void retry_detail(struct worker *w, const struct detail_ask *ask)
{
    pthread_mutex_lock(&w->lock);
    if (!w->requests.detail) {
        w->requests.detail = true;
        w->requests.ask = *ask;
    }
    pthread_mutex_unlock(&w->lock);
}

static void make_detail(struct worker *w, const struct detail_ask *ask)
{
    struct abl_err err = { 0 };
    struct detail *d;
    bool lacked = tell_load(w, ask->parts && !sweep_opened_knows(w->sweep, ask));
    bool ok = sweep_detail(w->sweep, ask, &w->interrupt, &d, &err);
    tell_loaded(w, lacked);
    if (!ok) {
        if (err.code == ABL_INTERRUPTED)
            retry_detail(w, ask);
        else if (err.code == ABL_BAD_DATA) // a damaged file of the run that is open
            add_line(w, "!", err.text);
        return;
    }
    pthread_mutex_lock(&w->lock);
    struct detail *old = w->posted_detail;
    w->posted_detail = d;
    pthread_mutex_unlock(&w->lock);
    detail_free(old);
    wake(w);
}

// What is said so far; a picture that nobody has taken is replaced.
static void post_said(void *context, const struct said *so_far)
{
    struct worker *w = context;
    struct said *copy = malloc(sizeof *copy);
    if (!copy)
        return; // the next one says as much
    *copy = *so_far;
    pthread_mutex_lock(&w->lock);
    struct said *old = w->posted_said;
    w->posted_said = copy;
    pthread_mutex_unlock(&w->lock);
    free(old);
    wake(w);
}

// What was interrupted is said again, unless something else has been asked for meanwhile.
static void retry_say(struct worker *w, const struct said_ask *ask)
{
    pthread_mutex_lock(&w->lock);
    if (!w->requests.say) {
        w->requests.say = true;
        w->requests.said = *ask;
    }
    pthread_mutex_unlock(&w->lock);
}

static void say_row(struct worker *w, const struct said_ask *ask)
{
    if (!sweep_say(w->sweep, ask, &w->interrupt, post_said, w))
        retry_say(w, ask);
}

// How the sweep stands while none of it is running.
static enum run_phase phase_now(const struct worker *w, bool unfinished)
{
    return unfinished ? RUN_RUNNING : sweep_is_complete(w->sweep) ? RUN_DONE : RUN_CANCELLED;
}

static void export(struct worker *w, const char *path)
{
    struct abl_err err = { 0 };
    struct buf said = { 0 };
    bool ok = sweep_export(w->sweep, path, &said, &err);
    add_lines(w, &said);
    if (!ok)
        add_line(w, "!", err.text);
    buf_release(&said);
}

// The outline, then the numbers.
static bool run_sweep(struct worker *w, struct abl_err *err)
{
    bool ran;
    if (!sweep_outline(w->sweep, &w->interrupt, &w->wanted, post_progress, w, &ran, err))
        return false;
    if (ran) {
        post_phase(w, RUN_RUNNING, NULL);
        w->posted_at = 0; // the first finished head shows at once
    }
    return sweep_run(w->sweep, &w->interrupt, &w->wanted, post_progress, w, err);
}

// Go on with the sweep until it is complete or something is asked for; post how it stands. True if
// heads are left to do.
static bool go_on(struct worker *w)
{
    struct abl_err err = { 0 };
    bool ok = sweep_is_complete(w->sweep) || run_sweep(w, &err);
    if (!ok && err.code != ABL_INTERRUPTED) {
        if (sweep_has_news(w->sweep)) // the session may not last
            export(w, "");
        add_line(w, "!", err.text);
        post_phase(w, RUN_FAILED, &err);
        return false;
    }
    post_phase(w, phase_now(w, !ok), NULL);
    if (ok)
        add_text(w, sweep_conclude);
    return !ok;
}

static bool asked_for_anything(const struct requests *r)
{
    return r->run || r->open || r->joint || r->detail || r->say || r->cancel || r->export
           || r->stop;
}

// Wait for a request, or go on at once if the sweep is unfinished.
static struct requests next_requests(struct worker *w, bool unfinished)
{
    pthread_mutex_lock(&w->lock);
    while (!unfinished && !asked_for_anything(&w->requests)) {
        w->busy = false;
        pthread_cond_wait(&w->asked, &w->lock);
    }
    struct requests taken = w->requests;
    w->busy = true;
    w->requests = (struct requests){ 0 };
    atomic_store(&w->interrupt, false);
    pthread_mutex_unlock(&w->lock);
    return taken;
}

static void *worker_main(void *context)
{
    struct worker *w = context;
    bool ready = false, unfinished = false;
    for (;;) {
        struct requests r = next_requests(w, unfinished);
        if (r.export)
            export(w, r.export_path);
        if (r.stop)
            break;
        if (r.open)
            ready = unfinished = open_run(w, &r, ready);
        if (r.run)
            ready = unfinished = choose(w, &r);
        if (r.cancel && unfinished) {
            unfinished = false;
            post_phase(w, phase_now(w, unfinished), NULL);
        }
        if (r.joint && ready) {
            measure_joint(w, &r.marks);
            post_phase(w, phase_now(w, unfinished), NULL);
        }
        if (r.detail && ready)
            make_detail(w, &r.ask);
        if (r.say && ready)
            say_row(w, &r.said);
        unfinished = unfinished && go_on(w);
    }
    return NULL;
}

// Signals are the interface's business: the thread takes none.
static int start_thread(struct worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

bool worker_start(const struct settings *settings, struct jobs *jobs, int wake_fd,
                  struct worker **out, struct abl_err *err)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return abl_no_memory(err);
    w->wake_fd = wake_fd;
    if (!sweep_new(settings, jobs, &w->sweep, err)) {
        free(w);
        return false;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->asked, NULL);
    int failed = start_thread(w);
    if (failed) {
        sweep_free(w->sweep);
        free(w);
        return abl_fail(err, ABL_FAILED, "cannot start a thread: %s", strerror(failed));
    }
    *out = w;
    return true;
}

// Everything that is asked for interrupts what runs; the thread then sees to it and goes on.
static void ask_begin(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
}

static void ask_end(struct worker *w)
{
    atomic_store(&w->interrupt, true);
    pthread_cond_signal(&w->asked);
    pthread_mutex_unlock(&w->lock);
}

void worker_stop(struct worker *w)
{
    if (!w)
        return;
    ask_begin(w);
    w->requests.stop = true;
    ask_end(w);
    pthread_join(w->thread, NULL);
    sweep_free(w->sweep);
    snapshot_free(w->posted);
    detail_free(w->posted_detail);
    free(w->posted_said);
    buf_release(&w->lines);
    pthread_cond_destroy(&w->asked);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void worker_run(struct worker *w, const struct choice *choice, bool restart)
{
    ask_begin(w);
    w->requests.run = true;
    w->requests.cancel = false;
    w->requests.restart |= restart;
    w->requests.choice = *choice;
    ask_end(w);
}

void worker_open(struct worker *w, const struct run_reader *reader, const char *folder)
{
    ask_begin(w);
    w->requests.open = true;
    w->requests.run = w->requests.cancel = false;
    w->requests.reader = reader;
    snprintf(w->requests.folder, sizeof w->requests.folder, "%s", folder);
    ask_end(w);
}

void worker_look_at(struct worker *w, uint32_t layer)
{
    atomic_store(&w->wanted, layer);
}

void worker_joint(struct worker *w, const struct marks *marks)
{
    ask_begin(w);
    w->requests.joint = true;
    w->requests.marks = *marks;
    ask_end(w);
}

void worker_export(struct worker *w, const char *path)
{
    ask_begin(w);
    w->requests.export = true;
    strncpy(w->requests.export_path, path, sizeof w->requests.export_path - 1);
    ask_end(w);
}

void worker_detail(struct worker *w, const struct detail_ask *ask)
{
    ask_begin(w);
    w->requests.detail = true;
    w->requests.ask = *ask;
    ask_end(w);
}

void worker_say(struct worker *w, const struct said_ask *ask)
{
    ask_begin(w);
    w->requests.say = true;
    w->requests.said = *ask;
    ask_end(w);
}

void worker_cancel(struct worker *w)
{
    ask_begin(w);
    w->requests.cancel = true;
    w->requests.joint = false;
    ask_end(w);
}

struct snapshot *worker_take_snapshot(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct snapshot *s = w->posted;
    w->posted = NULL;
    pthread_mutex_unlock(&w->lock);
    return s;
}

struct detail *worker_take_detail(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct detail *d = w->posted_detail;
    w->posted_detail = NULL;
    pthread_mutex_unlock(&w->lock);
    return d;
}

struct said *worker_take_said(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct said *s = w->posted_said;
    w->posted_said = NULL;
    pthread_mutex_unlock(&w->lock);
    return s;
}

bool worker_take_opened(struct worker *w, struct opened_news *out)
{
    pthread_mutex_lock(&w->lock);
    bool has = w->has_opened;
    if (has)
        *out = w->opened;
    w->has_opened = false;
    pthread_mutex_unlock(&w->lock);
    return has;
}

void worker_take_lines(struct worker *w, struct buf *out)
{
    pthread_mutex_lock(&w->lock);
    buf_add(out, w->lines.data, w->lines.len);
    w->lines.len = 0;
    pthread_mutex_unlock(&w->lock);
}

bool worker_is_idle(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool idle = !w->busy && !asked_for_anything(&w->requests) && !w->posted && !w->posted_detail
                && !w->posted_said && !w->has_opened && !w->lines.len;
    pthread_mutex_unlock(&w->lock);
    return idle;
}
