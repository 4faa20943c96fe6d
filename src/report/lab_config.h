// Run files and run ids as tinyLab's own harness has them: it calls a run's folder by run_name and
// the SHA-256 of its config, and makes the config of each condition from that of all.
#ifndef ABL_REPORT_LAB_CONFIG_H
#define ABL_REPORT_LAB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sha256.h"

struct lab_config {
    const char *text; // in canonical form (base/json_canonical.h)
    const char *run_name;
    const char *folder; // "<run_name>_<12 hex of hash>", fit for a folder's name
    char hash[SHA256_HEX];
    const uint64_t *seeds; // at least one
    size_t n_seeds;
};

// Read a config; `name` is whose it is, for errors. Everything in the arena.
bool lab_config_read(const char *name, const char *text, struct arena *a, struct lab_config *out,
                     struct abl_err *err);

// The config of the condition `tag`, of a config that has conditions: what they share, the
// condition's own over it, and a battery file that the harness would write. ABL_BAD_DATA where
// there is no such condition.
bool lab_config_child(const char *name, const struct lab_config *parent, const char *tag,
                      struct arena *a, struct lab_config *out, struct abl_err *err);

// The tags of its conditions, in order; *n is 0 where it has none.
bool lab_config_tags(const char *name, const struct lab_config *c, struct arena *a,
                     const char ***tags, size_t *n, struct abl_err *err);

#endif
