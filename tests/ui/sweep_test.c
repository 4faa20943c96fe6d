// The coarse pass before a long sweep: what it shows, and that the numbers do not depend on it.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "tests/support/check.h"
#include "ui/sweep.h"

static struct abl_err err;
static atomic_bool never;
static const atomic_uint nowhere = NO_LAYER;

static void ignore(void *context)
{
    (void)context;
}

static struct choice choice_of(enum metric metric)
{
    struct choice c = { .metric = metric, .experiment = &experiment_heads, .kinds = { .n = 1 } };
    strcpy(c.model, "tiny-gpt2");
    strcpy(c.data, "facts");
    strcpy(c.device, "cpu");
    return c;
}

static struct sweep *open_sweep(double sample_from)
{
    struct settings settings;
    struct choice choice = choice_of(METRIC_LD);
    struct sweep *s;
    settings_default(&settings, &experiment_heads);
    settings.n_boot = 10;
    settings.n_threads = 2;
    settings.sample_from = sample_from;
    CHECK(sweep_new(&settings, NULL, &s, &err) && sweep_choose(s, &choice, false, NULL, &err));
    return s;
}

static bool outline(struct sweep *s)
{
    bool ran;
    CHECK(sweep_outline(s, &never, &nowhere, ignore, NULL, &ran, &err));
    return ran;
}

static void run(struct sweep *s)
{
    CHECK(sweep_run(s, &never, &nowhere, ignore, NULL, &err));
}

static struct snapshot *picture(struct sweep *s)
{
    struct snapshot *p;
    CHECK(sweep_snapshot(s, RUN_RUNNING, &p, &err));
    return p;
}

static void check_states(const struct snapshot *p, enum cell_state expected)
{
    for (size_t i = 0; i < (size_t)p->n_layers * p->n_heads; i++)
        assert_int_equal(p->states[i], expected);
}

static void a_long_sweep_begins_with_an_outline(void **state)
{
    (void)state;
    struct sweep *s = open_sweep(1);
    struct snapshot *p = picture(s);
    check_states(p, CELL_WAITING);
    snapshot_free(p);
    assert_true(outline(s));
    assert_false(outline(s));
    p = picture(s);
    check_states(p, CELL_SAMPLED);
    assert_int_equal(p->sample_rows, 10);
    assert_int_equal(p->done, 0);
    assert_int_equal(p->n_sampled, p->total);
    for (size_t i = 0; i < p->total; i++) {
        assert_int_equal(p->cells[i].n, 10);
        assert_true(isfinite(p->cells[i].p) && isnan(p->cells[i].q));
    }
    snapshot_free(p);
    struct choice kl = choice_of(METRIC_KL); // another metric of the same rows
    CHECK(sweep_choose(s, &kl, false, NULL, &err));
    p = picture(s);
    check_states(p, CELL_SAMPLED);
    for (size_t i = 0; i < p->total; i++)
        assert_true(p->cells[i].mean >= 0);
    snapshot_free(p);
    sweep_free(s);
}

static void numbers_do_not_depend_on_the_outline(void **state)
{
    (void)state;
    struct sweep *with = open_sweep(1), *without = open_sweep(1e18);
    assert_true(outline(with));
    outline(without);
    struct snapshot *p = picture(without);
    check_states(p, CELL_WAITING);
    assert_int_equal(p->sample_rows, 0);
    snapshot_free(p);
    run(with);
    run(without);
    struct snapshot *a = picture(with), *b = picture(without);
    size_t n = (size_t)a->n_layers * a->n_heads;
    check_states(a, CELL_DONE);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(a->cells[i].n, 168);
    assert_memory_equal(a->cells, b->cells, n * sizeof *a->cells);
    assert_memory_equal(a->values, b->values, n * sizeof *a->values);
    snapshot_free(a);
    snapshot_free(b);
    sweep_free(with);
    sweep_free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_sweep_begins_with_an_outline),
        cmocka_unit_test(numbers_do_not_depend_on_the_outline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
