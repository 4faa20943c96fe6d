// What a run read off its model, in short: the part of summary.json that names heads and layers.
#ifndef ABL_REPORT_SUMMARY_READINGS_H
#define ABL_REPORT_SUMMARY_READINGS_H

#include <stdbool.h>

#include "analysis/effects.h"
#include "base/err.h"
#include "report/doc.h"
#include "report/report.h"

// Add what the run's readings hold: the heads that each detector finds; the parts that write most
// towards the answers and against them, for heads beside what their ablation does.
bool summary_readings(struct doc *d, const struct report *r, const struct effects *effects,
                      struct abl_err *err);

#endif
