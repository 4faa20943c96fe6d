// Cutting a text into the pieces within which tokens merge.
#ifndef ABL_TEXT_PRETOKENIZER_H
#define ABL_TEXT_PRETOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "text/definition.h"
#include "text/pattern.h"

struct cut_step;

// Immutable once made: any number of threads may use it.
struct pretokenizer {
    struct cut_step *steps;
    size_t n;
};

// Compile the steps of a definition; nothing of it is kept. path is for messages. A pattern that
// cannot be compiled is ABL_BAD_MODEL.
bool pretokenizer_init(struct pretokenizer *p, const struct definition_cut *cuts, size_t n,
                       const char *path, struct abl_err *err);
void pretokenizer_release(struct pretokenizer *p);

// A text in pieces: their bytes one behind the other, and where each ends.
// Zero-initialise to start.
struct pieces {
    struct buf text;
    size_t *ends;
    size_t n, cap;
    bool at_start;      // the first piece begins where the whole text begins
    struct spans spans; // working memory
};

// Fill out anew. text[0..len) is sound UTF-8 and not empty; at_start: it begins where the whole
// text begins.
bool pretokenizer_run(const struct pretokenizer *p, const char *text, size_t len, bool at_start,
                      struct pieces *out, struct abl_err *err);
void pieces_release(struct pieces *p);

#endif
