#include "plan/plan_blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "plan/prompt_trie.h"
#include "plan/savings.h"

size_t block_end(const struct prompt *prompts, size_t first, size_t n, size_t fit)
{
    size_t rows = 0, end = first;
    for (; end < n; end++) {
        rows += prompts[end].n_ids;
        if (end > first && rows * 2 > fit)
            break;
    }
    return end;
}

uint32_t plan_count_blocks(const struct plan_input *in, const struct prompt_list *list)
{
    size_t fit = stream_rows_that_fit(in->shape, &in->budget);
    uint32_t n = 0;
    for (size_t first = 0; first < list->n; n++)
        first = block_end(list->items, first, list->n, fit);
    return n;
}

static struct block_rows rows_of(const struct trie *t)
{
    return (struct block_rows){ .n_nodes = t->n_nodes,
                                .n_reads = t->n_reads,
                                .n_edges = trie_edges(t, false, NO_WINDOW, NULL) };
}

// Each prompt has rows of its own.
static struct block_rows flat_rows(const struct prompt *prompts, size_t n)
{
    struct block_rows r = { .n_reads = (uint32_t)n };
    for (size_t i = 0; i < n; i++) {
        uint64_t n_ids = prompts[i].n_ids;
        r.n_nodes += prompts[i].n_ids;
        r.n_edges += n_ids * (n_ids + 1) / 2;
    }
    return r;
}

// share: whether prompts share rows where nothing tells them apart.
static bool cut_list(const struct plan_input *in, const struct prompt_list *list, bool share,
                     struct plan *p, struct abl_err *err)
{
    size_t fit = stream_rows_that_fit(in->shape, &in->budget);
    for (size_t first = 0, end; first < list->n; first = end) {
        end = block_end(list->items, first, list->n, fit);
        struct plan_block b = { .first = (uint32_t)first, .n = (uint32_t)(end - first) };
        struct trie t;
        if (!trie_build(list->items + first, b.n, share, &t, err))
            return false;
        b.shared = rows_of(&t);
        b.flat = flat_rows(list->items + first, b.n);
        for (size_t i = first; list == &in->run && in->compared && i < end; i++)
            b.n_compared += in->compared[i];
        trie_release(&t);
        p->blocks[p->n_blocks++] = b;
    }
    return true;
}

bool plan_cut_blocks(const struct plan_input *in, struct plan *p, uint32_t *n_other,
                     struct abl_err *err)
{
    p->n_run_blocks = plan_count_blocks(in, &in->run);
    *n_other = plan_count_blocks(in, &in->other);
    size_t n = p->n_run_blocks + *n_other;
    size_t n_observed = in->observed ? in->observed->n : 0;
    for (size_t i = 0; i < n_observed; i++)
        n += plan_count_blocks(
            in, &(struct prompt_list){ in->observed->items[i].prompts, in->observed->items[i].n });
    if (!(p->blocks = arena_alloc(&p->arena, n + 1, sizeof *p->blocks)))
        return abl_no_memory(err);
    if (!cut_list(in, &in->run, !(in->left_out & SAVING_SHARED_ROWS), p, err)
        || !cut_list(in, &in->other, true, p, err))
        return false;
    for (size_t i = 0; i < n_observed; i++)
        if (!cut_list(
                in,
                &(struct prompt_list){ in->observed->items[i].prompts, in->observed->items[i].n },
                true, p, err))
            return false;
    return true;
}

// ----------------------------------------------------------------------------------------- donors

static void add_saved(struct plan *p, const struct edit *e)
{
    for (size_t i = 0; i < p->n_saved; i++)
        if (p->saved[i].layer == e->layer && p->saved[i].site == e->site)
            return;
    p->saved[p->n_saved++] = (struct plan_saved){ e->layer, e->site };
}

static bool takes(const struct edit *e)
{
    return e->source == SOURCE_ROW && !edit_is_identity(e);
}

