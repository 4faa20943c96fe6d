// Split files: which rows of a corpus are for training, validation and test.
//   {"schema": "abltui.split/1", "corpus": "facts", "sha256": "…", "seed": 13,
//    "train": [0, 2, …], "val": […], "test": […]}
#ifndef ABL_TEXT_SPLIT_H
#define ABL_TEXT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

enum split { SPLIT_DEFAULT, SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST, SPLIT_ALL };

bool split_parse(const char *text, enum split *out); // "train" "val" "test" "all"
const char *split_name(size_t split);                // "default" and the same; a name_list

enum { N_SPLITS = SPLIT_ALL }; // lists are counted by enum split; SPLIT_DEFAULT's stays empty

struct split_file {
    uint32_t *rows[N_SPLITS]; // row numbers in stored order; malloc'd
    size_t n[N_SPLITS], cap[N_SPLITS];
    char sha256[SHA256_HEX]; // "" where the file has none
};

// Read a split file of a corpus with n_rows rows: every row number below n_rows,
// none twice in a list.
bool split_file_read(const char *path, uint32_t n_rows, struct split_file *out,
                     struct abl_err *err);
void split_file_release(struct split_file *s);

// Whether hex is the SHA-256 of the text, of its LF form or of its CRLF form: line endings change
// on the way.
bool split_hash_fits(const char *hex, const char *text, size_t len, bool *out, struct abl_err *err);

#endif
