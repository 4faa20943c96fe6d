// GGUF metadata as llama.cpp reads it: a file of tests/fixtures/archs with keys put in, or taken
// out of sight, and what is made of them. Expectations are worked out from llama.cpp's definition.
#include "model/config_gguf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "model/gguf_settings.h"
#include "model/model.h"
#include "tests/support/scratch.h"

#define BASE "tests/fixtures/archs/llama-linear.gguf"

enum { TYPE_U32 = 4, TYPE_F32 = 6, TYPE_STRING = 8, TYPE_ARRAY = 9, TYPE_I32 = 5, HEAD = 24 };

// A file in the making: keys to put in, and those of the base that go out of sight.
struct edit {
    struct buf keys;
    uint64_t n_keys;
    const char *hidden[4];
};

static void put_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

static void put_text(struct buf *b, const char *text)
{
    uint64_t len = strlen(text);
    buf_add(b, &len, sizeof len);
    buf_str(b, text);
}

static void add_key(struct edit *e, const char *key, uint32_t type)
{
    put_text(&e->keys, key);
    put_u32(&e->keys, type);
    e->n_keys++;
}

static void add_u32(struct edit *e, const char *key, uint32_t v)
{
    add_key(e, key, TYPE_U32);
    put_u32(&e->keys, v);
}

static void add_f32(struct edit *e, const char *key, float v)
{
    add_key(e, key, TYPE_F32);
    buf_add(&e->keys, &v, sizeof v);
}

static void add_text(struct edit *e, const char *key, const char *v)
{
    add_key(e, key, TYPE_STRING);
    put_text(&e->keys, v);
}

static void add_list(struct edit *e, const char *key, uint32_t type, uint64_t n)
{
    add_key(e, key, TYPE_ARRAY);
    put_u32(&e->keys, type);
    buf_add(&e->keys, &n, sizeof n);
}

// Tensors lie at multiples of 32 bytes: what is put in before them has to be one.
static void fill_up(struct edit *e)
{
    enum { ROOM = 8 + 8 + 4 + 8 }; // of a key "x.filler" with an empty text
    char filler[33] = "";
    size_t short_of = (32 - (e->keys.len + ROOM) % 32) % 32;
    memset(filler, '.', short_of);
    add_text(e, "x.filler", filler);
    assert_int_equal(e->keys.len % 32, 0);
}

// Spell a key of the base otherwise, so that nobody finds it.
static void hide(char *data, size_t size, const char *key)
{
    uint64_t len = strlen(key);
    for (size_t i = HEAD; i + 8 + len < size; i++)
        if (memcmp(data + i, &len, 8) == 0 && memcmp(data + i + 8, key, len) == 0) {
            data[i + 8] = '#';
            return;
        }
    fail_msg("no key '%s' in " BASE, key);
}

