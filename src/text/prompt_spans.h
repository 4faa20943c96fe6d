// From characters to tokens: where a row's spans are in the ids of its prompts.
#ifndef ABL_TEXT_PROMPT_SPANS_H
#define ABL_TEXT_PROMPT_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/string_index.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

// Names of spans by the numbers that prompts call them by, in the order in which rows come.
struct span_names {
    struct string_index numbers;
    const char **names; // (n) in the arena of whoever makes prompts
    size_t n, cap;
};

void span_names_release(struct span_names *s);

// The spans of one prompt, whose ids stand behind `shift` others (BOS). A token is a span's where a
// character of it other than white space in front is. Spans without one are left out; *lost (may be
// NULL) is the first of these that the row itself gave.
bool prompt_spans_make(const struct tokenizer *t, const char *text, const struct row_spans *spans,
                       const struct token_ids *ids, uint32_t shift, struct span_names *names,
                       struct arena *a, struct token_spans *out, const struct row_span **lost,
                       struct abl_err *err);

// Give the corrupt prompt those of the clean one's spans that it lacks, where both are equally many
// tokens: they are the same tokens then.
bool prompt_spans_share(struct prompt *p, struct arena *a, struct abl_err *err);

// List where the two differ.
bool prompt_find_differences(struct prompt *p, struct arena *a, struct abl_err *err);

#endif
