// Quantised blocks against the values that the ggml project's own package gives
// (tools/golden_gguf.py), bit for bit.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "format/dtype.h"
#include "format/to_f32.h"

static void read_fixture(const char *name, const char *suffix, struct file_bytes *out)
{
    char path[128];
    struct abl_err err;
    snprintf(path, sizeof path, "tests/fixtures/gguf/%s.%s", name, suffix);
    if (!file_read(path, 1 << 20, out, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static void expect_decoded(uint32_t number)
{
    static float found[24 * 256], expected[24 * 256];
    const char *name;
    const struct dtype_info *type = dtype_find_gguf(number, &name);
    assert_non_null(type);
    assert_string_equal(dtype_name(type->dtype), name);
    struct file_bytes blocks, values;
    read_fixture(name, "blocks", &blocks);
    read_fixture(name, "f32", &values);
    size_t n = values.size / sizeof *expected;
    assert_true(values.size <= sizeof expected);
    assert_int_equal(n / type->block * (type->bits / 8), blocks.size);
    memcpy(expected, values.data, values.size);
    to_f32(type->dtype, blocks.data, n, found);
    for (size_t i = 0; i < n; i++)
        if (bits_of(found[i]) != bits_of(expected[i]) && !(found[i] == 0 && expected[i] == 0))
            fail_msg("%s: element %zu is %.9g, expected %.9g", name, i, (double)found[i],
                     (double)expected[i]);
    file_bytes_release(&blocks);
    file_bytes_release(&values);
}

static void every_block_type_decodes_to_the_bits_of_the_reference(void **state)
{
    (void)state;
    static const uint32_t numbers[] = { 2, 3, 6, 7, 8, 10, 11, 12, 13, 14 };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        expect_decoded(numbers[i]);
}

static void types_without_a_decoder_have_a_name_at_most(void **state)
{
    (void)state;
    const char *name;
    assert_null(dtype_find_gguf(20, &name));
    assert_string_equal(name, "IQ4_NL");
    assert_null(dtype_find_gguf(4, &name));
    assert_string_equal(name, "?");
    assert_null(dtype_find_gguf(UINT32_MAX, &name));
    assert_string_equal(name, "?");
    assert_null(dtype_find("Q4_0", 4)); // of GGUF files alone
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_type_decodes_to_the_bits_of_the_reference),
        cmocka_unit_test(types_without_a_decoder_have_a_name_at_most),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
