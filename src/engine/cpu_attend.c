#include "engine/cpu_ops.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "engine/cpu_wide.h"

INLINED float dot(const float *q, const float *k, uint32_t d)
{
    lanes sum = { 0 };
    uint32_t i = 0;
    for (; i + LANES <= d; i += LANES)
        sum += *(const lanes *)(q + i) * *(const lanes *)(k + i);
    float all = sum_lanes(&sum);
    for (; i < d; i++)
        all += q[i] * k[i];
    return all;
}

// scores = e^(scale q·k − the highest) of one query row and head, zeros behind them up to a
// multiple of SCORE_BLOCK; what they add up to.
static inline float score_head(const struct loop_attend *a, uint32_t head, const float *restrict q,
                               uint32_t kv_col, const uint32_t *context, uint32_t n,
                               float *restrict scores)
{
    uint32_t d = a->d_head, padded = (n + SCORE_BLOCK - 1) / SCORE_BLOCK * SCORE_BLOCK;
    float highest = -INFINITY, sum = 0;
    for (uint32_t c = 0; c < n; c++) {
        const float *k = a->k.data + context[c] * a->k.stride + kv_col;
        scores[c] = dot(q, k, d) * a->scale;
        highest = scores[c] > highest ? scores[c] : highest;
    }
    if (a->cap > 0) {
        loop_cap(scores, n, a->cap);
        loop_cap(&highest, 1, a->cap);
    }
    if (a->lean.data) {
        const float *lean = a->lean.data + head * a->lean.stride;
        highest = -INFINITY;
        for (uint32_t c = 0; c < n; c++) {
            scores[c] += lean[c];
            highest = scores[c] > highest ? scores[c] : highest;
        }
    }
    for (uint32_t c = n; c < padded; c++)
        scores[c] = -INFINITY;
        // Whole blocks: a context is often shorter than a vector, and a vector's rest would go one
        // by one.
#pragma omp simd reduction(+ : sum)
    for (uint32_t c = 0; c < padded; c++) {
        scores[c] = exp_negative(scores[c] - highest);
        sum += scores[c];
    }
    return sum;
}

// z = inverse Σ scores v over N times LANES columns, which stay in registers.
#define WEIGH_VALUES(N)                                                                            \
    INLINED void weigh_values_##N(const struct loop_attend *a, size_t col,                         \
                                  const uint32_t *context, uint32_t n,                             \
                                  const float *restrict scores, float inverse, float *restrict z)  \
    {                                                                                              \
        lanes sum[N] = { 0 };                                                                      \
        for (uint32_t c = 0; c < n; c++) {                                                         \
            const lanes *v = (const lanes *)(a->v.data + context[c] * a->v.stride + col);          \
            for (uint32_t i = 0; i < (N); i++)                                                     \
                sum[i] += scores[c] * v[i];                                                        \
        }                                                                                          \
        for (uint32_t i = 0; i < (N); i++)                                                         \
            ((lanes *)z)[i] = sum[i] * inverse;                                                    \
    }
WEIGH_VALUES(4)
WEIGH_VALUES(1)

// The same over the columns that are left.
INLINED void weigh_rest(const struct loop_attend *a, size_t col, const uint32_t *context,
                        uint32_t n, const float *restrict scores, float inverse, float *restrict z,
                        uint32_t n_cols)
{
    for (uint32_t i = 0; i < n_cols; i++) {
        float sum = 0;
        for (uint32_t c = 0; c < n; c++)
            sum += scores[c] * a->v.data[context[c] * a->v.stride + col + i];
        z[i] = sum * inverse;
    }
}

// softmax(scale q·k) v of one query row and head; scores has room for the context.
WIDE static void attend_head(const struct loop_attend *a, uint32_t head, const float *restrict q,
                             uint32_t kv_col, const uint32_t *context, uint32_t n,
                             float *restrict scores, float *restrict z)
{
    uint32_t d = a->d_head, i = 0;
    float inverse = 1.0f / score_head(a, head, q, kv_col, context, n, scores);
    for (; i + 4 * LANES <= d; i += 4 * LANES)
        weigh_values_4(a, kv_col + i, context, n, scores, inverse, z + i);
    for (; i + LANES <= d; i += LANES)
        weigh_values_1(a, kv_col + i, context, n, scores, inverse, z + i);
    weigh_rest(a, kv_col + i, context, n, scores, inverse, z + i, d - i);
}

