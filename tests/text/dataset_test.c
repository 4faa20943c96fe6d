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
#include "base/rng.h"
#include "tests/support/scratch.h"
#include "text/dataset.h"

#define ROW(clean, target, foil)                                                                   \
    "{\"clean\": \"" clean "\", \"target\": \"" target "\", \"foil\": \"" foil "\"}"

static const char three_rows[]
    = ROW("A", " a", " b") "\n" ROW("B", " b", " c") "\n" ROW("C", " c", " a") "\n";

static struct dataset *open_rows(const char *path, enum split split, size_t max_rows, bool skip_bad,
                                 size_t *n_dropped)
{
    struct dataset *d = NULL;
    struct abl_err err;
    if (!dataset_open(path, "data", split, max_rows, skip_bad, &d, n_dropped, &err))
        fail_msg("%s: %s", path, err.text);
    return d;
}

static void refuses(const char *path, enum split split, bool skip_bad, const char *expected)
{
    struct dataset *d = NULL;
    struct abl_err err = { 0 };
    size_t n_dropped = 77;
    bool ok = dataset_open(path, "data", split, 0, skip_bad, &d, &n_dropped, &err);
    if (ok || err.code != ABL_BAD_DATA || !strstr(err.text, expected))
        fail_msg("found '%s' (%d), expected '%s'", ok ? "no error" : err.text, err.code, expected);
    assert_null(d);
    assert_int_equal(n_dropped, 77);
}

static void reads_every_field_of_a_row(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    scratch_text(
        &s, "x.jsonl",
        "{\"id\": \"r1\", \"clean\": \"caf\\u00e9\", \"corrupt\": \"tea\", \"target\": \" x\","
        " \"foil\": \" y\", \"template\": 3, \"cluster\": \"k\", \"extra\": [1, {\"a\": null}]}\n"
        "{\"clean\": \"n\", \"corrupt\": null, \"target\": \" x\", \"foil\": \" y\"}\n");
    struct dataset *d = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, 0, false, &n_dropped);
    assert_int_equal(d->n_rows, 2);
    assert_int_equal(n_dropped, 0);
    assert_string_equal(d->name, "x");
    assert_int_equal(d->split, SPLIT_ALL);
    assert_false(d->has_split_file);
    assert_string_equal(d->rows[0].id, "r1");
    assert_string_equal(d->rows[0].clean, "caf\u00e9");
    assert_string_equal(d->rows[0].corrupt, "tea");
    assert_string_equal(d->rows[0].target, " x");
    assert_string_equal(d->rows[0].foil, " y");
    assert_string_equal(d->rows[0].template_name, "3");
    assert_string_equal(d->rows[0].cluster, "k");
    assert_int_equal(d->rows[0].line, 1);
    assert_null(d->rows[1].corrupt);
    assert_null(d->rows[1].id);
    assert_null(d->rows[1].cluster);
    assert_int_equal(d->rows[1].index, 1);
    dataset_free(d);
    scratch_remove(&s);
}

static void takes_any_line_ending_and_skips_blank_lines_and_the_mark(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    // no line ending at the end
    scratch_text(&s, "x.jsonl",
                 "\xef\xbb\xbf" ROW("A", " a", " b") "\r\n\r\n \t\n" ROW(
                     "B", " b", " c") "\n\n" ROW("C", " c", " a"));
    struct dataset *d = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_ALL, 0, false, &n_dropped);
    static const uint32_t lines[] = { 1, 4, 6 };
    assert_int_equal(d->n_rows, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(d->rows[i].line, lines[i]);
        assert_int_equal(d->rows[i].index, i);
    }
    dataset_free(d);
    scratch_remove(&s);
}

