// The trie that packs prompts: which rows exist, what each sees, where prompts are read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/prompt_trie.h"

static const uint32_t abc[] = { 7, 1, 2, 3 }, abd[] = { 7, 1, 2, 4 }, ab[] = { 7, 1, 2 },
                      other[] = { 7, 5 };

static struct prompt prompt_of(const uint32_t *ids, uint32_t n)
{
    return (struct prompt){ .ids = ids, .n_ids = n };
}

static void build(struct trie *t, bool share)
{
    struct prompt prompts[] = { prompt_of(abc, 4), prompt_of(abd, 4), prompt_of(ab, 3),
                                prompt_of(other, 2), prompt_of(abc, 4) };
    struct abl_err err;
    assert_true(trie_build(prompts, 5, share, t, &err));
}

static void shared_prefixes_are_one_row(void **state)
{
    (void)state;
    struct trie t;
    build(&t, true);
    assert_int_equal(t.n_nodes, 6); // 7 1 2 3 4 and the 5 behind 7
    assert_int_equal(t.n_reads, 4); // the two equal prompts are read at one row
    trie_release(&t);
}

static void each_row_sees_its_own_prefix(void **state)
{
    (void)state;
    for (int share = 0; share < 2; share++) {
        struct trie t;
        build(&t, share);
        for (uint32_t p = 0; p < 5; p++) {
            const uint32_t *ids = p == 1 ? abd : p == 2 ? ab : p == 3 ? other : abc;
            uint32_t n = p == 2 ? 3 : p == 3 ? 2 : 4, node = t.reads[t.read_of[p]];
            uint32_t seen[4];
            assert_int_equal(trie_context(&t, node, NO_WINDOW, seen), n);
            for (uint32_t i = 0; i < n; i++) {
                assert_int_equal(t.token[seen[i]], ids[i]);
                assert_int_equal(t.position[seen[i]], i);
            }
            assert_int_equal(trie_context(&t, node, 2, seen), 2);
            assert_int_equal(t.token[seen[0]], ids[n - 2]);
            assert_int_equal(seen[1], node);
        }
        trie_release(&t);
    }
}

static void unshared_prompts_keep_rows_of_their_own(void **state)
{
    (void)state;
    struct trie t;
    build(&t, false);
    assert_int_equal(t.n_nodes, 17);
    assert_int_equal(t.n_reads, 5);
    trie_release(&t);
}

static void nodes_are_counted_from_the_end(void **state)
{
    (void)state;
    struct trie t;
    build(&t, true);
    assert_int_equal(t.token[trie_node(&t, 0, 0)], 3);
    assert_int_equal(t.token[trie_node(&t, 0, 3)], 7);
    assert_int_equal(trie_node(&t, 0, 4), UINT32_MAX);
    assert_int_equal(t.token[trie_node(&t, 3, 0)], 5);
    assert_int_equal(trie_node(&t, 3, 2), UINT32_MAX);
    trie_release(&t);
}

static void reads_ascend(void **state)
{
    (void)state;
    struct trie t;
    build(&t, true);
    for (uint32_t i = 1; i < t.n_reads; i++)
        assert_true(t.reads[i] > t.reads[i - 1]);
    assert_int_equal(t.read_of[0], t.read_of[4]);
    trie_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_prefixes_are_one_row),
        cmocka_unit_test(each_row_sees_its_own_prefix),
        cmocka_unit_test(unshared_prompts_keep_rows_of_their_own),
        cmocka_unit_test(nodes_are_counted_from_the_end),
        cmocka_unit_test(reads_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
