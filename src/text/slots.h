// Slots of templates and the values that they take, from a table: `{A}` is what column A has.
#ifndef ABL_TEXT_SLOTS_H
#define ABL_TEXT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"

enum { MAX_SLOT_COLUMNS = 64, MAX_COLUMN_SLOTS = 8 };

// A column of the table: one slot, or several whose values go together, as COUNTRY|CAPITAL with
// France|Paris.
struct slot_column {
    const char *title; // as the file has it
    const char *names[MAX_COLUMN_SLOTS];
    size_t n_names;
    const char **values; // (n, n_names) distinct ones, in the file's order
    size_t n, cap;
};

struct slot_table {
    const char *path; // borrowed
    struct slot_column columns[MAX_SLOT_COLUMNS];
    size_t n;
};

// Where a slot's values are.
struct slot_place {
    size_t column, part;
};

// The table of a file of any format (text/records.h), whose bytes these are: each column's values
// without the empty ones. In the arena but for the columns' values: slots_release. ABL_BAD_DATA
// with line and remedy.
bool slots_read(const char *path, const struct file_bytes *bytes, struct arena *a,
                struct slot_table *out, struct abl_err *err);
void slots_release(struct slot_table *t);

// Whether there is a slot of that name.
bool slots_find(const struct slot_table *t, const char *name, size_t len, struct slot_place *out);

// "\"A\", \"B\"": what there is, for one who looks for a slot; in the arena, never NULL.
const char *slots_names(const struct slot_table *t, struct arena *a);

#endif
