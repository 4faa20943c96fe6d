// Requests to the thread that computes, in every order that a user can give them in.
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "ui/worker.h"

enum { ROUNDS = 20 };

struct rig {
    struct settings settings;
    struct choice choice;
    struct worker *worker;
    int wake[2];
    struct snapshot *last; // NULL before the first
    struct buf lines;
};

static struct rig *new_rig(size_t max_rows)
{
    struct rig *r = calloc(1, sizeof *r);
    struct abl_err err;
    assert_non_null(r);
    settings_default(&r->settings, &experiment_heads);
    r->settings.data_dir = "data";
    r->settings.max_rows = max_rows;
    r->settings.n_boot = 10;
    r->settings.n_threads = 1;
    r->choice.experiment = r->settings.experiment;
    r->choice.kinds.n = 1;
    strcpy(r->choice.model, "tiny-gpt2");
    strcpy(r->choice.data, "facts");
    strcpy(r->choice.device, "cpu");
    assert_int_equal(pipe(r->wake), 0);
    if (!worker_start(&r->settings, NULL, r->wake[1], &r->worker, &err))
        fail_msg("%s", err.text);
    return r;
}

static void free_rig(struct rig *r)
{
    worker_stop(r->worker);
    close(r->wake[0]);
    close(r->wake[1]);
    snapshot_free(r->last);
    buf_release(&r->lines);
    free(r);
}

static void take(struct rig *r)
{
    struct snapshot *s = worker_take_snapshot(r->worker);
    worker_take_lines(r->worker, &r->lines);
    if (!s)
        return;
    snapshot_free(r->last);
    r->last = s;
}

// Wait for the worker to have news; a byte in the pipe may be about something already taken.
static void await(struct rig *r)
{
    char byte;
    struct pollfd fd = { .fd = r->wake[0], .events = POLLIN };
    if (poll(&fd, 1, 10) > 0 && read(r->wake[0], &byte, 1) < 0)
        fail_msg("cannot read the pipe");
    take(r);
}

static void settle(struct rig *r)
{
    while (!worker_is_idle(r->worker))
        await(r);
    take(r);
}

static const char *phase_name(enum run_phase phase)
{
    static const char *const names[] = { "loading", "running", "done", "cancelled", "failed" };
    return names[phase];
}

static void expect_phase(const struct rig *r, enum run_phase phase, const char *when, int round)
{
    assert_non_null(r->last);
    if (r->last->phase != phase)
        fail_msg("%s, round %d: the sweep is %s after %zu of %zu heads, expected %s", when, round,
                 phase_name(r->last->phase), r->last->done, r->last->total, phase_name(phase));
}

static void a_cancel_right_after_a_start_stops_the_sweep(void **state)
{
    (void)state;
    struct rig *r = new_rig(0);
    for (int i = 0; i < ROUNDS; i++) {
        worker_run(r->worker, &r->choice, true);
        worker_cancel(r->worker);
        settle(r);
        expect_phase(r, RUN_CANCELLED, "cancelled at once", i);
    }
    free_rig(r);
}

// The thread may be anywhere: taking the request, starting over, or some heads into the sweep.
static void a_cancel_at_any_moment_of_a_sweep_is_kept(void **state)
{
    (void)state;
    struct rig *r = new_rig(0);
    worker_run(r->worker, &r->choice, false);
    settle(r);
    for (int i = 0; i < ROUNDS; i++) {
        worker_run(r->worker, &r->choice, true);
        usleep((useconds_t)(30 * i));
        worker_cancel(r->worker);
        settle(r);
        expect_phase(r, RUN_CANCELLED, "cancelled meanwhile", i);
    }
    free_rig(r);
}

static void a_cancel_before_a_start_does_not_stop_it(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    for (int i = 0; i < ROUNDS; i++) {
        worker_cancel(r->worker);
        worker_run(r->worker, &r->choice, true);
        settle(r);
        expect_phase(r, RUN_DONE, "cancelled before", i);
    }
    free_rig(r);
}

static void a_cancel_of_one_sweep_does_not_stop_the_next(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    for (int i = 0; i < ROUNDS; i++) {
        worker_run(r->worker, &r->choice, true);
        worker_cancel(r->worker);
        worker_run(r->worker, &r->choice, i % 2 == 0);
        settle(r);
        expect_phase(r, RUN_DONE, "started again", i);
        assert_int_equal(r->last->done, r->last->total);
    }
    free_rig(r);
}

static void a_cancel_while_idle_changes_nothing(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    worker_run(r->worker, &r->choice, false);
    settle(r);
    worker_cancel(r->worker);
    settle(r);
    expect_phase(r, RUN_DONE, "cancelled afterwards", 0);
    free_rig(r);
}

