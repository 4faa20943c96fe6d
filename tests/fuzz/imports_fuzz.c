// A data file of some format: a byte that says which and how its fields are called, then its bytes.
// What is read is one row for each record, and the records are lines that are read as the same rows.
#include <string.h>

#include "base/buf.h"
#include "tests/fuzz/fuzz.h"
#include "text/dataset.h"
#include "text/records.h"

enum { SKIP_BAD = 8, MAPPED = 16 };

static const struct data_fields others
    = { .names = { "prompt", NULL, "answer", "wrong", NULL, NULL, "group", "stretches", NULL } };

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(struct text_list a, struct text_list b)
{
    bool same = a.n == b.n;
    for (size_t i = 0; same && i < a.n; i++)
        same = same_text(a.items[i], b.items[i]);
    return same;
}

// Line ends within a record of JSON are white space.
static void write_lines(const struct record_list *records)
{
    struct buf lines = { 0 };
    for (size_t i = 0; i < records->n; i++) {
        size_t at = lines.len;
        REQUIRE(records->items[i].number);
        buf_add(&lines, records->text + records->items[i].at, records->items[i].len);
        for (; at < lines.len; at++)
            lines.data[at]
                = lines.data[at] == '\n' || lines.data[at] == '\r' ? ' ' : lines.data[at];
        buf_char(&lines, '\n');
    }
    fuzz_write("lines.jsonl", (struct part){ lines.data, lines.len });
    buf_release(&lines);
}

static struct dataset *open_data(const char *name, uint8_t how, struct abl_err *err)
{
    struct dataset *d = NULL;
    size_t n_dropped = 0;
    bool ok = dataset_open_as(how & MAPPED ? &others : NULL, fuzz_path(name), "data", SPLIT_ALL, 0,
                              how & SKIP_BAD, &d, &n_dropped, err);
    return fuzz_outcome(ok, err) ? d : NULL;
}

static void compare(const struct dataset *a, const struct dataset *b)
{
    REQUIRE(a->n_rows == b->n_rows);
    for (size_t i = 0; i < a->n_rows; i++) {
        const struct dataset_row *x = &a->rows[i], *y = &b->rows[i];
        REQUIRE(same_text(x->clean, y->clean) && same_text(x->corrupt, y->corrupt));
        REQUIRE(same_list(row_targets(x), row_targets(y)) && same_list(row_foils(x), row_foils(y)));
        REQUIRE(same_text(x->id, y->id) && same_text(x->cluster, y->cluster));
        REQUIRE(x->spans.n == y->spans.n && x->index == y->index);
    }
}

void fuzz_imports(const uint8_t *data, size_t size)
{
    static const char *const names[]
        = { "data.csv", "data.tsv", "data.json", "data.jsonl", "data.parquet" };
    struct part rest = { (const char *)data, size };
    uint8_t how = next_byte(&rest);
    const char *name = names[how % 8 % 5];
    struct record_list records;
    struct abl_err err = { 0 };
    if (!rest.len || (rest.len >= 4 && memcmp(rest.data, "PAR1", 4) == 0))
        return; // which is DuckDB's
    fuzz_write(name, rest);
    struct dataset *d = open_data(name, how, &err);
    if (!d)
        return;
    struct file_bytes bytes;
    REQUIRE(file_read(fuzz_path(name), MAX_CORPUS, &bytes, ABL_FAILED, &err));
    REQUIRE(records_open(fuzz_path(name), &bytes, how & MAPPED ? &others : NULL, &records, &err));
    REQUIRE(records.n >= d->n_rows);
    write_lines(&records);
    records_release(&records);
    file_bytes_release(&bytes);
    struct dataset *again = open_data("lines.jsonl", how, &err);
    REQUIRE(again);
    compare(d, again);
    dataset_free(again);
    dataset_free(d);
}
