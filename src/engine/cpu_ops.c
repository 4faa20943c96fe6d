#include "engine/cpu_ops.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "engine/cpu_wide.h"

// out = (x - mean) * scale * gain [+ bias]. out may be x.
static inline void scale_row(float *out, const float *x, uint32_t n, float mean, float scale,
                             const float *gain, const float *bias)
{
    if (bias)
#pragma omp simd
        for (uint32_t i = 0; i < n; i++)
            out[i] = (x[i] - mean) * scale * gain[i] + bias[i];
    else
#pragma omp simd
        for (uint32_t i = 0; i < n; i++)
            out[i] = (x[i] - mean) * scale * gain[i];
}

INLINED float sum_of(const float *x, uint32_t n)
{
    lanes sum = { 0 };
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += *(const lanes *)(x + i);
    float all = sum_lanes(&sum);
    for (; i < n; i++)
        all += x[i];
    return all;
}

// Σ (x − mean)².
INLINED float sum_of_squares(const float *x, uint32_t n, float mean)
{
    lanes sum = { 0 };
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes d = *(const lanes *)(x + i) - mean;
        sum += d * d;
    }
    float all = sum_lanes(&sum);
    for (; i < n; i++)
        all += (x[i] - mean) * (x[i] - mean);
    return all;
}

WIDE static void norm_row(float *out, const float *x, uint32_t n, const float *gain,
                          const float *bias, float eps, bool centred)
{
    float mean = centred ? sum_of(x, n) / (float)n : 0.0f;
    float squares = sum_of_squares(x, n, mean);
    // What overflows has no norm, rather than one of 0.
    float scale = isfinite(squares) ? 1.0f / sqrtf(squares / (float)n + eps) : NAN;
    scale_row(out, x, n, mean, scale, gain, bias);
}

void loop_norm(const struct loop_norm *n)
{
    uint32_t cols = n->x.cols / n->groups;
#pragma omp parallel for if ((size_t)n->x.n * n->x.cols > PARALLEL_FROM)
    for (uint32_t i = 0; i < n->x.n; i++)
        for (uint32_t g = 0; g < n->groups; g++)
            norm_row(n->out.data + i * n->out.stride + (size_t)g * cols,
                     n->x.data + i * n->x.stride + (size_t)g * cols, cols, n->gain, n->bias, n->eps,
                     n->kind == NORM_LAYER);
}

// The pairs (a[i], b[i]) turned by the angles whose cosines and sines are given.
WIDE static void turn(float *restrict a, float *restrict b, const float *restrict cosine,
                      const float *restrict sine, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        float x = a[i], y = b[i];
        a[i] = x * cosine[i] - y * sine[i];
        b[i] = y * cosine[i] + x * sine[i];
    }
}

void loop_rope(struct rows x, struct rows table, const uint32_t *positions, uint32_t d_head)
{
    uint32_t half = table.cols / 2;
#pragma omp parallel for if ((size_t)x.n * x.cols > PARALLEL_FROM)
    for (uint32_t i = 0; i < x.n; i++) {
        assert(positions[i] < table.n);
        const float *cosine = table.data + positions[i] * table.stride;
        for (uint32_t first = 0; first < x.cols; first += d_head) {
            float *head = x.data + i * x.stride + first;
            turn(head, head + half, cosine, cosine + half, half);
        }
    }
}

// x / (1 + e^-x); the exponent is never positive, so that nothing overflows.
WIDE static void silu_row(float *restrict x, const float *restrict gate, uint32_t n)
{
#pragma omp simd
    for (uint32_t i = 0; i < n; i++) {
        float g = gate[i], e = exp_negative(-fabsf(g));
        x[i] *= g * (g < 0 ? e : 1.0f) / (1.0f + e);
    }
}

// tanh u = (1 − e) / (1 + e) with e = e^(−2|u|), and u's sign. What it loses near 0 is far below a
// bit of the cap.
WIDE void loop_cap(float *x, size_t n, float cap)
{
    float by = 1.0f / cap;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float u = x[i] * by, e = exp_negative(-2.0f * fabsf(u));
        float t = cap * (1.0f - e) / (1.0f + e);
        x[i] = u < 0 ? -t : t;
    }
}

