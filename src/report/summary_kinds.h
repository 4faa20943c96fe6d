// What the kinds of ablation of a run say together, in its overview.
#ifndef ABL_REPORT_SUMMARY_KINDS_H
#define ABL_REPORT_SUMMARY_KINDS_H

#include <stdbool.h>

#include "analysis/effects.h"
#include "base/err.h"
#include "report/doc.h"
#include "report/report.h"

// Of ld, under "agreement": heads and sets that are among the first under some kind, each with its
// verdict, which names the kinds. Nothing where the run has one kind.
bool summary_kinds(struct doc *d, const struct report *r, const struct effects *effects,
                   struct abl_err *err);

#endif
