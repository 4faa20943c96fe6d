// What becomes of each thing that a server does, played without one.
#include "format/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"

enum { SIZE = 1 << 20, MINUTE = 60000 };

static const struct fetch_rules rules
    = { .least_rate = 4096, .window_ms = MINUTE, .pause_ms = 500, .until_ms = 3600000 };
static const struct fetch_goal goal
    = { .url = "https://hub/file", .has_token = true, .size = SIZE };

static void header(struct fetch *f, const char *line)
{
    assert_true(fetch_header(f, line, strlen(line)));
}

// An answer's head.
static void head(struct fetch *f, uint64_t now, const char *status, const char *line)
{
    char text[64];
    snprintf(text, sizeof text, "HTTP/1.1 %s\r\n", status);
    fetch_asked(f, now);
    header(f, text);
    if (line)
        header(f, line);
}

static enum fetch_step start(struct fetch *f, uint64_t have)
{
    return fetch_begin(f, &rules, &goal, have, 0);
}

#define expect_step(found, expected)                                                               \
    do {                                                                                           \
        enum fetch_step step_ = found;                                                             \
        if (step_ != (expected))                                                                   \
            fail_msg("line %d: found step %d, expected %d", __LINE__, step_, expected);            \
    } while (0)

#define expect_over(f, found, why)                                                                 \
    do {                                                                                           \
        expect_step(found, FETCH_OVER);                                                            \
        if ((f)->end != (why))                                                                     \
            fail_msg("line %d: found end %d, expected %d", __LINE__, (f)->end, why);               \
    } while (0)

static void takes_a_file_and_asks_for_its_hash(void **state)
{
    (void)state;
    struct fetch f;
    expect_step(start(&f, 0), FETCH_ASK);
    assert_string_equal(f.url, "https://hub/file");
    assert_true(f.with_token && !f.direct && f.from == 0 && f.wait_ms == 0);
    head(&f, 0, "200 OK", NULL);
    struct fetch_take t = fetch_body(&f, SIZE - 10, 5);
    assert_true(t.n == SIZE - 10 && t.offset == 0 && t.anew && !t.stop);
    t = fetch_body(&f, 10, 6);
    assert_true(t.n == 10 && t.offset == SIZE - 10 && !t.anew && !t.stop);
    expect_step(fetch_answered(&f, false, 7), FETCH_CHECK);
    expect_step(fetch_checked(&f, true, 8), FETCH_DONE);
}

static void goes_on_where_it_was_cut(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 1000);
    assert_int_equal(f.from, 1000);
    head(&f, 0, "206 Partial Content", "Content-Range: bytes 1000-1048575/1048576\r\n");
    struct fetch_take t = fetch_body(&f, 70000, 1);
    assert_true(t.n == 70000 && t.offset == 1000 && !t.anew);
    expect_step(fetch_answered(&f, true, 2), FETCH_ASK);
    assert_true(f.from == 71000 && f.wait_ms == 500);
    head(&f, 2, "200 OK", NULL); // a server without ranges
    t = fetch_body(&f, 5, 3);
    assert_true(t.n == 5 && t.offset == 0 && t.anew);
}

static void a_part_of_another_place_is_not_taken(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 1000);
    head(&f, 0, "206 Partial Content", "content-range: bytes 0-1048575/1048576\r\n");
    struct fetch_take t = fetch_body(&f, 100, 1);
    assert_true(t.n == 0 && t.stop);
    expect_step(fetch_answered(&f, true, 2), FETCH_ASK);
    assert_int_equal(f.from, 0);
}

static void nothing_is_stored_beyond_the_size(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 0);
    head(&f, 0, "200 OK", NULL);
    struct fetch_take t = fetch_body(&f, SIZE + 1, 1);
    assert_true(t.n == SIZE && t.stop);
    expect_step(fetch_answered(&f, true, 1), FETCH_ASK);
    assert_int_equal(f.from, 0);
}

static void a_file_that_is_stored_is_only_checked(void **state)
{
    (void)state;
    struct fetch f;
    expect_step(start(&f, SIZE), FETCH_CHECK);
    expect_step(fetch_checked(&f, false, 0), FETCH_ASK);
    assert_int_equal(f.from, 0);
    expect_step(start(&f, SIZE + 1), FETCH_ASK);
    assert_int_equal(f.from, 0);
}

