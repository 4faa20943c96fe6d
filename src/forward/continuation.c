#include "forward/continuation.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "forward/edit_sources.h"
#include "forward/forward_parts.h"
#include "forward/read_back.h"
#include "plan/plan_blocks.h"

enum { MOST_TEXTS = 2 };

struct continuation {
    struct continuation_settings s;
    struct forward *f;
    struct engine *engine;
    const struct model *model;
    const struct variant *variants[MOST_TEXTS];
    uint32_t n_before; // tokens of each text
    struct block block;
    struct donor_state donors;
    struct lasting_kv kv;
    // The token at hand: what edits at every position change. It belongs to no prompt, so that
    // those at a prompt's positions, or with a partner in a donor, leave it alone.
    struct trie token;
    uint32_t id, position, parent, read;
    struct pass pass; // over it
    struct stream next;
    struct tensor logits;
    float *host_logits, *embedded; // (texts, n_vocab), (texts, d_model)
};

static const struct variant untouched;

static bool has_source(const struct variant *v, enum edit_source source)
{
    for (size_t i = 0; v && i < v->n_edits; i++)
        if (v->edits[i].source == source)
            return true;
    return false;
}

// What the variant's edits take from the donor.
static bool list_saved(const struct variant *v, struct plan *p, struct abl_err *err)
{
    p->saved = arena_alloc(&p->arena, v->n_edits, sizeof *p->saved);
    if (!p->saved)
        return abl_no_memory(err);
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        bool known = e->source != SOURCE_ROW;
        for (size_t k = 0; k < p->n_saved; k++)
            known |= p->saved[k].layer == e->layer && p->saved[k].site == e->site;
        if (!known)
            p->saved[p->n_saved++] = (struct plan_saved){ e->layer, e->site };
    }
    return true;
}

static const uint32_t the_donor = 0;
static const uint32_t *const donor_maps[] = { &the_donor };

static bool run_donor(struct continuation *c, struct abl_err *err)
{
    struct plan p = { .shape = &c->model->shape, .donor_maps = 1 };
    struct plan_block of = { .n = 1 };
    struct prompt_list list = { c->s.donor, 1 };
    if (!has_source(c->s.variant, SOURCE_ROW))
        return true;
    assert(c->s.donor);
    bool ok = list_saved(c->s.variant, &p, err)
              && donors_run(&c->donors, &p, &of, &list, donor_maps, false, c->model, c->f->weights,
                            err);
    arena_release(&p.arena);
    return ok;
}

static bool make_kv(struct continuation *c, struct abl_err *err)
{
    const struct model_shape *shape = &c->model->shape;
    uint32_t rows = c->kv.copies * (c->kv.n_prompt + c->s.n_tokens);
    c->kv.layers = calloc(shape->n_layers, sizeof *c->kv.layers);
    if (!c->kv.layers)
        return abl_no_memory(err);
    for (uint32_t l = 0; l < shape->n_layers; l++)
        if (!c->engine->ops->alloc(c->engine, rows, 2 * shape->n_kv_heads * shape->d_head,
                                   &c->kv.layers[l], err))
            return false;
    return true;
}

static struct pass pass_over(const struct continuation *c, const struct trie *trie)
{
    struct pass pass = block_pass(&c->block);
    pass.trie = trie;
    pass.has_bos = c->f->s.has_bos;
    pass.z_mean = c->f->z_mean;
    if (c->donors.saved.n) {
        pass.donors = (struct donor_rows){ &c->donors.block.trie, c->donors.number, donor_maps };
        pass.saved = c->donors.saved;
    }
    return pass;
}

// From the first layer to the logits behind each text's last row.
static bool carry(struct continuation *c, struct stream *s, struct abl_err *err)
{
    const struct model_shape *shape = &c->model->shape;
    struct engine *e = c->engine;
    struct epilogue plain = { 0 };
    struct tensor final;
    for (uint32_t l = 0; l < shape->n_layers; l++) {
        if (c->s.cancel && atomic_load(c->s.cancel))
            return abl_fail(err, ABL_INTERRUPTED, "interrupted");
        if (!stream_layer(s, l, STAGE_START, err))
            return false;
    }
    if (!stream_final(s, &final, err)
        || !e->ops->linear(e, c->logits, final, c->f->weights->unembed, &plain, err)
        || !read_back(e, c->logits, c->host_logits, "logits", err))
        return false;
    float cap = c->f->weights->logits.cap;
    for (size_t i = 0; cap > 0 && i < (size_t)c->kv.copies * shape->n_vocab; i++)
        c->host_logits[i] = cap * tanhf(c->host_logits[i] / cap);
    forward_spend(c->f, s->copies * s->rows.n);
    return true;
}

