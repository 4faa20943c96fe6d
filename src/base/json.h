// A strict JSON pull parser over bytes in memory: UTF-8 checked, duplicate keys refused, depth
// bounded, integers exact, no trailing text. For files that may be hostile (safetensors headers,
// tokenizer.json, datasets).
//
//   struct json j;
//   json_open(&j, "model.safetensors header", bytes, size, ABL_BAD_MODEL, err);
//   json_object(&j);
//   while (json_next_key(&j, &key))
//       if (json_key_is(key, "dtype"))
//           json_string(&j, &s);
//       else
//           json_skip(&j);
//   if (!json_end(&j)) return false;           // false: j.err says what and where
//
// The first failure sticks: every later call fails, so a caller may check once at json_end.
#ifndef ABL_BASE_JSON_H
#define ABL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { JSON_MAX_DEPTH = 64 };

enum json_type {
    JSON_NONE, // end of text, or failed
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

// Bytes of a string after escapes are undone; in the parser's arena, NUL-terminated,
// may hold NUL inside.
struct json_text {
    const char *data;
    size_t len;
};

struct json_frame;

struct json {
    const char *name; // what is being read, for messages; borrowed
    const char *text;
    size_t size, pos;
    enum abl_code code;  // of the errors
    struct abl_err *err; // borrowed; filled at the first failure
    bool failed;
    bool is_derived; // the text is no file's: errors leave its bytes out. The opener may set it.
    int depth;
    struct json_frame *frames; // JSON_MAX_DEPTH of them, in the arena
    struct arena arena;
};

bool json_open(struct json *j, const char *name, const void *text, size_t size, enum abl_code code,
               struct abl_err *err);
// Expect nothing but white space behind the value; releases nothing. False if anything failed.
bool json_end(struct json *j);
void json_close(struct json *j);

enum json_type json_peek(struct json *j);
bool json_object(struct json *j); // enter an object
bool json_array(struct json *j);  // enter an array
// Inside an object: true and the next key, or false at its end (which leaves the
// object) or on failure.
bool json_next_key(struct json *j, struct json_text *key);
// Inside an array: true when another element follows, false at its end (which leaves
// it) or on failure.
bool json_next_item(struct json *j);
bool json_string(struct json *j, struct json_text *out);
bool json_u64(struct json *j, uint64_t *out); // exact: no fraction, exponent or sign
bool json_double(struct json *j, double *out);
bool json_bool(struct json *j, bool *out);
bool json_null(struct json *j);
// Whether the value was a null, which is then behind us.
bool json_took_null(struct json *j);
// A string; where the value is another, it is skipped and out->data is NULL.
bool json_string_or_skip(struct json *j, struct json_text *out);
bool json_skip(struct json *j); // any value, checked all the same

bool json_key_is(struct json_text key, const char *name);

// Fail at the current position: "NAME at byte N: <message>". Returns false.
bool json_fail(struct json *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
