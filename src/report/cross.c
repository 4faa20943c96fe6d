#include "report/cross.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json_tree.h"
#include "base/sha256.h"
#include "report/cross_invariants.h"
#include "report/cross_seeds.h"
#include "report/doc.h"
#include "report/ov_compare.h"
#include "report/ov_file.h"
#include "report/rundir_place.h"
#include "report/saved_table.h"
#include "stats/metrics.h"

enum { TEXT_MAX = 64 << 20 };

static const char cross_schema[] = "abltui.cross_config/1"; // doc_file's of write_config

struct writer {
    const char *dir;
    const struct cross_child *children;
    size_t n;
    enum sheet_format format;   // of what is written
    enum sheet_format *formats; // (n) of the children's tables, in the arena
    struct arena arena;
    struct doc manifest;
    cJSON *files;
    struct abl_err *err;
};

// ------------------------------------------------------------------------------------------- files

static const char *child_path(struct writer *w, size_t i, const char *name)
{
    const char *path = file_path(&w->arena, "%s/%s", w->children[i].dir, name);
    if (!path)
        abl_no_memory(w->err);
    return path;
}

static bool put(struct writer *w, const char *name, const struct buf *text)
{
    char sha256[SHA256_HEX];
    const char *path = file_path(&w->arena, "%s/%s", w->dir, name);
    bool ok = (path && !text->failed) || abl_no_memory(w->err);
    ok = ok && file_write_atomic(path, text->data ? text->data : "", text->len, w->err)
         && sha256_bytes(text->data ? text->data : "", text->len, sha256, w->err);
    if (ok) {
        cJSON *o = doc_object(&w->manifest, w->files, NULL);
        doc_text(&w->manifest, o, "path", name);
        doc_uint(&w->manifest, o, "bytes", text->len);
        doc_text(&w->manifest, o, "sha256", sha256);
    }
    return ok;
}

static bool put_doc(struct writer *w, const char *name, struct doc *d)
{
    struct buf text = { 0 };
    bool ok = doc_print(d, DOC_PRETTY, &text, w->err) && put(w, name, &text);
    buf_release(&text);
    doc_release(d);
    return ok;
}

// A JSON file of a child: what has been read of it, never its bytes.
static bool add_file(struct writer *w, struct doc *d, cJSON *parent, size_t i, const char *name,
                     const char *schema)
{
    const char *path = child_path(w, i, name);
    cJSON *tree
        = path ? json_tree_read(path, TEXT_MAX, JSON_TREE_DIGITS, ABL_BAD_DATA, w->err) : NULL;
    const cJSON *is = cJSON_GetObjectItemCaseSensitive(tree, "schema");
    if (tree && (!cJSON_IsString(is) || strcmp(is->valuestring, schema) != 0)) {
        abl_fail(w->err, ABL_BAD_DATA, "'%s': \"schema\" is %s: expected %s", path,
                 cJSON_IsString(is) ? is->valuestring : "missing", schema);
        cJSON_Delete(tree);
        tree = NULL;
    }
    if (tree)
        doc_item(d, parent, w->children[i].tag, tree);
    return tree;
}

// ---------------------------------------------------------------------------------------- matrices

// The children's tables, n of them; one without columns where a child has none. NULL on failure.
static const struct csv_table *read_tables(struct writer *w, const struct table *t)
{
    struct csv_table *tables = arena_alloc(&w->arena, w->n, sizeof *tables);
    bool ok = tables || abl_no_memory(w->err);
    for (size_t i = 0; ok && i < w->n; i++) {
        const char *path = child_path(w, i, arena_printf(&w->arena, "metrics/%s.csv", t->name));
        ok = path
             && (!file_exists(path)
                 || saved_table_read(t, path, w->formats[i], &w->arena, &tables[i], w->err));
    }
    return ok ? tables : NULL;
}

// The children's rows one below the other, under one header.
static bool join(struct writer *w, const struct cross_matrix *m, const struct csv_table *tables,
                 struct buf *out)
{
    const struct table *t = m->table;
    struct sheet s;
    const char **row = arena_alloc(&w->arena, t->n_columns, sizeof *row);
    if (!row)
        return abl_no_memory(w->err);
    sheet_begin(&s, out, w->format, t->columns, t->n_columns);
    for (size_t i = 0; i < w->n; i++) {
        if (m->once && !cross_is_first(w->children, i))
            continue;
        size_t condition
            = w->children[i].relabelled ? csv_table_column(&tables[i], "condition") : SIZE_MAX;
        for (size_t k = 0; k < tables[i].n_rows; k++) {
            memcpy(row, tables[i].cells + k * t->n_columns, t->n_columns * sizeof *row);
            if (condition != SIZE_MAX)
                row[condition] = cross_condition(&w->children[i]);
            sheet_cells(&s, row);
        }
    }
    sheet_end(&s);
    return true;
}

