// How alike two heads write, by their vectors or by the tokens that they raise and lower.
#ifndef ABL_ANALYSIS_LIKENESS_H
#define ABL_ANALYSIS_LIKENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct scored_token {
    const char *text;
    double logit;
};

struct scored_tokens {
    struct scored_token *items;
    size_t n;
};

// What a head writes.
struct written_head {
    uint32_t layer, head;
    double vector_norm;
    struct scored_tokens top, bottom;
    double *vector; // (d_model); NULL where it is not known
};

// NaN where something is not to be had.
struct likeness {
    double cosine;      // of the vectors
    double top, bottom; // |A ∩ B| / |A ∪ B| (Jaccard) of the tokens' texts
    double correlation; // Spearman, of the scores of the tokens that both list
    size_t n_common;    // these tokens
    bool agree;
};

// Two agree where the cosine is at least the first or, without one, where top and bottom overlap by
// the second at least on average and the correlation is positive.
#define AGREE_COSINE 0.8
#define AGREE_OVERLAP 0.25

// d_model: length of the vectors where both are of one space, else 0.
bool likeness_make(const struct written_head *a, const struct written_head *b, size_t d_model,
                   struct likeness *out, struct abl_err *err);

struct text_count {
    const char *text;
    size_t n;
};

// In how many lists each text stands among the first `limit` (0: all), the most frequent first,
// ties by text. *out is malloc'd.
bool count_texts(const struct scored_tokens *const *lists, size_t n_lists, size_t limit,
                 struct text_count **out, size_t *n_out, struct abl_err *err);

#endif
