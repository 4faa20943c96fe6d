// Several runs beside one another: the tables of single run directories joined, and what holds in
// all of them (DESIGN section 6, artifacts/cross_condition).
#ifndef ABL_REPORT_CROSS_H
#define ABL_REPORT_CROSS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/cross_matrix.h"

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
//                     and rows.csv of each condition once
//   seeds.csv         means over what was swept, where a condition has several seeds
//   summary.json      the children's summaries
//   invariants.json   see cross_invariants.h
// What the files hold depends on tags and children alone. A child that is no whole
// run is ABL_BAD_DATA.
// format: of the joint tables; the children's config.json says how theirs are written.
bool cross_write(const char *dir, const char *run_name, const struct cross_child *children,
                 size_t n, enum sheet_format format, struct abl_err *err);

#endif
