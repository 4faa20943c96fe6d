// What an opened run is: for opened_run.c, which reads it, opened_run_snapshot.c, which draws its
// tables, and opened_run_detail.c. Nobody else looks inside.
#ifndef ABL_UI_OPENED_RUN_PARTS_H
#define ABL_UI_OPENED_RUN_PARTS_H

#include "base/arena.h"
#include "report/csv_table.h"
#include "report/tables.h"
#include "text/dataset.h"
#include "ui/opened_run.h"

struct opened_run {
    struct arena arena;
    const char *place;
    struct settings settings;
    const struct run_reader *reader;
    void *kept; // what the settings' strings are in
    struct choice choice;
    struct facts facts;
    bool partial;
    double seconds;
    size_t n_variants, n_done;
    char data_sha256[SHA256_HEX];
    struct estimate intact[N_METRICS]; // mean NaN where it was not measured
    struct opened_table {
        bool looked; // for it: it is read, or there is none
        struct csv_table *table;
    } tables[N_TABLES];
    struct dataset *data; // NULL: not looked for, or not to be had
    bool data_looked;
    const struct ov_file *ov;
    bool ov_looked;
};

// A table of the run; *out = NULL where it has none. ABL_BAD_DATA where it is damaged.
bool opened_table(struct opened_run *r, const struct table *of, const struct csv_table **out,
                  struct abl_err *err);

// Cells by the names of their columns, which the table has as it was read by saved_table.
const char *opened_cell(const struct csv_table *t, size_t row, const char *name); // "" if missing
double opened_number(const struct csv_table *t, size_t row, const char *name);    // NaN if missing
// A whole number below `limit`; false where it is another.
bool opened_index(const struct csv_table *t, size_t row, const char *name, uint32_t limit,
                  uint32_t *out);

#endif
