// The safetensors reader against files put together byte by byte, and the exact conversion of its
// element types.
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "format/safetensors.h"
#include "format/to_f32.h"
#include "tests/support/scratch.h"

// Parse a header whose file has data_len bytes behind it; release what comes of it.
static bool parses(const char *header, size_t size, uint64_t data_len, struct abl_err *err)
{
    struct tensor_directory d;
    bool ok = safetensors_parse("the header", header, size, data_len, &d, err);
    if (ok)
        tensor_directory_release(&d);
    return ok;
}

static void expect_parsed(const char *header, uint64_t data_len)
{
    struct abl_err err = { 0 };
    if (!parses(header, strlen(header), data_len, &err))
        fail_msg("'%s' was refused: %s", header, err.text);
}

static void expect_refused(const char *header, uint64_t data_len, const char *message)
{
    struct abl_err err = { 0 };
    if (parses(header, strlen(header), data_len, &err))
        fail_msg("'%s' was accepted", header);
    assert_string_equal(err.text, message);
    assert_int_equal(err.code, ABL_BAD_MODEL);
}

// One tensor 'a'.
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void lists_tensors_in_the_order_of_their_data(void **state)
{
    (void)state;
    static const char header[]
        = "{\"__metadata__\":{\"format\":\"pt\",\"x\":\"\"},"
          "\"b\":{\"data_offsets\":[12,20],\"shape\":[2,2],\"dtype\":\"F16\"},"
          "\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
          "\"scalar\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[20,21]},"
          "\"none\":{\"dtype\":\"I64\",\"shape\":[4,0],\"data_offsets\":[12,12]}}   ";
    struct tensor_directory d;
    struct abl_err err = { 0 };
    if (!safetensors_parse("the header", header, strlen(header), 21, &d, &err))
        fail_msg("%s", err.text);
    assert_int_equal(d.n, 4);
    static const char *const names[] = { "a", "none", "b", "scalar" };
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(d.entries[i].name, names[i]);
    const struct tensor_entry *b = &d.entries[2];
    assert_true(b->type->dtype == DTYPE_F16 && b->n_dims == 2 && b->dims[0] == 2
                && b->dims[1] == 2);
    assert_true(b->begin == 12 && b->end == 20);
    assert_int_equal(d.entries[3].n_dims, 0);
    tensor_directory_release(&d);
    expect_parsed("{}", 0);
    expect_parsed("{\"__metadata__\":{}}", 0);
}

static void knows_the_size_of_every_type(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned bits;
    } types[]
        = { { "BOOL", 8 },    { "U8", 8 },   { "I8", 8 },   { "F8_E4M3", 8 }, { "F8_E5M2", 8 },
            { "F8_E8M0", 8 }, { "U16", 16 }, { "I16", 16 }, { "F16", 16 },    { "BF16", 16 },
            { "U32", 32 },    { "I32", 32 }, { "F32", 32 }, { "U64", 64 },    { "I64", 64 },
            { "F64", 64 },    { "C64", 64 }, { "F4", 4 },   { "F6_E2M3", 6 }, { "F6_E3M2", 6 } };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char header[160];
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"%s\",\"shape\":[4,2],\"data_offsets\":[0,%u]}}",
                 types[i].name, types[i].bits);
        expect_parsed(header, types[i].bits);
    }
    expect_refused(ONE("F4", "[3]", "[0,2]"), 2,
                   "the header at byte 52: found 12 bits in tensor 'a', expected whole bytes");
    expect_refused(
        ONE("f32", "[1]", "[0,4]"), 4,
        "the header at byte 19: found dtype \"f32\" of tensor 'a', expected one of safetensors, "
        "such as F32, F16 or BF16");
}

static void refuses_headers_that_are_no_object(void **state)
{
    (void)state;
    expect_refused(
        "", 0, "the header at byte 0: found another byte than '{', expected a safetensors header");
    expect_refused(
        " {}", 0,
        "the header at byte 0: found another byte than '{', expected a safetensors header");
    expect_refused(
        "[]", 0,
        "the header at byte 0: found another byte than '{', expected a safetensors header");
    expect_refused("{} {}", 0,
                   "the header at byte 3: found '{', expected nothing behind the value");
    expect_refused("{\"a\":1}", 0, "the header at byte 5: found '1', expected an object");
    expect_refused("{\"a\xff\":{}}", 0,
                   "the header at byte 3: found byte 0xff, expected valid UTF-8");
    expect_refused(
        "{\"\":{}}", 0,
        "the header at byte 4: found a tensor's name that is empty or holds a NUL, expected text");
    expect_refused(
        "{\"a\\u0000b\":{}}", 0,
        "the header at byte 12: found a tensor's name that is empty or holds a NUL, expected text");
}

