// A small run made by hand, and readers of what it writes. 2 layers x 3 heads, 6 rows in 3
// clusters, numbers that are exact in binary. Every function fails the test when something is not
// as it should be.
#ifndef ABL_TESTS_REPORT_EXAMPLE_H
#define ABL_TESTS_REPORT_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/study.h"
#include "base/file.h"
#include "base/json.h"
#include "report/report.h"

enum { LAYERS = 2, HEADS = 3, ROWS = 6, CLUSTERS = 3, MAX_CELLS = 4096 };

struct example {
    struct model model; // the bundled one, seen as 2 x 3
    struct model *opened;
    struct tokenizer *tokenizer;
    struct engine engine;
    struct dataset data;
    struct dataset_row dataset_rows[ROWS];
    struct prompts prompts;
    struct prompt items[ROWS];
    struct finding finding;
    struct row_stats intact[ROWS];
    struct session session;
    struct variants variants;
    struct results results;
    struct report report;
};

extern const uint32_t example_index[ROWS], example_cluster[ROWS]; // of each row

void close_to(const char *what, double found, double expected);

// Variants: all heads; or the sets 0:1+1:2 and 0:0+0:1+1:2 behind their singles 0:1, 1:2, 0:0.
struct example *example_new(const struct experiment *experiment);
void example_free(struct example *e);

// cmocka setup and teardown: *state is the path of a folder of the test's own.
int make_folder(void **state);
int remove_folder(void **state);

struct file_bytes read_bytes(const char *folder, const char *name);
void write_text(const char *folder, const char *name, const char *text);
char *write_report(const struct example *e, const char *folder, const char *name); // malloc'd path

// A CSV file read back with libcsv.
struct sheet_read {
    char *cells[MAX_CELLS]; // row after row, the header first
    size_t n_cells, n_columns, n_lines;
};

struct sheet_read *sheet_open(const char *folder, const char *name);
void sheet_close(struct sheet_read *s);
// Rows count from 0 behind the header.
const char *cell(const struct sheet_read *s, size_t row, const char *column);
void cell_is(const struct sheet_read *s, size_t row, const char *column, const char *expected);
void cell_near(const struct sheet_read *s, size_t row, const char *column, double expected);
void header_is(const struct sheet_read *s, const char *expected);

// JSON read back with the strict parser; paths are like "metrics.ld.intact.ci95.0".
double number_at(const struct file_bytes *bytes, const char *path); // NaN for null
enum json_type type_at(const struct file_bytes *bytes, const char *path);
void text_at_is(const struct file_bytes *bytes, const char *path, const char *expected);
char *text_at(const struct file_bytes *bytes, const char *path); // malloc'd
size_t count_at(const struct file_bytes *bytes, const char *path);
void is_strict_json(const char *name, const struct file_bytes *bytes);

#endif
