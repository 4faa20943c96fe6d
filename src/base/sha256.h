// SHA-256 of bytes and files as 64 lower-case hex digits (OpenSSL).
#ifndef ABL_BASE_SHA256_H
#define ABL_BASE_SHA256_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SHA256_HEX = 65 }; // with the NUL

bool sha256_bytes(const void *bytes, size_t len, char out[SHA256_HEX], struct abl_err *err);
bool sha256_file(const char *path, char out[SHA256_HEX], struct abl_err *err);

// Of what an open file holds; no hash of a file that is written to meanwhile, or since it was
// opened. ABL_INTERRUPTED once *stop is set (NULL: never).
struct file_source;
bool sha256_source(const struct file_source *f, const atomic_bool *stop, char out[SHA256_HEX],
                   struct abl_err *err);

#endif