static void reads_lists_of_answers(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    scratch_text(&s, "x.jsonl",
                 "{\"clean\": \"A\", \"target\": [\" a\", \" b\"], \"foil\": [\" c\"]}\n");
    struct dataset *d = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, 0, false, &n_dropped);
    const struct dataset_row *row = &d->rows[0];
    assert_string_equal(row->target, " a| b");
    assert_int_equal(row_targets(row).n, 2);
    assert_string_equal(row_targets(row).items[0], " a");
    assert_string_equal(row_targets(row).items[1], " b");
    assert_string_equal(row->foil, " c");
    assert_int_equal(row_foils(row).n, 1);
    assert_string_equal(row_foils(row).items[0], " c");
    dataset_free(d);
    scratch_remove(&s);
}

static void refuses_bad_rows_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *row, *expected;
    } cases[] = {
        { "not json", "line 2 at byte 0: found 'n', expected an object" },
        { "[1]", "line 2 at byte 0: found '[', expected an object" },
        { ROW("B", " b", " c") " x", "expected nothing behind the value" },
        { "{\"clean\": \"B\", \"target\": \" b\"}", "\"foil\" is missing" },
        { "{\"clean\": \"B\", \"foil\": \" b\", \"target\": null}", "\"target\" is missing" },
        { "{\"target\": \" b\", \"foil\": \" c\"}", "\"clean\" is missing" },
        { ROW("B", "", " c"), "\"target\" is empty" },
        { ROW("B", " b", ""), "\"foil\" is empty" },
        { "{\"clean\": \"B\", \"target\": 3, \"foil\": \" c\"}",
          "\"target\" is no string but a number: put it in quotes, with its leading space, or give "
          "a list of strings" },
        { "{\"clean\": [], \"target\": \" b\", \"foil\": \" c\"}",
          "\"clean\" is no string but a list: give each its own row" },
        { "{\"clean\": \"B\", \"target\": [], \"foil\": \" c\"}", "\"target\" is an empty list" },
        { "{\"clean\": \"B\", \"target\": [\" b\", 3], \"foil\": \" c\"}",
          "\"target\" is no string but a number" },
        { "{\"clean\": \"B\", \"target\": [\" b\", \"\"], \"foil\": \" c\"}",
          "\"target\" is empty" },
        { "{\"clean\": \"B\", \"target\": [\" b\" \" c\"], \"foil\": \" c\"}", "line 2 at byte" },
        { "{\"clean\": \"B\", \"clean\": \"B\", \"target\": \" b\", \"foil\": \" c\"}",
          "duplicate key \"clean\"" },
        { ROW("B\\u0000x", " b", " c"), "\"clean\" holds a NUL character" },
        { ROW("B\xff", " b", " c"), "UTF-8" },
        { ROW("B\\ud800", " b", " c"), "half a surrogate pair" },
        { "{\"clean\": \"B\", \"target\": \" b\", \"foil\": \" c\"", "found the end of the text" },
        { "{\"clean\": \"B\", \"corrupt\": \"\", \"target\": \" b\", \"foil\": \" c\"}",
          "\"corrupt\" is empty" },
        { "{\"clean\": \"B\", \"id\": 1.5, \"target\": \" b\", \"foil\": \" c\"}",
          "expected a whole number" },
    };
    struct scratch s;
    scratch_make(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = { 0 };
        buf_printf(&text, "%s\n%s\n%s\n", ROW("A", " a", " b"), cases[i].row, ROW("C", " c", " a"));
        scratch_write(&s, "x.jsonl", text.data, text.len);
        buf_release(&text);
        const char *path = scratch_path(&s, "x.jsonl");
        refuses(path, SPLIT_ALL, false, cases[i].expected);
        refuses(path, SPLIT_ALL, false, "x.jsonl' line 2");
        refuses(path, SPLIT_ALL, false, "--skip-bad");
        size_t n_dropped;
        struct dataset *d = open_rows(path, SPLIT_ALL, 0, true, &n_dropped);
        assert_int_equal(n_dropped, 1);
        assert_int_equal(d->n_rows, 2);
        assert_string_equal(d->rows[1].clean, "C");
        assert_int_equal(d->rows[1].line, 3);
        assert_int_equal(d->rows[1].index, 2);
        dataset_free(d);
    }
    scratch_remove(&s);
}

