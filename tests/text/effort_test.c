// What tokenizer.json may have us do with one text: files whose steps multiply it, or are many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/support/scratch.h"
#include "text/effort.h"
#include "text/pattern.h"
#include "text/tokenizer.h"

// tokenizer.json over all bytes, with these steps (n times `item`).
struct file {
    const char *normal, *cut, *added;
    size_t n;
};

static void add_steps(struct buf *out, const char *key, const char *type, const char *list,
                      const char *item, size_t n)
{
    buf_printf(out, "\"%s\":", key);
    if (!item) {
        buf_str(out, "null,");
        return;
    }
    buf_printf(out, "{\"type\":\"%s\",\"%s\":[", type, list);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%s", i ? "," : "", item);
    buf_str(out, "]},");
}

// What GPT-2 writes a byte as: itself where it shows, else one from U+0100 on.
static unsigned character(int byte)
{
    unsigned others = 0;
    for (int i = 0; i <= byte; i++) {
        bool shows = (i >= 33 && i <= 126) || (i >= 161 && i != 173);
        if (i == byte && shows)
            return (unsigned)byte;
        others += !shows;
    }
    return 0xff + others;
}

static void write_tokenizer(const struct scratch *s, const struct file *f)
{
    struct buf b = { 0 };
    buf_str(&b, "{\"added_tokens\":[");
    for (size_t i = 0; f->added && i < f->n; i++)
        buf_printf(&b,
                   "%s{\"id\":%zu,\"content\":\"%s%zu\",\"single_word\":false,\"lstrip\":false,"
                   "\"rstrip\":false,\"normalized\":true,\"special\":false}",
                   i ? "," : "", 512 + i, f->added, i);
    buf_str(&b, "],");
    add_steps(&b, "normalizer", "Sequence", "normalizers", f->normal,
              f->normal && f->added ? 13 : f->n);
    add_steps(&b, "pre_tokenizer", "Sequence", "pretokenizers", f->cut, f->n);
    buf_printf(&b,
               "\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":\"BPE\","
               "\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":null,"
               "\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":%s,\"vocab\":{",
               f->cut ? "false" : "true");
    for (int i = 0; i < 256; i++) // each byte by its character, and by its number
        buf_printf(&b, "%s\"\\u%04x\":%d,\"<0x%02X>\":%d", i ? "," : "", character(i), i, i,
                   i + 256);
    buf_str(&b, "},\"merges\":[]}}");
    assert_false(b.failed);
    scratch_write(s, "tokenizer.json", b.data, b.len);
    buf_release(&b);
}

// Opens the file and encodes a text; the error, or "".
static void encode(const struct scratch *s, const char *text, size_t len, struct abl_err *err)
{
    struct tokenizer *t;
    struct token_ids ids = { 0 };
    *err = (struct abl_err){ 0 };
    alarm(120); // of the machine's time, under sanitizers too: none takes a tenth of it
    if (tokenizer_open(s->path, OWNER_TRANSFORMERS_5, &t, err)) {
        if (tokenizer_encode(t, text, len, &ids, err))
            err->text[0] = '\0';
        token_ids_release(&ids);
        tokenizer_free(t);
    }
    alarm(0);
}

#define DOUBLES "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}"
#define DOUBLES_MATCHES "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a\"},\"content\":\"aa\"}"
#define PREPENDS                                                                                   \
    "{\"type\":\"Prepend\",\"prepend\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"  \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" \
    "}"
#define SPLITS                                                                                     \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Isolated\",\"invert\":"      \
    "false}"
#define PREFIXES                                                                                   \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":false}" \
    ","                                                                                            \
    "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"always\","      \
    "\"split\":true}"