static float activate(enum act act, float g)
{
    switch (act) {
    case ACT_GELU_TANH:
        return 0.5f * g * (1.0f + tanhf(0.797884561f * (g + 0.044715f * g * g * g)));
    case ACT_GELU_ERF:
        return 0.5f * g * (1.0f + erff(g * 0.707106781f));
    case ACT_RELU:
        return g < 0 ? 0 : g;
    default:
        return g;
    }
}

static void gate_row(float *x, const float *gate, uint32_t n, enum act act)
{
    if (act == ACT_SILU)
        silu_row(x, gate, n);
    else
        for (uint32_t i = 0; i < n; i++)
            x[i] *= activate(act, gate[i]);
}

void loop_gate(struct rows x, struct rows gate, enum act act)
{
#pragma omp parallel for if ((size_t)x.n * x.cols > PARALLEL_FROM)
    for (uint32_t i = 0; i < x.n; i++)
        gate_row(x.data + i * x.stride, gate.data + i * gate.stride, x.cols, act);
}

// x += z·w of ROWS rows and COLS columns, whose sums stay in registers. Each sum runs over z's
// columns in order, whatever the block.
#define HEAD_OUT_BLOCK(ROWS, COLS)                                                                 \
    INLINED void head_out_##ROWS##_##COLS(struct rows x, struct rows z, const float *w,            \
                                          size_t row, uint32_t col)                                \
    {                                                                                              \
        float sum[ROWS][COLS] = { 0 };                                                             \
        for (uint32_t k = 0; k < z.cols; k++)                                                      \
            for (uint32_t r = 0; r < (ROWS); r++) {                                                \
                float s = z.data[(row + r) * z.stride + k];                                        \
                const float *restrict from = w + (size_t)k * x.cols + col;                         \
                for (uint32_t c = 0; c < (COLS); c++)                                              \
                    sum[r][c] += s * from[c];                                                      \
            }                                                                                      \
        for (uint32_t r = 0; r < (ROWS); r++)                                                      \
            for (uint32_t c = 0; c < (COLS); c++)                                                  \
                x.data[(row + r) * x.stride + col + c] += sum[r][c];                               \
    }
HEAD_OUT_BLOCK(4, 32)
HEAD_OUT_BLOCK(4, 1)
HEAD_OUT_BLOCK(1, 32)
HEAD_OUT_BLOCK(1, 1)

enum { HEAD_OUT_ROWS = 4, HEAD_OUT_COLS = 32 };

WIDE static void head_out_rows(struct rows x, struct rows z, const float *w, size_t row)
{
    uint32_t col = 0;
    if (row + HEAD_OUT_ROWS <= x.n) {
        for (; col + HEAD_OUT_COLS <= x.cols; col += HEAD_OUT_COLS)
            head_out_4_32(x, z, w, row, col);
        for (; col < x.cols; col++)
            head_out_4_1(x, z, w, row, col);
        return;
    }
    for (; row < x.n; row++) {
        for (col = 0; col + HEAD_OUT_COLS <= x.cols; col += HEAD_OUT_COLS)
            head_out_1_32(x, z, w, row, col);
        for (; col < x.cols; col++)
            head_out_1_1(x, z, w, row, col);
    }
}

void loop_head_out(struct rows x, struct rows z, const float *w)
{
#pragma omp parallel for if ((size_t)x.n * x.cols > PARALLEL_FROM)
    for (size_t row = 0; row < x.n; row += HEAD_OUT_ROWS)
        head_out_rows(x, z, w, row);
}

void loop_gather(struct rows out, struct rows x, const uint32_t *rows)
{
#pragma omp parallel for if ((size_t)out.n * x.cols > PARALLEL_FROM)
    for (uint32_t i = 0; i < out.n; i++) {
        assert(rows[i] < x.n);
        memcpy(out.data + i * out.stride, x.data + rows[i] * x.stride, x.cols * sizeof(float));
    }
}

static void edit_row(struct rows x, const struct row_edit *e, struct rows source)
{
    float *to = x.data + e->row * x.stride + e->first_col;
    const float *from
        = e->add != 0 ? source.data + e->source_row * source.stride + e->source_col : NULL;
    if (e->keep == 0)
        for (uint32_t i = 0; i < e->n_cols; i++)
            to[i] = from ? e->add * from[i] : 0.0f;
    else
        for (uint32_t i = 0; i < e->n_cols; i++)
            to[i] = e->keep * to[i] + (from ? e->add * from[i] : 0.0f);
}

