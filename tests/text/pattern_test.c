// Expected cuts: tests/fixtures/patterns.json, written by tools/golden_patterns.py with the
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
#include "base/json.h"
#include "base/sha256.h"
#include "tests/support/fixture.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/tokenizer_steps.h"
#include "text/unicode.h"

enum { SHOWN = 5 }; // differences that are printed

// Steps as tokenizer.json has them, ready to run.
struct steps {
    struct definition d;
    struct normalizer normalizer;
    struct pretokenizer pretokenizer;
    struct pieces pieces;
};

static bool read_steps(struct steps *s, const char *json, bool normalizer, struct abl_err *err)
{
    struct json j;
    bool ok = json_open(&j, "tokenizer.json", json, strlen(json), ABL_BAD_MODEL, err)
              && (normalizer ? steps_read_normalizer : steps_read_pre_tokenizer)(&j, &s->d)
              && json_end(&j);
    json_close(&j);
    s->d.path = "tokenizer.json";
    return ok && normalizer_init(&s->normalizer, s->d.normals, s->d.n_normals, s->d.path, err)
           && pretokenizer_init(&s->pretokenizer, s->d.cuts, s->d.n_cuts, s->d.path, err);
}

static void release_steps(struct steps *s)
{
    pieces_release(&s->pieces);
    normalizer_release(&s->normalizer);
    pretokenizer_release(&s->pretokenizer);
    definition_release(&s->d);
}

static bool cut(struct steps *s, const char *text, struct abl_err *err)
{
    struct buf normal = { 0 };
    s->pieces.n = 0;
    bool ok = normalizer_run(&s->normalizer, text, strlen(text), NULL, &normal, err)
              && (!normal.len
                  || pretokenizer_run(&s->pretokenizer, normal.data, normal.len, true, &s->pieces,
                                      err));
    buf_release(&normal);
    return ok;
}

static cJSON *read_golden(void)
{
    return fixture_read("tests/fixtures/patterns.json");
}

// The step of a case, as text; free through cJSON_free.
static char *step_of(const cJSON *item, bool *normalizer)
{
    const cJSON *step = cJSON_GetObjectItem(item, "pre_tokenizer");
    *normalizer = !step;
    char *text = cJSON_PrintUnformatted(step ? step : fixture_at(item, "normalizer"));
    assert_non_null(text);
    return text;
}

static void open_steps(struct steps *s, const char *json, bool normalizer)
{
    struct abl_err err;
    *s = (struct steps){ 0 };
    if (!read_steps(s, json, normalizer, &err))
        fail_msg("%s: %s", json, err.text);
}

// Splits by each of a list of patterns, one behind the other.
static char *sequence_of(const cJSON *patterns)
{
    cJSON *steps = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(steps, "pretokenizers");
    const cJSON *pattern;
    cJSON_AddStringToObject(steps, "type", "Sequence");
    cJSON_ArrayForEach(pattern, patterns)
    {
        cJSON *step = cJSON_CreateObject(), *regex = cJSON_AddObjectToObject(step, "pattern");
        cJSON_AddStringToObject(step, "type", "Split");
        cJSON_AddStringToObject(regex, "Regex", pattern->valuestring);
        cJSON_AddStringToObject(step, "behavior", "Isolated");
        cJSON_AddItemToArray(list, step);
    }
    char *text = cJSON_PrintUnformatted(steps);
    assert_non_null(text);
    cJSON_Delete(steps);
    return text;
}

static bool has_ends(const struct pieces *p, const cJSON *ends)
{
    bool same = p->n == (size_t)cJSON_GetArraySize(ends);
    for (size_t i = 0; same && i < p->n; i++)
        same = (double)p->ends[i] == fixture_nth(ends, i);
    return same;
}

static void print_pieces(const struct pieces *p)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t begin = i ? p->ends[i - 1] : 0;
        print_error("  [%.*s]\n", (int)(p->ends[i] - begin), p->text.data + begin);
    }
}

static void takes_the_patterns_of_public_tokenizers(void **state)
{
    (void)state;
    cJSON *golden = read_golden();
    const cJSON *texts = fixture_at(golden, "texts"), *item;
    size_t n = 0, different = 0;
    cJSON_ArrayForEach(item, fixture_at(golden, "tokenizers"))
    {
        char *json = sequence_of(fixture_at(item, "patterns"));
        const cJSON *ends = fixture_at(item, "ends")->child, *text;
        struct steps s;
        open_steps(&s, json, false);
        cJSON_ArrayForEach(text, texts)
        {
            struct abl_err err = { 0 };
            bool ok = cut(&s, text->valuestring, &err) && has_ends(&s.pieces, ends);
            if (!ok && different < SHOWN) {
                print_error("%s: '%s' %s\n", fixture_text(item, "used_by"), text->valuestring,
                            err.text);
                print_pieces(&s.pieces);
            }
            different += !ok;
            ends = ends->next;
            n++;
        }
        release_steps(&s);
        cJSON_free(json);
    }
    assert_true(n > 900);
    if (different)
        fail_msg("%zu of %zu texts are cut otherwise", different, n);
    cJSON_Delete(golden);
}

