// A folder of tinyLab's harness being written. Read by lab_tables.c.
#ifndef ABL_REPORT_LAB_WRITE_H
#define ABL_REPORT_LAB_WRITE_H

#include "base/arena.h"
#include "base/err.h"
#include "report/lab_child.h"

// ABL_USAGE where something is at `place` that was not written here.
bool lab_place_check(const char *place, struct abl_err *err);

// The folder of child or parent number `i`; its tables are added to t's.
bool lab_write_child(struct lab_tables *t, size_t i, struct arena *a, struct abl_err *err);
bool lab_write_parent(struct lab_tables *t, size_t i, struct arena *a, struct abl_err *err);

#endif