static bool write_matrix(struct writer *w, const struct cross_matrix *m,
                         const struct csv_table *tables)
{
    struct buf text = { 0 };
    bool any = false;
    for (size_t i = 0; i < w->n; i++)
        any = any || tables[i].n_columns;
    if (!any)
        return true;
    const char *name = arena_printf(&w->arena, "artifacts/cross_condition/%s.csv", m->name);
    bool ok = (name || abl_no_memory(w->err)) && join(w, m, tables, &text) && put(w, name, &text);
    buf_release(&text);
    return ok;
}

static bool write_invariants(struct writer *w, const struct csv_table *const *tables)
{
    struct doc d;
    return cross_invariants(w->children, w->n, tables, &d, w->err)
           && put_doc(w, "artifacts/cross_condition/invariants.json", &d);
}

static bool write_seeds(struct writer *w, const struct csv_table *const *tables)
{
    struct buf text = { 0 };
    const struct csv_table *drawn = read_tables(w, &table_seeds);
    bool any = false;
    bool ok = drawn && cross_seeds(w->children, w->n, tables, drawn, &text, &any, w->err)
              && (!any || put(w, "artifacts/cross_condition/seeds.csv", &text));
    buf_release(&text);
    return ok;
}

// ------------------------------------------------------------------------------------------- whole

static bool write_summary(struct writer *w, const char *run_name)
{
    struct doc d = doc_file("cross_summary", false);
    doc_text(&d, d.root, "run_name", run_name);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += cross_is_first(w->children, i);
    doc_uint(&d, d.root, "n_conditions", n);
    cJSON *tags = doc_array(&d, d.root, "conditions"), *runs = doc_array(&d, d.root, "child_runs");
    for (size_t i = 0; i < w->n; i++) {
        if (cross_is_first(w->children, i))
            doc_text(&d, tags, NULL, cross_condition(&w->children[i]));
        doc_text(&d, runs, NULL, w->children[i].tag);
    }
    cJSON *summaries = doc_object(&d, d.root, "summaries");
    for (size_t i = 0; i < w->n; i++)
        if (!add_file(w, &d, summaries, i, "metrics/summary.json", "abltui.summary/1")) {
            doc_release(&d);
            return false;
        }
    return put_doc(w, "artifacts/cross_condition/summary.json", &d);
}

// And what the children's say of how their tables are written.
static bool write_config(struct writer *w, const char *run_name)
{
    w->formats = arena_alloc(&w->arena, w->n + 1, sizeof *w->formats);
    if (!w->formats)
        return abl_no_memory(w->err);
    struct doc d = doc_file("cross_config", false);
    doc_text(&d, d.root, "run_name", run_name);
    if (w->format == SHEET_CSV_SAFE)
        doc_bool(&d, d.root, "csv_safe", true);
    cJSON *configs = doc_object(&d, d.root, "conditions");
    for (size_t i = 0; i < w->n; i++) {
        if (!add_file(w, &d, configs, i, "config.json", "abltui.config/1")) {
            doc_release(&d);
            return false;
        }
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(configs, w->children[i].tag);
        w->formats[i] = csv_format_of(config);
    }
    return put_doc(w, "config.json", &d);
}

// The children that read what heads write, against one another. Reports are named as from the joint
// folder, wherever the children lie.
static bool write_comparison(struct writer *w)
{
    struct ov_file *named = arena_alloc(&w->arena, w->n, sizeof *named);
    const struct ov_file **files = arena_alloc(&w->arena, w->n, sizeof(const struct ov_file *)), *f;
    struct doc d;
    size_t n = 0;
    if (!named || !files)
        return abl_no_memory(w->err);
    for (size_t i = 0; i < w->n; i++) {
        const char *path = child_path(w, i, "ov_report.json");
        if (!path)
            return false;
        if (!file_exists(path))
            continue;
        if (!ov_file_read(path, &w->arena, &f, w->err))
            return false;
        named[n] = *f;
        named[n].path = arena_printf(&w->arena, "%s/ov_report.json", w->children[i].tag);
        if (!named[n].path)
            return abl_no_memory(w->err);
        files[n] = &named[n];
        n++;
    }
    return n < 2 || (ov_compare_doc(files, n, &d, w->err) && put_doc(w, "compare.json", &d));
}

static bool is_unfinished(const char *path, const char *name)
{
    (void)path;
    const char *dot = strstr(name, ".tmp-");
    return dot && dot > name && file_is_temporary(dot);
}

// What a run that was killed had begun to write: files, and folders of conditions, whole by now.
static void remove_unfinished(const char *dir)
{
    struct names names = { 0 };
    char *inside = file_join(dir, manifest_name);
    if (inside)
        free(rundir_sweep(inside));
    free(inside);
    if (!folder_names(dir, is_unfinished, &names, NULL))
        return;
    for (size_t i = 0; i < names.n; i++)
        file_remove_in(dir, names.items[i]);
    names_release(&names);
}

