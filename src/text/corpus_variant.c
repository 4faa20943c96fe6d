#include "text/corpus_variant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "text/lab_split.h"
#include "text/records.h"
#include "text/split.h"

#define NO_ROW UINT32_MAX

struct writer {
    const struct dataset *data;
    const struct prompts *fit;
    const struct corpus_variant_settings *s;
    uint32_t *new_row; // by row of the corpus; NO_ROW: left out
    uint32_t n_rows;   // of the corpus
    struct abl_err *err;
};

// Whether a row stays, drawn so that each of a target's rows has the same chance: selection
// sampling (Knuth, algorithm
// 3.4.2 S), in the order of the file.
struct target_count {
    uint32_t target, left, wanted;
};

static struct target_count *count_of(struct target_count *counts, size_t *n, uint32_t target)
{
    for (size_t i = 0; i < *n; i++)
        if (counts[i].target == target)
            return &counts[i];
    counts[*n] = (struct target_count){ .target = target };
    return &counts[(*n)++];
}

static bool balance(const struct writer *w, bool *keep, size_t *n_left_out)
{
    size_t n = w->fit->n, n_targets = 0;
    struct target_count *counts = calloc(n + 1, sizeof *counts);
    struct rng r;
    if (!counts)
        return abl_no_memory(w->err);
    rng_seed(&r, w->s->seed);
    for (size_t i = 0; i < n; i++)
        count_of(counts, &n_targets, w->fit->items[i].target)->left++;
    for (size_t i = 0; i < n_targets; i++)
        counts[i].wanted
            = w->s->balance && w->s->balance < counts[i].left ? w->s->balance : counts[i].left;
    *n_left_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct target_count *c = count_of(counts, &n_targets, w->fit->items[i].target);
        keep[i] = rng_below(&r, c->left) < c->wanted;
        c->left--;
        c->wanted -= keep[i];
        *n_left_out += !keep[i];
    }
    free(counts);
    return true;
}

// A row as one line: the file's own bytes, its line ends as white space.
static void put_record(struct buf *out, const char *text, size_t len)
{
    size_t from = out->len;
    buf_add(out, text, len);
    for (; !out->failed && from < out->len; from++)
        if (out->data[from] == '\n' || out->data[from] == '\r')
            out->data[from] = ' ';
    buf_char(out, '\n');
}

static bool write_records(struct writer *w, const bool *keep, const struct record_list *records,
                          struct buf *out)
{
    uint32_t row = 0;
    for (size_t i = 0; i < w->fit->n; i++) {
        uint32_t index = w->fit->items[i].row->index;
        if (!keep[i])
            continue;
        if (index >= records->n)
            return abl_fail(w->err, ABL_FAILED, "'%s' changed while it was read", w->data->path);
        put_record(out, records->text + records->items[index].at, records->items[index].len);
        w->new_row[index] = row++;
    }
    return !out->failed || abl_no_memory(w->err);
}

static bool write_corpus(struct writer *w, const bool *keep, struct buf *out)
{
    struct file_bytes text;
    struct record_list records;
    if (!file_read(w->data->path, MAX_CORPUS, &text, ABL_BAD_DATA, w->err))
        return false;
    bool ok = records_open(w->data->path, &text, w->s->fields, &records, w->err);
    if (ok) {
        ok = write_records(w, keep, &records, out);
        records_release(&records);
    }
    file_bytes_release(&text);
    return ok;
}

static bool read_seed(struct json *j, uint64_t *out)
{
    struct json_text key;
    bool found = false;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key))
        if (json_key_is(key, "seed") && json_peek(j) == JSON_NUMBER)
            found = json_u64(j, out);
        else
            json_skip(j);
    return found;
}

// The number that made the split, which its successor keeps.
static bool find_seed(const char *path, uint64_t *out)
{
    struct file_bytes text;
    struct json j;
    struct abl_err ignored;
    if (!file_read(path, MAX_CORPUS, &text, ABL_BAD_DATA, &ignored))
        return false;
    bool found
        = json_open(&j, path, text.data, text.size, ABL_BAD_DATA, &ignored) && read_seed(&j, out);
    json_close(&j);
    file_bytes_release(&text);
    return found;
}

static void add_rows(const struct writer *w, const struct split_file *f, enum split s,
                     struct corpus_variant *v, struct buf *out)
{
    buf_printf(out, ", \"%s\": [", split_name(s));
    for (size_t i = 0; i < f->n[s]; i++) {
        // One that is drawn counts the rows of the new corpus.
        uint32_t row = w->s->draw_split ? f->rows[s][i] : w->new_row[f->rows[s][i]];
        if (row != NO_ROW)
            buf_printf(out, "%s%" PRIu32, v->n_split[s]++ ? ", " : "", row);
    }
    buf_char(out, ']');
}

