// Small helpers for what commands print.
#ifndef ABL_CLI_PRINT_H
#define ABL_CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "session/session.h"
#include "text/prompts.h"

enum { SIZE_TEXT = 16 };

// "12.3 MiB"
const char *size_text(uint64_t bytes, char out[SIZE_TEXT]);

// Print a document on standard output and free it; false when it could not be built or written.
bool print_json(cJSON *document, struct abl_err *err);

// Add a path, or what else may be no UTF-8, to a document: base/name_text.h.
void add_name(cJSON *o, const char *key, const char *name);

struct verify;

// verify.json; the caller deletes it.
cJSON *verify_json(const struct verify *v);

// "warning: …" lines of a pre-flight report on standard error.
void print_findings(const struct prompts *p);

// On standard error what a run under --compat does otherwise; nothing without it.
void print_compat(const struct session *session);

#endif
