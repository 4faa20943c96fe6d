// What a GGUF file's keys say about how its tokenizer is used, as llama.cpp takes them.
#ifndef ABL_MODEL_GGUF_SETTINGS_H
#define ABL_MODEL_GGUF_SETTINGS_H

#include <stdbool.h>

#include "base/err.h"
#include "format/gguf.h"
#include "text/definition.h"
#include "text/tokenizer_settings.h"

// Of a key "tokenizer.…"; KEY_UNKNOWN: neither the format nor llama.cpp has it.
enum key_use gguf_settings_key_use(const char *key);

// Fill out from every key "tokenizer.…" of the file, whose tokens are (n_tokens) texts; out is
// released by tokenizer_settings_release, whatever happens. Values of another type than the format
// has, and what would change ids and is not done, are ABL_BAD_MODEL, by name; ids of tokens that
// there are not are passed over with a note, as are keys that nobody knows. The bytes of all that
// decide ids go to d->read.
bool gguf_settings_read(const struct gguf *g, const struct gguf_value *tokens, struct definition *d,
                        struct tokenizer_settings *out, struct abl_err *err);

#endif
