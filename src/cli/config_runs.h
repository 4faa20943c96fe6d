// The runs that a configuration describes.
#ifndef ABL_CLI_CONFIG_RUNS_H
#define ABL_CLI_CONFIG_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sha256.h"
#include "session/settings.h"

enum { CONFIG_MAX_RUNS = 256, CONFIG_MAX_NOTES = 256 };

// One run: a condition with one battery, one scale and one seed.
struct config_run {
    const char *tag; // of its folder among the others
    // what is wrong with the condition, which cannot be run; NULL = nothing
    const struct abl_err *failed;
    struct settings settings;
    size_t verify_rows;    // of `verify_slice`, 0 = none
    double sample_seconds; // of `profiling`: between samples of memory and time, 0 = the usual
};

struct tinylab_config {
    const char *name;      // run_name, or that of the file
    const char *text;      // the file's canonical form (base/json_canonical.h)
    char hash[SHA256_HEX]; // of it
    struct config_run *runs;
    size_t n;
    bool joint; // several conditions were asked for, even if one is left
    // what is ignored, replaced or has no meaning here: a line each
    const char *notes[CONFIG_MAX_NOTES];
    size_t n_notes;
    struct arena arena;
};

#endif
