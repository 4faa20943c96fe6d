// An ov_report.json read back.
#ifndef ABL_REPORT_OV_FILE_H
#define ABL_REPORT_OV_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/likeness.h"
#include "base/arena.h"
#include "base/err.h"

struct ov_file {
    const char *path; // as given
    const char *model, *condition, *kind;
    const char *vocab_sha256; // NULL where the report does not say
    size_t d_model;           // 0 without vectors
    struct written_head *heads;
    size_t n_heads;
};

// Read `path`, an ov_report.json or a run directory with one, into the arena. ABL_BAD_DATA says
// what is wrong and where.
bool ov_file_read(const char *path, struct arena *a, const struct ov_file **out,
                  struct abl_err *err);

#endif
