#include "forward/edit_sources.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward/read_back.h"
#include "plan/plan_blocks.h"

// ------------------------------------------------------------------------------------------ donors

static bool choose_donors(struct donor_state *d, const struct plan *p, const struct plan_block *of,
                          const struct prompt_list *list, const uint32_t *const *maps, size_t *n,
                          struct abl_err *err)
{
    uint32_t *chosen = malloc(list->n * sizeof *chosen);
    d->number = malloc(list->n * sizeof *d->number);
    d->prompts = malloc(list->n * sizeof *d->prompts);
    bool ok = (chosen && d->number && d->prompts) || abl_no_memory(err);
    *n = ok ? donors_of(maps, p->donor_maps, list->n, of->first, of->n, chosen) : 0;
    if (ok)
        memset(d->number, 0xff, list->n * sizeof *d->number);
    for (size_t i = 0; i < *n; i++) {
        d->number[chosen[i]] = (uint32_t)i;
        d->prompts[i] = list->items[chosen[i]];
    }
    free(chosen);
    return ok;
}

static bool make_room(struct donor_state *d, const struct plan *p, struct abl_err *err)
{
    struct engine *e = d->block.weights->s.engine;
    d->saved.items = calloc(p->n_saved, sizeof *d->saved.items);
    if (!d->saved.items)
        return abl_no_memory(err);
    d->saved.n = p->n_saved;
    for (size_t i = 0; i < p->n_saved; i++) {
        struct saved_activation *a = &d->saved.items[i];
        *a = (struct saved_activation){ .site = p->saved[i].site, .layer = p->saved[i].layer };
        if (!e->ops->alloc(e, saved_rows(a, p->shape, &d->block.trie), site_cols(p->shape, a->site),
                           &a->t, err))
            return false;
    }
    return true;
}

bool donors_run(struct donor_state *d, const struct plan *p, const struct plan_block *of,
                const struct prompt_list *list, const uint32_t *const *maps, bool whole,
                const struct model *model, struct weights *weights, struct abl_err *err)
{
    struct stream s;
    size_t n = 0;
    *d = (struct donor_state){ 0 };
    if (!choose_donors(d, p, of, list, maps, &n, err)
        || !block_init(&d->block, model, weights, d->prompts, 0, n, true, err)
        || !make_room(d, p, err))
        return false;
    struct pass pass = block_pass(&d->block);
    pass.saved = d->saved;
    if (!stream_init(&s, &pass, 1, err))
        return false;
    s.saving = true;
    s.whole_last_layer = whole;
    bool ok = block_run_clean(&d->block, &s, err);
    stream_release(&s);
    return ok;
}

void donors_release(struct donor_state *d)
{
    for (size_t i = 0; i < d->saved.n; i++)
        if (d->saved.items[i].t.buffer) {
            struct engine *e = d->block.weights->s.engine;
            e->ops->release(e, &d->saved.items[i].t);
        }
    block_release(&d->block);
    free(d->saved.items);
    free(d->prompts);
    free(d->number);
    *d = (struct donor_state){ 0 };
}

// ------------------------------------------------------------------------------------------- means

// A sum of doubles in twice their precision (Knuth's two-sum), so that the order of its terms, and
// with it how prompts are cut, does not show.
struct long_sum {
    double sum, rest;
};

static void add_to(struct long_sum *s, double x)
{
    double sum = s->sum + x, of_x = sum - s->sum;
    s->rest += (s->sum - (sum - of_x)) + (x - of_x);
    s->sum = sum;
}

struct mean_tap {
    struct block *block;
    struct long_sum *sums; // (n_layers, z columns)
    uint32_t *counts;      // (n_nodes) prompts that go through a node; 0 for BOS
    float *host;           // (n_nodes, z columns)
};

static bool add_up(void *context, uint32_t layer, enum site site, struct tensor t,
                   struct abl_err *err)
{
    char what[64];
    struct mean_tap *m = context;
    struct engine *e = m->block->weights->s.engine;
    snprintf(what, sizeof what, "%s of layer %" PRIu32, site_name(site), layer);
    if (!read_back(e, t, m->host, what, err))
        return false;
    struct long_sum *sums = m->sums + (size_t)layer * t.cols;
    for (uint32_t row = 0; row < t.rows; row++)
        for (uint32_t i = 0; m->counts[row] && i < t.cols; i++)
            add_to(&sums[i], m->counts[row] * (double)m->host[(size_t)row * t.cols + i]);
    return true;
}

// How many prompts go through each node; the tokens counted, all together, are returned.
static uint64_t count_nodes(const struct trie *t, bool has_bos, uint32_t *counts)
{
    uint64_t total = 0;
    for (uint32_t p = 0; p < t->n_prompts; p++)
        for (uint32_t back = 0, node; (node = trie_node(t, p, back)) != UINT32_MAX; back++) {
            bool counted = !has_bos || t->position[node] > 0;
            counts[node] += counted;
            total += counted;
        }
    return total;
}

static bool add_block(struct block *b, bool has_bos, struct long_sum *sums, uint64_t *n,
                      struct abl_err *err)
{
    const struct model_shape *shape = &b->model->shape;
    size_t rows = b->trie.n_nodes, cols = site_cols(shape, SITE_Z);
    struct mean_tap m = { .block = b,
                          .sums = sums,
                          .counts = calloc(rows, sizeof *m.counts),
                          .host = malloc(rows * cols * sizeof *m.host) };
    struct tap tap = { .sites = 1u << SITE_Z, .on_activation = add_up, .context = &m };
    struct pass pass = block_pass(b);
    struct stream s = { 0 };
    bool ok = ((m.counts && m.host) || abl_no_memory(err)) && stream_init(&s, &pass, 1, err);
    if (ok) {
        *n += count_nodes(&b->trie, has_bos, m.counts);
        s.tap = &tap;
        s.whole_last_layer = true;
        ok = block_run_clean(b, &s, err);
    }
    stream_release(&s);
    free(m.counts);
    free(m.host);
    return ok;
}

bool means_make(struct block *blocks, size_t n_blocks, bool has_bos, struct tensor *out,
                struct abl_err *err)
{
    const struct model_shape *shape = &blocks[0].model->shape;
    struct engine *e = blocks[0].weights->s.engine;
    uint32_t cols = site_cols(shape, SITE_Z);
    size_t n_sums = (size_t)shape->n_layers * cols;
    struct long_sum *sums = calloc(n_sums, sizeof *sums);
    float *means = malloc(n_sums * sizeof *means);
    uint64_t n = 0;
    bool ok = (sums && means) || abl_no_memory(err);
    for (size_t i = 0; ok && i < n_blocks; i++)
        ok = add_block(&blocks[i], has_bos, sums, &n, err);
    for (size_t i = 0; ok && i < n_sums; i++)
        means[i] = n ? (float)((sums[i].sum + sums[i].rest) / (double)n) : 0.0f;
    struct tensor t = { 0 };
    ok = ok && e->ops->alloc(e, shape->n_layers, cols, &t, err);
    if (ok && !e->ops->upload(e, t, means, err)) {
        e->ops->release(e, &t);
        ok = false;
    }
    if (ok)
        *out = t;
    free(sums);
    free(means);
    return ok;
}
