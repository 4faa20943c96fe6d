// Seeded random numbers, the same on every machine: xoshiro256** seeded by splitmix64
// (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2021).
#ifndef ABL_BASE_RNG_H
#define ABL_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);

// Uniform in 0..n-1 without modulo bias (Lemire 2019); n > 0.
uint32_t rng_below(struct rng *r, uint32_t n);

// order becomes a random permutation of 0..n-1 (Fisher & Yates 1938).
void rng_shuffle(struct rng *r, uint32_t *order, uint32_t n);

#endif
