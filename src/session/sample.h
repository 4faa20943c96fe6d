// A few rows that stand for all of a session's, so that a long sweep shows its outline early.
#ifndef ABL_SESSION_SAMPLE_H
#define ABL_SESSION_SAMPLE_H

#include <stdbool.h>

#include "base/err.h"
#include "session/session.h"

// A session over some of the rows of `all`, started, with its device and weights; *out is NULL
// where a sample would not help: fewer than 64 clusters, means over all rows, answers of several
// tokens, tinyLab's conventions, or weights that come and go. Of all clusters one in eight to
// sixteen is taken with every row of it, one from each of equally long stretches of the clusters
// in the order of their templates, by the seed. experiment_variants of both are the same list.
// `all` outlives it: sample_free.
bool sample_open(const struct session *all, struct session **out, struct abl_err *err);
void sample_free(struct session *sample);

#endif