static const char *write_file(const struct scratch *s, struct edit *e)
{
    struct file_bytes base = { 0 };
    struct buf out = { 0 };
    struct abl_err err;
    uint64_t n_keys;
    if (!file_read(BASE, 1 << 20, &base, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    fill_up(e);
    buf_add(&out, base.data, base.size);
    memcpy(&n_keys, out.data + 16, sizeof n_keys);
    n_keys += e->n_keys;
    memcpy(out.data + 16, &n_keys, sizeof n_keys);
    for (size_t i = 0; i < 4 && e->hidden[i]; i++)
        hide(out.data, out.len, e->hidden[i]);
    struct buf whole = { 0 };
    buf_add(&whole, out.data, HEAD);
    buf_add(&whole, e->keys.data, e->keys.len);
    buf_add(&whole, out.data + HEAD, out.len - HEAD);
    assert_false(whole.failed || out.failed || e->keys.failed);
    scratch_write(s, "m.gguf", whole.data, whole.len);
    buf_release(&whole);
    buf_release(&out);
    buf_release(&e->keys);
    file_bytes_release(&base);
    return scratch_path(s, "m.gguf");
}

static struct model_shape must_read(const struct scratch *s, struct edit e)
{
    struct model *m;
    struct abl_err err;
    if (!model_open(write_file(s, &e), OWNER_TRANSFORMERS_5, &m, &err))
        fail_msg("%s", err.text);
    struct model_shape shape = m->shape;
    model_free(m);
    return shape;
}

static void expect_refused(const struct scratch *s, struct edit e, const char *first,
                           const char *second)
{
    struct model *m;
    struct abl_err err = { 0 };
    if (model_open(write_file(s, &e), OWNER_TRANSFORMERS_5, &m, &err))
        fail_msg("the file was opened, expected '%s' and '%s'", first, second);
    if (err.code != ABL_BAD_MODEL || !strstr(err.text, first) || !strstr(err.text, second))
        fail_msg("found error %d '%s', expected 4 with '%s' and '%s'", (int)err.code, err.text,
                 first, second);
}

// The base without what it says of scaling.
static struct edit unscaled(void)
{
    return (struct edit){ .hidden = { "llama.rope.scaling.type", "llama.rope.scaling.factor" } };
}

static void expect_rope(struct model_shape shape, enum rope_kind kind, double factor, double scale)
{
    if (shape.rope.kind != kind || fabs(shape.rope.factor - factor) > 1e-6
        || fabs(shape.rope.scale - scale) > 1e-6)
        fail_msg("found kind %d, factor %g, scale %g; expected %d, %g, %g", (int)shape.rope.kind,
                 shape.rope.factor, shape.rope.scale, (int)kind, factor, scale);
}

static void a_factor_alone_is_linear_and_none_is_none(void **state)
{
    const struct scratch *s = *state;
    struct edit e = unscaled();
    expect_rope(must_read(s, e), ROPE_DEFAULT, 1, 1);
    add_f32(&e, "llama.rope.scaling.factor", 4);
    expect_rope(must_read(s, e), ROPE_LINEAR, 4, 1);
    e = unscaled();
    add_f32(&e, "llama.rope.scaling.factor", 0);
    expect_rope(must_read(s, e), ROPE_DEFAULT, 1, 1);
    e = unscaled();
    add_f32(&e, "llama.rope.scale_linear", 8);
    expect_rope(must_read(s, e), ROPE_LINEAR, 8, 1);
    e = unscaled();
    add_text(&e, "llama.rope.scaling.type", "none");
    add_f32(&e, "llama.rope.scaling.factor", 4);
    assert_int_equal(must_read(s, e).rope.kind, ROPE_DEFAULT);
    e = unscaled();
    add_text(&e, "llama.rope.scaling.type", "linear");
    add_f32(&e, "llama.rope.scaling.factor", 2);
    add_f32(&e, "llama.rope.scaling.attn_factor", 1.5f);
    expect_rope(must_read(s, e), ROPE_LINEAR, 2, 1.5);
    e = unscaled();
    add_text(&e, "llama.rope.scaling.type", "yarn");
    add_f32(&e, "llama.rope.scaling.factor", 4);
    expect_rope(must_read(s, e), ROPE_YARN, 4, 1 + 0.1 * log(4));
    e = unscaled();
    add_text(&e, "llama.rope.scaling.type", "longrope");
    expect_refused(s, e, "llama.rope.scaling.type", "none, linear or yarn");
    e = unscaled();
    add_f32(&e, "llama.rope.scaling.factor", -1);
    expect_refused(s, e, "llama.rope.scaling.factor", "found -1, expected a number above 0");
}

static void a_list_of_equal_counts_is_that_count(void **state)
{
    const struct scratch *s = *state;
    struct model_shape plain = must_read(s, (struct edit){ 0 });
    const char *key = "llama.attention.head_count";
    for (uint32_t other = 0; other < 2; other++) {
        struct edit e = { .hidden = { key } };
        add_list(&e, key, TYPE_I32, 2);
        put_u32(&e.keys, plain.n_heads);
        put_u32(&e.keys, plain.n_heads + other);
        if (other)
            expect_refused(s, e, key, "the same for all");
        else
            assert_int_equal(must_read(s, e).n_heads, plain.n_heads);
    }
    struct edit e = { .hidden = { key } };
    add_list(&e, key, TYPE_I32, 0);
    expect_refused(s, e, key, "found a list of 0, expected a whole number");
    expect_refused(s, (struct edit){ .hidden = { key } }, key, "found no such key");
}

static void refuses_by_name_what_is_no_such_model(void **state)
{
    const struct scratch *s = *state;
    struct edit e = { 0 };
    add_text(&e, "adapter.type", "lora");
    expect_refused(s, e, "adapter", "merge it");
    e = (struct edit){ .hidden = { "general.architecture" } };
    add_text(&e, "general.architecture", "clip");
    expect_refused(s, e, "mmproj", "other .gguf file");
    e = (struct edit){ 0 };
    add_f32(&e, "llama.logit_scale", 0.5f);
    expect_refused(s, e, "llama.logit_scale", "found 0.5, expected 0");
    e = (struct edit){ 0 };
    add_f32(&e, "llama.logit_scale", 0);
    add_u32(&e, "llama.expert_count", 0);
    must_read(s, e);
    e = (struct edit){ 0 };
    add_u32(&e, "llama.expert_count", 8);
    expect_refused(s, e, "llama.expert_count", "found 8");
}

// ---------------------------------------------------------------------------------------- tokenizer

// Byte-level BPE over the printable characters, and the merges 1+2, 12+3, 123+4 and ,+. of it.
static void add_tokenizer(struct edit *e, const char *pre)
{
    static const char *const pairs[][2]
        = { { "1", "2" }, { "12", "3" }, { "123", "4" }, { ",", "." } };
    add_text(e, "tokenizer.ggml.model", "gpt2");
    add_u32(e, "tokenizer.ggml.bos_token_id", 0);
    if (pre)
        add_text(e, "tokenizer.ggml.pre", pre);
    add_list(e, "tokenizer.ggml.tokens", TYPE_STRING, 94 + 4);
    for (char c = '!'; c <= '~'; c++)
        put_text(&e->keys, (char[]){ c, '\0' });
    for (size_t i = 0; i < 4; i++) {
        char both[8];
        snprintf(both, sizeof both, "%s%s", pairs[i][0], pairs[i][1]);
        put_text(&e->keys, both);
    }
    add_list(e, "tokenizer.ggml.merges", TYPE_STRING, 4);
    for (size_t i = 0; i < 4; i++) {
        char both[8];
        snprintf(both, sizeof both, "%s %s", pairs[i][0], pairs[i][1]);
        put_text(&e->keys, both);
    }
}

// "1234x,." spelt with tokens between bars.
static void expect_cut(const struct scratch *s, const char *pre, const char *text,
                       const char *expected, bool warns)
{
    struct edit e = { 0 };
    struct tokenizer *t;
    struct token_ids ids = { 0 };
    struct abl_err err;
    char found[64] = "";
    add_tokenizer(&e, pre);
    if (!model_tokenizer_open(write_file(s, &e), OWNER_TRANSFORMERS_5, &t, &err)
        || !tokenizer_encode(t, text, strlen(text), &ids, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < ids.n; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s|",
                 tokenizer_text(t, ids.ids[i]));
    if (strcmp(found, expected) != 0)
        fail_msg("pre %s: '%s' became %s, expected %s", pre ? pre : "absent", text, found,
                 expected);
    assert_int_equal(tokenizer_notes(t)->n, warns);
    if (warns)
        assert_non_null(strstr(tokenizer_notes(t)->lines[0], "tokenizer.ggml.pre"));
    token_ids_release(&ids);
    tokenizer_free(t);
}

// Without the key digits go by threes and punctuation stands alone, as llama.cpp cuts then.
static void
a_file_that_does_not_say_how_to_cut_is_cut_as_llama_cpp_does_with_a_warning(void **state)
{
    const struct scratch *s = *state;
    expect_cut(s, "gpt-2", "12345", "1234|5|", false);
    expect_cut(s, NULL, "12345", "123|4|5|", true);
    expect_cut(s, "default", "12345", "123|4|5|", true);
    expect_cut(s, "llama-bpe", "12345", "123|4|5|", false);
    expect_cut(s, NULL, "a,.b", "a|,.|b|", true);
    expect_cut(s, NULL, "1234512345", "123|4|5|1|2|3|4|5|", true); // 123, 451, 234, 5
    expect_cut(s, "smollm", "12345", "1|2|3|4|5|", false);
}

// Weights and tokenizer are of one file, whatever takes its name in between.
static void tokenizer_is_that_of_the_file_that_is_open(void **state)
{
    const struct scratch *s = *state;
    struct edit first = { 0 }, other = { 0 };
    struct model *m;
    struct tokenizer *t;
    struct token_ids ids = { 0 };
    struct abl_err err;
    add_tokenizer(&first, "gpt-2");
    add_tokenizer(&other, "smollm");
    const char *path = write_file(s, &first);
    if (!model_open(path, OWNER_TRANSFORMERS_5, &m, &err))
        fail_msg("%s", err.text);
    assert_int_equal(remove(path), 0);
    write_file(s, &other);
    if (!model_tokenizer(m, OWNER_TRANSFORMERS_5, &t, &err)
        || !tokenizer_encode(t, "1234", 4, &ids, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ids.n, 1); // the other's cuts each digit off
    assert_string_equal(tokenizer_like(t), "llama.cpp");
    token_ids_release(&ids);
    tokenizer_free(t);
    model_free(m);
}

// A key that the format has and the table lacks could change ids unnoticed.
static void every_key_of_the_format_is_known(void **state)
{
    (void)state;
    struct file_bytes bytes;
    struct abl_err err;
    if (!file_read("tests/fixtures/gguf-tokenizer.json", 1 << 24, &bytes, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    cJSON *root = cJSON_ParseWithLength(bytes.data, bytes.size);
    assert_non_null(root);
    const cJSON *key;
    size_t n = 0;
    cJSON_ArrayForEach(key, cJSON_GetObjectItem(root, "keys"))
    {
        n++;
        if (gguf_settings_key_use(key->valuestring) == KEY_UNKNOWN)
            fail_msg("'%s' is not known", key->valuestring);
    }
    assert_true(n > 30);
    assert_int_equal(gguf_settings_key_use("tokenizer.ggml.news"), KEY_UNKNOWN);
    cJSON_Delete(root);
    file_bytes_release(&bytes);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_factor_alone_is_linear_and_none_is_none),
        IN_SCRATCH(a_list_of_equal_counts_is_that_count),
        IN_SCRATCH(refuses_by_name_what_is_no_such_model),
        cmocka_unit_test(every_key_of_the_format_is_known),
        IN_SCRATCH(tokenizer_is_that_of_the_file_that_is_open),
        IN_SCRATCH(a_file_that_does_not_say_how_to_cut_is_cut_as_llama_cpp_does_with_a_warning),
    };
    return cmocka_run_group_tests_name("config_gguf", tests, NULL, NULL);
}
