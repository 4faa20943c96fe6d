// The overview of a run for people and scripts.
#ifndef ABL_REPORT_SUMMARY_H
#define ABL_REPORT_SUMMARY_H

#include <stdbool.h>

#include "analysis/effects.h"
#include "base/err.h"
#include "report/doc.h"
#include "report/report.h"

// The document of metrics/summary.json; *out is to be released whether or not this fails.
bool summary_doc(const struct report *r, const struct effects *effects, struct doc *out,
                 struct abl_err *err);

// The document of metrics/partial_summary.json: what was done when a run stopped early.
struct doc partial_summary_doc(const struct report *r);

#endif
