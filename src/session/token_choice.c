#include "session/token_choice.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static uint32_t likeliest(const float *logits, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

double token_lse(const float *logits, uint32_t n)
{
    double top = logits[likeliest(logits, n)], sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += exp(logits[i] - top);
    return top + log(sum);
}

static int by_logit(const void *x, const void *y, void *context)
{
    const float *logits = context;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    if (logits[a] != logits[b])
        return logits[a] > logits[b] ? -1 : 1;
    return (a > b) - (a < b);
}

// Likeliest first, so that whatever is drawn depends on the logits alone.
uint32_t token_pick(const struct token_choice *c, const float *logits, uint32_t n, double draw,
                    uint32_t *order)
{
    double top = logits[likeliest(logits, n)], all = 0, among = 0, sum = 0;
    uint32_t n_among = 0;
    if (c->temperature == 0)
        return likeliest(logits, n);
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
        all += exp((logits[i] - top) / c->temperature);
    }
    qsort_r(order, n, sizeof *order, by_logit, (void *)(uintptr_t)logits);
    while (n_among < n && (n_among == 0 || among < c->top_p * all))
        among += exp((logits[order[n_among++]] - top) / c->temperature);
    for (uint32_t i = 0; i < n_among; i++) {
        sum += exp((logits[order[i]] - top) / c->temperature);
        if (draw * among < sum)
            return order[i];
    }
    return order[n_among - 1];
}
