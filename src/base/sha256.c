#include "base/sha256.h"

#include <stdio.h>
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

static bool hash_file(EVP_MD_CTX *context, const struct file_source *f, const atomic_bool *stop,
                      struct abl_err *err)
{
    unsigned char block[1 << 16];
    for (uint64_t at = 0; at < f->size;) {
        size_t len = f->size - at < sizeof block ? (size_t)(f->size - at) : sizeof block;
        if (stop && atomic_load(stop))
            return abl_fail(err, ABL_INTERRUPTED, "interrupted");
        if (!file_read_at(f, at, block, len, err))
            return false;
        if (EVP_DigestUpdate(context, block, len) != 1)
            return abl_fail(err, ABL_FAILED, "SHA-256 of '%s' failed", f->path);
        at += len;
    }
    return file_is_as_opened(f, err);
}

bool sha256_source(const struct file_source *f, const atomic_bool *stop, char out[SHA256_HEX],
                   struct abl_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    if (!ok)
        not_available(err);
    ok = ok && hash_file(context, f, stop, err);
    if (ok && EVP_DigestFinal_ex(context, digest, NULL) != 1)
        ok = abl_fail(err, ABL_FAILED, "SHA-256 of '%s' failed", f->path);
    EVP_MD_CTX_free(context);
    if (ok)
        to_hex(digest, out);
    return ok;
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
