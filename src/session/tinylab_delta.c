#include "session/tinylab_delta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forward/prompt_block.h"
#include "forward/read_back.h"

enum { ROWS = 16 }; // whose logits are on the host at once

const uint32_t *tinylab_compared(const struct prompts *run, const struct whole_answers *sequences,
                                 bool of_other, struct arena *a)
{
    uint32_t *n = arena_alloc(a, run->n, sizeof *n);
    for (size_t i = 0; n && i < run->n; i++) {
        const struct prompt *p = &run->items[i];
        uint32_t other = of_other ? p->n_corrupt_ids : p->n_ids;
        bool is_row = !sequences || sequences->part[i] == SPAN_FIRST;
        n[i] = !is_row ? 0 : other < p->n_ids ? other : p->n_ids;
    }
    return n;
}

bool tinylab_delta_init(struct tinylab_delta *d, const uint32_t *compared, size_t n_run,
                        uint32_t n_vocab, uint32_t d_model, struct abl_err *err)
{
    size_t n = 0;
    *d = (struct tinylab_delta){ .compared = compared, .n_vocab = n_vocab, .d_model = d_model };
    d->first_state = calloc(n_run + 1, sizeof *d->first_state);
    if (!d->first_state)
        return abl_no_memory(err);
    for (size_t i = 0; i < n_run; i++) {
        d->first_state[i] = n;
        n += compared[i];
    }
    d->states = calloc(n * d_model + 1, sizeof *d->states);
    return d->states || abl_no_memory(err);
}

void tinylab_delta_release(struct tinylab_delta *d)
{
    free(d->first_state);
    free(d->states);
    *d = (struct tinylab_delta){ 0 };
}

// The nodes of a prompt of a block, in the order of positions. out: room for every node.
static void list_path(const struct trie *t, uint32_t prompt, uint32_t *out)
{
    trie_context(t, t->reads[t->read_of[prompt]], NO_WINDOW, out);
}

bool tinylab_delta_keep(struct tinylab_delta *d, const struct block *b, struct tensor states,
                        struct abl_err *err)
{
    struct engine *e = b->weights->s.engine;
    const struct trie *t = &b->trie;
    uint32_t *path = malloc(t->n_nodes * sizeof *path);
    float *host = malloc((size_t)t->n_nodes * d->d_model * sizeof *host);
    bool ok
        = ((path && host) || abl_no_memory(err)) && read_back(e, states, host, "final states", err);
    for (uint32_t p = 0; ok && p < t->n_prompts; p++) {
        size_t at = b->first + p;
        float *to = d->states + d->first_state[at] * d->d_model;
        list_path(t, p, path);
        for (uint32_t i = 0; i < d->compared[at]; i++)
            memcpy(to + (size_t)i * d->d_model, host + (size_t)path[i] * d->d_model,
                   d->d_model * sizeof *to);
    }
    free(path);
    free(host);
    return ok;
}

// ----------------------------------------------------------------------------------- comparing

// Positions of a block that are compared, and room for some of them.
struct comparison {
    const struct tinylab_delta *d;
    const struct block *b;
    uint32_t *node, *prompt; // (n) of the block
    size_t *state;           // (n) of d->states
    uint32_t n;
    struct tensor x, logits; // (ROWS, …)
    float *host, *was, *now; // (ROWS, …): states of one run, logits of either
};

static void comparison_release(struct comparison *c)
{
    struct engine *e = c->b->weights->s.engine;
    if (c->x.buffer)
        e->ops->release(e, &c->x);
    if (c->logits.buffer)
        e->ops->release(e, &c->logits);
    free(c->node);
    free(c->prompt);
    free(c->state);
    free(c->host);
    free(c->was);
    free(c->now);
}

static bool comparison_init(struct comparison *c, struct abl_err *err)
{
    struct engine *e = c->b->weights->s.engine;
    const struct tinylab_delta *d = c->d;
    size_t n = 1;
    for (size_t p = 0; p < c->b->n; p++)
        n += d->compared[c->b->first + p];
    c->node = malloc(n * sizeof *c->node);
    c->prompt = malloc(n * sizeof *c->prompt);
    c->state = malloc(n * sizeof *c->state);
    c->host = malloc(ROWS * (size_t)d->d_model * sizeof *c->host);
    c->was = malloc(ROWS * (size_t)d->n_vocab * sizeof *c->was);
    c->now = malloc(ROWS * (size_t)d->n_vocab * sizeof *c->now);
    return ((c->node && c->prompt && c->state && c->host && c->was && c->now) || abl_no_memory(err))
           && e->ops->alloc(e, ROWS, d->d_model, &c->x, err)
           && e->ops->alloc(e, ROWS, d->n_vocab, &c->logits, err);
}

