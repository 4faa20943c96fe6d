#include "plan/cells.h"

// The bits of word `at` that lie in [first, end).
static uint64_t mask_of(size_t at, size_t first, size_t end)
{
    uint64_t mask = UINT64_MAX;
    if (first > at * 64)
        mask &= UINT64_MAX << first % 64;
    if (end < (at + 1) * 64)
        mask &= ~(UINT64_MAX << end % 64);
    return mask;
}

bool cells_are_set(const uint64_t *bits, size_t first, size_t n)
{
    for (size_t at = first / 64; at * 64 < first + n; at++) {
        uint64_t mask = mask_of(at, first, first + n);
        if ((bits[at] & mask) != mask)
            return false;
    }
    return true;
}

void cells_set(uint64_t *bits, size_t first, size_t n)
{
    for (size_t at = first / 64; at * 64 < first + n; at++)
        bits[at] |= mask_of(at, first, first + n);
}

size_t cells_count(const uint64_t *bits, size_t first, size_t n)
{
    size_t sum = 0;
    for (size_t at = first / 64; at * 64 < first + n; at++)
        sum += (size_t)__builtin_popcountll(bits[at] & mask_of(at, first, first + n));
    return sum;
}
