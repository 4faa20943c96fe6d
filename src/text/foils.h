// What stands against the target in rows that name no foil: --foil.
#ifndef ABL_TEXT_FOILS_H
#define ABL_TEXT_FOILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

enum { MAX_FOILS = 1000 };

enum foil_from {
    FOIL_GIVEN,  // every row names its own
    FOIL_TOP,    // the tokens that the intact model ranks highest behind the clean prompt
    FOIL_OTHERS, // targets of other rows, drawn
};

struct foil_rule {
    enum foil_from from;
    uint32_t n; // foils of a row, 1 to MAX_FOILS
};

enum { FOIL_RULE_SIZE = 24 };

// "top:5", "others:3". False with nothing told.
bool foil_rule_parse(const char *text, struct foil_rule *out);
// The same back; NULL where rows name their own.
const char *foil_rule_text(struct foil_rule rule, char out[FOIL_RULE_SIZE]);

// Whether a row names none, and has been given none.
bool foil_is_missing(const struct prompt *p);

// Make these tokens the foil of row i, with texts (n) for people; texts and lists are copied into
// the prompts' arena.
bool foils_set(struct prompts *p, size_t i, const uint32_t *ids, const char *const *texts,
               uint32_t n, enum answer_rule how, struct abl_err *err);

// Give every row without a foil n of the texts that are some row's target, drawn by the seed, each
// once: one token behind its prompt, and none of its own targets. ABL_BAD_DATA where a row has
// fewer to draw from.
bool foils_draw(struct prompts *p, const struct tokenizer *t, uint32_t n, uint64_t seed,
                enum answer_rule how, struct abl_err *err);

#endif
