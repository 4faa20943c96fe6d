// Expected ids: tests/fixtures/tokenizer-*.json, written by tools/golden_tokenizer.py with the
// `tokenizers` library.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "tests/support/scratch.h"
#include "text/tokenizer.h"

static const char tiny[] = "data/models/tiny-gpt2";
static const char tiny_golden[] = "tests/fixtures/tokenizer-tiny-gpt2.json";
static const char variants_golden[] = "tests/fixtures/tokenizer-variants.json";

static struct tokenizer *open_folder(const char *folder)
{
    struct tokenizer *t = NULL;
    struct abl_err err;
    if (!tokenizer_open(folder, OWNER_TRANSFORMERS_5, &t, &err))
        fail_msg("%s: %s", folder, err.text);
    return t;
}

static void read_golden(const char *path, struct file_bytes *bytes, struct json *j)
{
    static struct abl_err err;
    if (!file_read(path, 1 << 24, bytes, ABL_FAILED, &err)
        || !json_open(j, path, bytes->data, bytes->size, ABL_FAILED, &err))
        fail_msg("%s", err.text);
}

static void print_ids(const char *name, const uint32_t *ids, size_t n)
{
    print_error("  %s", name);
    for (size_t i = 0; i < n; i++)
        print_error(" %u", ids[i]);
    print_error("\n");
}

// Compare with the ids of one {"text", "ids"}; returns 1 when they differ.
static size_t check_case(const struct tokenizer *t, const char *name, struct json *j)
{
    struct json_text key, text = { 0 };
    struct token_ids expected = { 0 }, found = { 0 };
    struct abl_err err = { 0 };
    assert_true(json_object(j));
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "text"))
            assert_true(json_string(j, &text));
        else if (json_key_is(key, "ids")) {
            assert_true(json_array(j));
            for (uint64_t id; json_next_item(j) && json_u64(j, &id);) {
                expected.ids = realloc(expected.ids, (expected.n + 1) * sizeof *expected.ids);
                assert_non_null(expected.ids);
                expected.ids[expected.n++] = (uint32_t)id;
            }
        } else
            assert_true(json_skip(j));
    }
    bool ok = tokenizer_encode(t, text.data, text.len, &found, &err);
    bool same = ok && found.n == expected.n
                && (!found.n || !memcmp(found.ids, expected.ids, found.n * sizeof *found.ids));
    if (!same) {
        print_error("%s: '%s'%s\n", name, text.data, ok ? "" : err.text);
        print_ids("found   ", found.ids, found.n);
        print_ids("expected", expected.ids, expected.n);
    }
    token_ids_release(&expected);
    token_ids_release(&found);
    return !same;
}

static size_t check_cases(const struct tokenizer *t, const char *name, struct json *j, size_t *n)
{
    size_t different = 0;
    assert_true(json_array(j));
    for (; json_next_item(j); ++*n)
        different += check_case(t, name, j);
    return different;
}

static void gives_the_reference_ids_for_the_bundled_model(void **state)
{
    (void)state;
    struct tokenizer *t = open_folder(tiny);
    struct file_bytes bytes;
    struct json j;
    struct json_text key, sha;
    char hex[SHA256_HEX];
    size_t n = 0, different = 0;
    read_golden(tiny_golden, &bytes, &j);
    assert_true(json_object(&j));
    while (json_next_key(&j, &key)) {
        if (json_key_is(key, "tokenizer_sha256")) {
            assert_true(json_string(&j, &sha));
            assert_true(sha256_file("data/models/tiny-gpt2/tokenizer.json", hex, NULL));
            if (strcmp(sha.data, hex) != 0)
                fail_msg("%s is for another tokenizer.json: run tools/golden_tokenizer.py",
                         tiny_golden);
        } else if (json_key_is(key, "cases"))
            different = check_cases(t, "tiny-gpt2", &j, &n);
        else
            assert_true(json_skip(&j));
    }
    assert_true(json_end(&j));
    assert_true(n >= 300);
    if (different)
        fail_msg("%zu of %zu texts differ", different, n);
    json_close(&j);
    file_bytes_release(&bytes);
    tokenizer_free(t);
}

