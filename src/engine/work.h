// What an operation of an engine costs, from its dimensions alone: products by weights, at two FLOP
// a multiply-add, and bytes of matrices. A plan tells it beforehand with the same functions with
// which a traced engine counts it. COUNT_TOO_BIG (base/size.h) where 64 bits do not hold it.
// Operations without a function here multiply by no weights and count 0.
#ifndef ABL_ENGINE_WORK_H
#define ABL_ENGINE_WORK_H

#include <stdint.h>

#include "base/size.h"
#include "engine/precision.h"

// (m, k) times (k, n)
static inline uint64_t product_flop(uint64_t m, uint64_t k, uint64_t n)
{
    return count_mul(2, count_mul(m, count_mul(k, n)));
}

// linear: m rows of k through a (k, n) matrix.
static inline uint64_t linear_flop(uint64_t m, uint64_t k, uint64_t n)
{
    return product_flop(m, k, n);
}

// head_out: m rows of one head's d columns through its rows of a matrix with n columns.
static inline uint64_t head_out_flop(uint64_t m, uint64_t d, uint64_t n)
{
    return product_flop(m, d, n);
}

// readout: logits of n_rows rows and of the n_base rows that they are compared with, each
// once. An engine that has no memory for all of them at once may multiply a base row again;
// that is not counted.
static inline uint64_t readout_flop(uint64_t n_rows, uint64_t n_base, uint64_t k, uint64_t n)
{
    return product_flop(count_add(n_rows, n_base), k, n);
}

// weight_new: bytes that a (k, n) matrix takes on a device.
static inline uint64_t weight_bytes(uint64_t k, uint64_t n, enum precision precision)
{
    return count_mul(precision_bytes(precision), count_mul(k, n));
}

// Columns of a (k, n) matrix that stays in its file which are widened at a time.
static inline uint32_t stored_part_cols(uint32_t k, uint32_t n)
{
    enum { PART_FLOATS = 8 << 20, MULTIPLE = 64 };
    uint32_t fit = PART_FLOATS / k / MULTIPLE * MULTIPLE;
    return n <= PART_FLOATS / k ? n : fit ? fit : MULTIPLE;
}

#endif
