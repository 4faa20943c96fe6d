// JSON documents over cJSON with what it lacks: numbers that read back to the same value in any
// locale, null for what is missing, strings that are valid UTF-8 whatever comes in, and one failure
// flag instead of a check per call.
#ifndef ABL_REPORT_DOC_H
#define ABL_REPORT_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/err.h"

struct doc {
    cJSON *root; // an object; NULL when memory ran out
    bool failed; // memory ran out at some point
};

// Start a document; released by doc_release.
struct doc doc_new(void);
void doc_release(struct doc *d);

// The standard head of a file of ours: "schema": "abltui.<name>/1" and "partial".
struct doc doc_file(const char *name, bool partial);

// Add to an object under `key`, or at the end of an array when key is NULL. A NULL parent adds
// nothing: it comes from an earlier failure.
cJSON *doc_object(struct doc *d, cJSON *parent, const char *key);
cJSON *doc_array(struct doc *d, cJSON *parent, const char *key);
void doc_text(struct doc *d, cJSON *parent, const char *key, const char *text); // NULL gives null
// A path, or what else may be no UTF-8: base/name_text.h.
void doc_name(struct doc *d, cJSON *parent, const char *key, const char *name);
void doc_number(struct doc *d, cJSON *parent, const char *key, double value); // NaN gives null
// A value that came from a float: the shortest decimal that reads back to it.
void doc_float(struct doc *d, cJSON *parent, const char *key, float value);
void doc_uint(struct doc *d, cJSON *parent, const char *key, uint64_t value);
// JSON text that goes in as it stands.
void doc_raw(struct doc *d, cJSON *parent, const char *key, const char *json);
void doc_item(struct doc *d, cJSON *parent, const char *key, cJSON *item); // takes it over
void doc_bool(struct doc *d, cJSON *parent, const char *key, bool value);
void doc_null(struct doc *d, cJSON *parent, const char *key);

// src over dst, as objects that were read: members key by key, everything else replaced. False when
// memory is out.
bool doc_merge(cJSON *dst, const cJSON *src);

enum doc_style {
    DOC_COMPACT, // no white space
    DOC_PRETTY,  // indented, ends in a line end
};

// Append the text to out; fails when memory ran out here or in any call before.
bool doc_print(const struct doc *d, enum doc_style style, struct buf *out, struct abl_err *err);

// Append text; bytes that are no UTF-8 (a path can hold any) become U+FFFD.
void doc_put_valid(struct buf *out, const char *text);
// Append text as a JSON string, quotes included.
void doc_quote(struct buf *out, const char *text);

#endif
