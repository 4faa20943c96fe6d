#include "report/summary_kinds.h"

#include "analysis/kinds_verdict.h"
#include "analysis/stability.h"
#include "report/config.h"

struct writer {
    struct doc *d;
    const struct report *r;
    struct ablations kinds;
    struct verdict_bar bar;
    struct abl_err *err;
};

static const struct estimate none;

// What each kind of the run says of the nodes that a variant ablates.
static bool add_verdict(const struct writer *w, cJSON *o, const struct variant *v,
                        const struct effect *list, size_t n)
{
    struct kind_effect all[MAX_ABLATIONS];
    char names[MAX_ABLATIONS][ABLATION_SIZE];
    struct buf text = { 0 };
    for (size_t k = 0; k < w->kinds.n; k++) {
        size_t other = variants_find_heads(w->r->results->variants, v->nodes.heads, v->nodes.n,
                                           &w->kinds.items[k]);
        all[k] = (struct kind_effect){ ablation_text(&w->kinds.items[k], names[k]), &none };
        for (size_t i = 0; i < n; i++)
            if (list[i].variant == other)
                all[k].e = &list[i].delta[METRIC_LD];
    }
    kinds_verdict(all, w->kinds.n, METRIC_LD, w->bar, &text);
    bool ok = !text.failed || abl_no_memory(w->err);
    if (ok)
        doc_text(w->d, o, "verdict", text.data);
    buf_release(&text);
    return ok;
}

// Those of a list that the first kind has measured, and that some kind ranks among its first.
static bool add_list(const struct writer *w, cJSON *parent, const char *name,
                     const struct effect *list, size_t n)
{
    cJSON *out = doc_array(w->d, parent, name);
    for (size_t i = 0; i < n; i++) {
        const struct agreement *a = &list[i].agreement[METRIC_LD];
        const struct variant *v = &w->r->results->variants->items[list[i].variant];
        if (a->n_kinds < 2 || a->rank_min > STABILITY_TOP
            || !ablation_same(&v->how, &w->kinds.items[0]))
            continue;
        cJSON *o = doc_object(w->d, out, NULL);
        doc_text(w->d, o, "variant", v->label);
        doc_bool(w->d, o, "sign_agrees", a->sign_agrees);
        doc_uint(w->d, o, "rank_min", a->rank_min);
        doc_uint(w->d, o, "rank_max", a->rank_max);
        if (!add_verdict(w, o, v, list, n))
            return false;
    }
    return true;
}

bool summary_kinds(struct doc *d, const struct report *r, const struct effects *effects,
                   struct abl_err *err)
{
    struct writer w = { .d = d,
                        .r = r,
                        .kinds = settings_ablations(r->settings),
                        .bar = effects->bar[METRIC_LD],
                        .err = err };
    if (!settings_ablate(r->settings) || w.kinds.n < 2)
        return true;
    cJSON *o = doc_object(d, d->root, "agreement");
    doc_text(d, o, "metric", metric_info(METRIC_LD)->name);
    return add_list(&w, o, "heads", effects->heads, effects->n_heads)
           && (!effects->n_groups || add_list(&w, o, "groups", effects->groups, effects->n_groups));
}