static void wrong_bytes_are_asked_for_six_times(void **state)
{
    (void)state;
    struct fetch f;
    enum fetch_step step = start(&f, 0);
    int asked = 0;
    for (uint64_t now = 0; step == FETCH_ASK; now += 10) {
        head(&f, now, "200 OK", NULL);
        fetch_body(&f, SIZE, now);
        expect_step(fetch_answered(&f, false, now), FETCH_CHECK);
        step = fetch_checked(&f, false, now);
        asked++;
    }
    expect_over(&f, step, FETCH_WRONG);
    assert_int_equal(asked, FETCH_TRIES);
}

// How often a server is asked that cuts each answer after so many bytes, each after so long.
static int cuts(uint64_t bytes, uint64_t ms, enum fetch_step *step, struct fetch *f)
{
    int asked = 0;
    uint64_t now = 0;
    for (*step = start(f, 0); *step == FETCH_ASK && asked < 1000; asked++) {
        head(f, now, "206 Partial Content", NULL);
        fetch_body(f, size_min(bytes, SIZE - f->from), now += ms);
        *step = fetch_answered(f, true, now);
    }
    return asked;
}

static void single_bytes_do_not_make_up_for_cuts(void **state)
{
    (void)state;
    struct fetch f;
    enum fetch_step step;
    assert_int_equal(cuts(1, 0, &step, &f), FETCH_TRIES);
    expect_over(&f, step, FETCH_CUT);
    assert_int_equal(f.have, FETCH_TRIES);
}

static void cuts_do_not_count_while_enough_comes(void **state)
{
    (void)state;
    struct fetch f;
    enum fetch_step step;
    assert_int_equal(cuts(SIZE / 12, 10, &step, &f), 13);
    expect_step(step, FETCH_CHECK);
    // 87381 bytes in 25 s are fewer than 4096 a second
    assert_int_equal(cuts(SIZE / 12, 25000, &step, &f), FETCH_TRIES);
    expect_over(&f, step, FETCH_CUT);
}

// Bytes that come one by one, for so long a pause between them; the time when that was stopped.
static uint64_t trickle(struct fetch *f, uint64_t pause)
{
    start(f, 0);
    head(f, 0, "200 OK", NULL);
    for (uint64_t now = 0; now < 3000000; now += pause)
        if (fetch_body(f, 1, now).stop)
            return now;
    return 0;
}

static void a_trickle_is_cut_after_a_window(void **state)
{
    (void)state;
    struct fetch f;
    assert_int_equal(trickle(&f, 50), MINUTE);
    expect_step(fetch_answered(&f, true, MINUTE), FETCH_ASK); // it is asked again
    assert_true(f.from == 1201 && f.wait_ms == 500);
}

static void silence_is_cut_even_where_any_rate_will_do(void **state)
{
    (void)state;
    struct fetch f;
    struct fetch_rules any = rules;
    any.least_rate = 0;
    fetch_begin(&f, &any, &goal, 0, 0);
    head(&f, 0, "200 OK", NULL);
    assert_true(fetch_goes_on(&f, MINUTE - 1));
    assert_false(fetch_goes_on(&f, MINUTE));
    fetch_begin(&f, &any, &goal, 0, 0);
    head(&f, 0, "200 OK", NULL);
    assert_false(fetch_body(&f, 1, MINUTE - 1).stop);
    assert_true(fetch_goes_on(&f, MINUTE));
    assert_true(fetch_goes_on(&f, 2 * MINUTE - 1));
    assert_false(fetch_goes_on(&f, 2 * MINUTE));
}

// Redirects to itself and headers are no progress.
static void redirects_do_not_begin_a_new_window(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 0);
    head(&f, 0, "302 Found", "Location: /other\r\n");
    assert_true(fetch_goes_on(&f, MINUTE - 1));
    expect_step(fetch_answered(&f, false, MINUTE - 1), FETCH_ASK);
    head(&f, MINUTE - 1, "200 OK", NULL);
    assert_false(fetch_goes_on(&f, MINUTE));
}

