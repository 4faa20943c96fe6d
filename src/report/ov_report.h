// ov_report.json (DESIGN section 6): what heads write into the vocabulary.
#ifndef ABL_REPORT_OV_REPORT_H
#define ABL_REPORT_OV_REPORT_H

#include "base/buf.h"
#include "experiments/ov.h"
#include "report/doc.h"

// The document; doc_release it.
struct doc ov_report_doc(const struct session *session, const struct ov *ov);

// Append a table for people: the first n tokens at either end of each head.
void ov_report_text(const struct session *session, const struct ov *ov, uint32_t n,
                    struct buf *out);

#endif
