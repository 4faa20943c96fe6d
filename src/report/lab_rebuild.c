#include "report/lab_rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duckdb.h"
#include "base/file.h"
#include "report/doc.h"
#include "report/lab_sql.h"
#include "report/lab_own.h"
#include "report/lab_write.h"

struct run {
    const char *dir;
    const char *table; // without its ending, NULL: none
    const char *csv;   // to read it from, NULL: not to be had
    bool parquet;
};

struct joiner {
    struct run *runs;
    size_t n;
    char folder[64]; // of what Parquet becomes; "": none was made
    struct arena *a;
    struct abl_err *err;
};

static bool add_runs(struct joiner *j, const char *const *dirs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char **own;
        size_t n_own;
        if (!lab_own_runs(dirs[i], j->a, &own, &n_own, j->err))
            return false;
        struct run *runs = arena_alloc(j->a, j->n + n_own, sizeof *runs);
        if (!runs)
            return abl_no_memory(j->err);
        if (j->n)
            memcpy(runs, j->runs, j->n * sizeof *runs);
        for (size_t k = 0; k < n_own; k++)
            runs[j->n++] = (struct run){ .dir = own[k] };
        j->runs = runs;
    }
    return true;
}

// -------------------------------------------------------------------------------------- Parquet

static bool make_folder(struct joiner *j)
{
    strcpy(j->folder, "/tmp/abltui-XXXXXX");
    if (mkdtemp(j->folder))
        return true;
    *j->folder = '\0';
    return abl_fail(j->err, ABL_FAILED, "cannot make a folder in /tmp: %s", strerror(errno));
}

static bool find_tables(struct joiner *j, const char *sql, struct buf *statements)
{
    for (size_t i = 0; i < j->n; i++) {
        struct run *r = &j->runs[i];
        if (!lab_own_table(r->dir, j->a, &r->table, &r->parquet, j->err))
            return false;
        if (!r->table)
            continue;
        if (r->parquet && !*j->folder && !make_folder(j))
            return false;
        const char *to = r->parquet ? file_path(j->a, "%s/%zu", j->folder, i) : r->table;
        r->csv = to ? arena_printf(j->a, "%s.csv", to) : NULL;
        if (!r->csv)
            return abl_no_memory(j->err);
        if (r->parquet && !lab_sql_statement(sql, "from_parquet", r->table, to, statements, j->err))
            return false;
    }
    return true;
}

static bool convert(struct joiner *j, const char *sql, size_t *n_unread)
{
    struct buf statements = { 0 };
    bool found = true;
    bool ok = find_tables(j, sql, &statements)
              && (!statements.len || duckdb_run(&statements, &found, j->err));
    buf_release(&statements);
    *n_unread = 0;
    for (size_t i = 0; ok && !found && i < j->n; i++)
        if (j->runs[i].parquet && j->runs[i].table) {
            j->runs[i].csv = NULL;
            (*n_unread)++;
        }
    return ok;
}

// ------------------------------------------------------------------------------------------- names

static bool find_same(const struct lab_tables *t, size_t *one, size_t *other)
{
    for (size_t i = 0; i < t->n_children; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(t->children[i].tag, t->children[k].tag) == 0) {
                *one = k;
                *other = i;
                return true;
            }
    return false;
}

static bool name_children(struct joiner *j, struct lab_tables *t)
{
    size_t one, other;
    for (size_t i = 0; i < t->n_children; i++)
        t->children[i].tag = t->children[i].members[0]->condition;
    if (!find_same(t, &one, &other))
        return true;
    for (size_t i = 0; i < t->n_children; i++) {
        const struct lab_run *run = t->children[i].members[0];
        t->children[i].tag = arena_printf(j->a, "%s:%s", run->model, run->condition);
        if (!t->children[i].tag)
            return abl_no_memory(j->err);
    }
    return !find_same(t, &one, &other)
           || abl_fail(j->err, ABL_USAGE,
                       "'%s' and '%s' are both runs of '%s': expected conditions or models that "
                       "differ",
                       j->runs[one].dir, j->runs[other].dir, t->children[one].tag);
}

// The config of a run over all of them.
static bool make_parent(struct joiner *j, struct lab_tables *t, const char *out)
{
    struct doc d = doc_new();
    struct buf text = { 0 };
    doc_text(&d, d.root, "run_name", "");
    doc_text(&d, d.root, "battery", "abltui");
    doc_object(&d, d.root, "shared");
    cJSON *conditions = doc_array(&d, d.root, "conditions");
    for (size_t i = 0; i < t->n_children; i++)
        doc_text(&d, doc_object(&d, conditions, NULL), "tag", t->children[i].tag);
    bool ok = doc_print(&d, DOC_COMPACT, &text, j->err)
              && lab_config_read(out, text.data, j->a, &t->parents[0].config, j->err);
    t->parents[0].place = out;
    t->parents[0].written = true;
    t->n_parents = 1;
    buf_release(&text);
    doc_release(&d);
    return ok;
}

// ------------------------------------------------------------------------------------------- whole

static bool read_children(struct joiner *j, struct lab_tables *t)
{
    t->children = arena_alloc(j->a, j->n, sizeof *t->children);
    t->parents = arena_alloc(j->a, 1, sizeof *t->parents);
    t->tables = arena_alloc(j->a, 2, sizeof *t->tables);
    if (!t->children || !t->parents || !t->tables)
        return abl_no_memory(j->err);
    for (size_t i = 0; i < j->n; i++)
        if (!lab_own_read(j->runs[i].dir, j->runs[i].csv, j->a, &t->children[t->n_children++],
                          j->err))
            return false;
    return true;
}

bool lab_rebuild(const char *const *dirs, size_t n, const char *out, const char *sql,
                 struct arena *a, struct lab_tables *written, size_t *n_unread, struct abl_err *err)
{
    struct joiner j = { .a = a, .err = err };
    *written = (struct lab_tables){ 0 };
    bool ok = lab_place_check(out, err) && add_runs(&j, dirs, n) && convert(&j, sql, n_unread)
              && read_children(&j, written) && name_children(&j, written)
              && make_parent(&j, written, out) && lab_write_parent(written, 0, a, err);
    if (*j.folder)
        file_remove_tree(j.folder, NULL);
    return ok;
}
