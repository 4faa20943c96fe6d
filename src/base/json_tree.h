// JSON as a tree of cJSON's, read by the strict parser of json.h.
#ifndef ABL_BASE_JSON_TREE_H
#define ABL_BASE_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/err.h"

enum { JSON_TREE_MAX_VALUES = 1 << 23 }; // some 100 bytes each

enum json_tree_numbers {
    JSON_TREE_DOUBLES, // to be computed with
    JSON_TREE_DIGITS,  // to be written again as they stand: items of cJSON's raw kind
};

// One JSON text, to be released with cJSON_Delete; NULL with err filled, which carries `code` and
// says where in `name`. Refused is what json.h refuses (text behind the value, a key that an
// object has twice, depth beyond JSON_MAX_DEPTH, text that is no UTF-8), and also a NUL in a
// string, which cJSON cannot hold, and more values than JSON_TREE_MAX_VALUES.
cJSON *json_tree(const char *name, const void *text, size_t size, enum json_tree_numbers numbers,
                 enum abl_code code, struct abl_err *err);

// The same of a file of max_size bytes at most.
cJSON *json_tree_read(const char *path, size_t max_size, enum json_tree_numbers numbers,
                      enum abl_code code, struct abl_err *err);

// The string that an object has under a name, which the tree owns; `missing` where it has none.
const char *json_tree_text(const cJSON *o, const char *name, const char *missing);

#endif
