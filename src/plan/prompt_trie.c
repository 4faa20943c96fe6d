#include "plan/prompt_trie.h"

#include <stdlib.h>
#include <string.h>

// Children are found through a hash of (parent, token): open addressing, node + 1 in each slot, 0 =
// free.
struct child_map {
    uint32_t *slots;
    size_t mask;
};

#define NO_PARENT UINT32_MAX

static size_t child_slot(const struct child_map *map, uint32_t parent, uint32_t token)
{
    uint64_t h = ((uint64_t)parent << 32 | token) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & map->mask;
}

// The child of `parent` for `token`; a new node where there is none yet.
static uint32_t child_node(struct trie *t, struct child_map *map, uint32_t parent, uint32_t token,
                           uint32_t position, bool share)
{
    size_t slot = child_slot(map, parent, token);
    if (share)
        for (; map->slots[slot]; slot = (slot + 1) & map->mask) {
            uint32_t node = map->slots[slot] - 1;
            uint32_t above = t->position[node] ? t->parent[node] : NO_PARENT;
            if (above == parent && t->token[node] == token)
                return node;
        }
    uint32_t node = t->n_nodes++;
    t->token[node] = token;
    t->position[node] = position;
    t->parent[node] = parent == NO_PARENT ? node : parent;
    if (share)
        map->slots[slot] = node + 1;
    return node;
}

static bool trie_alloc(struct trie *t, size_t n_prompts, size_t n_tokens, struct child_map *map,
                       struct abl_err *err)
{
    size_t slots = 16;
    while (slots < n_tokens * 2)
        slots *= 2;
    t->token = arena_alloc(&t->arena, n_tokens, sizeof *t->token);
    t->position = arena_alloc(&t->arena, n_tokens, sizeof *t->position);
    t->parent = arena_alloc(&t->arena, n_tokens, sizeof *t->parent);
    t->start = arena_alloc(&t->arena, n_tokens + 1, sizeof *t->start);
    t->reads = arena_alloc(&t->arena, n_prompts, sizeof *t->reads);
    t->read_of = arena_alloc(&t->arena, n_prompts, sizeof *t->read_of);
    map->slots = calloc(slots, sizeof *map->slots);
    map->mask = slots - 1;
    return (t->token && t->position && t->parent && t->start && t->reads && t->read_of
            && map->slots)
           || abl_no_memory(err);
}

// Context lists follow from parents: a node sees what its parent sees, and itself.
static bool build_contexts(struct trie *t, struct abl_err *err)
{
    size_t total = 0;
    for (uint32_t i = 0; i < t->n_nodes; i++)
        total += t->position[i] + 1u;
    if (total > UINT32_MAX)
        return abl_fail(err, ABL_BAD_DATA,
                        "prompts too long together: %zu context entries; use --rows", total);
    t->sees = arena_alloc(&t->arena, total, sizeof *t->sees);
    if (!t->sees)
        return abl_no_memory(err);
    uint32_t at = 0;
    for (uint32_t i = 0; i < t->n_nodes; i++) {
        uint32_t n = t->position[i];
        t->start[i] = at;
        if (n)
            memcpy(t->sees + at, t->sees + t->start[t->parent[i]], n * sizeof *t->sees);
        t->sees[at + n] = i;
        at += n + 1;
    }
    t->start[t->n_nodes] = at;
    return true;
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
    struct trie t = { .n_prompts = (uint32_t)n };
    struct child_map map = { 0 };
    size_t n_tokens = 0;
    for (size_t p = 0; p < n; p++)
        n_tokens += prompts[p].n_ids;
    bool ok = trie_alloc(&t, n, n_tokens, &map, err);
    for (uint32_t p = 0; ok && p < t.n_prompts; p++) {
        uint32_t node = NO_PARENT;
        for (uint32_t i = 0; i < prompts[p].n_ids; i++)
            node = child_node(&t, &map, node, prompts[p].ids[i], i, share);
        t.read_of[p] = node;
    }
    ok = ok && build_contexts(&t, err) && build_reads(&t, err);
    free(map.slots);
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
            return UINT32_MAX;
        node = t->parent[node];
    }
    return node;
}
