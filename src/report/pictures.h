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

// One of the two.
struct figure {
    const struct heatmap *map;
    const struct forest_figure *forest;
};

// Each is two pictures, which come in the order of the figures.
extern const char *const picture_kinds[2]; // "svg", "png"

// Begin to draw; picture after picture is then taken with job_next. jobs: NULL draws here.
bool pictures_begin(struct jobs *jobs, const struct figure *figures, size_t n, struct job **out,
                    struct abl_err *err);

#endif
