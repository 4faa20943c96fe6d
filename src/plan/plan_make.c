#include "plan/plan_make.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "plan/plan_blocks.h"
#include "plan/plan_walk.h"
#include "plan/position.h"
#include "plan/row_edits.h"
#include "plan/savings.h"
#include "plan/shared_start.h"

struct maker {
    const struct plan_input *in;
    struct plan *p;
    size_t *todo; // (n_todo) numbers of variants that change something and are not done
    size_t n_todo;
    struct abl_err *err;
};

static void *take(struct maker *m, size_t n, size_t size)
{
    void *room = arena_alloc(&m->p->arena, n ? n : 1, size);
    if (!room)
        abl_no_memory(m->err);
    return room;
}

// ---------------------------------------------------------------------------------- what is to do

static bool is_done(const struct done_cells *done, size_t variant)
{
    return done && cells_are_set(done->bits, variant * done->n_rows, done->n_rows);
}

static bool list_todo(struct maker *m)
{
    const struct variants *v = m->in->variants;
    size_t n = v ? v->n : 0;
    m->todo = malloc((n + 1) * sizeof *m->todo);
    m->p->copied = take(m, n, sizeof *m->p->copied);
    if (!m->todo || !m->p->copied)
        return abl_no_memory(m->err);
    for (size_t i = 0; i < n; i++) {
        if (is_done(m->in->done, i))
            continue;
        if (variant_first_layer(&v->items[i]) == NO_LAYER)
            m->p->copied[m->p->n_copied++] = (uint32_t)i;
        else
            m->todo[m->n_todo++] = i;
    }
    return m->in->left_out & SAVING_AGREEMENT || shared_sort(v, m->todo, m->n_todo)
           || abl_no_memory(m->err);
}

static bool has_edit(const struct variant *v, bool (*has)(const struct edit *e))
{
    for (size_t k = 0; k < v->n_edits; k++)
        if (!edit_is_identity(&v->edits[k]) && has(&v->edits[k]))
            return true;
    return false;
}

// Whether some edit of what is to do has a property.
static bool any_edit(const struct maker *m, bool (*has)(const struct edit *e))
{
    for (size_t i = 0; i < m->n_todo; i++)
        if (has_edit(&m->in->variants->items[m->todo[i]], has))
            return true;
    return false;
}

static bool tells_prompts_apart(const struct edit *e)
{
    return !edit_is_shared(e);
}

static bool takes_mean(const struct edit *e)
{
    return e->source == SOURCE_MEAN;
}

static bool is_of_pattern(const struct edit *e)
{
    return e->site == SITE_PATTERN;
}

// A read-out may then take from a donor's row that is none.
static bool crosses_ends(const struct edit *e)
{
    return e->source == SOURCE_ROW && (e->from_start || position_crosses_ends(e->position));
}

// ----------------------------------------------------------------------------------------- groups

// What a variant is carried in, in the order of passes. Tails come first: they need k and v kept,
// which has to leave room for the others.
enum layout {
    LAYOUT_TAILS,  // rows of last tokens, of prompts that share none
    LAYOUT_FLAT,   // whole copies of such prompts
    LAYOUT_SHARED, // whole copies, in which prompts share rows
    N_LAYOUTS,
};

static const unsigned layout_flags[N_LAYOUTS]
    = { [LAYOUT_TAILS] = PASS_FLAT | PASS_TAILS, [LAYOUT_FLAT] = PASS_FLAT };

// An item and where it belongs.
struct place {
    enum layout layout;
    struct start_point start;
    uint32_t tail; // 0: whole copies
    uint32_t order;
    uint32_t variant;
};

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_groups(const struct place *a, const struct place *b)
{
    int order[] = { compare_u32(a->layout, b->layout), compare_u32(a->start.layer, b->start.layer),
                    compare_u32(a->start.stage, b->start.stage), compare_u32(a->tail, b->tail) };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (order[i])
            return order[i];
    return 0;
}

static int compare_places(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    int order = compare_groups(a, b);
    return order ? order : compare_u32(a->order, b->order);
}

