// Which token comes next, by its logits.
#ifndef ABL_SESSION_TOKEN_CHOICE_H
#define ABL_SESSION_TOKEN_CHOICE_H

#include <stdint.h>

struct token_choice {
    double temperature; // 0: the likeliest, the first of equals
    double top_p;       // draw among the likeliest that have this much together; 1: all
    uint64_t seed;
};

// The token that `draw`, uniform in [0, 1), picks. order: room for n numbers.
uint32_t token_pick(const struct token_choice *c, const float *logits, uint32_t n, double draw,
                    uint32_t *order);

// ln of the sum of exp of the logits.
double token_lse(const float *logits, uint32_t n);

#endif