// One {"name", "tokenizer_json", "cases"}: write the file, open it, compare.
static size_t check_variant(struct scratch *s, struct json *j, size_t *n)
{
    struct json_text key, name = { 0 }, text;
    struct tokenizer *t = NULL;
    size_t different = 0;
    assert_true(json_object(j));
    while (json_next_key(j, &key)) {
        if (json_key_is(key, "name"))
            assert_true(json_string(j, &name));
        else if (json_key_is(key, "tokenizer_json")) {
            assert_true(json_string(j, &text));
            scratch_write(s, "tokenizer.json", text.data, text.len);
            t = open_folder(s->path);
        } else {
            assert_non_null(t);
            different += check_cases(t, name.data, j, n);
        }
    }
    tokenizer_free(t);
    return different;
}

static void honours_every_setting_of_the_file_format(void **state)
{
    (void)state;
    struct scratch s;
    struct file_bytes bytes;
    struct json j;
    struct json_text key;
    size_t n = 0, different = 0, variants = 0;
    scratch_make(&s);
    read_golden(variants_golden, &bytes, &j);
    assert_true(json_object(&j));
    while (json_next_key(&j, &key)) {
        if (!json_key_is(key, "variants")) {
            assert_true(json_skip(&j));
            continue;
        }
        assert_true(json_array(&j));
        for (; json_next_item(&j); variants++)
            different += check_variant(&s, &j, &n);
    }
    assert_true(json_end(&j));
    assert_int_equal(variants, 18);
    if (different)
        fail_msg("%zu of %zu texts differ", different, n);
    json_close(&j);
    file_bytes_release(&bytes);
    scratch_remove(&s);
}

// A string field of the variants file, or of its first variant; malloc'd.
static char *golden_text(const char *name, size_t *len)
{
    struct file_bytes bytes;
    struct json j;
    struct json_text key, text;
    char *found = NULL;
    read_golden(variants_golden, &bytes, &j);
    assert_true(json_object(&j));
    while (!found && json_next_key(&j, &key)) {
        if (json_key_is(key, "variants")) {
            assert_true(json_array(&j) && json_next_item(&j) && json_object(&j));
            continue;
        }
        if (!json_key_is(key, name)) {
            assert_true(json_skip(&j));
            continue;
        }
        assert_true(json_string(&j, &text));
        found = strndup(text.data, text.len);
        *len = text.len;
    }
    assert_non_null(found);
    json_close(&j);
    file_bytes_release(&bytes);
    return found;
}

// tokenizer.json of the plain variant, or vocab.json and merges.txt, into a new scratch folder.
static void write_plain(struct scratch *s)
{
    size_t len;
    char *text = golden_text("tokenizer_json", &len);
    scratch_make(s);
    scratch_write(s, "tokenizer.json", text, len);
    free(text);
}

static void write_legacy(struct scratch *s)
{
    size_t len;
    char *text = golden_text("vocab_json", &len);
    scratch_make(s);
    scratch_write(s, "vocab.json", text, len);
    free(text);
    text = golden_text("merges_txt", &len);
    scratch_write(s, "merges.txt", text, len);
    free(text);
}

static void encodes_to(const struct tokenizer *t, const char *text, size_t n, const uint32_t *ids)
{
    struct token_ids found = { 0 };
    struct abl_err err;
    if (!tokenizer_encode(t, text, strlen(text), &found, &err))
        fail_msg("'%s': %s", text, err.text);
    if (found.n != n || (n && memcmp(found.ids, ids, n * sizeof *ids) != 0)) {
        print_ids("found   ", found.ids, found.n);
        print_ids("expected", ids, n);
        fail_msg("'%s' differs", text);
    }
    token_ids_release(&found);
}

