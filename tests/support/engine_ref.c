#include "tests/support/engine_ref.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct grid grid_rows(struct grid g, uint32_t first, uint32_t n)
{
    g.at += first * g.stride;
    g.rows = n;
    return g;
}

struct grid grid_cols(struct grid g, uint32_t first, uint32_t n)
{
    g.at += first;
    g.cols = n;
    return g;
}

const float *grid_row(struct grid g, uint32_t row)
{
    return g.at + row * g.stride;
}

static double at(struct grid g, uint32_t row, uint32_t col)
{
    return (double)g.at[row * g.stride + col];
}

// One vector of n floats. The mean is a sum, too: its rounding is that of the terms' sizes.
static void norm_vector(const float *x, uint32_t n, const struct ref_norm *norm, struct ref *out)
{
    double sum = 0, sizes = 0, squares = 0;
    for (uint32_t c = 0; c < n && norm->kind == NORM_LAYER; c++) {
        sum += (double)x[c];
        sizes += fabs((double)x[c]);
    }
    double mean = sum / n, mean_size = sizes / n;
    for (uint32_t c = 0; c < n; c++)
        squares += ((double)x[c] - mean) * ((double)x[c] - mean);
    double sd = sqrt(squares / n + norm->eps);
    for (uint32_t c = 0; c < n; c++) {
        double g = (double)norm->gain[c], b = norm->bias ? (double)norm->bias[c] : 0;
        out[c] = (struct ref){
            .value = ((double)x[c] - mean) / sd * g + b,
            .size = (fabs((double)x[c]) + mean_size) / sd * fabs(g) + fabs(b),
        };
    }
}

void ref_norm(struct grid x, const struct ref_norm *norm, struct ref *out)
{
    uint32_t n = x.cols / norm->groups;
    for (uint32_t i = 0; i < x.rows; i++)
        for (uint32_t g = 0; g < norm->groups; g++, out += n)
            norm_vector(grid_row(x, i) + (size_t)g * n, n, norm, out);
}

void ref_rope(struct grid x, struct grid table, const uint32_t *positions, uint32_t d_head,
              struct ref *out)
{
    uint32_t half = table.cols / 2;
    for (uint32_t i = 0; i < x.rows; i++, out += x.cols)
        for (uint32_t c = 0; c < x.cols; c++) {
            uint32_t in_head = c % d_head, pair = in_head % half;
            if (in_head >= 2 * half) {
                out[c] = (struct ref){ .value = at(x, i, c) }; // untouched
                continue;
            }
            double cosine = at(table, positions[i], pair);
            double sine = at(table, positions[i], half + pair);
            double straight = cosine * at(x, i, c);
            double across = in_head < half ? -sine * at(x, i, c + half) : sine * at(x, i, c - half);
            out[c]
                = (struct ref){ .value = straight + across, .size = fabs(straight) + fabs(across) };
        }
}

double ref_act(enum act act, double x)
{
    double pi = acos(-1);
    switch (act) {
    case ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * erfc(-x / sqrt(2));
    case ACT_SILU:
        return x / (1 + exp(-x));
    case ACT_RELU:
        return x < 0 ? 0 : x;
    case ACT_IDENTITY:
        break;
    }
    return x;
}

void ref_gate(struct grid x, struct grid gate, enum act act, struct ref *out)
{
    for (uint32_t i = 0; i < x.rows; i++)
        for (uint32_t c = 0; c < x.cols; c++)
            *out++ = (struct ref){ .value = at(x, i, c) * ref_act(act, at(gate, i, c)),
                                   .size = fabs(at(x, i, c) * at(gate, i, c)) };
}

void ref_product(struct grid x, struct grid w, struct ref *out)
{
    for (uint32_t i = 0; i < x.rows; i++) {
        struct ref *row = out + (size_t)i * w.cols;
        for (uint32_t c = 0; c < w.cols; c++)
            row[c] = (struct ref){ 0 };
        for (uint32_t j = 0; j < w.rows; j++)
            for (uint32_t c = 0; c < w.cols; c++) {
                double term = at(x, i, j) * at(w, j, c);
                row[c].value += term;
                row[c].size += fabs(term);
            }
    }
}

void ref_epilogue(const struct ref *product, uint32_t rows, uint32_t cols, const float *bias,
                  enum act act, const struct grid *old, struct ref *out)
{
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t c = 0; c < cols; c++) {
            struct ref r = *product++;
            if (bias) {
                r.value += (double)bias[c];
                r.size += fabs((double)bias[c]);
            }
            r.value = ref_act(act, r.value);
            if (old) {
                r.value += at(*old, i, c);
                r.size += fabs(at(*old, i, c));
            }
            *out++ = r;
        }
}