static void counts_only_bad_rows_that_were_asked_for(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    scratch_text(&s, "x.jsonl",
                 "bad\n" ROW("A", " a", " b") "\nbad\n" ROW("B", " b", " c") "\nbad\n" ROW(
                     "C", " c", " a") "\n");
    scratch_text(&s, "x.split.json", "{\"train\": [5, 2, 1, 3], \"val\": [0], \"test\": [4]}");
    const char *path = scratch_path(&s, "x.jsonl");
    struct dataset *d = open_rows(path, SPLIT_ALL, 0, true, &n_dropped);
    assert_int_equal(d->n_rows, 3);
    assert_int_equal(n_dropped, 3);
    dataset_free(d);
    d = open_rows(path, SPLIT_TRAIN, 0, true, &n_dropped);
    assert_int_equal(d->n_rows, 3);
    assert_int_equal(n_dropped, 1);
    assert_string_equal(d->rows[0].clean, "C"); // in the order of the split file
    assert_string_equal(d->rows[1].clean, "A");
    dataset_free(d);
    d = open_rows(path, SPLIT_ALL, 2, true, &n_dropped);
    assert_int_equal(d->n_rows, 2);
    assert_int_equal(n_dropped, 2);
    dataset_free(d);
    refuses(path, SPLIT_VAL, true, "no usable row (val split, 1 bad rows dropped)");
    scratch_remove(&s);
}

static void refuses_what_has_no_rows(void **state)
{
    (void)state;
    struct scratch s;
    scratch_make(&s);
    scratch_text(&s, "x.jsonl", "");
    refuses(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, false, "has no rows");
    scratch_text(&s, "x.jsonl", "\xef\xbb\xbf\r\n \n");
    refuses(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, true, "has no rows");
    scratch_text(&s, "x.jsonl", "bad\n");
    refuses(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, true, "no usable row");
    scratch_remove(&s);
}

static void names_what_is_there_when_a_dataset_is_not(void **state)
{
    (void)state;
    refuses("no-such-condition", SPLIT_DEFAULT, false,
            "expected a file of rows (.jsonl, .csv, .tsv, .json or .parquet), '-', or one of: "
            "counterfactual, facts, ioi, logic, negation");
    refuses("no/such/file.jsonl", SPLIT_DEFAULT, false, "cannot open 'no/such/file.jsonl'");
    refuses("nothing.jsonl", SPLIT_DEFAULT, false, "cannot open 'nothing.jsonl'");
    refuses("./tests", SPLIT_DEFAULT, false, "is a folder");
    struct dataset *d;
    struct abl_err err;
    size_t n;
    assert_false(dataset_open("facts", "no-such-data", SPLIT_ALL, 0, false, &d, &n, &err));
    assert_int_equal(err.code, ABL_BAD_DATA);
    assert_non_null(strstr(err.text, "no-such-data"));
}

