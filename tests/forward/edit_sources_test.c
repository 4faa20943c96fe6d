// What edits take from elsewhere: donors' activations as a clean pass of their own has them, and
// means as a plain sum over tokens makes them, to the bit however prompts are cut.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "forward/edit_sources.h"
#include "plan/plan_make.h"
#include "tests/support/activations.h"
#include "tests/support/check.h"
#include "tests/support/rig.h"

enum { N_PROMPTS = 8, N_DONORS = 9, MAX_IDS = 12, N_VOCAB = 60 };

// Of values that two different calls of an engine compute.
static const double tolerance = 1e-5;

static struct abl_err err;

// The run's prompts: random ones, the last once more what the third is. Their ids are those of
// *own, which prompts_random_free takes.
static struct prompt *make_prompts(struct prompt prompts[N_PROMPTS])
{
    struct prompt *own = prompts_random(N_PROMPTS - 1, MAX_IDS, N_VOCAB, 5);
    memcpy(prompts, own, (N_PROMPTS - 1) * sizeof *prompts);
    prompts[N_PROMPTS - 1] = own[2];
    return own;
}

// ----------------------------------------------------------------------------------------- donors

// Edits take by map 1; the others name one who gives nothing.
enum { USED_MAP = 1, UNUSED_DONOR = 8 };
static const uint32_t unused_map[N_PROMPTS]
    = { UNUSED_DONOR, UNUSED_DONOR, UNUSED_DONOR, UNUSED_DONOR,
        UNUSED_DONOR, UNUSED_DONOR, UNUSED_DONOR, UNUSED_DONOR };
static const uint32_t used_map[N_PROMPTS] = { 6, 1, 6, 3, 0, 7, 1, 4 };
static const uint32_t *const maps[N_DONOR_MAPS] = { unused_map, used_map, unused_map };

static const struct plan_saved taken[] = { { 0, SITE_RESID_PRE }, { 0, SITE_MLP_OUT },
                                           { 1, SITE_Z },         { 1, SITE_K },
                                           { 1, SITE_PATTERN },   { UINT32_MAX, SITE_Q },
                                           { UINT32_MAX, SITE_V } }; // of the last layer
enum { N_TAKEN = sizeof taken / sizeof *taken, N_EDITS = N_TAKEN + 3 };

static uint32_t layer_of(const struct model_shape *s, const struct plan_saved *p)
{
    return p->layer == UINT32_MAX ? s->n_layers - 1 : p->layer;
}

// An edit for each activation that is taken; one of them again, and two that take nothing.
static void make_edits(const struct model_shape *s, struct edit edits[N_EDITS])
{
    for (size_t i = 0; i < N_TAKEN; i++)
        edits[i] = (struct edit){ .site = taken[i].site,
                                  .layer = layer_of(s, &taken[i]),
                                  .head = site_head_cols(s, taken[i].site) ? 0 : ALL_HEADS,
                                  .position = ALL_POSITIONS,
                                  .op = EDIT_SET,
                                  .source = SOURCE_ROW,
                                  .donor = USED_MAP };
    edits[N_TAKEN] = edits[2];
    edits[N_TAKEN].head = 1;
    edits[N_TAKEN + 1] = edits[N_TAKEN + 2] = edits[0];
    edits[N_TAKEN + 1].site = SITE_ATTN_OUT;
    edits[N_TAKEN + 1].source = SOURCE_NONE;
    edits[N_TAKEN + 2].site = SITE_RESID_POST;
    edits[N_TAKEN + 2].op = EDIT_ADD;
    edits[N_TAKEN + 2].donor = 0; // and adds it 0 times
}

static void plan_donors_of(const struct rig *r, struct plan *p)
{
    struct edit edits[N_EDITS];
    struct variant items[N_TAKEN + 1]; // the last has what is taken already, or not at all
    make_edits(&r->model->shape, edits);
    for (size_t i = 0; i <= N_TAKEN; i++)
        items[i] = (struct variant){ .edits = &edits[i],
                                     .n_edits = i < N_TAKEN ? 1 : N_EDITS - N_TAKEN };
    struct variants v = { .items = items, .n = N_TAKEN + 1 };
    struct plan_input in
        = { .run = { r->settings.prompts, N_PROMPTS },
            .donors = { r->settings.donors, N_DONORS },
            .maps = maps,
            .variants = &v,
            .shape = &r->model->shape,
            .budget = forward_budget(r->forward),
            .weights = weights_fit_of(&r->model->shape, PRECISION_F32, UINT64_MAX) };
    CHECK(plan_make(&in, p, &err));
}

