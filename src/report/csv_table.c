#include "report/csv_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "base/array.h"
#include "base/file.h"

enum { CSV_MAX = 1 << 30 };

struct reader {
    struct arena *arena;
    const char **cells; // all of them, the header's first; malloc'd
    size_t n, cap;
    size_t row_start, n_columns, n_rows;
    bool no_memory, uneven;
};

static void take_cell(void *text, size_t len, void *context)
{
    struct reader *r = context;
    const char **grown = array_room(r->cells, r->n, &r->cap, sizeof *grown);
    if (!grown) {
        r->no_memory = true;
        return;
    }
    r->cells = grown;
    bool is_name = !r->n_columns;
    const char *copy = text ? arena_strndup(r->arena, text, len) : is_name ? "" : NULL;
    r->no_memory = r->no_memory || (text && !copy);
    r->cells[r->n++] = copy;
}

static void end_row(int end, void *context)
{
    (void)end;
    struct reader *r = context;
    size_t n = r->n - r->row_start;
    if (!r->n_columns)
        r->n_columns = n;
    else if (n != r->n_columns)
        r->uneven = true;
    else if (!r->uneven)
        r->n_rows++;
    r->row_start = r->n;
}

// White space around a cell that is not quoted is its own.
static int is_space(unsigned char c)
{
    (void)c;
    return 0;
}

static bool parse(struct reader *r, const struct file_bytes *bytes)
{
    struct csv_parser p;
    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0)
        return false;
    csv_set_space_func(&p, is_space);
    bool ok = csv_parse(&p, bytes->data, bytes->size, take_cell, end_row, r) == bytes->size
              && csv_fini(&p, take_cell, end_row, r) == 0;
    csv_free(&p);
    return ok;
}

enum sheet_format csv_format_of(const cJSON *config)
{
    bool safe = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(config, "csv_safe"));
    return safe ? SHEET_CSV_SAFE : SHEET_CSV;
}

// The texts as they were before SHEET_CSV_SAFE; nothing else begins with a mark.
static void take_marks(const char **cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cells[i] && *cells[i] == '\'' && sheet_is_formula(cells[i]))
            cells[i]++;
}

bool csv_table_read(const char *path, enum sheet_format format, struct arena *a,
                    struct csv_table *out, struct abl_err *err)
{
    struct file_bytes bytes;
    struct reader r = { .arena = a };
    if (!file_read(path, CSV_MAX, &bytes, ABL_BAD_DATA, err))
        return false;
    bool ok = parse(&r, &bytes);
    file_bytes_release(&bytes);
    const char **cells = ok && !r.no_memory ? arena_alloc(a, r.n ? r.n : 1, sizeof *cells) : NULL;
    if (r.no_memory || (ok && !cells))
        ok = abl_no_memory(err);
    else if (!ok || r.uneven || !r.n_columns)
        ok = abl_fail(err, ABL_BAD_DATA, "'%s': row %zu is no CSV row of %zu cells as the first",
                      path, r.n_rows + 2, r.n_columns);
    if (ok) {
        memcpy(cells, r.cells, r.n * sizeof *cells);
        if (format == SHEET_CSV_SAFE)
            take_marks(cells, r.n);
        *out = (struct csv_table){ .path = arena_strdup(a, path),
                                   .columns = cells,
                                   .n_columns = r.n_columns,
                                   .cells = cells + r.n_columns,
                                   .n_rows = r.n_rows };
        ok = out->path || abl_no_memory(err);
    }
    free(r.cells);
    return ok;
}

size_t csv_table_column(const struct csv_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i], name) == 0)
            return i;
    return SIZE_MAX;
}
