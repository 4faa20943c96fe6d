// The figures of a run, drawn in a process of their own: fonts and drawing are others' code, and
// what goes wrong there may cost a picture but not the run.
#ifndef ABL_REPORT_PICTURES_H
#define ABL_REPORT_PICTURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jobs.h"
#include "report/heatmap.h"

enum { N_PICTURES = 2 };
extern const char *const picture_names[N_PICTURES]; // of files, in the order in which they come

// Begin to draw; picture after picture is then taken with job_next. jobs: NULL draws here.
bool pictures_begin(struct jobs *jobs, const struct heatmap *m, struct job **out,
                    struct abl_err *err);

#endif