static enum layout layout_of(const struct maker *m, const struct variant *v, bool tails)
{
    if (!(m->in->left_out & SAVING_SHARED_ROWS) && !has_edit(v, tells_prompts_apart))
        return LAYOUT_SHARED;
    return tails && variant_tail(v) != ALL_TOKENS ? LAYOUT_TAILS : LAYOUT_FLAT;
}

static struct place *place_items(const struct maker *m, bool tails)
{
    struct place *places = malloc((m->n_todo + 1) * sizeof *places);
    for (size_t i = 0; places && i < m->n_todo; i++) {
        const struct variant *v = &m->in->variants->items[m->todo[i]];
        enum layout layout = layout_of(m, v, tails);
        places[i] = (struct place){ .layout = layout,
                                    .start = start_point_of(m->in->shape, v, m->in->left_out),
                                    .tail = layout == LAYOUT_TAILS ? variant_tail(v) : 0,
                                    .order = (uint32_t)i,
                                    .variant = (uint32_t)m->todo[i] };
    }
    if (places)
        qsort(places, m->n_todo, sizeof *places, compare_places);
    return places;
}

static uint32_t until_of(const struct maker *m, const struct place *before, const struct place *now)
{
    const struct variant *items = m->in->variants->items;
    uint32_t last = m->in->shape->n_layers - 1; // each is read out by itself
    uint32_t until = m->in->left_out & SAVING_AGREEMENT
                         ? 0
                         : shared_until(&items[before->variant], &items[now->variant]);
    return until < last ? until : last;
}

static uint32_t tail_number(struct plan *p, uint32_t tail)
{
    uint32_t i = 0;
    while (i < p->n_tails && p->tails[i] != tail)
        i++;
    if (i == p->n_tails)
        p->tails[p->n_tails++] = tail;
    return i;
}

// Groups and items of the passes over variants, a pass for each layout that occurs, which are
// numbered from `pass` on.
static void fill_groups(const struct maker *m, const struct place *places, uint32_t pass)
{
    struct plan *p = m->p;
    for (uint32_t i = 0; i < m->n_todo; i++) {
        const struct place *now = &places[i], *before = i ? now - 1 : NULL;
        bool joins = before && !compare_groups(before, now);
        if (before && before->layout != now->layout)
            pass++;
        if (!joins)
            p->groups[p->n_groups++]
                = (struct plan_group){ .start = now->start,
                                       .tail = now->tail ? tail_number(p, now->tail) : 0,
                                       .pass = pass,
                                       .first = i };
        const struct variant *v = &m->in->variants->items[now->variant];
        p->groups[p->n_groups - 1].n++;
        p->items[p->n_items++] = (struct plan_item){
            .variant = now->variant,
            .until = joins ? until_of(m, before, now) : 0,
            .n_heads = now->start.stage == STAGE_PROJECTED
                           ? start_point_heads(m->in->shape, v, now->start.layer)
                           : 0,
        };
    }
}

// ----------------------------------------------------------------------------------------- passes

static struct plan_pass *add_pass(struct plan *p, enum pass_kind kind, uint32_t first_block,
                                  uint32_t n_blocks)
{
    struct plan_pass *pass = &p->passes[p->n_passes++];
    *pass = (struct plan_pass){ .kind = kind, .first_block = first_block, .n_blocks = n_blocks };
    return pass;
}

// The last n passes make a phase.
static void end_phase(struct plan *p, uint32_t n)
{
    uint32_t first = (uint32_t)p->n_passes - n;
    p->phases[p->n_phases++]
        = (struct plan_phase){ .first_pass = first, .n_passes = n, .first_unit = 0 };
}

// A pass without variants, a phase of its own.
static struct plan_pass *add_clean(struct plan *p, enum pass_kind kind, unsigned flags,
                                   uint32_t first_block, uint32_t n_blocks)
{
    struct plan_pass *pass = add_pass(p, kind, first_block, n_blocks);
    pass->flags = flags;
    pass->first_group = (uint32_t)p->n_groups;
    pass->n_groups = 1;
    p->groups[p->n_groups++] = (struct plan_group){ .pass = (uint32_t)p->n_passes - 1 };
    end_phase(p, 1);
    return pass;
}

