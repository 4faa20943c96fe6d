// A run's tables as files of its directory, written as they grow: one may be larger than memory.
#ifndef ABL_REPORT_TABLE_FILES_H
#define ABL_REPORT_TABLE_FILES_H

#include <stdbool.h>

#include "analysis/effects.h"
#include "base/err.h"
#include "report/report.h"
#include "report/rundir.h"

bool table_files_add(struct rundir *dir, const struct report *r, const struct effects *effects,
                     struct abl_err *err);

#endif