static void steps_that_multiply_a_text_are_refused(void **state)
{
    const struct scratch *s = *state;
    static const struct {
        struct file file;
        const char *text, *expected;
    } cases[] = {
        { { DOUBLES, NULL, NULL, 40 },
          "a",
          "step 15 of the tokenizer's normalizer makes more than"
          " 16384 bytes of a text of 1" },
        { { DOUBLES_MATCHES, NULL, NULL, 40 }, "a", "step 15 of the tokenizer's normalizer" },
        { { PREPENDS, NULL, NULL, 250 },
          "a",
          "of the tokenizer's normalizer makes more than 16384" },
        { { NULL, PREFIXES, NULL, 100 }, "a", "of the tokenizer's pre-tokenizer makes more than" },
        { { DOUBLES, NULL, NULL, 257 }, "", "normalizer of more than 256 steps" },
        { { NULL, SPLITS, NULL, 257 }, "", "pre_tokenizer of more than 256 steps" },
        { { DOUBLES, NULL, "a", 9000 }, "", "more than 64 MiB of the added tokens" },
        // What is within the bounds.
        { { DOUBLES, NULL, NULL, 14 }, "a", "" },
        { { NULL, SPLITS, NULL, 256 }, "aaaa", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct abl_err err;
        write_tokenizer(s, &cases[i].file);
        encode(s, cases[i].text, strlen(cases[i].text), &err);
        bool as_expected
            = *cases[i].expected ? strstr(err.text, cases[i].expected) != NULL : !*err.text;
        if (!as_expected)
            fail_msg("case %zu: found \"%s\", expected \"%s\"", i, err.text, cases[i].expected);
    }
}

// A text may be long of itself.
static void long_texts_may_grow_as_much(void **state)
{
    const struct scratch *s = *state;
    enum { LEN = 1 << 20 };
    struct abl_err err;
    char *text = malloc(LEN);
    assert_non_null(text);
    memset(text, 'a', LEN);
    write_tokenizer(s, &(struct file){ DOUBLES, NULL, NULL, 2 });
    encode(s, text, LEN / 16, &err);
    assert_string_equal(err.text, "");
    write_tokenizer(s, &(struct file){ DOUBLES, NULL, NULL, 7 });
    encode(s, text, LEN, &err);
    assert_non_null(strstr(err.text, "step 7 of the tokenizer's normalizer makes more than 67108864"
                                     " bytes of a text of 1048576"));
    free(text);
}

// U+0301 and U+0323 in turn: sorted one by one.
static void marks_without_end_are_refused(void **state)
{
    const struct scratch *s = *state;
    struct abl_err err;
    struct buf text = { 0 };
    write_tokenizer(s, &(struct file){ "{\"type\":\"NFD\"}", NULL, NULL, 1 });
    buf_str(&text, "a");
    for (int i = 0; i < EFFORT_MARKS / 2; i++)
        buf_str(&text, "\xcc\x81\xcc\xa3");
    encode(s, text.data, text.len, &err);
    assert_string_equal(err.text, "");
    buf_str(&text, "\xcc\x81");
    encode(s, text.data, text.len, &err);
    assert_int_equal(err.code, ABL_BAD_DATA);
    assert_non_null(strstr(err.text, "more than 4096 combining marks one behind the other"));
    buf_release(&text);
}

static void expressions_have_a_length(void **state)
{
    (void)state;
    struct pattern *p;
    struct abl_err err;
    struct buf text = { 0 };
    for (int i = 0; i <= EFFORT_PATTERN; i++)
        buf_char(&text, 'a');
    struct pattern_source source = { .text = { text.data, text.len }, .path = "tokenizer.json" };
    assert_false(pattern_compile(&source, &p, &err));
    assert_int_equal(err.code, ABL_BAD_MODEL);
    assert_non_null(strstr(err.text, "has 65537 bytes: expected 65536 at most"));
    source.text.len--;
    assert_true(pattern_compile(&source, &p, &err));
    pattern_free(p);
    buf_release(&text);
}

// The clock is looked at every so many searches, of all steps of a text together.
static void a_text_has_its_time(void **state)
{
    (void)state;
    struct pattern *p;
    struct abl_err err;
    struct effort effort = { .until = 1 }; // long over
    struct spans spans = { .effort = &effort };
    struct pattern_source source = { .text = { "a", 1 }, .path = "tokenizer.json" };
    assert_true(pattern_compile(&source, &p, &err));
    size_t n = 0;
    while (n <= EFFORT_SEARCHES && pattern_find(p, "a", 1, &spans, &err))
        n++;
    assert_true(n < EFFORT_SEARCHES);
    assert_int_equal(err.code, ABL_BAD_MODEL);
    assert_non_null(strstr(err.text, "take more than 10 seconds for a text of 1 bytes"));
    effort = (struct effort){ 0 }; // one that has just begun
    for (n = 0; n < (size_t)2 * EFFORT_SEARCHES; n++)
        assert_true(pattern_find(p, "a", 1, &spans, &err));
    assert_true(effort.until > 1);
    spans_release(&spans);
    pattern_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_that_multiply_a_text_are_refused, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(long_texts_may_grow_as_much, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(marks_without_end_are_refused, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(expressions_have_a_length),
        cmocka_unit_test(a_text_has_its_time),
    };
    return cmocka_run_group_tests_name("effort", tests, NULL, NULL);
}
