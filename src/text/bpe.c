// Words are a linked list over the ids array; a heap holds every pair that could merge. A merge
// keeps the left place, empties the right one and offers the two new pairs. Pairs that changed
// meanwhile are noticed when they come up.
//
//   l o w e r     heap: (l o, rank 3) (e r, rank 7)
//   lo · w e r    heap: (e r, 7) (lo w, 9)
//   lo · w er ·   heap: (lo w, 9)
//   low · · er ·  done: ids low, er
#include "text/bpe.h"

#include <assert.h>
#include <stdlib.h>

#include "base/size.h"

enum { NO_PLACE = -1 };

static const uint32_t EMPTY = UINT32_MAX; // no id in a place

struct bpe_link {
    int32_t prev, next;
};

struct bpe_candidate {
    uint32_t rank;
    int32_t place; // of the left id
    uint32_t merged;
};

bool bpe_init(struct bpe *b, size_t n_merges, struct abl_err *err)
{
    *b = (struct bpe){ 0 };
    return hash_reserve(&b->pairs, n_merges) || abl_no_memory(err);
}

void bpe_release(struct bpe *b)
{
    hash_release(&b->pairs);
}

void bpe_add(struct bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged)
{
    uint64_t *pair = hash_put(&b->pairs, hash_pair(left, right), 0);
    assert(pair); // bpe_init made room
    *pair = hash_pair(rank, merged);
}

static bool reserve(struct bpe_scratch *s, size_t n, struct abl_err *err)
{
    s->n_heap = 0;
    if (n <= s->cap)
        return true;
    size_t cap = size_max(n, s->cap * 2), heap_bytes;
    if (!size_mul(cap, 3 * sizeof *s->heap, &heap_bytes))
        return abl_no_memory(err);
    bpe_scratch_release(s);
    s->links = malloc(cap * sizeof *s->links);
    // n - 1 pairs at the start, and at most n - 1 merges that offer two each: never more than 3 n.
    s->heap = malloc(heap_bytes);
    if (!s->links || !s->heap) {
        bpe_scratch_release(s);
        return abl_no_memory(err);
    }
    s->cap = cap;
    return true;
}

void bpe_scratch_release(struct bpe_scratch *s)
{
    free(s->links);
    free(s->heap);
    *s = (struct bpe_scratch){ 0 };
}

static bool comes_first(struct bpe_candidate a, struct bpe_candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.place < b.place;
}

static void heap_push(struct bpe_scratch *s, struct bpe_candidate c)
{
    size_t at = s->n_heap++;
    assert(at < 3 * s->cap);
    for (; at && comes_first(c, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = c;
}

static struct bpe_candidate heap_pop(struct bpe_scratch *s)
{
    struct bpe_candidate top = s->heap[0], last = s->heap[--s->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < s->n_heap; at = child) {
        if (child + 1 < s->n_heap && comes_first(s->heap[child + 1], s->heap[child]))
            child++;
        if (!comes_first(s->heap[child], last))
            break;
        s->heap[at] = s->heap[child];
    }
    s->heap[at] = last;
    return top;
}

// Offer the pair that begins at `place`, if it can merge.
static void offer(const struct bpe *b, struct bpe_scratch *s, const uint32_t *ids, int32_t place)
{
    if (place == NO_PLACE || s->links[place].next == NO_PLACE)
        return;
    uint32_t right = ids[s->links[place].next];
    const uint64_t *pair = hash_find(&b->pairs, hash_pair(ids[place], right));
    if (pair)
        heap_push(s, (struct bpe_candidate){ .rank = (uint32_t)(*pair >> 32),
                                             .place = place,
                                             .merged = (uint32_t)*pair });
}

// Whether the pair a candidate stands for is still there. Two pairs of different rank may spell the
// same token; the reference compares the merged id only, and so do we.
static bool is_current(const struct bpe *b, const struct bpe_scratch *s, const uint32_t *ids,
                       struct bpe_candidate c)
{
    int32_t next = s->links[c.place].next;
    if (ids[c.place] == EMPTY || next == NO_PLACE)
        return false;
    const uint64_t *pair = hash_find(&b->pairs, hash_pair(ids[c.place], ids[next]));
    return pair && (uint32_t)*pair == c.merged;
}

static void join(struct bpe_scratch *s, uint32_t *ids, struct bpe_candidate c)
{
    struct bpe_link *left = &s->links[c.place];
    int32_t gone = left->next;
    ids[c.place] = c.merged;
    ids[gone] = EMPTY;
    left->next = s->links[gone].next;
    if (left->next != NO_PLACE)
        s->links[left->next].prev = c.place;
}

bool bpe_merge(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n,
               struct abl_err *err)
{
    if (*n < 2)
        return true;
    if (*n > INT32_MAX)
        return abl_fail(err, ABL_BAD_DATA,
                        "a word of %zu characters is too long: expected %d at most", *n, INT32_MAX);
    if (!reserve(s, *n, err))
        return false;
    int32_t count = (int32_t)*n;
    for (int32_t i = 0; i < count; i++)
        s->links[i] = (struct bpe_link){ .prev = i - 1, .next = i + 1 < count ? i + 1 : NO_PLACE };
    for (int32_t i = 0; i + 1 < count; i++)
        offer(b, s, ids, i);
    while (s->n_heap) {
        struct bpe_candidate c = heap_pop(s);
        if (!is_current(b, s, ids, c))
            continue;
        join(s, ids, c);
        offer(b, s, ids, s->links[c.place].prev);
        offer(b, s, ids, c.place);
    }
    size_t left = 0;
    for (int32_t i = 0; i != NO_PLACE; i = s->links[i].next)
        ids[left++] = ids[i];
    *n = left;
    return true;
}
