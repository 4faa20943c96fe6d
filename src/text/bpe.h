// Byte-pair merging (Sennrich, Haddow & Birch 2016): repeatedly join the adjacent pair of the
// lowest rank, the leftmost of equals, until no pair has a rank. Knows ids only; where they come
// from is the caller's business.
#ifndef ABL_TEXT_BPE_H
#define ABL_TEXT_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

// Which pairs merge, into what, and how early.
struct bpe {
    struct hash pairs; // (left, right): (rank, merged)
};

// An empty table with room for n_merges pairs.
bool bpe_init(struct bpe *b, size_t n_merges, struct abl_err *err);

// Add a pair of ids; of a pair given twice the later one counts. At most n_merges calls.
void bpe_add(struct bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged);
void bpe_release(struct bpe *b);

// Working memory for merging, kept from word to word; zero-initialise. One per thread.
struct bpe_scratch {
    struct bpe_link *links;
    struct bpe_candidate *heap;
    size_t cap, n_heap;
};

// Merge ids[0..n) in place; *n becomes the number left. More than INT32_MAX are refused.
bool bpe_merge(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n,
               struct abl_err *err);
void bpe_scratch_release(struct bpe_scratch *s);

#endif
