// How a lab is put together: for run.c, and for those that make a second one from it (sample.c, drift.c).
#ifndef ABL_LAB_RUN_PARTS_H
#define ABL_LAB_RUN_PARTS_H

#include <stdbool.h>

#include "base/err.h"
#include "lab/forward.h"
#include "lab/run.h"

// lab->resampler from the prompts' clusters.
bool lab_make_resampler(struct lab *lab, struct abl_err *err);

// What the lab's engine runs: its prompts and donors, with the memory that the settings give.
struct forward_settings lab_forward_settings(const struct lab *lab);

// From what was run to the rows: whole answers are folded together, else it is a copy.
void lab_fold_rows(const struct lab *lab, const struct row_stats *run, struct row_stats *rows);

#endif
