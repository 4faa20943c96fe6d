#include "experiments/ov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "experiments/post_norm.h"
#include "forward/observe.h"

// ------------------------------------------------------------------------------------- mean output

struct means {
    struct session *session;
    double *z;  // (n_layers, n_heads * d_head), summed over the rows, each times its norm's scale
    double *by; // (n_layers): these scales, of the norm behind attention, summed; 1 where none is
};

// The scale that the norm behind attention has at each read-out row.
static bool read_scales(const struct means *m, const struct observed *o, double *by,
                        struct abl_err *err)
{
    size_t n = o->trie->n_prompts;
    struct post_norm p = { 0 };
    for (size_t i = 0; i < n; i++)
        by[i] = 1;
    if (!norms_after(&m->session->model->shape))
        return true;
    float *z = malloc(n * o->n_cols * sizeof *z);
    if (!z)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        memcpy(z + i * o->n_cols, o->values + (size_t)o->trie->read_of[i] * o->n_cols,
               o->n_cols * sizeof *z);
    bool ok = post_norm_freeze(m->session, o->layer, z, n, &p, err);
    if (ok)
        memcpy(by, p.by, n * sizeof *by);
    free(z);
    post_norm_release(&p);
    return ok;
}

static bool add_rows(void *context, const struct observed *o, struct abl_err *err)
{
    struct means *m = context;
    double *sum = m->z + (size_t)o->layer * o->n_cols;
    double *by = malloc(o->trie->n_prompts * sizeof *by);
    bool ok = (by || abl_no_memory(err)) && read_scales(m, o, by, err);
    for (uint32_t p = 0; ok && p < o->trie->n_prompts; p++) {
        const float *z = o->values + (size_t)o->trie->read_of[p] * o->n_cols;
        for (uint32_t i = 0; i < o->n_cols; i++)
            sum[i] += (double)z[i] * by[p];
        m->by[o->layer] += by[p];
    }
    free(by);
    return ok;
}

static bool mean_outputs(struct session *session, struct ov *ov, atomic_bool *cancel,
                         struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    size_t cols = site_cols(s, SITE_Z), dh = s->d_head;
    struct means m = { session, calloc((size_t)s->n_layers * cols, sizeof *m.z),
                       calloc(s->n_layers, sizeof *m.by) };
    float *z = malloc(dh * sizeof *z);
    struct observer o
        = { .sites = 1u << SITE_Z, .on_activation = add_rows, .context = &m, .cancel = cancel };
    bool ok = ((m.z && m.by && z) || abl_no_memory(err)) && session_observe(session, &o, err);
    for (size_t i = 0; ok && i < ov->n_heads; i++) {
        struct ov_head *h = &ov->heads[i];
        double by = m.by[h->layer];
        for (size_t k = 0; k < dh; k++)
            z[k] = (float)(m.z[h->layer * cols + h->head * dh + k] / by);
        ok = direction_write(session, (struct head){ h->layer, h->head }, z, 1, h->vector, err);
        for (size_t k = 0; ok && norms_after(s) && k < s->d_model; k++)
            h->vector[k] *= (float)(by / (double)ov->n_samples);
    }
    free(m.z);
    free(m.by);
    free(z);
    return ok;
}

// ---------------------------------------------------------------------------------------- circuits

static bool circuits(struct session *session, const struct ov_request *request, struct ov *ov,
                     atomic_bool *cancel, struct arena *a, struct abl_err *err)
{
    struct ov_circuit_request of
        = { .sources = request->sources, .n_sources = request->n_sources, .top_k = ov->top_k };
    struct ov_circuits all = { arena_alloc(a, ov->n_heads, sizeof *all.items), ov->n_heads };
    if (!all.items)
        return abl_no_memory(err);
    for (size_t i = 0; i < all.n; i++)
        all.items[i] = (struct ov_circuit){ .head = { ov->heads[i].layer, ov->heads[i].head },
                                            .vector = ov->heads[i].vector };
    if (!ov_circuits_make(session, &of, cancel, a, &all, err))
        return false;
    ov->n_sources = request->n_sources;
    for (size_t i = 0; i < all.n; i++) {
        ov->heads[i].sources = all.items[i].sources;
        ov->heads[i].eigenvalues = all.items[i].eigenvalues;
        ov->heads[i].copying = all.items[i].copying;
    }
    return true;
}

// -------------------------------------------------------------------------------------------- both

struct token_job {
    struct session *session;
    struct ov *ov;
    struct arena *arena;
};

