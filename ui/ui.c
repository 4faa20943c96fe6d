#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ui/action.h"
#include "ui/apply.h"
#include "ui/catalog.h"
#include "ui/choose.h"
#include "ui/copied.h"
#include "ui/keys.h"
#include "ui/picker.h"
#include "ui/shot.h"
#include "ui/term.h"
#include "ui/view.h"
#include "ui/worker.h"

enum { WAIT_MS = 50, REDRAW_MS = 100 };

// The signal that asked the program to end. Handlers set it and return; the loop does the rest.
static volatile sig_atomic_t signal_caught;

static void catch_signal(int number)
{
    signal_caught = number;
}

struct ui {
    const struct settings *settings;
    const struct ui_settings *ui;
    struct jobs *jobs;
    struct state *state;
    struct worker *worker;
    struct term *term;              // NULL for a screenshot
    struct catalog_search *catalog; // NULL until a picker is opened
    struct grid grid;
    int wake[2]; // pipe: the worker writes, the loop reads
    bool quit, redraw, redraw_all;
    double drawn_at;
    struct abl_err *err;
};

static bool open_wake(struct ui *u)
{
    return pipe2(u->wake, O_CLOEXEC | O_NONBLOCK) == 0
           || abl_fail(u->err, ABL_FAILED, "cannot make a pipe: %s", strerror(errno));
}

static void drain_wake(struct ui *u)
{
    char block[64];
    while (read(u->wake[0], block, sizeof block) > 0)
        continue;
}

static bool resize(struct ui *u, uint32_t width, uint32_t height)
{
    u->state->width = width;
    u->state->height = height;
    u->redraw = u->redraw_all = true;
    return grid_init(&u->grid, width, height, u->err);
}

static void close_ui(struct ui *u)
{
    term_close(u->term);
    worker_stop(u->worker);
    catalog_search_free(u->catalog);
    state_free(u->state);
    grid_release(&u->grid);
    if (u->wake[0] >= 0)
        close(u->wake[0]);
    if (u->wake[1] >= 0)
        close(u->wake[1]);
}

static bool open_ui(struct ui *u)
{
    if (!open_wake(u) || !state_new(u->settings, &u->state, u->err)
        || !worker_start(u->settings, u->jobs, u->wake[1], &u->worker, u->err))
        return false;
    for (size_t i = 0; i < u->ui->n_open; i++)
        if (!open_runs_add(&u->state->open, u->ui->open[i], u->err))
            return false;
    u->state->open.shown = 0;
    if (u->ui->n_open)
        worker_open(u->worker, u->ui->runs, u->state->open.places[0]);
    else
        worker_run(u->worker, &u->state->choice, false);
    return true;
}

// Lines of the worker and of drivers, a tab first for what is for the log alone, then '!' for
// warnings and errors. The last one is a message too.
static void show_lines(struct ui *u, const char *text, bool say)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        bool quiet = *text == '\t', is_error = text[quiet] == '!';
        bool last = !text[len] || !text[len + 1];
        size_t marks = (size_t)quiet + is_error;
        char *line = strndup(text + marks, len - marks);
        text += len + (text[len] == '\n');
        if (line && say && last && !quiet)
            state_say(u->state, is_error, "%s", line);
        else if (line && *line)
            state_log(u->state, is_error, line);
        free(line);
        u->redraw = true;
    }
}

static void take_catalog(struct ui *u)
{
    unsigned found = u->catalog ? catalog_search_found(u->catalog) : 0;
    if (found == u->state->found)
        return;
    picker_take_catalog(u->state, catalog_search_lists(u->catalog), found);
    u->redraw = true;
}

// What the visible panes lack.
static void ask_detail(struct ui *u)
{
    struct detail_ask ask;
    struct said_ask said;
    if (state_ask_detail(u->state, &ask))
        worker_detail(u->worker, &ask);
    if (state_ask_say(u->state, &said))
        worker_say(u->worker, &said);
}

// What the worker has done since the last look.
static void take_results(struct ui *u)
{
    struct buf lines = { 0 };
    struct opened_news opened;
    if (worker_take_opened(u->worker, &opened))
        state_take_opened(u->state, &opened.choice, opened.ov_kind);
    struct snapshot *snap = worker_take_snapshot(u->worker);
    if (snap) {
        bool first = snap->n_sampled && !(u->state->snap && u->state->snap->n_sampled);
        // the first cells show at once
        if (first)
            u->drawn_at = 0;
        if (state_take_snapshot(u->state, snap))
            worker_joint(u->worker, &u->state->marks);
        u->redraw = true;
    }
    struct detail *detail = worker_take_detail(u->worker);
    if (detail) {
        state_take_detail(u->state, detail);
        u->redraw = true;
    }
    struct said *said = worker_take_said(u->worker);
    if (said) {
        state_take_said(u->state, said);
        u->redraw = true;
    }
    ask_detail(u);
    worker_take_lines(u->worker, &lines);
    show_lines(u, lines.data, true);
    buf_release(&lines);
    take_catalog(u);
}

