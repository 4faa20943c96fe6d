// The rows of a JSON text: objects line by line, or a list of them.
#ifndef ABL_TEXT_RECORDS_JSON_H
#define ABL_TEXT_RECORDS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "text/record.h"

// A line that is not blank is a row; what it holds is not looked at.
bool records_lines(const char *text, size_t len, const char *unit, struct record_list *out,
                   struct abl_err *err);

// The members of a list: of the text itself, or of the only list in its object. ABL_BAD_DATA with
// what to do where there is none, or where the text is no JSON.
bool records_array(const char *text, size_t len, struct record_list *out, struct abl_err *err);

// Whether the text begins with a line that is an object, and something stands behind it.
bool records_are_lines(const char *text, size_t len);

#endif
