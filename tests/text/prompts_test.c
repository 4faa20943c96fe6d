// A tokenizer whose ids can be written down by hand: a letter is a token, and so are " x", " y", "
// z" and " p".
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/support/scratch.h"
#include "text/clusters.h"
#include "text/prompts.h"

enum { LOWER = 0, UPPER = 26, SPACE = 52, SPACE_X, SPACE_Y, SPACE_Z, SPACE_P, STOP, BOS, N_IDS };

static const struct prompts_options plain = { .n_ctx = 32, .n_vocab = N_IDS };

static struct tokenizer *letter_tokenizer(void)
{
    struct scratch s;
    struct buf vocab = { 0 };
    struct tokenizer *t = NULL;
    struct abl_err err;
    for (int i = 0; i < 26; i++)
        buf_printf(&vocab, "%s\"%c\": %d, \"%c\": %d", i ? ", " : "{", 'a' + i, LOWER + i, 'A' + i,
                   UPPER + i);
    buf_printf(
        &vocab,
        ", \"\u0120\": %d, \"\u0120x\": %d, \"\u0120y\": %d, \"\u0120z\": %d, \"\u0120p\": %d,"
        " \".\": %d, \"<|endoftext|>\": %d}",
        SPACE, SPACE_X, SPACE_Y, SPACE_Z, SPACE_P, STOP, BOS);
    scratch_make(&s);
    scratch_text(&s, "vocab.json", vocab.data);
    scratch_text(&s, "merges.txt", "#version: 0.2\n\u0120 x\n\u0120 y\n\u0120 z\n\u0120 p\n");
    if (!tokenizer_open(s.path, OWNER_TRANSFORMERS_5, &t, &err))
        fail_msg("%s", err.text);
    buf_release(&vocab);
    scratch_remove(&s);
    return t;
}

// A row of a test: clean, corrupt, target, foil; NULL = missing.
struct cells {
    const char *clean, *corrupt, *target, *foil;
};

// Dataset, tokenizer and prompts of one test.
struct made {
    struct dataset_row rows[16];
    struct dataset data;
    struct tokenizer *tokenizer;
    struct prompts *p;
};

// Rows are on lines 1, 2, …
static void fill_rows(struct made *m, const struct cells *cells, size_t n)
{
    *m = (struct made){ .tokenizer = letter_tokenizer() };
    assert_true(n <= sizeof m->rows / sizeof *m->rows);
    for (size_t i = 0; i < n; i++)
        m->rows[i] = (struct dataset_row){ .clean = cells[i].clean,
                                           .corrupt = cells[i].corrupt,
                                           .target = cells[i].target,
                                           .foil = cells[i].foil,
                                           .line = (uint32_t)i + 1,
                                           .index = (uint32_t)i };
    m->data = (struct dataset){ .name = "x", .path = "x.jsonl", .rows = m->rows, .n_rows = n };
}

static void run(struct made *m, const struct prompts_options *options)
{
    struct abl_err err;
    if (!prompts_make(&m->data, m->tokenizer, options, &m->p, &err))
        fail_msg("%s", err.text);
}

static void make(struct made *m, const struct cells *cells, size_t n,
                 const struct prompts_options *options)
{
    fill_rows(m, cells, n);
    run(m, options);
}

static void release(struct made *m)
{
    prompts_free(m->p);
    tokenizer_free(m->tokenizer);
}

static const struct finding *find(const struct prompts *p, const char *kind)
{
    for (size_t i = 0; i < p->n_findings; i++)
        if (strcmp(p->findings[i].kind, kind) == 0)
            return &p->findings[i];
    return NULL;
}

// Exactly these kinds, in this order, are found; NULL ends the list.
static void expect_kinds(const struct prompts *p, const char *const *kinds)
{
    size_t n = 0;
    while (kinds[n])
        n++;
    for (size_t i = 0; i < p->n_findings; i++)
        if (i >= n || strcmp(p->findings[i].kind, kinds[i]) != 0)
            fail_msg("finding %zu: found '%s' (%s), expected '%s'", i, p->findings[i].kind,
                     p->findings[i].text, i < n ? kinds[i] : "none");
    assert_int_equal(p->n_findings, n);
}

static void ids_are(const char *what, struct id_list found, const uint32_t *expected, uint32_t n)
{
    assert_int_equal(found.n, n);
    for (uint32_t i = 0; i < n; i++)
        if (found.ids[i] != expected[i])
            fail_msg("%s %u: found %u, expected %u", what, i, found.ids[i], expected[i]);
}