static bool has_pieces(const struct pieces *p, const cJSON *expected)
{
    bool same = p->n == (size_t)cJSON_GetArraySize(expected);
    const cJSON *piece = expected->child;
    for (size_t i = 0; same && i < p->n; i++, piece = piece->next) {
        size_t begin = i ? p->ends[i - 1] : 0, len = p->ends[i] - begin;
        same = strlen(piece->valuestring) == len
               && memcmp(piece->valuestring, p->text.data + begin, len) == 0;
    }
    return same;
}

// A text without pieces is one that must be refused: versions of Unicode disagree.
static bool cut_as_expected(struct steps *s, const char *text, const cJSON *expected)
{
    struct abl_err err = { 0 };
    bool ok = cut(s, text, &err);
    if (cJSON_IsNull(expected))
        return !ok && err.code == ABL_BAD_DATA && strstr(err.text, "Unicode versions");
    if (!ok)
        print_error("%s\n", err.text);
    return ok && has_pieces(&s->pieces, expected);
}

static void cuts_as_the_reference_does(void **state)
{
    (void)state;
    cJSON *golden = read_golden();
    const cJSON *texts = fixture_at(golden, "texts"), *item;
    size_t n = 0, different = 0;
    cJSON_ArrayForEach(item, fixture_at(golden, "cases"))
    {
        bool normalizer;
        char *json = step_of(item, &normalizer);
        const cJSON *expected, *text = texts->child;
        struct steps s;
        open_steps(&s, json, normalizer);
        cJSON_ArrayForEach(expected, fixture_at(item, "pieces"))
        {
            bool ok = cut_as_expected(&s, text->valuestring, expected);
            if (!ok && different < SHOWN) {
                print_error("%s: '%s'\n", json, text->valuestring);
                print_pieces(&s.pieces);
            }
            different += !ok;
            text = text->next;
            n++;
        }
        release_steps(&s);
        cJSON_free(json);
    }
    assert_true(n > 800);
    if (different)
        fail_msg("%zu of %zu texts are cut otherwise", different, n);
    cJSON_Delete(golden);
}

// Every character but U+0000, one behind the other.
static void every_character(struct buf *out)
{
    for (uint32_t c = 1; c < 0x110000; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        if (c < 0x80)
            buf_char(out, (char)c);
        else if (c < 0x800)
            buf_add(out, (char[]){ (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)) }, 2);
        else if (c < 0x10000)
            buf_add(out,
                    (char[]){ (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                              (char)(0x80 | (c & 63)) },
                    3);
        else
            buf_add(out,
                    (char[]){ (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                              (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)) },
                    4);
    }
}

static void knows_the_characters_of_the_reference(void **state)
{
    (void)state;
    cJSON *golden = read_golden();
    const cJSON *item;
    struct buf all = { 0 }, left = { 0 };
    size_t different = 0;
    every_character(&all);
    cJSON_ArrayForEach(item, fixture_at(golden, "properties"))
    {
        const char *removed = fixture_text(item, "removed");
        struct definition_normal step = { .kind = NORMAL_REPLACE_MATCHES,
                                          .from = { removed, strlen(removed) },
                                          .to = { "", 0 } };
        struct normalizer n;
        struct abl_err err;
        char sha[SHA256_HEX];
        left.len = 0;
        if (!normalizer_init(&n, &step, 1, "tokenizer.json", &err)
            || !normalizer_run(&n, all.data, all.len, NULL, &left, &err)
            || !sha256_bytes(left.data, left.len, sha, &err))
            fail_msg("%s: %s", removed, err.text);
        if (strcmp(sha, fixture_text(item, "sha256")) != 0) {
            print_error("%s leaves %zu bytes of characters, expected %.0f\n", removed, left.len,
                        fixture_number(fixture_at(item, "bytes")));
            different++;
        }
        normalizer_release(&n);
    }
    buf_release(&all);
    buf_release(&left);
    cJSON_Delete(golden);
    assert_int_equal(different, 0);
}

static void tells_words_as_the_reference_does(void **state)
{
    (void)state;
    cJSON *golden = read_golden();
    const cJSON *item;
    size_t n = 0, different = 0;
    cJSON_ArrayForEach(item, fixture_at(golden, "words"))
    {
        uint32_t c = (uint32_t)fixture_nth(item, 0);
        bool expected = fixture_nth(item, 1) != 0.0;
        if (unicode_is_word(c) != expected) {
            print_error("U+%04X: found %d, expected %d\n", c, !expected, expected);
            different++;
        }
        n++;
    }
    cJSON_Delete(golden);
    assert_true(n > 500);
    assert_int_equal(different, 0);
}