static bool run_prompt(struct continuation *c, struct abl_err *err)
{
    struct pass pass = pass_over(c, &c->block.trie);
    struct stream s = { 0 };
    bool ok = stream_init_lasting(&s, &pass, &c->kv, err)
              && stream_start_variants(&s, c->block.embedded, c->variants, err)
              && carry(c, &s, err);
    stream_release(&s);
    return ok;
}

static bool make_room(struct continuation *c, struct abl_err *err)
{
    const struct model_shape *shape = &c->model->shape;
    c->host_logits = calloc((size_t)c->kv.copies * shape->n_vocab, sizeof *c->host_logits);
    c->embedded = calloc((size_t)c->kv.copies * shape->d_model, sizeof *c->embedded);
    if (!c->host_logits || !c->embedded)
        return abl_no_memory(err);
    c->token = (struct trie){ .n_nodes = 1,
                              .n_reads = 1,
                              .token = &c->id,
                              .position = &c->position,
                              .parent = &c->parent,
                              .reads = &c->read };
    c->pass = pass_over(c, &c->token);
    return c->engine->ops->alloc(c->engine, c->kv.copies, shape->n_vocab, &c->logits, err)
           && stream_init_lasting(&c->next, &c->pass, &c->kv, err);
}

static bool open_parts(struct continuation *c, struct abl_err *err)
{
    const struct prompt *p = c->s.prompt;
    c->n_before = p->n_ids;
    c->kv = (struct lasting_kv){ .copies = c->s.variant ? 2 : 1, .n_prompt = p->n_ids };
    c->variants[0] = &untouched;
    c->variants[1] = c->s.variant;
    uint32_t longest = c->s.donor ? c->s.donor->n_ids : 0;
    longest = longest > p->n_ids + c->s.n_tokens ? longest : p->n_ids + c->s.n_tokens;
    return weights_reach(c->f->weights, longest, err)
           && (!has_source(c->s.variant, SOURCE_MEAN) || forward_means(c->f, err))
           && block_init(&c->block, c->model, c->f->weights, p, 0, 1, true, err)
           && run_donor(c, err) && make_kv(c, err) && make_room(c, err) && run_prompt(c, err);
}

bool continuation_open(const struct continuation_settings *s, struct continuation **out,
                       struct abl_err *err)
{
    struct continuation *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    c->s = *s;
    c->f = s->forward;
    c->engine = c->f->s.engine;
    c->model = c->f->s.model;
    if (!open_parts(c, err)) {
        continuation_free(c);
        return false;
    }
    *out = c;
    return true;
}

void continuation_free(struct continuation *c)
{
    if (!c)
        return;
    stream_release(&c->next);
    if (c->logits.buffer)
        c->engine->ops->release(c->engine, &c->logits);
    for (uint32_t l = 0; c->kv.layers && l < c->model->shape.n_layers; l++)
        if (c->kv.layers[l].buffer)
            c->engine->ops->release(c->engine, &c->kv.layers[l]);
    free(c->kv.layers);
    donors_release(&c->donors);
    block_release(&c->block);
    free(c->host_logits);
    free(c->embedded);
    free(c);
}

const float *continuation_logits(const struct continuation *c)
{
    return c->host_logits;
}

bool continuation_add(struct continuation *c, const uint32_t *tokens, struct abl_err *err)
{
    uint32_t d = c->model->shape.d_model;
    assert(c->n_before < c->kv.n_prompt + c->s.n_tokens);
    c->position = c->n_before;
    for (uint32_t i = 0; i < c->kv.copies; i++)
        if (!model_embed(c->model, tokens[i], c->n_before, c->embedded + (size_t)i * d, err))
            return false;
    if (!stream_start_next(&c->next, c->embedded, c->n_before, c->variants, err)
        || !carry(c, &c->next, err))
        return false;
    c->n_before++;
    return true;
}