static void lists_of_answers_are_found_token_by_token(void **state)
{
    (void)state;
    static const char *const both[] = { " y", " x", " y" }, *const one[] = { " x", " z" };
    struct cells cell = { "a", "b", " y| x| y", " w" };
    struct prompts_options options = plain;
    struct made m;
    options.answers = ANSWERS_LSE;
    fill_rows(&m, &cell, 1);
    m.rows[0].targets = (struct text_list){ both, 3 };
    run(&m, &options);
    const struct prompt *p = &m.p->items[0];
    expect_kinds(m.p, (const char *const[]){ "multi-token-foil", "repeated-answer", NULL });
    assert_null(p->lists);
    release(&m);

    cell.foil = " x";
    fill_rows(&m, &cell, 1);
    m.rows[0].targets = (struct text_list){ both, 3 };
    run(&m, &options);
    expect_kinds(m.p, (const char *const[]){ "target-is-foil", "repeated-answer", NULL });
    assert_non_null(strstr(m.p->findings[0].text, "' y| x| y' and ' x' share one"));
    assert_non_null(strstr(m.p->findings[1].text, "' y' stands in it twice"));
    p = &m.p->items[0];
    assert_int_equal(p->target, SPACE_Y);
    assert_int_equal(p->lists->how, ANSWERS_LSE);
    ids_are("target", prompt_targets(p), (const uint32_t[]){ SPACE_Y, SPACE_X }, 2);
    ids_are("foil", prompt_foils(p), (const uint32_t[]){ SPACE_X }, 1);
    release(&m);

    struct abl_err err;
    options.whole_answers = true;
    fill_rows(&m, &cell, 1);
    m.rows[0].foils = (struct text_list){ one, 2 };
    assert_false(prompts_make(&m.data, m.tokenizer, &options, &m.p, &err));
    assert_int_equal(err.code, ABL_USAGE);
    assert_non_null(strstr(err.text, "--span full"));
    m.p = NULL;
    release(&m);
}

static void reads_bos_and_ids_of_a_prompt(void **state)
{
    (void)state;
    static const struct cells rows[]
        = { { "ab c", "ab d", " x", " y" }, { "D x", "E x", " y", " x" } };
    static const uint32_t first[] = { BOS, LOWER + 0, LOWER + 1, SPACE, LOWER + 2 };
    static const uint32_t second[] = { BOS, UPPER + 3, SPACE_X };
    struct made m;
    make(&m, rows, 2, &plain);
    assert_int_equal(m.p->n, 2);
    assert_int_equal(m.p->bos, BOS);
    assert_int_equal(m.p->items[0].n_ids, 5);
    assert_memory_equal(m.p->items[0].ids, first, sizeof first);
    assert_int_equal(m.p->items[0].target, SPACE_X);
    assert_int_equal(m.p->items[0].foil, SPACE_Y);
    assert_int_equal(m.p->items[1].n_ids, 3);
    assert_memory_equal(m.p->items[1].ids, second, sizeof second);
    assert_ptr_equal(m.p->items[1].row, &m.rows[1]);
    assert_int_equal(m.p->n_clusters, 2);
    expect_kinds(m.p, (const char *const[]){ NULL });
    assert_true(prompts_refuse(m.p, NULL));
    release(&m);
}

// "x[2,4)" for each span, in tokens behind BOS.
static void expect_tokens(const struct prompts *p, const char *of, const struct token_spans *s,
                          const char *expected)
{
    struct buf found = { 0 };
    buf_str(&found, "");
    for (size_t i = 0; i < s->n; i++)
        buf_printf(&found, "%s%s[%u,%u)", i ? " " : "", p->span_names[s->items[i].name],
                   s->items[i].first, s->items[i].end);
    if (strcmp(found.data, expected) != 0)
        fail_msg("spans of %s: found '%s', expected '%s'", of, found.data, expected);
    buf_release(&found);
}

