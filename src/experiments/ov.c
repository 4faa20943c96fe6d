#include "experiments/ov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "experiments/ov_parts.h"
#include "forward/forward.h"
#include "forward/observe.h"
#include "forward/prompt_block.h"
#include "plan/head_syntax.h"

enum { SCORE_BYTES = 64 << 20 };

const char *ov_kind_name(enum ov_kind k)
{
    return k == OV_CIRCUIT ? "circuit" : "mean_output";
}

struct weights *ov_weights(struct session *session)
{
    size_t n;
    return forward_blocks(session->forward, &n)->weights;
}

// As the final norm does it.
static void centre(const struct model_shape *s, float *direction)
{
    double mean = 0;
    for (size_t i = 0; i < s->d_model; i++)
        mean += (double)direction[i] / s->d_model;
    for (size_t i = 0; s->norm == NORM_LAYER && i < s->d_model; i++)
        direction[i] = (float)((double)direction[i] - mean);
}

double ov_norm(const float *direction, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)direction[i] * (double)direction[i];
    return sqrt(sum);
}

// ------------------------------------------------------------------------------------------ scores

static void centre_scores(float *scores, size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)scores[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        scores[i] = (float)((double)scores[i] - mean);
}

// Some directions, times the final norm's gain, through the unembedding.
static bool score_some(struct session *session, const float *directions, const float *gain,
                       uint32_t n, float *scores, struct abl_err *err)
{
    struct engine *e = session->engine;
    const struct model_shape *s = &session->model->shape;
    struct tensor x = { 0 }, y = { 0 };
    struct epilogue plain = { 0 };
    float *scaled = malloc((size_t)n * s->d_model * sizeof *scaled);
    for (size_t i = 0; scaled && i < (size_t)n * s->d_model; i++)
        scaled[i] = directions[i] * gain[i % s->d_model];
    bool ok = (scaled || abl_no_memory(err)) && e->ops->alloc(e, n, s->d_model, &x, err)
              && e->ops->alloc(e, n, s->n_vocab, &y, err) && e->ops->upload(e, x, scaled, err)
              && e->ops->linear(e, y, x, ov_weights(session)->unembed, &plain, err)
              && e->ops->download(e, y, scores, err);
    if (x.buffer)
        e->ops->release(e, &x);
    if (y.buffer)
        e->ops->release(e, &y);
    free(scaled);
    return ok;
}

bool ov_score(struct session *session, const float *directions, size_t n,
              bool (*see)(void *context, size_t i, const float *scores, struct abl_err *err),
              void *context, struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    size_t fit = size_max(1, SCORE_BYTES / (s->n_vocab * sizeof(float)));
    size_t most = size_min(fit, n ? n : 1);
    float *scores = malloc(most * s->n_vocab * sizeof *scores);
    float *gain = malloc(s->d_model * sizeof *gain);
    bool ok = (scores && gain) || abl_no_memory(err);
    ok = ok && model_read_vector(session->model, VECTOR_FINAL_GAIN, 0, gain, err);
    for (size_t first = 0; ok && first < n; first += most) {
        size_t count = size_min(most, n - first);
        ok = score_some(session, directions + first * s->d_model, gain, (uint32_t)count, scores,
                        err);
        for (size_t i = 0; ok && i < count; i++) {
            centre_scores(scores + i * s->n_vocab, s->n_vocab);
            ok = see(context, first + i, scores + i * s->n_vocab, err);
        }
    }
    free(scores);
    free(gain);
    return ok;
}

struct ranked {
    uint32_t id;
    float score;
};

static int best_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int worst_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score < y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static struct ov_token *take(const struct session *session, const struct ranked *list, size_t n,
                             struct arena *a)
{
    struct ov_token *tokens = arena_alloc(a, n, sizeof *tokens);
    for (size_t i = 0; tokens && i < n; i++) {
        tokens[i] = (struct ov_token){ .id = list[i].id, .logit = list[i].score };
        tokens[i].text = arena_strdup(a, tokenizer_text(session->tokenizer, list[i].id));
        if (!tokens[i].text)
            return NULL;
    }
    return tokens;
}

bool ov_select(const struct session *session, const float *scores, uint32_t top_k, struct arena *a,
               struct ov_tokens *out, struct abl_err *err)
{
    uint32_t n = session->model->shape.n_vocab;
    struct ranked *list = malloc(n * sizeof *list);
    if (!list)
        return abl_no_memory(err);
    for (uint32_t t = 0; t < n; t++)
        list[t] = (struct ranked){ t, scores[t] };
    out->n = top_k;
    qsort(list, n, sizeof *list, best_first);
    out->top = take(session, list, top_k, a);
    qsort(list, n, sizeof *list, worst_first);
    out->bottom = take(session, list, top_k, a);
    free(list);
    return (out->top && out->bottom) || abl_no_memory(err);
}

