// The runs that lie in a folder.
#ifndef ABL_REPORT_RUN_LIST_H
#define ABL_REPORT_RUN_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/run_info.h"

struct run_list {
    struct run_info *items; // newest first, runs of a joint one behind it
    size_t n;
    struct arena arena;
};

// The run that a folder is, or those that lie in it; runs of several conditions with those of each.
// Nothing where nothing is there. run_list_release, also after a failure.
bool run_list_read(const char *folder, struct run_list *out, struct abl_err *err);
void run_list_release(struct run_list *l);

#endif
