#include "report/table_files.h"

#include <stdio.h>
#include <string.h>

#include "report/tables.h"

// A table being written into the run; what of it is there already is in its file.
struct table_file {
    struct rundir *dir;
    const char *name;
    struct rundir_pieces *file; // NULL: not yet
    struct abl_err err;
};

static void spill(void *context, struct buf *text)
{
    struct table_file *f = context;
    if (!f->file && !f->err.code)
        f->file = rundir_begin(f->dir, f->name, &f->err);
    if (f->file)
        rundir_put(f->file, text);
    text->len = 0;
}

// A table of nothing but column names is left out: no reader could tell the columns' types. Names
// have no line ends.
static bool has_rows(const struct buf *csv)
{
    const char *end = csv->failed ? NULL : memchr(csv->data, '\n', csv->len);
    return !end || end + 1 < csv->data + csv->len;
}

static bool add_table(struct rundir *dir, const struct report *r, const struct effects *effects,
                      const struct table *t, struct abl_err *err)
{
    char name[64];
    struct buf text = { 0 };
    struct table_file f = { .dir = dir, .name = name };
    struct sheet_spill to = { spill, &f };
    snprintf(name, sizeof name, "metrics/%s.csv", t->name);
    table_write(t, r, effects, settings_csv(r->settings), &to, &text);
    if (f.file || has_rows(&text))
        spill(&f, &text);
    buf_release(&text);
    if (f.file)
        return rundir_end(f.file, err);
    *err = f.err;
    return !f.err.code;
}

bool table_files_add(struct rundir *dir, const struct report *r, const struct effects *effects,
                     struct abl_err *err)
{
    for (size_t i = 0; i < N_TABLES; i++)
        if (table_is_wanted(run_tables[i], r) && !add_table(dir, r, effects, run_tables[i], err))
            return false;
    return true;
}
