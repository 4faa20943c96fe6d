// Activations of a clean stream as its tap sees them, on the host.
#ifndef ABL_TESTS_ACTIVATIONS_H
#define ABL_TESTS_ACTIVATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "forward/prompt_block.h"
#include "tests/support/rig.h"

// One activation: (rows, cols), seen that often.
struct seen {
    float *values;
    uint32_t rows, cols, times;
};

struct activations {
    struct engine *engine;
    struct seen (*layers)[N_SITES]; // of each layer
    uint32_t n_layers;
};

// Run a block intact and keep every site of every layer. whole: every row goes through the whole of
// the last layer. reads_only: of patterns, as in struct tap. Fails the test when it cannot.
void activations_take(struct activations *a, struct block *b, bool whole, bool reads_only);
void activations_release(struct activations *a);

#endif
