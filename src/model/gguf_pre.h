// How a GGUF file's byte-level tokenizer cuts texts: "tokenizer.ggml.pre", as llama.cpp takes it.
#ifndef ABL_MODEL_GGUF_PRE_H
#define ABL_MODEL_GGUF_PRE_H

#include <stdbool.h>

#include "base/err.h"
#include "format/gguf.h"
#include "text/definition.h"

// Add the steps to d, and tell whether BOS goes first where the file does not say. A way that is
// not known is ABL_BAD_MODEL, by name; one that the file does not name is taken with a note.
bool gguf_pre_steps(const struct gguf *g, struct definition *d, bool *puts_bos,
                    struct abl_err *err);

#endif