static bool write_all(struct writer *w, const char *run_name)
{
    const char *inner = file_path(&w->arena, "%s/artifacts/cross_condition", w->dir);
    const char *manifest = file_path(&w->arena, "%s/%s", w->dir, manifest_name);
    const struct csv_table *tables[N_CROSS_MATRICES];
    struct buf text = { 0 };
    w->manifest = doc_file("manifest", false);
    w->files = doc_array(&w->manifest, w->manifest.root, "files");
    bool ok = (inner && manifest) || abl_no_memory(w->err);
    ok = ok && file_make_dirs(inner, w->err) && write_config(w, run_name);
    for (size_t i = 0; ok && i < N_CROSS_MATRICES; i++) {
        tables[i] = read_tables(w, cross_matrices[i].table);
        ok = tables[i] && write_matrix(w, &cross_matrices[i], tables[i]);
    }
    ok = ok && write_summary(w, run_name) && write_invariants(w, tables) && write_seeds(w, tables)
         && write_comparison(w) && doc_print(&w->manifest, DOC_PRETTY, &text, w->err)
         && file_write_atomic(manifest, text.data, text.len, w->err);
    if (ok) {
        remove_unfinished(w->dir);
        remove_unfinished(inner);
    }
    buf_release(&text);
    doc_release(&w->manifest);
    return ok;
}

static const char list_aside[] = "manifest.json.old"; // see put_list_aside

bool cross_write(const char *dir, const char *run_name, const struct cross_child *children,
                 size_t n, enum sheet_format format, struct abl_err *err)
{
    struct writer w = { .dir = dir, .children = children, .n = n, .format = format, .err = err };
    bool ok = write_all(&w, run_name);
    if (ok)
        file_remove_in(dir, list_aside);
    arena_release(&w.arena);
    return ok;
}

// Whether the config.json in a folder is that of a joint run.
static bool is_joint(const char *config)
{
    struct abl_err ignored;
    cJSON *tree = file_exists(config)
                      ? json_tree_read(config, TEXT_MAX, JSON_TREE_DIGITS, ABL_BAD_DATA, &ignored)
                      : NULL;
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(tree, "schema");
    bool joint = cJSON_IsString(schema) && strcmp(schema->valuestring, cross_schema) == 0;
    cJSON_Delete(tree);
    return joint;
}

// Empty, or an earlier joint run.
static bool is_ours(const char *dir, bool *out, struct abl_err *err)
{
    struct names names = { 0 };
    if (!folder_names(dir, NULL, &names, err))
        return false;
    *out = !names.n;
    names_release(&names);
    char *config = file_join(dir, "config.json");
    if (!config)
        return abl_no_memory(err);
    *out = *out || is_joint(config);
    free(config);
    return true;
}

// An earlier joint run is none while its children are replaced: its list waits under another name.
// back: until it turned out that nothing is.
static bool put_list_aside(const char *dir, bool back, struct abl_err *err)
{
    char *list = file_join(dir, manifest_name), *aside = file_join(dir, list_aside);
    bool ok = list && aside;
    if (!ok)
        abl_no_memory(err);
    else if (rename(back ? aside : list, back ? list : aside) != 0 && errno != ENOENT)
        ok = abl_fail(err, ABL_FAILED, "cannot rename '%s': %s", list, strerror(errno));
    free(list);
    free(aside);
    return ok;
}

static bool is_there(const char *dir, const char *name)
{
    char *path = file_join(dir, name);
    bool there = path && file_exists(path);
    free(path);
    return there;
}

bool cross_begin(const char *dir, const char *run_name, struct abl_err *err)
{
    struct writer w = { .dir = dir, .err = err };
    bool ours = true;
    if (!rundir_check_name(dir, err))
        return false;
    if (file_exists(dir) && !file_is_dir(dir))
        return abl_fail(err, ABL_USAGE, "'%s' is no folder: name one for the conditions' runs",
                        dir);
    if (file_exists(dir) && !is_ours(dir, &ours, err))
        return false;
    if (!ours)
        return abl_fail(err, ABL_USAGE,
                        "'%s' holds something else than a run over several conditions: choose "
                        "another folder",
                        dir);
    w.manifest = doc_new();
    w.files = doc_array(&w.manifest, w.manifest.root, "files");
    bool ok = file_make_dirs(dir, err) && put_list_aside(dir, false, err)
              && (is_there(dir, "config.json") || write_config(&w, run_name));
    doc_release(&w.manifest);
    arena_release(&w.arena);
    return ok;
}

void cross_abandon(const char *dir)
{
    if (is_there(dir, list_aside)) {
        put_list_aside(dir, true, NULL);
        return;
    }
    struct names names = { 0 };
    // what others have put there stays, and says what it is
    if (folder_names(dir, NULL, &names, NULL) && names.n == 1 && file_remove_in(dir, "config.json"))
        rmdir(dir);
    names_release(&names);
}
