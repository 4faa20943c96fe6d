#include "report/summary_readings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiments/attn.h"
#include "experiments/lens.h"

enum { TOP_DETECTED = 5 };

// Of the heads that are not listed yet the one with the highest score; NULL: none is left. Equal
// ones in their order.
static const struct attn_head *next_highest(const struct attn *attn, enum detector by,
                                            const bool *listed)
{
    const struct attn_head *best = NULL;
    for (size_t i = 0; i < attn->n_heads; i++)
        if (!listed[i] && (!best || attn->heads[i].score[by] > best->score[by]))
            best = &attn->heads[i];
    return best;
}

// For each detector the heads that it finds, and what it was made of.
static bool add_attn(struct doc *d, const struct attn *attn, struct abl_err *err)
{
    bool *listed = malloc(attn->n_heads * sizeof *listed);
    if (!listed)
        return abl_no_memory(err);
    doc_uint(d, d->root, "attn_repeated", attn->n_repeated);
    doc_uint(d, d->root, "attn_prompts", attn->n_prompts);
    cJSON *list = doc_array(d, d->root, "attn");
    for (int by = 0; by < N_DETECTORS && attn->n_prompts; by++) {
        memset(listed, 0, attn->n_heads * sizeof *listed);
        for (int i = 0; i < TOP_DETECTED; i++) {
            const struct attn_head *h = next_highest(attn, (enum detector)by, listed);
            if (!h)
                break;
            listed[h - attn->heads] = true;
            cJSON *o = doc_object(d, list, NULL);
            doc_text(d, o, "detector", detector_name((size_t)by));
            doc_uint(d, o, "layer", h->head.layer);
            doc_uint(d, o, "head", h->head.head);
            doc_number(d, o, "score", h->score[by]);
        }
    }
    free(listed);
    return true;
}

enum { TOP_DIRECT = 10 };

// The parts with the largest |direct ld|.
static bool add_direct(struct doc *d, const struct lens *l, const struct lens_estimates *found,
                       struct abl_err *err)
{
    size_t *order = malloc(l->n_parts * sizeof *order);
    if (!order)
        return abl_no_memory(err);
    if (!direct_by_size(found, l->n_parts, order, err)) {
        free(order);
        return false;
    }
    doc_text(d, d->root, "direct_norm", "frozen at its intact scale");
    doc_number(d, d->root, "direct_sum_error", l->worst_sum);
    cJSON *list = doc_array(d, d->root, "direct");
    for (size_t i = 0; i < l->n_parts && i < TOP_DIRECT; i++) {
        const struct direct_part *p = &l->parts[order[i]];
        const struct direct_estimate *e = &found->parts[order[i]];
        cJSON *o = doc_object(d, list, NULL);
        doc_text(d, o, "part", direct_kind_name(p->kind));
        if (p->layer == NO_LAYER)
            doc_null(d, o, "layer");
        else
            doc_uint(d, o, "layer", p->layer);
        if (p->head == ALL_HEADS)
            doc_null(d, o, "head");
        else
            doc_uint(d, o, "head", p->head);
        doc_number(d, o, "ld", e->ld.mean);
        doc_number(d, o, "total", e->total.n ? e->total.mean : NAN);
        doc_number(d, o, "indirect", e->indirect.n ? e->indirect.mean : NAN);
    }
    free(order);
    return true;
}

bool summary_readings(struct doc *d, const struct report *r, const struct effects *effects,
                      struct abl_err *err)
{
    const struct readings *in = r->readings;
    return !in
           || ((!in->attn || add_attn(d, in->attn, err))
               && (!in->lens || add_direct(d, in->lens, &effects->lens, err)));
}
