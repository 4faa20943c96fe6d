// The SHA-256 of a checkpoint's weights, taken once from the files that are open, so that it is of
// the bytes that are read, whatever has taken their names meanwhile.
#ifndef ABL_MODEL_WEIGHTS_HASH_H
#define ABL_MODEL_WEIGHTS_HASH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/sha256.h"
#include "model/checkpoint.h"

struct weights_hash;

// Begin on a thread of its own; the checkpoint is borrowed until weights_hash_free. NULL where
// there can be no thread: then it is taken when it is asked for.
struct weights_hash *weights_hash_begin(const struct checkpoint *c);

// One that is known already; NULL when memory is out.
struct weights_hash *weights_hash_known(const struct checkpoint *c, const char *sha256);

// Wait for it; what it is, or why there is none. Asked again it says the same.
bool weights_hash_get(struct weights_hash *h, char out[SHA256_HEX], struct abl_err *err);

// Ends it where it is still taken. NULL is nothing.
void weights_hash_free(struct weights_hash *h);

#endif
