// Which rows and columns of an activation edits touch, and what they take: by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plan/position.h"
#include "plan/row_edits.h"
#include "tests/support/check.h"

// The run's prompts: A, B and C, which is BOS alone. Nodes when they share rows and when not, and
// the edges that each row of the latter has:
//
//   A: 9 1 2 3      0 1 2 3      0 1 2 3      0 | 1-2 | 3-5 | 6-9
//   B: 9 1 4        0 1 4        4 5 6        10 | 11-12 | 13-15
//   C: 9            0            7            16
static const uint32_t a_ids[] = { 9, 1, 2, 3 }, b_ids[] = { 9, 1, 4 }, c_ids[] = { 9 };
static struct token_span a_span = { 0, 1, 3 }, d_span = { 0, 2, 4 }, f_span = { 0, 1, 4 };
static const uint32_t ends[] = { 0, 3 };
static const struct prompt run[] = {
    { .ids = a_ids, .n_ids = 4, .spans = { &a_span, 1 }, .differs = ends, .n_differs = 2 },
    { .ids = b_ids, .n_ids = 3, .differs = ends, .n_differs = 1 },
    { .ids = c_ids, .n_ids = 1 },
};

// The donors' prompts, their nodes, and the edges of their last rows:
//
//   D: 9 1 2 3      0 1 2 3      6-9       read-out 0
//   E: 9 6          0 4          10-11     read-out 1
//   F: 9 1 2 5 7    0 1 2 5 6    16-20     read-out 2
static const uint32_t f_ids[] = { 9, 1, 2, 5, 7 }, e_ids[] = { 9, 6 };
static const struct prompt donor_prompts[] = {
    { .ids = a_ids, .n_ids = 4, .spans = { &d_span, 1 } },
    { .ids = e_ids, .n_ids = 2 },
    { .ids = f_ids, .n_ids = 5, .spans = { &f_span, 1 } },
};

// As they are numbered in the run that they come from, and for each of its prompts, of which the
// trie has those from 2 on, its donor: A takes from F, B from E, C from D, and then all from D.
enum { NOT_THERE = 77, D = 1, E = 3, F = 4, FIRST_PROMPT = 2 };
static const uint32_t donor_number[] = { NOT_THERE, 0, NOT_THERE, 1, 2 };
static const uint32_t to_others[] = { NOT_THERE, NOT_THERE, F, E, D };
static const uint32_t to_d[] = { NOT_THERE, NOT_THERE, D, D, D };
static const uint32_t *const donor_maps[] = { to_others, to_d };
enum { TO_OTHERS, TO_D };

enum { LAYER = 3, N_HEADS = 3, D_HEAD = 4 };

static struct abl_err err;
static struct trie shared, flat, donor_trie;
static const struct donor_rows donors = { &donor_trie, donor_number, donor_maps };

static int build(void **state)
{
    (void)state;
    return trie_build(run, 3, true, &shared, &err) && trie_build(run, 3, false, &flat, &err)
                   && trie_build(donor_prompts, 3, true, &donor_trie, &err)
               ? 0
               : -1;
}

static int release(void **state)
{
    (void)state;
    trie_release(&shared);
    trie_release(&flat);
    trie_release(&donor_trie);
    return 0;
}

// Of z, over all rows, without BOS.
static struct edit_job job_over(const struct trie *t)
{
    return (struct edit_job){ .trie = t,
                              .first_prompt = FIRST_PROMPT,
                              .donors = &donors,
                              .space = ROWS_NODES,
                              .n_rows = t->n_nodes,
                              .layer = LAYER,
                              .site = SITE_Z,
                              .head_cols = D_HEAD,
                              .n_cols = N_HEADS * D_HEAD,
                              .window = NO_WINDOW };
}

static struct edit_job reads_over(const struct trie *t)
{
    struct edit_job job = job_over(t);
    job.space = ROWS_READS;
    job.nodes = t->reads;
    job.n_rows = t->n_reads;
    return job;
}

static struct edit_job patterns_over(const struct trie *t)
{
    struct edit_job job = job_over(t);
    job.site = SITE_PATTERN;
    job.head_cols = 1;
    job.n_cols = N_HEADS;
    return job;
}

