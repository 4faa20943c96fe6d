// How the explorer learns what a run in a folder was asked to be: the command line, which is above
// the explorer, reads it as it would its own words.
#ifndef ABL_UI_RUN_READER_H
#define ABL_UI_RUN_READER_H

#include <stdbool.h>

#include "base/err.h"
#include "session/settings.h"

struct run_reader {
    // The settings of the run in `folder`, as its config.json and provenance.json say; *kept is
    // what their strings are in, for `release`. ABL_BAD_DATA names file and key.
    bool (*read)(const char *folder, struct settings *out, void **kept, struct abl_err *err);
    void (*release)(void *kept);
};

#endif