static void refuses_a_name_that_comes_twice(void **state)
{
    (void)state;
    expect_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                   "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                   2, "the header at byte 53: found a duplicate key \"a\", expected it once");
    expect_refused(
        "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
        "the header at byte 19: found a duplicate key \"dtype\", expected it once");
}

static void refuses_metadata_that_is_not_text(void **state)
{
    (void)state;
    expect_refused("{\"__metadata__\":{\"a\":1}}", 0,
                   "the header at byte 21: found '1', expected a string");
    expect_refused("{\"__metadata__\":[]}", 0,
                   "the header at byte 16: found '[', expected an object");
    expect_refused("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0,
                   "the header at byte 24: found a duplicate key \"a\", expected it once");
}

static void refuses_tensors_with_missing_or_unknown_keys(void **state)
{
    (void)state;
    static const char all[] = ", expected dtype, shape and data_offsets";
    char message[160];
    snprintf(message, sizeof message, "the header at byte 39: found tensor 'a' without dtype%s",
             all);
    expect_refused("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, message);
    snprintf(message, sizeof message, "the header at byte 40: found tensor 'a' without shape%s",
             all);
    expect_refused("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, message);
    snprintf(message, sizeof message,
             "the header at byte 31: found tensor 'a' without data_offsets%s", all);
    expect_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, message);
    snprintf(message, sizeof message, "the header at byte 10: found key \"x\" of tensor 'a'%s",
             all);
    expect_refused("{\"a\":{\"x\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, message);
}

static void refuses_bad_shapes(void **state)
{
    (void)state;
    struct abl_err err;
    static const char *const shapes[]
        = { "[-1]", "[1.5]", "[1e1]", "[\"1\"]", "[[1]]", "1", "null", "[18446744073709551616]" };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char header[160];
        snprintf(header, sizeof header, ONE("U8", "%s", "[0,1]"), shapes[i]);
        if (parses(header, strlen(header), 1, &err))
            fail_msg("shape %s was accepted", shapes[i]);
    }
    expect_refused(
        ONE("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1,
        "the header at byte 44: found more than 8 dimensions of tensor 'a', expected fewer");
    expect_refused(ONE("F32", "[3]", "[0,8]"), 8,
                   "the header at byte 53: found data_offsets of tensor 'a' that span 8 bytes, "
                   "expected 12 for "
                   "its shape and dtype; download the file again");
    expect_refused(ONE("F32", "[3]", "[0,16]"), 16,
                   "the header at byte 54: found data_offsets of tensor 'a' that span 16 bytes, "
                   "expected 12 for its shape and dtype; download the file again");
}

static void refuses_shapes_whose_product_wraps(void **state)
{
    (void)state;
    // 2^62 · 2^62 · … is 0 or small modulo 2^64: an unchecked product would fit the range.
    static const char *const shapes[]
        = { "[4611686018427387904,4]", "[4294967296,4294967296]", "[9223372036854775808,2,0]",
            "[2305843009213693952,8,1]", "[6148914691236517206,3]" };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char header[200];
        struct abl_err err = { 0 };
        snprintf(header, sizeof header, ONE("U8", "%s", "[0,0]"), shapes[i]);
        assert_false(parses(header, strlen(header), 0, &err));
        if (!strstr(err.text, "overflows"))
            fail_msg("shape %s: found '%s', expected an overflow", shapes[i], err.text);
    }
}

static void refuses_ranges_outside_of_the_data(void **state)
{
    (void)state;
    expect_refused(ONE("U8", "[4]", "[4,0]"), 4,
                   "the header at byte 51: found data_offsets [4, 0] of tensor 'a', expected begin "
                   "<= end <= 4; "
                   "download the file again");
    expect_refused(ONE("U8", "[4]", "[0,4]"), 3,
                   "the header at byte 51: found data_offsets [0, 4] of tensor 'a', expected begin "
                   "<= end <= 3; "
                   "download the file again");
    static const char *const offsets[] = { "[0]",
                                           "[]",
                                           "[0,1,2]",
                                           "[0,-1]",
                                           "[0,1.0]",
                                           "{}",
                                           "\"0,1\"",
                                           "[0,18446744073709551616]",
                                           "[0,18446744073709551615]" };
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        char header[160];
        struct abl_err err = { 0 };
        snprintf(header, sizeof header, ONE("U8", "[1]", "%s"), offsets[i]);
        if (parses(header, strlen(header), 1, &err) || !err.text[0])
            fail_msg("data_offsets %s were accepted", offsets[i]);
    }
}

