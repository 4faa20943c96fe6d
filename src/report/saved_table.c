#include "report/saved_table.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/number.h"

// A number as number_format writes it, which is one in JSON too; other readers of numbers take
// words and white space.
static bool is_number(const char *text, bool whole)
{
    static const char digits[] = "0123456789";
    const char *at = text + (*text == '-');
    size_t n = strspn(at, digits);
    bool sound = n == 1 || (n && *at != '0');
    at += n;
    if (*at == '.' && !whole) {
        n = strspn(++at, digits);
        sound = sound && n;
        at += n;
    }
    if (*at == 'e' && !whole) {
        at += 1 + (at[1] == '-');
        n = strspn(at, digits);
        sound = sound && n;
        at += n;
    }
    // A point may be put behind it.
    return sound && !*at && at - text + 2 < NUMBER_SIZE && isfinite(strtod(text, NULL));
}

static const char *expected(enum cell_type type)
{
    switch (type) {
    case CELL_INTEGER:
        return "a whole number";
    case CELL_NUMBER:
        return "a number";
    default:
        return "0 or 1";
    }
}

static bool fits(enum cell_type type, const char *cell)
{
    switch (type) {
    case CELL_INTEGER:
    case CELL_NUMBER:
        return is_number(cell, type == CELL_INTEGER);
    case CELL_BOOLEAN:
        return strcmp(cell, "0") == 0 || strcmp(cell, "1") == 0;
    default:
        return true;
    }
}

// Tables of layer_impact used to say "all" in `position`, without a column for it.
struct older {
    size_t positions, position; // of the table's columns; SIZE_MAX: the file is not such a one
};

static void mend(const struct older *o, const char **cells)
{
    if (o->positions == SIZE_MAX)
        return;
    bool all = cells[o->position] && strcmp(cells[o->position], POSITIONS_ALL) == 0;
    cells[o->positions] = all ? POSITIONS_ALL : POSITIONS_ONE;
    if (all)
        cells[o->position] = NULL;
}

// Numbers used to stand without a point where they were whole.
static bool add_point(const char **cell, struct arena *a)
{
    if (!strpbrk(*cell, ".e"))
        *cell = arena_printf(a, "%s.0", *cell);
    return *cell;
}

static bool take_row(const struct table *t, const char *path, size_t row, const char **cells,
                     struct arena *a, struct abl_err *err)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        enum cell_type type = column_type(&t->columns[i]);
        if (cells[i] && !fits(type, cells[i]))
            return abl_fail(err, ABL_BAD_DATA,
                            "'%s': row %zu, column \"%s\": found '%s', expected %s: run this "
                            "condition again",
                            path, row + 2, t->columns[i].name, cells[i], expected(type));
        if (cells[i] && type == CELL_NUMBER && !add_point(&cells[i], a))
            return abl_no_memory(err);
    }
    return true;
}

// Which column of the file each of the table's is. One whose cells may be missing is, all down the
// table, where an earlier version did not know it.
static bool find_columns(const struct table *t, const struct csv_table *file, size_t *from,
                         struct older *older, struct abl_err *err)
{
    size_t n_found = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        const char *name = t->columns[i].name;
        from[i] = csv_table_column(file, name);
        n_found += from[i] != SIZE_MAX;
        if (strcmp(name, "position") == 0)
            older->position = i;
        if (strcmp(name, "positions") == 0 && from[i] == SIZE_MAX)
            older->positions = i;
        else if (from[i] == SIZE_MAX && !(t->columns[i].type & CELL_OR_NONE))
            return abl_fail(err, ABL_BAD_DATA,
                            "'%s' has no column \"%s\": run all conditions with one version",
                            file->path, name);
    }
    return n_found == file->n_columns
           || abl_fail(err, ABL_BAD_DATA,
                       "'%s' has %zu columns, expected %zu: run all conditions with one version",
                       file->path, file->n_columns, n_found);
}

bool saved_table_read(const struct table *t, const char *path, enum sheet_format format,
                      struct arena *a, struct csv_table *out, struct abl_err *err)
{
    struct csv_table file;
    struct older older = { SIZE_MAX, SIZE_MAX };
    size_t *from = arena_alloc(a, t->n_columns, sizeof *from);
    if (!from)
        return abl_no_memory(err);
    if (!csv_table_read(path, format, a, &file, err) || !find_columns(t, &file, from, &older, err))
        return false;
    const char **names = arena_alloc(a, t->n_columns, sizeof(const char *));
    const char **cells = arena_alloc(a, file.n_rows * t->n_columns + 1, sizeof(const char *));
    if (!names || !cells)
        return abl_no_memory(err);
    for (size_t i = 0; i < t->n_columns; i++)
        names[i] = t->columns[i].name;
    for (size_t row = 0; row < file.n_rows; row++) {
        const char **to = cells + row * t->n_columns;
        for (size_t i = 0; i < t->n_columns; i++)
            to[i] = from[i] == SIZE_MAX ? NULL : csv_table_cell(&file, row, from[i]);
        mend(&older, to);
        if (!take_row(t, path, row, to, a, err))
            return false;
    }
    *out = (struct csv_table){ .path = file.path,
                               .columns = names,
                               .n_columns = t->n_columns,
                               .cells = cells,
                               .n_rows = file.n_rows };
    return true;
}
