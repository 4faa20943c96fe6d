#include "plan/shards.h"

#include "plan/cells.h"
#include "plan/plan_make.h"
#include "plan/plan_walk.h"

// Where the plan is cut depends on these alone: 256 MiB, whatever a machine has.
static struct plan_input of_no_machine(const struct plan_input *in)
{
    struct plan_input out = *in;
    out.budget
        = (struct memory_budget){ .mem = 256 << 20, .part_bytes = 1 << 20, .rows_at_once = 2048 };
    out.weights = weights_fit_of(in->shape, PRECISION_F32, UINT64_MAX);
    out.taps = 0;
    out.compared = NULL;
    out.observed = NULL;
    out.given = GIVEN_INTACT | GIVEN_MEANS;
    out.done = NULL;
    return out;
}

// What the variants' batches multiply: on their way, and for read-outs, which one batch may make
// for many.
struct costs {
    double way, readouts, n; // n: variants, over all blocks
};

static struct costs costs_of(const struct plan *p)
{
    struct plan_walk w;
    struct plan_batch b;
    struct costs c = { 0 };
    for (plan_walk(p, plan_whole(p), &w); plan_next(&w, &b);)
        if (b.kind == PASS_VARIANTS) {
            c.way += (double)(b.work.flop - b.readout_flop);
            c.readouts += (double)b.readout_flop;
            c.n += b.n;
        }
    return c;
}

// Cells being dealt out in the plan's order.
struct dealer {
    const struct plan *p;
    struct costs costs;
    size_t n_rows;
    uint32_t i, n;
    double before; // FLOP of what has been dealt
    uint64_t *cells;
};

// The cells of a batch, of which each variant costs the same.
static void deal(struct dealer *d, const struct plan_batch *b)
{
    struct batch_items items;
    batch_items(d->p, b, &items);
    const struct plan_block *block = &d->p->blocks[b->block];
    double way = (double)(b->work.flop - b->readout_flop) / items.n;
    double each = way + d->costs.readouts / d->costs.n;
    for (uint32_t k = 0; k < items.n; k++, d->before += each) {
        double middle = (d->before + each / 2) / (d->costs.way + d->costs.readouts);
        uint32_t whose = (uint32_t)(middle * d->n);
        if ((whose < d->n ? whose : d->n - 1) + 1 != d->i)
            cells_set(d->cells, items.variants[k] * d->n_rows + block->first, block->n);
    }
}

bool shard_others(const struct plan_input *in, uint32_t i, uint32_t n, uint64_t *cells,
                  struct abl_err *err)
{
    struct plan_input of = of_no_machine(in);
    struct plan p;
    struct plan_walk w;
    struct plan_batch b;
    bool ok = plan_make(&of, &p, err);
    struct dealer d = { .p = &p, .n_rows = in->run.n, .i = i, .n = n, .cells = cells };
    if (ok)
        d.costs = costs_of(&p);
    if (ok)
        for (plan_walk(&p, plan_whole(&p), &w); plan_next(&w, &b);)
            if (b.kind == PASS_VARIANTS)
                deal(&d, &b);
    // what is a copy of the intact run costs nothing
    for (size_t k = 0; ok && i != 1 && k < p.n_copied; k++)
        cells_set(cells, p.copied[k] * d.n_rows, d.n_rows);
    plan_release(&p);
    return ok;
}
