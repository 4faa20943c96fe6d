// Every family of tokenizer.json pipelines against the `tokenizers` library (tools/golden_families.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_gives_the_ids_of_the_library),
        cmocka_unit_test(a_template_puts_bos_first),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
