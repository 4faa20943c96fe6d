// The rows of a data file.
#ifndef ABL_TEXT_ROWS_H
#define ABL_TEXT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/data_fields.h"
#include "text/record.h"
#include "text/row_spans.h"

struct text_list {
    const char *const *items;
    size_t n;
};

struct dataset_row {
    const char *clean, *target, *foil; // of a list the texts with | between; foil "": it has none
    struct text_list targets, foils;   // where the answer is a list; n 0: it is one
    const char *corrupt, *id, *template_name, *cluster; // NULL where the row has none
    const char *group; // of the field that groups the rows; NULL where it has none
    struct row_spans spans, corrupt_spans; // of clean and of corrupt
    uint32_t line;                         // 1-based line in the file; of Parquet the row
    uint32_t index;                        // 0-based row in the file: what split files count
    // A row of another split with the same clean prompt, cluster, template; 0 = none.
    uint32_t leak_line, cluster_leak_line, template_leak_line;
};

// What a row is called on screen and in files: its number in the data file, from 1: the
// line of JSONL without empty lines, and the same number for the same rows in any other format.
static inline uint32_t row_number(const struct dataset_row *row)
{
    return row->index + 1;
}

// All texts that answer a row, and those that are its foil; they live as long as the row.
static inline struct text_list row_targets(const struct dataset_row *row)
{
    return row->targets.n ? row->targets : (struct text_list){ &row->target, 1 };
}

static inline struct text_list row_foils(const struct dataset_row *row)
{
    return row->foils.n ? row->foils : (struct text_list){ &row->foil, 1 };
}

// A list's texts as one, | between them; NULL: no memory.
const char *text_list_join(struct text_list list, struct arena *a);

// Every row of a file in order; a bad one keeps its place,
// so that row numbers in split files stay right.
struct parsed_rows {
    struct dataset_row *rows; // malloc'd; clean is NULL in a bad row
    size_t n;
};

// Parse each record; strings go to the arena. Without skip_bad the first bad row fails, with its
// place and remedy. fields NULL: all have their own names.
bool rows_parse(const struct record_list *records, const struct data_fields *fields, bool skip_bad,
                struct arena *arena, struct parsed_rows *out, struct abl_err *err);
void rows_release(struct parsed_rows *list);

#endif
