// The tokens that a checkpoint's small files name: special ones, and those added to the vocabulary.
// Readers of values; texts are kept in the settings' arena.
#ifndef ABL_TEXT_SETTINGS_TOKENS_H
#define ABL_TEXT_SETTINGS_TOKENS_H

#include <stdbool.h>

#include "base/json.h"
#include "text/tokenizer_settings.h"

// Copy a text into the arena.
bool settings_keep_text(struct json *j, struct tokenizer_settings *s, struct json_text *text);

// A struct special_token: "<s>", an object with flags, or null.
bool settings_read_special(struct json *j, struct tokenizer_settings *s, void *to);

// A struct special_list: ["<a>", …], null being none; or {"image_token": "<img>", …}.
bool settings_read_special_list(struct json *j, struct tokenizer_settings *s, void *to);
bool settings_read_special_names(struct json *j, struct tokenizer_settings *s, void *to);

// Either: a list goes to the struct special_list `to`, an object to s->named.
bool settings_read_extra(struct json *j, struct tokenizer_settings *s, void *to);

// The value of any other key that ends in "_token", appended to s->other.
bool settings_read_other(struct json *j, struct tokenizer_settings *s, struct json_text key);

// A struct numbered_list: {"50256": {"content": "<|endoftext|>", "special": true, …}, …}.
bool settings_read_decoder(struct json *j, struct tokenizer_settings *s, void *to);

// added_tokens.json as a whole, into s->plain: {"<pad>": 50257, …}.
bool settings_read_plain(struct json *j, struct tokenizer_settings *s);

#endif
