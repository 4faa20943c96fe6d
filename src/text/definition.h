// What the files of a checkpoint folder say about its tokenizer, before anything is made of it.
// tokenizer_json.c, tokenizer_legacy.c and others fill one; tokenizer.c turns it into a tokenizer.
// A further pre-tokenizer, normaliser or kind of merging is a field here, a row in the reader that
// meets it, and a file that does it.
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
#include "text/owner.h"

enum {
    MAX_TOKEN_ID = (1 << 22) - 1,   // four times the largest vocabulary in use
    MAX_TOKENIZER_FILE = 256 << 20, // bytes
    MAX_TOKENIZER_FILES = 8,
};

struct definition_token {
    const char *text;
    size_t len;
    uint32_t id;
};

struct definition_merge {
    struct json_text left, right;
    uint32_t rank; // the lowest first; of equals the leftmost in the text
};

// What is done to a text before it is cut into pieces.
enum normal_kind {
    NORMAL_NFC,
    NORMAL_NFD,
    NORMAL_PREPEND,         // `to` before a text that is not empty
    NORMAL_REPLACE,         // every `from`, which is not empty, by `to`
    NORMAL_REPLACE_MATCHES, // every match of the expression `from`
};

struct definition_normal {
    enum normal_kind kind;
    struct json_text from, to;
    size_t byte; // of the file, where it says so; else 0
};

// How a text is cut into pieces, step by step; each step cuts every piece of the one before.
enum cut_kind {
    CUT_SPLIT,     // by a pattern: see cut_behavior
    CUT_METASPACE, // " " becomes U+2581, one is put in front, and pieces begin at each where `cuts`
    CUT_BYTE_LEVEL, // GPT-2's pattern where `cuts`, behind an optional prefix space
};

// What becomes of matches, which the pattern finds, and of the stretches between them.
enum cut_behavior {
    CUT_ISOLATED, // all are pieces
    CUT_REMOVED,  // matches are dropped
    CUT_MERGED_WITH_PREVIOUS,
    CUT_MERGED_WITH_NEXT,
    CUT_CONTIGUOUS, // matches one behind the other are one piece
};

