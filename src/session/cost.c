// What a run would cost, told before it starts.
#include <stdlib.h>

#include "forward/forward.h"
#include "forward/weights.h"
#include "plan/flop.h"
#include "plan/shared_start.h"
#include "plan/start_point.h"
#include "session/session.h"

// Token rows of a variant: all that the run has, or its last ones of each prompt.
static double variant_rows(const struct prompts *p, const struct variant *v, double n_nodes)
{
    uint32_t tail = variant_tail(v);
    double rows = 0;
    if (tail == ALL_TOKENS)
        return n_nodes;
    for (size_t i = 0; i < p->n; i++)
        rows += p->items[i].n_ids < tail ? p->items[i].n_ids : tail;
    return rows;
}

// A variant's FLOP in the layers, over n_rows rows, of which n_reads go on in the last one. Layers
// before `own` were run for a neighbour.
static double variant_flop(const struct model_shape *s, const struct variant *v, uint32_t own,
                           double n_rows, double n_reads)
{
    struct start_point at = start_point_of(s, v, 0);
    double flop = 0;
    for (uint32_t l = at.layer > own ? at.layer : own; l < s->n_layers; l++) {
        enum stage from = l == at.layer ? at.stage : STAGE_START;
        flop += flop_layer(s, from, start_point_heads(s, v, l), n_rows,
                           l + 1 == s->n_layers ? n_reads : n_rows);
    }
    return flop;
}

// First layer that a variant does not share with the one that runs before it; 0 where they do not
// run together.
static uint32_t own_layer(const struct model_shape *s, const struct variant *before,
                          const struct variant *v)
{
    struct start_point a = start_point_of(s, before, 0), b = start_point_of(s, v, 0);
    bool together
        = a.layer == b.layer && a.stage == b.stage && variant_tail(before) == variant_tail(v);
    uint32_t until = together ? shared_until(before, v) : 0;
    return until < s->n_layers ? until : s->n_layers - 1;
}

// Bytes of layers that come and go which a chunk of variants from this one on loads.
static uint64_t streamed_bytes(const struct model_shape *s, const struct variant *first,
                               const struct weights_fit *fit)
{
    uint32_t layer = start_point_of(s, first, 0).layer;
    return layer < fit->n_streamed ? (fit->n_streamed - layer) * fit->layer : 0;
}

// What the variants add, in the order in which they run.
static bool add_variants(struct run_cost *c, const struct session *session,
                         const struct variants *v, const struct forward_cut *cut,
                         const struct weights_fit *fit, struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    const struct prompts *p = session_prompts(session);
    size_t *order = malloc((v->n + 1) * sizeof *order);
    for (size_t i = 0; order && i < v->n; i++)
        order[i] = i;
    if (!order || !shared_sort(v, order, v->n)) {
        free(order);
        return abl_no_memory(err);
    }
    for (size_t i = 0; i < v->n; i++) {
        const struct variant *now = &v->items[order[i]];
        double rows = variant_rows(p, now, (double)cut->n_nodes);
        bool starts_chunk = i % cut->copies == 0;
        if (variant_first_layer(now) == NO_LAYER)
            continue;
        if (starts_chunk)
            c->loaded_bytes += cut->n_blocks * streamed_bytes(s, now, fit);
        uint32_t own = starts_chunk ? 0 : own_layer(s, &v->items[order[i - 1]], now);
        c->n_token_rows += (uint64_t)rows;
        c->variants_flop += variant_flop(s, now, own, rows, (double)cut->n_reads);
        c->readout_flop += flop_unembed(s, (double)cut->n_reads);
    }
    free(order);
    return true;
}

bool run_cost(const struct session *session, const struct variants *v,
              const struct device_info *device, struct run_cost *out, struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    struct run_memory mem = settings_memory(&session->settings, device);
    struct weights_fit fit = weights_plan(s, device->precision, mem.weights);
    const struct prompts *p = session_prompts(session);
    struct forward_cut cut;
    struct memory_budget budget = memory_budget_of(device, mem.activations, !fit.n_streamed);
    if (!forward_plan(s, &budget, p->items, p->n, v, &cut, err))
        return false;
    double nodes = (double)cut.n_nodes, reads = (double)cut.n_reads;
    *out = (struct run_cost){ .n_passes = v->n + 1,
                              .n_token_rows = cut.n_nodes,
                              .weight_bytes = fit.bytes,
                              .loaded_bytes = fit.bytes,
                              .kept_bytes = fit.kept,
                              .n_streamed = fit.n_streamed,
                              .activation_bytes = cut.bytes,
                              .variants_per_chunk = cut.copies,
                              .n_blocks = cut.n_blocks };
    out->intact_flop = (s->n_layers - 1) * flop_layer(s, STAGE_START, 0, nodes, nodes)
                       + flop_layer(s, STAGE_START, 0, nodes, reads);
    out->readout_flop = flop_unembed(s, reads);
    if (!add_variants(out, session, v, &cut, &fit, err))
        return false;
    out->flop = out->intact_flop + out->variants_flop + out->readout_flop;
    return true;
}
