// The small files of a folder: tokenizer_config.json, special_tokens_map.json, added_tokens.json
// and config.json, each read once.
#ifndef ABL_TEXT_SETTINGS_READ_H
#define ABL_TEXT_SETTINGS_READ_H

#include <stdbool.h>

#include "base/err.h"
#include "text/owner.h"
#include "text/tokenizer_settings.h"

// Read what is there, after the vocabulary that d has. Keys that could change ids and are not
// implemented are refused by name (ABL_BAD_MODEL). vocab.json and merges.txt in a folder without
// config.json are taken for GPT-2's.
bool tokenizer_settings_read(const char *folder, struct definition *d,
                             struct tokenizer_settings *out, struct abl_err *err);

// Of a key of tokenizer_config.json; KEY_UNKNOWN: no tokenizer class of transformers has it.
enum key_use tokenizer_key_use(const char *key);

#endif
