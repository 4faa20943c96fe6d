// Expected numbers of head ablation from transformers in float64: tests/fixtures/**/*-golden.json,
// written by tools/golden_heads.py, which says what they mean.
#ifndef ABL_TESTS_GOLDEN_H
#define ABL_TESTS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/variant.h"
#include "text/prompts.h"

enum { GOLDEN_MAX_HEADS = 64, GOLDEN_MAX_SETS = 16, GOLDEN_MAX_IDS = 64 };

// [layer * n_heads + head]
struct golden_grid {
    double delta_ld[GOLDEN_MAX_HEADS], kl[GOLDEN_MAX_HEADS], flip[GOLDEN_MAX_HEADS];
};

struct golden_set {
    char label[32]; // "0:0+0:7"
    double delta_ld;
};

struct golden_sets {
    struct golden_set items[GOLDEN_MAX_SETS];
    size_t n;
};

struct golden_row {
    char condition[32];
    uint64_t row;                          // in the condition's file
    char clean[128], target[32], foil[32]; // "" where the prompt is no text
    uint32_t ids[GOLDEN_MAX_IDS], n_ids;
    uint64_t target_id, foil_id, rank, argmax;
    double ld, logprob, prob, entropy;
    struct golden_grid by_head[2]; // [enum value_bias]
    struct golden_sets joint;      // folded
    struct golden_sets half[2];    // [enum value_bias] one head each, scaled by 0.5
};

struct golden {
    char model[64];                // folder or GGUF file
    char model_sha256[SHA256_HEX]; // as model_sha256 of model.h has it
    uint64_t n_layers, n_heads;
    struct golden_row *rows;
    struct prompt *prompts; // the same rows, for the session
    size_t n_rows;
    struct arena arena;
};

// Read a file, failing the test where it is not as it should be or belongs to other weights than
// those on disk.
void golden_open(const char *path, struct golden *out);
// Leave out all rows but every step-th: the reference is slow under sanitizers.
void golden_thin(struct golden *g, size_t step);
void golden_release(struct golden *g);

// Fail unless found is within tolerance * max(1, |expected|) of expected; NaN fails. The rest says
// where.
void golden_close(double found, double expected, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