static void reads_vocab_json_and_merges_txt(void **state)
{
    (void)state;
    struct scratch plain, legacy;
    write_plain(&plain);
    write_legacy(&legacy);
    struct tokenizer *a = open_folder(plain.path), *b = open_folder(legacy.path);
    static const char *const texts[] = { "low lower newer", "the caf\u00e9 and 1212", "!!!!  a\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct token_ids ids = { 0 };
        assert_true(tokenizer_encode(a, texts[i], strlen(texts[i]), &ids, NULL));
        encodes_to(b, texts[i], ids.n, ids.ids);
        token_ids_release(&ids);
    }
    tokenizer_free(a);
    tokenizer_free(b);
    scratch_remove(&plain);
    scratch_remove(&legacy);
}

static void reads_the_added_tokens_beside_vocab_json(void **state)
{
    (void)state;
    struct scratch s;
    write_legacy(&s);
    enum { next = 292 }; // behind every id of vocab.json, whatever the small files say
    scratch_text(&s, "added_tokens.json", "{\"<x>\": 1000, \"<pad>\": 1001}");
    scratch_text(
        &s, "special_tokens_map.json",
        "{\"bos_token\": \"<pad>\", \"pad_token\": {\"content\": \"<pad>\", \"lstrip\": true,"
        " \"rstrip\": false, \"single_word\": false, \"normalized\": false}}");
    struct tokenizer *t = open_folder(s.path);
    encodes_to(t, "<x><pad>", 2, (uint32_t[]){ next, next + 1 });
    assert_false(tokenizer_is_special(t, next));
    assert_true(tokenizer_is_special(t, next + 1));
    tokenizer_free(t);
    scratch_text(
        &s, "tokenizer_config.json",
        "{\"add_prefix_space\": false, \"added_tokens_decoder\": {\"900\": {\"content\": \"<y>\","
        " \"rstrip\": true, \"special\": true}}}");
    t = open_folder(s.path);
    encodes_to(t, "<y>  <y>", 2, (uint32_t[]){ next, next });
    assert_string_equal(tokenizer_text(t, next), "<y>");
    assert_string_equal(tokenizer_text(t, 900), "");
    tokenizer_free(t);
    scratch_remove(&s);
}

// ---------------------------------------------------------------------------------------- refusals

static bool replace_once(const char *text, const char *from, const char *to, struct buf *out)
{
    const char *at = strstr(text, from);
    if (!at)
        return false;
    buf_add(out, text, (size_t)(at - text));
    buf_str(out, to);
    buf_str(out, at + strlen(from));
    return !out->failed;
}

