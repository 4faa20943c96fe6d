// The rows of a JSONL text, one object a line.
#ifndef ABL_TEXT_ROWS_H
#define ABL_TEXT_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/dataset.h"

// Every row of a file in order; a bad one keeps its place, so that row numbers in split files stay
// right.
struct row_list {
    struct dataset_row *rows; // malloc'd; clean is NULL in a bad row
    size_t n, cap;
};

// Parse text[0..len); strings go to the arena. Without skip_bad the first bad row fails, with line
// and remedy. `name` is the file, for messages.
bool rows_parse(const char *name, const char *text, size_t len, const struct dataset_fields *names,
                bool skip_bad, struct arena *arena, struct row_list *out, struct abl_err *err);
void rows_release(struct row_list *list);

#endif