// BOS a b " x" c d " y": a token is a span's by any of its characters but the space in front.
static void finds_the_tokens_of_spans(void **state)
{
    (void)state;
    static const struct cells rows[]
        = { { "ab xcd y", "ab zcde y", " x", " y" }, { "ab xcd y", "bb xcd z", " y", " x" } };
    struct row_span clean[] = { { "letter", 3, 4, true },
                                { "two", 0, 2, true },
                                { "wide", 2, 5, true },
                                { "space", 2, 3, true } };
    struct row_span corrupt[] = { { "letter", 3, 4, true } };
    struct made m;
    fill_rows(&m, rows, 2);
    m.rows[0].spans = (struct row_spans){ clean, 4 };
    m.rows[0].corrupt_spans = (struct row_spans){ corrupt, 1 };
    m.rows[1].spans = (struct row_spans){ clean, 2 };
    run(&m, &plain);
    expect_tokens(m.p, "clean", &m.p->items[0].spans, "letter[3,4) two[1,3) wide[3,5)");
    expect_tokens(m.p, "corrupt", &m.p->items[0].corrupt_spans, "letter[3,4)");
    // prompts of one length: what the corrupt one does not say is at the same tokens
    expect_tokens(m.p, "clean", &m.p->items[1].spans, "letter[3,4) two[1,3)");
    expect_tokens(m.p, "corrupt", &m.p->items[1].corrupt_spans, "letter[3,4) two[1,3)");
    const struct finding *f = find(m.p, "span-without-tokens");
    if (!f || f->n_rows != 1 || !strstr(f->text, "'space' of 'ab xcd y'"))
        fail_msg("found '%s', expected a warning of 'space'", f ? f->text : "nothing");
    release(&m);
}

// Counted from the end: a b x c d y / a b z c d e y, and a b x c d y / b b x c d z.
static void finds_where_prompts_differ(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "ab xcd y", "ab zcde y", " x", " y" },
                                         { "ab xcd y", "bb xcd z", " y", " x" },
                                         { "ab p", NULL, " x", " y" } };
    static const uint32_t first[] = { 1, 2, 3, 4, 5, 6 }, second[] = { 0, 5 };
    struct made m;
    make(&m, rows, 3, &plain);
    assert_int_equal(m.p->items[0].n_differs, 6); // BOS against a token is a difference too
    assert_memory_equal(m.p->items[0].differs, first, sizeof first);
    assert_int_equal(m.p->items[1].n_differs, 2);
    assert_memory_equal(m.p->items[1].differs, second, sizeof second);
    assert_int_equal(m.p->items[2].n_differs, 0);
    release(&m);
}

static void leaves_bos_out_when_told(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "ab", "ac", " x", " y" }, { "D", "E", " y", " x" } };
    struct prompts_options options = plain;
    struct made m;
    options.bos = BOS_NEVER;
    make(&m, rows, 2, &options);
    assert_true(m.p->bos == TOKEN_NONE);
    assert_int_equal(m.p->items[0].n_ids, 2);
    assert_int_equal(m.p->items[0].ids[0], LOWER);
    release(&m);
}

// One kind of error in the middle row of three: refused with its line, dropped by skip_bad.
static void expect_error(const struct cells *bad, const struct prompts_options *options,
                         const char *kind, const char *expected)
{
    struct cells rows[] = { { "A", "B", " x", " y" }, *bad, { "C", "D", " y", " x" } };
    struct abl_err err = { 0 };
    struct made m;
    make(&m, rows, 3, options);
    const struct finding *f = find(m.p, kind);
    if (!f)
        fail_msg("no finding of kind %s", kind);
    assert_int_equal(f->level, FINDING_ERROR);
    assert_int_equal(f->n_rows, 1);
    assert_int_equal(f->first_line, 2);
    assert_int_equal(m.p->n, 3);
    if (!strstr(f->text, expected) || !strstr(f->text, "1 row (line 2)")
        || !strstr(f->text, "--skip-bad"))
        fail_msg("found '%s', expected '%s'", f->text, expected);
    assert_false(prompts_refuse(m.p, &err));
    assert_int_equal(err.code, ABL_BAD_DATA);
    assert_non_null(strstr(err.text, "'x.jsonl': 1 row (line 2)"));
    release(&m);

    struct prompts_options skip = *options;
    skip.skip_bad = true;
    make(&m, rows, 3, &skip);
    f = find(m.p, kind);
    assert_non_null(f);
    assert_int_equal(f->level, FINDING_WARNING);
    assert_non_null(strstr(f->text, "dropped 1 row (line 2)"));
    assert_int_equal(m.p->n, 2);
    assert_int_equal(m.p->n_dropped, 1);
    assert_int_equal(m.p->n_clusters, 2);
    assert_string_equal(m.p->items[1].row->clean, "C");
    assert_true(prompts_refuse(m.p, &err));
    release(&m);
}

