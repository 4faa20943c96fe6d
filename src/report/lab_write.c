#include "report/lab_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json_tree.h"
#include "base/string_index.h"
#include "report/doc.h"
#include "report/lab_rows.h"
#include "report/provenance.h"

enum { JSON_MAX = 1 << 20, INVARIANT_MOST = 10 };

static const char schema[] = "\"abltui.lab_run/1\""; // doc_file's of write_provenance
static const char *const tables[]
    = { "metrics/head_impact", "metrics/layer_impact", "metrics/per_example",
        "artifacts/cross_condition/head_matrix", "artifacts/cross_condition/layer_matrix" };

struct writer {
    struct lab_tables *t;
    const char *place;
    struct arena *a;
    struct abl_err *err;
};

// ------------------------------------------------------------------------------------------- files

static const char *inside(const struct writer *w, const char *name)
{
    const char *path = file_path(w->a, "%s/%s", w->place, name);
    if (!path)
        abl_no_memory(w->err);
    return path;
}

static bool put(const struct writer *w, const char *name, const struct buf *text)
{
    const char *path = inside(w, name);
    return path && (!text->failed || abl_no_memory(w->err))
           && file_write_atomic(path, text->data ? text->data : "", text->len, w->err);
}

static bool put_text(const struct writer *w, const char *name, const char *text)
{
    const char *path = inside(w, name);
    return path && file_write_atomic(path, text, strlen(text), w->err);
}

static bool put_doc(const struct writer *w, const char *name, struct doc *d)
{
    struct buf text = { 0 };
    bool ok = doc_print(d, DOC_PRETTY, &text, w->err) && put(w, name, &text);
    buf_release(&text);
    doc_release(d);
    return ok;
}

// A table as CSV, to be made Parquet of.
static bool put_table(const struct writer *w, const char *name, const char *statement,
                      const struct buf *text)
{
    const char *file = arena_printf(w->a, "%s.csv", name), *path = inside(w, name);
    if (!file || !path)
        return abl_no_memory(w->err);
    w->t->tables[w->t->n_tables++] = (struct lab_table){ statement, path };
    return put(w, file, text);
}

bool lab_place_check(const char *place, struct abl_err *err)
{
    struct file_bytes bytes;
    char *path = file_join(place, "provenance.json");
    bool there = file_exists(place), ours = false;
    struct names names = { 0 };
    if (!path)
        return abl_no_memory(err);
    if (there && file_is_dir(place) && folder_names(place, NULL, &names, NULL))
        there = names.n;
    names_release(&names);
    if (there && file_read(path, JSON_MAX, &bytes, ABL_FAILED, NULL)) {
        ours = strstr(bytes.data, schema);
        file_bytes_release(&bytes);
    }
    free(path);
    return !there || ours
           || abl_fail(err, ABL_USAGE,
                       "'%s' is there and not written by lab-tables: nothing was replaced; move it "
                       "away or choose another folder with --out",
                       place);
}

// Tables of an earlier time may have other names, and Parquet may not come again.
static void drop_tables(const struct writer *w)
{
    static const char *const endings[] = { "csv", "parquet" };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
            const char *name = arena_printf(w->a, "%s.%s", tables[i], endings[k]);
            if (name)
                file_remove_in(w->place, name);
        }
}

// The sign that the folder is ours comes first.
static bool begin(const struct writer *w, const char *folder, const struct lab_child *children,
                  size_t n)
{
    struct doc d = doc_file("lab_run", false);
    doc_text(&d, d.root, "version", abl_version);
    cJSON *runs = doc_array(&d, d.root, "runs");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < children[i].n; k++) {
            const struct lab_run *run = children[i].members[k];
            cJSON *o = doc_object(&d, runs, NULL);
            doc_text(&d, o, "dir", run->dir);
            cJSON *notes = doc_array(&d, o, "notes");
            for (size_t note = 0; note < run->n_notes; note++)
                doc_text(&d, notes, NULL, run->notes[note]);
        }
    const char *path = inside(w, folder);
    bool ok = path && file_make_dirs(path, w->err);
    if (!ok) {
        doc_release(&d);
        return false;
    }
    drop_tables(w);
    return put_doc(w, "provenance.json", &d);
}

