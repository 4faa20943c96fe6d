// A corpus cut down to the rows that fit a tokenizer, with its split file.
#ifndef ABL_TEXT_CORPUS_VARIANT_H
#define ABL_TEXT_CORPUS_VARIANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/dataset.h"
#include "text/prompts.h"

struct corpus_variant_settings {
    const char *folder; // where the files go: FOLDER/NAME_SUFFIX.jsonl and .split.json
    const char *suffix;
    const struct data_fields *fields; // what the file calls its fields
    uint32_t balance;                 // at most so many rows a target, 0 = all
    uint64_t seed;                    // draws those
    // Draw the split of the new corpus as tinyLab did, by the seed, in place of keeping the rows of
    // the old one's.
    bool draw_split;
    double train, val; // its shares
    bool dry;          // write nothing
};

struct corpus_variant {
    // paths written, or that would be; split NULL: the corpus has no split file
    char *corpus, *split;
    size_t n_kept, n_unbalanced; // rows; those that only the balance left out
    size_t n_split[SPLIT_ALL];   // rows by enum split
};

// data: all rows of the corpus (SPLIT_ALL); fit: its prompts, bad rows left out. Kept rows keep
// their names and, of JSON, their bytes but end in LF; row numbers in the split follow, and its
// hashes are those of the new file. An existing file is replaced, the corpus itself never. Release
// with corpus_variant_release.
bool corpus_variant_write(const struct dataset *data, const struct prompts *fit,
                          const struct corpus_variant_settings *s, struct corpus_variant *out,
                          struct abl_err *err);
void corpus_variant_release(struct corpus_variant *v);

#endif
