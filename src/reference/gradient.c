#include "reference/gradient.h"

#include <math.h>
#include <string.h>

#include "reference/gradient_layer.h"
#include "reference/reference_back.h"

// One prompt on its way up and down.
struct climb {
    const struct prompt *prompt;
    double **resid_pre; // (n_layers + 1) of (n_ids, d_model): what enters each layer, and the end
    double *d;          // (n_ids, d_model) with respect to what leaves the present layer
};

struct gradient_walk {
    const struct reference_gradient_job *job;
    const struct model_shape *shape;
    struct climb *climbs; // (n_prompts)
    struct arena arena;
};

static bool climb_init(struct gradient_walk *w, const struct prompt *p, struct climb *c,
                       struct abl_err *err)
{
    const struct model_shape *s = w->shape;
    c->prompt = p;
    c->resid_pre = exact_array(&w->arena, (size_t)s->n_layers + 1, 1, sizeof *c->resid_pre, err);
    c->d = exact_doubles(&w->arena, p->n_ids, s->d_model, err);
    if (!c->resid_pre || !c->d)
        return false;
    for (uint32_t l = 0; l <= s->n_layers; l++) {
        c->resid_pre[l] = exact_doubles(&w->arena, p->n_ids, s->d_model, err);
        if (!c->resid_pre[l])
            return false;
    }
    return exact_embed(w->job->model, p, c->resid_pre[0], err);
}

static bool walk_init(struct gradient_walk *w, struct abl_err *err)
{
    size_t n = w->job->n_prompts;
    w->climbs = exact_array(&w->arena, n, 1, sizeof *w->climbs, err);
    for (size_t i = 0; w->climbs && i < n; i++)
        if (!climb_init(w, &w->job->prompts[i], &w->climbs[i], err))
            return false;
    return w->climbs != NULL;
}

// A layer over a prompt, from what enters it.
static bool run_block(const struct gradient_walk *w, const struct exact_layer *l,
                      const struct climb *c, struct exact_block *b, struct arena *a,
                      struct abl_err *err)
{
    size_t n = c->prompt->n_ids;
    if (!exact_block_init(b, w->shape, n, a, err))
        return false;
    memcpy(b->resid_pre, c->resid_pre[l->index], n * w->shape->d_model * sizeof *b->resid_pre);
    exact_block_run(b, w->shape, l);
    return true;
}

static bool up(const struct gradient_walk *w, const struct exact_layer *l, struct climb *c,
               struct abl_err *err)
{
    struct arena a = { 0 };
    struct exact_block b;
    bool ok = run_block(w, l, c, &b, &a, err);
    if (ok)
        memcpy(c->resid_pre[l->index + 1], b.resid_post,
               b.n * w->shape->d_model * sizeof *b.resid_post);
    arena_release(&a);
    return ok;
}

static bool show(const struct gradient_walk *w, const struct exact_layer *l, size_t prompt,
                 const struct exact_block *b, const struct exact_block *d, struct abl_err *err)
{
    for (size_t site = 0; site < N_GRADIENT_SITES; site++) {
        size_t stride;
        struct reference_gradient seen = { .prompt = prompt,
                                           .layer = l->index,
                                           .site = site,
                                           .values = exact_block_site(b, w->shape, site, &stride),
                                           .gradient = exact_block_site(d, w->shape, site, &stride),
                                           .n_tokens = b->n,
                                           .n_rows = site == SITE_PATTERN ? b->n * b->n : b->n,
                                           .n_cols = gradient_site_cols(w->shape, site),
                                           .stride = stride };
        if (!w->job->on_gradient(w->job->context, &seen, err))
            return false;
    }
    return true;
}

static bool down(const struct gradient_walk *w, const struct exact_layer *l, size_t prompt,
                 struct abl_err *err)
{
    struct climb *c = &w->climbs[prompt];
    size_t bytes = c->prompt->n_ids * (size_t)w->shape->d_model * sizeof *c->d;
    struct arena a = { 0 };
    struct exact_block b, d;
    bool ok = run_block(w, l, c, &b, &a, err) && exact_block_init(&d, w->shape, b.n, &a, err);
    if (ok) {
        memcpy(d.resid_post, c->d, bytes);
        exact_block_back(&d, &b, w->shape, l);
        memcpy(c->d, d.resid_pre, bytes);
        ok = show(w, l, prompt, &b, &d, err);
    }
    arena_release(&a);
    return ok;
}

