#include "analysis/likeness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/ranks.h"

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
    return strcmp(((const struct scored_token *)a)->text, ((const struct scored_token *)b)->text);
}

// Ids may share a text (pieces of a character do); the best scored of them comes first.
static int by_text_and_score(const void *a, const void *b)
{
    const struct scored_token *x = a, *y = b;
    int order = by_text(a, b);
    return order ? order : (x->logit < y->logit) - (x->logit > y->logit);
}

// The tokens sorted by text, each text once; malloc'd.
static struct scored_token *sorted(const struct scored_tokens *top,
                                   const struct scored_tokens *bottom, size_t *n)
{
    size_t total = top->n + (bottom ? bottom->n : 0), kept = 0;
    struct scored_token *list = malloc((total ? total : 1) * sizeof *list);
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
static size_t match(const struct scored_token *a, size_t na, const struct scored_token *b,
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

static bool overlap(const struct scored_tokens *a, const struct scored_tokens *b, double *out,
                    struct abl_err *err)
{
    size_t na = 0, nb = 0;
    struct scored_token *x = sorted(a, NULL, &na), *y = sorted(b, NULL, &nb);
    bool ok = (x && y) || abl_no_memory(err);
    if (ok) {
        size_t common = match(x, na, y, nb, NULL, NULL), all = na + nb - common;
        *out = all ? (double)common / (double)all : NAN;
    }
    free(x);
    free(y);
    return ok;
}

static bool correlate(const struct written_head *a, const struct written_head *b,
                      struct likeness *out, struct abl_err *err)
{
    size_t na = 0, nb = 0;
    struct scored_token *x = sorted(&a->top, &a->bottom, &na);
    struct scored_token *y = sorted(&b->top, &b->bottom, &nb);
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

bool likeness_make(const struct written_head *a, const struct written_head *b, size_t d_model,
                   struct likeness *out, struct abl_err *err)
{
    *out = (struct likeness){ .cosine = NAN };
    if (d_model && a->vector && b->vector)
        out->cosine = cosine(a->vector, b->vector, d_model);
    if (!overlap(&a->top, &b->top, &out->top, err)
        || !overlap(&a->bottom, &b->bottom, &out->bottom, err) || !correlate(a, b, out, err))
        return false;
    out->agree = !isnan(out->cosine)
                     ? out->cosine >= AGREE_COSINE
                     : (out->top + out->bottom) / 2 >= AGREE_OVERLAP && out->correlation > 0;
    return true;
}

static int most_first(const void *a, const void *b)
{
    const struct text_count *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool count_texts(const struct scored_tokens *const *lists, size_t n_lists, size_t limit,
                 struct text_count **out, size_t *n_out, struct abl_err *err)
{
    size_t total = 0, kept = 0;
    for (size_t l = 0; l < n_lists; l++)
        total += lists[l]->n;
    const char **texts = malloc((total + 1) * sizeof *texts);
    struct text_count *counts = malloc((total + 1) * sizeof *counts);
    if (!texts || !counts) {
        free(texts);
        free(counts);
        return abl_no_memory(err);
    }
    total = 0;
    for (size_t l = 0; l < n_lists; l++)
        for (size_t i = 0; i < lists[l]->n && (!limit || i < limit); i++)
            texts[total++] = lists[l]->items[i].text;
    qsort(texts, total, sizeof *texts, text_order);
    for (size_t i = 0; i < total; i++) {
        if (!kept || strcmp(counts[kept - 1].text, texts[i]) != 0)
            counts[kept++] = (struct text_count){ texts[i], 0 };
        counts[kept - 1].n++;
    }
    qsort(counts, kept, sizeof *counts, most_first);
    free(texts);
    *out = counts;
    *n_out = kept;
    return true;
}
