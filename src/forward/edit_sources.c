#include "forward/edit_sources.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// Calls see for every edit that takes from a donor.
static void each_taking_edit(const struct donor_job *j,
                             void (*see)(void *context, const struct edit *e), void *context)
{
    for (size_t i = 0; i < j->n_todo; i++) {
        const struct variant *v = &j->variants->items[j->todo[i]];
        for (size_t k = 0; k < v->n_edits; k++)
            if (v->edits[k].source == SOURCE_ROW)
                see(context, &v->edits[k]);
    }
}

static void count_edit(void *context, const struct edit *e)
{
    (void)e;
    ++*(size_t *)context;
}

bool donors_needed(const struct donor_job *j)
{
    size_t n = 0;
    each_taking_edit(j, count_edit, &n);
    return n > 0;
}

// ------------------------------------------------------------------------------------------ donors

struct marker {
    const struct donor_job *job;
    struct donor_state *state;
};

static void mark_donors(void *context, const struct edit *e)
{
    struct marker *m = context;
    for (size_t p = 0; p < m->job->n; p++) {
        uint32_t donor = m->job->maps[e->donor][m->job->first + p];
        assert(donor < m->job->n_donors);
        m->state->number[donor] = 0;
    }
}

static bool choose_donors(struct donor_state *d, const struct donor_job *j, size_t *n,
                          struct abl_err *err)
{
    struct marker m = { j, d };
    d->number = malloc(j->n_donors * sizeof *d->number);
    d->prompts = malloc(j->n_donors * sizeof *d->prompts);
    if (!d->number || !d->prompts)
        return abl_no_memory(err);
    memset(d->number, 0xff, j->n_donors * sizeof *d->number);
    each_taking_edit(j, mark_donors, &m);
    *n = 0;
    for (size_t i = 0; i < j->n_donors; i++)
        if (d->number[i] != UINT32_MAX) {
            d->number[i] = (uint32_t)*n;
            d->prompts[(*n)++] = j->donors[i];
        }
    return true;
}

static void add_saved(void *context, const struct edit *e)
{
    struct saved_activations *s = context;
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].layer == e->layer && s->items[i].site == e->site)
            return;
    s->items[s->n++] = (struct saved_activation){ .site = e->site, .layer = e->layer };
}

// The (layer, site) pairs that are taken, no memory on the device yet.
static bool list_saved(const struct donor_job *j, struct saved_activations *out,
                       struct abl_err *err)
{
    size_t n = 0;
    each_taking_edit(j, count_edit, &n);
    out->items = calloc(n ? n : 1, sizeof *out->items);
    if (!out->items)
        return abl_no_memory(err);
    each_taking_edit(j, add_saved, out);
    return true;
}

uint64_t donors_bytes(const struct donor_job *j)
{
    struct saved_activations s = { 0 };
    struct abl_err ignored;
    uint64_t floats = 0, rows = 0, edges = 0, edge_floats = 0;
    if (!donors_needed(j) || !list_saved(j, &s, &ignored))
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        uint32_t cols = site_cols(&j->model->shape, s.items[i].site);
        *(s.items[i].site == SITE_PATTERN ? &edge_floats : &floats) += cols;
    }
    for (size_t p = 0; p < j->n; p++) { // donors are about as long and as many as the prompts
        uint64_t n = j->donors[p % j->n_donors].n_ids;
        rows += n;
        edges += n * (n + 1) / 2;
    }
    free(s.items);
    return (floats * rows + edge_floats * edges) * sizeof(float);
}

bool donors_run(struct donor_state *d, const struct donor_job *j, struct abl_err *err)
{
    struct engine *e = j->weights->s.engine;
    struct stream s;
    size_t n = 0;
    *d = (struct donor_state){ 0 };
    if (!choose_donors(d, j, &n, err) || !list_saved(j, &d->saved, err)
        || !block_init(&d->block, j->model, j->weights, d->prompts, 0, n, true, err))
        return false;
    for (size_t i = 0; i < d->saved.n; i++) {
        struct saved_activation *activation = &d->saved.items[i];
        if (!e->ops->alloc(e, saved_rows(activation, &j->model->shape, &d->block.trie),
                           site_cols(&j->model->shape, activation->site), &activation->t, err))
            return false;
    }
    struct pass pass = block_pass(&d->block);
    pass.saved = d->saved;
    if (!stream_init(&s, &pass, 1, err))
        return false;
    s.saving = true;
    s.whole_last_layer = j->whole_last_layer;
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

struct mean_tap {
    struct block *block;
    double *sums;     // (n_layers, z columns)
    uint32_t *counts; // (n_nodes) prompts that go through a node; 0 for BOS
    float *host;      // (n_nodes, z columns)
};

static bool add_up(void *context, uint32_t layer, enum site site, struct tensor t,
                   struct abl_err *err)
{
    (void)site;
    struct mean_tap *m = context;
    struct engine *e = m->block->weights->s.engine;
    if (!e->ops->download(e, t, m->host, err))
        return false;
    double *sums = m->sums + (size_t)layer * t.cols;
    for (uint32_t row = 0; row < t.rows; row++)
        for (uint32_t i = 0; m->counts[row] && i < t.cols; i++)
            sums[i] += m->counts[row] * (double)m->host[(size_t)row * t.cols + i];
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

static bool add_block(struct block *b, bool has_bos, double *sums, uint64_t *n, struct abl_err *err)
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
    double *sums = calloc(n_sums, sizeof *sums);
    float *means = malloc(n_sums * sizeof *means);
    uint64_t n = 0;
    bool ok = (sums && means) || abl_no_memory(err);
    for (size_t i = 0; ok && i < n_blocks; i++)
        ok = add_block(&blocks[i], has_bos, sums, &n, err);
    for (size_t i = 0; ok && i < n_sums; i++)
        means[i] = n ? (float)(sums[i] / (double)n) : 0.0f;
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
