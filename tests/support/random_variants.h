// Seeded lists of variants over every site, operation, source and position.
#ifndef ABL_TESTS_RANDOM_VARIANTS_H
#define ABL_TESTS_RANDOM_VARIANTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "model/model.h"
#include "plan/variant.h"
#include "text/prompt.h"

enum { N_RANDOM = 6, RANDOM_EDITS = 4, RANDOM_PROMPTS = 16 };

// Donors are shared by the list, which must stay where it is.
struct random_variants {
    struct variants v;
    struct variant variants[N_RANDOM];
    struct edit edits[N_RANDOM][RANDOM_EDITS];
    char labels[N_RANDOM][160];
    uint32_t donor[RANDOM_PROMPTS]; // for each prompt
};

void random_variants_make(struct random_variants *list, struct rng *r, const struct model_shape *s,
                          size_t n_donors, const struct prompt *prompts, size_t n_prompts);

#endif
