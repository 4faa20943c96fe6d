// direct.csv, indirect.csv and lens.csv: what the parts of the intact run write, what later parts
// do about the loss of a head, and what the run would say at each layer.
#include <math.h>

#include "experiments/lens.h"
#include "report/tables.h"

static void put_place(struct sheet *s, uint32_t layer, uint32_t head)
{
    if (layer == NO_LAYER)
        sheet_missing(s);
    else
        sheet_uint(s, layer);
    if (head == ALL_HEADS)
        sheet_missing(s);
    else
        sheet_uint(s, head);
}

void tables_write_direct(const struct report *r, const struct effects *effects,
                         enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "condition", "part", "layer", "head", "ld", "ci_lo", "ci_hi", "n", NULL };
    const struct lens *l = r->readings->lens;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; l && i < l->n_parts; i++) {
        const struct direct_part *p = &l->parts[i];
        sheet_text(&s, r->session->data->name);
        sheet_text(&s, direct_kind_name(p->kind));
        put_place(&s, p->layer, p->head);
        sheet_number(&s, p->ld.mean);
        sheet_number(&s, p->ld.ci_lo);
        sheet_number(&s, p->ld.ci_hi);
        sheet_uint(&s, p->ld.n);
    }
    sheet_end(&s);
}

// One head: total = direct + indirect. direct is what its ablation takes from its own share;
// missing, as indirect is, where lens_taken is NaN.
static void put_indirect(struct sheet *s, const struct session *session,
                         const struct direct_part *p)
{
    const struct ablation *how = &session->settings.ablation;
    const struct estimate *e = &p->indirect;
    char ablate[ABLATE_SIZE];
    sheet_text(s, session->data->name);
    sheet_uint(s, session->settings.seed);
    sheet_text(s, ablate_text(&session->settings, ablate));
    put_place(s, p->layer, p->head);
    if (how->kind == ABLATE_SCALE)
        sheet_float(s, how->scale);
    else
        sheet_missing(s);
    sheet_number(s, p->total.mean);
    sheet_number(s, -lens_taken(how) * p->ld.mean);
    sheet_number(s, e->mean);
    sheet_number(s, e->se);
    sheet_number(s, e->ci_lo);
    sheet_number(s, e->ci_hi);
    sheet_number(s, e->p);
    sheet_number(s, e->q);
    sheet_uint(s, e->n);
    sheet_uint(s, e->n_clusters);
}

void tables_write_indirect(const struct report *r, const struct effects *effects,
                           enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "condition", "seed",   "ablate",   "layer",      "head",  "scale",
            "total",     "direct", "indirect", "se",         "ci_lo", "ci_hi",
            "p",         "q",      "n",        "n_clusters", NULL };
    const struct lens *l = r->readings->lens;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; l && i < l->n_parts; i++)
        if (l->parts[i].indirect.n)
            put_indirect(&s, r->session, &l->parts[i]);
    sheet_end(&s);
}

void tables_write_lens(const struct report *r, const struct effects *effects,
                       enum sheet_format format, struct buf *out)
{
    (void)effects;
    static const char *const columns[]
        = { "condition", "layer", "site", "ld", "logprob", "rank", "entropy", "n", NULL };
    const struct lens *l = r->readings->lens;
    struct sheet s;
    sheet_begin(&s, out, format, columns);
    for (size_t i = 0; l && i < l->n_points; i++) {
        const struct lens_point *p = &l->points[i];
        sheet_text(&s, r->session->data->name);
        sheet_uint(&s, p->layer);
        sheet_text(&s, site_name(p->site));
        sheet_number(&s, p->ld.mean);
        sheet_number(&s, p->logprob.mean);
        sheet_number(&s, p->rank.mean);
        sheet_number(&s, p->entropy.mean);
        sheet_uint(&s, p->ld.n);
    }
    sheet_end(&s);
}
