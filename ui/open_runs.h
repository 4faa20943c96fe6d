// The folders of runs that are open, one of which is shown.
#ifndef ABL_UI_OPEN_RUNS_H
#define ABL_UI_OPEN_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct open_runs {
    char **places; // (n), each once; owned
    size_t n, shown;
};

// Add the run in a folder, of several conditions each of these; the first of what was added is
// shown. ABL_USAGE where no run lies there.
bool open_runs_add(struct open_runs *o, const char *folder, struct abl_err *err);
void open_runs_release(struct open_runs *o);

#endif
