#include "plan/plan_walk.h"

#include "base/size.h"
#include "engine/work.h"

struct plan_slice plan_whole(const struct plan *p)
{
    return (struct plan_slice){ 0, p->n_units };
}

static uint32_t phase_of(const struct plan *p, size_t unit)
{
    uint32_t i = 0;
    while (i + 1 < p->n_phases && unit >= p->phases[i + 1].first_unit)
        i++;
    return i;
}

void plan_unit(const struct plan *p, size_t unit, uint32_t *block, uint32_t *group)
{
    const struct plan_phase *phase = &p->phases[phase_of(p, unit)];
    const struct plan_pass *first = &p->passes[phase->first_pass];
    uint32_t n_groups = 0;
    for (uint32_t i = 0; i < phase->n_passes; i++)
        n_groups += first[i].n_groups;
    unit -= phase->first_unit;
    *block = first->first_block + (uint32_t)(unit / n_groups);
    *group = first->first_group + (uint32_t)(unit % n_groups);
}

void plan_walk(const struct plan *p, struct plan_slice slice, struct plan_walk *w)
{
    *w = (struct plan_walk){ .plan = p,
                             .unit = slice.first,
                             .end = slice.end,
                             .phase = NO_PLACE,
                             .block = NO_PLACE,
                             .pass = NO_PLACE,
                             .streamed = NO_PLACE,
                             .loaded = p->given & GIVEN_INTACT };
}

// ------------------------------------------------------------------------------------------ loads

// Of the layers that stay, once, with the unembedding.
static void load_all(struct plan_walk *w, struct plan_batch *b)
{
    const struct plan *p = w->plan;
    if (w->loaded)
        return;
    w->loaded = true;
    uint64_t passing = count_mul(p->weights.n_streamed, p->weights.layer);
    if (!p->weights.stored)
        b->work.loaded_bytes = count_add(b->work.loaded_bytes, p->weights.bytes - passing);
    b->work.flop = count_add(b->work.flop, constants_flop(p->shape));
}

// Layers [first, end) are used, one after the other.
static void load(struct plan_walk *w, uint32_t first, uint32_t end, struct plan_batch *b)
{
    const struct weights_fit *fit = &w->plan->weights;
    end = end < fit->n_streamed ? end : fit->n_streamed;
    if (first < end && w->streamed == first)
        first++;
    if (first >= end)
        return;
    if (!b->n_loads)
        b->first_load = first;
    b->n_loads += end - first;
    w->streamed = end - 1;
    b->work.loaded_bytes = count_add(b->work.loaded_bytes, count_mul(end - first, fit->layer));
}

// A stream goes from one point to another.
static void go(struct plan_walk *w, const struct copy_rows *rows, struct start_point from,
               struct start_point to, struct plan_batch *b)
{
    b->work.flop = count_add(b->work.flop, path_flop(w->plan->shape, rows, from, to));
    load(w, from.layer, to.layer + (to.stage > STAGE_START), b);
}

// -------------------------------------------------------------------------------------- read-outs

// Final states of n read-outs, and of those that they are compared with.
static void read_out(const struct plan_walk *w, enum pass_kind kind, uint64_t n, uint64_t n_base,
                     struct plan_batch *b)
{
    const struct model_shape *s = w->plan->shape;
    uint64_t flop = readout_flop(n, n_base, s->d_model, s->n_vocab);
    if (w->plan->taps & 1u << kind)
        flop = count_add(flop, linear_flop(n, s->d_model, s->n_vocab));
    b->readout_flop = count_add(b->readout_flop, flop);
    b->work.flop = count_add(b->work.flop, flop);
}

// ---------------------------------------------------------------------------------- clean passes

// A clean stream of these rows through every layer.
static void run_clean(struct plan_walk *w, enum pass_kind kind, struct copy_rows rows,
                      struct plan_batch *b)
{
    *b = (struct plan_batch){
        .kind = kind, .block = w->block, .rows = rows, .work = { .token_rows = rows.rows }
    };
    load_all(w, b);
    go(w, &rows, (struct start_point){ 0, STAGE_START }, path_end(w->plan->shape), b);
}

static void clean_unit(struct plan_walk *w, const struct plan_group *g, struct plan_batch *b)
{
    const struct plan *p = w->plan;
    const struct plan_pass *pass = pass_of(p, g);
    run_clean(w, pass->kind, group_rows(p, g, w->block), b);
    b->bytes = group_room(p, g, w->block).bytes;
    if (pass->kind == PASS_INTACT || pass->kind == PASS_OTHER)
        read_out(w, pass->kind, b->rows.reads, 0, b);
}

