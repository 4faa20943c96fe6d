// The GGUF reader: a file of another program, hostile ones made from it, and thousands of spoilt
// ones.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "format/gguf.h"
#include "tests/support/scratch.h"

static const char good[] = "tests/fixtures/gguf/metadata.gguf";

static const struct gguf_value *must_find(const struct gguf *g, const char *key,
                                          enum gguf_kind kind)
{
    const struct gguf_value *v = gguf_find(g, key);
    if (!v || v->kind != kind)
        fail_msg("key '%s': found %s, expected kind %d", key, v ? "another kind" : "none",
                 (int)kind);
    return v;
}

static void expect_contents(const char *path)
{
    struct gguf g;
    struct abl_err err;
    if (!gguf_open(path, &g, &err))
        fail_msg("%s", err.text);
    assert_true(must_find(&g, "u8", GGUF_UINT)->u == 255);
    assert_true(must_find(&g, "i8", GGUF_INT)->i == -128);
    assert_true(must_find(&g, "u16", GGUF_UINT)->u == 65535);
    assert_true(must_find(&g, "i16", GGUF_INT)->i == -2);
    assert_true(must_find(&g, "u32", GGUF_UINT)->u == 4000000000u);
    assert_true(must_find(&g, "i32", GGUF_INT)->i == -3);
    assert_true(must_find(&g, "u64", GGUF_UINT)->u == (UINT64_C(1) << 63) + 5);
    assert_true(must_find(&g, "i64", GGUF_INT)->i == -(INT64_C(1) << 62));
    assert_true(must_find(&g, "f32", GGUF_FLOAT)->f == 0.25);
    assert_true(must_find(&g, "f64", GGUF_FLOAT)->f == 1e300);
    assert_true(must_find(&g, "yes", GGUF_BOOL)->b && !must_find(&g, "no", GGUF_BOOL)->b);
    assert_string_equal(must_find(&g, "text", GGUF_STRING)->s.data, "naïve ▁ text");
    const struct gguf_value *v = must_find(&g, "array.i16", GGUF_ARRAY);
    assert_true(v->n == 3 && v->item == GGUF_INT && v->is[0] == -1 && v->is[2] == -300);
    v = must_find(&g, "array.f32", GGUF_ARRAY);
    assert_true(v->n == 2 && v->item == GGUF_FLOAT && v->fs[0] == 0.5 && v->fs[1] == -2.0);
    v = must_find(&g, "array.bool", GGUF_ARRAY);
    assert_true(v->n == 3 && v->item == GGUF_BOOL && v->bs[0] && !v->bs[1] && v->bs[2]);
    v = must_find(&g, "array.text", GGUF_ARRAY);
    assert_true(v->n == 3 && v->item == GGUF_STRING && v->ss[1].len == 0);
    assert_string_equal(v->ss[2].data, "Ġthe");
    assert_null(gguf_find(&g, "nothing"));

    const struct tensor_directory *d = &g.tensors.directory;
    float values[6];
    assert_true(d->n == 2 && strcmp(d->entries[0].name, "first") == 0);
    assert_true(d->entries[0].n_dims == 2 && d->entries[0].dims[0] == 2
                && d->entries[0].dims[1] == 3);
    assert_true(tensor_file_read(&g.tensors, &d->entries[0], 0, 6, values, &err));
    for (int i = 0; i < 6; i++)
        assert_true(values[i] == (float)i);
    assert_true(tensor_file_read(&g.tensors, &d->entries[1], 0, 2, values, &err));
    assert_true(values[0] == 1.5f && values[1] == -2.0f);
    gguf_close(&g);
}

static void reads_what_another_program_wrote(void **state)
{
    (void)state;
    expect_contents(good);
    expect_contents("tests/fixtures/gguf/metadata-v2.gguf");
    assert_true(gguf_is(good));
    assert_false(gguf_is("README.md"));
    assert_false(gguf_is("tests"));
    assert_false(gguf_is("no such file"));
}

// --- files put together here ---

struct image {
    struct buf b;
};

static void put(struct image *f, uint64_t v, size_t n)
{
    buf_add(&f->b, &v, n);
}

static void put_text(struct image *f, const char *text)
{
    put(f, strlen(text), 8);
    buf_str(&f->b, text);
}

static void begin(struct image *f, uint64_t n_tensors, uint64_t n_keys)
{
    f->b.len = 0;
    buf_str(&f->b, "GGUF");
    put(f, 3, 4);
    put(f, n_tensors, 8);
    put(f, n_keys, 8);
}

static void put_tensor(struct image *f, const char *name, uint32_t n_dims, const uint64_t *dims,
                       uint32_t type, uint64_t offset)
{
    put_text(f, name);
    put(f, n_dims, 4);
    for (uint32_t i = 0; i < n_dims; i++)
        put(f, dims[i], 8);
    put(f, type, 4);
    put(f, offset, 8);
}