static void refuses_by_name_what_would_change_ids(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *expected;
    } edits[] = {
        { "\"type\":\"BPE\"", "\"type\":\"Unigram\"", "model type Unigram is not supported" },
        { "\"dropout\":null", "\"dropout\":0.1", "model.dropout 0.1 is not supported" },
        { "\"continuing_subword_prefix\":null", "\"continuing_subword_prefix\":\"##\"",
          "model.continuing_subword_prefix \"##\"" },
        { "\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"",
          "model.end_of_word_suffix \"</w>\"" },
        { "\"normalizer\":null", "\"normalizer\":{\"type\":\"Lowercase\"}",
          "normalizer Lowercase is not supported" },
        { "\"normalizer\":null",
          "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"b(\"},\"content\":\" \"}",
          "pattern 'b(' is not supported" },
        { "\"type\":\"ByteLevel\"", "\"type\":\"BertPreTokenizer\"",
          "pre_tokenizer BertPreTokenizer is not supported" },
        { "\"pre_tokenizer\":{",
          "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},"
          "\"behavior\":\"Sideways\",\"invert\":false},\"x\":{",
          "Split with behavior Sideways" },
        { "\"pre_tokenizer\":{",
          "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a(\"},"
          "\"behavior\":\"Isolated\",\"invert\":false},\"x\":{",
          "pattern 'a(' is not supported" },
        { "\"post_processor\":null", "\"post_processor\":{\"type\":\"RobertaProcessing\"}",
          "post_processor RobertaProcessing" },
        { "\"vocab\":{", "\"x\":{", "has no vocabulary" },
        { "\"unk_token\":null,", "\"unk_token\":\"lo\",", NULL }, // all bytes are there: no effect
        { "\"!\":33", "\"\\u0000\":33", NULL },
        { "\"!\":33", "\"!\":34", "have one id, 34" },
        { "\"!\":33", "\"!\":99999999", "token id 99999999 is too large" },
        { "\"!\":33", "\"!\":-1", "expected a whole number" },
        { "\"l o\"", "\"l  o\"", "is not two tokens" },
        { "\"l o\"", "\"lo\"", "is not two tokens" },
        { "\"l o\"", "[\"l\"]", "not a pair" },
        { "\"l o\"", "\"l x\"", "'lx' is not in the vocabulary" },
        // ids of added tokens are the vocabulary's, or the next one
        { "\"added_tokens\":[]",
          "\"added_tokens\":[{\"id\":7,\"content\":\"lo\",\"special\":true}]", NULL },
        { "\"added_tokens\":[]", "\"added_tokens\":[{\"id\":7,\"content\":\"new one\"}]", NULL },
        { "\"added_tokens\":[]", "\"added_tokens\":[{\"content\":\"<s>\"}]", "has no id" },
        { "\"version\":\"1.0\"", "\"normalizer\":null", "duplicate key \"normalizer\"" },
        { "\"version\":", "", NULL }, // no JSON any more
    };
    struct scratch s;
    size_t len;
    char *plain = golden_text("tokenizer_json", &len);
    scratch_make(&s);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct buf edited = { 0 };
        struct tokenizer *t = NULL;
        struct abl_err err = { 0 };
        assert_true(replace_once(plain, edits[i].from, edits[i].to, &edited));
        scratch_write(&s, "tokenizer.json", edited.data, edited.len);
        bool ok = tokenizer_open(s.path, OWNER_TRANSFORMERS_5, &t, &err);
        if (edits[i].expected) {
            if (ok || err.code != ABL_BAD_MODEL || !strstr(err.text, edits[i].expected))
                fail_msg("%s: found '%s' (%d), expected '%s'", edits[i].to, err.text, err.code,
                         edits[i].expected);
            if (!strstr(err.text, "tokenizer.json"))
                fail_msg("'%s' does not name the file", err.text);
        }
        tokenizer_free(t);
        buf_release(&edited);
    }
    free(plain);
    scratch_remove(&s);
}

static void says_where_it_looked_for_files(void **state)
{
    (void)state;
    struct scratch s;
    struct tokenizer *t;
    struct abl_err err;
    scratch_make(&s);
    assert_false(tokenizer_open(s.path, OWNER_TRANSFORMERS_5, &t, &err));
    assert_int_equal(err.code, ABL_BAD_MODEL);
    assert_non_null(strstr(err.text, "expected tokenizer.json, or vocab.json and merges.txt"));
    scratch_text(&s, "vocab.json", "{\"a\": 0}");
    assert_false(tokenizer_open(s.path, OWNER_TRANSFORMERS_5, &t, &err));
    assert_non_null(strstr(err.text, "merges.txt"));
    scratch_text(&s, "merges.txt", "#version: 0.2\na b c\n");
    assert_false(tokenizer_open(s.path, OWNER_TRANSFORMERS_5, &t, &err));
    assert_non_null(strstr(err.text, "line 2"));
    scratch_remove(&s);
}

static void refuses_text_that_is_no_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len, at;
    } cases[] = {
        { "abc\xff", 4, 3 },
        { "\xc3", 1, 0 },
        { "a\xc0\x80", 3, 1 },
        { "\xed\xa0\x80", 3, 0 }, // half a surrogate pair
        { "ok \xf4\x90\x80\x80", 7, 3 },
        { "\xe2\x82", 2, 0 },
    };
    struct tokenizer *t = open_folder(tiny);
    struct token_ids ids = { 0 };
    assert_true(tokenizer_encode(t, "kept", 4, &ids, NULL));
    size_t before = ids.n;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct abl_err err;
        char place[32];
        snprintf(place, sizeof place, "at byte %zu", cases[i].at);
        assert_false(tokenizer_encode(t, cases[i].text, cases[i].len, &ids, &err));
        assert_int_equal(err.code, ABL_BAD_DATA);
        if (!strstr(err.text, place))
            fail_msg("found '%s', expected '%s'", err.text, place);
        assert_int_equal(ids.n, before);
    }
    token_ids_release(&ids);
    tokenizer_free(t);
}