static void time_is_up_for_all_tries_together(void **state)
{
    (void)state;
    struct fetch f;
    enum fetch_step step = start(&f, 0);
    uint64_t now = 0;
    int asked = 0;
    for (; step == FETCH_ASK; asked++) { // 100 kB a minute, cut each time
        head(&f, now, "206 Partial Content", NULL);
        fetch_body(&f, 260000, now + 1);
        now += MINUTE;
        step = fetch_answered(&f, true, now);
        if (f.have > SIZE / 2) {
            f.have = 0; // so that it never ends
            f.best = 0;
        }
    }
    expect_over(&f, step, FETCH_LATE);
    assert_int_equal(asked, 60);
    expect_over(&f, fetch_begin(&f, &rules, &goal, 0, rules.until_ms), FETCH_LATE);
}

static void what_is_whole_as_time_runs_out_is_whole(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 0);
    head(&f, 0, "200 OK", NULL);
    fetch_body(&f, SIZE, rules.until_ms);
    expect_step(fetch_answered(&f, false, rules.until_ms), FETCH_CHECK);
}

static void redirect(struct fetch *f, const char *to, enum fetch_step expected)
{
    char line[128];
    snprintf(line, sizeof line, "location:  %s \r\n", to);
    head(f, 0, "307 Temporary Redirect", line);
    if (fetch_answered(f, false, 0) != expected)
        fail_msg("to '%s': expected step %d", to, expected);
}

static void a_token_stays_with_its_server(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 0);
    redirect(&f, "/elsewhere", FETCH_ASK);
    assert_true(f.with_token && strcmp(f.url, "https://hub/elsewhere") == 0);
    redirect(&f, "https://hub:444/x", FETCH_ASK);
    assert_false(f.with_token);
    redirect(&f, "https://hub/x", FETCH_ASK); // and back
    assert_false(f.with_token);
    head(&f, 0, "503 Busy", NULL); // a new try begins at the front
    expect_step(fetch_answered(&f, false, 0), FETCH_ASK);
    assert_true(f.with_token && strcmp(f.url, goal.url) == 0);
}

static void redirects_end_somewhere(void **state)
{
    (void)state;
    static const char *const bad[]
        = { "http://hub/x", "ftp://hub/x", "https://u@hub/x", "", "https://" };
    struct fetch f;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        start(&f, 0);
        redirect(&f, bad[i], FETCH_OVER);
        assert_int_equal(f.end, FETCH_ASTRAY);
    }
    start(&f, 0);
    for (int i = 0; i < 8; i++)
        redirect(&f, "/round", FETCH_ASK);
    redirect(&f, "/round", FETCH_OVER);
    assert_int_equal(f.end, FETCH_ASTRAY);
    start(&f, 0);
    head(&f, 0, "302 Found", NULL);
    expect_over(&f, fetch_answered(&f, false, 0), FETCH_ASTRAY);
}

static void two_locations_lead_nowhere(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 0);
    head(&f, 0, "302 Found", "Location: /a\r\n");
    header(&f, "Location: /b\r\n");
    expect_over(&f, fetch_answered(&f, false, 0), FETCH_ASTRAY);
}

static void what_is_in_the_clear_or_here_passes_no_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool token, direct;
    } cases[] = { { "http://mirror/x", true, true },
                  { "http://mirror/x", false, false },
                  { "http://127.0.0.1:8/x", false, true },
                  { "https://hub/x", true, false } };
    struct fetch f;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fetch_goal g = { cases[i].url, cases[i].token, SIZE, false };
        expect_step(fetch_begin(&f, &rules, &g, 0, 0), FETCH_ASK);
        if (f.direct != cases[i].direct)
            fail_msg("case %zu: found %d", i, f.direct);
    }
}

static void waits_as_the_server_asks_within_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t ms;
    } cases[] = { { "Retry-After: 7\r\n", 7000 },
                  { "retry-after:3600\r\n", 60000 },
                  { "Retry-After: 99999999999999999999\r\n", 60000 },
                  { "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 500 },
                  { "Retry-After:", 500 } };
    struct fetch f;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(&f, 0);
        head(&f, 0, "429 Too Many Requests", cases[i].line);
        expect_step(fetch_answered(&f, false, 0), FETCH_ASK);
        if (f.wait_ms != cases[i].ms)
            fail_msg("'%s': found %d ms", cases[i].line, (int)f.wait_ms);
    }
}

