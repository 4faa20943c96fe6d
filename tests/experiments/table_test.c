// The experiments' table: its rows against each other and against the code that they describe.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/experiments.h"

static void every_row_is_whole_and_has_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i < N_EXPERIMENTS; i++) {
        const struct experiment *e = experiments[i];
        assert_true(*e->name && *e->about && e->list);
        assert_ptr_equal(experiment_named(e->name), e);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(e->name, experiments[k]->name);
    }
    assert_null(experiment_named("nothing"));
    assert_ptr_equal(experiments[0], &experiment_heads); // what is run where nothing is said
}

static void what_a_row_says_fits_together(void **state)
{
    (void)state;
    for (int i = 0; i < N_EXPERIMENTS; i++) {
        const struct experiment *e = experiments[i];
        bool sets = e->options & READS_SETS, heads = e->options & READS_HEADS;
        if (sets == heads)
            fail_msg("%s takes its heads from sets or from heads, not both", e->name);
        if (e->makes ? !(e->makes & MAKES(e->swept)) : !e->read)
            fail_msg("%s sweeps over what it does not make, or does nothing", e->name);
        if (e->traits & SCORES_ANSWERS && !e->makes)
            fail_msg("%s scores answers under no variant", e->name);
        if (e->traits & SWAPS_PROMPTS && !(e->options & READS_PATCH))
            fail_msg("%s swaps prompts by a direction that it does not read", e->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole_and_has_its_own_name),
        cmocka_unit_test(what_a_row_says_fits_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
