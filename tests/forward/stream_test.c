// Streams of activations: however they are stepped, branched, parted or cut to tails, a copy that
// nothing changes stays the clean stream.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forward/clean_kv.h"
#include "forward/prompt_block.h"
#include "tests/support/activations.h"
#include "tests/support/check.h"
#include "tests/support/rig.h"

enum { N_PROMPTS = 5, MAX_IDS = 12, N_VOCAB = 60, COPIES = 3 };

// Of values that two different calls of an engine compute.
static const double tolerance = 1e-5;

static struct abl_err err;
static const struct variant untouched;
static const struct variant *const three_untouched[COPIES] = { &untouched, &untouched, &untouched };

static void each_model(void (*check)(struct rig *r))
{
    struct prompt *prompts = prompts_random(N_PROMPTS, MAX_IDS, N_VOCAB, 31);
    struct rig_settings s = { .prompts = prompts, .n_prompts = N_PROMPTS };
    rig_each_model(&s, check);
    prompts_random_free(prompts);
}

static void start(struct stream *s, const struct pass *pass, const struct block *b, bool whole)
{
    CHECK(stream_init(s, pass, 1, &err));
    s->whole_last_layer = whole;
    CHECK(stream_start(s, b->embedded, &err));
}

// From a stage of a layer through all that follow. What stream_final gives, on the host.
static float *run_on(const struct rig *r, struct stream *s, uint32_t layer, enum stage stage)
{
    struct tensor final;
    for (uint32_t l = layer; l < r->model->shape.n_layers; l++)
        CHECK(stream_layer(s, l, l == layer ? stage : STAGE_START, &err));
    CHECK(stream_final(s, &final, &err));
    assert_int_equal(final.rows, s->copies * s->pass->trie->n_reads);
    return rig_download(r, final);
}

static size_t final_size(const struct block *b)
{
    return (size_t)b->trie.n_reads * b->model->shape.d_model;
}

static float *clean_final(const struct rig *r, const struct pass *pass, const struct block *b,
                          bool whole)
{
    struct stream s;
    start(&s, pass, b, whole);
    float *final = run_on(r, &s, 0, STAGE_START);
    stream_release(&s);
    return final;
}

// ------------------------------------------------------------------------------- steps, branches

static void same_state(const struct rig *r, const struct stream *a, const struct stream *b)
{
    assert_int_equal(a->x.rows, b->x.rows);
    assert_int_equal(a->space, b->space);
    float *x = rig_download(r, a->x), *y = rig_download(r, b->x);
    same_floats(x, y, (size_t)a->x.rows * a->x.cols, 0, "state");
    free(x);
    free(y);
}

static void check_steps(struct rig *r)
{
    const struct block *b = rig_block(r);
    struct pass pass = block_pass(b);
    float *intact = rig_download(r, b->final);
    for (int whole = 0; whole < 2; whole++) {
        struct stream by_step, by_layer;
        start(&by_step, &pass, b, whole);
        start(&by_layer, &pass, b, whole);
        for (uint32_t l = 0; l < r->model->shape.n_layers; l++) {
            for (int stage = 0; stage < N_STAGES; stage++)
                CHECK(stream_step(&by_step, l, (enum stage)stage, &err));
            CHECK(stream_layer(&by_layer, l, STAGE_START, &err));
            same_state(r, &by_step, &by_layer);
        }
        assert_int_equal(by_step.space, whole ? ROWS_NODES : ROWS_READS);
        float *final = run_on(r, &by_step, r->model->shape.n_layers, STAGE_START);
        same_floats(final, intact, final_size(b), whole ? tolerance : 0, "final state");
        free(final);
        stream_release(&by_step);
        stream_release(&by_layer);
    }
    free(intact);
}

static void steps_make_a_layer(void **state)
{
    (void)state;
    each_model(check_steps);
}

// Copies of the clean stream's present state, carried to the end.
static void check_copies(const struct rig *r, const struct block *b, const struct stream *clean,
                         uint32_t layer, enum stage stage, const float *expected)
{
    for (uint32_t copies = 1; copies <= COPIES; copies += COPIES - 1) {
        struct stream s;
        CHECK(stream_init(&s, clean->pass, COPIES, &err));
        s.whole_last_layer = clean->whole_last_layer;
        CHECK(stream_branch(&s, clean, layer, stage, three_untouched, copies, &err));
        float *final = run_on(r, &s, layer, stage);
        for (uint32_t c = 0; c < copies; c++)
            same_floats(final + c * final_size(b), expected, final_size(b),
                        copies == 1 ? 0 : tolerance, "a branch's final state");
        free(final);
        stream_release(&s);
    }
}