// ------------------------------------------------------------------------------------- mean output

struct means {
    struct session *session;
    double *z; // (n_layers, n_heads * d_head), summed over the rows
};

static bool add_rows(void *context, const struct observed *o, struct abl_err *err)
{
    (void)err;
    struct means *m = context;
    double *sum = m->z + (size_t)o->layer * o->n_cols;
    for (uint32_t p = 0; p < o->trie->n_prompts; p++) {
        const float *z = o->values + (size_t)o->trie->read_of[p] * o->n_cols;
        for (uint32_t i = 0; i < o->n_cols; i++)
            sum[i] += (double)z[i];
    }
    return true;
}

// x (n, d_model) = z (n, n_heads * d_head)·W_O of a layer, host to host.
static bool write_out(struct session *session, uint32_t layer, const float *z, uint32_t n, float *x,
                      struct abl_err *err)
{
    struct engine *e = session->engine;
    const struct model_shape *s = &session->model->shape;
    const struct layer_weights *w;
    struct tensor in = { 0 }, out = { 0 };
    struct epilogue plain = { 0 };
    bool ok = weights_layer(ov_weights(session), layer, &w, err)
              && e->ops->alloc(e, n, site_cols(s, SITE_Z), &in, err)
              && e->ops->alloc(e, n, s->d_model, &out, err) && e->ops->upload(e, in, z, err)
              && e->ops->linear(e, out, in, w->out, &plain, err)
              && e->ops->download(e, out, x, err);
    if (in.buffer)
        e->ops->release(e, &in);
    if (out.buffer)
        e->ops->release(e, &out);
    return ok;
}

bool ov_write(struct session *session, struct head h, const float *z, size_t n, float *x,
              struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    size_t cols = site_cols(s, SITE_Z), dh = s->d_head;
    float *rows = calloc(n * cols, sizeof *rows), *c = malloc(cols * sizeof *c);
    struct engine *e = session->engine;
    struct tensor constant = tensor_rows(ov_weights(session)->z_constant, h.layer, 1);
    const struct layer_weights *w;
    bool folded = session->settings.ablation.value_bias == VALUE_BIAS_FOLDED;
    // makes the constants
    bool ok = ((rows && c) || abl_no_memory(err))
              && weights_layer(ov_weights(session), h.layer, &w, err)
              && e->ops->download(e, constant, c, err);
    for (size_t i = 0; ok && i < n; i++)
        for (size_t k = h.head * dh; k < (h.head + 1) * dh; k++)
            rows[i * cols + k] = z[i * dh + k - h.head * dh] - (folded ? c[k] : 0.0f);
    ok = ok && write_out(session, h.layer, rows, (uint32_t)n, x, err);
    for (size_t i = 0; ok && i < n; i++)
        centre(s, x + i * s->d_model);
    free(rows);
    free(c);
    return ok;
}

static bool mean_outputs(struct session *session, struct ov *ov, atomic_bool *cancel,
                         struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    size_t cols = site_cols(s, SITE_Z), dh = s->d_head;
    struct means m = { session, calloc((size_t)s->n_layers * cols, sizeof *m.z) };
    float *z = malloc(dh * sizeof *z);
    struct observer o
        = { .sites = 1u << SITE_Z, .on_activation = add_rows, .context = &m, .cancel = cancel };
    bool ok = ((m.z && z) || abl_no_memory(err)) && session_observe(session, &o, err);
    for (size_t i = 0; ok && i < ov->n_heads; i++) {
        struct ov_head *h = &ov->heads[i];
        for (size_t k = 0; k < dh; k++)
            z[k] = (float)(m.z[h->layer * cols + h->head * dh + k] / (double)ov->n_samples);
        ok = ov_write(session, (struct head){ h->layer, h->head }, z, 1, h->vector, err);
    }
    free(m.z);
    free(z);
    return ok;
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
    return ov_select(j->session, scores, j->ov->top_k, j->arena, &j->ov->heads[i].tokens, err);
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
        ov->heads[i].vector_norm = ov_norm(ov->heads[i].vector, d);
        memcpy(all + i * d, ov->heads[i].vector, d * sizeof *all);
    }
    bool ok = ov_score(session, all, ov->n_heads, keep_tokens, &j, err);
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
    bool ok = request->kind == OV_CIRCUIT ? ov_circuits(session, request, cancel, a, ov, err)
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
        && !ov_sources(session, &out->arena, &sources, &request.n_sources, err))
        return false;
    request.sources = sources;
    return chosen_heads(session, &out->arena, &heads, err)
           && ov_make(session, &request, cancel, &out->arena, &out->ov, err);
}

const struct experiment experiment_ov = {
    .name = "ov",
    .about = "what heads write into the vocabulary",
    .help = "what heads write",
    .options = READS_HEADS | READS_OV,
    .list = chosen_list_none,
    .read = read_ov,
};