// ------------------------------------------------------------------------------------------- child

static const char *of_examples(const struct writer *w, const struct lab_shape_info *info)
{
    return arena_printf(w->a, "%s_examples", info->name);
}

static bool write_tables(const struct writer *w, const struct lab_child *c,
                         const struct lab_row *rows, size_t n)
{
    const struct lab_shape_info *info = lab_shape_info(c->members[0]->shape);
    const char *name = arena_printf(w->a, "metrics/%s", info->impact);
    const char *examples = of_examples(w, info);
    struct buf impact = { 0 }, predicted = { 0 };
    bool ok = (name && examples && lab_put_impact(c, rows, n, false, true, &impact)
               && lab_put_examples(c, rows, n, &predicted))
              || abl_no_memory(w->err);
    ok = ok && put_table(w, name, info->name, &impact)
         && put_table(w, "metrics/per_example", examples, &predicted);
    buf_release(&impact);
    buf_release(&predicted);
    return ok;
}

// The harness names its tables by their Parquet.
static bool write_manifest(const struct writer *w, const struct lab_child *c)
{
    const struct lab_shape_info *info = lab_shape_info(c->members[0]->shape);
    struct doc d = doc_new();
    doc_text(&d, d.root, "run_dir", w->place);
    doc_text(&d, d.root, "metrics", "metrics/summary.json");
    doc_text(&d, d.root, "per_example", "metrics/per_example.parquet");
    doc_text(&d, d.root, info->impact, arena_printf(w->a, "metrics/%s.parquet", info->impact));
    return put_doc(w, "manifest.json", &d);
}

bool lab_write_child(struct lab_tables *t, size_t i, struct arena *a, struct abl_err *err)
{
    const struct lab_child *c = &t->children[i];
    const struct writer w = { t, c->place, a, err };
    struct lab_row *rows;
    size_t n;
    if (!lab_rows(c, a, &rows, &n, err) || !begin(&w, "metrics", c, 1))
        return false;
    struct doc summary = doc_new();
    lab_add_summary(&summary, summary.root, c, rows, n);
    return put_doc(&w, "metrics/summary.json", &summary) && write_tables(&w, c, rows, n)
           && put_text(&w, "config.json", c->config.text)
           && put_text(&w, "config_hash.txt", c->config.hash)
           && put_text(&w, "data_hash.txt", c->members[0]->data_sha256) && write_manifest(&w, c);
}

// ------------------------------------------------------------------------------------------ matrix

// The children of a parent that have such a matrix, one below the other.
static bool write_matrix(const struct writer *w, const struct lab_child *const *children, size_t n,
                         const char *matrix, bool *written)
{
    const struct lab_shape_info *info = NULL;
    const char *name = arena_printf(w->a, "artifacts/cross_condition/%s", matrix);
    struct buf text = { 0 };
    bool ok = name || abl_no_memory(w->err);
    for (size_t i = 0; ok && i < n; i++) {
        const struct lab_shape_info *own = lab_shape_info(children[i]->members[0]->shape);
        struct lab_row *rows;
        size_t n_rows;
        if (strcmp(own->matrix, matrix) != 0 || !children[i]->members[0]->n)
            continue;
        if (info && own != info)
            ok = abl_fail(w->err, ABL_USAGE,
                          "'%s' has conditions of %s and of %s, whose columns differ: run them "
                          "one by one",
                          w->place, info->name, own->name);
        ok = ok && lab_rows(children[i], w->a, &rows, &n_rows, w->err)
             && (lab_put_impact(children[i], rows, n_rows, true, !info, &text)
                 || abl_no_memory(w->err));
        info = own;
    }
    *written = info;
    ok = ok && (!info || put_table(w, name, info->name, &text));
    buf_release(&text);
    return ok;
}

// -------------------------------------------------------------------------------------- invariants

// A head or a layer and its mean over seeds.
struct ranked {
    const char *layer, *head; // head NULL: of a layer
    double sum;
    size_t n;
};

static int highest_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    double mx = x->sum / (double)x->n, my = y->sum / (double)y->n;
    return (mx < my) - (mx > my);
}

