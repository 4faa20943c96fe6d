// A few rows that stand for all of a session's, so that a long sweep shows its outline early.
#ifndef ABL_SESSION_SAMPLE_H
#define ABL_SESSION_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/donors.h"
#include "session/measured_rows.h"
#include "session/results.h"
#include "session/session.h"

struct row_sample {
    struct prompts prompts;             // some of the session's, their clusters numbered anew
    size_t *rows;                       // (prompts.n) which they are
    const uint32_t *maps[N_DONOR_MAPS]; // of the session's donors
    struct row_stats *intact, *other;   // (prompts.n); other: NULL where the session's is
    struct resampler *resampler;
    struct row_subsets *subsets;
    struct forward *forward; // on the session's device, with its weights
    struct arena arena;
};

// Some of the rows of `all`, which has been started; *out is NULL where a sample would not help:
// fewer than 64 rows, means over all rows, answers of several tokens, tinyLab's conventions, or
// weights that come and go. Of all rows one in eight to sixteen is taken, one from each of equally
// long stretches of the rows in the order of their templates, by the seed. Variants of `all` run
// over it as they are. `all` outlives it: sample_free.
bool sample_open(const struct session *all, struct row_sample **out, struct abl_err *err);
void sample_free(struct row_sample *s);

// What runs its rows, and what statistics need of them; borrowed.
struct workload sample_workload(const struct row_sample *s);
struct measured_rows sample_measured_rows(const struct row_sample *s, const struct session *all);

#endif