// The (layer, site) pairs that are taken, and the maps by which.
static bool list_taken(const struct plan_input *in, const size_t *todo, size_t n, struct plan *p,
                       struct abl_err *err)
{
    p->saved = arena_alloc(&p->arena, (size_t)in->shape->n_layers * N_SITES, sizeof *p->saved);
    if (!p->saved)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct variant *v = &in->variants->items[todo[i]];
        for (size_t k = 0; k < v->n_edits; k++) {
            if (!takes(&v->edits[k]))
                continue;
            assert(v->edits[k].donor < MAX_DONOR_MAPS);
            p->donor_maps |= UINT64_C(1) << v->edits[k].donor;
            add_saved(p, &v->edits[k]);
        }
    }
    return true;
}

// Bytes of what is saved of a trie's rows.
static uint64_t saved_bytes(const struct plan *p, const struct trie *t)
{
    uint64_t floats = 0;
    for (size_t i = 0; i < p->n_saved; i++) {
        const struct plan_saved *s = &p->saved[i];
        uint32_t window = stream_window(p->shape, s->layer);
        uint32_t rows = s->site == SITE_PATTERN ? trie_edges(t, false, window, NULL) : t->n_nodes;
        floats = count_add(floats, count_mul(rows, site_cols(p->shape, s->site)));
    }
    return count_mul(floats, sizeof(float));
}

size_t donors_of(const uint32_t *const *maps, uint64_t used, size_t n_donors, size_t first,
                 size_t n, uint32_t *out)
{
    size_t count = 0;
    memset(out, 0, n_donors * sizeof *out); // first as marks
    for (uint32_t m = 0; m < MAX_DONOR_MAPS; m++)
        for (size_t i = 0; used >> m & 1 && i < n; i++) {
            assert(maps[m][first + i] < n_donors);
            out[maps[m][first + i]] = 1;
        }
    for (uint32_t i = 0; i < n_donors; i++)
        if (out[i])
            out[count++] = i;
    return count;
}

// Of one block.
static bool count_donors(const struct plan_input *in, struct plan *p, struct plan_block *b,
                         struct abl_err *err)
{
    const struct prompt_list *list = in->donors.n ? &in->donors : &in->run;
    uint32_t *numbers = malloc(list->n * sizeof *numbers);
    struct prompt *donors = malloc(list->n * sizeof *donors);
    struct trie trie;
    bool ok = (numbers && donors) || abl_no_memory(err);
    size_t n = ok ? donors_of(in->maps, p->donor_maps, list->n, b->first, b->n, numbers) : 0;
    for (size_t i = 0; i < n; i++)
        donors[i] = list->items[numbers[i]];
    ok = ok && trie_build(donors, n, true, &trie, err);
    if (ok) {
        b->donors = rows_of(&trie);
        b->donor_bytes = saved_bytes(p, &trie);
        trie_release(&trie);
    }
    free(numbers);
    free(donors);
    return ok;
}

bool plan_donors(const struct plan_input *in, const size_t *todo, size_t n, struct plan *p,
                 struct abl_err *err)
{
    if (!list_taken(in, todo, n, p, err))
        return false;
    for (uint32_t i = 0; p->n_saved && i < p->n_run_blocks; i++)
        if (!count_donors(in, p, &p->blocks[i], err))
            return false;
    return true;
}

// ------------------------------------------------------------------------------------------- sums

uint32_t tail_rows(const struct prompt *prompts, size_t n, uint32_t tail)
{
    uint32_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += prompts[i].n_ids < tail ? prompts[i].n_ids : tail;
    return rows;
}

uint64_t plan_held_bytes(const struct plan *p)
{
    uint64_t rows = 0;
    for (uint32_t b = 0; b < p->n_run_blocks; b++)
        rows += (uint64_t)p->blocks[b].shared.n_nodes + p->blocks[b].shared.n_reads;
    return count_mul(rows, count_mul(p->shape->d_model, sizeof(float)));
}
