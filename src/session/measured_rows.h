// What a session measured of its rows, as statistics need it: no model, no device.
#ifndef ABL_SESSION_MEASURED_ROWS_H
#define ABL_SESSION_MEASURED_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

// Everything is borrowed, and stays where it is as long as the session does.
struct measured_rows {
    const struct prompts *prompts;  // rows, targets and clusters
    const struct row_stats *intact; // (prompts->n)
    const struct row_stats *other;  // likewise, of the other prompts; NULL where nobody asked
    const struct resampler *resampler;
    const struct donor_pairs *pairs; // who gives to rows that are resampled; NULL: nobody knows
    const bool *held_out;            // (prompts->n_clusters); NULL without --holdout
    uint32_t n_boot;                 // of the resampler; alpha too
    uint64_t seed;
    double alpha;
    double min_effect; // share of an intact |mean|
};

// Of a session that has been started.
struct measured_rows session_measured_rows(const struct session *session);

#endif
