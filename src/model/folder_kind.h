// A folder that lacks what a checkpoint folder has: what it is instead, by the files that are in
// it, and what to do.
#ifndef ABL_MODEL_FOLDER_KIND_H
#define ABL_MODEL_FOLDER_KIND_H

#include <stdbool.h>

#include "base/err.h"

// Each says why (ABL_BAD_MODEL) and returns false.
bool folder_lacks_config(const char *folder, struct abl_err *err);
bool folder_lacks_weights(const char *folder, struct abl_err *err);

#endif