static void save_screenshot(struct ui *u)
{
    struct abl_err err;
    const char *path = u->state->screenshot_path;
    u->state->message[0] = '\0';
    grid_clear(&u->grid);
    view_draw(u->state, &u->grid);
    if (shot_write(&u->grid, u->jobs, path, &err))
        state_say(u->state, false, "screenshot in %s", path);
    else
        state_say(u->state, true, "%s", err.text);
}

static void save_sets(struct ui *u)
{
    struct buf text = { 0 };
    struct abl_err err = { 0 };
    const char *path = u->state->sets_path;
    choose_sets_text(u->state, &text);
    if (text.failed)
        abl_no_memory(&err);
    else if (file_write_atomic(path, text.data, text.len, &err))
        state_say(u->state, false, "%zu sets in %s: --sets @%s reads them", u->state->n_named_sets,
                  path, path);
    if (err.code)
        state_say(u->state, true, "%s", err.text);
    buf_release(&text);
}

static void search_catalog(struct ui *u)
{
    struct abl_err err;
    struct model_places places = { u->settings->data_dir, u->settings->hf_cache };
    if (!u->catalog && !catalog_search_start(&places, u->wake[1], &u->catalog, &err))
        state_say(u->state, true, "%s", err.text);
    take_catalog(u); // what needs no search is there for the next key
}

// A place as it was typed, made one that is meant.
static bool means_place(struct ui *u, char *text, size_t size)
{
    struct abl_err err;
    if (typed_place(text, size, getenv("HOME"), &err))
        return true;
    state_say(u->state, true, "%s", err.text);
    return false;
}

static void copy_selected(struct ui *u)
{
    struct buf text = { 0 };
    copied_text(u->state, &text);
    if (!text.len)
        state_say(u->state, true, "nothing to copy yet");
    else if (text.failed || (u->term && !term_copy(u->term, text.data, text.len)))
        state_say(u->state, true, "the terminal took nothing");
    else
        state_say(u->state, false, "given to the terminal's clipboard, where it allows that");
    buf_release(&text);
}

// The only place where an action reaches beyond the state.
static void carry_out(struct ui *u, unsigned effects)
{
    struct choice *c = &u->state->choice;
    if (effects & EFFECT_CANCEL)
        worker_cancel(u->worker);
    if (effects & (EFFECT_RUN | EFFECT_RERUN) && means_place(u, c->model, sizeof c->model)
        && means_place(u, c->data, sizeof c->data))
        worker_run(u->worker, &u->state->choice, effects & EFFECT_RERUN);
    if (effects & EFFECT_OPEN_NEW && means_place(u, u->state->open_path, sizeof u->state->open_path)
        && state_open_run(u->state, u->state->open_path))
        effects |= EFFECT_OPEN;
    if (effects & EFFECT_OPEN && u->ui->runs)
        worker_open(u->worker, u->ui->runs, u->state->open_path);
    if (effects & EFFECT_JOINT)
        worker_joint(u->worker, &u->state->marks);
    if (effects & EFFECT_EXPORT
        && means_place(u, u->state->export_path, sizeof u->state->export_path))
        worker_export(u->worker, u->state->export_path);
    if (effects & EFFECT_SCREENSHOT
        && means_place(u, u->state->screenshot_path, sizeof u->state->screenshot_path))
        save_screenshot(u);
    if (effects & EFFECT_COPY)
        copy_selected(u);
    if (effects & EFFECT_SETS && means_place(u, u->state->sets_path, sizeof u->state->sets_path))
        save_sets(u);
    if (effects & EFFECT_CATALOG)
        search_catalog(u);
    if (effects & EFFECT_REDRAW)
        u->redraw_all = true;
    if (effects & EFFECT_QUIT)
        u->quit = true;
}

static void press(struct ui *u, uint32_t key)
{
    const struct binding *b = key_find(u->state, key);
    if (b)
        carry_out(u, apply_action(u->state, b->action, b->action == DO_TYPE ? key : b->arg));
    worker_look_at(u->worker, u->state->cursor.layer);
    ask_detail(u);
}

static void click(struct ui *u, uint32_t x, uint32_t y)
{
    struct head h;
    enum pane pane;
    if (view_pane_at(u->state, x, y, &pane) && pane != u->state->focus)
        carry_out(u, apply_action(u->state, DO_PANE, pane));
    if (view_hit(u->state, x, y, &h))
        carry_out(u, apply_action(u->state, DO_SELECT, h.layer << 16 | h.head));
    worker_look_at(u->worker, u->state->cursor.layer);
}

// Everything that was typed: drawn at once. False when memory is out.
static bool read_keys(struct ui *u)
{
    uint32_t key, x, y, width, height;
    for (enum term_event e; (e = term_read(u->term, &key, &x, &y)) != TERM_NONE;) {
        u->redraw = true;
        u->drawn_at = 0;
        if (e == TERM_KEY)
            press(u, key);
        else if (e == TERM_CLICK)
            click(u, x, y);
        else if (e == TERM_WHEEL_UP || e == TERM_WHEEL_DOWN)
            press(u, e == TERM_WHEEL_UP ? KEYCODE_UP : KEYCODE_DOWN);
        else {
            term_size(u->term, &width, &height);
            if (!resize(u, width, height))
                return false;
        }
    }
    return true;
}

