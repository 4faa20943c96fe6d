// What is differentiated, and with respect to which activations.
#ifndef ABL_PLAN_GRADIENT_H
#define ABL_PLAN_GRADIENT_H

#include <stdint.h>

#include "plan/site.h"

// The number of a row whose gradient it is.
enum gradient_of { GRADIENT_LD, GRADIENT_LOGPROB, GRADIENT_LOGIT };

// Activations that have a gradient: every enum site, by its number, and two that no edit touches.
enum {
    // the residual stream as the MLP reads it, before its norm: what reaches the answer through
    // this layer's MLP alone
    GRADIENT_MLP_IN = N_SITES,
    GRADIENT_NEURONS, // what W_out of the MLP is multiplied by
    N_GRADIENT_SITES,
};

// "resid_pre", …, "mlp_in", "neurons"; a name_list.
const char *gradient_site_name(size_t site);

uint32_t gradient_site_cols(const struct model_shape *s, size_t site);

#endif
