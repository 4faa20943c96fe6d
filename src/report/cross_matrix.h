// The tables of several runs that are joined, and the runs they come from.
#ifndef ABL_REPORT_CROSS_MATRIX_H
#define ABL_REPORT_CROSS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/invariants.h"
#include "plan/ablation.h"
#include "report/csv_table.h"
#include "report/tables.h"

// A table of the children joined: its rows one child below the other, and which of them are the
// same thing in another child.
enum { N_CROSS_MATRICES = 6 };
struct cross_matrix {
    const struct table *table;
    const char *name;             // artifacts/cross_condition/<name>.csv
    const char *keys[PLACE_KEYS]; // columns; NULL ends
    // a column, and the value that keeps a row out of invariants; NULL = none does
    const char *skip[2];
    const char *list; // of invariants.json; NULL: it has none
    bool once;        // every seed of a condition has the same rows
};
extern const struct cross_matrix cross_matrices[N_CROSS_MATRICES];

struct cross_child {
    const char *tag; // its name among the others, and of its folder below the joint one
    const char *dir; // its run directory
    // what it is a run of: children of several seeds may be of one; NULL: of what its tag says
    const char *condition;
    bool relabelled; // tables say the tag where its own say the condition
};

// The condition of a child, and whether it is the first of it.
const char *cross_condition(const struct cross_child *child);
bool cross_is_first(const struct cross_child *children, size_t i);

// A cell by its column's name; "" where it, or the column, is missing.
const char *cross_cell(const struct csv_table *t, size_t row, const char *name);

// The kinds of ablation that a child's table names, in its order: one, "", where it names none. No
// run has more than there is room for.
struct ablate_names {
    const char *items[MAX_ABLATIONS]; // borrowed from the table
    size_t n;
};
struct ablate_names cross_ablations(const struct csv_table *t);

// Whether a row of a child's table is beside what was swept.
bool cross_is_beside(const struct cross_matrix *m, const struct csv_table *t, size_t row);

#endif