// Exactly the donors of the block's prompts run.
static void check_chosen(const struct donor_state *d, const struct plan_block *of)
{
    bool needed[N_DONORS] = { false };
    size_t n = 0;
    for (uint32_t p = of->first; p < of->first + of->n; p++)
        needed[used_map[p]] = true;
    for (size_t i = 0; i < N_DONORS; i++)
        if (needed[i])
            assert_int_equal(d->number[i], n++);
        else
            assert_int_equal(d->number[i], UINT32_MAX);
    assert_int_equal(d->block.n, n);
}

// Rows of an activation, and of patterns the edges of each.
struct layout {
    const struct trie *trie;
    bool reads;
    uint32_t *edges; // NULL: a row is a row
};

static struct layout layout_of(const struct rig *r, const struct trie *t,
                               const struct saved_activation *a, bool reads)
{
    struct layout l = { .trie = t, .reads = reads };
    if (a->site != SITE_PATTERN)
        return l;
    l.edges = malloc((t->n_nodes + 1) * sizeof *l.edges);
    assert_non_null(l.edges);
    trie_edges(t, reads, stream_window(&r->model->shape, a->layer), l.edges);
    return l;
}

// What a prompt's token has, as rows [first, first + n).
static uint32_t rows_of(const struct layout *l, uint32_t prompt, uint32_t back, uint32_t *n)
{
    uint32_t row = l->reads ? l->trie->read_of[prompt] : trie_node(l->trie, prompt, back);
    *n = l->edges ? l->edges[row + 1] - l->edges[row] : 1;
    return l->edges ? l->edges[row] : row;
}

// A saved activation against what a pass in which donors share no rows has seen; `clean` is its
// trie.
static void check_saved(const struct rig *r, const struct donor_state *d,
                        const struct saved_activation *saved, const struct seen *seen,
                        const struct trie *clean, bool whole)
{
    bool early = saved->site == SITE_K || saved->site == SITE_V || saved->site == SITE_RESID_PRE;
    bool reads = saved->layer + 1 == r->model->shape.n_layers && !whole && !early;
    struct layout own = layout_of(r, &d->block.trie, saved, reads);
    struct layout all = layout_of(r, clean, saved, false);
    float *values = rig_download(r, saved->t);
    uint32_t cols = saved->t.cols, n, n_all;
    assert_int_equal(cols, seen->cols);
    for (uint32_t p = 0; p < N_DONORS; p++) {
        uint32_t tokens = d->number[p] == UINT32_MAX ? 0 : reads ? 1 : r->settings.donors[p].n_ids;
        for (uint32_t back = 0; back < tokens; back++) {
            uint32_t row = rows_of(&own, d->number[p], back, &n);
            uint32_t row_all = rows_of(&all, p, back, &n_all);
            assert_int_equal(n, n_all);
            same_floats(values + (size_t)row * cols, seen->values + (size_t)row_all * cols,
                        (size_t)n * cols, tolerance, site_name(saved->site));
        }
    }
    free(values);
    free(own.edges);
    free(all.edges);
}

static void check_donors(const struct rig *r, const struct plan *p, const struct activations *seen,
                         const struct trie *clean, bool whole)
{
    const struct prompt_list list = { r->settings.donors, N_DONORS };
    assert_in_range(p->n_run_blocks, 2, N_PROMPTS);
    for (uint32_t b = 0; b < p->n_run_blocks; b++) {
        struct donor_state d;
        CHECK(donors_run(&d, p, &p->blocks[b], &list, maps, whole, r->model,
                         forward_weights(r->forward), &err));
        check_chosen(&d, &p->blocks[b]);
        assert_int_equal(d.saved.n, N_TAKEN);
        for (size_t i = 0; i < d.saved.n; i++) {
            const struct saved_activation *a = &d.saved.items[i];
            check_saved(r, &d, a, &seen->layers[a->layer][a->site], clean, whole);
        }
        donors_release(&d);
    }
}

// Each activation of a plan is one that an edit takes, and once.
static void check_plan(const struct rig *r, const struct plan *p)
{
    assert_int_equal(p->n_saved, N_TAKEN);
    for (size_t i = 0; i < N_TAKEN; i++) {
        size_t found = 0;
        for (size_t k = 0; k < p->n_saved; k++)
            found += p->saved[k].site == taken[i].site
                     && p->saved[k].layer == layer_of(&r->model->shape, &taken[i]);
        assert_int_equal(found, 1);
    }
}

static void check_each_donor(struct rig *r)
{
    struct plan p;
    struct block clean;
    struct activations seen;
    plan_donors_of(r, &p);
    check_plan(r, &p);
    CHECK(block_init(&clean, r->model, forward_weights(r->forward), r->settings.donors, 0, N_DONORS,
                     false, &err));
    activations_take(&seen, &clean, true, false);
    check_donors(r, &p, &seen, &clean.trie, false);
    check_donors(r, &p, &seen, &clean.trie, true);
    activations_release(&seen);
    block_release(&clean);
    plan_release(&p);
}