static void refuses_rows_that_cannot_be_run(void **state)
{
    (void)state;
    static const struct {
        struct cells row;
        const char *kind, *expected;
    } cases[] = {
        { { "", "E", " x", " y" }, "empty-prompt", "the clean prompt is empty" },
        { { "E!", "F", " x", " y" }, "no-token", "byte 0x21" },
        { { "abcdefghijklmnopqrstuvwxyzABCDEF", "E", " x", " y" },
          "prompt-too-long",
          "33 tokens where the model takes 32" },
        { { "E", "F", " w", " y" }, "multi-token-target", "' w' is 2 tokens" },
        { { "E", "F", " x", " yx" }, "multi-token-foil", "' yx' is 2 tokens" },
        { { "E ", "F ", "x", " y" }, "multi-token-target", "'x' changes the prompt's last token" },
        { { "E", "F", " x", " x" }, "target-is-foil", "both are ' x'" },
        { { "E", "F", " ww", " ww" }, "target-is-foil", "both are ' ww'" },
        { { "E", "F", " x", " \n" }, "multi-token-foil", "byte 0x0a" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(&cases[i].row, &plain, cases[i].kind, cases[i].expected);
}

// Where a letter follows the prompt's own, and all answers of the row are one token behind a space.
static void answers_are_given_the_space_that_they_lack(void **state)
{
    (void)state;
    static const struct cells rows[]
        = { { "E", "F", "x", "y" }, { "E", "F", " x", "y" },  { "E", "F", " x", " y" },
            { "E", "F", "w", "y" }, { "E.", "F", "xy", "p" }, { "E.", "F", "x", "p" } };
    static const char *const expected[]
        = { " x", " y", " x", " y", " x", " y", "w", "y", "xy", "p", "x", "p" };
    struct prompts_options options = plain;
    struct made m;
    options.fix_spaces = true;
    make(&m, rows, 6, &options);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(m.p->items[i].row->target, expected[2 * i]);
        assert_string_equal(m.p->items[i].row->foil, expected[2 * i + 1]);
    }
    assert_int_equal(m.p->items[0].target, SPACE_X);
    assert_int_equal(m.p->items[1].foil, SPACE_Y);
    assert_int_equal(m.p->n_spaced, 2);
    const struct finding *f = find(m.p, "gave-space");
    assert_non_null(f);
    assert_int_equal(f->level, FINDING_NOTE);
    assert_non_null(strstr(f->text, "2 rows (lines 1 and 2)"));
    assert_non_null(strstr(f->text, "'x' is ' x'"));
    assert_string_equal(m.rows[0].target, "x");
    release(&m);
}

static void lists_are_given_their_spaces_as_a_whole(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "E", "F", "x|y", "z" } };
    static const char *const targets[] = { "x", "y" };
    struct prompts_options options = plain;
    struct made m;
    options.fix_spaces = true;
    fill_rows(&m, rows, 1);
    m.rows[0].targets = (struct text_list){ targets, 2 };
    run(&m, &options);
    const struct prompt *p = &m.p->items[0];
    assert_string_equal(p->row->target, " x| y");
    assert_string_equal(row_targets(p->row).items[1], " y");
    ids_are("target", prompt_targets(p), (const uint32_t[]){ SPACE_X, SPACE_Y }, 2);
    ids_are("foil", prompt_foils(p), (const uint32_t[]){ SPACE_Z }, 1);
    release(&m);
}

static void a_space_that_would_not_help_is_not_advised(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "E", "F", "xx", " y" }, { "E.", "F", "x", " y" } };
    struct made m;
    make(&m, rows, 2, &plain);
    const struct finding *f = find(m.p, "multi-token-target");
    assert_non_null(f);
    assert_null(strstr(f->text, "--fix-spaces"));
    release(&m);
}

static void counts_bos_towards_the_context(void **state)
{
    (void)state;
    static const struct cells rows[]
        = { { "abcdefgh", "abcdefgi", " x", " y" }, { "abcdefgi", "abcdefgh", " y", " x" } };
    struct prompts_options options = plain;
    struct made m;
    options.n_ctx = 9;
    make(&m, rows, 2, &options);
    assert_null(find(m.p, "prompt-too-long"));
    release(&m);
    options.n_ctx = 8;
    make(&m, rows, 2, &options);
    assert_non_null(find(m.p, "prompt-too-long"));
    release(&m);
    options.bos = BOS_NEVER;
    make(&m, rows, 2, &options);
    assert_null(find(m.p, "prompt-too-long"));
    release(&m);
}

