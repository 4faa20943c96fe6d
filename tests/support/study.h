// A run without a model: rows that a test sets itself, of ld, in whatever clusters it says.
#ifndef ABL_TESTS_STUDY_H
#define ABL_TESTS_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/variant.h"
#include "session/measured_rows.h"
#include "session/session.h"

struct study {
    struct prompt *items; // (n rows) one cluster a row unless the test says otherwise
    struct prompts prompts;
    struct row_stats *intact; // (n rows) ld 0 unless the test says otherwise
    bool *held_out;           // (n rows) measured.held_out points here where a test wants it
    struct resampler *resampler;
    struct row_subsets *subsets;
    struct measured_rows measured;
    struct variants variants;
    struct results results;
};

// Fail the test with the error's text.
void must(bool ok, const struct abl_err *err);

// Room for n_variants, none of them there. Owned: study_close.
void study_open(struct study *s, size_t n_rows, size_t n_variants);
void study_close(struct study *s);

// Heads 0:0 … 0:n-1, each alone.
void study_heads(struct study *s, uint32_t n);

// Everything is known of the variants: make the results, all done and all as zeros.
void study_begin(struct study *s);

// The resampler of the clusters as they are now.
void study_resample(struct study *s, uint32_t n_boot, uint64_t seed);

// ld of a row under a variant; where the intact run's is 0 that is the delta.
void study_set(struct study *s, size_t variant, size_t row, double ld);

// Fail unless they differ by 1e-12 at most.
void is_near(const char *what, double found, double expected);

#endif
