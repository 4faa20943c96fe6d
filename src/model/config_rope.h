// Rotary positions as config.json writes them: rope_theta and rope_scaling, or rope_parameters
// since transformers 5.
#ifndef ABL_MODEL_CONFIG_ROPE_H
#define ABL_MODEL_CONFIG_ROPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/arch.h"
#include "model/shape.h"

struct cJSON;

struct config_rope {
    const char *path; // of the file, for messages
    const struct cJSON *root;
    const struct arch *arch;
    uint32_t d_head, n_ctx;
    struct abl_err *err;
};

// Families with learned positions get the zero struct. Kinds of scaling that are not built are
// refused by name.
bool config_rope_read(const struct config_rope *c, struct rope_shape *out);

#endif
