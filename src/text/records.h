// A data file of any format, read as rows: JSONL, JSON, CSV, TSV, Parquet.
#ifndef ABL_TEXT_RECORDS_H
#define ABL_TEXT_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"
#include "text/data_fields.h"
#include "text/record.h"

// Whether a name ends as that of a data file does: ".jsonl", ".csv", …
bool records_are_called(const char *name);

// The rows of the file at path, whose bytes these are; both outlive the list. Its format is that of
// its name's ending; of other names, and of standard input ("-"), JSONL or JSON.
// fields: what CSV calls them. Errors (ABL_BAD_DATA; ABL_FAILED where Parquet cannot be read here)
// say what to do.
bool records_open(const char *path, const struct file_bytes *bytes,
                  const struct data_fields *fields, struct record_list *out, struct abl_err *err);
void records_release(struct record_list *list);

#endif