static void refuses_a_byte_without_a_token(void **state)
{
    (void)state;
    struct scratch s;
    struct token_ids ids = { 0 };
    struct abl_err err;
    scratch_make(&s);
    scratch_text(&s, "vocab.json", "{\"a\": 0, \"b\": 1, \"ab\": 2, \"\u0120\": 3}");
    scratch_text(&s, "merges.txt", "a b\n");
    struct tokenizer *t = open_folder(s.path);
    encodes_to(t, "ab a", 3, (uint32_t[]){ 2, 3, 0 });
    assert_false(tokenizer_encode(t, "abc", 3, &ids, &err));
    assert_non_null(strstr(err.text, "byte 0x63"));
    token_ids_release(&ids);
    tokenizer_free(t);
    scratch_remove(&s);
}

// ----------------------------------------------------------------------------------------- answers

static const char bos_post[]
    = "\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":"
      "\"ByteLevel\"},{\"type\":\"TemplateProcessing\",\"single\":["
      "{\"SpecialToken\":{\"id\":\"low\",\"type_id\":0}},{\"Sequence\":{"
      "\"id\":\"A\",\"type_id\":0}}],\"special_tokens\":{}}]}";

static void finds_bos_where_the_files_say(void **state)
{
    (void)state;
    enum { NONE = -1, USAGE = -2 };
    static const struct {
        const char *config, *tokenizer_config;
        bool post;
        int automatic, always; // ids
    } cases[] = {
        { NULL, NULL, false, NONE, USAGE },
        { "{\"model_type\": \"gpt2\"}", NULL, false, NONE, USAGE },
        { "{\"model_type\": \"gpt2\", \"bos_token_id\": 5}", NULL, false, 5, 5 },
        { "{\"model_type\": \"gpt_neox\", \"bos_token_id\": 0}", NULL, false, 0, 0 },
        { "{\"model_type\": \"llama\", \"bos_token_id\": 5}", NULL, false, NONE, 5 },
        { "{\"model_type\": \"llama\", \"bos_token_id\": null}", NULL, false, NONE, USAGE },
        { "{\"model_type\": \"gpt2\", \"bos_token_id\": 9999}", NULL, false, NONE, USAGE },
        { "{\"model_type\": \"llama\"}", "{\"bos_token\": \"lo\"}", false, NONE, 256 },
        { "{\"model_type\": \"llama\"}", "{\"bos_token\": \"lo\", \"add_bos_token\": true}", false,
          NONE, 256 }, // nothing says so where it counts: in the post-processor
        { "{\"model_type\": \"gpt2\"}",
          "{\"bos_token\": {\"content\": \"lo\"}, \"add_bos_token\": false}", false, 256, 256 },
        { "{\"model_type\": \"llama\", \"bos_token_id\": 5}", NULL, true, 257, 257 },
    };
    size_t len;
    char *plain = golden_text("tokenizer_json", &len);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scratch s;
        struct buf text = { 0 };
        struct abl_err err = { 0 };
        uint32_t id;
        scratch_make(&s);
        assert_true(replace_once(plain, "\"post_processor\":null",
                                 cases[i].post ? bos_post : "\"post_processor\":null", &text));
        scratch_write(&s, "tokenizer.json", text.data, text.len);
        if (cases[i].config)
            scratch_text(&s, "config.json", cases[i].config);
        if (cases[i].tokenizer_config)
            scratch_text(&s, "tokenizer_config.json", cases[i].tokenizer_config);
        struct tokenizer *t = open_folder(s.path);
        assert_true(tokenizer_bos(t, BOS_AUTO, &id, &err));
        int automatic = id == TOKEN_NONE ? NONE : (int)id;
        int always = tokenizer_bos(t, BOS_ALWAYS, &id, &err) ? (int)id : USAGE;
        if (automatic != cases[i].automatic || always != cases[i].always)
            fail_msg("case %zu: found %d and %d, expected %d and %d", i, automatic, always,
                     cases[i].automatic, cases[i].always);
        if (always == USAGE)
            assert_int_equal(err.code, ABL_USAGE);
        assert_true(tokenizer_bos(t, BOS_NEVER, &id, &err) && id == TOKEN_NONE);
        tokenizer_free(t);
        buf_release(&text);
        scratch_remove(&s);
    }
    free(plain);
}

