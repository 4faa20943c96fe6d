// Where a run's numbers come from: its only file with times, paths and names of the machine.
#ifndef ABL_REPORT_PROVENANCE_H
#define ABL_REPORT_PROVENANCE_H

#include <stdbool.h>

#include "base/sha256.h"
#include "report/doc.h"
#include "report/report.h"

extern const char abl_version[]; // "0.1.0"

// What is known of the weights that were run.
struct weights_of {
    char sha256[SHA256_HEX]; // "": it cannot be told, for the reason in `unknown`
    struct abl_err unknown;
};

// Who works at a run and with what, into an object: version, device, driver, host, when.
void provenance_worker(struct doc *d, cJSON *to, const struct session *session,
                       const char *command_line);

// The document of provenance.json; doc_release it.
struct doc provenance_doc(const struct report *r, const struct weights_of *weights);

#endif
