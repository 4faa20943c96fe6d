// The tables of a run (DESIGN section 6), each written to CSV or JSON by one function.
#ifndef ABL_REPORT_TABLES_H
#define ABL_REPORT_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/effects.h"
#include "base/buf.h"
#include "report/report.h"
#include "report/sheet.h"

struct table_writer {
    const char *name; // "baseline": metrics/<name>.csv, and its key in the JSON document
    // Who has such a table: experiments that make variants of these roles, or the one named.
    unsigned roles;
    const struct experiment *of;
    unsigned flags; // enum table_flags
    void (*write)(const struct report *r, const struct effects *effects, enum sheet_format format,
                  struct buf *out);
};

enum table_flags {
    TABLE_ALWAYS = 1 << 0,
    // Beside what is said above: only where clusters are held out, whole answers are scored, or
    // --compat is asked for.
    TABLE_HOLDOUT = 1 << 1,
    TABLE_SPAN = 1 << 2,
    TABLE_COMPAT = 1 << 3,
};

enum { N_TABLES = 14 };
extern const struct table_writer tables[N_TABLES];

// Of readings, one file of writers a reading.
void tables_write_direct(const struct report *r, const struct effects *effects,
                         enum sheet_format format, struct buf *out);
void tables_write_indirect(const struct report *r, const struct effects *effects,
                           enum sheet_format format, struct buf *out);
void tables_write_lens(const struct report *r, const struct effects *effects,
                       enum sheet_format format, struct buf *out);
void tables_write_attn_heads(const struct report *r, const struct effects *effects,
                             enum sheet_format format, struct buf *out);
void tables_write_attn(const struct report *r, const struct effects *effects,
                       enum sheet_format format, struct buf *out);

void tables_write_span(const struct report *r, const struct effects *effects,
                       enum sheet_format format, struct buf *out);

// What was chosen on the discovery clusters, and what the held-out ones say of it.
void tables_write_holdout(const struct report *r, const struct effects *effects,
                          enum sheet_format format, struct buf *out);

// tinyLab's metrics, for comparison.
void tables_write_compat(const struct report *r, const struct effects *effects,
                         enum sheet_format format, struct buf *out);

// "zero", "scale=0.5", "mean", "resample" or "patch", as every file names the run's ablation; NULL
// where the experiment ablates nothing (patch, ov, attn).
enum { ABLATE_SIZE = 48 };
const char *ablate_text(const struct settings *s, char out[ABLATE_SIZE]);

#endif
