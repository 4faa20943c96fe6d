// Runs of tinyLab's harness, made of ours, on their way into folders.
#ifndef ABL_REPORT_LAB_CHILD_H
#define ABL_REPORT_LAB_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/lab_config.h"
#include "report/lab_run.h"

// A run of the harness's: several of ours where these have one scale or seed each.
struct lab_child {
    struct lab_config config;
    const char *tag; // among its parent's conditions; NULL: it has no parent
    size_t parent;
    const struct lab_run **members;
    size_t n;
    uint32_t n_drawn;  // heads of each layer that a seed draws, 0: all that are named
    const char *place; // its folder
    const char
        *summary; // its metrics/summary.json where that is known; NULL: it is made of the rows
};

// Of several conditions.
struct lab_parent {
    struct lab_config config;
    const char *place;
    bool written; // it has a folder of its own
};

// A table that was written as CSV.
struct lab_table {
    const char *statement; // of lab_tables.sql, which makes Parquet of it
    const char *path;      // without ".csv"
};

struct lab_tables {
    struct lab_child *children;
    struct lab_parent *parents;
    struct lab_table *tables;
    size_t n_children, n_parents, n_tables;
};

#endif
