// What Unicode 15, 15.1 and 16 changed: distributions ship Oniguruma with any of 14 to 16, the
// reference tokenizers have 16, and ids must not depend on the machine. Nothing was changed twice,
// so that on top of any of these versions the same comes out.
#ifndef ABL_TEXT_UNICODE_CHANGES_H
#define ABL_TEXT_UNICODE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

struct unicode_range {
    uint32_t first, last;
};

// A property by its names: lower case, without spaces, hyphens and underlines, each with a NUL
// behind it, and one more at the end.
struct unicode_change {
    const char *names;
    const struct unicode_range *added, *removed;
    size_t n_added, n_removed;
};
extern const struct unicode_change unicode_changes[];
extern const size_t n_unicode_changes;

// Characters that have come to be the same but for case.
struct unicode_case_pairs {
    uint32_t first, last; // upper case
    uint32_t lower;       // of the first; the others' follow it
};
extern const struct unicode_case_pairs unicode_case_pairs[];
extern const size_t n_unicode_case_pairs;

// Code points that break a text into user-perceived characters or into words (UAX 29) otherwise.
extern const struct unicode_range unicode_break_changes[];
extern const size_t n_unicode_break_changes;

#endif
