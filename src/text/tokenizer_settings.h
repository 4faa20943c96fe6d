// What a checkpoint folder says about how its tokenizer is used, beside the vocabulary: its class,
// special and added tokens, and switches. settings_read.h fills it from a folder's small files, the
// reader of GGUF files from theirs. tokenizer_reading.h says what it means to whom,
// tokenizer_apply.h does it.
#ifndef ABL_TEXT_TOKENIZER_SETTINGS_H
#define ABL_TEXT_TOKENIZER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/definition.h"

// A switch as a file has it: null and nothing at all mean different things to its readers.
enum setting { SETTING_ABSENT, SETTING_NULL, SETTING_FALSE, SETTING_TRUE };

enum special_role {
    ROLE_BOS,
    ROLE_EOS,
    ROLE_UNK,
    ROLE_SEP,
    ROLE_PAD,
    ROLE_CLS,
    ROLE_MASK,
    N_ROLES
};

// A special token as a file names it: by its text, or with flags of its own.
struct special_token {
    struct json_text text; // data NULL: the file says null
    bool given;            // by any file
    bool flagged;          // `flags` are the file's
    bool of_config;        // flagged, by tokenizer_config.json
    unsigned flags;        // enum added_flags, ADDED_SPECIAL among them
    unsigned own_flags;    // as its entry has them
    struct json_text key;  // its name where it is of a list of names: "image_token"
};

struct special_list {
    struct special_token *items; // malloc'd
    size_t n, cap;
    bool given;
};

// An entry of added_tokens_decoder or added_tokens.json.
struct numbered_token {
    struct json_text text;
    uint32_t id;
    unsigned flags;
    size_t place; // in the file
    bool plain;   // of added_tokens.json: special where a special token's text is the same
};

struct numbered_list {
    struct numbered_token *items; // malloc'd; by id
    size_t n, cap;
    bool given;
};

// Names that take the place of a SentencePiece model's own, by id.
struct piece_names {
    const struct numbered_token *items; // by id; of equal ids the last one counts
    size_t n;
    uint32_t below; // of pieces from this one on nobody changes the name
    bool keeps;     // no name that a piece has which itself gets none
};

struct tokenizer_settings {
    const char *class_name;               // tokenizer_class of tokenizer_config.json, else NULL
    const char *model_class, *model_type; // tokenizer_class and model_type of config.json
    enum setting add_prefix_space, legacy, split_special_tokens, add_bos_token, add_eos_token,
        from_slow, fix_mistral_regex;
    struct special_token roles[N_ROLES];
    // additional_special_tokens of tokenizer_config.json, of special_tokens_map.json
    struct special_list additional, map_additional;
    struct special_list extra; // extra_special_tokens where it is a list
    // extra_special_tokens where it is an object, which both owners read; other keys such as
    // "image_token", and model_specific_special_tokens, which only transformers 5 reads
    struct special_list named, other, stated;
    struct numbered_list decoder;    // added_tokens_decoder
    struct numbered_list plain;      // added_tokens.json
    uint32_t config_bos, config_eos; // ids of config.json or of a GGUF file; TOKEN_NONE = none
    bool bos_family; // of models that are read with BOS whatever their files say (DESIGN section 3)
    bool read_any;   // a folder has any of the files
    struct arena arena;
};

// Settings that say nothing.
struct tokenizer_settings tokenizer_settings_none(void);
void tokenizer_settings_release(struct tokenizer_settings *s);

#endif
