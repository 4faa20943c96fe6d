// A condition: rows of a clean prompt, its corrupt twin, the answer and the foil.
#ifndef ABL_TEXT_DATASET_H
#define ABL_TEXT_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sha256.h"
#include "text/rows.h"
#include "text/split.h"
#include "text/template_rows.h"

enum { MAX_CORPUS = 1 << 30 }; // bytes of a corpus

struct dataset {
    const char *name; // "facts", or the file's base name
    const char *path;
    char sha256[SHA256_HEX]; // of the file's bytes
    struct dataset_row *rows;
    size_t n_rows;
    enum split split; // as resolved: train where a split file exists, else all
    bool has_split_file;
    const char *split_path; // of the split file, NULL = none
    struct arena arena;
};

// Open a bundled condition ("facts"), a corpus id, a path of any format (text/records.h) or "-"
// (standard input); keep the rows of `split`, then the first max_rows (0 = all). Refused with line
// number and remedy (ABL_BAD_DATA): what is malformed, missing or empty field, wrong type, no rows
// left, a split file whose sha256 is not the corpus's (its LF or CRLF form). An empty `clean` is
// left to the lint of prompts.h. Blank lines, a byte-order mark and unknown fields are ignored;
// null is missing. The split file of a bundled condition is data_dir/splits/NAME.split.json, that
// of X/NAME.jsonl is X/NAME.split.json or X/../splits/NAME.split.json. A split asked for where no
// split file exists is ABL_BAD_DATA. With skip_bad, bad rows are dropped, and those among the
// rows asked for are counted.
bool dataset_open(const char *name, const char *data_dir, enum split split, size_t max_rows,
                  bool skip_bad, struct dataset **out, size_t *n_dropped, struct abl_err *err);

// The same for a file that calls its fields something else.
bool dataset_open_as(const struct data_fields *fields, const char *name, const char *data_dir,
                     enum split split, size_t max_rows, bool skip_bad, struct dataset **out,
                     size_t *n_dropped, struct abl_err *err);
// Rows made of templates (text/template_rows.h): the dataset is called after the table of slots,
// and its SHA-256 is that of the rows as JSON lines. There is no split.
bool dataset_open_templates(const struct row_templates *t, const struct data_fields *fields,
                            enum split split, size_t max_rows, bool skip_bad, struct dataset **out,
                            size_t *n_dropped, struct abl_err *err);
void dataset_free(struct dataset *d);

// Bundled condition names in data_dir/corpora, sorted; the caller frees each and the array.
bool dataset_list(const char *data_dir, char ***out, size_t *n, struct abl_err *err);

#endif
