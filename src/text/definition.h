// What the files of a checkpoint folder say about its tokenizer, before anything is made of it.
// tokenizer_json.c and tokenizer_legacy.c fill one; tokenizer.c turns it into a tokenizer. A further pre-tokenizer,
// normaliser or kind of merging is a field here, a row in the reader that meets it, and a file that does it.
#ifndef ABL_TEXT_DEFINITION_H
#define ABL_TEXT_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "text/added.h"
#include "text/pretokenizer.h"

enum {
    MAX_TOKEN_ID = (1 << 22) - 1,   // four times the largest vocabulary in use
    MAX_TOKENIZER_FILE = 256 << 20, // bytes
};

struct definition_token {
    const char *text;
    size_t len;
    uint32_t id;
};

struct definition_merge {
    struct json_text left, right;
};

// Texts are in the arena; the lists are malloc'd.
struct definition {
    const char *path; // the file with the vocabulary, for messages
    struct definition_token *vocab;
    size_t n_vocab, cap_vocab;
    struct definition_merge *merges; // the first has the lowest rank
    size_t n_merges, cap_merges;
    struct added_token *added;
    size_t n_added, cap_added;
    enum pretokenizer_pattern pattern;
    bool add_prefix_space;
    bool ignore_merges;        // a piece that is a token as a whole stays whole
    const char *unk_token;     // NULL = none
    const char *first_special; // what the post-processor puts before a text; NULL = nothing
    struct buf read; // bytes of every file that decides ids, in the order read: for the hash
    struct arena arena;
};

// Read FOLDER/tokenizer.json, or vocab.json with merges.txt and what lies beside them.
bool definition_read_json(struct definition *d, const char *path, struct abl_err *err);
bool definition_read_legacy(struct definition *d, const char *folder, struct abl_err *err);
void definition_release(struct definition *d);

// Append; texts are copied. False with err filled when memory is out.
bool definition_add_token(struct definition *d, struct json_text text, uint32_t id,
                          struct abl_err *err);
bool definition_add_merge(struct definition *d, struct json_text left, struct json_text right,
                          struct abl_err *err);
bool definition_add_added(struct definition *d, struct json_text text, uint32_t id, unsigned flags,
                          struct abl_err *err);

// A file of the folder, read whole and kept in d->read.
bool definition_read_file(struct definition *d, const char *path, struct file_bytes *out,
                          struct abl_err *err);

// A token id, at most MAX_TOKEN_ID.
bool definition_token_id(struct json *j, uint32_t *out);

// Objects by table: the reader of each known key is called, other keys are checked and skipped.
struct field {
    const char *name;
    bool (*read)(struct json *j, void *to);
};
bool read_fields(struct json *j, const struct field *fields, size_t n_fields, void *to);

// The flags of an added token as tokenizer.json and tokenizer_config.json write them.
struct added_entry {
    struct json_text content;
    uint32_t id;
    bool has_content, has_id;
    unsigned flags, given; // enum added_flags; given: those the file has
};
bool added_entry_read(struct json *j, struct added_entry *out);

// A special token as tokenizer_config.json and special_tokens_map.json write it: its text, an object as above, or null
// (has_content false). Flags get ADDED_SPECIAL.
bool special_entry_read(struct json *j, struct added_entry *out);

// Read a small JSON file of the folder by table. Its bytes count for d->read; d may be NULL.
// A file that is not there is fine: nothing is read.
bool definition_read_fields(struct definition *d, const char *folder, const char *name,
                            const struct field *fields, size_t n_fields, void *to,
                            struct abl_err *err);

#endif
