// Screenshots: a grid as text, ANSI escapes, SVG or PNG.
#ifndef ABL_UI_SHOT_H
#define ABL_UI_SHOT_H

#include <stdbool.h>

#include "base/err.h"
#include "ui/grid.h"

struct jobs;

// True if the file's ending is one of .txt .ans .svg .png; else ABL_USAGE.
bool shot_check_path(const char *path, struct abl_err *err);

// Write the grid in the format of the file's ending, under a temporary name first. jobs: where
// pictures are drawn, NULL: in this process.
bool shot_write(const struct grid *g, struct jobs *jobs, const char *path, struct abl_err *err);

#endif
