// The sentence that puts the kinds of ablation together.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "analysis/kinds_verdict.h"

static const struct verdict_bar bar = { .alpha = 0.05, .least = 0.1 };

static const struct estimate up = { .mean = 0.5, .q = 0.01, .n = 20, .n_clusters = 20 };
static const struct estimate down = { .mean = -0.8, .q = 0.01, .n = 20, .n_clusters = 20 };
static const struct estimate small = { .mean = -0.02, .q = 0.01, .n = 20, .n_clusters = 20 };
static const struct estimate chance = { .mean = 0.5, .q = 0.2, .n = 20, .n_clusters = 20 };
static const struct estimate few = { .mean = 0.5, .q = 0.01, .n = 20, .n_clusters = 5 };
static const struct estimate missing = { .n = 0 };

struct said {
    enum metric metric;
    const struct estimate *e[4]; // zero, mean, resample, patch
    const char *text;
};

static void kinds_that_disagree_are_named(void **state)
{
    (void)state;
    static const char *const kinds[] = { "zero", "mean", "resample", "patch" };
    const struct said cases[] = {
        { METRIC_LD,
          { &down, &down, &up, &small },
          "supports under zero and mean, opposes under resample, negligible under patch: depends "
          "on "
          "the kind" },
        { METRIC_RANK, // the lower, the better: the sides are turned
          { &down, &down, &up, &up },
          "opposes under zero and mean, supports under resample and patch: depends on the kind" },
        { METRIC_LD, { &up, &up, &up, &up }, "opposes under zero, mean, resample and patch" },
        { METRIC_LD, { &up, &missing, &missing, &missing }, "opposes under zero" },
        { METRIC_LD,
          { &chance, &up, &missing, &chance },
          "no effect beyond chance under zero and patch, opposes under mean: depends on the kind" },
        { METRIC_LD, // nothing that could depend
          { &chance, &small, &small, &chance },
          "no effect beyond chance under zero and patch, negligible under mean and resample" },
        { METRIC_LD,
          { &few, &few, &few, &few },
          "too few clusters to test under zero, mean, resample and patch" },
        { METRIC_ENTROPY,
          { &up, &down, &missing, &missing },
          "makes surer under zero, makes less sure under mean: depends on the kind" },
        { METRIC_LD, { &missing, &missing, &missing, &missing }, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kind_effect effects[4];
        struct buf out = { 0 };
        for (size_t k = 0; k < 4; k++)
            effects[k] = (struct kind_effect){ kinds[k], cases[i].e[k] };
        kinds_verdict(effects, 4, cases[i].metric, bar, &out);
        assert_false(out.failed);
        assert_string_equal(out.len ? out.data : "", cases[i].text);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_that_disagree_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
