// Subsets as NumPy draws them: fixtures of tools/golden_numpy_choice.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/numpy_rng.h"
#include "tests/support/fixture.h"

static uint64_t number(const cJSON *o, const char *key)
{
    return (uint64_t)fixture_number(fixture_at(o, key));
}

static void picks_what_numpy_picks(void **state)
{
    (void)state;
    static unsigned char picked[NUMPY_CHOICE_MAX], expected[NUMPY_CHOICE_MAX];
    cJSON *cases = fixture_read("tests/fixtures/numpy-choice.json"), *one, *place;
    assert_true(cJSON_GetArraySize(cases) > 100);
    cJSON_ArrayForEach(one, cases)
    {
        uint32_t n = (uint32_t)number(one, "n"), k = (uint32_t)number(one, "k");
        for (uint32_t i = 0; i < n; i++)
            expected[i] = 0;
        cJSON_ArrayForEach(place, fixture_at(one, "picked")) expected[place->valueint] = 1;
        numpy_choice(number(one, "seed"), n, k, picked);
        for (uint32_t i = 0; i < n; i++)
            if (picked[i] != expected[i])
                fail_msg("seed %d, %d of %d: place %d", (int)number(one, "seed"), (int)k, (int)n,
                         (int)i);
    }
    cJSON_Delete(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(picks_what_numpy_picks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
