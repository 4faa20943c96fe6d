// Shards joined into the run that they are of, from their journals, without a device. Their folders
// may be one or several.
#ifndef ABL_REPORT_MERGE_H
#define ABL_REPORT_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "report/run_journals.h"
#include "session/results.h"
#include "session/session.h"

struct merge_folder {
    const char *dir; // borrowed
    int fd;
    struct run_journals journals;
};

struct merge {
    struct merge_folder *folders;
    size_t n;
    const cJSON *head; // the first line of a shard's journal
    uint32_t n_shards;
};

// ABL_USAGE and ABL_BAD_DATA name a shard that is missing, that is there twice, that is another
// run's, that another process writes. merge_close, also after a failure.
bool merge_open(const char *const *dirs, size_t n, struct merge *out, struct abl_err *err);
void merge_close(struct merge *m);

// The session that the shards' command line opens becomes one that has been started, by what they
// say of the device and of the intact runs. ABL_USAGE where model, rows or variants are others now.
bool merge_start(const struct merge *m, struct session *session, const struct variants *variants,
                 struct abl_err *err);

// Every cell into the results; ABL_USAGE names a shard that is not done, and how far it is.
bool merge_load(const struct merge *m, const struct session *session, struct results *t,
                struct abl_err *err);

// A list of those who worked at it, as JSON text; malloc'd, NULL when memory is out.
char *merge_workers(const struct merge *m);

#endif
