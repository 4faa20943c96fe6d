// Where a run's numbers come from: its only file with times, paths and names of the machine.
#ifndef ABL_REPORT_PROVENANCE_H
#define ABL_REPORT_PROVENANCE_H

#include <stdbool.h>

#include "base/sha256.h"
#include "report/doc.h"
#include "report/report.h"

extern const char abl_version[]; // "0.1.0"

// The document of provenance.json; doc_release it.
struct doc provenance_doc(const struct report *r, const char model_sha256[SHA256_HEX]);

#endif
