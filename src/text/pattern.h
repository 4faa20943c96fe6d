// Regular expressions of tokenizer files: Oniguruma's own, by Oniguruma, with the characters of the
// Unicode version that the reference has.
#ifndef ABL_TEXT_PATTERN_H
#define ABL_TEXT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "text/effort.h"

// The pattern that GPT-2 cuts by, and whoever says "ByteLevel" without another.
const char *pattern_gpt2(void);

// A character of punctuation.
const char *pattern_punctuation(void);

// That of Qwen 2.
const char *pattern_qwen2(void);

// An expression and where it stands, for messages.
struct pattern_source {
    struct json_text text;
    bool literal;     // a text that matches itself alone
    const char *path; // of the file
    size_t byte;      // of the file; 0 = the file only names it
};

// Append the expression that matches a text alone.
void pattern_quote(struct json_text t, struct buf *out);

// Immutable once made: any number of threads may use it.
struct pattern;

// What is not accepted, and what would match something else under this machine's library, is
// ABL_BAD_MODEL. Nothing of the source is kept. Owned by the caller: pattern_free.
bool pattern_compile(const struct pattern_source *source, struct pattern **out,
                     struct abl_err *err);
void pattern_free(struct pattern *p);

// A stretch of a text: a match, which may be empty, or what lies between two.
struct span {
    size_t begin, end;
    bool is_match;
};

struct re_registers;
struct OnigMatchParamStruct;

// Stretches and what it takes to find them, one thread's. Zero-initialise to start.
struct spans {
    struct span *items;
    size_t n, cap;
    struct re_registers *region;
    struct OnigMatchParamStruct *limits;
    struct effort *effort; // of the text that these are searches of; NULL: each is a text
};

// Fill out anew with stretches that cover text[0..len), which is sound UTF-8, in the reference's
// order: matches are looked for where the last one ended, and an empty one there does not count.
// A search that does not end within its limits is ABL_BAD_DATA; one that ends the text's effort,
// ABL_BAD_MODEL.
bool pattern_find(const struct pattern *p, const char *text, size_t len, struct spans *out,
                  struct abl_err *err);
void spans_release(struct spans *s);

#endif