static void refuses_ids_that_the_model_does_not_have(void **state)
{
    (void)state;
    static const struct {
        struct cells row;
        uint32_t n_vocab;
        const char *expected; // NULL = fits
    } cases[] = {
        { { "E", "F", " z", " y" }, SPACE_Z + 1, NULL },
        { { "E", "F", " z", " y" }, SPACE_Z, "id 55 of a vocabulary of 55" },
        { { "E", "F", " y", " z" }, SPACE_Z, "id 55 of a vocabulary of 55" },
        { { "E.", "F.", " y", " x" }, SPACE_Z, "id 57 of a vocabulary of 55" },
        { { "E.", "F.", " y", " x" }, 0, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prompts_options options = { .bos = BOS_NEVER, .n_vocab = cases[i].n_vocab };
        if (cases[i].expected)
            expect_error(&cases[i].row, &options, "id-out-of-range", cases[i].expected);
        else {
            struct made m;
            make(&m, &cases[i].row, 1, &options);
            assert_null(find(m.p, "id-out-of-range"));
            release(&m);
        }
    }
}

static void names_the_first_error_and_counts_the_others(void **state)
{
    (void)state;
    static const struct cells rows[]
        = { { "A", "B", " x", " x" },  { "", "B", " x", " y" },   { "C", "B", " ww", " y" },
            { "D", "B", " ww", " y" }, { "E", "B", " ww", " y" }, { "F", "B", " ww", " y" } };
    static const char *const kinds[]
        = { "empty-prompt", "multi-token-target", "target-is-foil", "unequal-lengths", NULL };
    struct made m;
    struct abl_err err;
    make(&m, rows, 6, &plain);
    expect_kinds(m.p, kinds);
    assert_non_null(strstr(m.p->findings[1].text, "4 rows (lines 3, 4, 5, …): "));
    assert_false(prompts_refuse(m.p, &err));
    assert_non_null(strstr(err.text, "the clean prompt is empty"));
    assert_non_null(strstr(err.text, "(and 2 more: see abltui check)"));
    release(&m);
    struct prompts_options options = plain;
    options.skip_bad = true;
    make(&m, rows, 6, &options);
    assert_int_equal(m.p->n, 0);
    assert_int_equal(m.p->n_dropped, 6);
    assert_false(prompts_refuse(m.p, &err));
    assert_int_equal(err.code, ABL_BAD_DATA);
    assert_non_null(strstr(err.text, "no row is left, 6 dropped"));
    release(&m);
}

// Exactly one finding, a warning, or a note, that does not stop the run.
static void expect_warning(const struct cells *rows, size_t n, const char *kind, uint32_t n_rows,
                           uint32_t first_line, const char *expected)
{
    struct made m;
    make(&m, rows, n, &plain);
    expect_kinds(m.p, (const char *const[]){ kind, NULL });
    const struct finding *f = &m.p->findings[0];
    bool note = strcmp(kind, "target-in-prompt") == 0;
    assert_int_equal(f->level, note ? FINDING_NOTE : FINDING_WARNING);
    assert_int_equal(f->n_rows, n_rows);
    assert_int_equal(f->first_line, first_line);
    if (!strstr(f->text, expected))
        fail_msg("%s: found '%s', expected '%s'", kind, f->text, expected);
    assert_true(prompts_refuse(m.p, NULL));
    release(&m);
}

static void warns_of_what_may_mislead(void **state)
{
    (void)state;
    static const struct cells in_prompt[]
        = { { "a X.", "a Y.", " x", " y" }, { "a xylo.", "a yylo.", " y", " x" } };
    expect_warning(in_prompt, 2, "target-in-prompt", 1, 1, "' x' is in 'a X.'");
    static const struct cells constant[] = { { "a", "b", " x", " y" }, { "b", "a", " x", " z" } };
    expect_warning(constant, 2, "constant-label", 2, 1, "lines 1 and 2): every row has the same");
    static const struct cells repeated[]
        = { { "a", "b", " x", " y" }, { "b", "a", " y", " x" }, { "a", "c", " x", " y" } };
    expect_warning(repeated, 3, "duplicate-row", 1, 3, "'a' is line 1 as well");
    static const struct cells same_clean[]
        = { { "a", "b", " x", " y" }, { "b", "a", " y", " x" }, { "a", "c", " z", " y" } };
    expect_warning(same_clean, 3, "duplicate-prompt", 1, 3, "as one cluster");
    static const struct cells unequal[] = { { "a", "b", " x", " y" }, { "b", "ab", " y", " x" } };
    expect_warning(unequal, 2, "unequal-lengths", 1, 2, "1 and 2 tokens for 'b'");
    static const struct cells alone[] = { { "a", NULL, " x", " y" }, { "b", NULL, " y", " x" } };
    expect_warning(alone, 2, "no-corrupt", 2, 1, "there is no corrupt prompt");
    static const struct cells unreadable[] = { { "a", "!", " x", " y" }, { "b", "a", " y", " x" } };
    expect_warning(unreadable, 2, "no-corrupt", 1, 1, "byte 0x21");
    static const struct cells spelt[] = { { "a<|endoftext|>b", "abc", " x", " y" },
                                          { "b", "<|endoftext|>", " y", " x" },
                                          { "c", "d", "<|endoftext|>", " x" } };
    expect_warning(spelt, 3, "special-token-in-text", 3, 1, "'<|endoftext|>' in 'a<|endoftext|>b'");
}

static void finds_the_target_as_a_whole_word_in_any_case(void **state)
{
    (void)state;
    static const struct {
        const char *clean, *target;
        bool found;
    } cases[] = {
        { "x a", " x", true },  { "a x", " x", true },   { "a.x.a", " x", true },
        { "X a", " x", true },  { "ax a", " x", false }, { "xa a", " x", false },
        { "a b", " x", false }, { "ax x", " x", true },  { "a", "\u0120", false },
        { "x", "  X ", true },  { "aa.", ".", true },    { "aa", " ", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cells row = { cases[i].clean, NULL, cases[i].target, " y" };
        struct made m;
        make(&m, &row, 1, &plain);
        if ((find(m.p, "target-in-prompt") != NULL) != cases[i].found)
            fail_msg("'%s' in '%s': expected %s", cases[i].target, cases[i].clean,
                     cases[i].found ? "found" : "not found");
        release(&m);
    }
}

static void tells_leaks_between_splits(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "a", "b", " x", " y" }, { "b", "a", " y", " x" } };
    struct made m;
    fill_rows(&m, rows, 2);
    m.rows[1].leak_line = 9;
    run(&m, &plain);
    expect_kinds(m.p, (const char *const[]){ "split-leak", NULL });
    assert_non_null(strstr(m.p->findings[0].text, "1 row (line 2)"));
    assert_non_null(strstr(m.p->findings[0].text, "'b' is line 9 as well"));
    release(&m);
}

