// Every family of tokenizer.json pipelines against the `tokenizers` library
// (tools/golden_families.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/support/scratch.h"
#include "tests/support/token_texts.h"

static const char *const families[] = { "neox",   "llama3", "qwen2",  "nemo",  "smollm",
                                        "digits", "llama2", "always", "first", "never" };

static void every_family_gives_the_ids_of_the_library(void **state)
{
    (void)state;
    struct token_texts t;
    token_texts_read(&t, "tests/fixtures/tokenizers");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        token_texts_expect(&t, families[i], families[i]);
    token_texts_release(&t);
}

static void a_template_puts_bos_first(void **state)
{
    (void)state;
    static const char *const with[] = { "llama2", "llama3" }, *const without[]
                                                              = { "qwen2", "nemo" };
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        uint32_t id;
        struct abl_err err;
        snprintf(path, sizeof path, "tests/fixtures/tokenizers/%s",
                 i < 2 ? with[i] : without[i - 2]);
        struct tokenizer *t = token_texts_open(path);
        assert_true(tokenizer_bos(t, BOS_AUTO, &id, &err));
        if (i < 2)
            assert_string_equal(tokenizer_text(t, id), "<s>");
        else
            assert_true(id == TOKEN_NONE);
        tokenizer_free(t);
    }
}

// Files of LLaMA's tokenizer may say that their own template is not to be followed, which one owner
// heeds.
static void an_explicit_no_keeps_bos_away(void **state)
{
    (void)state;
    struct scratch s;
    struct file_bytes bytes;
    struct abl_err err;
    uint32_t id;
    struct tokenizer *t;
    scratch_make(&s);
    assert_true(file_read("tests/fixtures/tokenizers/llama2/tokenizer.json", 1 << 24, &bytes,
                          ABL_BAD_DATA, &err));
    scratch_write(&s, "tokenizer.json", bytes.data, bytes.size);
    file_bytes_release(&bytes);
    scratch_text(&s, "tokenizer_config.json",
                 "{\"tokenizer_class\":\"LlamaTokenizer\",\"add_bos_token\":false}");
    for (size_t like = 0; like < N_OWNERS; like++) {
        assert_true(tokenizer_open(s.path, (enum owner)like, &t, &err));
        assert_true(tokenizer_bos(t, BOS_AUTO, &id, &err));
        assert_int_equal(id == TOKEN_NONE, like == OWNER_TRANSFORMERS_4);
        assert_true(tokenizer_bos(t, BOS_ALWAYS, &id, &err) && id != TOKEN_NONE);
        bool told = false;
        for (size_t i = 0; i < tokenizer_notes(t)->n; i++)
            told = told || strncmp(tokenizer_notes(t)->lines[i], "BOS: ", 5) == 0;
        assert_true(told);
        tokenizer_free(t);
    }
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_gives_the_ids_of_the_library),
        cmocka_unit_test(a_template_puts_bos_first),
        cmocka_unit_test(an_explicit_no_keeps_bos_away),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