static bool keep_tokens(void *context, size_t i, const float *scores, struct abl_err *err)
{
    struct token_job *j = context;
    return direction_tokens(j->session, scores, j->ov->top_k, j->arena, &j->ov->heads[i].tokens,
                            err);
}

// Tokens and norms of every head's vector.
static bool describe_vectors(struct session *session, struct ov *ov, struct arena *a,
                             struct abl_err *err)
{
    size_t d = ov->d_model;
    struct token_job j = { session, ov, a };
    float *all = malloc(ov->n_heads * d * sizeof *all);
    if (!all)
        return abl_no_memory(err);
    for (size_t i = 0; i < ov->n_heads; i++) {
        ov->heads[i].vector_norm = direction_norm(ov->heads[i].vector, d);
        memcpy(all + i * d, ov->heads[i].vector, d * sizeof *all);
    }
    bool ok = direction_scores(session, all, ov->n_heads, keep_tokens, &j, err);
    free(all);
    return ok;
}

bool ov_make(struct session *session, const struct ov_request *request, atomic_bool *cancel,
             struct arena *a, struct ov **out, struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    struct ov *ov = arena_alloc(a, 1, sizeof *ov);
    if (!ov)
        return abl_no_memory(err);
    *ov = (struct ov){ .kind = request->kind,
                       .value_bias = session->settings.ablation.value_bias,
                       .top_k = request->top_k < s->n_vocab ? request->top_k : s->n_vocab,
                       .d_model = s->d_model,
                       .d_head = s->d_head,
                       .n_samples = request->kind == OV_CIRCUIT ? 0 : session->prompts->n,
                       .n_heads = request->heads->n };
    ov->heads = arena_alloc(a, ov->n_heads, sizeof *ov->heads);
    float *vectors = arena_alloc(a, ov->n_heads * s->d_model, sizeof *vectors);
    if (!ov->heads || !vectors)
        return abl_no_memory(err);
    for (size_t i = 0; i < ov->n_heads; i++)
        ov->heads[i] = (struct ov_head){ .layer = request->heads->heads[i].layer,
                                         .head = request->heads->heads[i].head,
                                         .vector = vectors + i * s->d_model,
                                         .copying = NAN };
    bool ok = request->kind == OV_CIRCUIT ? circuits(session, request, ov, cancel, a, err)
                                          : mean_outputs(session, ov, cancel, err);
    if (!ok || !describe_vectors(session, ov, a, err))
        return false;
    *out = ov;
    return true;
}

static bool read_ov(struct session *session, const struct results *t, atomic_bool *cancel,
                    struct readings *out, struct abl_err *err)
{
    (void)t;
    struct head_set heads;
    uint32_t *sources = NULL;
    struct ov_request request
        = { .kind = session->settings.ov_kind, .heads = &heads, .top_k = session->settings.top_k };
    if (request.kind == OV_CIRCUIT
        && !ov_circuit_sources(session, &out->arena, &sources, &request.n_sources, err))
        return false;
    request.sources = sources;
    return chosen_heads(session, &out->arena, &heads, err)
           && ov_make(session, &request, cancel, &out->arena, &out->ov, err);
}

// The rows' z, each head's mean through W_O, and their scores.
static bool observe_means(const struct session *session, size_t n_heads, struct observations *out,
                          struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    struct observation rows = { .prompts = session->prompts->items, .n = session->prompts->n };
    struct observed_product write = { .rows = n_heads, .k = site_cols(s, SITE_Z), .n = s->d_model };
    struct observed_product norms
        = post_norm_product(s, session->prompts->n * (uint64_t)s->n_layers);
    return observations_add(out, rows, err) && observations_add_product(out, write, err)
           && (!norms_after(s) || observations_add_product(out, norms, err));
}

static bool observe_ov(const struct session *session, struct observations *out, struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    struct head_set heads;
    if (!chosen_heads(session, &out->arena, &heads, err))
        return false;
    struct observed_product scores = { .rows = heads.n, .k = s->d_model, .n = s->n_vocab };
    return (session->settings.ov_kind == OV_CIRCUIT ? ov_circuits_observe(session, &heads, out, err)
                                                    : observe_means(session, heads.n, out, err))
           && observations_add_product(out, scores, err);
}

const struct experiment experiment_ov = {
    .name = "ov",
    .about = "what heads write into the vocabulary",
    .help = "what heads write",
    .options = READS_HEADS | READS_OV,
    .list = chosen_list_none,
    .observe = observe_ov,
    .read = read_ov,
};
