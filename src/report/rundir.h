// A run directory being written: under a temporary name beside its place, renamed when complete, so
// that a reader sees all of it or nothing. It ends with manifest.json, the list of its files; a
// folder with one is an earlier run and may be replaced as long as it holds nothing that its list
// does not name. What can fail for reasons of its own, a picture, is put in afterwards.
#ifndef ABL_REPORT_RUNDIR_H
#define ABL_REPORT_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct rundir_file;

struct rundir {
    char *place; // absolute: where it will be; owned
    // Of the folder that it lies in, all held open, so that nobody can put another in its place:
    int parent;
    char *base; // its name; owned
    char *temp; // the name under which it is written; owned
    int folder; // what is written
    int lock;   // of the folder: it is being written
    bool partial;
    int under_way; // the folder in its place, of the same run while it went; -1: none, borrowed
    struct rundir_file *files;
    size_t n_files;
};

// Refuse a place where a run directory cannot go: ABL_USAGE for what is not ours to replace,
// ABL_FAILED where nothing can be written.
bool rundir_check(const char *path, struct abl_err *err);

// Check, then create the temporary folder. Ends with rundir_finish behind rundir_commit, or with
// rundir_abort. under_way: the folder that may lie in its place as the run is under way there; -1:
// none may.
bool rundir_open(const char *path, int under_way, struct rundir *out, struct abl_err *err);

enum rundir_flags {
    RUNDIR_VOLATILE = 1 << 0, // differs from run to run: listed without size and hash
    RUNDIR_LATE = 1 << 1,     // added behind rundir_commit
};

// Write one file; name is relative, with at most one folder ("metrics/baseline.csv").
bool rundir_add(struct rundir *d, const char *name, const struct buf *bytes, unsigned flags,
                struct abl_err *err);

// Likewise piece by piece: a file that may be larger than memory. Ends with rundir_end, which tells
// of a failure on the way, too.
struct rundir_pieces;
struct rundir_pieces *rundir_begin(struct rundir *d, const char *name, struct abl_err *err);
void rundir_put(struct rundir_pieces *p, const struct buf *bytes);
bool rundir_end(struct rundir_pieces *p, struct abl_err *err);

// List a file that is not there, and why; adding it later takes that back.
void rundir_lack(struct rundir *d, const char *name, const char *why);

// Write manifest.json and rename into place: the run is whole. On failure nothing of ours stays and
// the struct is released.
bool rundir_commit(struct rundir *d, bool partial, struct abl_err *err);

// Write the manifest again, with what came late or is still lacking. Where that fails, what came
// late goes again, and the run is as it was committed. Releases the struct either way.
bool rundir_finish(struct rundir *d, struct abl_err *err);

void rundir_abort(struct rundir *d);

#endif
