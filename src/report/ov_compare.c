#include "report/ov_compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/ranks.h"

static const double agree_cosine = 0.8, agree_overlap = 0.25;

// One head in two reports; NaN where something is not to be had.
struct likeness {
    double cosine, top, bottom, correlation;
    size_t n_common; // tokens that both list
    bool agree;
};

static double cosine(const double *a, const double *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct ov_file_token *)a)->text, ((const struct ov_file_token *)b)->text);
}

// Ids may share a text (pieces of a character do); the best scored of them comes first.
static int by_text_and_score(const void *a, const void *b)
{
    const struct ov_file_token *x = a, *y = b;
    int order = by_text(a, b);
    return order ? order : (x->logit < y->logit) - (x->logit > y->logit);
}

// The tokens sorted by text, each text once; malloc'd.
static struct ov_file_token *sorted(const struct ov_file_tokens *top,
                                    const struct ov_file_tokens *bottom, size_t *n)
{
    size_t total = top->n + (bottom ? bottom->n : 0), kept = 0;
    struct ov_file_token *list = malloc((total ? total : 1) * sizeof *list);
    if (!list)
        return NULL;
    if (top->n)
        memcpy(list, top->items, top->n * sizeof *list);
    if (bottom && bottom->n)
        memcpy(list + top->n, bottom->items, bottom->n * sizeof *list);
    qsort(list, total, sizeof *list, by_text_and_score);
    for (size_t i = 0; i < total; i++)
        if (!kept || strcmp(list[kept - 1].text, list[i].text) != 0)
            list[kept++] = list[i];
    *n = kept;
    return list;
}

// Walks two sorted lists; scores of common texts go to x and y where these are given. Returns how
// many there are.
static size_t match(const struct ov_file_token *a, size_t na, const struct ov_file_token *b,
                    size_t nb, double *x, double *y)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < na && k < nb;) {
        int order = by_text(&a[i], &b[k]);
        if (!order) {
            if (x) {
                x[n] = a[i].logit;
                y[n] = b[k].logit;
            }
            n++;
        }
        i += order <= 0;
        k += order >= 0;
    }
    return n;
}

static bool overlap(const struct ov_file_tokens *a, const struct ov_file_tokens *b, double *out,
                    struct abl_err *err)
{
    size_t na = 0, nb = 0;
    struct ov_file_token *x = sorted(a, NULL, &na), *y = sorted(b, NULL, &nb);
    bool ok = (x && y) || abl_no_memory(err);
    if (ok) {
        size_t common = match(x, na, y, nb, NULL, NULL), all = na + nb - common;
        *out = all ? (double)common / (double)all : NAN;
    }
    free(x);
    free(y);
    return ok;
}

static bool correlate(const struct ov_file_head *a, const struct ov_file_head *b,
                      struct likeness *out, struct abl_err *err)
{
    size_t na = 0, nb = 0;
    struct ov_file_token *x = sorted(&a->top, &a->bottom, &na);
    struct ov_file_token *y = sorted(&b->top, &b->bottom, &nb);
    size_t room = (na < nb ? na : nb) + 1;
    double *u = malloc(2 * room * sizeof *u), **places = malloc(room * sizeof *places);
    bool ok = (x && y && u && places) || abl_no_memory(err);
    if (ok) {
        out->n_common = match(x, na, y, nb, u, u + room);
        out->correlation
            = out->n_common > 2 ? ranks_spearman(u, u + room, out->n_common, places) : NAN;
    }
    free(x);
    free(y);
    free(u);
    free(places);
    return ok;
}

static bool same_space(const struct ov_file *a, const struct ov_file *b)
{
    return a->vocab_sha256 && b->vocab_sha256 && strcmp(a->vocab_sha256, b->vocab_sha256) == 0
           && a->d_model && a->d_model == b->d_model;
}

static bool liken(const struct ov_file *fa, const struct ov_file_head *a, const struct ov_file *fb,
                  const struct ov_file_head *b, struct likeness *out, struct abl_err *err)
{
    *out = (struct likeness){ .cosine = NAN };
    if (same_space(fa, fb) && a->vector && b->vector)
        out->cosine = cosine(a->vector, b->vector, fa->d_model);
    if (!overlap(&a->top, &b->top, &out->top, err)
        || !overlap(&a->bottom, &b->bottom, &out->bottom, err) || !correlate(a, b, out, err))
        return false;
    out->agree = !isnan(out->cosine)
                     ? out->cosine >= agree_cosine
                     : (out->top + out->bottom) / 2 >= agree_overlap && out->correlation > 0;
    return true;
}

static const struct ov_file_head *find_head(const struct ov_file *f, const struct ov_file_head *h)
{
    for (size_t i = 0; i < f->n_heads; i++)
        if (f->heads[i].layer == h->layer && f->heads[i].head == h->head)
            return &f->heads[i];
    return NULL;
}

static void add_head(struct doc *d, cJSON *list, const struct ov_file_head *h,
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
        const struct ov_file_head *other = find_head(b, &a->heads[h]),
                                  *first = find_head(files[0], &a->heads[h]);
        struct likeness l;
        if (!other)
            continue;
        if (!liken(a, &a->heads[h], b, other, &l, err))
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
        doc_text(&d, o, "path", files[i]->path);
        doc_text(&d, o, "model", files[i]->model);
        doc_text(&d, o, "condition", files[i]->condition);
        doc_text(&d, o, "kind", files[i]->kind);
        doc_uint(&d, o, "n_heads", files[i]->n_heads);
    }
    cJSON *rule = doc_object(&d, d.root, "agree_if");
    doc_number(&d, rule, "cosine_at_least", agree_cosine);
    doc_number(&d, rule, "else_overlap_at_least", agree_overlap);
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

struct count {
    const char *text;
    size_t n;
};

static int most_first(const void *a, const void *b)
{
    const struct count *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// How often each text stands in the lists; the most frequent first. malloc'd.
static struct count *count_texts(const struct ov_file *const *files, size_t n, size_t limit,
                                 bool bottom, size_t *n_counts)
{
    size_t total = 0, kept = 0;
    for (size_t f = 0; f < n; f++)
        for (size_t h = 0; h < files[f]->n_heads; h++)
            total += bottom ? files[f]->heads[h].bottom.n : files[f]->heads[h].top.n;
    const char **texts = malloc((total + 1) * sizeof *texts);
    struct count *counts = malloc((total + 1) * sizeof *counts);
    total = 0;
    for (size_t f = 0; texts && f < n; f++)
        for (size_t h = 0; h < files[f]->n_heads; h++) {
            const struct ov_file_tokens *t
                = bottom ? &files[f]->heads[h].bottom : &files[f]->heads[h].top;
            for (size_t i = 0; i < t->n && (!limit || i < limit); i++)
                texts[total++] = t->items[i].text;
        }
    if (texts && counts) {
        qsort(texts, total, sizeof *texts, text_order);
        for (size_t i = 0; i < total; i++) {
            if (!kept || strcmp(counts[kept - 1].text, texts[i]) != 0)
                counts[kept++] = (struct count){ texts[i], 0 };
            counts[kept - 1].n++;
        }
        qsort(counts, kept, sizeof *counts, most_first);
    } else {
        free(counts);
        counts = NULL;
    }
    free(texts);
    *n_counts = kept;
    return counts;
}

static bool add_counts(struct doc *d, const char *key, const struct ov_file *const *files, size_t n,
                       size_t limit, size_t n_shown, bool bottom, struct abl_err *err)
{
    size_t n_counts;
    struct count *counts = count_texts(files, n, limit, bottom, &n_counts);
    if (!counts)
        return abl_no_memory(err);
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