static void lists_bundled_conditions_in_order(void **state)
{
    (void)state;
    struct scratch s;
    struct abl_err err;
    char **names;
    size_t n;
    scratch_make(&s);
    scratch_text(&s, "corpora/b.jsonl", "");
    scratch_text(&s, "corpora/a.jsonl", "");
    scratch_text(&s, "corpora/.jsonl", "");
    scratch_text(&s, "corpora/c.json", "");
    assert_true(dataset_list(s.path, &names, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "b");
    free(names[0]);
    free(names[1]);
    free(names);
    scratch_remove(&s);
}

static void opens_bundled_conditions_with_train_as_default(void **state)
{
    (void)state;
    static const char *const names[] = { "facts", "negation", "counterfactual", "logic", "ioi" };
    for (size_t i = 0; i < 5; i++) {
        size_t n[3], n_dropped;
        struct dataset *d = open_rows(names[i], SPLIT_DEFAULT, 0, false, &n_dropped);
        assert_int_equal(d->split, SPLIT_TRAIN);
        assert_true(d->has_split_file);
        assert_string_equal(d->name, names[i]);
        n[0] = d->n_rows;
        for (size_t k = 0; k < d->n_rows; k++)
            assert_int_equal(d->rows[k].leak_line, 0);
        dataset_free(d);
        for (enum split s = SPLIT_VAL; s <= SPLIT_TEST; s++) {
            d = open_rows(names[i], s, 0, false, &n_dropped);
            n[s - SPLIT_TRAIN] = d->n_rows;
            dataset_free(d);
        }
        d = open_rows(names[i], SPLIT_ALL, 0, false, &n_dropped);
        assert_int_equal(d->n_rows, n[0] + n[1] + n[2]);
        dataset_free(d);
        d = open_rows(names[i], SPLIT_DEFAULT, 7, false, &n_dropped);
        assert_int_equal(d->n_rows, 7);
        dataset_free(d);
    }
}

// SHA-256 of three_rows with LF and with CRLF, from sha256sum.
static const char lf_sha[] = "8956ec212491dd8fdc0b5f239401e6763fb1ea8ac3186f5baf670193f97de9b3";
static const char crlf_sha[] = "43f44276de571199ac5338e2dc0906529d2520bc084c78f44d02adc53abf4f1c";

static void write_crlf(const struct scratch *s, const char *name)
{
    struct buf text = { 0 };
    for (const char *c = three_rows; *c; c++)
        buf_str(&text, *c == '\n' ? "\r\n" : (char[]){ *c, '\0' });
    scratch_write(s, name, text.data, text.len);
    buf_release(&text);
}

static void accepts_the_hash_of_either_line_ending(void **state)
{
    (void)state;
    static const char *const keys[] = { "sha256", "data_hash" };
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    for (int i = 0; i < 8; i++) {
        char split[256];
        bool crlf_file = i & 1, crlf_hash = i & 2;
        snprintf(split, sizeof split, "{\"%s\": \"%s\", \"train\": [2, 0], \"val\": [1]}",
                 keys[i >> 2], crlf_hash ? crlf_sha : lf_sha);
        scratch_text(&s, "x.split.json", split);
        if (crlf_file)
            write_crlf(&s, "x.jsonl");
        else
            scratch_text(&s, "x.jsonl", three_rows);
        struct dataset *d
            = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, 0, false, &n_dropped);
        assert_string_equal(d->sha256, crlf_file ? crlf_sha : lf_sha);
        assert_int_equal(d->n_rows, 2);
        assert_int_equal(d->rows[0].line, 3);
        assert_int_equal(d->rows[1].line, 1);
        dataset_free(d);
    }
    scratch_remove(&s);
}

static void refuses_a_split_of_another_file(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    char split[256];
    scratch_make(&s);
    scratch_text(&s, "x.jsonl", three_rows);
    snprintf(split, sizeof split, "{\"sha256\": \"%.63s%c\", \"train\": [0]}", lf_sha,
             lf_sha[63] == '0' ? '1' : '0');
    scratch_text(&s, "x.split.json", split);
    const char *path = scratch_path(&s, "x.jsonl");
    refuses(path, SPLIT_DEFAULT, false, "does not belong to");
    refuses(path, SPLIT_TEST, false, "--split all");
    struct dataset *d = open_rows(path, SPLIT_ALL, 0, false, &n_dropped);
    assert_int_equal(d->n_rows, 3);
    dataset_free(d);
    scratch_remove(&s);
}

