// Variants carried through a plan: which unit comes next, and what has to be there for it.
#include "forward/run_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_make.h"
#include "plan/prompt_trie.h"

// ------------------------------------------------------------------------------- blocks and passes

static void leave_pass(struct plan_run *r)
{
    stream_release(&r->clean);
    stream_release(&r->branch);
    clean_kv_release(&r->kept);
    readout_queue_release(&r->queue);
    block_release(&r->flat);
    r->pass_number = NO_PLACE;
}

static void leave_block(struct plan_run *r)
{
    leave_pass(r);
    donors_release(&r->donors);
    r->block_number = NO_PLACE;
}

static bool run_donors(struct plan_run *r, const struct plan_pass *pass)
{
    struct forward *f = r->f;
    struct prompt_list list = { f->s.donors ? f->s.donors : f->s.prompts,
                                f->s.donors ? f->s.n_donors : f->s.n_prompts };
    if (!donors_run(&r->donors, r->plan, &r->plan->blocks[r->block_number], &list, f->s.donor_maps,
                    pass->flags & PASS_WHOLE, f->s.model, f->weights, r->err))
        return false;
    forward_spend(f, r->donors.block.trie.n_nodes);
    return true;
}

// A block's prompts with rows of their own each. Their intact final states are there already, one
// for those that shared one.
static bool lay_out_flat(struct plan_run *r, const struct block *shared)
{
    struct forward *f = r->f;
    struct engine *e = f->s.engine;
    struct index reads = { 0 };
    bool ok = block_init(&r->flat, f->s.model, f->weights, f->s.prompts, shared->first, shared->n,
                         false, r->err)
              && e->ops->index_new(e, shared->trie.read_of, shared->trie.n_prompts, &reads, r->err)
              && e->ops->gather(e, r->flat.final, shared->final, reads, r->err);
    if (reads.buffer)
        e->ops->index_release(e, &reads);
    return ok;
}

static bool enter_block(struct plan_run *r, const struct plan_pass *pass, uint32_t number)
{
    if (r->block_number == number)
        return true;
    leave_block(r);
    r->block_number = number;
    return !r->plan->n_saved || run_donors(r, pass);
}

// r->block: the block in the layout of the pass. One of the flat kind lives as long as its pass.
static bool lay_out(struct plan_run *r, const struct plan_pass *pass)
{
    struct block *shared = &r->f->blocks[r->block_number];
    r->block = pass->flags & PASS_FLAT ? &r->flat : shared;
    return r->block == shared || lay_out_flat(r, shared);
}

static struct pass pass_over(const struct plan_run *r)
{
    const struct forward *f = r->f;
    struct pass pass = block_pass(r->block);
    pass.first_prompt = r->block->first;
    pass.has_bos = f->s.has_bos;
    pass.z_mean = f->z_mean;
    if (r->plan->n_saved) {
        pass.donors
            = (struct donor_rows){ &r->donors.block.trie, r->donors.number, f->s.donor_maps };
        pass.saved = r->donors.saved;
    }
    return pass;
}

// k and v of this layout are kept for tails.
static bool keep_context(struct plan_run *r)
{
    struct tap tap = clean_kv_tap(&r->kept);
    r->clean.tap = &tap;
    bool ok = block_run_clean(r->block, &r->clean, r->err);
    r->clean.tap = NULL;
    if (ok)
        forward_spend(r->f, r->block->trie.n_nodes);
    return ok;
}

