// Named stretches of a row's prompts: what its `spans` and `corrupt_spans` say, and what its other
// fields say where their text is found.
#ifndef ABL_TEXT_ROW_SPANS_H
#define ABL_TEXT_ROW_SPANS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum { MAX_ROW_SPANS = 64 }; // of a prompt

// Bytes [start, end) of a prompt; files count characters.
struct row_span {
    const char *name;
    size_t start, end;
    bool given; // by `spans`, not found by a field's text
};

struct row_spans {
    const struct row_span *items; // in the arena
    size_t n;
};

// The spans of a prompt as they are read.
struct span_list {
    struct row_span items[MAX_ROW_SPANS];
    size_t n;
};

// What a row says of its spans. Texts live as long as the parser.
struct span_source {
    struct span_list clean, corrupt; // in characters until row_spans_finish
    struct {
        const char *name, *text;
    } fields[MAX_ROW_SPANS]; // texts that may stand in clean
    size_t n_fields;
};

// The value of `spans` or `corrupt_spans`, which `field` names: {"subject": [start, end], …}, or
// null.
bool row_spans_read(struct json *j, const char *field, struct span_list *out);

// A field beside the prompts, and its text; those beyond MAX_ROW_SPANS are no spans.
void row_spans_field(struct span_source *s, struct json_text name, const char *text);

// Spans of both prompts, once these are known (corrupt NULL: there is none). A given span must lie
// in its prompt, else the parser fails. A field whose text occurs once in clean is a span, too.
// What corrupt_spans leave out is, in the corrupt prompt, what stands between the same text as in
// the clean one, else the span's own text where that occurs once.
bool row_spans_finish(struct json *j, struct span_source *s, const char *clean, const char *corrupt,
                      struct arena *a, struct row_spans *of_clean, struct row_spans *of_corrupt);

#endif