static void donors_are_kept_as_a_clean_pass_has_them(void **state)
{
    (void)state;
    struct prompt prompts[N_PROMPTS], *own = make_prompts(prompts);
    struct prompt *donors = prompts_random(N_DONORS, MAX_IDS, N_VOCAB, 6);
    struct rig_settings s = { .prompts = prompts,
                              .n_prompts = N_PROMPTS,
                              .donors = donors,
                              .n_donors = N_DONORS,
                              .donor_maps = { unused_map, used_map, unused_map },
                              .mem = 30000 };
    rig_each_model(&s, check_each_donor);
    prompts_random_free(donors);
    prompts_random_free(own);
}

// ------------------------------------------------------------------------------------------ means

// Sums of z over the tokens of one prompt, by itself.
static void add_prompt(const struct rig *r, size_t prompt, bool has_bos, double *sums, size_t *n)
{
    struct block b;
    struct activations seen;
    uint32_t first = has_bos ? 1 : 0, cols = site_cols(&r->model->shape, SITE_Z);
    CHECK(block_init(&b, r->model, forward_weights(r->forward), r->settings.prompts, prompt, 1,
                     false, &err));
    activations_take(&seen, &b, true, false);
    for (uint32_t l = 0; l < r->model->shape.n_layers; l++)
        for (uint32_t row = first; row < b.trie.n_nodes;
             row++) // nodes of one prompt are its tokens
            for (uint32_t c = 0; c < cols; c++)
                sums[l * cols + c] += (double)seen.layers[l][SITE_Z].values[row * cols + c];
    *n += b.trie.n_nodes - first;
    activations_release(&seen);
    block_release(&b);
}

static float *means_of(const struct rig *r, bool has_bos, size_t *n_blocks)
{
    struct tensor t;
    struct block *blocks = forward_blocks(r->forward, n_blocks);
    CHECK(means_make(blocks, *n_blocks, has_bos, &t, &err));
    assert_int_equal(t.rows, r->model->shape.n_layers);
    assert_int_equal(t.cols, site_cols(&r->model->shape, SITE_Z));
    float *means = rig_download(r, t);
    r->engine->ops->release(r->engine, &t);
    return means;
}

static void check_plain_means(struct rig *r)
{
    size_t n_means = (size_t)r->model->shape.n_layers * site_cols(&r->model->shape, SITE_Z);
    for (int has_bos = 0; has_bos < 2; has_bos++) {
        size_t n = 0, n_blocks;
        double *sums = calloc(n_means, sizeof *sums);
        float *expected = malloc(n_means * sizeof *expected);
        assert_true(sums && expected);
        for (size_t p = 0; p < N_PROMPTS; p++)
            add_prompt(r, p, has_bos, sums, &n);
        for (size_t i = 0; i < n_means; i++)
            expected[i] = (float)(sums[i] / (double)n);
        float *means = means_of(r, has_bos, &n_blocks);
        same_floats(means, expected, n_means, tolerance, "mean");
        free(means);
        free(expected);
        free(sums);
    }
}

static void means_are_over_tokens(void **state)
{
    (void)state;
    struct prompt prompts[N_PROMPTS], *own = make_prompts(prompts);
    struct rig_settings s = { .prompts = prompts, .n_prompts = N_PROMPTS };
    rig_each_model(&s, check_plain_means);
    prompts_random_free(own);
}

// From one prompt a block to all in one.
static void check_cuts(struct rig *r)
{
    static const uint64_t budgets[] = { 1, 40000, 80000 };
    size_t n_means = (size_t)r->model->shape.n_layers * site_cols(&r->model->shape, SITE_Z);
    size_t n_blocks, most = 0;
    for (int has_bos = 0; has_bos < 2; has_bos++) {
        float *expected = means_of(r, has_bos, &n_blocks);
        assert_int_equal(n_blocks, 1);
        for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
            struct rig cut;
            struct rig_settings s = r->settings;
            s.mem = budgets[i];
            s.like = r;
            rig_open(&cut, &s);
            float *means = means_of(&cut, has_bos, &n_blocks);
            assert_int_not_equal(n_blocks, most); // each cuts them in another way
            assert_true(i || n_blocks == N_PROMPTS);
            most = n_blocks;
            same_floats(means, expected, n_means, 0, "mean");
            free(means);
            rig_close(&cut);
        }
        free(expected);
    }
}

static void means_do_not_depend_on_blocks(void **state)
{
    (void)state;
    struct prompt prompts[N_PROMPTS], *own = make_prompts(prompts);
    struct rig_settings s = { .prompts = prompts, .n_prompts = N_PROMPTS };
    rig_each_model(&s, check_cuts);
    prompts_random_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(donors_are_kept_as_a_clean_pass_has_them),
        cmocka_unit_test(means_are_over_tokens),
        cmocka_unit_test(means_do_not_depend_on_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