// The groups of a pass over variants are those that name it.
static void end_pass(struct plan *p, struct plan_pass *pass, uint32_t number)
{
    for (uint32_t g = 0; g < p->n_groups; g++) {
        if (p->groups[g].pass != number)
            continue;
        if (!pass->n_groups++)
            pass->first_group = g;
        pass->n_items += p->groups[g].n;
        pass->widest = p->groups[g].n > pass->widest ? p->groups[g].n : pass->widest;
    }
}

static bool has_tail(const struct maker *m)
{
    for (size_t i = 0; i < m->n_todo; i++)
        if (layout_of(m, &m->in->variants->items[m->todo[i]], true) == LAYOUT_TAILS)
            return true;
    return false;
}

// Whether copies carry the rows of their last tokens only: the clean k and v of every block have to
// leave half of the memory.
static bool carries_tails(const struct maker *m)
{
    if (m->in->left_out & SAVING_POSITIONS || !has_tail(m))
        return false;
    for (uint32_t b = 0; b < m->p->n_run_blocks; b++) {
        const struct plan_block *block = &m->p->blocks[b];
        uint64_t mem = size_left(m->p->budget.mem, block->donor_bytes);
        if (clean_kv_bytes(m->in->shape, block->flat.n_nodes) > mem / 2)
            return false;
    }
    return true;
}

static bool count_tails(struct maker *m)
{
    struct plan *p = m->p;
    p->tail_rows = take(m, (size_t)p->n_run_blocks * p->n_tails, sizeof *p->tail_rows);
    for (uint32_t b = 0; p->tail_rows && b < p->n_run_blocks; b++)
        for (size_t t = 0; t < p->n_tails; t++)
            p->tail_rows[b * p->n_tails + t]
                = tail_rows(m->in->run.items + p->blocks[b].first, p->blocks[b].n, p->tails[t]);
    return p->tail_rows != NULL;
}

// A pass for each layout that occurs, in which places are sorted.
static void add_layouts(struct maker *m, const struct place *places, unsigned flags)
{
    struct plan *p = m->p;
    uint32_t first = (uint32_t)p->n_passes, n = 0;
    fill_groups(m, places, first);
    for (size_t i = 0; i < m->n_todo; i++) {
        if (i && places[i].layout == places[i - 1].layout)
            continue;
        struct plan_pass *pass = add_pass(p, PASS_VARIANTS, 0, p->n_run_blocks);
        pass->flags = flags | layout_flags[places[i].layout];
        end_pass(p, pass, first + n++);
    }
    end_phase(p, n);
}

static bool add_variants(struct maker *m)
{
    struct plan *p = m->p;
    bool whole = m->in->left_out & SAVING_LAST_LAYER || any_edit(m, crosses_ends);
    p->edits_patterns = any_edit(m, is_of_pattern);
    if (!plan_donors(m->in, m->todo, m->n_todo, p, m->err))
        return false;
    struct place *places = place_items(m, carries_tails(m));
    if (!places)
        return abl_no_memory(m->err);
    add_layouts(m, places, whole ? PASS_WHOLE : 0);
    free(places);
    return count_tails(m);
}

static void add_observations(struct maker *m, uint32_t first_block)
{
    const struct observations *o = m->in->observed;
    for (size_t i = 0; o && i < o->n; i++) {
        struct prompt_list list = { o->items[i].prompts, o->items[i].n };
        uint32_t n = plan_count_blocks(m->in, &list);
        add_clean(m->p, PASS_OBSERVE, o->items[i].every_row ? PASS_WHOLE : 0, first_block, n);
        first_block += n;
    }
    m->p->observed_flop = o ? observations_flop(o) : 0;
}

// --------------------------------------------------------------------------------------- together

static void number_units(struct plan *p)
{
    for (size_t i = 0; i < p->n_phases; i++) {
        struct plan_phase *phase = &p->phases[i];
        const struct plan_pass *passes = &p->passes[phase->first_pass];
        phase->first_unit = (uint32_t)p->n_units;
        for (uint32_t k = 0; k < phase->n_passes; k++)
            p->n_units += (size_t)passes[k].n_groups * passes[k].n_blocks;
    }
}

