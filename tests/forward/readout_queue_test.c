// Final states that wait: they come out as they went in.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "forward/readout_queue.h"
#include "tests/support/check.h"
#include "tests/support/rig.h"

enum { N_PROMPTS = 6, MAX = 5 };

static struct abl_err err;

static void each_model(void (*check)(struct rig *r))
{
    struct prompt *prompts = prompts_random(N_PROMPTS, 9, 60, 8);
    struct rig_settings s = { .prompts = prompts, .n_prompts = N_PROMPTS };
    rig_each_model(&s, check);
    prompts_random_free(prompts);
}

// States of MAX variants: random numbers.
struct states {
    struct tensor t;
    float *values;
    size_t one; // floats of a variant's
};

static void states_make(struct states *s, const struct rig *r, const struct block *b)
{
    struct rng rng;
    uint32_t rows = MAX * b->trie.n_reads, cols = r->model->shape.d_model;
    rng_seed(&rng, 3);
    s->one = (size_t)b->trie.n_reads * cols;
    s->values = malloc(MAX * s->one * sizeof *s->values);
    assert_non_null(s->values);
    for (size_t i = 0; i < MAX * s->one; i++)
        s->values[i] = (float)rng_below(&rng, 1000) / 500.0f - 1.0f;
    CHECK(r->engine->ops->alloc(r->engine, rows, cols, &s->t, &err));
    CHECK(r->engine->ops->upload(r->engine, s->t, s->values, &err));
}

static void states_release(struct states *s, const struct rig *r)
{
    r->engine->ops->release(r->engine, &s->t);
    free(s->values);
}

// Variants [first, first + n) of s.
static void add(struct readout_queue *q, const struct states *s, const size_t *numbers,
                uint32_t first, uint32_t n)
{
    uint32_t reads = q->block->trie.n_reads;
    CHECK(readout_queue_add(q, tensor_rows(s->t, first * reads, n * reads), numbers + first, n,
                            &err));
}

static void expect(const struct rig *r, const struct readout_queue *q, const float *values,
                   const size_t *numbers, uint32_t n)
{
    uint32_t reads = q->block->trie.n_reads;
    assert_int_equal(q->n, n);
    assert_memory_equal(q->numbers, numbers, n * sizeof *numbers);
    float *found = rig_download(r, tensor_rows(q->states, 0, n * reads));
    same_floats(found, values, (size_t)n * reads * q->states.cols, 0, "states");
    free(found);
}

static const size_t numbers[MAX] = { 70, 3, 12, 0, 71 };

static void check_order(struct rig *r)
{
    const struct block *b = rig_block(r);
    struct states s;
    struct readout_queue q;
    states_make(&s, r, b);
    CHECK(readout_queue_init(&q, b, MAX, &err));
    assert_int_equal(q.max, MAX);
    assert_int_equal(q.states.rows, MAX * b->trie.n_reads);
    assert_int_equal(q.n, 0);
    add(&q, &s, numbers, 0, 2);
    expect(r, &q, s.values, numbers, 2);
    add(&q, &s, numbers, 2, 1);
    add(&q, &s, numbers, 3, 2); // it is full
    expect(r, &q, s.values, numbers, MAX);
    q.n = 0; // who reads them out empties it
    add(&q, &s, numbers, 3, 2);
    expect(r, &q, s.values + 3 * s.one, numbers + 3, 2);
    float *behind = rig_download(r, tensor_rows(q.states, 2 * b->trie.n_reads, b->trie.n_reads));
    same_floats(behind, s.values + 2 * s.one, s.one, 0, "states behind those added");
    free(behind);
    readout_queue_release(&q);
    states_release(&s, r);
}

static void pieces_come_out_in_order(void **state)
{
    (void)state;
    each_model(check_order);
}

// Together as each by itself.
static void check_answers(struct rig *r)
{
    const struct block *b = rig_block(r);
    struct states s;
    struct readout_queue q;
    struct row_stats together[MAX][N_PROMPTS], alone[N_PROMPTS], *out[MAX], *one = alone;
    states_make(&s, r, b);
    CHECK(readout_queue_init(&q, b, MAX, &err));
    add(&q, &s, numbers, 0, 3);
    add(&q, &s, numbers, 3, 2);
    for (size_t i = 0; i < MAX; i++)
        out[i] = together[i];
    CHECK(block_read(b, q.states, MAX, b->final, out, &err));
    for (uint32_t i = 0; i < MAX; i++) {
        struct tensor t = tensor_rows(s.t, i * b->trie.n_reads, b->trie.n_reads);
        CHECK(block_read(b, t, 1, b->final, &one, &err));
        for (size_t p = 0; p < N_PROMPTS; p++)
            same_stats(&together[i][p], &alone[p], 1e-5, "variant %u, prompt %zu", (unsigned)i, p);
    }
    readout_queue_release(&q);
    states_release(&s, r);
}

static void what_waited_is_read_as_by_itself(void **state)
{
    (void)state;
    each_model(check_answers);
}

static void check_none(struct rig *r)
{
    struct readout_queue q;
    CHECK(readout_queue_init(&q, rig_block(r), 0, &err));
    assert_true(!q.max && !q.n && !q.states.buffer && !q.rows.buffer);
    readout_queue_release(&q);
    CHECK(readout_queue_init(&q, rig_block(r), 1, &err));
    readout_queue_release(&q);
    readout_queue_release(&q); // once more does nothing
    assert_null(q.block);
}

static void without_room_none_wait(void **state)
{
    (void)state;
    each_model(check_none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_out_in_order),
        cmocka_unit_test(what_waited_is_read_as_by_itself),
        cmocka_unit_test(without_room_none_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
