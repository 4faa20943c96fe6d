// Prompts packed without padding: a trie whose nodes are token rows. Prompts that share a prefix
// share its rows.
//
//   "a b c", "a b d", "a b"     node   0   1   2   3
//                               token  a   b   c   d
//                               pos    0   1   2   2        read-out nodes: 2, 3, 1
//                               sees   0  0 1 0 1 2 0 1 3       its ancestors and itself
//
// Whom a node sees is not stored, as that grows with the square of the prompts' lengths.
#ifndef ABL_PLAN_PROMPT_TRIE_H
#define ABL_PLAN_PROMPT_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/prompts.h"

struct trie {
    const struct prompt *prompts; // (n_prompts) that it is of, borrowed
    uint32_t n_prompts, n_nodes, n_reads;
    // (n_nodes); the parent of a first token is the node itself
    uint32_t *token, *position, *parent;
    uint32_t *reads;   // (n_reads) distinct nodes of last tokens, ascending
    uint32_t *read_of; // (n_prompts) index into reads
    struct arena arena;
};

// Build from n prompts. share = false gives each prompt its own rows: needed when what is done to a
// row depends on the prompt (edits counted from the end, donors).
bool trie_build(const struct prompt *prompts, size_t n, bool share, struct trie *out,
                struct abl_err *err);
void trie_release(struct trie *t);

// How many nodes a node sees through a window of that many tokens, itself included; NO_WINDOW: all
// of its ancestors.
#define NO_WINDOW UINT32_MAX
uint32_t trie_seen(const struct trie *t, uint32_t node, uint32_t window);

// Those nodes, in the order of positions. out: room for trie_seen. Their number.
uint32_t trie_context(const struct trie *t, uint32_t node, uint32_t window, uint32_t *out);

// Edges, from what sees to what is seen, in the order of rows and in a row of positions: row i of
// the nodes (or of the read-outs) has edges [first[i], first[i + 1]). first: room for rows + 1, or
// NULL. The number of edges.
uint32_t trie_edges(const struct trie *t, bool reads, uint32_t window, uint32_t *first);

// Nodes among the last `tail` tokens of some prompt, ascending; nodes: room for n_nodes. Their
// number.
uint32_t trie_tail(const struct trie *t, uint32_t tail, uint32_t *nodes);

// The node `back` tokens before the prompt's last (0 = the last), or UINT32_MAX when the prompt is
// shorter.
uint32_t trie_node(const struct trie *t, uint32_t prompt, uint32_t back);

// A place in a prompt from which others before it are found without a walk from its end.
struct trie_place {
    uint32_t node, position;
};
struct trie_place trie_last(const struct trie *t, uint32_t prompt);
// The node at a position, at or before the place's own, where the place then is.
uint32_t trie_back_to(const struct trie *t, struct trie_place *place, uint32_t position);

#endif
