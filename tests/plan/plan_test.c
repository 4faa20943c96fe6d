// Plans over random lists: what they hold, what a walk makes of it, and what it costs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/size.h"
#include "engine/work.h"
#include "plan/plan_blocks.h"
#include "plan/plan_make.h"
#include "plan/plan_walk.h"
#include "plan/row_edits.h"
#include "plan/shards.h"
#include "plan/savings.h"
#include "plan/shared_start.h"

enum { N_PROMPTS = 40, N_VARIANTS = 60, MOST_EDITS = 3, N_LISTS = 60 };

static struct abl_err err;

static const struct model_shape shapes[] = {
    { .n_layers = 5,
      .n_heads = 4,
      .n_kv_heads = 4,
      .d_head = 8,
      .d_model = 32,
      .d_mlp = 96,
      .n_vocab = 211,
      .norm = NORM_LAYER },
    { .n_layers = 3,
      .n_heads = 6,
      .n_kv_heads = 2,
      .d_head = 8,
      .d_model = 48,
      .d_mlp = 64,
      .n_vocab = 97,
      .norm = NORM_RMS,
      .gated = true },
    { .n_layers = 4,
      .n_heads = 4,
      .n_kv_heads = 4,
      .d_head = 8,
      .d_model = 32,
      .d_mlp = 96,
      .n_vocab = 211,
      .norm = NORM_LAYER,
      .parallel = true },
};

// A random run. Everything lies in the struct, so that a copy of it lies elsewhere.
struct random_run {
    uint32_t ids[N_PROMPTS][12];
    struct prompt prompts[N_PROMPTS];
    uint32_t donor[N_PROMPTS];
    const uint32_t *maps[1];
    struct edit edits[N_VARIANTS][MOST_EDITS];
    struct variant variants[N_VARIANTS];
    struct variants list;
};

// Pointers into the struct itself.
static void tie(struct random_run *r)
{
    for (size_t i = 0; i < N_PROMPTS; i++)
        r->prompts[i].ids = r->ids[i];
    for (size_t i = 0; i < N_VARIANTS; i++)
        r->variants[i].edits = r->edits[i];
    r->maps[0] = r->donor;
    r->list = (struct variants){ .items = r->variants, .n = N_VARIANTS };
}

static struct edit random_edit(struct rng *rng, const struct model_shape *s, bool shared)
{
    struct edit e = { .site = (enum site)rng_below(rng, N_SITES),
                      .layer = rng_below(rng, s->n_layers),
                      .head = ALL_HEADS,
                      .position = ALL_POSITIONS,
                      .op = (enum edit_op)rng_below(rng, 3),
                      .factor = rng_below(rng, 4) ? 0.5f : 1.0f };
    if (site_head_cols(s, e.site))
        e.head = rng_below(rng, 3) ? rng_below(rng, s->n_kv_heads) : ALL_HEADS;
    if (e.site == SITE_Z && e.op == EDIT_SET && rng_below(rng, 2))
        e.source = SOURCE_MEAN;
    else if (e.op != EDIT_SCALE && !shared)
        e.source = SOURCE_ROW;
    if (!shared && rng_below(rng, 2))
        e.position = -1 - (int32_t)rng_below(rng, 3);
    return e;
}

static void make_run(struct random_run *r, struct rng *rng, const struct model_shape *s)
{
    bool shared = rng_below(rng, 3) == 0;
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < N_PROMPTS; i++) {
        r->prompts[i].n_ids = 1 + rng_below(rng, 12);
        for (uint32_t k = 0; k < r->prompts[i].n_ids; k++)
            r->ids[i][k] = rng_below(rng, k < 3 ? 2 : 90);
        r->donor[i] = rng_below(rng, N_PROMPTS);
    }
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct variant *v = &r->variants[i];
        v->n_edits = 1 + rng_below(rng, MOST_EDITS);
        for (size_t k = 0; k < v->n_edits; k++)
            r->edits[i][k] = i && k == 0 && rng_below(rng, 2) ? r->edits[i - 1][0]
                                                              : random_edit(rng, s, shared);
    }
    tie(r);
}

