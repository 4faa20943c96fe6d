// The shape of a model from a GGUF file's metadata.
#ifndef ABL_MODEL_CONFIG_GGUF_H
#define ABL_MODEL_CONFIG_GGUF_H

#include <stdbool.h>

#include "base/err.h"
#include "model/arch.h"
#include "model/checkpoint.h"
#include "model/shape.h"

// Fill shape from c's metadata, and from its tensors where the format keeps no key: size of the
// vocabulary, tying, biases. What GGUF files lose (activation, a gpt2's d_mlp multiple, Mistral's
// window, rotary base of GPT-NeoX) takes the family's default. What cannot be run exactly is
// refused by name (ABL_BAD_MODEL).
bool config_gguf_read(const struct checkpoint *c, struct model_shape *shape,
                      const struct arch **arch, struct abl_err *err);

#endif
