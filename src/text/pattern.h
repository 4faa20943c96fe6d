// Regular expressions of tokenizer files.
#ifndef ABL_TEXT_PATTERN_H
#define ABL_TEXT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

// The pattern that GPT-2 cuts by, and whoever says "ByteLevel" without another.
const char *pattern_gpt2(void);

// Those of LLaMA 3 and of Qwen 2.
const char *pattern_llama3(void);
const char *pattern_qwen2(void);

// text[0..len) is NUL-terminated. Its \s, \p{L} and \p{N} mean what they mean to the reference,
// whatever Unicode version PCRE2 has. Owned by the caller: pattern_free.
bool pattern_compile(const char *text, size_t len, const char *path, struct pcre2_real_code_8 **out,
                     struct abl_err *err);
void pattern_free(struct pcre2_real_code_8 *code);

// Matching, one thread's.
struct pattern_walk {
    const struct pcre2_real_code_8 *code;
    struct pcre2_real_match_data_8 *match;
};
bool pattern_walk_open(struct pattern_walk *w, const struct pcre2_real_code_8 *code,
                       struct abl_err *err);
void pattern_walk_close(struct pattern_walk *w);

// The first match at or behind `from` that is not empty; without one *begin = *end = len.
bool pattern_next(struct pattern_walk *w, const char *text, size_t len, size_t from, size_t *begin,
                  size_t *end, struct abl_err *err);

#endif