static void put_data(struct image *f, size_t n)
{
    while (f->b.len % 32)
        buf_char(&f->b, '\0');
    for (size_t i = 0; i < n; i++)
        buf_char(&f->b, '\0');
}

static void expect_refused(const struct scratch *s, const struct image *f, const char *first,
                           const char *second)
{
    struct gguf g;
    struct abl_err err = { 0 };
    scratch_write(s, "hostile.gguf", f->b.data, f->b.len);
    if (gguf_open(scratch_path(s, "hostile.gguf"), &g, &err))
        fail_msg("the file was accepted, expected '%s' and '%s'", first, second);
    if (err.code != ABL_BAD_MODEL || !strstr(err.text, first) || !strstr(err.text, second))
        fail_msg("found error %d '%s', expected 4 with '%s' and '%s'", (int)err.code, err.text,
                 first, second);
}

static void hostile_heads_are_refused_by_place_and_reason(void **state)
{
    struct scratch *s = *state;
    struct image f = { 0 };
    begin(&f, 0, 0);
    f.b.data[0] = 'g';
    expect_refused(s, &f, "at byte 0", "expected a GGUF file");
    begin(&f, 0, 0);
    memcpy(f.b.data + 4, "\0\0\0\3", 4);
    expect_refused(s, &f, "at byte 4", "big-endian");
    begin(&f, 0, 0);
    f.b.data[4] = 1;
    expect_refused(s, &f, "at byte 4", "found version 1, expected 2 or 3");
    f.b.len = 13;
    f.b.data[4] = 3;
    expect_refused(s, &f, "at byte 8", "the file is cut");
    begin(&f, 0, UINT64_MAX);
    expect_refused(s, &f, "at byte 24", "a count of 18446744073709551615 keys");
    begin(&f, UINT64_C(1) << 60, 0);
    expect_refused(s, &f, "at byte 8", "a count of 1152921504606846976 tensors");
    begin(&f, 0, 1);
    put(&f, UINT64_MAX, 8);
    put(&f, 0, 8);
    expect_refused(s, &f, "at byte 24", "a key of 18446744073709551615 bytes");
    buf_release(&f.b);
}

static void hostile_values_are_refused_by_place_and_reason(void **state)
{
    struct scratch *s = *state;
    struct image f = { 0 };
    begin(&f, 0, 1);
    put_text(&f, "k");
    put(&f, 13, 4);
    expect_refused(s, &f, "at byte 33", "found type 13 of 'k'");
    begin(&f, 0, 1);
    put_text(&f, "flag");
    put(&f, 7, 4);
    put(&f, 2, 1);
    expect_refused(s, &f, "at byte 40", "found byte 2 for true or false");
    begin(&f, 0, 1);
    put_text(&f, "deep");
    put(&f, 9, 4);
    put(&f, 9, 4);
    put(&f, 1, 8);
    put(&f, 0, 8);
    expect_refused(s, &f, "at byte 40", "found an array of type 9 under 'deep'");
    begin(&f, 0, 1);
    put_text(&f, "long");
    put(&f, 9, 4);
    put(&f, 10, 4);
    put(&f, UINT64_C(1) << 61, 8);
    put(&f, 0, 8);
    expect_refused(s, &f, "at byte 40", "an array of 2305843009213693952 items under 'long'");
    begin(&f, 0, 1);
    put_text(&f, "s");
    put(&f, 8, 4);
    put(&f, 1000, 8);
    expect_refused(s, &f, "at byte 37", "found a string of 1000 bytes, expected at most 0");
    begin(&f, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_text(&f, "same");
        put(&f, 0, 4);
        put(&f, 1, 1);
    }
    expect_refused(s, &f, "found key 'same' twice", "expected it once");
    for (int i = 0; i < 3; i++) {
        static const uint64_t wrong[] = { 0, 48, 1 << 20 };
        begin(&f, 0, 1);
        put_text(&f, "general.alignment");
        put(&f, 4, 4);
        put(&f, wrong[i], 4);
        expect_refused(s, &f, "general.alignment", "expected one");
    }
    begin(&f, 0, 1);
    put_text(&f, "general.alignment");
    put(&f, 5, 4); // a signed number
    put(&f, 32, 4);
    expect_refused(s, &f, "general.alignment", "expected one");
    buf_release(&f.b);
}

