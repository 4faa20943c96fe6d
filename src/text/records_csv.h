// The rows of a CSV or TSV text (RFC 4180), whose first line names the columns.
#ifndef ABL_TEXT_RECORDS_CSV_H
#define ABL_TEXT_RECORDS_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "text/data_fields.h"
#include "text/record.h"

// A cell is a string, one that is empty is missing; those of answers and spans may be JSON, as
// [" Paris", " Rome"]. Columns without a name are left out. ABL_BAD_DATA, with the line and what
// to do: a cell too many or too few, a quote out of place, a column that a row needs and nothing
// is called, a name that two have.
bool records_csv(const char *text, size_t len, char separator, const struct data_fields *fields,
                 struct record_list *out, struct abl_err *err);

#endif
