#include "plan/prompt_trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NO_NODE UINT32_MAX

// The child of `parent` (NO_NODE: a first token) for `token`; a new node where there is none yet,
// or where known, by (parent, token), is NULL. NO_NODE when memory is out.
static uint32_t child_node(struct trie *t, struct hash *known, uint32_t parent, uint32_t token,
                           uint32_t position)
{
    uint32_t node = t->n_nodes;
    if (known) {
        const uint64_t *child = hash_put(known, hash_pair(parent, token), node);
        if (!child)
            return NO_NODE;
        if (*child != node)
            return (uint32_t)*child;
    }
    t->n_nodes++;
    t->token[node] = token;
    t->position[node] = position;
    t->parent[node] = parent == NO_NODE ? node : parent;
    return node;
}

static bool trie_alloc(struct trie *t, size_t n_prompts, size_t n_tokens, struct abl_err *err)
{
    t->token = arena_alloc(&t->arena, n_tokens, sizeof *t->token);
    t->position = arena_alloc(&t->arena, n_tokens, sizeof *t->position);
    t->parent = arena_alloc(&t->arena, n_tokens, sizeof *t->parent);
    t->reads = arena_alloc(&t->arena, n_prompts, sizeof *t->reads);
    t->read_of = arena_alloc(&t->arena, n_prompts, sizeof *t->read_of);
    return (t->token && t->position && t->parent && t->reads && t->read_of) || abl_no_memory(err);
}

// Index lists count edges in 32 bits.
static bool check_edges(const struct trie *t, struct abl_err *err)
{
    size_t total = 0;
    for (uint32_t i = 0; i < t->n_nodes; i++)
        total += t->position[i] + 1u;
    return total <= UINT32_MAX
           || abl_fail(err, ABL_BAD_DATA,
                       "prompts too long together: %zu context entries; use --rows", total);
}

// read_of holds nodes on entry; number the distinct ones in ascending order.
static bool build_reads(struct trie *t, struct abl_err *err)
{
    uint32_t *number = calloc(t->n_nodes, sizeof *number);
    if (!number)
        return abl_no_memory(err);
    for (uint32_t p = 0; p < t->n_prompts; p++)
        number[t->read_of[p]] = 1;
    for (uint32_t i = 0; i < t->n_nodes; i++)
        if (number[i]) {
            number[i] = t->n_reads;
            t->reads[t->n_reads++] = i;
        }
    for (uint32_t p = 0; p < t->n_prompts; p++)
        t->read_of[p] = number[t->read_of[p]];
    free(number);
    return true;
}

bool trie_build(const struct prompt *prompts, size_t n, bool share, struct trie *out,
                struct abl_err *err)
{
    struct trie t = { .prompts = prompts, .n_prompts = (uint32_t)n };
    struct hash known = { 0 };
    size_t n_tokens = 0;
    for (size_t p = 0; p < n; p++)
        n_tokens += prompts[p].n_ids;
    bool ok = trie_alloc(&t, n, n_tokens, err);
    for (uint32_t p = 0; ok && p < t.n_prompts; p++) {
        uint32_t node = NO_NODE;
        for (uint32_t i = 0; ok && i < prompts[p].n_ids; i++) {
            node = child_node(&t, share ? &known : NULL, node, prompts[p].ids[i], i);
            ok = node != NO_NODE || abl_no_memory(err);
        }
        t.read_of[p] = node;
    }
    ok = ok && check_edges(&t, err) && build_reads(&t, err);
    hash_release(&known);
    if (!ok) {
        trie_release(&t);
        return false;
    }
    *out = t;
    return true;
}

void trie_release(struct trie *t)
{
    arena_release(&t->arena);
    *t = (struct trie){ 0 };
}

uint32_t trie_seen(const struct trie *t, uint32_t node, uint32_t window)
{
    uint32_t all = t->position[node] + 1;
    return all < window ? all : window;
}

uint32_t trie_context(const struct trie *t, uint32_t node, uint32_t window, uint32_t *out)
{
    uint32_t n = trie_seen(t, node, window);
    for (uint32_t i = n; i-- > 0; node = t->parent[node])
        out[i] = node;
    return n;
}

uint32_t trie_edges(const struct trie *t, bool reads, uint32_t window, uint32_t *first)
{
    uint32_t n = 0, rows = reads ? t->n_reads : t->n_nodes;
    for (uint32_t i = 0; i < rows; i++) {
        if (first)
            first[i] = n;
        n += trie_seen(t, reads ? t->reads[i] : i, window);
    }
    if (first)
        first[rows] = n;
    return n;
}

uint32_t trie_node(const struct trie *t, uint32_t prompt, uint32_t back)
{
    uint32_t node = t->reads[t->read_of[prompt]];
    for (; back; back--) {
        if (!t->position[node])
            return NO_NODE;
        node = t->parent[node];
    }
    return node;
}

struct trie_place trie_last(const struct trie *t, uint32_t prompt)
{
    uint32_t node = t->reads[t->read_of[prompt]];
    return (struct trie_place){ node, t->position[node] };
}

uint32_t trie_back_to(const struct trie *t, struct trie_place *place, uint32_t position)
{
    for (; place->position > position; place->position--)
        place->node = t->parent[place->node];
    return place->node;
}

uint32_t trie_tail(const struct trie *t, uint32_t tail, uint32_t *nodes)
{
    uint32_t n = 0;
    memset(nodes, 0, t->n_nodes * sizeof *nodes);
    for (uint32_t i = 0; i < t->n_reads; i++) { // first as marks
        uint32_t node = t->reads[i];
        for (uint32_t back = 0; back < tail; back++) {
            nodes[node] = 1;
            if (!t->position[node])
                break;
            node = t->parent[node];
        }
    }
    for (uint32_t node = 0; node < t->n_nodes; node++)
        if (nodes[node])
            nodes[n++] = node;
    return n;
}
