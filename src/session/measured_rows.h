// What a session measured of its rows, as statistics need it: no model, no device.
#ifndef ABL_SESSION_MEASURED_ROWS_H
#define ABL_SESSION_MEASURED_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "session/row_subsets.h"
#include "session/session.h"

// Everything is borrowed, and stays where it is as long as the session does.
struct measured_rows {
    const struct prompts *prompts;  // rows, targets and clusters
    const struct row_stats *intact; // (prompts->n)
    const struct row_stats *other;  // likewise, of the other prompts; NULL where nobody asked
    struct row_subset rows;         // that are averaged
    struct row_subsets *subsets;    // of them; NULL: they are one already
    const bool *held_out;           // (prompts->n_clusters); NULL without --holdout
    uint32_t n_boot;                // of the resampler; alpha too
    uint64_t seed;
    double alpha;
    double min_effect; // share of an intact |mean|
};

// Of a session that has been started.
struct measured_rows session_measured_rows(const struct session *session);

// The rows that a variant of a list tells something of (flags: of row_subsets.h); as they are
// where they are a subset already.
bool measured_subset(const struct measured_rows *measured, const struct variants *v, size_t variant,
                     unsigned flags, struct measured_rows *out, struct abl_err *err);

// The number of the i-th row that is averaged.
static inline size_t measured_row(const struct measured_rows *measured, size_t i)
{
    return measured->rows.at ? measured->rows.at[i] : i;
}

#endif