static bool enter_pass(struct plan_run *r, const struct plan_group *g, uint32_t block)
{
    const struct plan_pass *pass = pass_of(r->plan, g);
    if (!enter_block(r, pass, block))
        return false;
    if (r->pass_number == g->pass)
        return true;
    bool tails = pass->flags & PASS_TAILS;
    leave_pass(r);
    r->pass_number = g->pass;
    if (!lay_out(r, pass))
        return false;
    r->pass = pass_over(r);
    struct plan_room room = group_room(r->plan, g, block);
    bool ok = readout_queue_init(&r->queue, r->block, room.waiting, r->err)
              && (!tails || clean_kv_init(&r->kept, &r->pass, r->err));
    r->pass.kept = tails ? &r->kept : NULL;
    ok = ok && stream_init(&r->clean, &r->pass, 1, r->err)
         && (tails || stream_init(&r->branch, &r->pass, room.copies, r->err));
    r->clean.whole_last_layer = r->branch.whole_last_layer = pass->flags & PASS_WHOLE;
    r->clean_at = (struct start_point){ NO_LAYER, STAGE_START };
    return ok && (!tails || keep_context(r));
}

// ------------------------------------------------------------------------------------------- units

static bool is_before(struct start_point a, struct start_point b)
{
    return a.layer < b.layer || (a.layer == b.layer && a.stage < b.stage);
}

// The clean stream to where a group leaves it; from the start where it is beyond.
static bool bring_clean(struct plan_run *r, struct start_point to)
{
    if (is_before(to, r->clean_at)) {
        if (!stream_start(&r->clean, r->block->embedded, r->err))
            return false;
        r->clean_at = (struct start_point){ 0, STAGE_START };
    }
    while (is_before(r->clean_at, to)) {
        struct start_point at = r->clean_at;
        if (run_is_cancelled(r->job, r->err) || !stream_step(&r->clean, at.layer, at.stage, r->err))
            return false;
        bool ends = at.stage + 1 == N_STAGES;
        r->clean_at = (struct start_point){ at.layer + ends,
                                            ends ? STAGE_START : (enum stage)(at.stage + 1) };
    }
    return true;
}

static bool run_batches(struct plan_run *r, size_t unit, struct stream *s)
{
    struct plan_walk w;
    struct plan_batch b;
    for (plan_walk(r->plan, (struct plan_slice){ unit, unit + 1 }, &w); plan_next(&w, &b);)
        if (b.kind == PASS_VARIANTS && !run_batch(r, s, &b))
            return false;
    return true;
}

// Over a stream of its own, which has rows of the group's tail only.
static bool run_tails(struct plan_run *r, size_t unit, const struct plan_group *g)
{
    const struct trie *trie = &r->block->trie;
    struct stream s = { 0 };
    uint32_t *nodes = malloc(trie->n_nodes * sizeof *nodes);
    if (!nodes)
        return abl_no_memory(r->err);
    struct row_list rows = { nodes, trie_tail(trie, r->plan->tails[g->tail], nodes) };
    struct plan_room room = group_room(r->plan, g, r->block_number);
    bool ok = stream_init_tail(&s, &r->pass, rows, room.copies, r->err);
    s.whole_last_layer = r->clean.whole_last_layer;
    ok = ok && run_batches(r, unit, &s);
    stream_release(&s);
    free(nodes);
    return ok;
}

static bool run_unit(struct plan_run *r, size_t unit)
{
    uint32_t block, group;
    plan_unit(r->plan, unit, &block, &group);
    const struct plan_group *g = &r->plan->groups[group];
    uint32_t left = g->first;
    while (left < g->first + g->n && item_is_skipped(r->plan, block, left))
        left++;
    if (left == g->first + g->n)
        return true;
    if (run_is_cancelled(r->job, r->err) || !enter_pass(r, g, block) || !bring_clean(r, g->start))
        return false;
    return pass_of(r->plan, g)->flags & PASS_TAILS ? run_tails(r, unit, g)
                                                   : run_batches(r, unit, &r->branch);
}

// ------------------------------------------------------------------------------------------- order

// The first unit that is left of the layer that somebody waits for; NO_UNIT where there is none.
#define NO_UNIT SIZE_MAX
static size_t wanted_unit(const struct plan_run *r, struct plan_slice units)
{
    uint32_t wanted = r->job->wanted ? atomic_load(r->job->wanted) : NO_LAYER;
    for (size_t u = units.first; wanted != NO_LAYER && u < units.end; u++) {
        uint32_t block, group;
        if (r->unit_done[u - units.first])
            continue;
        plan_unit(r->plan, u, &block, &group);
        if (r->plan->groups[group].start.layer == wanted)
            return u;
    }
    return NO_UNIT;
}

