// Fetching a checkpoint from the Hugging Face hub into its local cache, in the layout that `hf`
// keeps (libcurl).
#ifndef ABL_FORMAT_HUB_H
#define ABL_FORMAT_HUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct hub_job {
    const char *endpoint; // "https://huggingface.co", without a slash at the end
    const char *token;    // NULL = none; goes to the endpoint's host alone
    const char *root;     // of the cache
    const char *id;       // "org/name"
    const char *revision; // branch, tag or commit; NULL = main
    const char *file;     // one GGUF file; NULL = safetensors and what belongs to them
    const char *ca_file;  // of authorities that vouch for servers; NULL = the system's
    uint64_t least_rate;  // bytes a second, as the mean of each window: slower is cut off
    uint64_t window_ms;
    uint64_t limit_s;  // of everything
    uint32_t pause_ms; // before the first new try of a cut connection; doubled each time
    // Told of each file: done of size bytes; done = size once it is whole. context goes along.
    void (*progress)(void *context, const char *file, uint64_t done, uint64_t size);
    // Told before anything is fetched: bytes that are needed, and that are free.
    void (*space)(void *context, uint64_t needed, uint64_t free);
    // Told of what in the cache was not as it should be, in a line.
    void (*warn)(void *context, const char *line);
    // Asked once all but the weights are in the snapshot, whether these are worth fetching; NULL =
    // they are.
    bool (*accept)(void *context, const char *snapshot, struct abl_err *err);
    void *context;
    atomic_bool *cancel; // NULL = never
};

// Fetch what is not there yet, check it (SHA-256 of large files, git's hash of small ones), and
// link it; what is there is checked, too. *snapshot (malloc'd) is the folder. A download that was
// cut is resumed; what is wrong is thrown away; a file that another process fetches is waited for
// (under the lock files of `hf`). Errors: ABL_BAD_MODEL for what the hub does not have or does not
// give, ABL_FAILED for the connection, the time and the disk, ABL_INTERRUPTED.
bool hub_pull(const struct hub_job *job, char **snapshot, struct abl_err *err);

#endif
