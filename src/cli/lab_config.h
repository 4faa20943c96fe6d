// Run files: tinyLab's configurations as they are, and ours in the same shapes.
//
//   single   { run_name, seeds, device, model {…}, dataset {…}, battery: "path", … }
//   several  { run_name, battery: "path", shared {…}, conditions [{ tag, dataset {…}, battery?, battery_overrides? }, …] }
//
// A condition is `shared` with the condition's own keys merged over it, objects key by key, everything else replaced. A
// battery is a file beside the configuration or, for paths from the top of a checkout, in a folder above it. Ours may say
// "experiment" and what the command line knows in place of a battery.
#ifndef ABL_CLI_LAB_CONFIG_H
#define ABL_CLI_LAB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "lab/run.h"

enum { CONFIG_MAX_RUNS = 256, CONFIG_MAX_NOTES = 256 };

// One run: a condition with one battery, one scale and one seed.
struct config_run {
    const char *tag; // of its folder among the others
    struct run_settings settings;
    size_t verify_rows;        // of `verify_slice`, 0 = none
    const char *verify_device; // NULL = the cpu
};

struct lab_config {
    const char *name; // run_name, or that of the file
    struct config_run *runs;
    size_t n;
    bool joint; // several conditions were asked for, even if one is left
    const char
        *notes[CONFIG_MAX_NOTES]; // what is ignored, replaced or has no meaning here: a line each
    size_t n_notes;
    struct arena arena;
};

// Read a configuration over `defaults`, whose model, where there is one, stands in for the configuration's. ABL_BAD_DATA and ABL_USAGE name file and key. lab_config_release ends it, also
// after a failure.
bool lab_config_read(const char *path, const struct run_settings *defaults, struct lab_config *out,
                     struct abl_err *err);
void lab_config_release(struct lab_config *c);

#endif
