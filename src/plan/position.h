// Where in a prompt edits act: numbers that mean the same in every row.
#ifndef ABL_PLAN_POSITION_H
#define ABL_PLAN_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/edit.h"
#include "text/prompt.h"

// A position is one or several tokens of each prompt, none where the prompt lacks it:
//   -1, -2, …             counted from the end
//   0, 1, …               from the start, BOS counted
//   position_of_span      of a named stretch of text
//   POSITION_DIFF         where clean and corrupt prompt differ, counted from their ends
//   ALL_POSITIONS         every token
// What is put into a prompt's tokens comes from the same position of the prompt that gives: where
// these are several, the last from the last, and so on backwards. Of POSITION_DIFF and
// ALL_POSITIONS that is what is as far from the prompt's end.
enum { POSITION_SPANS = 1 << 30, POSITION_DIFF = INT32_MAX - 1 };

enum position_part { POSITION_WHOLE, POSITION_FIRST, POSITION_LAST, N_POSITION_PARTS };

// name: number in prompts->span_names, below 2^28.
static inline int32_t position_of_span(uint32_t name, enum position_part part)
{
    return (int32_t)(POSITION_SPANS + 4 * name + part);
}

// Whether it is counted from an end.
static inline bool position_is_number(int32_t position)
{
    return position < POSITION_SPANS;
}

// How many tokens of a prompt a position is, and the i-th of them from the last (i = 0) on, counted
// from the prompt's start.
uint32_t position_count(int32_t position, const struct prompt *p);
uint32_t position_token(int32_t position, const struct prompt *p, uint32_t i);

// The token of a prompt that gives, from its start, that goes to this one; false: there is none.
bool position_partner(int32_t position, const struct prompt *p, uint32_t i,
                      const struct prompt *donor, uint32_t *out);

// How many tokens at the end of each of n prompts a position can lie among; ALL_TOKENS: any.
uint32_t position_reach(int32_t position, const struct prompt *prompts, size_t n);

// Whether the last token of one prompt may meet another than the last of another prompt.
bool position_crosses_ends(int32_t position);

// What an edit does in a row. A row in which it finds no token, or only BOS to be kept or to be put
// in BOS's place, tells nothing of it.
struct row_touch {
    bool acts;
    bool changed; // it takes from a prompt that has another token there
};

// donor: the prompt that a SOURCE_ROW edit takes from in this row; else NULL. has_bos: position 0
// of prompts is BOS.
struct row_touch edit_touches(const struct edit *e, const struct prompt *p,
                              const struct prompt *donor, bool has_bos);

// A position, what it is called ("-1", "END", "subject:last", "all"), and its reach.
struct position {
    int32_t at;
    const char *name;
    uint32_t reach; // as edit->reach
};

// What texts may name.
struct position_names {
    uint32_t n_tokens;        // of the longest prompt
    bool has_bos;             // its first is BOS, which is not counted from the end
    const char *const *spans; // (n_spans) prompts->span_names
    size_t n_spans;
    const struct prompt *prompts; // (n_prompts) that edits run over
    size_t n_prompts;
};

// "last", "all", "each", "diff", "END", "-1", "3", "subject:last", or several, each once. last and
// END are -1, each is every token from the end. Errors are ABL_USAGE and name the option, the part
// that is wrong and what is there. In the arena.
bool positions_parse(const char *text, const struct position_names *names, struct arena *a,
                     struct position **out, size_t *n, struct abl_err *err);

#endif
