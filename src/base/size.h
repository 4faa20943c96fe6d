// Overflow-checked size arithmetic for numbers that come from files.
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

#endif
