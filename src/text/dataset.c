#include "text/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/name_text.h"
#include "base/string_index.h"
#include "text/records.h"
#include "text/rows.h"
#include "text/split.h"

static const char suffix[] = ".jsonl";

// ----------------------------------------------------------------------------------- finding files

static bool has_suffix(const char *name)
{
    size_t n = strlen(name), s = sizeof suffix - 1;
    return n > s && strcmp(name + n - s, suffix) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static bool collect_names(DIR *dir, char ***out, size_t *n, struct abl_err *err)
{
    char **names = calloc(1, sizeof *names);
    size_t count = 0;
    bool ok = names != NULL;
    for (struct dirent *e; ok && (e = readdir(dir));) {
        if (!has_suffix(e->d_name))
            continue;
        char **more = realloc(names, (count + 1) * sizeof *names);
        names = more ? more : names;
        char *name = strndup(e->d_name, strlen(e->d_name) - (sizeof suffix - 1));
        ok = more && name;
        if (ok)
            names[count++] = name;
        else
            free(name);
    }
    if (!ok) {
        free_names(names, count);
        return abl_no_memory(err);
    }
    qsort(names, count, sizeof *names, by_name);
    *out = names;
    *n = count;
    return true;
}

bool dataset_list(const char *data_dir, char ***out, size_t *n, struct abl_err *err)
{
    char *path = file_join(data_dir, "corpora");
    if (!path)
        return abl_no_memory(err);
    DIR *dir = opendir(path);
    bool ok = dir ? collect_names(dir, out, n, err)
                  : abl_fail(err, ABL_BAD_DATA,
                             "cannot open folder '%s': %s; name the folder of the bundled data by "
                             "ABLTUI_DATA",
                             path, strerror(errno));
    if (dir)
        closedir(dir);
    free(path);
    return ok;
}

static bool unknown_name(const char *name, const char *data_dir, struct abl_err *err)
{
    char **names;
    size_t n;
    struct buf list = { 0 };
    if (!dataset_list(data_dir, &names, &n, err))
        return abl_fail_in(err, "no dataset '%s'", name);
    buf_str(&list, n ? "" : "none");
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    free_names(names, n);
    if (list.failed)
        abl_no_memory(err);
    else
        abl_fail(err, ABL_BAD_DATA,
                 "no dataset '%s': expected a file of rows (.jsonl, .csv, .tsv, .json "
                 "or .parquet), '-', or one of: %s",
                 name, list.data);
    buf_release(&list);
    return false;
}

// Where a dataset lies, and where its split file may.
struct corpus_files {
    const char *name, *path;
    const char *splits[2]; // in order; NULL = none
};

static bool place_bundled(struct corpus_files *p, struct arena *a, const char *name,
                          const char *data_dir)
{
    p->name = arena_strdup(a, name);
    p->path = file_path(a, "%s/corpora/%s%s", data_dir, name, suffix);
    p->splits[0] = file_path(a, "%s/splits/%s.split.json", data_dir, name);
    return p->name && p->path && p->splits[0];
}

static bool place_file(struct corpus_files *p, struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    int folder = (int)(base - path);
    p->path = arena_strdup(a, path);
    const char *stem
        = arena_strndup(a, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
    p->name = stem ? name_label(stem, a) : NULL;
    if (!p->path || !p->name)
        return false;
    p->splits[0] = arena_printf(a, "%.*s%s.split.json", folder, path, stem);
    p->splits[1] = arena_printf(a, "%.*s../splits/%s.split.json", folder, path, stem);
    return p->splits[0] && p->splits[1];
}

static bool find_place(struct corpus_files *p, struct arena *a, const char *name,
                       const char *data_dir, struct abl_err *err)
{
    bool is_path = strchr(name, '/') || records_are_called(name);
    *p = (struct corpus_files){ 0 };
    if (strcmp(name, "-") == 0) {
        *p = (struct corpus_files){ .name = "stdin", .path = "-" };
        return true;
    }
    if (!is_path) {
        if (!place_bundled(p, a, name, data_dir))
            return abl_no_memory(err);
        if (file_exists(p->path))
            return true;
        if (!file_exists(name) || file_is_dir(name))
            return unknown_name(name, data_dir, err);
    }
    return place_file(p, a, name) || abl_no_memory(err);
}

// ----------------------------------------------------------------------------------- choosing rows

static const char *split_path(const struct corpus_files *p)
{
    for (size_t i = 0; i < 2; i++)
        if (p->splits[i] && file_exists(p->splits[i]))
            return p->splits[i];
    return NULL;
}

static bool no_split_file(const struct corpus_files *p, enum split split, struct abl_err *err)
{
    if (!p->splits[0])
        return abl_fail(err, ABL_BAD_DATA,
                        "standard input has no split file: expected --split all");
    return abl_fail(err, ABL_BAD_DATA,
                    "no split file for '%s': --split %s needs '%s'; write one or use --split all",
                    p->path, split_name(split), p->splits[0]);
}

static bool open_split(const struct corpus_files *p, const struct parsed_rows *all,
                       const struct file_bytes *text, struct split_file *out, struct abl_err *err)
{
    const char *path = split_path(p);
    bool fits = true;
    if (!split_file_read(path, (uint32_t)all->n, out, err))
        return false;
    if (!out->sha256[0]
        || (split_hash_fits(out->sha256, text->data, text->size, &fits, err) && fits))
        return true;
    if (!fits)
        abl_fail(err, ABL_BAD_DATA,
                 "'%s' does not belong to '%s': it was made for a file with SHA-256 %.12s…;"
                 " restore that file, write a new split, or use --split all",
                 path, p->path, out->sha256);
    split_file_release(out);
    return false;
}

// What a row may share with one of another split, and where the other's line goes.
static const struct leak {
    size_t text, line; // offsets in struct dataset_row
} leaks[] = {
    { offsetof(struct dataset_row, clean), offsetof(struct dataset_row, leak_line) },
    { offsetof(struct dataset_row, cluster), offsetof(struct dataset_row, cluster_leak_line) },
    { offsetof(struct dataset_row, template_name),
      offsetof(struct dataset_row, template_leak_line) },
};

static const char *leak_text(const struct dataset_row *row, const struct leak *l)
{
    return row->clean ? *(const char *const *)(const void *)((const char *)row + l->text) : NULL;
}

static bool mark_leak(struct parsed_rows *all, const struct split_file *f, enum split chosen,
                      const struct leak *l)
{
    struct string_index seen = { 0 };
    bool ok = true;
    for (enum split s = SPLIT_TRAIN; s < SPLIT_ALL; s++)
        for (size_t i = 0; ok && s != chosen && i < f->n[s]; i++) {
            const struct dataset_row *row = &all->rows[f->rows[s][i]];
            const char *text = leak_text(row, l);
            ok = !text || string_index_put(&seen, text, strlen(text), row->line);
        }
    for (size_t i = 0; ok && i < f->n[chosen]; i++) {
        struct dataset_row *row = &all->rows[f->rows[chosen][i]];
        const char *text = leak_text(row, l);
        const uint32_t *line = text ? string_index_find(&seen, text, strlen(text)) : NULL;
        *(uint32_t *)(void *)((char *)row + l->line) = line ? *line : 0;
    }
    string_index_release(&seen);
    return ok;
}

// Mark rows that share something with another split: what is tuned on one is then no
// test on the other.
static bool mark_leaks(struct parsed_rows *all, const struct split_file *f, enum split chosen,
                       struct abl_err *err)
{
    for (size_t i = 0; i < sizeof leaks / sizeof *leaks; i++)
        if (!mark_leak(all, f, chosen, &leaks[i]))
            return abl_no_memory(err);
    return true;
}

// Keep the good ones among the rows asked for, up to max_rows;
// `order` may be NULL for all in file order.
static bool take_rows(struct dataset *d, const struct parsed_rows *all, const uint32_t *order,
                      size_t n, size_t max_rows, size_t *n_dropped, struct abl_err *err)
{
    size_t most = max_rows && max_rows < n ? max_rows : n;
    d->rows = arena_alloc(&d->arena, most, sizeof *d->rows);
    if (!d->rows)
        return abl_no_memory(err);
    *n_dropped = 0;
    for (size_t i = 0; i < n && d->n_rows < most; i++) {
        const struct dataset_row *row = &all->rows[order ? order[i] : i];
        if (row->clean)
            d->rows[d->n_rows++] = *row;
        else
            ++*n_dropped;
    }
    if (d->n_rows)
        return true;
    return abl_fail(err, ABL_BAD_DATA, "'%s' has no usable row (%s split, %zu bad rows dropped)",
                    d->path, split_name(d->split), *n_dropped);
}

static bool choose_rows(struct dataset *d, const struct corpus_files *p, struct parsed_rows *all,
                        const struct file_bytes *text, enum split split, size_t max_rows,
                        size_t *n_dropped, struct abl_err *err)
{
    d->split_path = split_path(p); // in the arena, as the place is
    d->has_split_file = d->split_path != NULL;
    d->split = split == SPLIT_DEFAULT ? d->has_split_file ? SPLIT_TRAIN : SPLIT_ALL : split;
    if (!all->n)
        return abl_fail(err, ABL_BAD_DATA, "'%s' has no rows", p->path);
    if (d->split == SPLIT_ALL)
        return take_rows(d, all, NULL, all->n, max_rows, n_dropped, err);
    struct split_file f = { 0 };
    if (!d->has_split_file)
        return no_split_file(p, d->split, err);
    bool ok = open_split(p, all, text, &f, err) && mark_leaks(all, &f, d->split, err)
              && take_rows(d, all, f.rows[d->split], f.n[d->split], max_rows, n_dropped, err);
    split_file_release(&f);
    return ok;
}

// -------------------------------------------------------------------------------------------- open

struct request {
    const char *name, *data_dir;
    enum split split;
    size_t max_rows;
    bool skip_bad;
    const struct data_fields *fields;
};

static bool open_into(struct dataset *d, const struct request *r, size_t *n_dropped,
                      struct abl_err *err)
{
    struct corpus_files p;
    struct file_bytes text;
    struct record_list records = { 0 };
    struct parsed_rows all = { 0 };
    if (!find_place(&p, &d->arena, r->name, r->data_dir, err)
        || !file_read(p.path, MAX_CORPUS, &text, ABL_BAD_DATA, err))
        return false;
    d->name = p.name;
    d->path = p.path;
    bool ok = sha256_bytes(text.data, text.size, d->sha256, err)
              && records_open(p.path, &text, r->fields, &records, err)
              && rows_parse(&records, r->fields, r->skip_bad, &d->arena, &all, err)
              && choose_rows(d, &p, &all, &text, r->split, r->max_rows, n_dropped, err);
    rows_release(&all);
    records_release(&records);
    file_bytes_release(&text);
    return ok;
}

bool dataset_open(const char *name, const char *data_dir, enum split split, size_t max_rows,
                  bool skip_bad, struct dataset **out, size_t *n_dropped, struct abl_err *err)
{
    return dataset_open_as(NULL, name, data_dir, split, max_rows, skip_bad, out, n_dropped, err);
}

bool dataset_open_as(const struct data_fields *fields, const char *name, const char *data_dir,
                     enum split split, size_t max_rows, bool skip_bad, struct dataset **out,
                     size_t *n_dropped, struct abl_err *err)
{
    struct request r = { .fields = fields,
                         .name = name,
                         .data_dir = data_dir,
                         .split = split,
                         .max_rows = max_rows,
                         .skip_bad = skip_bad };
    size_t dropped = 0;
    struct dataset *d = calloc(1, sizeof *d);
    if (!d)
        return abl_no_memory(err);
    if (!open_into(d, &r, &dropped, err)) {
        dataset_free(d);
        return false;
    }
    *out = d;
    *n_dropped = dropped;
    return true;
}

static bool make_into(struct dataset *d, const struct row_templates *t, const struct request *r,
                      size_t *n_dropped, struct abl_err *err)
{
    struct corpus_files p;
    struct file_bytes table;
    struct record_list records = { 0 };
    struct parsed_rows all = { 0 };
    const struct data_fields own = { .by = r->fields->by, .foilless = r->fields->foilless };
    if (r->split != SPLIT_DEFAULT && r->split != SPLIT_ALL)
        return abl_fail(err, ABL_USAGE, "rows of --template have no split: leave --split out");
    if (!place_file(&p, &d->arena, t->slots))
        return abl_no_memory(err);
    if (!file_read(t->slots, MAX_CORPUS, &table, ABL_BAD_DATA, err))
        return false;
    d->name = p.name;
    d->path = p.path;
    p.splits[0] = p.splits[1] = NULL;
    bool ok = template_rows_make(t, r->fields, &table, &records, err)
              && sha256_bytes(records.text, records.made.len, d->sha256, err)
              && rows_parse(&records, &own, r->skip_bad, &d->arena, &all, err)
              && choose_rows(d, &p, &all, &table, SPLIT_ALL, r->max_rows, n_dropped, err);
    rows_release(&all);
    records_release(&records);
    file_bytes_release(&table);
    return ok;
}

bool dataset_open_templates(const struct row_templates *t, const struct data_fields *fields,
                            enum split split, size_t max_rows, bool skip_bad, struct dataset **out,
                            size_t *n_dropped, struct abl_err *err)
{
    struct request r
        = { .fields = fields, .split = split, .max_rows = max_rows, .skip_bad = skip_bad };
    size_t dropped = 0;
    struct dataset *d = calloc(1, sizeof *d);
    if (!d)
        return abl_no_memory(err);
    if (!make_into(d, t, &r, &dropped, err)) {
        dataset_free(d);
        return false;
    }
    *out = d;
    *n_dropped = dropped;
    return true;
}

void dataset_free(struct dataset *d)
{
    if (!d)
        return;
    arena_release(&d->arena);
    free(d);
}