static bool mark_skipped(struct maker *m)
{
    struct plan *p = m->p;
    const struct done_cells *done = m->in->done;
    size_t n = p->n_run_blocks * p->n_items;
    if (!done)
        return true;
    if (!(p->skipped = take(m, n / 64 + 1, sizeof *p->skipped)))
        return false;
    memset(p->skipped, 0, (n / 64 + 1) * sizeof *p->skipped);
    for (uint32_t b = 0; b < p->n_run_blocks; b++)
        for (size_t i = 0; i < p->n_items; i++) {
            const struct plan_block *block = &p->blocks[b];
            size_t first = p->items[i].variant * done->n_rows + block->first;
            if (cells_are_set(done->bits, first, block->n))
                cells_set(p->skipped, b * p->n_items + i, 1);
        }
    return true;
}

static bool sum_up(struct maker *m)
{
    struct plan *p = m->p;
    struct plan_walk w;
    struct plan_batch b;
    uint64_t peak = 0;
    for (plan_walk(p, plan_whole(p), &w); plan_next(&w, &b);) {
        struct work own = b.work;
        own.flop -= b.readout_flop;
        p->n_batches++;
        p->total = work_add(p->total, b.work);
        p->by_kind[b.kind] = work_add(p->by_kind[b.kind], own);
        p->readout_flop = count_add(p->readout_flop, b.readout_flop);
        peak = b.bytes > peak ? b.bytes : peak;
        p->most_copies = b.n > p->most_copies ? b.n : p->most_copies;
    }
    p->total.flop = count_add(p->total.flop, p->observed_flop);
    p->peak_bytes = count_add(peak, plan_held_bytes(p));
    if (p->total.flop != COUNT_TOO_BIG && p->total.loaded_bytes != COUNT_TOO_BIG
        && p->total.token_rows != COUNT_TOO_BIG && p->peak_bytes != COUNT_TOO_BIG)
        return true;
    return abl_fail(m->err, ABL_FAILED,
                    "the run is too large to count: take fewer rows (--rows) or heads (--heads)");
}

static bool has_room(struct maker *m)
{
    struct plan *p = m->p;
    size_t n = m->in->variants ? m->in->variants->n : 0,
           clean = 3 + (m->in->observed ? m->in->observed->n : 0);
    p->passes = take(m, clean + N_LAYOUTS, sizeof *p->passes);
    p->phases = take(m, clean + 1, sizeof *p->phases);
    p->groups = take(m, n + clean, sizeof *p->groups);
    p->items = take(m, n, sizeof *p->items);
    p->tails = take(m, n, sizeof *p->tails);
    return p->passes && p->phases && p->groups && p->items && p->tails;
}

static bool make(struct maker *m)
{
    struct plan *p = m->p;
    const struct plan_input *in = m->in;
    uint32_t n_other;
    if (!has_room(m) || !plan_cut_blocks(in, p, &n_other, m->err) || !list_todo(m))
        return false;
    if (!(in->given & GIVEN_INTACT)) {
        unsigned whole = in->compared ? PASS_WHOLE : 0;
        add_clean(p, PASS_INTACT, n_other ? 0 : whole, 0, p->n_run_blocks);
        if (n_other)
            add_clean(p, PASS_OTHER, whole, p->n_run_blocks, n_other);
    }
    if (!(in->given & GIVEN_MEANS) && any_edit(m, takes_mean))
        add_clean(p, PASS_MEANS, PASS_WHOLE, 0, p->n_run_blocks);
    if (m->n_todo && !add_variants(m))
        return false;
    add_observations(m, p->n_run_blocks + n_other);
    number_units(p);
    return mark_skipped(m) && sum_up(m);
}

bool plan_make(const struct plan_input *in, struct plan *out, struct abl_err *err)
{
    *out = (struct plan){ .shape = in->shape,
                          .budget = in->budget,
                          .weights = in->weights,
                          .taps = in->taps,
                          .compares = in->compared,
                          .given = in->given };
    struct maker m = { .in = in, .p = out, .err = err };
    bool ok = make(&m);
    free(m.todo);
    return ok;
}