static void refuses_damaged_split_files(void **state)
{
    (void)state;
    static const struct {
        const char *split, *expected;
    } cases[] = {
        { "{\"train\": [0, 3]}", "row 3: expected less than the corpus's 3 rows" },
        { "{\"train\": [0, 1, 0]}", "train names row 0 twice" },
        { "{\"train\": [-1]}", "expected a whole number" },
        { "{\"train\": 0}", "expected an array" },
        { "{\"train\": [0]", "expected ',' or '}'" },
        { "{\"schema\": \"abltui.split/9\", \"train\": [0]}", "expected \"abltui.split/1\"" },
        { "{\"sha256\": \"abc\", \"train\": [0]}", "hash of 3 digits" },
        { "{\"val\": [0]}", "no usable row (train split" },
        { "[]", "expected an object" },
    };
    struct scratch s;
    scratch_make(&s);
    scratch_text(&s, "x.jsonl", three_rows);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scratch_text(&s, "x.split.json", cases[i].split);
        refuses(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, false, cases[i].expected);
    }
    scratch_remove(&s);
}

static void looks_for_the_split_beside_the_file_and_in_splits(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    scratch_text(&s, "corpora/x.jsonl", three_rows);
    const char *path = scratch_path(&s, "corpora/x.jsonl");
    refuses(path, SPLIT_TRAIN, false, "no split file for");
    scratch_text(&s, "splits/x.split.json", "{\"train\": [1]}");
    path = scratch_path(&s, "corpora/x.jsonl");
    struct dataset *d = open_rows(path, SPLIT_DEFAULT, 0, false, &n_dropped);
    assert_int_equal(d->rows[0].line, 2);
    dataset_free(d);
    assert_true(dataset_open("x", s.path, SPLIT_DEFAULT, 0, false, &d, &n_dropped, NULL));
    assert_int_equal(d->rows[0].line, 2);
    dataset_free(d);
    scratch_text(&s, "corpora/x.split.json", "{\"train\": [2]}");
    path = scratch_path(&s, "corpora/x.jsonl");
    d = open_rows(path, SPLIT_DEFAULT, 0, false, &n_dropped);
    assert_int_equal(d->rows[0].line, 3);
    dataset_free(d);
    scratch_remove(&s);
}

static void marks_prompts_that_are_in_two_splits(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    scratch_text(&s, "x.jsonl",
                 ROW("A", " a", " b") "\n" ROW("B", " b", " c") "\n" ROW("A", " c", " a") "\n" ROW(
                     "D", " d", " e") "\n");
    scratch_text(&s, "x.split.json", "{\"train\": [0, 1, 3], \"val\": [2], \"test\": [3]}");
    struct dataset *d = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_TRAIN, 0, false, &n_dropped);
    assert_int_equal(d->rows[0].leak_line, 3);
    assert_int_equal(d->rows[1].leak_line, 0);
    assert_int_equal(d->rows[2].leak_line, 4); // the same row in two lists
    dataset_free(d);
    d = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_ALL, 0, false, &n_dropped);
    for (size_t i = 0; i < d->n_rows; i++)
        assert_int_equal(d->rows[i].leak_line, 0);
    dataset_free(d);
    scratch_remove(&s);
}

static void reads_standard_input(void **state)
{
    (void)state;
    struct scratch s;
    size_t n_dropped;
    scratch_make(&s);
    scratch_text(&s, "x.jsonl", three_rows);
    int kept = dup(STDIN_FILENO);
    assert_non_null(freopen(scratch_path(&s, "x.jsonl"), "r", stdin));
    struct dataset *d = open_rows("-", SPLIT_DEFAULT, 0, false, &n_dropped);
    assert_int_equal(d->n_rows, 3);
    assert_string_equal(d->name, "stdin");
    assert_string_equal(d->sha256, lf_sha);
    dataset_free(d);
    assert_non_null(freopen(scratch_path(&s, "x.jsonl"), "r", stdin));
    refuses("-", SPLIT_TRAIN, false, "standard input has no split file");
    dup2(kept, STDIN_FILENO);
    close(kept);
    scratch_remove(&s);
}