static void refuses_holes_overlaps_and_tails(void **state)
{
    (void)state;
#define TWO(a, b)                                                                                  \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},"                              \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"
    expect_parsed(TWO("[4,8]", "[0,4]"), 8);
    expect_refused(TWO("[0,4]", "[5,9]"), 9,
                   "hole between tensors in the header: found tensor 'b' at byte 5 of the data, "
                   "expected it at 4; "
                   "download the file again");
    expect_refused(TWO("[0,4]", "[3,7]"), 7,
                   "overlap between tensors in the header: found tensor 'b' at byte 3 of the data, "
                   "expected it at "
                   "4; download the file again");
    expect_refused(TWO("[0,4]", "[0,4]"), 4,
                   "overlap between tensors in the header: found tensor 'b' at byte 0 of the data, "
                   "expected it at "
                   "4; download the file again");
    expect_refused(TWO("[1,5]", "[5,9]"), 9,
                   "hole between tensors in the header: found tensor 'a' at byte 1 of the data, "
                   "expected it at 0; "
                   "download the file again");
    expect_refused(TWO("[0,4]", "[4,8]"), 9,
                   "data behind the last tensor in the header: found 9 bytes of data, expected 8; "
                   "download the "
                   "file again");
    expect_refused("{}", 1,
                   "data behind the last tensor in the header: found 1 bytes of data, expected 0; "
                   "download the "
                   "file again");
}

