// The tokenizer that a GGUF file holds in its metadata.
#ifndef ABL_MODEL_GGUF_TOKENIZER_H
#define ABL_MODEL_GGUF_TOKENIZER_H

#include <stdbool.h>

#include "base/err.h"
#include "format/gguf.h"
#include "text/tokenizer.h"

// Kinds "llama" (SentencePiece scores) and "gpt2" (byte-level BPE, cut as tokenizer.ggml.pre says);
// others are refused by name. path is for messages;
// `like` decides where owners disagree. Owned by the caller: tokenizer_free.
bool gguf_tokenizer_open(const struct gguf *g, const char *path, enum owner like,
                         struct tokenizer **out, struct abl_err *err);

#endif
