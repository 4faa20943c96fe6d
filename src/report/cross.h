// Several runs beside one another: the tables of single run directories joined, and what holds in
// all of them (DESIGN section 6, artifacts/cross_condition).
#ifndef ABL_REPORT_CROSS_H
#define ABL_REPORT_CROSS_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/invariants.h"
#include "base/err.h"
#include "report/tables.h"

// A table of the children joined: its rows one child below the other, and which of them are the
// same thing in another child.
enum { N_CROSS_MATRICES = 5 };
struct cross_matrix {
    const struct table *table;
    const char *name;             // artifacts/cross_condition/<name>.csv
    const char *keys[PLACE_KEYS]; // columns; NULL ends
    // a column, and the value that keeps a row out of invariants; NULL = none does
    const char *skip[2];
    const char *list; // of invariants.json; NULL: it has none
};
extern const struct cross_matrix cross_matrices[N_CROSS_MATRICES];

struct cross_child {
    const char *tag; // its name among the others, and of its folder below the joint one
    const char *dir; // its run directory
    bool relabelled; // tables say the tag where its own say the condition
};

// Make the folder that holds the children's folders and the joint files, or
// take an earlier one again: ABL_USAGE for a folder that holds something else.
// Its config.json says from now on what it is.
bool cross_begin(const char *dir, const char *run_name, struct abl_err *err);

// No child came to anything: leave nothing behind but what others have put there.
void cross_abandon(const char *dir);

// Read the children's files and write into dir (created if missing):
//   config.json       name, and the children's own configs
//   compare.json      where two children or more have an ov_report.json, these against one another
//   manifest.json
// and into artifacts/cross_condition:
//   *_matrix.csv      head, group, layer and recovery tables of the children, one below the other,
//                     and rows.csv, likewise
//   summary.json      the children's summaries
//   invariants.json   heads (and patched places) that are among the INVARIANT_TOP largest |delta|
//                     of every child, by metric
// What the files hold depends on tags and children alone. A child that is no whole
// run is ABL_BAD_DATA.
bool cross_write(const char *dir, const char *run_name, const struct cross_child *children,
                 size_t n, struct abl_err *err);

#endif