static struct edit edit_at(int32_t position, enum edit_op op, enum edit_source source)
{
    return (struct edit){ .site = SITE_Z,
                          .layer = LAYER,
                          .head = 1,
                          .position = position,
                          .op = op,
                          .factor = 0.5f,
                          .source = source };
}

static int by_row(const void *x, const void *y)
{
    const struct row_edit *a = x, *b = y;
    return (a->row > b->row) - (a->row < b->row);
}

// Several variants'; *lists are sorted by rows.
static void collect_all(struct edit_job job, const struct variant *const *variants, uint32_t n,
                        struct edit_lists *lists)
{
    job.variants = variants;
    job.n_variants = n;
    CHECK(edits_collect(&job, lists, &err));
    struct edit_list *all[] = { &lists->constant, &lists->mean, &lists->donor };
    for (size_t i = 0; i < 3; i++)
        if (all[i]->n)
            qsort(all[i]->items, all[i]->n, sizeof *all[i]->items, by_row);
}

static struct variant variant_of(const struct edit *edits, size_t n)
{
    return (struct variant){ .edits = (struct edit *)(uintptr_t)edits, .n_edits = n };
}

static void collect(struct edit_job job, struct edit e, struct edit_lists *lists)
{
    const struct variant v = variant_of(&e, 1), *const variants[] = { &v };
    collect_all(job, variants, 1, lists);
}

struct pair {
    uint32_t row, source;
};

// PAIRS({ row, source }, …): the rows of a list and what each takes.
#define PAIRS(...)                                                                                 \
    (const struct pair[]){ __VA_ARGS__ },                                                          \
        sizeof((struct pair[]){ __VA_ARGS__ }) / sizeof(struct pair)

static void expect(const struct edit_list *l, const struct pair *pairs, size_t n)
{
    assert_int_equal(l->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(l->items[i].row, pairs[i].row);
        assert_int_equal(l->items[i].source_row, pairs[i].source);
    }
}

// All edits of a job are of one source, taking from there.
static void expect_one(struct edit_job job, struct edit e, const struct pair *pairs, size_t n)
{
    struct edit_lists lists = { 0 };
    collect(job, e, &lists);
    const struct edit_list *own = e.source == SOURCE_ROW    ? &lists.donor
                                  : e.source == SOURCE_MEAN ? &lists.mean
                                                            : &lists.constant;
    assert_int_equal(lists.constant.n + lists.mean.n + lists.donor.n, n);
    expect(own, pairs, n);
    edits_release(&lists);
}

// --------------------------------------------------------------------------- coefficients, columns

