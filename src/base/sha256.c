#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/file.h"

static void to_hex(const unsigned char *digest, char out[SHA256_HEX])
{
    for (int i = 0; i < 32; i++)
        snprintf(out + (ptrdiff_t)i * 2, 3, "%02x", digest[i]);
}

// SHA-256 is in every libcrypto: what it lacks is memory, unless a policy forbids it.
static bool not_available(struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED,
                    "SHA-256 is not available from OpenSSL: out of memory, or its configuration "
                    "forbids it");
}

bool sha256_bytes(const void *bytes, size_t len, char out[SHA256_HEX], struct abl_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) != 1)
        return not_available(err);
    to_hex(digest, out);
    return true;
}

struct sha256_sum {
    EVP_MD_CTX *context;
};

struct sha256_sum *sha256_begin(struct abl_err *err)
{
    struct sha256_sum *s = calloc(1, sizeof *s);
    if (s)
        s->context = EVP_MD_CTX_new();
    if (s && s->context && EVP_DigestInit_ex(s->context, EVP_sha256(), NULL) == 1)
        return s;
    sha256_drop(s);
    not_available(err);
    return NULL;
}

void sha256_drop(struct sha256_sum *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->context);
    free(s);
}

bool sha256_more(struct sha256_sum *s, const void *bytes, size_t len, struct abl_err *err)
{
    return EVP_DigestUpdate(s->context, bytes, len) == 1 || not_available(err);
}

bool sha256_end(struct sha256_sum *s, char out[SHA256_HEX], struct abl_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    bool ok = EVP_DigestFinal_ex(s->context, digest, NULL) == 1 || not_available(err);
    if (ok)
        to_hex(digest, out);
    sha256_drop(s);
    return ok;
}

static bool hash_file(struct sha256_sum *s, const struct file_source *f, const atomic_bool *stop,
                      struct abl_err *err)
{
    unsigned char block[1 << 16];
    for (uint64_t at = 0; at < f->size;) {
        size_t len = f->size - at < sizeof block ? (size_t)(f->size - at) : sizeof block;
        if (stop && atomic_load(stop))
            return abl_fail(err, ABL_INTERRUPTED, "interrupted");
        if (!file_read_at(f, at, block, len, err) || !sha256_more(s, block, len, err))
            return false;
        at += len;
    }
    return file_is_as_opened(f, err);
}

bool sha256_source(const struct file_source *f, const atomic_bool *stop, char out[SHA256_HEX],
                   struct abl_err *err)
{
    struct sha256_sum *s = sha256_begin(err);
    if (s && hash_file(s, f, stop, err))
        return sha256_end(s, out, err);
    sha256_drop(s);
    return false;
}

bool sha256_file(const char *path, char out[SHA256_HEX], struct abl_err *err)
{
    struct file_source f;
    if (!file_open(path, &f, ABL_FAILED, err))
        return false;
    bool ok = sha256_source(&f, NULL, out, err);
    file_close(&f);
    return ok;
}