static void parses_the_names_of_splits(void **state)
{
    (void)state;
    enum split s = SPLIT_DEFAULT;
    static const char *const names[] = { "train", "val", "test", "all" };
    for (size_t i = 0; i < 4; i++) {
        assert_true(split_parse(names[i], &s));
        assert_int_equal(s, SPLIT_TRAIN + i);
        assert_string_equal(split_name(s), names[i]);
    }
    assert_false(split_parse("default", &s));
    assert_false(split_parse("", &s));
}

static void survives_damaged_files(void **state)
{
    (void)state;
    enum { N = 3000 };
    static const char likely[] = "{}[]\",:\\0129-ntfu \r\n\xff\xc3\xef\x00";
    static const char split[] = "{\"schema\": \"abltui.split/1\", \"train\": [0, 2], \"val\": [1]}";
    struct scratch s;
    struct rng r;
    struct buf text = { 0 };
    size_t n_opened = 0;
    rng_seed(&r, 4);
    scratch_make(&s);
    scratch_text(&s, "x.jsonl", three_rows);
    for (int i = 0; i < N; i++) {
        bool rows = i & 1;
        text.len = 0;
        buf_str(&text, rows ? three_rows : split);
        for (uint32_t n = 1 + rng_below(&r, 3); n; n--)
            text.data[rng_below(&r, (uint32_t)text.len)] = likely[rng_below(&r, sizeof likely)];
        if (rng_below(&r, 4) == 0)
            text.len = rng_below(&r, (uint32_t)text.len);
        scratch_write(&s, rows ? "x.jsonl" : "x.split.json", text.data, text.len);
        struct dataset *d = NULL;
        struct abl_err err = { 0 };
        size_t n_dropped;
        if (dataset_open(scratch_path(&s, "x.jsonl"), "data", SPLIT_DEFAULT, 0, i & 2, &d,
                         &n_dropped, &err))
            n_opened++;
        else
            assert_int_equal(err.code, ABL_BAD_DATA);
        dataset_free(d);
        scratch_text(&s, rows ? "x.jsonl" : "x.split.json", rows ? three_rows : split);
    }
    assert_true(n_opened > 0 && n_opened < N);
    buf_release(&text);
    scratch_remove(&s);
}

static void expect_spans(const char *of, const struct row_spans *s, const char *text,
                         const char *expected)
{
    struct buf found = { 0 };
    buf_str(&found, "");
    for (size_t i = 0; i < s->n; i++)
        buf_printf(&found, "%s%s=%.*s%s", i ? ", " : "", s->items[i].name,
                   (int)(s->items[i].end - s->items[i].start), text + s->items[i].start,
                   s->items[i].given ? "!" : "");
    if (strcmp(found.data, expected) != 0)
        fail_msg("spans of %s: found '%s', expected '%s'", of, found.data, expected);
    buf_release(&found);
}

