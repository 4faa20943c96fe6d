// Which files of a repository make a checkpoint, from the hub's list.
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
#include "format/hub_listing.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define GIT "1111111111111111111111111111111111111111"
#define SHA256 "2222222222222222222222222222222222222222222222222222222222222222"

static const struct hub_repository from = { "https://hub", "org/name" };

// A list of small files, as the hub writes it.
static void write_list(struct buf *out, const char *names)
{
    buf_str(out,
            "{\"id\":\"org/name\",\"tags\":[\"x\",1e3,null],\"sha\":\"" COMMIT "\",\"siblings\":[");
    const char *separator = "";
    for (const char *n = names; *n; n += strspn(n, " ")) {
        int len = (int)strcspn(n, " ");
        buf_printf(out, "%s{\"rfilename\":\"%.*s\",\"size\":%d,\"blobId\":\"" GIT "\"}", separator,
                   len, n, len);
        separator = ",";
        n += len;
    }
    buf_str(out, "]}");
    assert_false(out->failed);
}

// The names chosen from `names`, or the message of the refusal.
static void expect_choice(const char *names, const char *file, const char *expected)
{
    struct buf text = { 0 }, found = { 0 };
    struct hub_listing l;
    struct abl_err err;
    write_list(&text, names);
    if (hub_listing_read(&from, file, text.data, text.len, &l, &err)) {
        for (size_t i = 0; i < l.n; i++)
            buf_printf(&found, "%s%s", i ? " " : "", l.files[i].name);
        hub_listing_release(&l);
        if (strcmp(found.data, expected) != 0)
            fail_msg("of \"%s\" found \"%s\", expected \"%s\"", names, found.data, expected);
    } else if (!strstr(err.text, expected) || err.code != ABL_BAD_MODEL)
        fail_msg("of \"%s\" found \"%s\", expected \"%s\"", names, err.text, expected);
    buf_release(&text);
    buf_release(&found);
}

static void chooses_what_makes_a_checkpoint(void **state)
{
    (void)state;
    expect_choice("README.md model.safetensors tokenizer.json config.json pytorch_model.bin "
                  "onnx/model.onnx tf_model.h5",
                  NULL, "tokenizer.json config.json model.safetensors");
    expect_choice("model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
                  "consolidated.safetensors model.safetensors.index.json config.json",
                  NULL,
                  "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
                  "model.safetensors.index.json");
    expect_choice("model.safetensors model.fp16.safetensors model-00001-of-00001.safetensors "
                  "model.safetensors.index.json vocab.json merges.txt",
                  NULL, "vocab.json merges.txt model.safetensors");
    expect_choice("original/model.safetensors config.json", NULL, "no safetensors in 'org/name'");
    expect_choice("pytorch_model.bin config.json", NULL, "only pytorch_model.bin");
    expect_choice("", NULL, "no safetensors in 'org/name'; https://hub/org/name");
}

static void chooses_gguf_files_with_all_their_parts(void **state)
{
    (void)state;
    static const char parts[] = "q4-00001-of-00002.gguf q4-00002-of-00002.gguf "
                                "q4-00001-of-00003.gguf q8-00002-of-00002.gguf q2.gguf config.json";
    expect_choice("README.md q8.gguf config.json", NULL, "q8.gguf");
    expect_choice("q8-00001-of-00002.gguf q8-00002-of-00002.gguf config.json", NULL,
                  "q8-00001-of-00002.gguf q8-00002-of-00002.gguf");
    expect_choice("q2.gguf q8.gguf", NULL, "found q2.gguf, q8.gguf");
    expect_choice("q2.gguf q8.gguf", "q8.gguf", "q8.gguf");
    expect_choice("q2.gguf q8.gguf", "q9.gguf", "no file 'q9.gguf' in 'org/name': found q2.gguf");
    expect_choice("model.safetensors q8.gguf config.json", "q8.gguf", "q8.gguf");
    expect_choice(parts, "q4-00001-of-00002.gguf", "q4-00001-of-00002.gguf q4-00002-of-00002.gguf");
    expect_choice(parts, "q2.gguf", "q2.gguf");
    expect_choice(parts, NULL, "found q4-00001-of-00002.gguf, q4-00001-of-00003.gguf, q2.gguf");
    expect_choice("a-0001-of-00002.gguf", NULL, "a-0001-of-00002.gguf");
}

static void names_that_could_do_harm_are_left_out(void **state)
{
    (void)state;
    expect_choice(
        "model-\\u001b[2J.safetensors model-../x.safetensors model-\\\\.safetensors "
        "model-é.safetensors model-a\\u0000b.safetensors .gguf model.safetensors.index.json",
        NULL, "model.safetensors.index.json");
}