static void check_branches(struct rig *r)
{
    const struct block *b = rig_block(r);
    struct pass pass = block_pass(b);
    for (int whole = 0; whole < 2; whole++) {
        float *expected = clean_final(r, &pass, b, whole);
        struct stream clean;
        start(&clean, &pass, b, whole);
        for (uint32_t l = 0; l < r->model->shape.n_layers; l++)
            for (int stage = 0; stage < N_STAGES; stage++) {
                check_copies(r, b, &clean, l, (enum stage)stage, expected);
                CHECK(stream_step(&clean, l, (enum stage)stage, &err));
            }
        float *final = run_on(r, &clean, r->model->shape.n_layers, STAGE_START);
        same_floats(final, expected, final_size(b), 0, "the clean stream, branched from");
        free(expected);
        free(final);
        stream_release(&clean);
    }
}

static void branches_without_edits_stay_clean(void **state)
{
    (void)state;
    each_model(check_branches);
}

// ------------------------------------------------------------------------------------------ parts

static struct edit zeroed(enum site site, uint32_t layer, uint32_t head, int32_t position)
{
    return (struct edit){
        .site = site, .layer = layer, .head = head, .position = position, .op = EDIT_SET
    };
}

static void check_parts(struct rig *r)
{
    const struct block *b = rig_block(r);
    struct pass pass = block_pass(b);
    struct edit edits[]
        = { zeroed(SITE_Z, 0, 0, ALL_POSITIONS), zeroed(SITE_Z, 0, 1, ALL_POSITIONS) };
    const struct variant first = { .edits = &edits[0], .n_edits = 1 },
                         second = { .edits = &edits[1], .n_edits = 1 };
    const struct variant *const two[] = { &first, &second };
    const struct variant *const four[] = { &first, &second, &first, &second };
    const uint32_t from[] = { 0, 1, 0, 1 };
    struct stream clean, s;
    start(&clean, &pass, b, false);
    CHECK(stream_init(&s, &pass, 4, &err));
    CHECK(stream_branch(&s, &clean, 0, STAGE_START, two, 2, &err));
    CHECK(stream_layer(&s, 0, STAGE_START, &err));
    size_t one = (size_t)b->trie.n_nodes * r->model->shape.d_model;
    float *before = rig_download(r, s.x);
    assert_memory_not_equal(before, before + one, one * sizeof *before);
    for (uint32_t copies = 2; copies <= 4; copies += 2) {
        s.variants = copies == 2 ? two : four;
        CHECK(stream_part(&s, from, copies, &err));
        assert_int_equal(s.copies, copies);
        assert_int_equal(s.x.rows, copies * b->trie.n_nodes);
        float *x = rig_download(r, s.x);
        for (uint32_t c = 0; c < copies; c++)
            same_floats(x + c * one, before + from[c] * one, one, 0, "a part");
        free(x);
    }
    float *final = run_on(r, &s, 1, STAGE_START);
    same_floats(final, final + 2 * final_size(b), 2 * final_size(b), tolerance, "parts");
    free(final);
    free(before);
    stream_release(&clean);
    stream_release(&s);
}

static void parts_keep_their_bits(void **state)
{
    (void)state;
    each_model(check_parts);
}

// ------------------------------------------------------------------------------------------ tails

// Two variants from this layer on, in whole copies and in tails of two tokens.
static void check_tail(const struct rig *r, const struct pass *pass, const struct block *b,
                       uint32_t layer)
{
    uint32_t last = r->model->shape.n_layers - 1;
    struct edit edits[]
        = { zeroed(SITE_RESID_PRE, layer, ALL_HEADS, -1), zeroed(SITE_Z, layer, 0, -2),
            zeroed(SITE_MLP_OUT, last, ALL_HEADS, -1) };
    const struct variant first = { .edits = edits, .n_edits = 1 },
                         second = { .edits = edits + 1, .n_edits = 2 };
    const struct variant *const variants[] = { &first, &second };
    uint32_t *nodes = malloc(b->trie.n_nodes * sizeof *nodes);
    struct row_list rows = { nodes, trie_tail(&b->trie, 2, nodes) };
    assert_in_range(rows.n, 1, b->trie.n_nodes - 1);
    struct stream clean, whole, tail;
    start(&clean, pass, b, false);
    for (uint32_t l = 0; l < layer; l++)
        CHECK(stream_layer(&clean, l, STAGE_START, &err));
    CHECK(stream_init(&whole, pass, 2, &err));
    CHECK(stream_init_tail(&tail, pass, rows, 2, &err));
    CHECK(stream_branch(&whole, &clean, layer, STAGE_START, variants, 2, &err));
    CHECK(stream_branch(&tail, &clean, layer, STAGE_START, variants, 2, &err));
    assert_int_equal(tail.x.rows, 2 * rows.n);
    float *expected = run_on(r, &whole, layer, STAGE_START);
    float *found = run_on(r, &tail, layer, STAGE_START);
    same_floats(found, expected, 2 * final_size(b), tolerance, "a tail's final state");
    assert_memory_not_equal(found, found + final_size(b), final_size(b) * sizeof *found);
    free(found);
    free(expected);
    stream_release(&clean);
    stream_release(&whole);
    stream_release(&tail);
    free(nodes);
}

