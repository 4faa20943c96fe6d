// A run's table read back from its file, whichever version of the program wrote it.
#ifndef ABL_REPORT_SAVED_TABLE_H
#define ABL_REPORT_SAVED_TABLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/csv_table.h"
#include "report/tables.h"

// The cells in the order of the table's columns, each of its column's type and as it is written
// today, NULL where one is missing; all in the arena. ABL_BAD_DATA, naming row and column, for a
// cell that is of another type and for columns that the table has not. format: how it was written.
bool saved_table_read(const struct table *t, const char *path, enum sheet_format format,
                      struct arena *a, struct csv_table *out, struct abl_err *err);

#endif
