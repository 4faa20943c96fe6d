// Foils that the intact model chooses: --foil top:K.
#ifndef ABL_SESSION_RANKED_FOILS_H
#define ABL_SESSION_RANKED_FOILS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "forward/forward.h"
#include "plan/observations.h"
#include "text/prompts.h"
#include "text/tokenizer.h"

struct ranking_request {
    struct prompts *prompts; // whose rows without a foil get one
    bool corrupt;            // their own tokens are the corrupt prompts', which are going to run
    const struct model_shape *shape;
    const struct tokenizer *tokenizer;
    uint32_t n_foils;
    enum answer_rule answers;
};

// What that runs and multiplies, for a plan.
bool ranked_foils_observe(const struct ranking_request *q, struct observations *out,
                          struct abl_err *err);

// Run the clean prompts intact and give every row without a foil the n_foils tokens of the highest
// logits behind its prompt, its targets left out; of equal ones the lower id. settings: of the run
// to come; *out holds its weights: forward_free behind that run's.
bool ranked_foils_find(const struct ranking_request *q, const struct forward_settings *settings,
                       struct forward **out, struct abl_err *err);

#endif
