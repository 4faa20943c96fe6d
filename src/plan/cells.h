// Cells of a run, variants x rows, as a bit each: [variant * n_rows + row].
#ifndef ABL_PLAN_CELLS_H
#define ABL_PLAN_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Words that so many cells take; one at least.
static inline size_t cells_words(size_t n_variants, size_t n_rows)
{
    return n_variants * n_rows / 64 + 1;
}

static inline bool cell_is_set(const uint64_t *bits, size_t cell)
{
    return bits[cell / 64] >> cell % 64 & 1;
}

// Bits [first, first + n) of a variant's rows: all of them are set, or become so.
bool cells_are_set(const uint64_t *bits, size_t first, size_t n);
void cells_set(uint64_t *bits, size_t first, size_t n);
size_t cells_count(const uint64_t *bits, size_t first, size_t n);

#endif