// One query row and head; z has d_head elements. Rounding of a score is rounding of its weight,
// relatively.
static uint32_t kv_column(const struct ref_attend *a, uint32_t head)
{
    return head / (a->n_heads / a->n_kv_heads) * a->d_head;
}

// weights of one query and head; the size of the terms of the largest score.
static double weigh_head(const struct ref_attend *a, uint32_t query, uint32_t head, double *weights)
{
    uint32_t d = a->d_head, first = head * d, kv = kv_column(a, head);
    uint32_t n = a->start[query + 1] - a->start[query];
    const uint32_t *rows = a->rows + a->start[query];
    double highest = -INFINITY, size = 0, sum = 0;
    for (uint32_t c = 0; c < n; c++) {
        double dot = 0, terms = 0;
        for (uint32_t i = 0; i < d; i++) {
            double term = a->scale * at(a->q, query, first + i) * at(a->k, rows[c], kv + i);
            dot += term;
            terms += fabs(term);
        }
        weights[c] = dot;
        highest = fmax(highest, dot);
        size = fmax(size, terms);
    }
    for (uint32_t c = 0; c < n; c++)
        sum += weights[c] = exp(weights[c] - highest);
    for (uint32_t c = 0; c < n; c++)
        weights[c] /= sum;
    return size;
}

static double *room_for_weights(const struct ref_attend *a, uint32_t query)
{
    double *weights = malloc((a->start[query + 1] - a->start[query]) * sizeof *weights);
    assert_non_null(weights);
    return weights;
}

static void attend_head(const struct ref_attend *a, uint32_t query, uint32_t head, struct ref *z)
{
    uint32_t n = a->start[query + 1] - a->start[query], kv = kv_column(a, head);
    double *weights = room_for_weights(a, query), size = weigh_head(a, query, head, weights);
    for (uint32_t i = 0; i < a->d_head; i++) {
        z[i] = (struct ref){ 0 };
        for (uint32_t c = 0; c < n; c++) {
            double term = weights[c] * at(a->v, a->rows[a->start[query] + c], kv + i);
            z[i].value += term;
            z[i].size += fabs(term) * (1 + size);
        }
    }
    free(weights);
}

// A weight below what exponents of single precision hold may be found as 0.
void ref_weigh(const struct ref_attend *a, struct ref *weights)
{
    static const double tiny = 1e-30;
    for (uint32_t i = 0; i < a->q.rows; i++)
        for (uint32_t h = 0; h < a->n_heads; h++) {
            double *w = room_for_weights(a, i), size = weigh_head(a, i, h, w);
            for (uint32_t c = 0; c < a->start[i + 1] - a->start[i]; c++)
                weights[(size_t)(a->start[i] + c) * a->n_heads + h]
                    = (struct ref){ .value = w[c], .size = tiny + w[c] * (1 + size) };
            free(w);
        }
}

void ref_mix(const struct ref_attend *a, struct grid z, struct grid weights, struct grid was,
             struct ref *out)
{
    for (uint32_t i = 0; i < a->q.rows; i++)
        for (uint32_t h = 0; h < a->n_heads; h++)
            for (uint32_t j = 0; j < a->d_head; j++, out++) {
                double old = at(z, i, h * a->d_head + j);
                *out = (struct ref){ old, fabs(old) };
                for (uint32_t e = a->start[i]; e < a->start[i + 1]; e++) {
                    double term = (at(weights, e, h) - at(was, e, h))
                                  * at(a->v, a->rows[e], kv_column(a, h) + j);
                    out->value += term;
                    out->size += fabs(term);
                }
            }
}

void ref_attend(const struct ref_attend *a, struct ref *out)
{
    for (uint32_t i = 0; i < a->q.rows; i++)
        for (uint32_t h = 0; h < a->n_heads; h++, out += a->d_head)
            attend_head(a, i, h, out);
}

void ref_edit(struct ref *x, uint32_t cols, const struct row_edit *edits, uint32_t n,
              struct grid source)
{
    for (const struct row_edit *e = edits; e < edits + n; e++)
        for (uint32_t c = 0; c < e->n_cols; c++) {
            struct ref *r = x + (size_t)e->row * cols + e->first_col + c;
            double keep = (double)e->keep, add = (double)e->add;
            double kept = keep != 0 ? keep * r->value : 0;
            double added = add != 0 ? add * at(source, e->source_row, e->source_col + c) : 0;
            *r = (struct ref){ .value = kept + added, .size = fabs(kept) + fabs(added) };
        }
}

static double log_sum_exp(const struct ref *logits, uint32_t n)
{
    double highest = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        highest = fmax(highest, logits[i].value);
    for (uint32_t i = 0; i < n; i++)
        sum += exp(logits[i].value - highest);
    return highest + log(sum);
}

