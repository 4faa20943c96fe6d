// Findings of the pre-flight check: collected row by row, written up as one line a kind.
#ifndef ABL_TEXT_LINT_H
#define ABL_TEXT_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { FINDING_LINES = 3 }; // lines that a finding names

// A note is of what a task is, and nothing to mend.
enum finding_level { FINDING_WARNING, FINDING_ERROR, FINDING_NOTE };

// "warning", "error", "note"; a name_list.
const char *finding_level_name(size_t level);

// One line of the pre-flight report: what, where, and what to do.
struct finding {
    enum finding_level level;
    const char
        *kind; // "multi-token-target", "target-in-prompt", …: stable names, in lint.c but "reading"
    uint32_t n_rows;               // rows concerned
    uint32_t first_line;           // of the first of them
    uint32_t lines[FINDING_LINES]; // of the first ones, as many as there are
    const char *text;              // one line, names up to three rows and the remedy
};

enum lint_kind {
    LINT_EMPTY_PROMPT,
    LINT_NO_TOKEN,
    LINT_PROMPT_TOO_LONG,
    LINT_MULTI_TOKEN_TARGET,
    LINT_MULTI_TOKEN_FOIL,
    LINT_TARGET_IS_FOIL,
    LINT_ID_OUT_OF_RANGE,
    LINT_REPEATED_ANSWER,
    LINT_GAVE_SPACE,
    LINT_SPLIT_LEAK,
    LINT_CLUSTER_LEAK,
    LINT_TARGET_IN_PROMPT,
    LINT_ANSWER_AT_END,
    LINT_CONSTANT_LABEL,
    LINT_CONSTANT_FOIL,
    LINT_LOPSIDED_LABEL,
    LINT_ONE_SIDED,
    LINT_CONTRADICTION,
    LINT_DUPLICATE_ROW,
    LINT_DUPLICATE_PROMPT,
    LINT_NEAR_DUPLICATE,
    LINT_UNEQUAL_LENGTHS,
    LINT_CORRUPT_IS_CLEAN,
    LINT_NO_CORRUPT,
    LINT_SPECIAL_TOKEN,
    LINT_TRAILING_SPACE,
    LINT_NO_SPACE,
    LINT_GARBLED,
    LINT_SPAN_WITHOUT_TOKENS,
    LINT_LOW_ACCURACY,
    N_LINTS,
};

// What becomes of rows with an error: they forbid the run, are left out, or run as they are.
enum lint_fate { LINT_REFUSED, LINT_DROPPED, LINT_KEPT };

struct lint_note {
    uint32_t n_rows;
    uint32_t lines[FINDING_LINES];
    const char *example; // of the first row; in the arena
};

struct lint {
    struct lint_note notes[N_LINTS];
    enum lint_fate fates[N_LINTS]; // of errors; whoever makes the lint sets them
    // The first error of the row at hand for which it is not kept, in the arena, NULL = none; and
    // whether one forbids the run. Whoever starts a row empties them.
    const char *row_kind, *row_why;
    bool row_refused;
    struct arena *arena; // borrowed
    bool failed;         // memory ran out
};

// Count a row; the example is kept of the first one. lint_quote makes the pieces of an example.
void lint_add(struct lint *l, enum lint_kind kind, uint32_t line, const char *example, ...)
    __attribute__((format(printf, 4, 5)));

// A text in single quotes, readable on one line and cut to a length that leaves room; in the arena,
// never NULL.
const char *lint_quote(struct lint *l, const char *text);

// Write up what was collected, errors first. Errors that forbid nothing become warnings that say
// "dropped" or "kept".
bool lint_findings(struct lint *l, struct finding **out, size_t *n, struct abl_err *err);

#endif