static void refuses_by_name_and_place(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *expected;
    } refused[] = {
        { "a(", "'tokenizer.json' at byte 39: pattern 'a(' is not supported: end pattern with" },
        { "\\\\p{Klingon}", "invalid character property name {Klingon}" },
        { "(a)?(?(1)b|c)", "found (?(…)…|…), which versions of Oniguruma read differently" },
        { "(?<!a\\\\R+)b", "found \\R behind (?<=" },
        { "a|(?Li:b)", "found (?C), (?I) or (?L)" },
        { "(?x) # (?(\\n (a)(?(1)b|c)", "found (?(…)…|…)" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct steps s = { 0 };
        struct abl_err err = { 0 };
        char json[256];
        snprintf(json, sizeof json,
                 "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"%s\"},\"behavior\":\"Isolated\"}",
                 refused[i].pattern);
        bool ok = read_steps(&s, json, false, &err);
        if (ok || err.code != ABL_BAD_MODEL || !strstr(err.text, refused[i].expected))
            fail_msg("%s: found '%s', expected '%s'", refused[i].pattern, err.text,
                     refused[i].expected);
        release_steps(&s);
    }
}

// What the library alone would search for hours, or fill memory with.
static void stops_a_search_that_does_not_end(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *unit, *end;
        size_t n;
    } endless[] = {
        { "(a|b|ab)*bc", "ab", "acbc", 28 },
        { "(?:(a)|(a))+$", "a", "!", 40 },
        { "(?<x>a\\\\g<x>*)*$", "a", "!", 40 },
    };
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
        struct steps s;
        struct abl_err err = { 0 };
        struct buf text = { 0 };
        char json[256];
        snprintf(json, sizeof json,
                 "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"%s\"},\"behavior\":\"Isolated\"}",
                 endless[i].pattern);
        open_steps(&s, json, false);
        for (size_t k = 0; k < endless[i].n; k++)
            buf_str(&text, endless[i].unit);
        buf_str(&text, endless[i].end);
        bool ok = cut(&s, text.data, &err);
        if (ok || err.code != ABL_BAD_DATA || !strstr(err.text, "takes too long")
            || !strstr(err.text, "'tokenizer.json' at byte ") || !strstr(err.text, "pattern '"))
            fail_msg("%s: found '%s', expected that it takes too long", endless[i].pattern,
                     err.text);
        buf_release(&text);
        release_steps(&s);
    }
}

static void refuses_matches_that_run_backwards(void **state)
{
    (void)state;
    struct steps s;
    struct abl_err err = { 0 };
    open_steps(&s,
               "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a|(?<=\\\\Ka)b\"},"
               "\"behavior\":\"Isolated\"}",
               false);
    assert_false(cut(&s, "xab", &err));
    assert_int_equal(err.code, ABL_BAD_DATA);
    assert_non_null(strstr(err.text, "matches backwards"));
    release_steps(&s);
}

// A thread's text, and whether its pieces are as many as they were alone.
struct job {
    struct steps *s;
    bool ok;
};

static void *cut_often(void *arg)
{
    struct job *job = arg;
    struct pieces p = { 0 };
    struct abl_err err;
    job->ok = true;
    for (int i = 0; job->ok && i < 300; i++)
        job->ok = pretokenizer_run(&job->s->pretokenizer, "It's 12345 Wörter, ok?\n", 24, true, &p,
                                   &err)
                  && p.n == 10;
    pieces_release(&p);
    return NULL;
}

static void one_pattern_serves_several_threads(void **state)
{
    (void)state;
    struct steps s;
    struct job jobs[4];
    pthread_t threads[4];
    open_steps(&s,
               "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s)|\\\\p{L}+|\\\\p{N}{1,3}\"},"
               "\"behavior\":\"Isolated\"}",
               false);
    for (size_t i = 0; i < 4; i++) {
        jobs[i] = (struct job){ .s = &s };
        assert_int_equal(pthread_create(&threads[i], NULL, cut_often, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++)
        assert_true(jobs[i].ok);
    release_steps(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_patterns_of_public_tokenizers),
        cmocka_unit_test(cuts_as_the_reference_does),
        cmocka_unit_test(knows_the_characters_of_the_reference),
        cmocka_unit_test(tells_words_as_the_reference_does),
        cmocka_unit_test(refuses_by_name_and_place),
        cmocka_unit_test(stops_a_search_that_does_not_end),
        cmocka_unit_test(refuses_matches_that_run_backwards),
        cmocka_unit_test(one_pattern_serves_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
