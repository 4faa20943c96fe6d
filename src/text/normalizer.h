// What happens to a text before it is cut: Unicode normal forms, replaced and prepended strings.
#ifndef ABL_TEXT_NORMALIZER_H
#define ABL_TEXT_NORMALIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "text/definition.h"
#include "text/effort.h"

struct pattern;

// Steps in order; their texts are borrowed from the arena of the definition. Immutable once made:
// any number of threads may use it.
struct normalizer {
    const struct definition_normal *steps;
    size_t n;
    struct pattern **patterns; // (n); NULL where a step has none
};

// Steps are borrowed; path is for messages. An expression that cannot be compiled is ABL_BAD_MODEL.
bool normalizer_init(struct normalizer *n, const struct definition_normal *steps, size_t n_steps,
                     const char *path, struct abl_err *err);
void normalizer_release(struct normalizer *n);

// Append the normalised text to out. text is sound UTF-8. effort: what the text has had already;
// NULL: nothing. Steps that make more of it than text/effort.h allows are ABL_BAD_MODEL.
bool normalizer_run(const struct normalizer *n, const char *text, size_t len, struct effort *effort,
                    struct buf *out, struct abl_err *err);

#endif
