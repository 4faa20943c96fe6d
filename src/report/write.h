// What a run writes (DESIGN section 6): a folder under a temporary name, renamed when complete.
#ifndef ABL_REPORT_WRITE_H
#define ABL_REPORT_WRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "report/report.h"

// Write the run directory at path; NULL = runs/<name>_<12 hex>, with "-partial" behind it for an
// interrupted run, so that it never takes the place of a complete one. *written (malloc'd) is where
// it is.
bool report_write(const struct report *r, const char *path, char **written, struct abl_err *err);

// What report_write would refuse about a path, asked before the run: ABL_USAGE for a folder that is
// not ours to replace, ABL_FAILED where nothing can be written.
bool report_check_target(const char *path, struct abl_err *err);

// The same content as one JSON document ("--export -", "--json"), appended to out.
bool report_json(const struct report *r, struct buf *out, struct abl_err *err);

#endif
