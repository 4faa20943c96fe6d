// The tables of a run (DESIGN section 6): what each of them holds, column by column. The CSV and
// JSON writers, docs/tables.md and docs/schema/tables.json read the same rows.
#ifndef ABL_REPORT_TABLES_H
#define ABL_REPORT_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/effects.h"
#include "base/buf.h"
#include "report/report.h"
#include "report/sheet.h"

// Roles of whatever variants an experiment makes.
#define ANY_ROLE (~0u)

struct table {
    const char *name; // "baseline": metrics/<name>.csv, and its key in the JSON document
    const char *row;  // what a row of it is, for people
    const struct column *columns;
    size_t n_columns;
    // Who has such a table: experiments that make variants of these roles, or the one named; all of
    // them where neither is.
    unsigned roles;
    const struct experiment *of;
    // And the run must be such a one; NULL: any is.
    bool (*is_of)(const struct report *r);
    const char *when; // is_of for people
    void (*put_rows)(const struct report *r, const struct effects *effects, struct sheet *s);
};

// In the order in which they are written. baseline is table_baseline, which a file of its own or
// of its subject defines.
#define TABLES(ROW)                                                                                \
    ROW(baseline)                                                                                  \
    ROW(rows)                                                                                      \
    ROW(head_impact)                                                                               \
    ROW(group_impact)                                                                              \
    ROW(recovery)                                                                                  \
    ROW(layer_impact)                                                                              \
    ROW(seeds)                                                                                     \
    ROW(direct)                                                                                    \
    ROW(indirect)                                                                                  \
    ROW(lens)                                                                                      \
    ROW(attn_heads)                                                                                \
    ROW(attn)                                                                                      \
    ROW(span)                                                                                      \
    ROW(by_group)                                                                                  \
    ROW(holdout)                                                                                   \
    ROW(compat)                                                                                    \
    ROW(per_example)

#define DECLARE_TABLE(name) extern const struct table table_##name;
TABLES(DECLARE_TABLE)
#undef DECLARE_TABLE

#define COUNT_TABLE(name) +1
enum { N_TABLES = TABLES(COUNT_TABLE) };
#undef COUNT_TABLE

extern const struct table *const run_tables[N_TABLES];

// What layer_impact.csv says in `positions`.
#define POSITIONS_ALL "all"
#define POSITIONS_ONE "one"   // that of `position`
#define POSITIONS_ROLE "role" // where `role` is in each row

// Whether an experiment's runs can have the table, and whether this run has it.
bool table_is_of(const struct table *t, const struct experiment *e);
bool table_is_wanted(const struct table *t, const struct report *r);

// How CSV is written for those who asked so.
static inline enum sheet_format settings_csv(const struct settings *s)
{
    return s->csv_safe ? SHEET_CSV_SAFE : SHEET_CSV;
}

// spill: takes parts of the text as it grows; NULL: all of it is in out.
void table_write(const struct table *t, const struct report *r, const struct effects *effects,
                 enum sheet_format format, const struct sheet_spill *spill, struct buf *out);

#endif
