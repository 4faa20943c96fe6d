// The rows of a Parquet file, where DuckDB is there to read them.
#ifndef ABL_TEXT_RECORDS_PARQUET_H
#define ABL_TEXT_RECORDS_PARQUET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "text/record.h"

// The file at path; max_size bytes of JSON at most. ABL_FAILED where there is no DuckDB or it
// fails.
bool records_parquet(const char *path, size_t max_size, struct record_list *out,
                     struct abl_err *err);

#endif