static void refusals_end_it_and_say_why(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 0);
    head(&f, 0, "401 Unauthorized", "X-Error-Code: RepoNotFound\r\n");
    expect_over(&f, fetch_answered(&f, false, 0), FETCH_DENIED);
    assert_true(f.status == 401 && strcmp(f.reason, "RepoNotFound") == 0);
    start(&f, 0);
    head(&f, 0, "403 Forbidden", "X-Error-Code: Gated\x1b[2J\r\n");
    assert_string_equal(f.reason, "Gated");
    head(&f, 0, "100 Continue", "X-Error-Code: Old\r\n");
    header(&f, "HTTP/1.1 404 Not Found\r\n"); // what stood above was another's
    assert_true(f.status == 404 && !*f.reason);
}

static void a_part_that_the_server_does_not_know_is_begun_anew(void **state)
{
    (void)state;
    struct fetch f;
    start(&f, 1000);
    head(&f, 0, "416 Range Not Satisfiable", NULL);
    expect_step(fetch_answered(&f, false, 0), FETCH_ASK);
    assert_int_equal(f.from, 0);
}

static void headers_and_bodies_that_nobody_wants_have_an_end(void **state)
{
    (void)state;
    struct fetch f;
    size_t n = 0;
    start(&f, 0);
    head(&f, 0, "200 OK", NULL);
    while (n < 1000 && fetch_header(&f, "x: y\r\n", 1024))
        n++;
    assert_int_equal(n, 255);
    expect_step(fetch_answered(&f, true, 0), FETCH_ASK);
    head(&f, 0, "500 Oh", NULL);
    for (n = 0; n < 1000 && !fetch_body(&f, 1024, 0).stop;)
        n++;
    assert_int_equal(n, 64);
    expect_step(fetch_answered(&f, true, 0), FETCH_ASK);
}

static void a_text_is_whole_or_asked_for_anew(void **state)
{
    (void)state;
    struct fetch f;
    struct fetch_goal text = { "https://hub/list", false, 1000, .any_size = true };
    expect_step(fetch_begin(&f, &rules, &text, 0, 0), FETCH_ASK);
    head(&f, 0, "200 OK", NULL);
    fetch_body(&f, 10, 0);
    expect_step(fetch_answered(&f, true, 0), FETCH_ASK);
    assert_int_equal(f.from, 0);
    head(&f, 0, "200 OK", NULL);
    struct fetch_take t = fetch_body(&f, 20, 0);
    assert_true(t.anew && t.n == 20 && t.offset == 0);
    expect_step(fetch_answered(&f, true, 0), FETCH_ASK);
    head(&f, 0, "200 OK", NULL); // nothing, which is not what came before
    expect_step(fetch_answered(&f, false, 0), FETCH_DONE);
    assert_int_equal(f.have, 0);
    fetch_begin(&f, &rules, &text, 0, 0);
    head(&f, 0, "200 OK", NULL);
    assert_true(fetch_body(&f, 1001, 0).stop);
    expect_step(fetch_answered(&f, true, 0), FETCH_ASK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_file_and_asks_for_its_hash),
        cmocka_unit_test(goes_on_where_it_was_cut),
        cmocka_unit_test(a_part_of_another_place_is_not_taken),
        cmocka_unit_test(nothing_is_stored_beyond_the_size),
        cmocka_unit_test(a_file_that_is_stored_is_only_checked),
        cmocka_unit_test(wrong_bytes_are_asked_for_six_times),
        cmocka_unit_test(single_bytes_do_not_make_up_for_cuts),
        cmocka_unit_test(cuts_do_not_count_while_enough_comes),
        cmocka_unit_test(a_trickle_is_cut_after_a_window),
        cmocka_unit_test(silence_is_cut_even_where_any_rate_will_do),
        cmocka_unit_test(redirects_do_not_begin_a_new_window),
        cmocka_unit_test(time_is_up_for_all_tries_together),
        cmocka_unit_test(what_is_whole_as_time_runs_out_is_whole),
        cmocka_unit_test(a_token_stays_with_its_server),
        cmocka_unit_test(redirects_end_somewhere),
        cmocka_unit_test(two_locations_lead_nowhere),
        cmocka_unit_test(what_is_in_the_clear_or_here_passes_no_proxy),
        cmocka_unit_test(waits_as_the_server_asks_within_bounds),
        cmocka_unit_test(refusals_end_it_and_say_why),
        cmocka_unit_test(a_part_that_the_server_does_not_know_is_begun_anew),
        cmocka_unit_test(headers_and_bodies_that_nobody_wants_have_an_end),
        cmocka_unit_test(a_text_is_whole_or_asked_for_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