static void check_tails(struct rig *r)
{
    struct block flat;
    struct clean_kv kept;
    struct stream clean;
    CHECK(block_init(&flat, r->model, forward_weights(r->forward), r->settings.prompts, 0,
                     N_PROMPTS, false, &err));
    struct pass pass = block_pass(&flat);
    CHECK(clean_kv_init(&kept, &pass, &err));
    struct tap tap = clean_kv_tap(&kept);
    CHECK(stream_init(&clean, &pass, 1, &err));
    clean.tap = &tap;
    CHECK(block_run_clean(&flat, &clean, &err));
    stream_release(&clean);
    pass.kept = &kept;
    for (uint32_t l = 0; l < r->model->shape.n_layers; l++)
        check_tail(r, &pass, &flat, l);
    clean_kv_release(&kept);
    block_release(&flat);
}

static void tails_are_as_whole_copies(void **state)
{
    (void)state;
    each_model(check_tails);
}

// ------------------------------------------------------------------------------------------- taps

static uint32_t expected_rows(const struct rig *r, const struct trie *t, uint32_t layer,
                              enum site site, bool whole, bool reads_only)
{
    const struct model_shape *s = &r->model->shape;
    bool early = site == SITE_RESID_PRE || site == SITE_K || site == SITE_V;
    bool reads = layer + 1 == s->n_layers && !whole && !early;
    if (site == SITE_PATTERN)
        return trie_edges(t, reads || reads_only, stream_window(s, layer), NULL);
    return reads ? t->n_reads : t->n_nodes;
}

// The residual stream is the sum of what is put into it, and goes on as it is.
static void check_sums(const struct activations *a, uint32_t layer)
{
    const struct seen *seen = a->layers[layer], *post = &seen[SITE_RESID_POST];
    size_t n = (size_t)post->rows * post->cols;
    float *sum = malloc(n * sizeof *sum);
    if (post->rows == seen[SITE_RESID_PRE].rows) {
        for (size_t i = 0; i < n; i++)
            sum[i] = seen[SITE_RESID_PRE].values[i] + seen[SITE_ATTN_OUT].values[i]
                     + seen[SITE_MLP_OUT].values[i];
        same_floats(post->values, sum, n, tolerance, "resid_post");
    }
    if (layer + 1 < a->n_layers)
        same_floats(a->layers[layer + 1][SITE_RESID_PRE].values, post->values, n, 0, "resid_pre");
    free(sum);
}

// Weights of a row's edges sum to 1 in every head.
static void check_pattern(const struct seen *pattern, const struct trie *t, bool reads,
                          uint32_t window)
{
    uint32_t *first = malloc((t->n_nodes + 1) * sizeof *first);
    trie_edges(t, reads, window, first);
    for (uint32_t row = 0; row < (reads ? t->n_reads : t->n_nodes); row++)
        for (uint32_t h = 0; h < pattern->cols; h++) {
            float sum = 0;
            for (uint32_t e = first[row]; e < first[row + 1]; e++)
                sum += pattern->values[e * pattern->cols + h];
            assert_float_equal(sum, 1, 1e-5f);
        }
    free(first);
}

static void check_taps_of(const struct rig *r, struct block *b, bool whole, bool reads_only)
{
    const struct model_shape *s = &r->model->shape;
    struct activations a;
    float *intact = rig_download(r, b->final);
    activations_take(&a, b, whole, reads_only);
    for (uint32_t l = 0; l < s->n_layers; l++) {
        for (int i = 0; i < N_SITES; i++) {
            const struct seen *seen = &a.layers[l][i];
            enum site site = (enum site)i;
            assert_int_equal(seen->times, 1);
            assert_int_equal(seen->cols, site_cols(s, site));
            assert_int_equal(seen->rows, expected_rows(r, &b->trie, l, site, whole, reads_only));
        }
        check_sums(&a, l);
        check_pattern(&a.layers[l][SITE_PATTERN], &b->trie,
                      reads_only || (l + 1 == s->n_layers && !whole), stream_window(s, l));
    }
    float *final = rig_download(r, b->final); // being looked at changes nothing
    same_floats(final, intact, final_size(b), tolerance, "final state under a tap");
    free(final);
    free(intact);
    activations_release(&a);
}

static void check_taps(struct rig *r)
{
    for (int i = 0; i < 4; i++)
        check_taps_of(r, rig_block(r), i & 1, i & 2);
}

static void taps_see_each_site_once(void **state)
{
    (void)state;
    each_model(check_taps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_make_a_layer),
        cmocka_unit_test(branches_without_edits_stay_clean),
        cmocka_unit_test(parts_keep_their_bits),
        cmocka_unit_test(tails_are_as_whole_copies),
        cmocka_unit_test(taps_see_each_site_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
