// What the files of lab_run.h have in common: lab_run.c, lab_metrics.c.
#ifndef ABL_REPORT_LAB_RUN_PARTS_H
#define ABL_REPORT_LAB_RUN_PARTS_H

#include <string.h>

#include <cjson/cJSON.h>

#include "base/string_index.h"
#include "report/csv_table.h"
#include "report/lab_run.h"

struct lab_reader {
    struct lab_run *out;
    struct arena *a;
    struct abl_err *err;
    const cJSON *config, *battery; // of the run, and what its run file asked for (NULL: unknown)
    bool compat, whole_answers;
    const struct csv_table *impact;
    struct string_index variants; // of the components, first of its kind
};

static inline bool lab_is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

void lab_note(struct lab_reader *r, const char *text);

// metrics/<name>.csv of the run.
bool lab_read_table(struct lab_reader *r, const char *name, struct csv_table *out);

// The columns of a table by name; ABL_BAD_DATA where it lacks one.
bool lab_find_columns(struct lab_reader *r, const struct csv_table *t, const char *const *names,
                      size_t n, size_t *out);

// NULL where it is missing, or the column is.
const char *lab_cell(const struct csv_table *t, size_t row, const char *name);

// What a row of the impact table is of: its variant and keys. number: of components before it.
bool lab_take(struct lab_reader *r, size_t row, size_t number, struct lab_component *c);

// Rows that the harness has no such thing as: random sets, and shams beside patches.
bool lab_is_beside(const struct lab_reader *r, size_t row);

// The component of a row of a table that names variants: the one of its seed where the table says
// seeds; NULL where it is of none.
struct lab_component *lab_component_of(struct lab_reader *r, const char *variant, const char *seed);

// The values of all components.
bool lab_read_metrics(struct lab_reader *r);

#endif
