// Does a device compute what the papers say? A slice of a run, compared with the reference.
#ifndef ABL_VERIFY_VERIFY_H
#define ABL_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "session/session.h"
#include "stats/metrics.h"

// What is compared: every metric (index enum metric), and ld's paired difference.
enum { VERIFY_DELTA_LD = N_METRICS, N_DRIFTS };

// How far a device is from the reference in one metric, over all rows and variants.
struct verify_drift {
    const char *name; // "ld", "delta_ld", …
    double max, mean; // absolute difference
    double tolerance; // of a difference, times max(1, |reference|)
    size_t n;         // values compared
    // rank and flip: values left out because the reference is nearer to a tie than the tolerance
    size_t n_near;
    bool pass;
    // label, "intact", or NULL where nothing differs; lives as long as the verify
    const char *worst_variant;
    uint32_t worst_line; // line of its row in the data file
    double worst_found, worst_expected;
};

struct verify_result {
    struct device_info device;
    struct verify_drift drift[N_DRIFTS];
    bool pass;
    // code is not ABL_OK where the device did not run at all; there is no drift then
    struct abl_err err;
};

struct verify {
    struct session *session; // model, data and all prompts; no engine
    struct prompt *prompts;  // (n_prompts) those compared, short to long
    uint32_t *numbers;       // (n_prompts) of each among those of the run
    size_t n_prompts;
    struct prompt *donors; // (n_donors) what the variants take from; donor_maps count these
    size_t n_donors;
    // of the prompts compared; NULL where no edit takes by it
    const uint32_t *donor_maps[N_DONOR_MAPS];
    struct variants variants;      // those compared
    size_t n_all_variants;         // that the settings ask for
    struct verify_result *results; // one a device
    size_t n_results;
    struct arena arena;
};

// How much to compare; 0 is the default.
struct verify_limits {
    size_t n_rows; // prompts; 8
    double flop;   // of the reference, which is slow; 2e10, a few seconds on two cores
};

// Compare the device that the settings name, or with "auto" or "all" every device here, the cpu
// first (in f32; other precisions are of one kind of device). The slice: prompts spread over the
// lengths, under every variant that the settings ask for; where that is beyond the limit, under one
// variant a layer drawn by the seed, and then over fewer prompts. False where nothing could be
// compared; a device that drifts is in its result. Owned by the caller: verify_release.
bool verify_run(const struct settings *s, struct verify_limits limits, struct verify *out,
                struct abl_err *err);
void verify_release(struct verify *v);

// True if every device passed; else ABL_SELF_CHECK (or why a device did not run) and the worst of
// it in one line.
bool verify_passed(const struct verify *v, struct abl_err *err);

#endif
