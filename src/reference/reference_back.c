#include "reference/reference_back.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void exact_times_back(double *dx, const double *dy, const struct matrix *w)
{
    memset(dx, 0, w->k * sizeof *dx);
    exact_add_times_back(dx, dy, w);
}

void exact_add_times_back(double *dx, const double *dy, const struct matrix *w)
{
    for (size_t i = 0; i < w->k; i++)
        for (size_t j = 0; j < w->n; j++)
            dx[i] += (double)w->at[i * w->n + j] * dy[j];
}

// With y = (x - mean) · scale · gain: scale moves with x, and so does a LayerNorm's mean.
void exact_norm_back(double *dx, const double *x, const double *dy, size_t d,
                     const struct exact_norm *n)
{
    double mean = 0, squares = 0, du = 0, along = 0;
    if (!n->gain) {
        memmove(dx, dy, d * sizeof *dx);
        return;
    }
    for (size_t i = 0; n->kind == NORM_LAYER && i < d; i++)
        mean += x[i] / (double)d;
    for (size_t i = 0; i < d; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    double scale = 1.0 / sqrt(squares / (double)d + n->eps);
    for (size_t i = 0; i < d; i++) {
        double u = dy[i] * (double)n->gain[i];
        du += n->kind == NORM_LAYER ? u / (double)d : 0;
        along += u * (x[i] - mean) * scale / (double)d;
    }
    for (size_t i = 0; i < d; i++)
        dx[i] = scale * (dy[i] * (double)n->gain[i] - du - (x[i] - mean) * scale * along);
}

static double gelu_tanh_slope(double x)
{
    double c = sqrt(2.0 / acos(-1.0)), t = tanh(c * (x + 0.044715 * x * x * x));
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * c * (1.0 + 3 * 0.044715 * x * x);
}

double exact_activate_slope(enum act act, double x)
{
    double p = 1.0 / (1.0 + exp(-x));
    switch (act) {
    case ACT_IDENTITY:
        return 1;
    case ACT_GELU_TANH:
        return gelu_tanh_slope(x);
    case ACT_GELU_ERF:
        return 0.5 * (1.0 + erf(x / sqrt(2.0))) + x * exp(-x * x / 2) / sqrt(2.0 * acos(-1.0));
    case ACT_SILU:
        return p + x * p * (1 - p);
    case ACT_RELU:
        return x > 0;
    }
    assert(false && "known activation");
    return NAN;
}

double exact_cap_slope(double y, double cap)
{
    return cap > 0 ? 1 - y / cap * (y / cap) : 1;
}

// exact_turn's transpose.
static void turn_back(double *d, const struct rope_shape *rope, const double *frequencies,
                      size_t position)
{
    size_t half = rope->n_dims / 2;
    for (size_t i = 0; i < half; i++) {
        double angle = (double)position * frequencies[i], a = d[i], b = d[i + half];
        d[i] = rope->scale * (a * cos(angle) + b * sin(angle));
        d[i + half] = rope->scale * (b * cos(angle) - a * sin(angle));
    }
}

void exact_place_back(const struct model_shape *s, const struct exact_layer *l, double *dqkv,
                      const double *raw, size_t position)
{
    size_t n_q = exact_q_cols(s);
    for (size_t h = 0; h < s->n_heads + s->n_kv_heads; h++) {
        double *d = dqkv + h * s->d_head;
        turn_back(d, l->rope, l->frequencies, position);
        if (s->qk_norm == QK_NORM_HEADS)
            exact_norm_back(d, raw + h * s->d_head, d, s->d_head,
                            h < s->n_heads ? &l->q_norm : &l->k_norm);
    }
    if (s->qk_norm == QK_NORM_WHOLE) {
        exact_norm_back(dqkv, raw, dqkv, n_q, &l->q_norm);
        exact_norm_back(dqkv + n_q, raw + n_q, dqkv + n_q, exact_kv_cols(s), &l->k_norm);
    }
}

// Through softmax and cap to the score of the t-th seen; mean: of the weights' derivatives by the
// weights.
static double score_back(const struct exact_attention *a, const double *k, double weight,
                         double dweight, double mean)
{
    double dot = 0;
    for (size_t i = 0; i < a->d_head; i++)
        dot += a->q[i] * k[i];
    double slope = exact_cap_slope(exact_cap(dot * a->scale, a->cap), a->cap);
    return weight * (dweight - mean) * slope * a->scale;
}

void exact_attention_back(const struct exact_attention_back *d, const struct exact_attention *a,
                          const double *weights)
{
    double mean = 0;
    for (size_t t = 0; t < a->n_seen; t++) {
        double weight = weights[t * a->n_heads], *dweight = d->weights + t * a->n_heads;
        *dweight = 0;
        for (size_t i = 0; i < a->d_head; i++) {
            *dweight += d->z[i] * a->v[t * a->stride + i];
            d->v[t * a->stride + i] += weight * d->z[i];
        }
        mean += weight * *dweight;
    }
    for (size_t t = 0; t < a->n_seen; t++) {
        const double *k = a->k + t * a->stride;
        double dscore = score_back(a, k, weights[t * a->n_heads], d->weights[t * a->n_heads], mean);
        for (size_t i = 0; i < a->d_head; i++) {
            d->q[i] += dscore * k[i];
            d->k[t * a->stride + i] += dscore * a->q[i];
        }
    }
}
