#include "report/ov_compare.h"

#include <stdlib.h>
#include <string.h>

static bool same_space(const struct ov_file *a, const struct ov_file *b)
{
    return a->vocab_sha256 && b->vocab_sha256 && strcmp(a->vocab_sha256, b->vocab_sha256) == 0
           && a->d_model && a->d_model == b->d_model;
}

static const struct written_head *find_head(const struct ov_file *f, const struct written_head *h)
{
    for (size_t i = 0; i < f->n_heads; i++)
        if (f->heads[i].layer == h->layer && f->heads[i].head == h->head)
            return &f->heads[i];
    return NULL;
}

static void add_head(struct doc *d, cJSON *list, const struct written_head *h,
                     const struct likeness *l)
{
    cJSON *o = doc_object(d, list, NULL);
    doc_uint(d, o, "layer", h->layer);
    doc_uint(d, o, "head", h->head);
    doc_number(d, o, "cosine", l->cosine);
    doc_number(d, o, "overlap_top", l->top);
    doc_number(d, o, "overlap_bottom", l->bottom);
    doc_number(d, o, "rank_correlation", l->correlation);
    doc_uint(d, o, "n_common", l->n_common);
    doc_bool(d, o, "agree", l->agree);
}

// The heads that agree in every pair so far: counts[i] of the first report's heads.
static bool add_pair(struct doc *d, cJSON *pairs, const struct ov_file *const *files, size_t i,
                     size_t k, size_t *n_agree, struct abl_err *err)
{
    const struct ov_file *a = files[i], *b = files[k];
    cJSON *pair = doc_object(d, pairs, NULL);
    doc_uint(d, pair, "a", i);
    doc_uint(d, pair, "b", k);
    doc_bool(d, pair, "same_vocabulary", same_space(a, b));
    cJSON *heads = doc_array(d, pair, "heads");
    for (size_t h = 0; h < a->n_heads; h++) {
        const struct written_head *other = find_head(b, &a->heads[h]),
                                  *first = find_head(files[0], &a->heads[h]);
        struct likeness l;
        if (!other)
            continue;
        if (!likeness_make(&a->heads[h], other, same_space(a, b) ? a->d_model : 0, &l, err))
            return false;
        add_head(d, heads, &a->heads[h], &l);
        if (first && l.agree)
            n_agree[first - files[0]->heads]++;
    }
    return true;
}

bool ov_compare_doc(const struct ov_file *const *files, size_t n, struct doc *out,
                    struct abl_err *err)
{
    struct doc d = doc_file("compare", false);
    size_t *n_agree = calloc(files[0]->n_heads + 1, sizeof *n_agree);
    cJSON *reports = doc_array(&d, d.root, "reports");
    bool ok = n_agree || abl_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        cJSON *o = doc_object(&d, reports, NULL);
        doc_name(&d, o, "path", files[i]->path);
        doc_text(&d, o, "model", files[i]->model);
        doc_text(&d, o, "condition", files[i]->condition);
        doc_text(&d, o, "kind", files[i]->kind);
        doc_uint(&d, o, "n_heads", files[i]->n_heads);
    }
    cJSON *rule = doc_object(&d, d.root, "agree_if");
    doc_number(&d, rule, "cosine_at_least", AGREE_COSINE);
    doc_number(&d, rule, "else_overlap_at_least", AGREE_OVERLAP);
    doc_text(&d, rule, "and", "rank_correlation > 0");
    cJSON *pairs = doc_array(&d, d.root, "pairs");
    for (size_t i = 0; ok && i < n; i++)
        for (size_t k = i + 1; ok && k < n; k++)
            ok = add_pair(&d, pairs, files, i, k, n_agree, err);
    cJSON *everywhere = doc_array(&d, d.root, "agree_everywhere");
    for (size_t h = 0; ok && h < files[0]->n_heads; h++)
        if (n_agree[h] == n * (n - 1) / 2) {
            cJSON *o = doc_object(&d, everywhere, NULL);
            doc_uint(&d, o, "layer", files[0]->heads[h].layer);
            doc_uint(&d, o, "head", files[0]->heads[h].head);
        }
    free(n_agree);
    if (ok)
        *out = d;
    else
        doc_release(&d);
    return ok;
}

// ---------------------------------------------------------------------------------------- clusters

// How often each text stands in the heads' lists. *out is malloc'd.
static bool count_file_texts(const struct ov_file *const *files, size_t n, size_t limit,
                             bool bottom, struct text_count **out, size_t *n_out,
                             struct abl_err *err)
{
    size_t n_lists = 0;
    for (size_t f = 0; f < n; f++)
        n_lists += files[f]->n_heads;
    const struct scored_tokens **lists
        = malloc((n_lists + 1) * sizeof(const struct scored_tokens *));
    if (!lists)
        return abl_no_memory(err);
    n_lists = 0;
    for (size_t f = 0; f < n; f++)
        for (size_t h = 0; h < files[f]->n_heads; h++) {
            const struct written_head *head = &files[f]->heads[h];
            lists[n_lists++] = bottom ? &head->bottom : &head->top;
        }
    bool ok = count_texts(lists, n_lists, limit, out, n_out, err);
    free(lists);
    return ok;
}

static bool add_counts(struct doc *d, const char *key, const struct ov_file *const *files, size_t n,
                       size_t limit, size_t n_shown, bool bottom, struct abl_err *err)
{
    size_t n_counts;
    struct text_count *counts;
    if (!count_file_texts(files, n, limit, bottom, &counts, &n_counts, err))
        return false;
    cJSON *list = doc_array(d, d->root, key);
    for (size_t i = 0; i < n_counts && i < n_shown; i++) {
        cJSON *o = doc_object(d, list, NULL);
        doc_text(d, o, "token", counts[i].text);
        doc_uint(d, o, "count", counts[i].n);
    }
    free(counts);
    return true;
}

bool ov_clusters_doc(const struct ov_file *const *files, size_t n, size_t limit, size_t n_shown,
                     struct doc *out, struct abl_err *err)
{
    struct doc d = doc_file("ov_clusters", false);
    size_t n_heads = 0;
    cJSON *reports = doc_array(&d, d.root, "reports");
    for (size_t i = 0; i < n; i++) {
        doc_text(&d, reports, NULL, files[i]->path);
        n_heads += files[i]->n_heads;
    }
    doc_uint(&d, d.root, "n_heads", n_heads);
    if (limit)
        doc_uint(&d, d.root, "limit", limit);
    else
        doc_null(&d, d.root, "limit");
    if (add_counts(&d, "top", files, n, limit, n_shown, false, err)
        && add_counts(&d, "bottom", files, n, limit, n_shown, true, err)) {
        *out = d;
        return true;
    }
    doc_release(&d);
    return false;
}