static void puts_end_of_text_before_prompts_of_the_bundled_model(void **state)
{
    (void)state;
    struct tokenizer *t = open_folder(tiny);
    uint32_t id = 7;
    assert_true(tokenizer_bos(t, BOS_AUTO, &id, NULL));
    assert_string_equal(tokenizer_text(t, id), "<|endoftext|>");
    assert_true(tokenizer_is_special(t, id));
    tokenizer_free(t);
}

// The continuation's id, or "" and the reason.
static void continues(const struct tokenizer *t, const char *prompt, const char *word,
                      const char *expected, const char *reason)
{
    struct token_ids ids = { 0 };
    struct abl_err err = { 0 };
    uint32_t id;
    assert_true(tokenizer_encode(t, prompt, strlen(prompt), &ids, &err));
    bool ok = tokenizer_continuation(t, prompt, &ids, word, &id, &err);
    if (ok != !reason || (reason && !strstr(err.text, reason)))
        fail_msg("'%s' + '%s': found '%s', expected '%s'", prompt, word, ok ? "a token" : err.text,
                 reason ? reason : "a token");
    if (ok)
        assert_string_equal(tokenizer_text(t, id), expected);
    token_ids_release(&ids);
}

static void finds_the_token_that_continues_a_prompt(void **state)
{
    (void)state;
    struct tokenizer *t = open_folder(tiny);
    continues(t, "Two opposites: long and", " short", " short", NULL);
    continues(t, "", " short", " short", NULL);
    continues(t, "In all of the pictures", "<|endoftext|>", "<|endoftext|>", NULL);
    continues(t, "Two opposites: long and", " Zanzibar", NULL, "tokens");
    continues(t, "Two opposites: long and", "", NULL, "is 0 tokens");
    continues(t, "an", "d", NULL, "changes the prompt's last token");
    continues(t, "an ", " d", " d", NULL);
    tokenizer_free(t);
}

static void shows_tokens_as_readable_text(void **state)
{
    (void)state;
    struct scratch s;
    scratch_make(&s);
    scratch_text(&s, "vocab.json",
                 "{\"\u0120Paris\": 0, \"\u010a\": 1, \"\u00c3\u00a9\": 2, \"\u00c3\": 3,"
                 " \"\u00f0\u0141\u013a\": 4, \"\u0100\": 5, \"\u0109x\": 6, \"two words\": 8,"
                 " \"\u00e2\u0122\u012d\": 9, \"\u010d\": 10, \"\u00f0\u0141\u013a\u0122\": 11}");
    scratch_text(&s, "merges.txt", "");
    struct tokenizer *t = open_folder(s.path);
    static const char *const expected[] = {
        " Paris", "\\n",       "\u00e9",  "<0xC3>", "<0xF0><0x9F><0x98>", "\\u0000", "\\tx",
        "",       "two words", "\\u200b", "\\r",    "\U0001f600",         "",
    };
    for (uint32_t id = 0; id < sizeof expected / sizeof *expected; id++)
        assert_string_equal(tokenizer_text(t, id), expected[id]);
    assert_string_equal(tokenizer_text(t, TOKEN_NONE), "");
    tokenizer_free(t);
    scratch_remove(&s);
}

