// A run directory being written: under a temporary name beside its place, renamed when complete, so
// that a reader sees all of it or nothing. It ends with manifest.json, the list of its files; a
// folder with one is an earlier run and may be replaced as long as it holds nothing that its list
// does not name.
#ifndef ABL_REPORT_RUNDIR_H
#define ABL_REPORT_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct rundir_file;

struct rundir {
    char *place; // absolute: where it will be; owned
    char *temp;  // where it is written; owned
    struct rundir_file *files;
    size_t n_files;
};

// Refuse a place where a run directory cannot go: ABL_USAGE for what is not ours to replace,
// ABL_FAILED where nothing can be written.
bool rundir_check(const char *path, struct abl_err *err);

// Check, then create the temporary folder. Ends with rundir_commit or rundir_abort.
bool rundir_open(const char *path, struct rundir *out, struct abl_err *err);

enum rundir_flags {
    RUNDIR_VOLATILE = 1 << 0, // differs from run to run: listed without size and hash
};

// Write one file; name is relative, with at most one folder ("metrics/baseline.csv").
bool rundir_add(struct rundir *d, const char *name, const struct buf *bytes, unsigned flags,
                struct abl_err *err);

// Write manifest.json and rename into place; on failure nothing of ours stays. Releases the struct
// either way.
bool rundir_commit(struct rundir *d, bool partial, struct abl_err *err);
void rundir_abort(struct rundir *d);

#endif
