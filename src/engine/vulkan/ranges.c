#include "engine/vulkan/ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool ranges_init(struct ranges *r, uint64_t size)
{
    *r = (struct ranges){ .cap = 16 };
    r->free = malloc(r->cap * sizeof *r->free);
    if (!r->free)
        return false;
    r->free[r->n++] = (struct range){ .first = 0, .size = size };
    return true;
}

void ranges_release(struct ranges *r)
{
    free(r->free);
    *r = (struct ranges){ 0 };
}

// n_taken taken parts have at most n_taken + 1 free ones between them. Making room for that when a
// part is taken leaves ranges_give nothing to allocate.
static bool reserve(struct ranges *r, size_t n_taken)
{
    if (n_taken + 2 <= r->cap)
        return true;
    struct range *bigger = realloc(r->free, 2 * r->cap * sizeof *bigger);
    if (!bigger)
        return false;
    r->free = bigger;
    r->cap *= 2;
    return true;
}

static uint64_t align_up(uint64_t x, uint64_t alignment)
{
    return (x + alignment - 1) & ~(alignment - 1);
}

static void insert(struct ranges *r, size_t at, struct range part)
{
    assert(r->n < r->cap);
    memmove(r->free + at + 1, r->free + at, (r->n - at) * sizeof *r->free);
    r->free[at] = part;
    r->n++;
}

static void erase(struct ranges *r, size_t at)
{
    memmove(r->free + at, r->free + at + 1, (r->n - at - 1) * sizeof *r->free);
    r->n--;
}

bool ranges_take(struct ranges *r, uint64_t size, uint64_t alignment, uint64_t *first)
{
    assert(size > 0 && alignment > 0 && (alignment & (alignment - 1)) == 0);
    size_t best = r->n;
    for (size_t i = 0; i < r->n; i++) {
        uint64_t skip = align_up(r->free[i].first, alignment) - r->free[i].first;
        if (skip <= r->free[i].size && size <= r->free[i].size - skip
            && (best == r->n || r->free[i].size < r->free[best].size))
            best = i;
    }
    if (best == r->n || !reserve(r, r->n_taken + 1))
        return false;
    struct range part = r->free[best];
    uint64_t begin = align_up(part.first, alignment), end = part.first + part.size;
    erase(r, best);
    if (begin + size < end)
        insert(r, best, (struct range){ .first = begin + size, .size = end - begin - size });
    if (part.first < begin)
        insert(r, best, (struct range){ .first = part.first, .size = begin - part.first });
    r->n_taken++;
    *first = begin;
    return true;
}

void ranges_give(struct ranges *r, uint64_t first, uint64_t size)
{
    assert(r->n_taken > 0);
    r->n_taken--;
    size_t at = 0;
    while (at < r->n && r->free[at].first < first)
        at++;
    assert(at == r->n || first + size <= r->free[at].first);
    assert(at == 0 || r->free[at - 1].first + r->free[at - 1].size <= first);
    bool joins_left = at > 0 && r->free[at - 1].first + r->free[at - 1].size == first;
    bool joins_right = at < r->n && first + size == r->free[at].first;
    if (joins_left && joins_right) {
        r->free[at - 1].size += size + r->free[at].size;
        erase(r, at);
    } else if (joins_left) {
        r->free[at - 1].size += size;
    } else if (joins_right) {
        r->free[at] = (struct range){ .first = first, .size = size + r->free[at].size };
    } else {
        insert(r, at, (struct range){ .first = first, .size = size });
    }
}

bool ranges_all_free(const struct ranges *r)
{
    return r->n_taken == 0;
}