static void donors_batch(struct plan_walk *w, const struct plan_group *g, struct plan_batch *b)
{
    const struct plan_pass *pass = pass_of(w->plan, g);
    const struct plan_block *block = &w->plan->blocks[w->block];
    struct copy_rows rows = { .rows = block->donors.n_nodes,
                              .reads = block->donors.n_reads,
                              .whole_last_layer = pass->flags & PASS_WHOLE };
    run_clean(w, PASS_DONORS, rows, b);
    b->bytes
        = count_add(block->donor_bytes, stream_bytes(w->plan->shape, &w->plan->budget, rows.rows));
}

// What tails see of the tokens before them.
static void context_batch(struct plan_walk *w, const struct plan_group *g, struct plan_batch *b)
{
    struct block_rows all = pass_rows(w->plan, pass_of(w->plan, g), w->block);
    struct copy_rows rows = group_rows(w->plan, g, w->block);
    rows.rows = all.n_nodes;
    run_clean(w, PASS_CONTEXT, rows, b);
    b->bytes = group_room(w->plan, g, w->block).bytes;
}

// --------------------------------------------------------------------------------------- variants

// Item, or the first behind it, that is to be run over a block; the group's end where there is
// none.
static uint32_t next_item(const struct plan *p, const struct plan_group *g, uint32_t block,
                          uint32_t item)
{
    while (item < g->first + g->n && item_is_skipped(p, block, item))
        item++;
    return item;
}

// From item `first` on as many as there is room for; their number, and the end of their range.
static uint32_t take_items(const struct plan_walk *w, const struct plan_group *g, uint32_t first,
                           uint32_t copies, uint32_t *end)
{
    uint32_t n = 0, i = next_item(w->plan, g, w->block, first), left = g->first + g->n - first;
    if (!w->plan->skipped) {
        n = left < copies ? left : copies;
        *end = first + n;
        return n;
    }
    for (*end = i; i < g->first + g->n && n < copies; i = next_item(w->plan, g, w->block, i + 1)) {
        n++;
        *end = i + 1;
    }
    return n;
}

void batch_items(const struct plan *p, const struct plan_batch *b, struct batch_items *out)
{
    uint32_t until = 0; // the lowest of those that were skipped since the last
    out->n = 0;
    for (uint32_t i = b->first; i < b->end; i++) {
        const struct plan_item *item = &p->items[i];
        until = i > b->first && item->until < until ? item->until : until;
        if (item_is_skipped(p, b->block, i))
            continue;
        out->variants[out->n] = item->variant;
        out->until[out->n] = until;
        out->n_heads[out->n++] = item->n_heads;
        until = NO_LAYER;
    }
}

// From where each parts from the one before to the last layer.
static void carry(struct plan_walk *w, struct plan_batch *b)
{
    const struct model_shape *s = w->plan->shape;
    struct batch_items items;
    uint64_t flop = 0;
    batch_items(w->plan, b, &items);
    for (uint32_t i = 0; i < items.n; i++) {
        struct start_point parts = { items.until[i], STAGE_START };
        uint64_t change = head_change_flop(s, &b->rows, b->start.layer, items.n_heads[i]);
        flop = count_add(flop, parts.layer > b->start.layer
                                   ? path_flop(s, &b->rows, parts, path_end(s))
                                   : count_add(w->way_flop, change));
    }
    b->work.flop = count_add(b->work.flop, flop);
    b->work.token_rows = (uint64_t)b->n * b->rows.rows;
    load(w, b->start.layer, s->n_layers, b);
}

// Final states of every row, and what they are compared with.
static void compare(const struct plan_walk *w, const struct plan_pass *pass, struct plan_batch *b)
{
    const struct model_shape *s = w->plan->shape;
    if (!pass_compares(w->plan, pass))
        return;
    uint64_t rows = count_mul((uint64_t)b->n + 1, w->plan->blocks[w->block].n_compared);
    uint64_t flop = linear_flop(rows, s->d_model, s->n_vocab);
    b->readout_flop = count_add(b->readout_flop, flop);
    b->work.flop = count_add(b->work.flop, flop);
}

