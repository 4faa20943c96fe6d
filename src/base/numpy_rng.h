// The random subsets that NumPy draws, so that runs of programs that use it can be repeated.
#ifndef ABL_BASE_NUMPY_RNG_H
#define ABL_BASE_NUMPY_RNG_H

#include <stddef.h>
#include <stdint.h>

// What numpy.random.default_rng(seed).choice(n, k, replace=False) picks, as marks: picked[i] for n
// places. NumPy's order of the picks is not kept. k <= n <= NUMPY_CHOICE_MAX, above which NumPy
// draws in another way.
enum { NUMPY_CHOICE_MAX = 10000 };
void numpy_choice(uint64_t seed, uint32_t n, uint32_t k, unsigned char *picked);

#endif