static void refuses_more_tensors_than_any_model_has(void **state)
{
    (void)state;
    struct buf header = { 0 };
    struct abl_err err = { 0 };
    for (int i = 0; i < 65537; i++)
        buf_printf(&header, "%c\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                   i ? ',' : '{', i);
    buf_char(&header, '}');
    assert_false(parses(header.data, header.len, 0, &err));
    assert_non_null(strstr(err.text, "found more than 65536 tensors"));
    buf_release(&header);
}

// u64 length, header, data.
static void write_file(const struct scratch *s, uint64_t length, const char *header,
                       const void *data, size_t size)
{
    struct buf file = { 0 };
    for (int i = 0; i < 64; i += 8)
        buf_char(&file, (char)(length >> i & 0xff));
    buf_str(&file, header);
    buf_add(&file, data, size);
    scratch_write(s, "x.safetensors", file.data, file.len);
    buf_release(&file);
}

static void expect_open_fails(const struct scratch *s, const char *reason)
{
    struct tensor_file file;
    struct abl_err err = { 0 };
    if (safetensors_open(scratch_path(s, "x.safetensors"), &file, &err))
        fail_msg("the file was opened: expected '%s'", reason);
    if (err.code != ABL_BAD_MODEL || !strstr(err.text, reason)
        || !strstr(err.text, "x.safetensors'"))
        fail_msg("found error %d '%s', expected '%s' and the file's name", (int)err.code, err.text,
                 reason);
}

static void refuses_files_cut_or_with_a_wrong_header_size(void **state)
{
    struct scratch *s = *state;
    static const char header[] = ONE("U8", "[4]", "[0,4]");
    size_t n = strlen(header);
    struct tensor_file file;
    struct abl_err err = { 0 };
    write_file(s, n, header, "1234", 4);
    if (!safetensors_open(scratch_path(s, "x.safetensors"), &file, &err))
        fail_msg("%s", err.text);
    assert_int_equal(file.directory.data_start, 8 + n);
    tensor_file_close(&file);
    write_file(s, n, header, "1234", 3);
    expect_open_fails(s, "expected begin <= end <= 3; download");
    write_file(s, n, header, "12345", 5);
    expect_open_fails(s, "found 5 bytes of data, expected 4");
    write_file(s, n + 5, header, "1234", 4);
    expect_open_fails(s, "bad header size in '");
    write_file(s, n - 1, header, "1234", 4);
    expect_open_fails(s, "found the end of the text, expected ',' or '}'");
    write_file(s, UINT64_MAX, header, "1234", 4);
    expect_open_fails(s, "found 18446744073709551615, expected at most 57");
    write_file(s, 0, "", "", 0);
    expect_open_fails(s, "found another byte than '{'");
    scratch_text(s, "x.safetensors", "1234567");
    expect_open_fails(s, "found 7 bytes, expected at least 8");
    scratch_text(s, "x.safetensors", "");
    expect_open_fails(s, "found 0 bytes, expected at least 8");
}

static void reads_blocks_of_every_type_at_odd_places(void **state)
{
    struct scratch *s = *state;
    // 1, -2, 0.5, 65504 in each type; one byte in front makes every address odd.
    static const unsigned char data[] = {
        7,    0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x00,
        0x00, 0x3f, 0x00, 0xe0, 0x7f, 0x47, 0x00, 0x3c, 0x00, 0xc0, 0x00,
        0x38, 0xff, 0x7b, 0x80, 0x3f, 0x00, 0xc0, 0x00, 0x3f, 0x80, 0x47,
    };
    static const char header[]
        = "{\"pad\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
          "\"f32\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[1,17]},"
          "\"f16\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[17,25]},"
          "\"bf16\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[25,33]}}";
    static const float expected[][4]
        = { { 1, -2, 0.5f, 65504 }, { 1, -2, 0.5f, 65504 }, { 1, -2, 0.5f, 65536 } };
    struct tensor_file file;
    struct abl_err err = { 0 };
    write_file(s, strlen(header), header, data, sizeof data);
    if (!safetensors_open(scratch_path(s, "x.safetensors"), &file, &err))
        fail_msg("%s", err.text);
    for (size_t t = 0; t < 3; t++)
        for (size_t first = 0; first <= 4; first++)
            for (size_t n = 0; first + n <= 4; n++) {
                float out[5] = { -1, -1, -1, -1, -1 };
                if (!tensor_file_read(&file, &file.directory.entries[1 + t], first, n, out, &err))
                    fail_msg("%s", err.text);
                assert_memory_equal(out, expected[t] + first, n * sizeof *out);
                assert_true(out[n] == -1.0f);
            }
    tensor_file_close(&file);
}

static void blocks_larger_than_the_staging_are_whole(void **state)
{
    struct scratch *s = *state;
    enum { N = 50001 };
    static uint16_t data[N];
    static float out[N];
    char header[128];
    struct tensor_file file;
    struct abl_err err = { 0 };
    for (int i = 0; i < N; i++)
        data[i] = (uint16_t)(i % 0x7f80);
    snprintf(header, sizeof header, ONE("BF16", "[%d]", "[0,%d]"), N, 2 * N);
    write_file(s, strlen(header), header, data, sizeof data);
    assert_true(safetensors_open(scratch_path(s, "x.safetensors"), &file, &err));
    assert_true(tensor_file_read(&file, &file.directory.entries[0], 0, N, out, &err));
    for (int i = 0; i < N; i++) {
        uint32_t bits;
        memcpy(&bits, &out[i], sizeof bits);
        if (bits != (uint32_t)data[i] << 16)
            fail_msg("element %d: found bits %08" PRIx32 ", expected %04x0000", i, bits, data[i]);
    }
    data[N - 3] = 0x7fc0;
    write_file(s, strlen(header), header, data, sizeof data);
    assert_false(tensor_file_read(&file, &file.directory.entries[0], 3, N - 3, out, &err));
    assert_non_null(strstr(err.text, "found NaN in tensor 'a' at element 49998, expected finite"));
    assert_int_equal(err.code, ABL_BAD_MODEL);
    tensor_file_close(&file);
}

static void refuses_weights_that_are_no_numbers(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *dtype;
        unsigned char bytes[4];
        size_t size;
        const char *found;
    } bad[] = { { "F32", { 0, 0, 0xc0, 0x7f }, 4, "NaN" },
                { "F32", { 1, 0, 0x80, 0xff }, 4, "NaN" },
                { "F32", { 0, 0, 0x80, 0x7f }, 4, "infinity" },
                { "F32", { 0, 0, 0x80, 0xff }, 4, "infinity" },
                { "F16", { 0, 0x7c }, 2, "infinity" },
                { "F16", { 1, 0xfc }, 2, "NaN" },
                { "BF16", { 0x80, 0xff }, 2, "infinity" },
                { "BF16", { 0x81, 0x7f }, 2, "NaN" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char header[128], expected[80];
        float out[1];
        struct tensor_file file;
        struct abl_err err = { 0 };
        snprintf(header, sizeof header, ONE("%s", "[1]", "[0,%zu]"), bad[i].dtype, bad[i].size);
        write_file(s, strlen(header), header, bad[i].bytes, bad[i].size);
        assert_true(safetensors_open(scratch_path(s, "x.safetensors"), &file, &err));
        assert_false(tensor_file_read(&file, &file.directory.entries[0], 0, 1, out, &err));
        snprintf(expected, sizeof expected, "found %s in tensor 'a' at element 0", bad[i].found);
        if (!strstr(err.text, expected))
            fail_msg("found '%s', expected '%s'", err.text, expected);
        tensor_file_close(&file);
    }
}

// The value by the definition of the format, for all but NaN: (1 + f / 2^bits) · 2^(e - bias), f /
// 2^bits · 2^(1 - bias).
static double by_definition(uint16_t h, int fraction_bits, int bias)
{
    int exponent = (h & 0x7fff) >> fraction_bits, fraction = h & ((1 << fraction_bits) - 1);
    double sign = h & 0x8000 ? -1 : 1;
    if (exponent == 2 * bias + 1)
        return sign * (double)INFINITY;
    return exponent ? sign * ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits)
                    : sign * ldexp(fraction, 1 - bias - fraction_bits);
}