static void numbers_clusters_by_cluster_prompt_or_template(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "a", "b", " x", " y" },
                                         { "b", "a", " y", " x" },
                                         { "a", "c", " z", " y" },
                                         { "c", "a", " y", " x" } };
    static const uint32_t by_prompt[] = { 0, 1, 0, 2 }, by_cluster[] = { 0, 1, 2, 1 },
                          by_template[] = { 0, 0, 1, 0 };
    struct prompts_options options = plain;
    struct made m;
    make(&m, rows, 4, &plain);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(m.p->items[i].cluster, by_prompt[i]);
    assert_int_equal(m.p->n_clusters, 3);
    prompts_free(m.p);
    m.rows[1].cluster = m.rows[3].cluster = "k";
    m.rows[2].cluster = "a"; // a name is no prompt: not the cluster of row 0
    run(&m, &plain);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(m.p->items[i].cluster, by_cluster[i]);
    assert_int_equal(m.p->n_clusters, 3);
    prompts_free(m.p);
    m.p = NULL;
    options.cluster = CLUSTER_TEMPLATE;
    struct abl_err err;
    assert_false(prompts_make(&m.data, m.tokenizer, &options, &m.p, &err));
    assert_int_equal(err.code, ABL_BAD_DATA);
    assert_non_null(strstr(err.text, "line 1: \"template\" is missing"));
    for (size_t i = 0; i < 4; i++)
        m.rows[i].template_name = i == 2 ? "t2" : "t1";
    run(&m, &options);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(m.p->items[i].cluster, by_template[i]);
    assert_int_equal(m.p->n_clusters, 2);
    release(&m);
}

static void bundled_rows(const char *condition, enum split split, struct tokenizer *t,
                         struct dataset **d, struct prompts **p)
{
    struct prompts_options options = { .n_ctx = 128, .n_vocab = 2048 };
    struct abl_err err;
    size_t n_dropped;
    if (!dataset_open(condition, "data", split, 0, false, d, &n_dropped, &err)
        || !prompts_make(*d, t, &options, p, &err))
        fail_msg("%s", err.text);
}