static const struct marks two_marks = { .items = { { 0, 1 }, { 2, 3 } }, .n = 2 };

static void a_set_is_measured_after_a_cancelled_sweep(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    worker_run(r->worker, &r->choice, true);
    worker_cancel(r->worker);
    worker_joint(r->worker, &two_marks);
    settle(r);
    expect_phase(r, RUN_CANCELLED, "cancelled, then marked", 0);
    assert_true(r->last->has_joint);
    assert_int_equal(r->last->joint.marks.n, 2);
    free_rig(r);
}

static void a_cancel_gives_up_the_set_asked_for_before_it(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    worker_run(r->worker, &r->choice, true);
    worker_joint(r->worker, &two_marks);
    worker_cancel(r->worker);
    settle(r);
    expect_phase(r, RUN_CANCELLED, "marked, then cancelled", 0);
    assert_false(r->last->has_joint);
    free_rig(r);
}

static void marks_of_a_larger_model_are_not_measured(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    struct marks far = { .items = { { 0, 1 }, { 99, 0 } }, .n = 2 };
    worker_run(r->worker, &r->choice, false);
    worker_joint(r->worker, &far);
    settle(r);
    expect_phase(r, RUN_DONE, "marked outside", 0);
    assert_false(r->last->has_joint);
    free_rig(r);
}

// Keeping two heads alone is ablating all others at once.
static void kept_heads_are_the_others_ablated(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    struct marks kept = two_marks, others = { .n = 0 };
    kept.keep_only = true;
    for (uint32_t i = 0; i < 32; i++)
        if (!marks_has(&two_marks, (struct head){ i / 8, i % 8 }))
            assert_true(marks_toggle(&others, (struct head){ i / 8, i % 8 }));
    worker_run(r->worker, &r->choice, false);
    worker_joint(r->worker, &kept);
    settle(r);
    assert_true(r->last->has_joint);
    double found = r->last->joint.effect.joint.mean;
    worker_joint(r->worker, &others);
    settle(r);
    assert_true(r->last->has_joint && !r->last->joint.marks.keep_only);
    assert_true(fabs(found) > 0.1);
    assert_true(fabs(found - r->last->joint.effect.joint.mean) < 1e-12);
    free_rig(r);
}

static struct said *say(struct rig *r, const struct said_ask *ask)
{
    struct said *said = NULL;
    worker_say(r->worker, ask);
    while (!worker_is_idle(r->worker)) {
        struct said *next = worker_take_said(r->worker);
        await(r);
        free(next ? said : NULL);
        said = next ? next : said;
    }
    return said;
}

static void what_is_said_comes_of_this_run_alone(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    worker_run(r->worker, &r->choice, false);
    settle(r);
    struct said_ask ask = { .row = 1, .heads = two_marks, .run = r->last->run };
    struct said *said = say(r, &ask);
    assert_non_null(said);
    assert_true(said->whole && said->n > 0 && said_same_ask(&said->ask, &ask));
    assert_true(said->lines[0].texts[0].there && said->lines[0].texts[1].there);
    free(said);
    ask.how.kind = ABLATE_RESAMPLE; // the row's own donor gives
    said = say(r, &ask);
    assert_true(said && said->whole);
    free(said);
    ask.run++;
    assert_null(say(r, &ask));
    free_rig(r);
}

static void the_log_names_a_model_by_the_path_from_here(void **state)
{
    (void)state;
    struct rig *r = new_rig(8);
    worker_run(r->worker, &r->choice, false);
    settle(r);
    assert_non_null(strstr(r->lines.data, "from data/models/tiny-gpt2\n"));
    free_rig(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancel_right_after_a_start_stops_the_sweep),
        cmocka_unit_test(a_cancel_at_any_moment_of_a_sweep_is_kept),
        cmocka_unit_test(a_cancel_before_a_start_does_not_stop_it),
        cmocka_unit_test(a_cancel_of_one_sweep_does_not_stop_the_next),
        cmocka_unit_test(a_cancel_while_idle_changes_nothing),
        cmocka_unit_test(a_set_is_measured_after_a_cancelled_sweep),
        cmocka_unit_test(a_cancel_gives_up_the_set_asked_for_before_it),
        cmocka_unit_test(marks_of_a_larger_model_are_not_measured),
        cmocka_unit_test(kept_heads_are_the_others_ablated),
        cmocka_unit_test(what_is_said_comes_of_this_run_alone),
        cmocka_unit_test(the_log_names_a_model_by_the_path_from_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