static bool run_layer(const struct gradient_walk *w, uint32_t index, bool is_down,
                      struct abl_err *err)
{
    struct exact_layer l = { 0 };
    bool ok = exact_read_layer(w->job->model, index, &l, err);
    for (size_t i = 0; ok && i < w->job->n_prompts; i++)
        ok = is_down ? down(w, &l, i, err) : up(w, &l, &w->climbs[i], err);
    arena_release(&l.arena);
    return ok;
}

// Adds factor times the derivative of an answer's logit: a token's, the mean of a list's, or ln of
// the sum of its exponentials.
static void add_answer(double *d, const double *logits, struct id_list ids, enum answer_rule how,
                       double factor)
{
    double top = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < ids.n; i++)
        top = fmax(top, logits[ids.ids[i]]);
    for (uint32_t i = 0; i < ids.n; i++)
        sum += exp(logits[ids.ids[i]] - top);
    for (uint32_t i = 0; i < ids.n; i++)
        d[ids.ids[i]]
            += factor * (how == ANSWERS_LSE ? exp(logits[ids.ids[i]] - top) / sum : 1.0 / ids.n);
}

// d = that of the job's number with respect to each logit, (n).
static void logits_back(const struct reference_gradient_job *job, const struct prompt *p,
                        const double *logits, double *d, size_t n)
{
    enum answer_rule how = p->lists ? p->lists->how : ANSWERS_MEAN;
    double lse = exact_log_sum_exp(logits, n);
    memset(d, 0, n * sizeof *d);
    switch (job->of) {
    case GRADIENT_LD:
        add_answer(d, logits, prompt_targets(p), how, 1);
        add_answer(d, logits, prompt_foils(p), how, -1);
        break;
    case GRADIENT_LOGPROB:
        for (size_t i = 0; i < n; i++)
            d[i] = -exp(logits[i] - lse);
        add_answer(d, logits, prompt_targets(p), ANSWERS_LSE, 1);
        break;
    case GRADIENT_LOGIT:
        d[job->token] = 1;
        break;
    }
}

struct turn {
    struct matrix unembed;
    float *bias; // b_U, or NULL
    struct exact_norm norm;
    double *h;          // (d_model)
    double *logits, *d; // (n_vocab)
    struct arena arena;
};

static void turn_prompt(const struct gradient_walk *w, struct turn *t, struct climb *c)
{
    size_t d = w->shape->d_model, n = t->unembed.n, last = (c->prompt->n_ids - 1) * d;
    double cap = (double)w->shape->logit_cap;
    const double *x = c->resid_pre[w->shape->n_layers] + last;
    exact_norm_row(t->h, x, d, &t->norm);
    exact_times(t->logits, t->h, &t->unembed, t->bias);
    for (size_t i = 0; i < n; i++)
        t->logits[i] = exact_cap(t->logits[i], cap);
    logits_back(w->job, c->prompt, t->logits, t->d, n);
    for (size_t i = 0; i < n; i++)
        t->d[i] *= exact_cap_slope(t->logits[i], cap);
    exact_times_back(t->h, t->d, &t->unembed);
    exact_norm_back(c->d + last, x, t->h, d, &t->norm);
}

// From the final states to the derivative with respect to them.
static bool turn_round(const struct gradient_walk *w, struct abl_err *err)
{
    const struct model *m = w->job->model;
    struct turn t = { 0 };
    t.h = exact_doubles(&t.arena, w->shape->d_model, 1, err);
    t.logits = exact_doubles(&t.arena, w->shape->n_vocab, 1, err);
    t.d = exact_doubles(&t.arena, w->shape->n_vocab, 1, err);
    bool ok = t.h && t.logits && t.d
              && exact_read_matrix(m, MATRIX_UNEMBED, 0, &t.arena, &t.unembed, err)
              && exact_read_vector(m, VECTOR_UNEMBED_BIAS, 0, &t.arena, &t.bias, err)
              && exact_read_norm(m, VECTOR_FINAL_GAIN, true, 0, &t.arena, &t.norm, err);
    for (size_t i = 0; ok && i < w->job->n_prompts; i++)
        turn_prompt(w, &t, &w->climbs[i]);
    arena_release(&t.arena);
    return ok;
}

bool reference_gradients(const struct reference_gradient_job *job, struct abl_err *err)
{
    struct gradient_walk w = { .job = job, .shape = &job->model->shape };
    bool ok = walk_init(&w, err);
    for (uint32_t l = 0; ok && l < w.shape->n_layers; l++)
        ok = run_layer(&w, l, false, err);
    ok = ok && turn_round(&w, err);
    for (uint32_t l = w.shape->n_layers; ok && l-- > 0;)
        ok = run_layer(&w, l, true, err);
    arena_release(&w.arena);
    return ok;
}
