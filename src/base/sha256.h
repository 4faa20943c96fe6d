// SHA-256 of bytes and files as 64 lower-case hex digits (OpenSSL).
#ifndef ABL_BASE_SHA256_H
#define ABL_BASE_SHA256_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SHA256_HEX = 65 }; // with the NUL

bool sha256_bytes(const void *bytes, size_t len, char out[SHA256_HEX], struct abl_err *err);
// The same of pieces, one behind the other. Ends with sha256_end, or sha256_drop; NULL with err
// filled where it is not to be had.
struct sha256_sum *sha256_begin(struct abl_err *err);
bool sha256_more(struct sha256_sum *s, const void *bytes, size_t len, struct abl_err *err);
bool sha256_end(struct sha256_sum *s, char out[SHA256_HEX], struct abl_err *err);
void sha256_drop(struct sha256_sum *s); // NULL is nothing

bool sha256_file(const char *path, char out[SHA256_HEX], struct abl_err *err);

// Of what an open file holds; no hash of a file that is written to meanwhile, or since it was
// opened. ABL_INTERRUPTED once *stop is set (NULL: never).
struct file_source;
bool sha256_source(const struct file_source *f, const atomic_bool *stop, char out[SHA256_HEX],
                   struct abl_err *err);

#endif