static void operations_are_coefficients(void **state)
{
    static const struct {
        enum edit_op op;
        enum edit_source source;
        float keep, add; // at factor 0.25
    } cases[] = {
        { EDIT_SCALE, SOURCE_NONE, 0.25f, 0 }, { EDIT_SCALE, SOURCE_CONSTANT, 0.25f, 0.75f },
        { EDIT_SET, SOURCE_NONE, 0, 0 },       { EDIT_SET, SOURCE_CONSTANT, 0, 1 },
        { EDIT_SET, SOURCE_MEAN, 0, 1 },       { EDIT_SET, SOURCE_ROW, 0, 1 },
        { EDIT_ADD, SOURCE_CONSTANT, 1, .25 }, { EDIT_ADD, SOURCE_MEAN, 1, .25 },
        { EDIT_ADD, SOURCE_ROW, 1, .25 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct edit_lists lists = { 0 };
        struct edit e = edit_at(-1, cases[i].op, cases[i].source);
        e.factor = 0.25f;
        collect(job_over(&flat), e, &lists);
        const struct edit_list *l = cases[i].source == SOURCE_ROW    ? &lists.donor
                                    : cases[i].source == SOURCE_MEAN ? &lists.mean
                                                                     : &lists.constant;
        assert_int_equal(l->n, 3);
        assert_int_equal(lists.constant.n + lists.mean.n + lists.donor.n, 3);
        assert_true(l->items[0].keep == cases[i].keep && l->items[0].add == cases[i].add);
        edits_release(&lists);
    }
}

static void expect_columns(struct edit_job job, uint32_t head, uint32_t first, uint32_t n)
{
    struct edit_lists lists = { 0 };
    struct edit e = edit_at(-1, EDIT_SCALE, SOURCE_NONE);
    e.site = job.site;
    e.head = head;
    collect(job, e, &lists);
    assert_true(lists.constant.n >= 3);
    for (size_t i = 0; i < lists.constant.n; i++) {
        const struct row_edit *r = &lists.constant.items[i];
        assert_int_equal(r->first_col, first);
        assert_int_equal(r->source_col, first);
        assert_int_equal(r->n_cols, n);
    }
    edits_release(&lists);
}

static void heads_are_columns(void **state)
{
    (void)state;
    struct edit_job job = job_over(&flat);
    expect_columns(job, 0, 0, D_HEAD);
    expect_columns(job, 2, 2 * D_HEAD, D_HEAD);
    expect_columns(job, ALL_HEADS, 0, N_HEADS * D_HEAD);
    job.site = SITE_RESID_PRE; // has no heads
    job.head_cols = 0;
    job.n_cols = 10;
    expect_columns(job, ALL_HEADS, 0, 10);
    expect_columns(job, 2, 0, 10);
}

// ------------------------------------------------------------------------------------------- rows

static void all_positions_are_every_row(void **state)
{
    (void)state;
    struct edit e = edit_at(ALL_POSITIONS, EDIT_SCALE, SOURCE_CONSTANT);
    expect_one(job_over(&shared), e, PAIRS({ 0, 3 }, { 1, 3 }, { 2, 3 }, { 3, 3 }, { 4, 3 }));
    expect_one(reads_over(&shared), e, PAIRS({ 0, 3 }, { 1, 3 }, { 2, 3 }));
}

static void positions_count_from_the_end(void **state)
{
    (void)state;
    struct edit e = edit_at(-1, EDIT_SET, SOURCE_NONE);
    expect_one(job_over(&flat), e, PAIRS({ 3, LAYER }, { 6, LAYER }, { 7, LAYER }));
    expect_one(reads_over(&flat), e, PAIRS({ 0, LAYER }, { 1, LAYER }, { 2, LAYER }));
    e.position = -2; // C has no such token
    expect_one(job_over(&flat), e, PAIRS({ 2, LAYER }, { 5, LAYER }));
    expect_one(reads_over(&flat), e, NULL, 0);
    e.position = -4;
    expect_one(job_over(&flat), e, PAIRS({ 0, LAYER }));
    e.position = -5;
    expect_one(job_over(&flat), e, NULL, 0);
}

static void bos_keeps_its_value_where_means_are_put_in(void **state)
{
    (void)state;
    struct edit_job job = job_over(&shared), last = job_over(&flat);
    struct edit e = edit_at(ALL_POSITIONS, EDIT_SET, SOURCE_MEAN);
    expect_one(job, e, PAIRS({ 0, 3 }, { 1, 3 }, { 2, 3 }, { 3, 3 }, { 4, 3 }));
    job.has_bos = last.has_bos = true;
    expect_one(job, e, PAIRS({ 1, 3 }, { 2, 3 }, { 3, 3 }, { 4, 3 }));
    e.position = -1; // of C BOS itself
    expect_one(last, e, PAIRS({ 3, 3 }, { 6, 3 }));
    e.source = SOURCE_CONSTANT;
    expect_one(last, e, PAIRS({ 3, 3 }, { 6, 3 }, { 7, 3 }));
}

// Each variant has a copy of the rows; what is of another layer or site, or changes nothing, is
// left out.
static void copies_follow_each_other(void **state)
{
    (void)state;
    struct edit all = edit_at(ALL_POSITIONS, EDIT_SET, SOURCE_NONE);
    struct edit elsewhere = all, beside = all, nothing = all;
    elsewhere.layer = LAYER + 1;
    beside.site = SITE_Q;
    nothing.op = EDIT_SCALE;
    nothing.factor = 1;
    const struct edit first[] = { elsewhere, edit_at(-1, EDIT_SET, SOURCE_MEAN) };
    const struct edit third[] = { beside, nothing, edit_at(-3, EDIT_SET, SOURCE_NONE) };
    struct variant a = variant_of(first, 2), b = variant_of(NULL, 0), c = variant_of(third, 3);
    const struct variant *const variants[] = { &a, &b, &c };
    struct edit_lists lists = { 0 };
    collect_all(job_over(&flat), variants, 3, &lists);
    expect(&lists.mean, PAIRS({ 3, 3 }, { 6, 3 }, { 7, 3 }));
    expect(&lists.constant, PAIRS({ 2 * 8 + 1, 3 }, { 2 * 8 + 4, 3 }));
    assert_int_equal(lists.donor.n, 0);
    edits_release(&lists);
    assert_true(edits_any(variants, 3, LAYER, SITE_Z));
    assert_true(edits_any(variants, 1, LAYER + 1, SITE_Z));
    assert_false(edits_any(variants + 1, 2, LAYER + 1, SITE_Z));
    assert_false(edits_any(variants, 2, LAYER, SITE_Q));
}

static void lists_grow_and_begin_anew(void **state)
{
    enum { N = 400 };
    (void)state;
    struct edit e = edit_at(ALL_POSITIONS, EDIT_SET, SOURCE_NONE);
    struct variant v = variant_of(&e, 1);
    const struct variant *variants[N];
    struct edit_lists lists = { 0 };
    collect(job_over(&flat), edit_at(-1, EDIT_SET, SOURCE_MEAN), &lists);
    collect(job_over(&flat), edit_at(-1, EDIT_SET, SOURCE_ROW), &lists);
    assert_int_equal(lists.mean.n, 0);
    for (size_t i = 0; i < N; i++)
        variants[i] = &v;
    for (uint32_t n = N; n; n /= 20) {
        collect_all(job_over(&flat), variants, n, &lists);
        assert_int_equal(lists.constant.n, 8 * n);
        assert_int_equal(lists.donor.n, 0);
        for (uint32_t i = 0; i < 8 * n; i++)
            assert_int_equal(lists.constant.items[i].row, i);
    }
    edits_release(&lists);
}

// Copies that have rows of the last two tokens only: nodes 2 3, 5 6, 7.
static void tails_have_rows_of_their_own(void **state)
{
    (void)state;
    uint32_t nodes[8];
    struct edit_job job = job_over(&flat);
    job.nodes = nodes;
    job.n_rows = trie_tail(&flat, 2, nodes);
    assert_int_equal(job.n_rows, 5);
    struct edit e = edit_at(-1, EDIT_SET, SOURCE_NONE);
    expect_one(job, e, PAIRS({ 1, 3 }, { 3, 3 }, { 4, 3 }));
    e.position = -2;
    expect_one(job, e, PAIRS({ 0, 3 }, { 2, 3 }));
    e.position = -3;
    expect_one(job, e, NULL, 0);
    e.position = ALL_POSITIONS;
    e.source = SOURCE_ROW;
    expect_one(job, e, PAIRS({ 0, 5 }, { 1, 6 }, { 2, 0 }, { 3, 4 }, { 4, 3 }));
    const struct edit last = edit_at(-1, EDIT_SET, SOURCE_NONE);
    struct variant none = variant_of(NULL, 0), v = variant_of(&last, 1);
    const struct variant *const variants[] = { &none, &v };
    struct edit_lists lists = { 0 };
    collect_all(job, variants, 2, &lists);
    expect(&lists.constant, PAIRS({ 5 + 1, 3 }, { 5 + 3, 3 }, { 5 + 4, 3 }));
    edits_release(&lists);
}

// ----------------------------------------------------------------------------------------- donors

static struct edit from_donor(int32_t position, uint32_t map)
{
    struct edit e = edit_at(position, EDIT_SET, SOURCE_ROW);
    e.donor = map;
    return e;
}

static void donors_are_aligned_from_the_end(void **state)
{
    (void)state;
    struct edit_job job = job_over(&flat);
    // The first token of B has no partner in E.
    expect_one(job, from_donor(ALL_POSITIONS, TO_OTHERS),
               PAIRS({ 0, 1 }, { 1, 2 }, { 2, 5 }, { 3, 6 }, { 5, 0 }, { 6, 4 }, { 7, 3 }));
    expect_one(
        job, from_donor(ALL_POSITIONS, TO_D),
        PAIRS({ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 1 }, { 5, 2 }, { 6, 3 }, { 7, 3 }));
    expect_one(job, from_donor(-1, TO_OTHERS), PAIRS({ 3, 6 }, { 6, 4 }, { 7, 3 }));
    expect_one(job, from_donor(-3, TO_OTHERS), PAIRS({ 1, 2 }));
}

// The same position of both, from its end: A's 1 2 and F's 1 2 5 (B has none), the first of A and
// the first of D. Where a row's two prompts differ the prompts' ends count.
static void donors_give_from_the_same_position(void **state)
{
    (void)state;
    struct edit_job job = job_over(&flat);
    expect_one(job, from_donor(position_of_span(0, POSITION_WHOLE), TO_OTHERS),
               PAIRS({ 1, 2 }, { 2, 5 }));
    expect_one(job, from_donor(position_of_span(0, POSITION_FIRST), TO_D), PAIRS({ 1, 2 }));
    expect_one(job, from_donor(2, TO_OTHERS), PAIRS({ 2, 2 })); // E has no third token
    expect_one(job, from_donor(POSITION_DIFF, TO_OTHERS), PAIRS({ 0, 1 }, { 3, 6 }, { 6, 4 }));
    struct edit zero = edit_at(position_of_span(0, POSITION_LAST), EDIT_SET, SOURCE_NONE);
    expect_one(job, zero, PAIRS({ 2, LAYER }));
    expect_one(reads_over(&flat), from_donor(POSITION_DIFF, TO_OTHERS), PAIRS({ 0, 2 }, { 1, 1 }));
}

static void donors_are_aligned_from_the_start(void **state)
{
    (void)state;
    struct edit e = from_donor(ALL_POSITIONS, TO_OTHERS);
    e.from_start = true;
    // The last token of B has no partner in E.
    expect_one(job_over(&flat), e,
               PAIRS({ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 5 }, { 4, 0 }, { 5, 4 }, { 7, 0 }));
}

// BOS has no partner but BOS: neither A's in F nor E's in B, nor C, which is nothing else.
static void bos_meets_bos_alone(void **state)
{
    (void)state;
    struct edit_job job = job_over(&flat);
    job.has_bos = true;
    expect_one(job, from_donor(ALL_POSITIONS, TO_OTHERS),
               PAIRS({ 1, 2 }, { 2, 5 }, { 3, 6 }, { 6, 4 }));
    expect_one(job, from_donor(ALL_POSITIONS, TO_D),
               PAIRS({ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 }, { 5, 2 }, { 6, 3 }));
    expect_one(job, from_donor(-3, TO_D), PAIRS({ 1, 1 }));
    struct edit from_start = from_donor(ALL_POSITIONS, TO_OTHERS);
    from_start.from_start = true;
    expect_one(job, from_start,
               PAIRS({ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 5 }, { 4, 0 }, { 5, 4 }, { 7, 0 }));
    struct edit_job reads = reads_over(&flat);
    reads.has_bos = true; // C's read-out is BOS, D's is not
    expect_one(reads, from_donor(ALL_POSITIONS, TO_OTHERS), PAIRS({ 0, 2 }, { 1, 1 }));
}

// Among read-outs: only last tokens have rows, here and there.
static void read_outs_take_from_read_outs(void **state)
{
    (void)state;
    struct edit e = from_donor(ALL_POSITIONS, TO_OTHERS);
    expect_one(reads_over(&flat), e, PAIRS({ 0, 2 }, { 1, 1 }, { 2, 0 }));
    e.position = -2;
    expect_one(reads_over(&flat), e, NULL, 0);
    e = from_donor(ALL_POSITIONS, TO_OTHERS);
    e.from_start = true; // no donor is as long
    expect_one(reads_over(&flat), e, NULL, 0);
    e.donor = TO_D; // D is as long as A
    expect_one(reads_over(&flat), e, PAIRS({ 0, 0 }));
}

// ---------------------------------------------------------------------------------------- patterns

static struct edit on_pattern(int32_t position, enum edit_source source)
{
    struct edit e = edit_at(position, EDIT_SET, source);
    e.site = SITE_PATTERN;
    e.donor = TO_OTHERS;
    return e;
}

static void rows_of_patterns_are_edges(void **state)
{
    (void)state;
    struct edit_job job = patterns_over(&flat);
    struct edit e = on_pattern(-1, SOURCE_NONE);
    expect_one(
        job, e,
        PAIRS({ 6, 0 }, { 7, 0 }, { 8, 0 }, { 9, 0 }, { 13, 0 }, { 14, 0 }, { 15, 0 }, { 16, 0 }));
    expect_columns(patterns_over(&shared), 2, 2, 1);
    job.window = 2; // edges 0 | 1-2 | 3-4 | 5-6, 7 | 8-9 | 10-11, 12
    expect_one(job, e, PAIRS({ 5, 0 }, { 6, 0 }, { 10, 0 }, { 11, 0 }, { 12, 0 }));
    job = reads_over(&flat); // edges 0-3, 4-6, 7
    job.site = SITE_PATTERN;
    expect_one(
        job, e,
        PAIRS({ 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 }, { 6, 0 }, { 7, 0 }));
}

static void copies_of_patterns_follow_each_other(void **state)
{
    (void)state;
    const struct edit e = on_pattern(-3, SOURCE_NONE);
    struct variant none = variant_of(NULL, 0), v = variant_of(&e, 1);
    const struct variant *const variants[] = { &none, &v };
    struct edit_lists lists = { 0 };
    collect_all(patterns_over(&flat), variants, 2, &lists); // A's second row and B's first
    expect(&lists.constant, PAIRS({ 17 + 1, 0 }, { 17 + 2, 0 }, { 17 + 10, 0 }));
    edits_release(&lists);
}

// As far from the end at both ends: B's first key has no partner in E.
static void edges_take_from_edges(void **state)
{
    (void)state;
    expect_one(
        patterns_over(&flat), on_pattern(-1, SOURCE_ROW),
        PAIRS({ 6, 17 }, { 7, 18 }, { 8, 19 }, { 9, 20 }, { 14, 10 }, { 15, 11 }, { 16, 9 }));
    struct edit_job reads = reads_over(&flat); // the donors' edges 0-3, 4-5, 6-10
    reads.site = SITE_PATTERN;
    expect_one(reads, on_pattern(ALL_POSITIONS, SOURCE_ROW),
               PAIRS({ 0, 7 }, { 1, 8 }, { 2, 9 }, { 3, 10 }, { 5, 4 }, { 6, 5 }, { 7, 3 }));
}

// BOS as a key: A's and F's, B's and E's lie at other distances; A and D are of one length.
static void edges_to_bos_meet_edges_to_bos_alone(void **state)
{
    (void)state;
    struct edit_job job = patterns_over(&flat);
    job.has_bos = true;
    expect_one(job, on_pattern(-1, SOURCE_ROW), PAIRS({ 7, 18 }, { 8, 19 }, { 9, 20 }, { 15, 11 }));
    struct edit e = on_pattern(-1, SOURCE_ROW);
    e.donor = TO_D;
    expect_one(job, e, PAIRS({ 6, 6 }, { 7, 7 }, { 8, 8 }, { 9, 9 }, { 14, 8 }, { 15, 9 }));
    job.window = 2; // edges to BOS only from the first two
    expect_one(job, on_pattern(-1, SOURCE_ROW), PAIRS({ 5, 11 }, { 6, 12 }, { 11, 8 }));
}

static void only_edits_that_treat_prompts_alike_are_shared(void **state)
{
    (void)state;
    struct edit e = edit_at(ALL_POSITIONS, EDIT_SET, SOURCE_MEAN);
    assert_true(edit_is_shared(&e));
    e.position = -1;
    assert_false(edit_is_shared(&e));
    e = from_donor(ALL_POSITIONS, TO_D);
    assert_false(edit_is_shared(&e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_coefficients),
        cmocka_unit_test(heads_are_columns),
        cmocka_unit_test(all_positions_are_every_row),
        cmocka_unit_test(positions_count_from_the_end),
        cmocka_unit_test(bos_keeps_its_value_where_means_are_put_in),
        cmocka_unit_test(copies_follow_each_other),
        cmocka_unit_test(lists_grow_and_begin_anew),
        cmocka_unit_test(tails_have_rows_of_their_own),
        cmocka_unit_test(donors_are_aligned_from_the_end),
        cmocka_unit_test(donors_give_from_the_same_position),
        cmocka_unit_test(donors_are_aligned_from_the_start),
        cmocka_unit_test(bos_meets_bos_alone),
        cmocka_unit_test(read_outs_take_from_read_outs),
        cmocka_unit_test(rows_of_patterns_are_edges),
        cmocka_unit_test(copies_of_patterns_follow_each_other),
        cmocka_unit_test(edges_take_from_edges),
        cmocka_unit_test(edges_to_bos_meet_edges_to_bos_alone),
        cmocka_unit_test(only_edits_that_treat_prompts_alike_are_shared),
    };
    return cmocka_run_group_tests(tests, build, release);
}
