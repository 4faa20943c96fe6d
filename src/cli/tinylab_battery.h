// A battery: what a configuration runs. Read by tinylab_config.c.
#ifndef ABL_CLI_TINYLAB_BATTERY_H
#define ABL_CLI_TINYLAB_BATTERY_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config_reader.h"

enum { MAX_SCALES = 16 };

struct battery {
    float scales[MAX_SCALES];
    size_t n_scales;   // at least one
    uint32_t n_random; // heads of each layer that a seed picks, 0 = all that are named
    const char *text;  // what was read, overrides in it: JSON
};

// Read the battery at `path` (NULL: none is named: heads), with overrides over it (may be NULL),
// into the settings.
bool battery_read(struct config_reader *r, const char *path, const cJSON *overrides,
                  struct settings *s, struct battery *out);

#endif
