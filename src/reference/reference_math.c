#include "reference/reference_math.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

void *exact_array(struct arena *a, size_t rows, size_t cols, size_t size, struct abl_err *err)
{
    size_t n;
    void *p = size_mul(rows, cols, &n) ? arena_alloc(a, n, size) : NULL;
    if (!p)
        abl_no_memory(err);
    return p;
}

double *exact_doubles(struct arena *a, size_t rows, size_t cols, struct abl_err *err)
{
    return exact_array(a, rows, cols, sizeof(double), err);
}

bool exact_read_matrix(const struct model *m, enum model_matrix which, uint32_t layer,
                       struct arena *a, struct matrix *out, struct abl_err *err)
{
    struct matrix_source s;
    model_matrix_source(m, which, layer, &s);
    *out = (struct matrix){ exact_array(a, s.k, s.n, sizeof(float), err), s.k, s.n };
    if (!out->at || !s.out_in)
        return out->at && s.read(s.context, 0, s.k, out->at, err);
    float *row = malloc(s.k * sizeof *row);
    bool ok = row || abl_no_memory(err);
    for (uint32_t j = 0; ok && j < s.n; j++) {
        ok = s.read(s.context, j, 1, row, err);
        for (size_t i = 0; ok && i < s.k; i++)
            out->at[i * s.n + j] = row[i];
    }
    free(row);
    return ok;
}

bool exact_read_vector(const struct model *m, enum model_vector which, uint32_t layer,
                       struct arena *a, float **out, struct abl_err *err)
{
    size_t n = model_vector_len(&m->shape, which);
    *out = n ? exact_array(a, n, 1, sizeof(float), err) : NULL;
    return !n || (*out && model_read_vector(m, which, layer, *out, err));
}

bool exact_read_norm(const struct model *m, enum model_vector gain, bool has_bias, uint32_t layer,
                     struct arena *a, struct exact_norm *out, struct abl_err *err)
{
    float *g, *b = NULL;
    if (!exact_read_vector(m, gain, layer, a, &g, err)
        || (has_bias && !exact_read_vector(m, (enum model_vector)(gain + 1), layer, a, &b, err)))
        return false;
    *out = (struct exact_norm){ has_bias ? m->shape.norm : NORM_RMS, g, b,
                                (double)m->shape.norm_eps };
    return true;
}

void exact_times(double *y, const double *x, const struct matrix *w, const float *bias)
{
    for (size_t j = 0; j < w->n; j++)
        y[j] = bias ? (double)bias[j] : 0.0;
    for (size_t i = 0; i < w->k; i++)
        for (size_t j = 0; j < w->n; j++)
            y[j] += x[i] * (double)w->at[i * w->n + j];
}

// LayerNorm has the biased variance. Without a gain there is no norm.
void exact_norm_row(double *y, const double *x, size_t d, const struct exact_norm *n)
{
    double mean = 0, squares = 0;
    if (!n->gain) {
        memmove(y, x, d * sizeof *y);
        return;
    }
    for (size_t i = 0; i < d; i++)
        mean += x[i];
    mean = n->kind == NORM_LAYER ? mean / (double)d : 0;
    for (size_t i = 0; i < d; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    double scale = 1.0 / sqrt(squares / (double)d + n->eps);
    for (size_t i = 0; i < d; i++)
        y[i] = (x[i] - mean) * scale * (double)n->gain[i] + (n->bias ? (double)n->bias[i] : 0.0);
}

double exact_cap(double x, double cap)
{
    return cap > 0 ? cap * tanh(x / cap) : x;
}

double exact_activate(enum act act, double x)
{
    switch (act) {
    case ACT_IDENTITY:
        return x;
    case ACT_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case ACT_SILU:
        return x / (1.0 + exp(-x));
    case ACT_RELU:
        return x < 0 ? 0 : x;
    }
    assert(false && "known activation");
    return NAN;
}

void exact_turn(double *head, const struct rope_shape *rope, const double *frequencies,
                size_t position)
{
    size_t half = rope->n_dims / 2;
    for (size_t i = 0; i < half; i++) {
        double angle = (double)position * frequencies[i], a = head[i], b = head[i + half];
        head[i] = rope->scale * (a * cos(angle) - b * sin(angle));
        head[i + half] = rope->scale * (b * cos(angle) + a * sin(angle));
    }
}

void exact_weigh(double *weights, const struct exact_attention *a)
{
    double top = -INFINITY, sum = 0;
    for (size_t t = 0; t < a->n_seen; t++) {
        double *score = weights + t * a->n_heads;
        double dot = 0;
        for (size_t i = 0; i < a->d_head; i++)
            dot += a->q[i] * a->k[t * a->stride + i];
        *score = exact_cap(dot * a->scale, a->cap) + a->lean * (double)t;
        top = fmax(top, *score);
    }
    for (size_t t = 0; t < a->n_seen; t++)
        sum += weights[t * a->n_heads] = exp(weights[t * a->n_heads] - top);
    for (size_t t = 0; t < a->n_seen; t++)
        weights[t * a->n_heads] /= sum;
}

void exact_mix(double *z, const struct exact_attention *a, const double *weights)
{
    for (size_t i = 0; i < a->d_head; i++) {
        z[i] = 0;
        for (size_t t = 0; t < a->n_seen; t++)
            z[i] += weights[t * a->n_heads] * a->v[t * a->stride + i];
    }
}

double exact_log_sum_exp(const double *logits, size_t n)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(logits[i] - top);
    return top + log(sum);
}