// What the logits of an answer are as one; their highest.
static double ref_answer(const struct ref *logits, struct id_list list, enum answer_rule how,
                         double *best)
{
    double sum = 0, exps = 0;
    *best = -INFINITY;
    for (uint32_t i = 0; i < list.n; i++) {
        sum += logits[list.ids[i]].value;
        *best = fmax(*best, logits[list.ids[i]].value);
    }
    for (uint32_t i = 0; i < list.n; i++)
        exps += exp(logits[list.ids[i]].value - *best);
    return how == ANSWERS_LSE ? *best + log(exps) : sum / list.n;
}

void ref_readout(const struct ref *logits, const struct ref *base, uint32_t n,
                 const struct readout_ask *ask, double slack, struct ref_stats *out)
{
    double lse = log_sum_exp(logits, n), lse_base = base ? log_sum_exp(base, n) : 0;
    struct id_list targets = ask_targets(ask);
    enum answer_rule how = ask->lists ? ask->lists->how : ANSWERS_MEAN;
    double target, best_foil;
    struct ref_stats s = { .target_logit = ref_answer(logits, targets, how, &target),
                           .foil_logit = ref_answer(logits, ask_foils(ask), how, &best_foil),
                           .target_lse = ref_answer(logits, targets, ANSWERS_LSE, &target),
                           .lse = lse };
    for (uint32_t i = 0; i < n; i++) {
        double l = logits[i].value;
        s.entropy += exp(l - lse) * (lse - l);
        s.rank += l > target;
        s.least_rank += l > target + slack;
        s.most_rank += l > target - slack && (slack == 0 || !id_list_has(targets, i));
        if (i == 0 || l > logits[s.argmax].value)
            s.argmax = i;
        if (base) {
            double p = exp(base[i].value - lse_base);
            s.kl += p * ((base[i].value - lse_base) - (l - lse));
            s.kl_size += p * fabs(base[i].value - l);
        }
    }
    s.kl_size += fabs(lse) + fabs(lse_base);
    s.highest = logits[s.argmax].value;
    *out = s;
}

void ref_check(struct grid found, const struct ref *expected, double tolerance, const char *format,
               ...)
{
    double worst = 0;
    uint32_t row = 0, col = 0;
    for (uint32_t i = 0; i < found.rows; i++)
        for (uint32_t c = 0; c < found.cols; c++) {
            const struct ref *r = &expected[(size_t)i * found.cols + c];
            double off = fabs(at(found, i, c) - r->value);
            double part = off == 0 ? 0 : off / (tolerance * r->size);
            if (!(part <= worst)) {
                worst = part;
                row = i;
                col = c;
            }
            // the first one is as telling as any
            if (isnan(part))
                goto done;
        }
done:
    if (worst <= 1)
        return;
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const struct ref *r = &expected[(size_t)row * found.cols + col];
    fail_msg("%s: [%u][%u] of (%u, %u): found %.9g, expected %.9g, off by %.3g, allowed %.3g", what,
             row, col, found.rows, found.cols, at(found, row, col), r->value,
             at(found, row, col) - r->value, tolerance * r->size);
}

static void check_number(const char *what, const char *field, double found, double expected,
                         double allowed)
{
    if (!(fabs(found - expected) <= allowed))
        fail_msg("%s: %s: found %.9g, expected %.9g, off by %.3g, allowed %.3g", what, field, found,
                 expected, found - expected, allowed);
}

void ref_check_stats(const struct row_stats *found, const struct ref_stats *expected,
                     const struct ref *logits, double tolerance, double slack, const char *format,
                     ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const struct {
        const char *field;
        double found, expected;
    } numbers[] = {
        { "target_logit", (double)found->target_logit, expected->target_logit },
        { "foil_logit", (double)found->foil_logit, expected->foil_logit },
        { "target_lse", (double)found->target_lse, expected->target_lse },
        { "lse", (double)found->lse, expected->lse },
        { "entropy", (double)found->entropy, expected->entropy },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        check_number(what, numbers[i].field, numbers[i].found, numbers[i].expected,
                     tolerance * fmax(1, fabs(numbers[i].expected)));
    check_number(what, "kl", (double)found->kl, expected->kl, tolerance * expected->kl_size);
    if (found->rank < expected->least_rank || found->rank > expected->most_rank)
        fail_msg("%s: rank: found %u, expected %u, allowed %u to %u", what, found->rank,
                 expected->rank, expected->least_rank, expected->most_rank);
    if (slack > 0 ? !(logits[found->argmax].value >= expected->highest - slack)
                  : found->argmax != expected->argmax)
        fail_msg("%s: argmax: found %u (logit %.9g), expected %u (logit %.9g)", what, found->argmax,
                 logits[found->argmax].value, expected->argmax, expected->highest);
}
