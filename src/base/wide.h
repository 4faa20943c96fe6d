// Loops in vectors of the machine's width.
#ifndef ABL_BASE_WIDE_H
#define ABL_BASE_WIDE_H

// One binary for every x86-64: the loader picks the widest version of a function
// that the machine has.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)                                \
    && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

// Inner loops of WIDE functions: on their own they would be compiled for the narrowest machine.
#define INLINED static inline __attribute__((always_inline))

#endif
