// What a run writes (DESIGN section 6): a folder under a temporary name, renamed when its tables
// are complete, and then its pictures.
#ifndef ABL_REPORT_WRITE_H
#define ABL_REPORT_WRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "report/report.h"

// Where a run is and what became of it; written_release.
struct written {
    char *place;
    struct abl_err not_there; // why that is not where it was to be; code ABL_OK: it is
    struct buf lacking;       // the pictures that could not be drawn, and why; empty: all were
    struct abl_err weights;   // why their hash is not known; code ABL_OK: it is
    char *rescued; // a finished run of an earlier process that had not got into its place; or NULL
};

// Write the run directory at path; NULL = runs/<name>_<12 hex>, with "-partial" behind it for an
// interrupted run, so that it never takes the place of a complete one. A picture that cannot be
// drawn is no failure.
bool report_write(const struct report *r, const char *path, struct written *out,
                  struct abl_err *err);

// The same, but what cannot be at path goes where it can: beside path under another name, here, in
// $HOME, $TMPDIR, /var/tmp or /tmp. Fails where none of them will do, with what was wrong of path.
bool report_save(const struct report *r, const char *path, struct written *out,
                 struct abl_err *err);

void written_release(struct written *w);

// What there is to say besides where it is, a line each with `mark` in front.
void written_tell(const struct written *w, const char *mark, struct buf *out);

// What report_write would refuse about a path, asked before the run: ABL_USAGE for a folder that is
// not ours to replace, ABL_FAILED where nothing can be written.
bool report_check_target(const char *path, struct abl_err *err);

// The same content as one JSON document ("--export -", "--json"), appended to out.
bool report_json(const struct report *r, struct buf *out, struct abl_err *err);

#endif