static int by_place(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    long lx = strtol(x->layer, NULL, 10), ly = strtol(y->layer, NULL, 10);
    long hx = x->head ? strtol(x->head, NULL, 10) : 0, hy = y->head ? strtol(y->head, NULL, 10) : 0;
    return lx != ly ? (lx > ly) - (lx < ly) : (hx > hy) - (hx < hy);
}

static size_t metric_of(const struct lab_run *run, const char *name)
{
    size_t i = 0;
    while (i < run->n_metrics && strcmp(run->metrics[i], name) != 0)
        i++;
    return i;
}

// The INVARIANT_MOST highest of a child.
static bool rank(const struct writer *w, const struct lab_child *c, struct ranked **out, size_t *n)
{
    struct lab_row *rows;
    struct string_index seen = { 0 };
    size_t n_rows, metric = metric_of(c->members[0], "logit_diff");
    *n = 0;
    if (!lab_rows(c, w->a, &rows, &n_rows, w->err))
        return false;
    *out = arena_alloc(w->a, n_rows, sizeof **out);
    bool ok = *out || abl_no_memory(w->err), heads = c->members[0]->shape == LAB_HEADS;
    for (size_t i = 0; ok && metric < c->members[0]->n_metrics && i < n_rows; i++) {
        const struct lab_component *of = rows[i].component;
        const char *head = heads ? of->keys[1] : NULL, *value = of->values[metric];
        const char *key = arena_printf(w->a, "%s:%s", of->keys[0], head ? head : "");
        uint32_t *at
            = key && value ? string_index_put(&seen, key, strlen(key), (uint32_t)*n) : NULL;
        ok = !value || at || abl_no_memory(w->err);
        if (!at)
            continue;
        if (*at == *n)
            (*out)[(*n)++] = (struct ranked){ .layer = of->keys[0], .head = head };
        (*out)[*at].sum += strtod(value, NULL);
        (*out)[*at].n++;
    }
    string_index_release(&seen);
    if (ok && *n)
        qsort(*out, *n, sizeof **out, highest_first);
    *n = *n < INVARIANT_MOST ? *n : INVARIANT_MOST;
    return ok;
}

static bool is_among(const struct ranked *p, const struct ranked *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (by_place(p, &list[i]) == 0)
            return true;
    return false;
}

// Those of the first that are among the others' too, in place.
static bool common(const struct writer *w, const struct lab_child *const *children, size_t n,
                   const char *matrix, struct ranked **out, size_t *n_out)
{
    bool first = true;
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct ranked *own;
        size_t n_own, kept = 0;
        if (strcmp(lab_shape_info(children[i]->members[0]->shape)->matrix, matrix) != 0
            || !children[i]->members[0]->n)
            continue;
        if (!rank(w, children[i], &own, &n_own))
            return false;
        if (first) {
            *out = own;
            *n_out = n_own;
        }
        for (size_t k = 0; !first && k < *n_out; k++)
            if (is_among(&(*out)[k], own, n_own))
                (*out)[kept++] = (*out)[k];
        if (!first)
            *n_out = kept;
        first = false;
    }
    if (*n_out)
        qsort(*out, *n_out, sizeof **out, by_place);
    return true;
}

// By its rule: what is among the highest mean values of every condition. Pairs have none there.
static bool write_invariants(const struct writer *w, const struct lab_child *const *children,
                             size_t n)
{
    struct ranked *heads = NULL, *layers = NULL;
    size_t n_heads = 0, n_layers = 0;
    bool pairs = false;
    for (size_t i = 0; i < n; i++)
        pairs = pairs || children[i]->members[0]->shape == LAB_PAIRS;
    if ((!pairs && !common(w, children, n, "head_matrix", &heads, &n_heads))
        || !common(w, children, n, "layer_matrix", &layers, &n_layers))
        return false;
    struct doc d = doc_new();
    doc_uint(&d, d.root, "k", INVARIANT_MOST);
    doc_text(&d, doc_array(&d, d.root, "metrics"), NULL, "logit_diff");
    cJSON *o = doc_object(&d, d.root, "heads");
    cJSON *list = heads ? doc_array(&d, o, "logit_diff") : NULL;
    for (size_t i = 0; i < n_heads; i++) {
        cJSON *head = doc_object(&d, list, NULL);
        doc_raw(&d, head, "layer", heads[i].layer);
        doc_raw(&d, head, "head", heads[i].head);
    }
    o = doc_object(&d, d.root, "layers");
    list = layers ? doc_array(&d, o, "logit_diff") : NULL;
    for (size_t i = 0; i < n_layers; i++)
        doc_raw(&d, list, NULL, layers[i].layer);
    return put_doc(w, "artifacts/cross_condition/invariants.json", &d);
}