static void draw(struct ui *u)
{
    double now = now_seconds();
    if (!u->redraw || now - u->drawn_at < REDRAW_MS * 1e-3)
        return;
    grid_clear(&u->grid);
    view_draw(u->state, &u->grid);
    term_draw(u->term, &u->grid, u->redraw_all);
    u->redraw = u->redraw_all = false;
    u->drawn_at = now;
}

static void wait_for_events(struct ui *u)
{
    struct pollfd fds[] = { { .fd = term_input_fd(u->term), .events = POLLIN },
                            { .fd = u->wake[0], .events = POLLIN },
                            { .fd = term_stderr_fd(u->term), .events = POLLIN } };
    poll(fds, 3, u->redraw ? WAIT_MS : 1000);
    if (fds[0].revents & (POLLHUP | POLLERR))
        signal_caught = SIGHUP;
    drain_wake(u);
}

static void take_stderr(struct ui *u)
{
    struct buf noise = { 0 };
    term_take_stderr(u->term, &noise);
    show_lines(u, noise.data, false);
    buf_release(&noise);
}

static bool loop(struct ui *u)
{
    while (!u->quit && !signal_caught) {
        take_results(u);
        take_stderr(u);
        draw(u);
        wait_for_events(u);
        if (!read_keys(u))
            return false;
    }
    return true;
}

// Asked to end from outside: what has been measured is written before the program goes.
static bool end_by_signal(struct ui *u)
{
    static const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    worker_cancel(u->worker);
    worker_export(u->worker, "");
    while (!worker_is_idle(u->worker)) {
        take_results(u);
        nanosleep(&pause, NULL);
    }
    take_results(u);
    const struct log_message *last = log_message_at(&u->state->log, 0);
    return abl_fail(u->err, ABL_INTERRUPTED, "stopped by signal %d: %s", (int)signal_caught,
                    last ? last->text : "nothing had been measured");
}

static void set_signals(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = catch_signal };
    signal_caught = 0;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool run_on_terminal(struct ui *u, const struct ui_settings *ui)
{
    uint32_t width, height;
    if (!term_open(ui->color, !ui->no_mouse, &u->term, u->err))
        return false;
    set_signals(); // after curses, which has handlers of its own
    if (!open_ui(u))
        return false;
    u->state->look = term_look(u->term) | (ui->ascii ? (unsigned)LOOK_ASCII : 0u);
    term_size(u->term, &width, &height);
    if (term_note(u->term))
        state_say(u->state, false, "%s", term_note(u->term));
    if (!resize(u, width, height) || !loop(u))
        return false;
    return u->quit || end_by_signal(u);
}

bool ui_run(const struct settings *run, const struct ui_settings *ui, struct abl_err *err)
{
    struct ui u = { .settings = run, .ui = ui, .jobs = ui->jobs, .wake = { -1, -1 }, .err = err };
    bool ok = run_on_terminal(&u, ui);
    close_ui(&u);
    return ok;
}

static bool finished(const struct state *s)
{
    return s->snap
           && (s->snap->phase == RUN_DONE || s->snap->phase == RUN_FAILED
               || s->snap->phase == RUN_CANCELLED);
}

// Until the run has ended and nothing is left to take.
static void wait_until_idle(struct ui *u)
{
    while (!(finished(u->state) && worker_is_idle(u->worker))) {
        struct pollfd fd = { .fd = u->wake[0], .events = POLLIN };
        poll(&fd, 1, WAIT_MS);
        drain_wake(u);
        take_results(u);
    }
}

bool ui_screenshot(const struct settings *run, const struct ui_settings *ui, const char *path,
                   struct abl_err *err)
{
    struct ui u = { .settings = run, .ui = ui, .jobs = ui->jobs, .wake = { -1, -1 }, .err = err };
    bool ok = shot_check_path(path, err) && open_ui(&u) && resize(&u, ui->width, ui->height);
    if (ok)
        u.state->look = (ui->ascii ? (unsigned)LOOK_ASCII : 0u)
                        | (ui->color == COLOR_NEVER ? (unsigned)LOOK_MONO : 0u);
    if (ok)
        wait_until_idle(&u);
    if (ok && u.state->snap->phase == RUN_FAILED) {
        *err = u.state->snap->err;
        ok = false;
    }
    if (ok) {
        u.state->message[0] = '\0';
        ask_detail(&u); // of the head that the run's end has selected
        wait_until_idle(&u);
        u.state->message[0] = '\0';
        view_draw(u.state, &u.grid);
        ok = shot_write(&u.grid, u.jobs, path, err);
    }
    close_ui(&u);
    return ok;
}
