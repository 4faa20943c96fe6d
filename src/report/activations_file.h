// artifacts/activations.safetensors: what --save asked for.
#ifndef ABL_REPORT_ACTIVATIONS_FILE_H
#define ABL_REPORT_ACTIVATIONS_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/sha256.h"
#include "report/report.h"
#include "report/rundir.h"

// Nothing where nothing was saved. Tensors: each site as F32, (layers, tokens, heads where it has
// some, columns), and as I64 (tokens) row, position, token_id and asked, by the numbers of the
// tables, the prompt and the list of positions. Its metadata says what, of what, and the run's
// configuration.
bool activations_file_add(struct rundir *dir, const struct report *r,
                          const char model_sha256[SHA256_HEX], struct abl_err *err);

#endif