// The hash of a folder's tokenizer is that of its files one behind the other, as they are named.
static void expect_hash(const struct scratch *s, const char *const *names, char hex[SHA256_HEX])
{
    struct tokenizer *t = open_folder(s->path);
    struct buf all = { 0 };
    size_t n = 0;
    for (; names[n]; n++) {
        struct file_bytes bytes;
        struct abl_err err;
        const char *name = tokenizer_file(t, n);
        assert_non_null(name);
        assert_string_equal(name, names[n]);
        char *path = file_join(s->path, name);
        if (!file_read(path, 1 << 20, &bytes, ABL_BAD_DATA, &err))
            fail_msg("%s", err.text);
        buf_add(&all, bytes.data, bytes.size);
        file_bytes_release(&bytes);
        free(path);
    }
    assert_null(tokenizer_file(t, n));
    assert_true(sha256_bytes(all.data, all.len, hex, NULL));
    assert_string_equal(tokenizer_sha256(t), hex);
    buf_release(&all);
    tokenizer_free(t);
}

static void hashes_every_file_that_decides_ids(void **state)
{
    (void)state;
    struct scratch s;
    char hex[SHA256_HEX], before[SHA256_HEX] = "";
    static const char *const names[]
        = { "tokenizer.json",          "config.json", "tokenizer_config.json", "added_tokens.json",
            "special_tokens_map.json", NULL };
    const char *here[6] = { NULL };
    write_plain(&s);
    for (size_t n = 0; names[n]; n++) {
        if (n)
            scratch_text(&s, names[n], "{}");
        here[n] = names[n];
        expect_hash(&s, here, hex);
        assert_string_not_equal(hex, before); // the file that came has changed it
        memcpy(before, hex, sizeof before);
    }
    scratch_text(&s, "special_tokens_map.json", "{ }");
    expect_hash(&s, here, hex);
    assert_string_not_equal(hex, before);
    // where the newer file lists tokens, the two older ones are not read
    scratch_text(&s, "tokenizer_config.json", "{\"added_tokens_decoder\": {}}");
    here[3] = NULL;
    expect_hash(&s, here, hex);
    scratch_remove(&s);
}

// -------------------------------------------------------------------------------------- robustness

// "aaaa…" merges in pairs: a+a, aa+aa; a heap of n pairs with one rank, taken from the left.
static void merges_a_word_of_a_million_letters(void **state)
{
    (void)state;
    enum { N = 1000003 };
    struct scratch s;
    write_plain(&s);
    struct tokenizer *t = open_folder(s.path);
    struct token_ids ids = { 0 };
    struct abl_err err;
    char *text = malloc(N);
    assert_non_null(text);
    memset(text, 'a', N);
    if (!tokenizer_encode(t, text, N, &ids, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ids.n, N / 4 + 2); // "aaaa" …, then "aa" and "a"
    assert_string_equal(tokenizer_text(t, ids.ids[0]), "aaaa");
    assert_string_equal(tokenizer_text(t, ids.ids[ids.n - 3]), "aaaa");
    assert_string_equal(tokenizer_text(t, ids.ids[ids.n - 2]), "aa");
    assert_string_equal(tokenizer_text(t, ids.ids[ids.n - 1]), "a");
    free(text);
    token_ids_release(&ids);
    tokenizer_free(t);
    scratch_remove(&s);
}

static void *encode_many(void *argument)
{
    const struct tokenizer *t = argument;
    size_t n = 0;
    for (int i = 0; i < 300; i++) {
        struct token_ids ids = { 0 };
        if (!tokenizer_encode(t, "The lower newer caf\u00e9 <|endoftext|> don't", 38, &ids, NULL))
            return NULL;
        n += ids.n;
        token_ids_release(&ids);
    }
    return (void *)n;
}

static void serves_several_threads_at_once(void **state)
{
    (void)state;
    struct tokenizer *t = open_folder(tiny);
    pthread_t threads[4];
    void *expected = encode_many(t), *found;
    assert_non_null(expected);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_many, t), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &found);
        assert_ptr_equal(found, expected);
    }
    tokenizer_free(t);
}

