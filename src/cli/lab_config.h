// Run files: tinyLab's configurations as they are, and ours in the same shapes.
//
//   single   { run_name, seeds, device, model {…}, dataset {…}, battery: "path", … }
//   several  { run_name, battery: "path", shared {…},
//              conditions [{ tag, dataset {…}, battery?, battery_overrides? }, …] }
//
// A condition is `shared` with the condition's own keys merged over it, objects key by key,
// everything else replaced. A battery is a file beside the configuration or, for paths from the top
// of a checkout, in a folder above it, or one of ours.
#ifndef ABL_CLI_LAB_CONFIG_H
#define ABL_CLI_LAB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sha256.h"
#include "session/session.h"

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

struct lab_config {
    const char *name;      // run_name, or that of the file
    char hash[SHA256_HEX]; // of the file's canonical form (base/json_canonical.h)
    struct config_run *runs;
    size_t n;
    bool joint; // several conditions were asked for, even if one is left
    // what is ignored, replaced or has no meaning here: a line each
    const char *notes[CONFIG_MAX_NOTES];
    size_t n_notes;
    struct arena arena;
};

// Read a configuration: a path, or the name of a ready run. What the options say goes before what
// the file says: model, device, n_boot and max_rows are NULL or 0 where they say nothing.
// ABL_BAD_DATA and ABL_USAGE name file and key. lab_config_release ends it, also after a failure.
bool lab_config_read(const char *path, const struct settings *options, struct lab_config *out,
                     struct abl_err *err);
void lab_config_release(struct lab_config *c);

#endif
