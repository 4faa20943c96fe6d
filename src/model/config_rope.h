// Rotary positions as config.json writes them: rope_theta and rope_scaling, or rope_parameters
// since transformers 5. The two versions read them by different rules.
#ifndef ABL_MODEL_CONFIG_ROPE_H
#define ABL_MODEL_CONFIG_ROPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config_value.h"
#include "model/shape.h"

// Families with learned positions get the zero struct. Kinds of scaling that are not built are
// refused by name, as is what the version in c->like could not run.
// Both of the shape's, where layers that slide have others. *n_ctx becomes less where longer
// prompts have other angles.
bool config_rope_read(const struct config *c, uint32_t d_head, uint32_t *n_ctx,
                      struct model_shape *out);

// "yarn, base 10000, factor 4, …": all that decides the angles, for people.
enum { ROPE_TEXT = 256 };
void config_rope_text(const struct rope_shape *r, char out[ROPE_TEXT]);

#endif