static struct plan_input input_of(const struct random_run *r, const struct model_shape *s,
                                  uint64_t mem, unsigned left_out)
{
    return (struct plan_input){ .run = { r->prompts, N_PROMPTS },
                                .maps = r->maps,
                                .variants = &r->list,
                                .shape = s,
                                .budget = { mem, 1 << 20, 64 },
                                .weights = { .bytes = 1000, .kept = 1000, .layer = 100 },
                                .left_out = left_out };
}

// Every list at several budgets and without some savings.
static void each_run(void (*check)(const struct plan_input *in, const struct plan *p))
{
    static struct random_run run;
    static const uint64_t budgets[] = { 1, 200000, 1 << 26 };
    struct rng rng;
    rng_seed(&rng, 17);
    for (int i = 0; i < N_LISTS; i++) {
        const struct model_shape *s = &shapes[i % 3];
        make_run(&run, &rng, s);
        unsigned left_out = i % 2 ? rng_below(&rng, ALL_SAVINGS + 1) : 0;
        struct plan_input in = input_of(&run, s, budgets[i / 3 % 3], left_out);
        struct plan p;
        if (!plan_make(&in, &p, &err))
            fail_msg("%s", err.text);
        check(&in, &p);
        plan_release(&p);
    }
}

// ------------------------------------------------------------------------------------------- cells

// How often a slice runs each cell, added to seen[variant * N_PROMPTS + prompt].
static void count_cells(const struct plan *p, struct plan_slice slice, uint32_t *seen)
{
    struct plan_walk w;
    struct plan_batch b;
    for (plan_walk(p, slice, &w); plan_next(&w, &b);) {
        struct batch_items items = { .n = 0 };
        if (b.kind == PASS_VARIANTS)
            batch_items(p, &b, &items);
        assert_int_equal(items.n, b.n);
        const struct plan_block *block = &p->blocks[b.block];
        for (uint32_t i = 0; i < items.n; i++)
            for (uint32_t k = 0; k < block->n; k++)
                seen[items.variants[i] * N_PROMPTS + block->first + k]++;
    }
}

static void check_cells(const struct plan_input *in, const struct plan *p)
{
    uint32_t *seen = calloc(N_VARIANTS * N_PROMPTS, sizeof *seen);
    count_cells(p, plan_whole(p), seen);
    for (size_t i = 0; i < p->n_copied; i++)
        for (size_t k = 0; k < N_PROMPTS; k++)
            seen[p->copied[i] * N_PROMPTS + k]++;
    for (size_t i = 0; i < N_VARIANTS * N_PROMPTS; i++)
        if (seen[i] != 1)
            fail_msg("variant %zu over prompt %zu runs %u times", i / N_PROMPTS, i % N_PROMPTS,
                     (unsigned)seen[i]);
    (void)in;
    free(seen);
}

static void every_cell_runs_once(void **state)
{
    (void)state;
    each_run(check_cells);
}

// Read-outs follow: what waited is read out by the end of its unit, and no more than there is room
// for waits.
static void check_read_outs(const struct plan_input *in, const struct plan *p)
{
    struct plan_walk w;
    struct plan_batch b;
    uint32_t waiting = 0;
    size_t unit = 0;
    (void)in;
    for (plan_walk(p, plan_whole(p), &w); plan_next(&w, &b);) {
        if (b.unit != unit)
            assert_int_equal(waiting, 0);
        unit = b.unit;
        if (b.kind != PASS_VARIANTS)
            continue;
        waiting += b.n;
        if (b.n_read)
            assert_int_equal(b.n_read, waiting);
        waiting = b.n_read ? 0 : waiting;
        assert_true(waiting <= group_room(p, &p->groups[b.group], b.block).waiting);
    }
    assert_int_equal(waiting, 0);
}

static void what_waits_is_read_out_within_its_unit(void **state)
{
    (void)state;
    each_run(check_read_outs);
}