static void check_all_halves(enum dtype dtype, int fraction_bits, int bias)
{
    static unsigned char bytes[1 + 2 * 65536];
    static float out[65536];
    for (uint32_t i = 0; i < 65536; i++) {
        bytes[1 + 2 * i] = (unsigned char)(i & 0xff);
        bytes[2 + 2 * i] = (unsigned char)(i >> 8);
    }
    to_f32(dtype, bytes + 1, 65536, out);
    for (uint32_t i = 0; i < 65536; i++) {
        bool is_nan = (i & 0x7fff) > (uint32_t)(2 * bias + 1) << fraction_bits;
        double expected = by_definition((uint16_t)i, fraction_bits, bias);
        bool right = is_nan ? isnan(out[i])
                            : (double)out[i] == expected && !signbit(out[i]) == !(i & 0x8000);
        if (!right)
            fail_msg("0x%04" PRIx32 ": found %.9g, expected %.17g", i, (double)out[i],
                     is_nan ? NAN : expected);
    }
}

static void converts_all_65536_halves_exactly(void **state)
{
    (void)state;
    check_all_halves(DTYPE_F16, 10, 15);
}

static void converts_all_65536_bfloats_exactly(void **state)
{
    (void)state;
    check_all_halves(DTYPE_BF16, 7, 127);
}

static void keeps_every_bit_of_fp32(void **state)
{
    (void)state;
    static const float values[] = { 0.0f, -0.0f, 1.0f, FLT_MIN, FLT_TRUE_MIN, FLT_MAX, -INFINITY };
    unsigned char bytes[sizeof values + 3];
    float out[sizeof values / sizeof *values];
    memcpy(bytes + 3, values, sizeof values);
    to_f32(DTYPE_F32, bytes + 3, sizeof values / sizeof *values, out);
    assert_memory_equal(out, values, sizeof values);
}

// Open, and read every weight: it works, or there is a reason.
static void open_and_read(const struct scratch *s)
{
    struct tensor_file file;
    struct abl_err err = { 0 };
    bool ok = safetensors_open(scratch_path(s, "x.safetensors"), &file, &err);
    if (!ok) {
        assert_true(err.text[0] && err.code == ABL_BAD_MODEL);
        return;
    }
    for (size_t i = 0; i < file.directory.n; i++) {
        const struct tensor_entry *t = &file.directory.entries[i];
        float out[64];
        uint64_t n = (t->end - t->begin) * 8 / t->type->bits;
        assert_true(n <= 64);
        if (t->type->dtype != DTYPE_OTHER && !tensor_file_read(&file, t, 0, (size_t)n, out, &err))
            assert_true(err.text[0] && err.code == ABL_BAD_MODEL);
    }
    tensor_file_close(&file);
}

