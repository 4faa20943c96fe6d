// metrics/holdout.csv: what was chosen on the discovery clusters, and what the held-out ones say of it.
#ifndef ABL_REPORT_TABLES_HOLDOUT_H
#define ABL_REPORT_TABLES_HOLDOUT_H

#include "base/buf.h"
#include "report/report.h"
#include "report/results.h"
#include "report/sheet.h"

void write_holdout(const struct report *r, const struct results *results, enum sheet_format format,
                   struct buf *out);

#endif
