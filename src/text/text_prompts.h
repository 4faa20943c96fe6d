// A text that somebody typed, as a prompt that has no answers.
#ifndef ABL_TEXT_TEXT_PROMPTS_H
#define ABL_TEXT_TEXT_PROMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

// Ids of a text behind `bos` (TOKEN_NONE: none); out is emptied first, token_ids_release it. A text
// without tokens, or with characters that have none, is ABL_BAD_DATA.
bool text_prompt_ids(const struct tokenizer *t, uint32_t bos, const char *text,
                     struct token_ids *out, struct abl_err *err);

// The text as the only prompt. Owned: prompts_free.
bool text_prompts_make(const struct tokenizer *t, enum bos_mode bos, const char *text,
                       struct prompts **out, struct abl_err *err);

#endif
