// What libraries older than the reference's read otherwise, written so that they do not.
#ifndef ABL_TEXT_PATTERN_SPELLING_H
#define ABL_TEXT_PATTERN_SPELLING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"

struct spelling {
    struct buf text;     // the expression for the library
    bool asks_breaks;    // where user-perceived characters or words end: \X, \y, \Y
    const char *refused; // the construct that cannot be made sure of; NULL = none
};

// Fill out, which starts as zero; text.failed tells that memory is out. Only reads what the
// library itself reads so: a faulty expression stays one.
void pattern_spell(struct json_text source, struct spelling *out);

#endif
