#include "experiments/direction.h"

#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "forward/forward.h"
#include "forward/prompt_block.h"
#include "forward/read_back.h"

enum { SCORE_BYTES = 64 << 20 };

struct weights *direction_weights(struct session *session)
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

double direction_norm(const float *direction, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)direction[i] * (double)direction[i];
    return sqrt(sum);
}

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
              && e->ops->linear(e, y, x, direction_weights(session)->unembed, &plain, err)
              && read_back(e, y, scores, "scores of tokens", err);
    if (x.buffer)
        e->ops->release(e, &x);
    if (y.buffer)
        e->ops->release(e, &y);
    free(scaled);
    return ok;
}

bool direction_scores(struct session *session, const float *directions, size_t n,
                      bool (*see)(void *context, size_t i, const float *scores,
                                  struct abl_err *err),
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

bool direction_tokens(const struct session *session, const float *scores, uint32_t top_k,
                      struct arena *a, struct ov_tokens *out, struct abl_err *err)
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

bool direction_write_rows(struct session *session, uint32_t layer, const float *z, uint32_t n,
                          float *x, struct abl_err *err)
{
    struct engine *e = session->engine;
    const struct model_shape *s = &session->model->shape;
    const struct layer_weights *w;
    struct tensor in = { 0 }, out = { 0 };
    struct epilogue plain = { 0 };
    bool ok = weights_layer(direction_weights(session), layer, &w, err)
              && e->ops->alloc(e, n, site_cols(s, SITE_Z), &in, err)
              && e->ops->alloc(e, n, s->d_model, &out, err) && e->ops->upload(e, in, z, err)
              && e->ops->linear(e, out, in, w->out, &plain, err)
              && read_back(e, out, x, "outputs of heads", err);
    if (in.buffer)
        e->ops->release(e, &in);
    if (out.buffer)
        e->ops->release(e, &out);
    return ok;
}

bool direction_times_post_gain(const struct model *m, uint32_t layer, float *x, size_t n,
                               struct abl_err *err)
{
    size_t d = m->shape.d_model;
    float *gain = malloc(d * sizeof *gain);
    bool ok = (gain || abl_no_memory(err))
              && model_read_vector(m, VECTOR_POST_ATTN_GAIN, layer, gain, err);
    for (size_t i = 0; ok && i < n * d; i++)
        x[i] *= gain[i % d];
    free(gain);
    return ok;
}

bool direction_write(struct session *session, struct head h, const float *z, size_t n, float *x,
                     struct abl_err *err)
{
    const struct model_shape *s = &session->model->shape;
    size_t cols = site_cols(s, SITE_Z), dh = s->d_head;
    float *rows = calloc(n * cols, sizeof *rows), *c = malloc(cols * sizeof *c);
    struct engine *e = session->engine;
    struct tensor constant = tensor_rows(direction_weights(session)->z_constant, h.layer, 1);
    const struct layer_weights *w;
    bool folded = session->settings.ablation.value_bias == VALUE_BIAS_FOLDED;
    // makes the constants
    bool ok = ((rows && c) || abl_no_memory(err))
              && weights_layer(direction_weights(session), h.layer, &w, err)
              && read_back(e, constant, c, "constant parts of heads", err);
    for (size_t i = 0; ok && i < n; i++)
        for (size_t k = h.head * dh; k < (h.head + 1) * dh; k++)
            rows[i * cols + k] = z[i * dh + k - h.head * dh] - (folded ? c[k] : 0.0f);
    ok = ok && direction_write_rows(session, h.layer, rows, (uint32_t)n, x, err)
         && (!norms_after(s) || direction_times_post_gain(session->model, h.layer, x, n, err));
    for (size_t i = 0; ok && i < n; i++)
        centre(s, x + i * s->d_model);
    free(rows);
    free(c);
    return ok;
}