// Every cell is one shard's, whatever the machine's memory; none has much more to multiply than
// another, as far as variants can be told apart.
static void check_shards(const struct plan_input *in, const struct plan *p)
{
    struct plan_input elsewhere = *in;
    elsewhere.budget.mem *= 3;
    elsewhere.weights.n_streamed = 1;
    (void)p;
    for (uint32_t n = 1; n <= 7; n += 3) {
        size_t owners[N_VARIANTS * N_PROMPTS] = { 0 };
        for (uint32_t i = 1; i <= n; i++) {
            uint64_t others[N_VARIANTS * N_PROMPTS / 64 + 1] = { 0 },
                                                          again[sizeof others / 8] = { 0 };
            if (!shard_others(in, i, n, others, &err)
                || !shard_others(&elsewhere, i, n, again, &err))
                fail_msg("%s", err.text);
            assert_memory_equal(others, again, sizeof others);
            for (size_t cell = 0; cell < N_VARIANTS * N_PROMPTS; cell++)
                owners[cell] += !cell_is_set(others, cell);
        }
        for (size_t cell = 0; cell < N_VARIANTS * N_PROMPTS; cell++)
            if (owners[cell] != 1)
                fail_msg("of %u shards %zu have variant %zu of prompt %zu, expected 1", n,
                         owners[cell], cell / N_PROMPTS, cell % N_PROMPTS);
    }
}

static void every_cell_is_one_shards(void **state)
{
    (void)state;
    each_run(check_shards);
}

