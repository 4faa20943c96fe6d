// A few rows that stand for all: which they are, and that they give what the whole run gives for
// them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/experiments.h"
#include "analysis/estimates.h"
#include "session/sample.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/rig.h"

static struct abl_err err;

static struct settings settings_of(const char *device, const struct experiment *experiment)
{
    struct settings s;
    settings_default(&s, &experiment_heads);
    s.device = device;
    s.experiment = experiment;
    s.n_boot = 10;
    s.n_threads = 2;
    return s;
}

static struct session *open_all(const struct settings *s)
{
    struct session *session;
    CHECK(session_open(s, &session, &err));
    return session;
}

static struct row_sample *open_sample(const struct session *all)
{
    struct row_sample *sample;
    CHECK(sample_open(all, &sample, &err));
    assert_non_null(sample);
    return sample;
}

static void templates_are_spread(void **state)
{
    (void)state;
    struct settings s = settings_of("cpu", &experiment_heads);
    struct session *all = open_all(&s);
    struct row_sample *sample = open_sample(all);
    const struct prompts *p = &sample->prompts;
    assert_int_equal(all->prompts->n, 168);
    assert_int_equal(all->prompts->n_clusters, all->prompts->n_templates);
    assert_int_equal(p->n, 10);
    assert_in_range(p->n_clusters, 8, 10); // few of its rows share a template
    bool seen[10] = { false };
    for (size_t i = 0; i < p->n; i++) {
        assert_true(p->items[i].cluster < p->n_clusters);
        seen[p->items[i].cluster] = true;
        assert_true(!i || p->items[i].row->line > p->items[i - 1].row->line);
    }
    for (size_t c = 0; c < p->n_clusters; c++)
        assert_true(seen[c]);
    for (size_t i = 0; i < all->prompts->n; i++) { // templates that fill two stretches of the ten
        const char *name = all->prompts->items[i].row->template_name;
        size_t rows = 0, taken = 0;
        for (size_t k = 0; k < all->prompts->n; k++)
            rows += !strcmp(all->prompts->items[k].row->template_name, name);
        for (size_t k = 0; k < p->n; k++)
            taken += !strcmp(p->items[k].row->template_name, name);
        if (rows >= 2 * 17 && !taken)
            fail_msg("no row of template %s, which has %zu", name, rows);
    }
    sample_free(sample);
    session_free(all);
}

static void check_rows(const struct settings *s)
{
    struct session *all = open_all(s);
    struct row_sample *sample = open_sample(all);
    struct variants v;
    struct results t, part;
    struct workload w = sample_workload(sample);
    size_t n = sample->prompts.n;
    CHECK(experiment_variants(all, &v, &err));
    CHECK(results_init(&t, &v, all->prompts->n, &err) && results_init(&part, &v, n, &err));
    CHECK(workload_run(&w, &part, NULL, NULL, NULL, NULL, &err)
          && session_run(all, &t, NULL, NULL, NULL, &err));
    for (size_t i = 0; i < n; i++) {
        size_t row = sample->rows[i];
        assert_ptr_equal(sample->prompts.items[i].row, all->prompts->items[row].row);
        const char *name = s->experiment->name;
        same_stats(&sample->intact[i], &all->intact[row], 1e-4, "%s, intact, row %zu", name, row);
        if (all->other)
            same_stats(&sample->other[i], &all->other[row], 1e-4, "%s, other, row %zu", name, row);
        for (size_t k = 0; k < v.n; k++)
            same_stats(&part.rows[k * n + i], &t.rows[k * t.n_prompts + row], 1e-4,
                       "%s on %s, %s, row %zu", name, s->device, v.items[k].label, row);
    }
    struct estimate e;
    struct measured_rows measured = sample_measured_rows(sample, all);
    CHECK(estimate_delta(&measured, &part, 0, METRIC_LD, &e, &err));
    assert_int_equal(e.n, n);
    assert_int_equal(e.n_clusters, sample->prompts.n_clusters);
    results_release(&part);
    results_release(&t);
    variants_release(&v);
    sample_free(sample);
    session_free(all);
}

static void rows_are_those_of_the_whole_run(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++) {
        struct settings s = settings_of(devices[i], &experiment_heads);
        check_rows(&s);
        s.ablation.kind = ABLATE_RESAMPLE;
        check_rows(&s);
        s.ablation.kind = ABLATE_PATCH;
        check_rows(&s);
        s = settings_of(devices[i], &experiment_patch);
        check_rows(&s);
        s = settings_of(devices[i], &experiment_sets);
        s.sets = "0:0+1:1;0:2+0:3+1:0";
        s.n_controls = 2;
        check_rows(&s);
    }
}

static void what_a_sample_cannot_stand_for_has_none(void **state)
{
    (void)state;
    struct row_sample *sample = NULL;
    struct settings means = settings_of("cpu", &experiment_heads), few = means, streamed = means;
    means.ablation.kind = ABLATE_MEAN;
    few.max_rows = 63;
    streamed.mem = 1 << 20;
    const struct settings *all[] = { &means, &few, &streamed };
    for (size_t i = 0; i < 3; i++) {
        struct session *session = open_all(all[i]);
        CHECK(sample_open(session, &sample, &err));
        assert_null(sample);
        session_free(session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_spread),
        cmocka_unit_test(rows_are_those_of_the_whole_run),
        cmocka_unit_test(what_a_sample_cannot_stand_for_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
