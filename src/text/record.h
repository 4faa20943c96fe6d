// The rows of a data file as JSON objects, whatever the file's format.
#ifndef ABL_TEXT_RECORD_H
#define ABL_TEXT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

// One row: bytes [at, at + len) of a text.
struct record {
    size_t at, len;
    uint32_t number; // 1-based line of the file where it begins; of files without lines its row
};

struct record_list {
    const char *name; // of the file, for messages
    const char *unit; // what `number` counts: "line", "row"
    const char *text;
    bool derived;    // the text is ours, not the file's: places in it say nothing to anybody
    struct buf made; // the text where it is ours
    struct record *items;
    size_t n, cap;
};

// Append a row; false with err filled where memory is out or rows are too many.
bool record_add(struct record_list *list, size_t at, size_t len, uint32_t number,
                struct abl_err *err);

// Append a string of JSON. text is sound UTF-8.
void record_put_string(struct buf *out, const char *text, size_t len);

#endif