// Read out what waits with these, unless the next can wait with them too.
static void decide(struct plan_walk *w, const struct plan_group *g, struct plan_batch *b)
{
    const struct plan *p = w->plan;
    uint32_t end;
    uint32_t n_next = take_items(w, g, b->end, w->room.copies, &end);
    w->waiting += b->n;
    w->waited_flop = count_add(w->waited_flop, count_mul(b->n, w->way_flop));
    bool waits = n_next && w->waiting + n_next <= w->room.waiting
                 && !waiting_is_due(p->shape, b->rows.reads, w->waited_flop);
    if (waits)
        return;
    b->n_read = w->waiting;
    w->waiting = 0;
    w->waited_flop = 0;
    read_out(w, PASS_VARIANTS, (uint64_t)b->n_read * b->rows.reads, b->rows.reads, b);
}

// What is the same for all batches of a unit.
static void begin_unit(struct plan_walk *w, const struct plan_group *g)
{
    const struct model_shape *s = w->plan->shape;
    w->room = group_room(w->plan, g, w->block);
    w->rows = group_rows(w->plan, g, w->block);
    w->way_flop = path_flop(s, &w->rows, g->start, path_end(s));
}

// The next batch of a group; false where none is left.
static bool variants_batch(struct plan_walk *w, const struct plan_group *g, struct plan_batch *b)
{
    const struct plan *p = w->plan;
    const struct plan_pass *pass = pass_of(p, g);
    uint32_t first = next_item(p, g, w->block, w->item ? w->item : g->first), end;
    if (first == g->first + g->n)
        return false;
    if (!w->item)
        begin_unit(w, g);
    uint32_t n = take_items(w, g, first, w->room.copies, &end);
    *b = (struct plan_batch){ .kind = PASS_VARIANTS,
                              .block = w->block,
                              .first = first,
                              .end = end,
                              .n = n,
                              .start = g->start,
                              .rows = w->rows,
                              .bytes = w->room.bytes };
    bool back = w->clean.layer > g->start.layer
                || (w->clean.layer == g->start.layer && w->clean.stage > g->start.stage);
    if (back)
        w->clean = (struct start_point){ 0, STAGE_START };
    struct copy_rows clean = b->rows;
    clean.rows = pass_rows(p, pass, w->block).n_nodes;
    load_all(w, b);
    go(w, &clean, w->clean, g->start, b);
    w->clean = g->start;
    carry(w, b);
    compare(w, pass, b);
    decide(w, g, b);
    w->item = end;
    return true;
}

// -------------------------------------------------------------------------------------- the walk

// The unit's block and pass are entered, which may take a clean pass of its own: true then.
static bool enter(struct plan_walk *w, uint32_t phase, uint32_t block, const struct plan_group *g,
                  struct plan_batch *b)
{
    const struct plan *p = w->plan;
    const struct plan_pass *pass = pass_of(p, g);
    if (w->phase != phase || w->block != block) {
        w->phase = phase;
        w->block = block;
        w->pass = NO_PLACE;
        w->donors_ran = pass->kind != PASS_VARIANTS || !p->n_saved;
    }
    if (!w->donors_ran) {
        w->donors_ran = true;
        donors_batch(w, g, b);
        return true;
    }
    if (w->pass == g->pass)
        return false;
    w->pass = g->pass;
    w->clean = (struct start_point){ 0, STAGE_START };
    if (!(pass->flags & PASS_TAILS))
        return false;
    context_batch(w, g, b);
    return true;
}

// Whether nothing of a unit is left to do.
static bool is_idle(const struct plan *p, const struct plan_group *g, uint32_t block)
{
    return pass_of(p, g)->kind == PASS_VARIANTS
           && next_item(p, g, block, g->first) == g->first + g->n;
}

// A batch of the unit; false behind its last.
static bool unit_batch(struct plan_walk *w, uint32_t block, const struct plan_group *g,
                       struct plan_batch *out)
{
    if (is_idle(w->plan, g, block))
        return false;
    if (enter(w, phase_of(w->plan, w->unit), block, g, out))
        return true;
    if (pass_of(w->plan, g)->kind == PASS_VARIANTS)
        return variants_batch(w, g, out);
    if (w->item) // its only one
        return false;
    w->item = 1;
    clean_unit(w, g, out);
    return true;
}

bool plan_next(struct plan_walk *w, struct plan_batch *out)
{
    for (; w->unit < w->end; w->unit++, w->item = 0) {
        uint32_t block, group;
        plan_unit(w->plan, w->unit, &block, &group);
        if (!unit_batch(w, block, &w->plan->groups[group], out))
            continue;
        out->unit = w->unit;
        out->group = group;
        return true;
    }
    return false;
}