// What is done is left out, whole variants and single cells of a block's, and the rest runs once.
static void check_done(const struct plan_input *in, const struct plan *p)
{
    struct rng rng;
    rng_seed(&rng, 4);
    uint64_t bits[N_VARIANTS * N_PROMPTS / 64 + 1] = { 0 };
    for (size_t v = 0; v < N_VARIANTS; v++) {
        uint32_t end = rng_below(&rng, 2) ? rng_below(&rng, N_PROMPTS + 1) : N_PROMPTS;
        for (size_t bit = v * N_PROMPTS; bit < v * N_PROMPTS + end; bit++)
            bits[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    struct done_cells done = { bits, N_PROMPTS };
    struct plan_input rest = *in;
    struct plan q;
    rest.done = &done;
    if (!plan_make(&rest, &q, &err))
        fail_msg("%s", err.text);
    uint32_t *seen = calloc(N_VARIANTS * N_PROMPTS, sizeof *seen);
    count_cells(&q, plan_whole(&q), seen);
    for (size_t v = 0; v < N_VARIANTS; v++)
        for (uint32_t b = 0; b < q.n_run_blocks; b++) {
            bool left = false, copied = variant_first_layer(&in->variants->items[v]) == NO_LAYER;
            const struct plan_block *block = &q.blocks[b];
            for (size_t k = block->first; k < block->first + block->n; k++)
                left |= !cell_is_set(bits, v * N_PROMPTS + k);
            for (size_t k = block->first; k < block->first + block->n; k++)
                assert_int_equal(seen[v * N_PROMPTS + k], left && !copied);
        }
    assert_true(q.total.flop <= p->total.flop);
    free(seen);
    plan_release(&q);
}

static void cells_that_are_done_are_left_out(void **state)
{
    (void)state;
    each_run(check_done);
}

// -------------------------------------------------------------------------------------------- sums

// Copies of a batch in each layer, counted by letting them part, and what their stages cost.
static uint64_t carried_flop(const struct plan *p, const struct plan_batch *b)
{
    struct batch_items items;
    struct shared_copies c = { .n = 0 };
    struct variant none[MAX_COPIES] = { { 0 } };
    uint32_t from[MAX_COPIES];
    uint64_t flop = 0;
    batch_items(p, b, &items);
    for (uint32_t i = 0; i < items.n; i++)
        shared_copies_add(&c, &none[i], items.until[i]);
    for (uint32_t l = b->start.layer; l < p->shape->n_layers; l++) {
        shared_copies_part(&c, l, from);
        enum stage first = l == b->start.layer ? b->start.stage : STAGE_START;
        for (int stage = (int)first; stage < N_STAGES; stage++)
            flop += c.n_copies * stage_flop(p->shape, &b->rows, l, (enum stage)stage);
        for (uint32_t i = 0; i < c.n_copies && l == b->start.layer; i++)
            flop += head_change_flop(p->shape, &b->rows, l, items.n_heads[c.copies[i] - none]);
    }
    return flop;
}

static uint64_t way_flop(const struct plan *p, const struct copy_rows *rows,
                         struct start_point from, struct start_point to)
{
    uint64_t flop = 0;
    for (uint32_t l = from.layer; l <= to.layer && l < p->shape->n_layers; l++)
        for (int stage = 0; stage < N_STAGES; stage++)
            if ((l > from.layer || stage >= (int)from.stage)
                && (l < to.layer || stage < (int)to.stage))
                flop += stage_flop(p->shape, rows, l, (enum stage)stage);
    return flop;
}

static void check_sums(const struct plan_input *in, const struct plan *p)
{
    struct plan_walk w;
    struct plan_batch b;
    uint64_t flop = p->observed_flop, rows = 0, n = 0;
    struct start_point clean = { 0, STAGE_START };
    uint32_t block = NO_PLACE, pass = NO_PLACE;
    (void)in;
    for (plan_walk(p, plan_whole(p), &w); plan_next(&w, &b); n++) {
        flop += b.work.flop;
        rows += b.work.token_rows;
        if (b.kind != PASS_VARIANTS) {
            pass = NO_PLACE;
            continue;
        }
        const struct plan_group *g = &p->groups[b.group];
        if (block != b.block || pass != g->pass)
            clean = (struct start_point){ 0, STAGE_START };
        block = b.block;
        pass = g->pass;
        struct copy_rows all = b.rows;
        all.rows = pass_rows(p, pass_of(p, g), b.block).n_nodes;
        uint64_t expected = carried_flop(p, &b) + way_flop(p, &all, clean, b.start);
        clean = b.start;
        if (b.n_read)
            expected += readout_flop((uint64_t)b.n_read * b.rows.reads, b.rows.reads,
                                     p->shape->d_model, p->shape->n_vocab);
        assert_true(b.work.flop == expected);
    }
    assert_true(flop == p->total.flop && rows == p->total.token_rows && n == p->n_batches);
}

static void sums_are_those_of_stages_and_copies(void **state)
{
    (void)state;
    each_run(check_sums);
}

static void check_bytes(const struct plan_input *in, const struct plan *p)
{
    struct plan_walk w;
    struct plan_batch b;
    for (plan_walk(p, plan_whole(p), &w); plan_next(&w, &b);) {
        bool one = p->blocks[b.block].n == 1 || b.n <= 1; // no less can be carried
        assert_true(b.bytes <= in->budget.mem || one || b.kind != PASS_VARIANTS);
    }
}

static void batches_keep_within_memory_or_carry_one(void **state)
{
    (void)state;
    each_run(check_bytes);
}

// --------------------------------------------------------------------------------- several kinds

// Every second variant keeps prompts that share rows together, the others tell them apart.
static void mix_kinds(struct random_run *r, struct rng *rng, const struct model_shape *s)
{
    make_run(r, rng, s);
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct edit *e = r->edits[i];
        r->variants[i].n_edits = 1;
        do
            *e = random_edit(rng, s, i % 2 == 0);
        while (edit_is_identity(e) || edit_is_shared(e) != (i % 2 == 0));
    }
}

static struct work variants_work(const struct plan_input *in)
{
    struct plan p;
    if (!plan_make(in, &p, &err))
        fail_msg("%s", err.text);
    struct work work = p.by_kind[PASS_VARIANTS];
    plan_release(&p);
    return work;
}

// Of every second variant, from `first` on.
static struct work half_work(const struct random_run *r, struct plan_input in, size_t first)
{
    struct variant half[N_VARIANTS];
    struct variants list = { .items = half };
    for (size_t i = first; i < N_VARIANTS; i += 2)
        half[list.n++] = r->variants[i];
    in.variants = &list;
    return variants_work(&in);
}

static void kinds_in_one_plan_cost_what_they_cost_alone(void **state)
{
    (void)state;
    static struct random_run run;
    struct rng rng;
    rng_seed(&rng, 23);
    for (int i = 0; i < 20; i++) {
        const struct model_shape *s = &shapes[i % 3];
        mix_kinds(&run, &rng, s);
        struct plan_input in = input_of(&run, s, 1 << 26, SAVING_POSITIONS | SAVING_LAST_LAYER);
        struct work both = variants_work(&in), shared = half_work(&run, in, 0),
                    apart = half_work(&run, in, 1);
        assert_true(shared.token_rows < apart.token_rows);
        assert_int_equal(both.token_rows, shared.token_rows + apart.token_rows);
        assert_int_equal(both.flop, shared.flop + apart.flop);
    }
}

// --------------------------------------------------------------------------------------- plain data

static void check_addresses(const struct plan_input *in, const struct plan *p)
{
    struct random_run *elsewhere = malloc(sizeof *elsewhere);
    const struct random_run *here
        = (const struct random_run *)((const char *)in->run.items
                                      - offsetof(struct random_run, prompts));
    memcpy(elsewhere, here, sizeof *elsewhere);
    tie(elsewhere);
    struct plan_input moved = input_of(elsewhere, in->shape, in->budget.mem, in->left_out);
    struct plan q;
    if (!plan_make(&moved, &q, &err))
        fail_msg("%s", err.text);
    assert_int_equal(q.n_items, p->n_items);
    assert_int_equal(q.n_groups, p->n_groups);
    assert_int_equal(q.n_blocks, p->n_blocks);
    assert_memory_equal(q.items, p->items, p->n_items * sizeof *p->items);
    assert_memory_equal(q.groups, p->groups, p->n_groups * sizeof *p->groups);
    assert_memory_equal(q.blocks, p->blocks, p->n_blocks * sizeof *p->blocks);
    assert_memory_equal(q.passes, p->passes, p->n_passes * sizeof *p->passes);
    assert_memory_equal(q.copied, p->copied, p->n_copied * sizeof *p->copied);
    assert_memory_equal(&q.total, &p->total, sizeof p->total);
    plan_release(&q);
    free(elsewhere);
}

static void addresses_do_not_matter(void **state)
{
    (void)state;
    each_run(check_addresses);
}

// 10,000 sets of three heads over 160 blocks of a prompt each.
static void large_plans_are_small(void **state)
{
    (void)state;
    enum { SETS = 10000, BLOCKS = 160 };
    static const struct model_shape s = { .n_layers = 32,
                                          .n_heads = 32,
                                          .n_kv_heads = 8,
                                          .d_head = 128,
                                          .d_model = 4096,
                                          .d_mlp = 14336,
                                          .n_vocab = 32000,
                                          .norm = NORM_RMS,
                                          .gated = true };
    static uint32_t ids[BLOCKS][40];
    static struct prompt prompts[BLOCKS];
    struct edit(*edits)[3] = malloc(SETS * sizeof *edits);
    struct variant *items = calloc(SETS, sizeof *items);
    struct rng rng;
    rng_seed(&rng, 2);
    for (size_t i = 0; i < BLOCKS; i++) {
        prompts[i] = (struct prompt){ .ids = ids[i], .n_ids = 40 };
        for (size_t k = 0; k < 40; k++)
            ids[i][k] = rng_below(&rng, 1000);
    }
    for (size_t i = 0; i < SETS; i++) {
        items[i] = (struct variant){ .edits = edits[i], .n_edits = 3 };
        for (size_t k = 0; k < 3; k++)
            edits[i][k] = (struct edit){ .site = SITE_Z,
                                         .layer = rng_below(&rng, 32),
                                         .head = rng_below(&rng, 32),
                                         .position = ALL_POSITIONS };
    }
    struct variants list = { .items = items, .n = SETS };
    struct plan_input in = { .run = { prompts, BLOCKS },
                             .variants = &list,
                             .shape = &s,
                             .budget = { 1, 1 << 20, 4096 },
                             .weights = weights_fit_of(&s, PRECISION_F32, UINT64_MAX) };
    struct plan p;
    if (!plan_make(&in, &p, &err))
        fail_msg("%s", err.text);
    assert_int_equal(p.n_run_blocks, BLOCKS);
    assert_int_equal(p.n_batches, BLOCKS + (uint64_t)SETS * BLOCKS); // one at a time
    assert_true(p.total.flop > (UINT64_C(1) << 53));                 // and counted to the last
    size_t bytes = p.n_items * sizeof *p.items + (SETS + p.n_groups) * sizeof *p.groups
                   + p.n_blocks * sizeof *p.blocks + 2 * SETS * sizeof *p.tails;
    assert_true(bytes < 4 << 20);
    plan_release(&p);
    free(items);
    free(edits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_runs_once),
        cmocka_unit_test(what_waits_is_read_out_within_its_unit),
        cmocka_unit_test(every_cell_is_one_shards),
        cmocka_unit_test(cells_that_are_done_are_left_out),
        cmocka_unit_test(sums_are_those_of_stages_and_copies),
        cmocka_unit_test(batches_keep_within_memory_or_carry_one),
        cmocka_unit_test(addresses_do_not_matter),
        cmocka_unit_test(kinds_in_one_plan_cost_what_they_cost_alone),
        cmocka_unit_test(large_plans_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
