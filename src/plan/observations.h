// What an experiment is going to read off the intact run, listed for a plan.
#ifndef ABL_PLAN_OBSERVATIONS_H
#define ABL_PLAN_OBSERVATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/prompts.h"

// An intact pass over some prompts that is looked at.
struct observation {
    const struct prompt *prompts; // (n)
    size_t n;
    bool every_row; // all token rows; else the read-outs only
};

// A product that is made of what has been seen: rows through a (k, n) matrix.
struct observed_product {
    uint64_t rows, k, n;
};

struct observations { // zero-initialise to start; observations_release ends it
    struct observation *items;
    struct observed_product *products;
    size_t n, n_products;
    struct arena arena; // also of whoever adds prompts of its own
};

bool observations_add(struct observations *o, struct observation one, struct abl_err *err);
bool observations_add_product(struct observations *o, struct observed_product one,
                              struct abl_err *err);
void observations_release(struct observations *o);

// Of all products.
uint64_t observations_flop(const struct observations *o);

#endif
