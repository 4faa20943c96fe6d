// SHA-256 of bytes and files as 64 lower-case hex digits (OpenSSL).
#ifndef ABL_BASE_SHA256_H
#define ABL_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SHA256_HEX = 65 }; // with the NUL

bool sha256_bytes(const void *bytes, size_t len, char out[SHA256_HEX], struct abl_err *err);
bool sha256_file(const char *path, char out[SHA256_HEX], struct abl_err *err);

#endif
