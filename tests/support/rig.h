// A model on a device with prompts of a test's own, beside the double-precision reference.
#ifndef ABL_TESTS_RIG_H
#define ABL_TESTS_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "forward/forward.h"
#include "plan/donors.h"
#include "reference/reference.h"

struct rig_settings {
    const char *device, *model;   // model: a folder
    const struct prompt *prompts; // borrowed
    size_t n_prompts;
    const struct prompt *donors; // borrowed, NULL: the prompts themselves
    size_t n_donors;
    const uint32_t *donor_maps[N_DONOR_MAPS]; // for each prompt a donor, borrowed
    bool has_bos;
    uint64_t mem;         // 0: plenty
    uint64_t weights_mem; // likewise of weights, 0 = no limit
    uint32_t n_threads;   // 0: 2
    unsigned left_out;    // enum saving
    enum precision precision;
    const struct rig *like; // open, of the same model and device: they are borrowed; NULL: own ones
};

struct rig {
    struct rig_settings settings;
    struct model *model;
    struct engine *engine;
    struct forward *forward;
    struct row_stats *intact; // (n_prompts)
    size_t n_variants;        // of the last run
    struct row_stats *rows;   // [variant * n_prompts + prompt], likewise
};

// All fail the test when something cannot be done.
void rig_open(struct rig *r, const struct rig_settings *settings);
void rig_run(struct rig *r, const struct variants *v);
void rig_close(struct rig *r);

// Check rigs of such settings over models with learned positions, with parallel layers, and with
// windows and few kv heads, on each device.
void rig_each_model(const struct rig_settings *settings, void (*check)(struct rig *r));

// All prompts of a rig, which are one block; borrowed.
struct block *rig_block(const struct rig *r);

// (rows, cols) of a tensor; the caller's.
float *rig_download(const struct rig *r, struct tensor t);

// Compare the last run and the intact one with the reference in every metric: within tolerance *
// max(1, |expected|), and rank and argmax where the reference is not that near to a tie.
void rig_check(const struct rig *r, const struct variants *v, double tolerance, const char *what);

// Variants of the last run that say the same thing twice: the first as the second, the third as the
// fourth, …
void rig_check_pairs(const struct rig *r, const struct variants *v, double tolerance,
                     const char *what);

// logit_diff.
double ld_of(const struct row_stats *row);

// Two rows that should be the same numbers: within tolerance * max(1, |expected|) in all but rank
// and argmax.
void same_stats(const struct row_stats *found, const struct row_stats *expected, double tolerance,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

// Numbers that should be the same: within tolerance * max(1, |expected|), at 0 to the bit.
void same_floats(const float *found, const float *expected, size_t n, double tolerance,
                 const char *what);

// Seeded prompts of 1 … max_ids ids, every third beginning as the one before it, every fifth with
// lists of answers. n_vocab is at least 7. Owned: free each
// item's ids through prompts_random_free.
struct prompt *prompts_random(size_t n, uint32_t max_ids, uint32_t n_vocab, uint64_t seed);
void prompts_random_free(struct prompt *prompts);

#endif
