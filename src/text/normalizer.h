// What happens to a text before it is cut: Unicode normal forms, replaced and prepended strings.
#ifndef ABL_TEXT_NORMALIZER_H
#define ABL_TEXT_NORMALIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "text/definition.h"

// Steps in order; their texts are borrowed from the arena of the definition.
struct normalizer {
    const struct definition_normal *steps;
    size_t n;
};

// Append the normalised text to out. text is sound UTF-8.
bool normalizer_run(const struct normalizer *n, const char *text, size_t len, struct buf *out,
                    struct abl_err *err);

#endif