static void large_files_go_by_sha256_and_small_ones_by_git(void **state)
{
    (void)state;
    static const char text[]
        = "{\"siblings\":[{\"rfilename\":\"model.safetensors\",\"blobId\":\"" GIT
          "\",\"lfs\":{\"sha256\":\"" SHA256 "\",\"size\":9,\"pointerSize\":1},\"size\":"
          "9007199254740993},{\"rfilename\":\"config.json\",\"size\":0,\"lfs\":null,\"blobId\":"
          "\"" GIT "\"}],\"sha\":\"" COMMIT "\"}";
    struct hub_listing l;
    struct abl_err err;
    if (!hub_listing_read(&from, NULL, text, sizeof text - 1, &l, &err))
        fail_msg("%s", err.text);
    assert_string_equal(l.commit, COMMIT);
    assert_int_equal(l.n, 2);
    assert_true(!l.files[0].is_sha256 && !l.files[0].is_weights && l.files[0].size == 0);
    assert_string_equal(l.files[0].hash, GIT);
    assert_true(l.files[1].is_sha256 && l.files[1].is_weights);
    assert_true(l.files[1].size == 9007199254740993); // beyond what a double holds
    assert_string_equal(l.files[1].hash, SHA256);
    hub_listing_release(&l);
}

static void refuses_what_cannot_be_checked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "", "expected" },
        { "[]", "expected" },
        { "<html>", "expected" },
        { "{\"sha\":\"" COMMIT "\"}", "no commit and its files" },
        { "{\"siblings\":[]}", "no commit and its files" },
        { "{\"sha\":\"main\",\"siblings\":[]}", "no commit and its files" },
        { "{\"sha\":\"" COMMIT "\",\"siblings\":[{\"rfilename\":\"model.safetensors\"}]}",
          "without its size or hash" },
        { "{\"sha\":\"" COMMIT "\",\"siblings\":[{\"rfilename\":\"model.safetensors\",\"size\":1,"
          "\"blobId\":\"../../x\"}]}",
          "without its size or hash" },
        { "{\"sha\":\"" COMMIT "\",\"siblings\":[{\"rfilename\":\"model.safetensors\",\"size\":-1,"
          "\"blobId\":\"" GIT "\"}]}",
          "at byte" },
        { "{\"sha\":\"" COMMIT
          "\",\"siblings\":[{\"rfilename\":\"model.safetensors\",\"size\":1e400,"
          "\"blobId\":\"" GIT "\"}]}",
          "at byte" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hub_listing l;
        struct abl_err err;
        if (hub_listing_read(&from, NULL, cases[i][0], strlen(cases[i][0]), &l, &err))
            fail_msg("'%s' is taken", cases[i][0]);
        if (err.code != ABL_FAILED || !strstr(err.text, cases[i][1]))
            fail_msg("'%s': found %d \"%s\", expected \"%s\"", cases[i][0], (int)err.code, err.text,
                     cases[i][1]);
    }
}

static void spoilt_lists_are_read_or_refused(void **state)
{
    (void)state;
    struct buf text = { 0 };
    struct rng rng;
    rng_seed(&rng, 11);
    write_list(&text, "config.json tokenizer.json model.safetensors q-00001-of-00002.gguf");
    for (int i = 0; i < 20000; i++) {
        char *copy = malloc(text.len); // exactly as long, so that a sanitizer sees a step too far
        assert_non_null(copy);
        memcpy(copy, text.data, text.len);
        for (uint32_t k = 1 + rng_below(&rng, 3); k; k--)
            copy[rng_below(&rng, (uint32_t)text.len)] = (char)rng_below(&rng, 256);
        struct hub_listing l;
        struct abl_err err = { 0 };
        size_t size = i % 3 ? text.len : rng_below(&rng, (uint32_t)text.len);
        if (hub_listing_read(&from, i % 2 ? "q-00001-of-00002.gguf" : NULL, copy, size, &l, &err))
            hub_listing_release(&l);
        else
            assert_true(err.text[0] && (err.code == ABL_FAILED || err.code == ABL_BAD_MODEL));
        free(copy);
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_what_makes_a_checkpoint),
        cmocka_unit_test(chooses_gguf_files_with_all_their_parts),
        cmocka_unit_test(names_that_could_do_harm_are_left_out),
        cmocka_unit_test(large_files_go_by_sha256_and_small_ones_by_git),
        cmocka_unit_test(refuses_what_cannot_be_checked),
        cmocka_unit_test(spoilt_lists_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