// Units of variants in the plan's order, those that somebody waits for first.
static bool run_units(struct plan_run *r, struct plan_slice units)
{
    for (size_t at = units.first; at < units.end;) {
        size_t wanted = wanted_unit(r, units), unit = wanted == NO_UNIT ? at : wanted;
        if (!r->unit_done[unit - units.first] && !run_unit(r, unit))
            return false;
        r->unit_done[unit - units.first] = true;
        while (at < units.end && r->unit_done[at - units.first])
            at++;
    }
    return true;
}

// Variants that change nothing are the intact run, to the bit.
static bool copy_identities(struct plan_run *r)
{
    struct forward *f = r->f;
    for (size_t i = 0; i < r->plan->n_copied; i++) {
        size_t v = r->plan->copied[i];
        memcpy(r->job->rows + v * f->s.n_prompts, f->intact, f->s.n_prompts * sizeof *f->intact);
        for (size_t b = 0; b < f->n_blocks; b++)
            if (!run_finish(r, &f->blocks[b], f->blocks[b].final, &v, 1))
                return false;
    }
    return true;
}

// The units of the phase over variants; none where there is none.
static struct plan_slice variant_units(const struct plan *p)
{
    for (size_t i = 0; i < p->n_phases; i++)
        if (p->passes[p->phases[i].first_pass].kind == PASS_VARIANTS)
            return (struct plan_slice){ p->phases[i].first_unit, i + 1 < p->n_phases
                                                                     ? p->phases[i + 1].first_unit
                                                                     : p->n_units };
    return (struct plan_slice){ 0, 0 };
}

static bool run_plan(struct plan_run *r)
{
    const struct plan *p = r->plan;
    struct plan_slice units = variant_units(p);
    r->unit_done = calloc(units.end - units.first + 1, sizeof *r->unit_done);
    bool ok = (r->unit_done || abl_no_memory(r->err))
              && (p->passes[0].kind != PASS_MEANS || forward_means(r->f, r->err))
              && copy_identities(r) && run_units(r, units);
    leave_block(r);
    free(r->unit_done);
    return ok;
}

// ---------------------------------------------------------------------------------------- the plan

bool forward_run(struct forward *f, const struct forward_job *job, struct abl_err *err)
{
    size_t n = job->variants->n, n_rows = f->s.n_prompts;
    uint64_t *own = job->cells ? NULL : calloc(cells_words(n, n_rows), sizeof *own);
    uint64_t *cells = own ? own : job->cells;
    if (!cells)
        return abl_no_memory(err);
    for (size_t v = 0; v < n; v++)
        if (job->done[v])
            cells_set(cells, v * n_rows, n_rows);
    bool any = cells_count(cells, 0, n * n_rows) > 0;
    struct done_cells done = { cells, n_rows };
    struct plan_input in = forward_plan_input(&f->s, &f->s.engine->info);
    in.variants = job->variants;
    in.other = (struct prompt_list){ 0 };
    in.given = GIVEN_INTACT | (f->z_mean.buffer ? GIVEN_MEANS : 0);
    in.done = any ? &done : NULL;
    struct plan plan = { 0 };
    bool ok = plan_make(&in, &plan, err);
    assert(!ok || plan.n_run_blocks == f->n_blocks);
    struct plan_run r = { .f = f,
                          .job = job,
                          .plan = &plan,
                          .cells = cells,
                          .alone = job->wanted && f->n_blocks == 1,
                          .block_number = NO_PLACE,
                          .pass_number = NO_PLACE,
                          .err = err };
    ok = ok && run_plan(&r);
    plan_release(&plan);
    free(own);
    return ok;
}