// ------------------------------------------------------------------------------------------ parent

static void add_child_runs(struct doc *d, const struct lab_child *const *children, size_t n)
{
    cJSON *runs = doc_array(d, d->root, "child_runs");
    for (size_t i = 0; i < n; i++) {
        cJSON *o = doc_object(d, runs, NULL);
        doc_text(d, o, "tag", children[i]->tag);
        doc_text(d, o, "run_dir", children[i]->place);
    }
}

static bool add_summary(const struct writer *w, struct doc *d, cJSON *to, const struct lab_child *c)
{
    struct lab_row *rows;
    size_t n;
    if (!c->summary) {
        if (!lab_rows(c, w->a, &rows, &n, w->err))
            return false;
        lab_add_summary(d, doc_object(d, to, c->tag), c, rows, n);
        return true;
    }
    cJSON *tree = json_tree(c->place, c->summary, strlen(c->summary), JSON_TREE_DIGITS,
                            ABL_BAD_DATA, w->err);
    if (tree)
        doc_item(d, to, c->tag, tree);
    return tree;
}

static bool write_summary(const struct writer *w, const struct lab_parent *p,
                          const struct lab_child *const *children, size_t n)
{
    const char **tags;
    size_t n_tags;
    if (!lab_config_tags(w->place, &p->config, w->a, &tags, &n_tags, w->err))
        return false;
    struct doc d = doc_new();
    doc_text(&d, d.root, "run_name", p->config.run_name);
    doc_uint(&d, d.root, "n_conditions", n_tags);
    cJSON *list = doc_array(&d, d.root, "conditions");
    for (size_t i = 0; i < n_tags; i++)
        doc_text(&d, list, NULL, tags[i]);
    add_child_runs(&d, children, n);
    cJSON *summaries = doc_object(&d, d.root, "summaries");
    for (size_t i = 0; i < n; i++)
        if (!add_summary(w, &d, summaries, children[i])) {
            doc_release(&d);
            return false;
        }
    return put_doc(w, "artifacts/cross_condition/summary.json", &d);
}

static bool write_parent_manifest(const struct writer *w, const struct lab_child *const *children,
                                  size_t n, const bool written[2])
{
    struct doc d = doc_new();
    doc_text(&d, d.root, "run_dir", w->place);
    doc_text(&d, d.root, "cross_condition_summary", "artifacts/cross_condition/summary.json");
    add_child_runs(&d, children, n);
    if (written[0])
        doc_text(&d, d.root, "head_matrix", "artifacts/cross_condition/head_matrix.parquet");
    if (written[1])
        doc_text(&d, d.root, "layer_matrix", "artifacts/cross_condition/layer_matrix.parquet");
    return put_doc(w, "manifest.json", &d);
}

bool lab_write_parent(struct lab_tables *t, size_t i, struct arena *a, struct abl_err *err)
{
    const struct lab_parent *p = &t->parents[i];
    const struct writer w = { t, p->place, a, err };
    const struct lab_child **children = arena_alloc(a, t->n_children, sizeof *children);
    struct lab_child *own = arena_alloc(a, t->n_children, sizeof *own);
    bool written[2];
    size_t n = 0;
    if (!children || !own)
        return abl_no_memory(err);
    for (size_t k = 0; k < t->n_children; k++)
        if (t->children[k].tag && t->children[k].parent == i) {
            own[n] = t->children[k];
            children[n] = &own[n];
            n++;
        }
    return begin(&w, "artifacts/cross_condition", own, n)
           && write_matrix(&w, children, n, "head_matrix", &written[0])
           && write_matrix(&w, children, n, "layer_matrix", &written[1])
           && write_summary(&w, p, children, n) && write_invariants(&w, children, n)
           && put_text(&w, "config.json", p->config.text)
           && write_parent_manifest(&w, children, n, written);
}