static void hostile_tensors_are_refused_by_place_and_reason(void **state)
{
    struct scratch *s = *state;
    struct image f = { 0 };
    static const uint64_t six[] = { 3, 2 },
                          big[] = { (UINT64_C(1) << 42) + 1, 1 << 22, 1 << 22, 64 }, odd[] = { 33 },
                          fine[] = { 8 };
    begin(&f, 1, 0);
    put_tensor(&f, "a", 5, (uint64_t[]){ 1, 1, 1, 1, 1 }, 0, 0);
    expect_refused(s, &f, "at byte 33", "found 5 dimensions of tensor 'a'");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 4, big, 0, 0);
    put_data(&f, 64);
    expect_refused(s, &f, "a shape of tensor 'a' that overflows", "expected one that fits");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, odd, 2, 0);
    put_data(&f, 64);
    expect_refused(s, &f, "found rows of 33 elements in tensor 'a'",
                   "multiple of 32 for type Q4_0");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, fine, 23, 0);
    put_data(&f, 64);
    expect_refused(s, &f, "found type IQ4_XS (number 23) of tensor 'a'", "Q4_K");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, fine, 999, 0);
    put_data(&f, 64);
    expect_refused(s, &f, "found type ? (number 999)", "expected one of F32");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, fine, 0, 5);
    put_data(&f, 64);
    expect_refused(s, &f, "found offset 5 of tensor 'a'", "multiple of 32");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, fine, 0, UINT64_MAX - 31);
    put_data(&f, 64);
    expect_refused(s, &f, "offset 18446744073709551584", "tensor 'a'");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, fine, 0, 64);
    put_data(&f, 64);
    expect_refused(s, &f, "found bytes 64 to 96 of the data for tensor 'a'", "at most 64");
    begin(&f, 1, 0);
    put_tensor(&f, "a", 1, fine, 0, 0);
    expect_refused(s, &f, "tensor", "data");
    begin(&f, 2, 0);
    put_tensor(&f, "a", 1, fine, 0, 0);
    put_tensor(&f, "a", 1, fine, 0, 32);
    put_data(&f, 64);
    expect_refused(s, &f, "found tensor 'a' twice", "expected it once");
    begin(&f, 2, 0);
    put_tensor(&f, "a", 2, six, 0, 0);
    put_tensor(&f, "b", 1, fine, 0, 0);
    put_data(&f, 64);
    expect_refused(s, &f, "inside of", "expected it behind");
    begin(&f, 1, 0);
    put_tensor(&f, "", 1, fine, 0, 0);
    put_data(&f, 64);
    expect_refused(s, &f, "at byte 24", "a tensor's name that is empty");
    buf_release(&f.b);
}

// A length of many items in a small file may not make the reader claim much memory.
static void memory_stays_with_the_size_of_the_file(void **state)
{
    struct scratch *s = *state;
    struct image f = { 0 };
    enum {
        EMPTY_STRINGS = 1 << 22
    }; // 32 MiB in the file, 64 MiB unfolded: refused before it is claimed
    begin(&f, 0, 2);
    for (int k = 0; k < 2; k++) {
        put_text(&f, k ? "b" : "a");
        put(&f, 9, 4);
        put(&f, 0, 4); // bytes, which unfold eightfold
        put(&f, EMPTY_STRINGS, 8);
        for (size_t i = 0; i < EMPTY_STRINGS; i++)
            buf_char(&f.b, '\0');
    }
    expect_refused(s, &f, "unfolds to more than", "48 MiB");
    buf_release(&f.b);
    struct rusage after;
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
#ifndef __SANITIZE_ADDRESS__
    assert_true(after.ru_maxrss < 256 << 10); // KiB
#endif
}

static void spoilt_files_open_or_say_why(void **state)
{
    struct scratch *s = *state;
    struct file_bytes bytes;
    struct abl_err err;
    assert_true(file_read(good, 1 << 20, &bytes, ABL_BAD_DATA, &err));
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < 4000; i++) {
        char *copy = malloc(bytes.size);
        assert_non_null(copy);
        memcpy(copy, bytes.data, bytes.size);
        size_t size = i % 4 ? bytes.size : rng_below(&r, (uint32_t)bytes.size);
        for (uint32_t k = i % 4 ? 1 + rng_below(&r, 3) : 0; k; k--)
            copy[rng_below(&r, (uint32_t)bytes.size)] = (char)rng_below(&r, 256);
        scratch_write(s, "spoilt.gguf", copy, size);
        free(copy);
        struct gguf g;
        err = (struct abl_err){ 0 };
        if (gguf_open(scratch_path(s, "spoilt.gguf"), &g, &err))
            gguf_close(&g);
        else if (err.code != ABL_BAD_MODEL || !*err.text)
            fail_msg("file %d: found error %d '%s', expected 4 with a reason", i, (int)err.code,
                     err.text);
    }
    file_bytes_release(&bytes);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_another_program_wrote),
        IN_SCRATCH(hostile_heads_are_refused_by_place_and_reason),
        IN_SCRATCH(hostile_values_are_refused_by_place_and_reason),
        IN_SCRATCH(hostile_tensors_are_refused_by_place_and_reason),
        IN_SCRATCH(memory_stays_with_the_size_of_the_file),
        IN_SCRATCH(spoilt_files_open_or_say_why),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
