// SentencePiece vocabularies, from tokenizer.model and from GGUF metadata, against SentencePiece
// itself (tools/golden_sentencepiece.py), and spoilt files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "model/model.h"
#include "tests/support/scratch.h"
#include "tests/support/token_texts.h"

static const char folder[] = "tests/fixtures/sentencepiece";

static struct token_texts texts;

static int read_golden(void **state)
{
    (void)state;
    token_texts_read(&texts, folder);
    return 0;
}

static int free_golden(void **state)
{
    (void)state;
    token_texts_release(&texts);
    return 0;
}

static void a_model_alone_gives_the_ids_of_sentencepiece(void **state)
{
    (void)state;
    token_texts_expect(&texts, "plain", "plain");
    token_texts_expect(&texts, "user", "user");
    token_texts_expect(&texts, "nobytes", "nobytes");
}

static void a_gguf_file_gives_the_ids_of_sentencepiece(void **state)
{
    (void)state;
    token_texts_expect(&texts, "plain.gguf", "plain");
    token_texts_expect(&texts, "user.gguf", "user");
}

static void bos_goes_first_by_default(void **state)
{
    (void)state;
    static const char *const places[] = { "plain", "plain.gguf" };
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        uint32_t id;
        struct abl_err err;
        snprintf(path, sizeof path, "%s/%s", folder, places[i]);
        struct tokenizer *t = token_texts_open(path);
        assert_true(tokenizer_bos(t, BOS_AUTO, &id, &err));
        assert_int_equal(id, 1);
        assert_string_equal(tokenizer_text(t, id), "<s>");
        assert_true(tokenizer_is_special(t, id));
        tokenizer_free(t);
    }
}

static void special_tokens_in_a_text_are_those_tokens(void **state)
{
    (void)state;
    struct tokenizer *t = token_texts_open("tests/fixtures/sentencepiece/plain");
    struct token_ids ids = { 0 };
    struct abl_err err;
    assert_true(tokenizer_encode(t, "</s>a", 5, &ids, &err));
    assert_true(ids.n >= 2 && ids.ids[0] == 2);
    token_ids_release(&ids);
    tokenizer_free(t);
}

static void tokens_read_as_they_stand_in_a_text(void **state)
{
    (void)state;
    struct tokenizer *t = token_texts_open("tests/fixtures/sentencepiece/plain");
    struct token_ids ids = { 0 };
    struct abl_err err;
    assert_true(tokenizer_encode(t, "not \n", 5, &ids, &err));
    char text[64] = "";
    for (size_t i = 0; i < ids.n; i++)
        strcat(text, tokenizer_text(t, ids.ids[i]));
    assert_string_equal(text, " not \\n"); // a byte token shows what it stands for
    token_ids_release(&ids);
    tokenizer_free(t);
}

// --- files that are wrong ---

static void spoilt_models_open_or_say_why(void **state)
{
    (void)state;
    struct scratch s;
    struct file_bytes bytes;
    struct abl_err err;
    scratch_make(&s);
    assert_true(file_read("tests/fixtures/sentencepiece/plain/tokenizer.model", 1 << 24, &bytes,
                          ABL_BAD_DATA, &err));
    struct rng r;
    rng_seed(&r, 4);
    for (int i = 0; i < 600; i++) {
        char *copy = malloc(bytes.size);
        assert_non_null(copy);
        memcpy(copy, bytes.data, bytes.size);
        size_t size = i % 3 ? bytes.size : rng_below(&r, (uint32_t)bytes.size);
        for (uint32_t k = i % 3 ? 1 + rng_below(&r, 4) : 0; k; k--)
            copy[rng_below(&r, (uint32_t)bytes.size)] = (char)rng_below(&r, 256);
        scratch_write(&s, "tokenizer.model", copy, size);
        free(copy);
        struct tokenizer *t;
        err = (struct abl_err){ 0 };
        if (tokenizer_open(s.path, OWNER_TRANSFORMERS_5, &t, &err))
            tokenizer_free(t);
        else if (err.code != ABL_BAD_MODEL || !strstr(err.text, "tokenizer.model"))
            fail_msg("file %d: found error %d '%s', expected 4 that names the file", i,
                     (int)err.code, err.text);
    }
    file_bytes_release(&bytes);
    scratch_remove(&s);
}

static void expect_refused(const struct scratch *s, const void *bytes, size_t len,
                           const char *expected)
{
    struct tokenizer *t;
    struct abl_err err = { 0 };
    scratch_write(s, "tokenizer.model", bytes, len);
    if (tokenizer_open(s->path, OWNER_TRANSFORMERS_5, &t, &err))
        fail_msg("the file was accepted, expected '%s'", expected);
    if (err.code != ABL_BAD_MODEL || !strstr(err.text, expected))
        fail_msg("found error %d '%s', expected 4 with '%s'", (int)err.code, err.text, expected);
}

static void other_kinds_of_models_are_refused_by_name(void **state)
{
    (void)state;
    struct scratch s;
    scratch_make(&s);
    expect_refused(&s, "", 0, "model type unigram"); // the schema's default
    expect_refused(&s, "\x12\x02\x18\x04", 4, "model type char");
    expect_refused(&s, "\x12\x02\x18\x02", 4, "remove_extra_whitespaces");
    expect_refused(&s, "\x12\x02\x18\x02\x1a\x05\x20\x00\x12\x01x", 11, "a map of characters");
    expect_refused(&s, "\x12\x02\x18\x02\x1a\x04\x20\x00\x28\x00", 10, "escape_whitespaces false");
    expect_refused(&s, "\x12\x02\x18\x02\x1a\x02\x20\x00", 8, "has no vocabulary");
    expect_refused(&s, "\x0a\x7f", 2, "longer than what holds it");
    expect_refused(&s, "\x0b", 1, "unknown kind");
    expect_refused(&s, "\x0a\x02\x08\x01", 4, "another kind than its number has");
    expect_refused(&s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, "more than 64 bits");
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_alone_gives_the_ids_of_sentencepiece),
        cmocka_unit_test(a_gguf_file_gives_the_ids_of_sentencepiece),
        cmocka_unit_test(bos_goes_first_by_default),
        cmocka_unit_test(special_tokens_in_a_text_are_those_tokens),
        cmocka_unit_test(tokens_read_as_they_stand_in_a_text),
        cmocka_unit_test(spoilt_models_open_or_say_why),
        cmocka_unit_test(other_kinds_of_models_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("sentencepiece", tests, read_golden, free_golden);
}