// Rows of the n templates in turn; templates are clusters from eight on, unless rows say better or
// somebody asks.
static void check_default_clusters(uint32_t n, enum cluster_by asked, bool given,
                                   enum cluster_by expected, uint32_t n_clusters)
{
    enum { ROWS = 16 };
    static const struct cells rows[ROWS]
        = { { "a", "b", " x", " y" },   { "b", "a", " y", " x" },   { "c", "a", " x", " y" },
            { "aa", "b", " y", " x" },  { "ba", "a", " x", " y" },  { "ca", "a", " y", " x" },
            { "ab", "b", " x", " y" },  { "bb", "a", " y", " x" },  { "cb", "a", " x", " y" },
            { "ac", "b", " y", " x" },  { "bc", "a", " x", " y" },  { "cc", "a", " y", " x" },
            { "aaa", "b", " x", " y" }, { "aba", "a", " y", " x" }, { "aca", "a", " x", " y" },
            { "aab", "b", " y", " x" } };
    static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8" };
    struct prompts_options options = plain;
    struct made m;
    options.cluster = asked;
    make(&m, rows, ROWS, &plain);
    prompts_free(m.p);
    for (size_t i = 0; i < ROWS; i++)
        m.rows[i].template_name = names[i % n];
    m.rows[3].cluster = m.rows[4].cluster = given ? "k" : NULL;
    run(&m, &options);
    assert_int_equal(m.p->n_templates, n);
    assert_int_equal(m.p->clustered, expected);
    assert_int_equal(m.p->n_clusters, n_clusters);
    assert_int_equal(clusters_scope(m.p) != NULL, expected == CLUSTER_PROMPT);
    for (size_t i = 0; expected == CLUSTER_TEMPLATE && i < ROWS; i++)
        assert_int_equal(m.p->items[i].cluster, i % n);
    release(&m);
}

static void eight_templates_are_clusters_where_nothing_else_is_said(void **state)
{
    (void)state;
    check_default_clusters(7, CLUSTER_AUTO, false, CLUSTER_PROMPT, 16);
    check_default_clusters(8, CLUSTER_AUTO, false, CLUSTER_TEMPLATE, 8);
    check_default_clusters(9, CLUSTER_PROMPT, false, CLUSTER_PROMPT, 16);
    check_default_clusters(9, CLUSTER_AUTO, true, CLUSTER_GIVEN, 15);
    check_default_clusters(3, CLUSTER_TEMPLATE, false, CLUSTER_TEMPLATE, 3);
}