enum metaspace_prepend { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

struct definition_cut {
    enum cut_kind kind;
    struct json_text pattern; // of a split
    bool literal;             // it is a text; else a regular expression of the reference
    bool invert;              // matches are what lies between, and the reverse
    enum cut_behavior behavior;
    size_t byte; // of the file, where it says so; else 0
    enum metaspace_prepend prepend;
    bool add_prefix_space; // CUT_BYTE_LEVEL
    bool cuts;
};

// How pieces with scores become ranked merges.
enum score_order {
    ORDER_SENTENCEPIECE, // the highest score first; equal scores are one rank
    ORDER_SCORE,         // likewise, but every merge has a rank, and any piece can be merged into
    ORDER_PLACE,         // likewise, by the place in the list
    ORDER_LLAMA_CPP,     // as SentencePiece's, but that any piece can be merged into
};

enum definition_source {
    SOURCE_JSON,   // tokenizer.json
    SOURCE_VOCAB,  // vocab.json and merges.txt, which leave the steps to a class
    SOURCE_PIECES, // tokenizer.model of SentencePiece
    SOURCE_GGUF,
};

// What the post-processor of a tokenizer.json puts before and behind a text.
struct definition_template {
    const char *before, *behind; // the first token of each; NULL: nothing
    size_t n_before, n_behind;
    uint32_t id; // of `before`; TOKEN_NONE where it is the vocabulary's
};

// Which token goes before every prompt, and which fills a batch up behind it.
struct definition_ends {
    const char *bos[5], *pad[4]; // texts in order of trust, NULL behind the last
    uint32_t bos_exact;          // goes before them all; TOKEN_NONE = none
    uint32_t bos_id, pad_id;     // where none of the texts is a token; TOKEN_NONE = none
    bool puts_bos;               // unless told otherwise
};

// Texts that are read otherwise by others.
enum doubt_about {
    DOUBT_SPACE,  // a stretch of it begins with a space
    DOUBT_BEHIND, // likewise, or stands behind an added token
    DOUBT_NORMAL, // the normalizer changes it
};

// Texts are in the arena; the lists are malloc'd.
struct definition {
    enum definition_source source;
    const char *path; // the file with the vocabulary, for messages
    struct definition_token *vocab;
    size_t n_vocab, cap_vocab;
    struct definition_merge *merges; // the first has the lowest rank
    size_t n_merges, cap_merges;
    struct added_token *added;
    size_t n_added, cap_added;
    struct definition_normal *normals; // in order
    size_t n_normals, cap_normals;
    struct definition_cut *cuts; // in order; none: the whole text is one piece
    size_t n_cuts, cap_cuts;
    bool cuts_listed;   // the file has them in a Sequence, be it of one
    bool byte_level;    // the texts of tokens are in the byte alphabet; else they are plain UTF-8
    bool byte_fallback; // a character without a token becomes the tokens <0x00> … of its bytes
    bool fuse_unk;      // characters without any token side by side become one unk_token
    bool ignore_merges; // a piece that is a token as a whole stays whole
    const char *unk_token; // NULL = none
    struct definition_template template;
    // of a SentencePiece model: its own BOS and EOS, NULL = none, and whether it puts a prefix
    const char *bos_piece, *eos_piece;
    bool pieces_prefix;
    struct definition_ends ends;
    enum owner like;          // whose reading of the files counts where they disagree
    struct owner_notes notes; // what is to be said of it; the tokenizer keeps them
    const char *doubt;        // what is to be said of the texts that it is about; NULL = nothing
    enum doubt_about doubt_about;
    // every file that decides ids, in the order read: their bytes, for the hash, and their names
    struct buf read;
    const char *files[MAX_TOKENIZER_FILES];
    size_t n_files;
    struct arena arena;
};

// Read FOLDER/tokenizer.json, or vocab.json with merges.txt and what lies beside them.
bool definition_read_json(struct definition *d, const char *path, struct abl_err *err);
bool definition_read_legacy(struct definition *d, const char *folder, struct abl_err *err);

// FOLDER/tokenizer.model of SentencePiece (sentencepiece.c), some of its pieces by other names.
struct piece_names;
bool definition_read_sentencepiece(struct definition *d, const char *folder, enum score_order order,
                                   const struct piece_names *names, struct abl_err *err);
void definition_release(struct definition *d);

// Append; texts are copied. False with err filled when memory is out.
bool definition_add_token(struct definition *d, struct json_text text, uint32_t id,
                          struct abl_err *err);
bool definition_add_merge(struct definition *d, struct json_text left, struct json_text right,
                          uint32_t rank, struct abl_err *err);
bool definition_add_normal(struct definition *d, struct definition_normal n, struct abl_err *err);
// " " becomes SentencePiece's mark for it, U+2581; one is put before a text where `prefix`.
bool definition_add_marks(struct definition *d, bool prefix, struct abl_err *err);
bool definition_add_cut(struct definition *d, struct definition_cut c, struct abl_err *err);
bool definition_add_added(struct definition *d, struct json_text text, uint32_t id, unsigned flags,
                          struct abl_err *err);

// A file of the folder, read whole and kept in d->read, its name in d->files.
bool definition_read_file(struct definition *d, const char *path, struct file_bytes *out,
                          struct abl_err *err);

// The name alone, without its folder, of a file that is read otherwise. False when memory is out.
bool definition_name_file(struct definition *d, const char *path);

// A token id, at most MAX_TOKEN_ID.
bool definition_token_id(struct json *j, uint32_t *out);

// Objects by table: the reader of each known key is called, other keys are checked and skipped.
struct field {
    const char *name;
    bool (*read)(struct json *j, void *to);
    size_t at; // bytes behind read_fields' `to` where this one's is
};
// clang-format off
#define FIELD(name, read) { name, read, 0 }
#define FIELD_AT(name, read, type, member) { name, read, offsetof(type, member) }
// clang-format on
bool read_fields(struct json *j, const struct field *fields, size_t n_fields, void *to);

// Readers of a member: a bool, a struct json_text, and one that null leaves as it is.
bool read_bool(struct json *j, void *to);
bool read_text(struct json *j, void *to);
bool read_text_or_null(struct json *j, void *to);

// Every item of an array by one reader.
bool read_items(struct json *j, bool (*read)(struct json *j, void *to), void *to);

// {"token": id, …} into a definition's vocabulary.
bool read_vocab(struct json *j, void *to);

// The flags of an added token as tokenizer.json and tokenizer_config.json write them.
struct added_entry {
    struct json_text content;
    uint32_t id;
    bool has_content, has_id;
    unsigned flags, given; // enum added_flags; given: those the file has
    unsigned own_flags;    // of a special token: without being taken for special
};
bool added_entry_read(struct json *j, struct added_entry *out);

// A special token as tokenizer_config.json and special_tokens_map.json write it: its text, an
// object as above, or null (has_content false). Flags get ADDED_SPECIAL.
bool special_entry_read(struct json *j, struct added_entry *out);

#endif
