// The local cache of the Hugging Face hub, as `hf` and huggingface_hub keep it. No network.
//
//   ROOT/models--ORG--NAME/refs/main                  the commit that a branch or tag stands for
//                          snapshots/COMMIT/FILE      links to ../../blobs/HASH
//                          blobs/HASH                 a file, or a link to ../../blobs/XX/OTHER
//   ROOT/blobs/XX/OTHER                               files that repositories share
#ifndef ABL_FORMAT_HF_CACHE_H
#define ABL_FORMAT_HF_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/folder.h"

// What decides where the cache is; NULL or "" where a variable is not set.
struct hf_environment {
    const char *hf_hub_cache, *huggingface_hub_cache, *hf_home, *xdg_cache_home, *home;
};

// malloc'd, a leading "~/" being the home; NULL when nothing says where, or memory is out.
char *hf_cache_root(const struct hf_environment *e);

// "name" or "org/name" as the hub allows them: 1 to 96 letters, digits, "_", "-" and "." each, the
// ends a letter, digit or "_", without "--" and "..", not ending in ".git".
bool hf_id_valid(const char *id);

// A branch, tag or commit that can be a path below refs/ and stay there.
bool hf_revision_valid(const char *revision);

// "ORG/NAME" under root as a folder's path, malloc'd.
char *hf_repo_path(const char *root, const char *id);

// The snapshot of a revision: a branch, a tag, or a commit (at least its first 7 hex digits); NULL:
// main, and without a ref the newest snapshot, one with a config.json first. *out is NULL where the
// cache has none. malloc'd. False only when memory is out.
bool hf_cache_find(const char *root, const char *id, const char *revision, char **out,
                   struct abl_err *err);

// The first thing that keeps a snapshot from being used, as words
// ("model-00002-of-00002.safetensors is not there yet"), or "" where it is whole. Where there are
// no safetensors, GGUF files count as weights and need nothing beside them.
bool hf_snapshot_missing(const char *snapshot, char *out, size_t size, struct abl_err *err);

// The same of one file: its blob is not there yet, or its link leads out of the cache.
bool hf_file_missing(const char *snapshot, const char *name, char *out, size_t size,
                     struct abl_err *err);

// Whether a link in a snapshot or among its repository's blobs leads to neither of them nor to the
// blobs that repositories share.
bool hf_leads_out(const char *snapshot, const char *path, bool *out, struct abl_err *err);

// Whether a folder's weights are safetensors, whole or not.
bool hf_has_safetensors(const char *folder);

// Ids of every repository of models in the cache, sorted. A root that is not there
// holds none.
bool hf_cache_list(const char *root, struct names *out, struct abl_err *err);

// Names of the GGUF files in a folder, sorted; later parts of split files are left out.
bool hf_gguf_files(const char *folder, struct names *out, struct abl_err *err);

#endif
