// Values of a config.json that is being read: what the readers of its parts share.
#ifndef ABL_MODEL_CONFIG_VALUE_H
#define ABL_MODEL_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/file.h"
#include "model/arch.h"
#include "text/owner.h"

struct config {
    const char *path; // of the file, for messages
    cJSON *root;
    const struct arch *arch;
    enum owner like; // whose reading it is
    struct owner_notes *notes;
    struct abl_err *err;
};

// Check the text and parse it into c->root, which the caller deletes. Strict JSON, but for the
// words Infinity, -Infinity and NaN, which Python writes: they become strings, so that a reader who
// wants a number refuses them by name and nobody else minds.
bool config_value_parse(struct config *c, const struct file_bytes *text);

// A member; NULL where there is none. A null is a member.
const cJSON *config_value_get(const cJSON *object, const char *key);

// 'bad "key" in path: found …, expected …'; returns false.
bool config_value_bad(const struct config *c, const cJSON *v, const char *expected);

// A whole number from min to max, a finite number, true or false. Anything else, null too, is
// refused.
bool config_value_whole(const struct config *c, const cJSON *v, uint32_t min, uint32_t max,
                        uint32_t *out);
bool config_value_number(const struct config *c, const cJSON *v, double *out);
bool config_value_flag(const struct config *c, const cJSON *v, bool *out);

#endif
