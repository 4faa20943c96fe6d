// The sub-allocator of the Vulkan engine, against a map of bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/vulkan/ranges.h"

enum { BLOCK = 4096, TAKEN_MAX = 400 };

static void no_two_taken_ranges_overlap_and_all_come_back(void **state)
{
    (void)state;
    struct ranges r;
    struct rng rng;
    struct range taken[TAKEN_MAX];
    unsigned char map[BLOCK] = { 0 };
    size_t n = 0;
    rng_seed(&rng, 7);
    assert_true(ranges_init(&r, BLOCK));
    for (int step = 0; step < 20000; step++) {
        if (n < TAKEN_MAX && rng_below(&rng, 100) < 55) {
            uint64_t alignment = UINT64_C(1) << rng_below(&rng, 7), first;
            uint64_t size = 1 + rng_below(&rng, step % 1000 < 500 ? 16 : 200);
            if (!ranges_take(&r, size, alignment, &first))
                continue;
            assert_int_equal(first % alignment, 0);
            assert_true(first + size <= BLOCK);
            for (uint64_t i = first; i < first + size; i++)
                assert_int_equal(map[i]++, 0);
            taken[n++] = (struct range){ .first = first, .size = size };
        } else if (n > 0) {
            size_t i = rng_below(&rng, (uint32_t)n);
            memset(map + taken[i].first, 0, taken[i].size);
            ranges_give(&r, taken[i].first, taken[i].size);
            taken[i] = taken[--n];
        }
    }
    while (n-- > 0)
        ranges_give(&r, taken[n].first, taken[n].size);
    assert_true(ranges_all_free(&r));
    uint64_t whole;
    assert_true(ranges_take(&r, BLOCK, 1, &whole));
    ranges_release(&r);
}

static void freed_neighbours_become_one_range(void **state)
{
    (void)state;
    struct ranges r;
    uint64_t first[64], whole;
    assert_true(ranges_init(&r, 64));
    for (int i = 0; i < 64; i++)
        assert_true(ranges_take(&r, 1, 1, &first[i]));
    assert_false(ranges_take(&r, 1, 1, &whole));
    for (int i = 0; i < 64; i += 2) // every second one: 32 holes
        ranges_give(&r, first[i], 1);
    assert_int_equal(r.n, 32);
    assert_false(ranges_take(&r, 2, 1, &whole));
    for (int i = 1; i < 64; i += 2)
        ranges_give(&r, first[i], 1);
    assert_int_equal(r.n, 1);
    assert_true(ranges_take(&r, 64, 1, &whole));
    ranges_release(&r);
}

static void smallest_hole_that_fits_is_taken(void **state)
{
    (void)state;
    struct ranges r;
    uint64_t a, b, c, d;
    assert_true(ranges_init(&r, 1000));
    assert_true(ranges_take(&r, 100, 1, &a));
    assert_true(ranges_take(&r, 10, 1, &b));
    assert_true(ranges_take(&r, 20, 1, &c));
    assert_true(ranges_take(&r, 10, 1, &d));
    ranges_give(&r, a, 100);
    ranges_give(&r, c, 20);
    uint64_t found;
    assert_true(ranges_take(&r, 15, 1, &found));
    assert_int_equal(found, c);
    ranges_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_taken_ranges_overlap_and_all_come_back),
        cmocka_unit_test(freed_neighbours_become_one_range),
        cmocka_unit_test(smallest_hole_that_fits_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