static bool list_positions(struct comparison *c, struct abl_err *err)
{
    const struct trie *t = &c->b->trie;
    uint32_t *path = malloc(t->n_nodes * sizeof *path);
    for (uint32_t p = 0; path && p < t->n_prompts; p++) {
        size_t at = c->b->first + p;
        list_path(t, p, path);
        for (uint32_t i = 0; i < c->d->compared[at]; i++) {
            c->node[c->n] = path[i];
            c->prompt[c->n] = p;
            c->state[c->n++] = c->d->first_state[at] + i;
        }
    }
    free(path);
    return path || abl_no_memory(err);
}

// Logits of the first m rows of c->x.
static bool unembed(struct comparison *c, uint32_t m, float *out, struct abl_err *err)
{
    struct engine *e = c->b->weights->s.engine;
    struct epilogue plain = { 0 };
    struct tensor logits = tensor_rows(c->logits, 0, m);
    return e->ops->linear(e, logits, tensor_rows(c->x, 0, m), c->b->weights->unembed, &plain, err)
           && read_back(e, logits, out, "logits", err);
}

// Positions [at, at + m) in the run that is compared with.
static bool unembed_base(struct comparison *c, uint32_t at, uint32_t m, struct abl_err *err)
{
    struct engine *e = c->b->weights->s.engine;
    size_t d = c->d->d_model;
    for (uint32_t i = 0; i < m; i++)
        memcpy(c->host + i * d, c->d->states + c->state[at + i] * d, d * sizeof *c->host);
    return e->ops->upload(e, tensor_rows(c->x, 0, m), c->host, err) && unembed(c, m, c->was, err);
}

// Likewise of a copy.
static bool unembed_copy(struct comparison *c, struct tensor states, uint32_t copy, uint32_t at,
                         uint32_t m, struct abl_err *err)
{
    struct engine *e = c->b->weights->s.engine;
    struct index list = { 0 };
    uint32_t rows[ROWS];
    for (uint32_t i = 0; i < m; i++)
        rows[i] = copy * c->b->trie.n_nodes + c->node[at + i];
    bool ok = e->ops->index_new(e, rows, m, &list, err)
              && e->ops->gather(e, tensor_rows(c->x, 0, m), states, list, err)
              && unembed(c, m, c->now, err);
    if (list.buffer)
        e->ops->index_release(e, &list);
    return ok;
}

static double furthest(const float *a, const float *b, uint32_t n)
{
    double mean = 0, most = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += ((double)a[i] - (double)b[i]) / n;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i] - mean));
    return most;
}

static bool compare(struct comparison *c, struct tensor states, uint32_t copies, uint32_t at,
                    double *out, struct abl_err *err)
{
    uint32_t m = c->n - at < ROWS ? c->n - at : ROWS, n_vocab = c->d->n_vocab;
    bool ok = unembed_base(c, at, m, err);
    for (uint32_t copy = 0; ok && copy < copies; copy++) {
        ok = unembed_copy(c, states, copy, at, m, err);
        for (uint32_t i = 0; ok && i < m; i++) {
            double *most = &out[copy * c->b->n + c->prompt[at + i]];
            size_t first = (size_t)i * n_vocab;
            *most = fmax(*most, furthest(c->now + first, c->was + first, n_vocab));
        }
    }
    return ok;
}

bool tinylab_delta_read(const struct tinylab_delta *d, const struct block *b, struct tensor states,
                        uint32_t copies, double *out, struct abl_err *err)
{
    struct comparison c = { .d = d, .b = b };
    for (size_t i = 0; i < copies * b->n; i++)
        out[i] = 0;
    bool ok = comparison_init(&c, err) && list_positions(&c, err);
    for (uint32_t at = 0; ok && at < c.n; at += ROWS)
        ok = compare(&c, states, copies, at, out, err);
    comparison_release(&c);
    return ok;
}