// Change, insert, delete or cut a few places.
static void mutate(struct rng *r, const char *text, size_t len, struct buf *out)
{
    static const char likely[] = "{}[]\",:\\0129-ntfu \n\xff\xc3\x00";
    out->len = 0;
    buf_add(out, text, len);
    for (uint32_t n = 1 + rng_below(r, 3); n && out->len; n--) {
        size_t at = rng_below(r, (uint32_t)out->len);
        char c = likely[rng_below(r, sizeof likely)];
        switch (rng_below(r, 4)) {
        case 0:
            out->data[at] = c;
            break;
        case 1:
            out->len = at;
            break;
        case 2:
            memmove(out->data + at, out->data + at + 1, out->len - at - 1);
            out->len--;
            break;
        default:
            buf_char(out, c);
            memmove(out->data + at + 1, out->data + at, out->len - at - 1);
            out->data[at] = c;
        }
    }
}

static void try_folder(const char *folder, size_t *n_opened)
{
    struct tokenizer *t = NULL;
    struct abl_err err = { 0 };
    struct token_ids ids = { 0 };
    if (!tokenizer_open(folder, OWNER_TRANSFORMERS_5, &t, &err)) {
        assert_int_equal(err.code, ABL_BAD_MODEL);
        assert_true(err.text[0] != '\0');
        return;
    }
    tokenizer_encode(t, "the lowest  caf\u00e9 \n", 18, &ids, &err);
    token_ids_release(&ids);
    tokenizer_free(t);
    ++*n_opened;
}

static void survives_damaged_files(void **state)
{
    (void)state;
    enum { N = 1500 };
    static const struct {
        const char *golden, *file;
    } files[] = {
        { "tokenizer_json", "tokenizer.json" },
        { "vocab_json", "vocab.json" },
        { "merges_txt", "merges.txt" },
    };
    struct rng r;
    struct scratch plain, legacy;
    struct buf damaged = { 0 };
    rng_seed(&r, 20);
    write_plain(&plain);
    write_legacy(&legacy);
    for (size_t k = 0; k < 3; k++) {
        struct scratch *s = k ? &legacy : &plain;
        size_t len, n_opened = 0;
        char *text = golden_text(files[k].golden, &len);
        for (int i = 0; i < N; i++) {
            mutate(&r, text, len, &damaged);
            scratch_write(s, files[k].file, damaged.data, damaged.len);
            try_folder(s->path, &n_opened);
        }
        assert_true(n_opened > 0 && n_opened < N); // some damage is harmless, most is not
        scratch_write(s, files[k].file, text, len);
        free(text);
    }
    buf_release(&damaged);
    scratch_remove(&plain);
    scratch_remove(&legacy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_reference_ids_for_the_bundled_model),
        cmocka_unit_test(honours_every_setting_of_the_file_format),
        cmocka_unit_test(reads_vocab_json_and_merges_txt),
        cmocka_unit_test(reads_the_added_tokens_beside_vocab_json),
        cmocka_unit_test(refuses_by_name_what_would_change_ids),
        cmocka_unit_test(says_where_it_looked_for_files),
        cmocka_unit_test(refuses_text_that_is_no_utf8),
        cmocka_unit_test(refuses_a_byte_without_a_token),
        cmocka_unit_test(finds_bos_where_the_files_say),
        cmocka_unit_test(puts_end_of_text_before_prompts_of_the_bundled_model),
        cmocka_unit_test(finds_the_token_that_continues_a_prompt),
        cmocka_unit_test(shows_tokens_as_readable_text),
        cmocka_unit_test(hashes_every_file_that_decides_ids),
        cmocka_unit_test(merges_a_word_of_a_million_letters),
        cmocka_unit_test(serves_several_threads_at_once),
        cmocka_unit_test(survives_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
