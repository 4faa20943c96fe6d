// What every tokenizer promises, whatever file it comes from.
#ifndef ABL_TESTS_FUZZ_SPELLING_H
#define ABL_TESTS_FUZZ_SPELLING_H

#include "tests/fuzz/fuzz.h"
#include "text/tokenizer.h"

// Spell the text; `exact`: its tokens' bytes are its own.
void check_spelling(const struct tokenizer *t, struct part text, bool exact);

#endif