static bool write_split(const struct writer *w, const char *name, const struct buf *corpus,
                        struct corpus_variant *v, struct buf *out)
{
    struct split_file f;
    char hash[SHA256_HEX];
    uint64_t seed;
    uint32_t n_kept = (uint32_t)(w->fit->n - v->n_unbalanced);
    if (w->s->draw_split ? !lab_split_draw(n_kept, w->s->seed, w->s->train, w->s->val, &f, w->err)
                         : !split_file_read(w->data->split_path, w->n_rows, &f, w->err))
        return false;
    bool ok = sha256_bytes(corpus->data ? corpus->data : "", corpus->len, hash, w->err);
    if (ok) {
        buf_printf(out,
                   "{\"schema\": \"abltui.split/1\", \"corpus\": \"%s\", \"sha256\": \"%s\", "
                   "\"data_hash\": \"%s\"",
                   name, hash, hash);
        seed = w->s->seed;
        if (w->s->draw_split || find_seed(w->data->split_path, &seed))
            buf_printf(out, ", \"seed\": %" PRIu64, seed);
        for (enum split s = SPLIT_TRAIN; s < SPLIT_ALL; s++)
            add_rows(w, &f, s, v, out);
        buf_str(out, "}\n");
    }
    split_file_release(&f);
    return ok && (!out->failed || abl_no_memory(w->err));
}

// Paths below the folder; the corpus may not be its own successor.
static bool name_files(const struct writer *w, char *name, size_t size, struct corpus_variant *v)
{
    char file[512];
    snprintf(name, size, "%s%s%s", w->data->name, *w->s->suffix ? "_" : "", w->s->suffix);
    snprintf(file, sizeof file, "%s.jsonl", name);
    v->corpus = file_join(w->s->folder, file);
    snprintf(file, sizeof file, "%s.split.json", name);
    bool has_split = w->data->split_path || w->s->draw_split;
    v->split = has_split ? file_join(w->s->folder, file) : NULL;
    if (!v->corpus || (has_split && !v->split))
        return abl_no_memory(w->err);
    char *mine = realpath(w->data->path, NULL), *other = realpath(v->corpus, NULL);
    bool same = mine && other && strcmp(mine, other) == 0;
    free(mine);
    free(other);
    return !same
           || abl_fail(w->err, ABL_USAGE,
                       "'%s' would be written over itself: give another --suffix or --out",
                       v->corpus);
}

static bool write_all(struct writer *w, struct corpus_variant *v)
{
    char name[256];
    struct buf corpus = { 0 }, split = { 0 };
    bool *keep = calloc(w->fit->n + 1, sizeof *keep);
    bool ok = (keep || abl_no_memory(w->err)) && name_files(w, name, sizeof name, v)
              && balance(w, keep, &v->n_unbalanced) && write_corpus(w, keep, &corpus)
              && (!v->split || write_split(w, name, &corpus, v, &split));
    v->n_kept = w->fit->n - v->n_unbalanced;
    if (ok && !v->n_kept)
        ok = abl_fail(w->err, ABL_BAD_DATA,
                      "no row of '%s' fits this tokenizer: nothing is written", w->data->path);
    if (ok && !w->s->dry)
        ok = file_make_dirs(w->s->folder, w->err)
             && file_write_atomic(v->corpus, corpus.data, corpus.len, w->err)
             && (!v->split || file_write_atomic(v->split, split.data, split.len, w->err));
    buf_release(&corpus);
    buf_release(&split);
    free(keep);
    return ok;
}

bool corpus_variant_write(const struct dataset *data, const struct prompts *fit,
                          const struct corpus_variant_settings *s, struct corpus_variant *out,
                          struct abl_err *err)
{
    struct writer w = { .data = data, .fit = fit, .s = s, .err = err };
    struct corpus_variant v = { 0 };
    for (size_t i = 0; i < data->n_rows; i++)
        w.n_rows = data->rows[i].index >= w.n_rows ? data->rows[i].index + 1 : w.n_rows;
    w.new_row = malloc(((size_t)w.n_rows + 1) * sizeof *w.new_row);
    if (!w.new_row)
        return abl_no_memory(err);
    memset(w.new_row, 0xff, ((size_t)w.n_rows + 1) * sizeof *w.new_row);
    bool ok = write_all(&w, &v);
    free(w.new_row);
    if (!ok) {
        corpus_variant_release(&v);
        return false;
    }
    *out = v;
    return true;
}

void corpus_variant_release(struct corpus_variant *v)
{
    free(v->corpus);
    free(v->split);
    *v = (struct corpus_variant){ 0 };
}
