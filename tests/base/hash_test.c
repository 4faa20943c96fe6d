// The hash table and what lies over it: numbers, and strings.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/string_index.h"

enum { MANY = 5000 };

static void keeps_the_first_value_of_a_key(void **state)
{
    (void)state;
    struct hash h = { 0 };
    assert_null(hash_find(&h, 3));
    assert_int_equal(*hash_put(&h, 3, 30), 30);
    assert_int_equal(*hash_put(&h, 3, 31), 30);
    *hash_put(&h, 3, 0) = 32;
    assert_int_equal(*hash_find(&h, 3), 32);
    assert_null(hash_find(&h, 4));
    assert_int_equal(h.n, 1);
    hash_release(&h);
}

static void zero_and_the_largest_numbers_are_keys_as_others(void **state)
{
    (void)state;
    struct hash h = { 0 };
    hash_put(&h, 0, 1);
    hash_put(&h, HASH_FREE - 1, UINT64_MAX);
    assert_int_equal(*hash_find(&h, 0), 1);
    assert_true(*hash_find(&h, HASH_FREE - 1) == UINT64_MAX);
    hash_release(&h);
}

// Against an array; pairs that differ in one half alone among them.
static void finds_what_was_put_however_it_grew(void **state)
{
    (void)state;
    struct hash h = { 0 };
    struct rng rng;
    static uint64_t expected[64][64];
    rng_seed(&rng, 5);
    for (uint64_t step = 1; step <= MANY; step++) {
        uint32_t a = rng_below(&rng, 64), b = rng_below(&rng, 64);
        uint64_t *found = hash_put(&h, hash_pair(a, b), step);
        assert_non_null(found);
        if (!expected[a][b])
            expected[a][b] = step;
        assert_int_equal(*found, expected[a][b]);
        assert_true(2 * h.n <= h.cap);
    }
    for (uint32_t a = 0; a < 64; a++)
        for (uint32_t b = 0; b < 64; b++) {
            const uint64_t *found = hash_find(&h, hash_pair(a, b));
            assert_int_equal(found ? *found : 0, expected[a][b]);
        }
    hash_release(&h);
}

// Multiples of 2^32 leave a multiplicative hash's upper half few bits to differ in.
static void keys_far_apart_are_told_apart(void **state)
{
    (void)state;
    struct hash h = { 0 };
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(*hash_put(&h, hash_pair(i, 0), i), i);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(*hash_find(&h, hash_pair(i, 0)), i);
    hash_release(&h);
}

static void nothing_moves_within_what_was_reserved(void **state)
{
    (void)state;
    struct hash h = { 0 };
    assert_true(hash_reserve(&h, MANY));
    const struct hash_slot *slots = h.slots;
    for (uint64_t i = 0; i < MANY; i++)
        assert_non_null(hash_put(&h, i * i, i));
    assert_ptr_equal(h.slots, slots);
    assert_false(hash_reserve(&h, SIZE_MAX));
    assert_int_equal(h.n, MANY); // as it was
    hash_release(&h);
}

static void a_cleared_table_is_empty(void **state)
{
    (void)state;
    struct hash h = { 0 };
    hash_clear(&h);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < (round == 1 ? 2 : MANY); i++)
            assert_int_equal(*hash_put(&h, i, i + 1), i + 1);
        hash_clear(&h);
        assert_int_equal(h.n, 0);
        assert_null(hash_find(&h, 0));
    }
    hash_release(&h);
}

static void strings_are_told_apart_by_length_and_bytes(void **state)
{
    (void)state;
    struct string_index x = { 0 };
    assert_null(string_index_find(&x, "a", 1));
    assert_int_equal(*string_index_put(&x, "ab", 2, 1), 1);
    assert_int_equal(*string_index_put(&x, "ab", 1, 2), 2);
    assert_int_equal(*string_index_put(&x, "", 0, 3), 3);
    assert_int_equal(*string_index_put(&x, "\0", 1, 4), 4);
    assert_int_equal(*string_index_put(&x, "ab", 2, 5), 1);
    assert_int_equal(*string_index_find(&x, "a", 1), 2);
    assert_int_equal(*string_index_find(&x, "", 0), 3);
    assert_int_equal(*string_index_find(&x, "\0", 1), 4);
    assert_null(string_index_find(&x, "b", 1));
    assert_int_equal(x.n, 4);
    string_index_clear(&x);
    assert_null(string_index_find(&x, "ab", 2));
    assert_int_equal(*string_index_put(&x, "ab", 2, 6), 6);
    string_index_release(&x);
}

static void a_copied_string_may_go(void **state)
{
    (void)state;
    struct string_index x = { 0 };
    char text[] = "ab";
    assert_int_equal(*string_index_put_copy(&x, text, 2, 1), 1);
    text[0] = 'c';
    assert_int_equal(*string_index_put_copy(&x, text, 2, 2), 2);
    text[0] = 'd';
    assert_int_equal(*string_index_find(&x, "ab", 2), 1);
    assert_int_equal(*string_index_put_copy(&x, "cb", 2, 3), 2);
    string_index_clear(&x);
    assert_null(string_index_find(&x, "ab", 2));
    string_index_release(&x);
}

// Each two beside each other are known to have one 64-bit FNV-1a hash.
static void strings_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    static const char *const texts[] = { "8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ",
                                         "gMPflVXtwGDXbIhP73TX", "LtHf1prlU1bCeYZEdqWf" };
    struct string_index x = { 0 };
    for (uint32_t i = 0; i < 4; i++) {
        assert_null(string_index_find(&x, texts[i], 20));
        assert_int_equal(*string_index_put(&x, texts[i], 20, i), i);
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(*string_index_find(&x, texts[i], 20), i);
    string_index_release(&x);
}

static void many_strings_keep_their_numbers(void **state)
{
    (void)state;
    struct string_index x = { 0 };
    static char texts[MANY][8];
    for (uint32_t i = 0; i < MANY; i++) {
        int len = snprintf(texts[i], sizeof texts[i], "%u", i);
        assert_int_equal(*string_index_put(&x, texts[i], (size_t)len, i), i);
    }
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(*string_index_find(&x, texts[i], strlen(texts[i])), i);
    string_index_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_first_value_of_a_key),
        cmocka_unit_test(zero_and_the_largest_numbers_are_keys_as_others),
        cmocka_unit_test(finds_what_was_put_however_it_grew),
        cmocka_unit_test(keys_far_apart_are_told_apart),
        cmocka_unit_test(nothing_moves_within_what_was_reserved),
        cmocka_unit_test(a_cleared_table_is_empty),
        cmocka_unit_test(strings_are_told_apart_by_length_and_bytes),
        cmocka_unit_test(a_copied_string_may_go),
        cmocka_unit_test(strings_of_one_hash_are_told_apart),
        cmocka_unit_test(many_strings_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