void loop_edit(struct rows x, const struct row_edit *edits, uint32_t n, struct rows source)
{
#pragma omp parallel for if (n > 4096)
    for (uint32_t i = 0; i < n; i++) {
        assert(edits[i].row < x.n && edits[i].first_col + edits[i].n_cols <= x.cols);
        edit_row(x, &edits[i], source);
    }
}

// Highest logit's lowest index; a row that is no numbers gives 0.
WIDE static uint32_t argmax(const float *l, uint32_t n)
{
    float best[LANES], highest = -INFINITY;
    uint32_t i = 0;
    for (uint32_t k = 0; k < LANES; k++)
        best[k] = -INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (uint32_t k = 0; k < LANES; k++)
            best[k] = l[i + k] > best[k] ? l[i + k] : best[k];
    for (uint32_t k = 0; k < LANES; k++)
        highest = best[k] > highest ? best[k] : highest;
    for (; i < n; i++)
        highest = l[i] > highest ? l[i] : highest;
    for (i = 0; i < n; i++)
        if (l[i] == highest)
            return i;
    return 0;
}

// Sums over a row, below its highest logit: of e^d and of e^d d, where d = l − highest; what scores
// above the target; and Σ p_b (l_b − l) over a base row.
struct row_sums {
    double exps, slopes, difference;
    uint32_t above;
};

enum { STRETCH = 256 }; // floats that are added up as floats, before the sum goes on in double

WIDE static struct row_sums sum_row(const float *restrict l, uint32_t n, float highest,
                                    float target)
{
    struct row_sums sums = { 0 };
    for (uint32_t first = 0; first < n; first += STRETCH) {
        uint32_t end = first + STRETCH < n ? first + STRETCH : n, above = 0;
        float s = 0, w = 0;
#pragma omp simd reduction(+ : s, w, above)
        for (uint32_t i = first; i < end; i++) {
            float d = l[i] - highest, e = exp_negative(d);
            s += e;
            w += e * d;
            above += l[i] > target;
        }
        sums.exps += (double)s;
        sums.slopes += (double)w;
        sums.above += above;
    }
    return sums;
}

// The same with a base row and its probabilities.
WIDE static struct row_sums sum_both(const float *restrict l, uint32_t n, float highest,
                                     float target, const float *restrict base,
                                     const float *restrict p)
{
    struct row_sums sums = { 0 };
    for (uint32_t first = 0; first < n; first += STRETCH) {
        uint32_t end = first + STRETCH < n ? first + STRETCH : n, above = 0;
        float s = 0, w = 0, difference = 0;
#pragma omp simd reduction(+ : s, w, difference, above)
        for (uint32_t i = first; i < end; i++) {
            float d = l[i] - highest, e = exp_negative(d);
            s += e;
            w += e * d;
            above += l[i] > target;
            difference += p[i] * (base[i] - l[i]);
        }
        sums.exps += (double)s;
        sums.slopes += (double)w;
        sums.difference += (double)difference;
        sums.above += above;
    }
    return sums;
}

// p = e^(l − highest), not yet divided by their sum; the return value is ln sum exp(l).
WIDE static double weigh_base(const float *restrict l, uint32_t n, float highest, float *restrict p)
{
    double sum = 0;
    for (uint32_t first = 0; first < n; first += STRETCH) {
        uint32_t end = first + STRETCH < n ? first + STRETCH : n;
        float s = 0;
#pragma omp simd reduction(+ : s)
        for (uint32_t i = first; i < end; i++) {
            p[i] = exp_negative(l[i] - highest);
            s += p[i];
        }
        sum += (double)s;
    }
    return (double)highest + log(sum);
}

void cpu_base_rows(struct rows logits, struct rows weights, struct cpu_base_row *out)
{
#pragma omp parallel for if ((size_t)logits.n * logits.cols > PARALLEL_FROM)
    for (uint32_t i = 0; i < logits.n; i++) {
        const float *l = logits.data + i * logits.stride;
        float *p = weights.data + i * weights.stride, highest = l[argmax(l, logits.cols)];
        double lse = weigh_base(l, logits.cols, highest, p);
        out[i] = (struct cpu_base_row){ l, p, lse, exp((double)highest - lse) };
    }
}