void loop_attend(const struct loop_attend *a)
{
    uint32_t group = a->n_heads / a->n_kv_heads;
    size_t work = (size_t)a->start[a->q.n] * a->n_heads * a->d_head;
#pragma omp parallel for schedule(dynamic, 16) if (work > PARALLEL_FROM)
    for (uint32_t row = 0; row < a->q.n; row++) {
        float *scores = a->scores + (size_t)omp_get_thread_num() * a->longest;
        const uint32_t *context = a->context + a->start[row];
        uint32_t n = a->start[row + 1] - a->start[row];
        assert(n > 0);
        for (uint32_t h = 0; h < a->n_heads; h++)
            attend_head(a, h, a->q.data + row * a->q.stride + (size_t)h * a->d_head,
                        h / group * a->d_head, context, n, scores,
                        a->z.data + row * a->z.stride + (size_t)h * a->d_head);
    }
}

WIDE static void weigh_head(const struct loop_attend *a, uint32_t head, const float *restrict q,
                            uint32_t kv_col, const uint32_t *context, uint32_t n,
                            float *restrict scores, float *restrict weights, size_t stride)
{
    float inverse = 1.0f / score_head(a, head, q, kv_col, context, n, scores);
    for (uint32_t c = 0; c < n; c++)
        weights[c * stride] = scores[c] * inverse;
}

void loop_weigh(const struct loop_attend *a, struct rows weights)
{
    uint32_t group = a->n_heads / a->n_kv_heads;
    size_t work = (size_t)a->start[a->q.n] * a->n_heads * a->d_head;
    assert(weights.n == a->start[a->q.n] && weights.cols == a->n_heads);
#pragma omp parallel for schedule(dynamic, 16) if (work > PARALLEL_FROM)
    for (uint32_t row = 0; row < a->q.n; row++) {
        float *scores = a->scores + (size_t)omp_get_thread_num() * a->longest;
        uint32_t first = a->start[row], n = a->start[row + 1] - first;
        assert(n > 0);
        for (uint32_t h = 0; h < a->n_heads; h++)
            weigh_head(a, h, a->q.data + row * a->q.stride + (size_t)h * a->d_head,
                       h / group * a->d_head, a->context + first, n, scores,
                       weights.data + first * weights.stride + h, weights.stride);
    }
}

// One edge and head.
WIDE static void mix_edge(uint32_t d, float weight, float was, const float *restrict v,
                          float *restrict z)
{
    float change = weight - was;
    for (uint32_t i = 0; i < d; i++)
        z[i] += change * v[i];
}

static void mix_row(const struct loop_attend *a, uint32_t row, struct rows weights, struct rows was)
{
    uint32_t d = a->d_head, group = a->n_heads / a->n_kv_heads;
    for (uint32_t e = a->start[row]; e < a->start[row + 1]; e++)
        for (uint32_t h = 0; h < a->n_heads; h++) {
            float weight = weights.data[e * weights.stride + h],
                  before = was.data[e * was.stride + h];
            if (weight != before)
                mix_edge(d, weight, before,
                         a->v.data + a->context[e] * a->v.stride + (size_t)(h / group) * d,
                         a->z.data + row * a->z.stride + (size_t)h * d);
        }
}

void loop_mix(const struct loop_attend *a, struct rows weights, struct rows was)
{
    size_t work = (size_t)a->start[a->z.n] * a->n_heads * a->d_head;
    assert(weights.n == a->start[a->z.n] && weights.cols == a->n_heads);
    assert(was.n == weights.n && was.cols == weights.cols);
#pragma omp parallel for schedule(dynamic, 16) if (work > PARALLEL_FROM)
    for (uint32_t row = 0; row < a->z.n; row++)
        mix_row(a, row, weights, was);
}
