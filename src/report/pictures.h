// The figures of a run, drawn in a process of their own: fonts and drawing are others' code, and
// what goes wrong there may cost a picture but not the run.
#ifndef ABL_REPORT_PICTURES_H
#define ABL_REPORT_PICTURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jobs.h"
#include "report/forest_figure.h"
#include "report/heatmap.h"

// Of files, in the order in which they come: those of the heatmap, then those of the forest.
enum { N_HEATMAP_PICTURES = 2, N_PICTURES = 4 };
extern const char *const picture_names[N_PICTURES];

// Begin to draw; picture after picture is then taken with job_next. f: NULL, there is none. jobs:
// NULL draws here.
bool pictures_begin(struct jobs *jobs, const struct heatmap *m, const struct forest_figure *f,
                    struct job **out, struct abl_err *err);

#endif
