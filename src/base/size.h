// Overflow-checked arithmetic: sizes that come from files,
// and counts that may grow beyond any number.
#ifndef ABL_BASE_SIZE_H
#define ABL_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// *out = a * b; false (and *out untouched) on overflow.
static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

// *out = a + b; false (and *out untouched) on overflow.
static inline bool size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

// A count that does not fit. It stays what it is, whatever is added or multiplied, so that a sum is
// checked once, at its end.
#define COUNT_TOO_BIG UINT64_MAX

static inline uint64_t count_add(uint64_t a, uint64_t b)
{
    uint64_t r;
    return __builtin_add_overflow(a, b, &r) ? COUNT_TOO_BIG : r;
}

static inline uint64_t count_mul(uint64_t a, uint64_t b)
{
    uint64_t r;
    if (a == COUNT_TOO_BIG || b == COUNT_TOO_BIG)
        return COUNT_TOO_BIG;
    return __builtin_mul_overflow(a, b, &r) ? COUNT_TOO_BIG : r;
}

// What is left of a budget, 0 where more is used.
static inline uint64_t size_left(uint64_t budget, uint64_t used)
{
    return budget > used ? budget - used : 0;
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline uint32_t u32_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
