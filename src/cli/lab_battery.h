// A battery: what a configuration runs. Read by lab_config.c, whose reader it shares.
#ifndef ABL_CLI_LAB_BATTERY_H
#define ABL_CLI_LAB_BATTERY_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "cli/lab_config.h"

struct config_reader {
    const char *path; // of the configuration
    const struct run_settings *defaults;
    struct lab_config *config;
    bool failed; // a key had the wrong type; err says which
    struct abl_err *err;
};

// Keep a note, once. False when memory is out.
bool config_note(struct config_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// A file as an object, NULL after a failure; cJSON_Delete it.
cJSON *config_parse(struct config_reader *r, const char *path);

// The file that a path means; NULL where there is none.
const char *config_find(struct config_reader *r, const char *name);

// src over dst. False when memory is out.
bool config_merge(cJSON *dst, const cJSON *src);

enum { MAX_SCALES = 16 };

struct battery {
    float scales[MAX_SCALES];
    size_t n_scales; // at least one
};

// Read the battery at `path` (NULL: none is named: heads), with overrides over it (may be NULL), into the settings.
bool battery_read(struct config_reader *r, const char *path, const cJSON *overrides,
                  struct run_settings *s, struct battery *out);

#endif
