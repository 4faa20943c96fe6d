// Where a traced run's time went: totals for metrics/profile.json, operations for a trace viewer.
#ifndef ABL_REPORT_PROFILE_H
#define ABL_REPORT_PROFILE_H

#include "base/buf.h"
#include "base/sampler.h"
#include "engine/traced.h"
#include "forward/forward.h"
#include "report/doc.h"

// The document of profile.json; doc_release it. spent: batches and token rows that went through
// layers. samples may be NULL: nobody looked.
struct doc profile_doc(const struct trace *t, struct forward_spent spent,
                       const struct samples *samples, bool partial);

// Append the operations in the Trace Event Format that Chrome and Perfetto read.
void profile_trace(const struct trace *t, struct buf *out);

// Append a line for people: "time: 1.50 s: matmul 90 %, …". Nothing where no time went.
void profile_classes_text(const double seconds[N_TIME_CLASSES], struct buf *out);

// Append a table for people: a line for each kind of operation, longest first.
void profile_text(const struct trace *t, struct buf *out);

#endif