// Given ones are marked by "!". Characters are code points.
static void reads_spans_of_both_prompts(void **state)
{
    (void)state;
    static const struct {
        const char *line, *clean, *corrupt;
    } cases[] = {
        { "\"clean\": \"Où est Zoé ?\", \"corrupt\": \"Où est Al ?\", \"spans\": {\"who\": [7, 10],"
          " \"where\": [0, 2]}, \"corrupt_spans\": {\"who\": [7, 9]}",
          "who=Zoé!, where=Où!", "who=Al!, where=Où" },
        // between the same text; else where the span's own text stands
        { "\"clean\": \"Al is in Rome\", \"corrupt\": \"Al is in New York\","
          " \"spans\": {\"place\": [9, 13], \"name\": [0, 2]}",
          "place=Rome!, name=Al!", "place=New York, name=Al" },
        { "\"clean\": \"Al saw Bo\", \"corrupt\": \"Bo saw Al\", \"spans\": {\"name\": [0, 2]}",
          "name=Al!", "name=Al" },
        { "\"clean\": \"Al saw Bo\", \"corrupt\": \"It was Cy\", \"spans\": {\"name\": [0, 2]}",
          "name=Al!", "" },
        // fields whose text stands in clean once; those that say otherwise keep their own
        { "\"clean\": \"A crow is a bird\", \"subject\": \"crow\", \"kind\": \"bird\","
          " \"often\": \"r\", \"never\": \"x\", \"n\": 3, \"spans\": {\"kind\": [2, 6]}",
          "kind=crow!, subject=crow", "" },
        { "\"clean\": \"A crow\", \"spans\": null, \"corrupt_spans\": null", "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scratch s;
        struct buf line = { 0 };
        size_t n_dropped;
        scratch_make(&s);
        buf_printf(&line, "{%s, \"target\": \" t\", \"foil\": \" f\"}\n", cases[i].line);
        scratch_text(&s, "x.jsonl", line.data);
        struct dataset *d
            = open_rows(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, 0, false, &n_dropped);
        expect_spans("clean", &d->rows[0].spans, d->rows[0].clean, cases[i].clean);
        expect_spans("corrupt", &d->rows[0].corrupt_spans, d->rows[0].corrupt, cases[i].corrupt);
        dataset_free(d);
        buf_release(&line);
        scratch_remove(&s);
    }
}

static void refuses_spans_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *expected;
    } cases[] = {
        { "\"spans\": [1, 2]", "\"spans\": expected {\"name\": [start, end], …}" },
        { "\"spans\": {\"a\": 3}", "\"spans\": expected [start, end] for 'a', in characters" },
        { "\"spans\": {\"a\": [0]}", "expected [start, end] with start < end for 'a'" },
        { "\"spans\": {\"a\": [2, 2]}", "expected [start, end] with start < end for 'a'" },
        { "\"spans\": {\"a\": [-1, 2]}", "whole number" },
        { "\"spans\": {\"a\": [0, 1, 2]}", "whole numbers from 0" },
        { "\"spans\": {\"a\": [1, 5]}",
          "\"spans\": 'a' ends at character 5, beyond the prompt's end" },
        { "\"spans\": {\"\": [0, 1]}", "expected a name for each span" },
        { "\"corrupt_spans\": {\"a\": [0, 1]}", "\"corrupt_spans\" without \"corrupt\"" },
        { "\"corrupt\": \"x\", \"corrupt_spans\": {\"a\": [0, 2]}",
          "\"corrupt_spans\": 'a' ends at character 2" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scratch s;
        struct buf line = { 0 };
        scratch_make(&s);
        buf_printf(&line, "{\"clean\": \"caf\\u00e9\", \"target\": \" t\", \"foil\": \" f\", %s}\n",
                   cases[i].fields);
        scratch_text(&s, "x.jsonl", line.data);
        refuses(scratch_path(&s, "x.jsonl"), SPLIT_DEFAULT, false, cases[i].expected);
        buf_release(&line);
        scratch_remove(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field_of_a_row),
        cmocka_unit_test(reads_spans_of_both_prompts),
        cmocka_unit_test(refuses_spans_that_are_none),
        cmocka_unit_test(takes_any_line_ending_and_skips_blank_lines_and_the_mark),
        cmocka_unit_test(reads_lists_of_answers),
        cmocka_unit_test(refuses_bad_rows_with_their_line),
        cmocka_unit_test(counts_only_bad_rows_that_were_asked_for),
        cmocka_unit_test(refuses_what_has_no_rows),
        cmocka_unit_test(names_what_is_there_when_a_dataset_is_not),
        cmocka_unit_test(lists_bundled_conditions_in_order),
        cmocka_unit_test(opens_bundled_conditions_with_train_as_default),
        cmocka_unit_test(accepts_the_hash_of_either_line_ending),
        cmocka_unit_test(refuses_a_split_of_another_file),
        cmocka_unit_test(refuses_damaged_split_files),
        cmocka_unit_test(looks_for_the_split_beside_the_file_and_in_splits),
        cmocka_unit_test(marks_prompts_that_are_in_two_splits),
        cmocka_unit_test(reads_standard_input),
        cmocka_unit_test(parses_the_names_of_splits),
        cmocka_unit_test(survives_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
