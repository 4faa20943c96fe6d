// A few rows that stand for all of a lab's, so that a long sweep shows its outline before it has its numbers.
#ifndef ABL_LAB_SAMPLE_H
#define ABL_LAB_SAMPLE_H

#include <stdbool.h>

#include "base/err.h"
#include "lab/run.h"

// A lab over some of the rows of `all`, started, with its device and weights; *out is NULL where a sample would not help:
// fewer than 64 clusters, means over all rows, answers of several tokens, tinyLab's conventions, or weights that come and
// go. Of all clusters one in eight to sixteen is taken with every row of it, one from each of equally long stretches of the
// clusters in the order of their templates, by the seed. lab_variants of both are the same list. `all` outlives it: sample_free.
bool sample_open(const struct lab *all, struct lab **out, struct abl_err *err);
void sample_free(struct lab *sample);

#endif
