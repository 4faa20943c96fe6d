// The folder that runs go to which name none.
#ifndef ABL_REPORT_RUNS_FOLDER_H
#define ABL_REPORT_RUNS_FOLDER_H

#include <stdbool.h>

#include "base/err.h"
#include "session/session.h"

// malloc'd "runs/<name>_<12 hex>", with "-partial" behind it; NULL on failure.
char *runs_default_place(const struct session *session, const struct settings *settings,
                         const char *model_sha256, bool partial, struct abl_err *err);

// The folder that it lies in; unmade, where it was made, when nothing came of it.
bool runs_make(bool *made, struct abl_err *err);
void runs_unmake(bool made);

#endif