static size_t small_file(unsigned char *out, size_t size)
{
    static const char header[]
        = "{\"__metadata__\":{\"format\":\"pt\"},"
          "\"w\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
          "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]},"
          "\"m\":{\"dtype\":\"BOOL\",\"shape\":[1,1,2],\"data_offsets\":[20,22]}}   ";
    size_t n = sizeof header - 1;
    assert_true(8 + n + 22 <= size);
    memset(out, 0, 8);
    out[0] = (unsigned char)(n & 0xff);
    out[1] = (unsigned char)(n >> 8);
    memcpy(out + 8, header, n);
    memset(out + 8 + n, 0x3c, 22);
    return 8 + n + 22;
}

static void every_truncation_is_refused(void **state)
{
    struct scratch *s = *state;
    unsigned char bytes[512];
    size_t n = small_file(bytes, sizeof bytes);
    struct tensor_file file;
    struct abl_err err = { 0 };
    scratch_write(s, "x.safetensors", bytes, n);
    if (!safetensors_open(scratch_path(s, "x.safetensors"), &file, &err))
        fail_msg("%s", err.text);
    tensor_file_close(&file);
    for (size_t cut = 0; cut < n; cut++) {
        scratch_write(s, "x.safetensors", bytes, cut);
        err = (struct abl_err){ 0 };
        if (safetensors_open(scratch_path(s, "x.safetensors"), &file, &err))
            fail_msg("the first %zu of %zu bytes were accepted", cut, n);
        assert_true(err.text[0] && err.code == ABL_BAD_MODEL);
    }
}

static void spoilt_files_are_read_or_refused_with_a_reason(void **state)
{
    struct scratch *s = *state;
    unsigned char bytes[512], copy[512];
    size_t n = small_file(bytes, sizeof bytes);
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 3000; i++) {
        memcpy(copy, bytes, n);
        for (uint32_t k = 1 + rng_below(&rng, 4); k; k--)
            copy[rng_below(&rng, (uint32_t)n)] = (unsigned char)rng_below(&rng, 256);
        scratch_write(s, "x.safetensors", copy, n);
        open_and_read(s);
    }
}

// Digits, quotes and brackets swapped for one another: most of these get past the grammar.
static void spoilt_headers_are_parsed_or_refused_with_a_reason(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789,:[]{}\" abdefFU_-\\u";
    unsigned char bytes[512];
    size_t n = small_file(bytes, sizeof bytes) - 8 - 22;
    struct rng rng;
    rng_seed(&rng, 11);
    for (int i = 0; i < 20000; i++) {
        struct abl_err err = { 0 };
        char *copy = malloc(n); // its exact size, so that a sanitizer sees a read behind the end
        assert_non_null(copy);
        memcpy(copy, bytes + 8, n);
        for (uint32_t k = 1 + rng_below(&rng, 3); k; k--)
            copy[rng_below(&rng, (uint32_t)n)] = alphabet[rng_below(&rng, sizeof alphabet - 1)];
        if (!parses(copy, n, 22, &err))
            assert_true(err.text[0] && err.code == ABL_BAD_MODEL);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_tensors_in_the_order_of_their_data),
        cmocka_unit_test(knows_the_size_of_every_type),
        cmocka_unit_test(refuses_headers_that_are_no_object),
        cmocka_unit_test(refuses_a_name_that_comes_twice),
        cmocka_unit_test(refuses_metadata_that_is_not_text),
        cmocka_unit_test(refuses_tensors_with_missing_or_unknown_keys),
        cmocka_unit_test(refuses_bad_shapes),
        cmocka_unit_test(refuses_shapes_whose_product_wraps),
        cmocka_unit_test(refuses_ranges_outside_of_the_data),
        cmocka_unit_test(refuses_holes_overlaps_and_tails),
        cmocka_unit_test(refuses_more_tensors_than_any_model_has),
        cmocka_unit_test_setup_teardown(refuses_files_cut_or_with_a_wrong_header_size,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(reads_blocks_of_every_type_at_odd_places, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(blocks_larger_than_the_staging_are_whole, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(refuses_weights_that_are_no_numbers, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(converts_all_65536_halves_exactly),
        cmocka_unit_test(converts_all_65536_bfloats_exactly),
        cmocka_unit_test(keeps_every_bit_of_fp32),
        cmocka_unit_test_setup_teardown(every_truncation_is_refused, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(spoilt_files_are_read_or_refused_with_a_reason,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test(spoilt_headers_are_parsed_or_refused_with_a_reason),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
