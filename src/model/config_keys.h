// What becomes of every key of a config.json, family by family: read, known to change nothing, or
// refused by name. The keys are those of the owner's configuration classes, and those that its code
// looks for besides; tests/fixtures/config/keys.json holds them, and a test holds this table to it.
#ifndef ABL_MODEL_CONFIG_KEYS_H
#define ABL_MODEL_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/config_value.h"
#include "text/owner.h"

struct config_key {
    const char *name;
    const char *families; // "llama qwen3"; NULL = all
    enum key_use use;
    const char
        *harmless; // of KEY_REFUSED: the value, as JSON, that changes nothing; null never does
    const char *instead; // of KEY_REFUSED: what to do
};

extern const struct config_key config_keys[];
extern const size_t n_config_keys;

// "read", "inert", "refused", "foreign"; a name_list.
const char *key_use_name(size_t use);

// The row for a key in a family; NULL where the table does not know it.
const struct config_key *config_key_find(const char *family, const char *name);

// Hold every member of config.json against the table: refuse what is refused, and note what nobody
// reads though it looks as if somebody should. Keys that no class knows, such as people's own
// annotations, pass.
bool config_keys_check(const struct config *c);

#endif
