// What reading a run file and its battery have in common: values by key, files by path, notes about
// what is ignored.
#ifndef ABL_CLI_CONFIG_READER_H
#define ABL_CLI_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/sha256.h"
#include "cli/config_runs.h"

struct config_reader {
    const char *path;               // of the configuration
    const struct settings *options; // from the command line; NULL and 0 where it says nothing
    struct settings standard;       // where neither says anything
    struct tinylab_config *config;
    bool failed; // a key had the wrong type; err says which
    struct abl_err *err;
};

// Keep a note, once. False when memory is out.
bool config_note(struct config_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// A file as an object, NULL after a failure; cJSON_Delete it. kept (may be NULL): its canonical
// form, in the arena.
cJSON *config_parse(struct config_reader *r, const char *path, const char **kept);

// A key of an object, NULL where it is missing or null. Another type sets r->failed and err.
const cJSON *config_get(struct config_reader *r, const cJSON *o, const char *place, const char *key,
                        cJSON_bool (*is)(const cJSON *), const char *expected);
const char *config_text(struct config_reader *r, const cJSON *o, const char *place,
                        const char *key);
// A number from least to most; `otherwise` where the key is missing or null.
double config_number(struct config_reader *r, const cJSON *o, const char *place, const char *key,
                     double least, double most, double otherwise);
// The same for whole numbers.
uint64_t config_whole(struct config_reader *r, const cJSON *o, const char *place, const char *key,
                      uint64_t least, uint64_t most, uint64_t otherwise);

// The file that a path means, from the configuration's folder upwards, else among the ready runs;
// *out is NULL where there is none. False when memory is out.
bool config_find(struct config_reader *r, const char *name, const char **out);

// A ready run by its name, with or without ".json", likewise.
bool config_ready(struct config_reader *r, const char *name, const char **out);

// Note every key that is unknown or has no meaning.
bool config_check_keys(struct config_reader *r, const cJSON *o, const char *place);

#endif
