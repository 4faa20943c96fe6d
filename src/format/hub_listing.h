// What the hub says that a repository holds, and which of it makes a checkpoint. No network.
#ifndef ABL_FORMAT_HUB_LISTING_H
#define ABL_FORMAT_HUB_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { HUB_COMMIT = 40 }; // hex digits

struct hub_file {
    const char *name;
    const char *hash; // of its content, and its blob's name in the cache
    bool is_sha256;   // of large files; else git's SHA-1 of "blob <size>\0" and the content
    bool is_weights;
    uint64_t size;
};

// The files to fetch, those with weights last.
struct hub_listing {
    char commit[HUB_COMMIT + 1];
    struct hub_file *files;
    size_t n;
    struct arena arena;
};

// Whose list it is, for messages.
struct hub_repository {
    const char *endpoint, *id;
};

// Read the answer to GET /api/models/ID/revision/REV?blobs=true and choose: safetensors with what
// belongs to them; without any, the only GGUF file; or the GGUF file `file`, with the other parts
// of its model. Owned by the caller: hub_listing_release. Errors: ABL_FAILED for what is no such
// list, ABL_BAD_MODEL where it holds nothing to choose, with what there is instead.
bool hub_listing_read(const struct hub_repository *from, const char *file, const char *text,
                      size_t size, struct hub_listing *out, struct abl_err *err);
void hub_listing_release(struct hub_listing *l);

#endif