// What is found of each condition: nothing, but that the answer of ioi is one of its names.
static void finds_nothing_wrong_with_the_bundled_conditions(void **state)
{
    (void)state;
    static const char *const names[] = { "facts", "negation", "counterfactual", "logic", "ioi" };
    struct tokenizer *t;
    struct abl_err err;
    if (!tokenizer_open("data/models/tiny-gpt2", OWNER_TRANSFORMERS_5, &t, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 5; i++)
        for (enum split s = SPLIT_TRAIN; s <= SPLIT_ALL; s++) {
            struct dataset *d;
            struct prompts *p;
            bundled_rows(names[i], s, t, &d, &p);
            for (size_t k = 0; k < p->n_findings; k++)
                if (i < 4 || strcmp(p->findings[k].kind, "target-in-prompt") != 0)
                    fail_msg("%s: %s", names[i], p->findings[k].text);
            assert_int_equal(p->n, d->n_rows);
            prompts_free(p);
            dataset_free(d);
        }
    tokenizer_free(t);
}

// The token that is the span `name` of the row, which must be one.
static uint32_t role_token(const struct prompts *p, size_t row, const char *name)
{
    const struct prompt *it = &p->items[row];
    for (size_t i = 0; i < it->spans.n; i++)
        if (strcmp(p->span_names[it->spans.items[i].name], name) == 0) {
            assert_int_equal(it->spans.items[i].end - it->spans.items[i].first, 1);
            return it->spans.items[i].first;
        }
    fail_msg("row %zu has no role '%s'", row, name);
    return 0;
}

static void the_roles_of_ioi_are_its_names(void **state)
{
    (void)state;
    struct tokenizer *t;
    struct dataset *d;
    struct prompts *p;
    struct abl_err err;
    if (!tokenizer_open("data/models/tiny-gpt2", OWNER_TRANSFORMERS_5, &t, &err))
        fail_msg("%s", err.text);
    bundled_rows("ioi", SPLIT_ALL, t, &d, &p);
    for (size_t i = 0; i < p->n; i++) {
        const struct prompt *it = &p->items[i];
        uint32_t io = role_token(p, i, "io"), s1 = role_token(p, i, "s1");
        uint32_t s2 = role_token(p, i, "s2");
        assert_int_equal(role_token(p, i, "end"), it->n_ids - 1);
        // The first name of a prompt has no space before it, as answers have one.
        if (io > 1)
            assert_int_equal(it->ids[io], it->target);
        if (s1 > 1)
            assert_int_equal(it->ids[s1], it->foil);
        assert_int_equal(it->ids[s2], it->foil);
        assert_true(io < s2 && s1 < s2);
        // In the corrupt prompt the other name comes again, in the same place, and all else stands.
        assert_int_equal(it->n_corrupt_ids, it->n_ids);
        assert_int_equal(it->corrupt_ids[s2], it->target);
        assert_int_equal(it->n_differs, 1);
        assert_int_equal(it->differs[0], it->n_ids - 1 - s2);
    }
    prompts_free(p);
    dataset_free(d);
    tokenizer_free(t);
}

static void a_row_that_carries_nothing_is_dropped_or_kept_as_it_is_told(void **state)
{
    (void)state;
    static const struct cells rows[]
        = { { "A", "B", " x", " y" }, { "E", "F", " x", " x" }, { "C", "D", " y", " x" } };
    for (int skips = 0; skips < 2; skips++)
        for (int keeps = 0; keeps < 2; keeps++) {
            struct prompts_options options = plain;
            struct made m;
            options.skip_bad = skips;
            options.equal_answers = keeps ? LINT_KEPT : LINT_DROPPED;
            make(&m, rows, 3, &options);
            const struct finding *f = find(m.p, "target-is-foil");
            assert_non_null(f);
            assert_int_equal(f->level, FINDING_WARNING);
            assert_int_equal(m.p->n, keeps ? 3 : 2);
            assert_int_equal(m.p->n_dropped, keeps ? 0 : 1);
            assert_non_null(strstr(f->text, keeps ? "kept 1 row (line 2)" : "dropped 1 row"));
            assert_true(prompts_refuse(m.p, NULL));
            release(&m);
        }
}

// Another error of the row forbids the run as before.
static void a_row_that_carries_nothing_and_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct cells rows[] = { { "A", "B", " x", " y" }, { "", "F", " x", " x" } };
    struct prompts_options options = plain;
    struct made m;
    options.equal_answers = LINT_DROPPED;
    make(&m, rows, 2, &options);
    assert_int_equal(m.p->n, 2);
    assert_false(prompts_refuse(m.p, &(struct abl_err){ 0 }));
    release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_that_carries_nothing_is_dropped_or_kept_as_it_is_told),
        cmocka_unit_test(a_row_that_carries_nothing_and_is_wrong_is_refused),
        cmocka_unit_test(lists_of_answers_are_found_token_by_token),
        cmocka_unit_test(reads_bos_and_ids_of_a_prompt),
        cmocka_unit_test(finds_the_tokens_of_spans),
        cmocka_unit_test(finds_where_prompts_differ),
        cmocka_unit_test(leaves_bos_out_when_told),
        cmocka_unit_test(refuses_rows_that_cannot_be_run),
        cmocka_unit_test(answers_are_given_the_space_that_they_lack),
        cmocka_unit_test(lists_are_given_their_spaces_as_a_whole),
        cmocka_unit_test(a_space_that_would_not_help_is_not_advised),
        cmocka_unit_test(counts_bos_towards_the_context),
        cmocka_unit_test(refuses_ids_that_the_model_does_not_have),
        cmocka_unit_test(names_the_first_error_and_counts_the_others),
        cmocka_unit_test(warns_of_what_may_mislead),
        cmocka_unit_test(finds_the_target_as_a_whole_word_in_any_case),
        cmocka_unit_test(tells_leaks_between_splits),
        cmocka_unit_test(numbers_clusters_by_cluster_prompt_or_template),
        cmocka_unit_test(eight_templates_are_clusters_where_nothing_else_is_said),
        cmocka_unit_test(finds_nothing_wrong_with_the_bundled_conditions),
        cmocka_unit_test(the_roles_of_ioi_are_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
