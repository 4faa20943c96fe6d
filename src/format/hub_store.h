// One repository's files in the local cache, as they are fetched: blobs by their hash, and the
// snapshot that links to them. No network.
#ifndef ABL_FORMAT_HUB_STORE_H
#define ABL_FORMAT_HUB_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/hub_listing.h"

struct hub_store {
    const char *root; // of the cache
    const char *repo; // the repository's folder in it, as hf_repo_path has it
    const char *id;   // "org/name", for messages
    const char *commit;
    atomic_bool *cancel; // NULL = never
};

// Make the folders of the repository and its snapshot. What stands in the snapshot's place and is
// a link goes; *replaced says so.
bool hub_store_make(const struct hub_store *s, bool *replaced, struct abl_err *err);

enum hub_blob {
    BLOB_MISSING,
    BLOB_RIGHT,  // its bytes have the hash that it is called by
    BLOB_WRONG,  // they do not, or it is no file that can be read
    BLOB_ABROAD, // it is a link that leads out of the cache
};

// Look at a file's blob, and read it to its end.
bool hub_store_check(const struct hub_store *s, const struct hub_file *f, enum hub_blob *out,
                     struct abl_err *err);
// Take the blob away.
bool hub_store_drop(const struct hub_store *s, const struct hub_file *f, struct abl_err *err);

// Try to lock the blob against other processes, by the lock file that `hf` takes: *fd is
// to be closed, or -1 where another has it. Where files cannot be locked, it counts as locked. The
// lock file stays: to remove it would let two processes hold locks on two files of that name.
bool hub_store_lock(const struct hub_store *s, const struct hub_file *f, int *fd,
                    struct abl_err *err);

// Bytes of a download that was begun.
uint64_t hub_store_part_size(const struct hub_store *s, const struct hub_file *f);
// Open it, or a new one, to be written to and read: a file of its own, which no link leads to, and
// not longer than it can be. *fd is to be closed.
bool hub_store_open_part(const struct hub_store *s, const struct hub_file *f, int *fd,
                         struct abl_err *err);
// Whether the file behind fd has the hash.
bool hub_store_is_right(const struct hub_store *s, const struct hub_file *f, int fd, bool *right,
                        struct abl_err *err);
// It has: make it the blob. Or throw it away.
bool hub_store_keep(const struct hub_store *s, const struct hub_file *f, int fd,
                    struct abl_err *err);
void hub_store_throw(const struct hub_store *s, const struct hub_file *f);

// snapshots/COMMIT/NAME -> ../../blobs/HASH, whatever was there. *replaced: a link that led
// elsewhere.
bool hub_store_link(const struct hub_store *s, const struct hub_file *f, bool *replaced,
                    struct abl_err *err);

// A link in the snapshot that leads out of the cache: it goes, and its name into `name`; "" where
// there is none (any more).
enum { HUB_STORE_NAME = 256 };
bool hub_store_remove_stray(const struct hub_store *s, char name[HUB_STORE_NAME],
                            struct abl_err *err);

// Bytes free for the blobs; UINT64_MAX where the system does not say.
uint64_t hub_store_room(const struct hub_store *s);

// refs/REVISION says which commit it was, unless it is one itself.
bool hub_store_write_ref(const struct hub_store *s, const char *revision, struct abl_err *err);

#endif