// Σ p_b (l_b − l) − lse_b + lse.
static double divergence(const struct row_sums *sums, const struct cpu_base_row *base, double lse)
{
    double kl = sums->difference * base->scale - base->lse + lse;
    // Below zero is rounding: the divergence of two near-equal rows is a difference of large sums.
    return kl < 0 && kl > -1e-5 ? 0 : kl;
}

// Logits of an answer's tokens, as one.
struct answer {
    float mean, lse, best;
};

static struct answer read_answer(const float *l, uint32_t n, struct id_list list)
{
    struct answer a = { .best = -INFINITY };
    double mean = 0, sum = 0;
    for (uint32_t i = 0; i < list.n; i++) {
        assert(list.ids[i] < n);
        a.best = l[list.ids[i]] > a.best ? l[list.ids[i]] : a.best;
        mean += (double)l[list.ids[i]] / list.n;
    }
    for (uint32_t i = 0; i < list.n; i++)
        sum += exp((double)l[list.ids[i]] - (double)a.best);
    a.mean = (float)mean;
    a.lse = (float)((double)a.best + log(sum));
    return a;
}

// What is asked of the answers; the return value is the logit that rank counts above.
static float read_answers(const float *l, uint32_t n, const struct readout_ask *ask,
                          struct row_stats *out)
{
    struct answer target = read_answer(l, n, ask_targets(ask));
    struct answer foil = read_answer(l, n, ask_foils(ask));
    bool lse = ask->lists && ask->lists->how == ANSWERS_LSE;
    out->target_logit = lse ? target.lse : target.mean;
    out->target_lse = target.lse;
    out->foil_logit = lse ? foil.lse : foil.mean;
    return target.best;
}

static void one_row(const float *l, const struct cpu_base_row *base, uint32_t n,
                    const struct readout_ask *ask, struct row_stats *out)
{
    uint32_t best = argmax(l, n);
    float target = read_answers(l, n, ask, out);
    struct row_sums sums = base ? sum_both(l, n, l[best], target, base->logits, base->weights)
                                : sum_row(l, n, l[best], target);
    double ln_sum = log(sums.exps), lse = (double)l[best] + ln_sum;
    out->lse = (float)lse;
    out->entropy = (float)(ln_sum - sums.slopes / sums.exps);
    out->kl = base ? (float)divergence(&sums, base, lse) : 0;
    out->rank = sums.above;
    out->argmax = best;
}

WIDE static uint32_t count_above(const float *l, uint32_t n, float target)
{
    uint32_t above = 0;
#pragma omp simd reduction(+ : above)
    for (uint32_t i = 0; i < n; i++)
        above += l[i] > target;
    return above;
}

// Another question about a row whose sums are known.
static void ask_again(const float *l, uint32_t n, const struct readout_ask *ask,
                      const struct row_stats *known, struct row_stats *out)
{
    *out = *known;
    out->rank = count_above(l, n, read_answers(l, n, ask, out));
}

void cpu_row_stats(struct rows logits, const struct cpu_base_row *base,
                   const struct readout_ask *asks, uint32_t n, struct row_stats *out)
{
    bool many = (size_t)logits.n * logits.cols > PARALLEL_FROM;
#pragma omp parallel for if (many)
    for (uint32_t i = 0; i < n; i++) {
        const struct readout_ask *ask = &asks[i];
        if (i == 0 || ask->row != ask[-1].row)
            one_row(logits.data + (ask->row - asks->row) * logits.stride,
                    base ? &base[ask->base - asks->base] : NULL, logits.cols, ask, &out[i]);
    }
#pragma omp parallel for if (many)
    for (uint32_t i = 1; i < n; i++) {
        uint32_t first = i;
        while (first > 0 && asks[first - 1].row == asks[i].row)
            first--;
        if (first < i)
            ask_again(logits.data + (asks[i].row - asks->row) * logits.stride, logits.cols,
                      &asks[i], &out[first], &out[i]);
    }
}
