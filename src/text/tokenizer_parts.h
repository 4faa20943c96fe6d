// What the files of the tokenizer share: tokenizer.c builds it, encode.c spells with it.
#ifndef ABL_TEXT_TOKENIZER_PARTS_H
#define ABL_TEXT_TOKENIZER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/string_index.h"
#include "text/added.h"
#include "text/bpe.h"
#include "text/definition.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

struct token {
    const char *text; // as the file spells it; NULL = no token has this id
    size_t len;
    const char *readable;
    bool is_added, is_special;
    bool in_model; // merging may meet it
};

struct tokenizer {
    struct token *tokens; // (n_ids)
    uint32_t n_ids;
    struct string_index ids; // by text
    // Of the byte alphabet's characters, or of <0x00> to <0xFF>;
    // TOKEN_NONE = the vocabulary lacks it.
    uint32_t byte_ids[256];
    struct bpe bpe;
    struct added_set added, added_normalized;
    struct normalizer normalizer;
    struct pretokenizer pretokenizer;
    bool byte_level, byte_fallback, fuse_unk, ignore_merges;
    uint32_t unk;      // TOKEN_NONE = none
    uint32_t bos, pad; // TOKEN_NONE = none
    bool bos_by_default;
    const char *like;
    char sha256[SHA256_HEX];
    const char *files[MAX_TOKENIZER_FILES];
    size_t n_files;
    struct owner_notes notes;
    const char *doubt; // as the definition has them
    enum doubt_about doubt_about;
    struct arena arena;
};

// The id of a token as the file spells it, TOKEN_NONE where there is none.
uint32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t len);

#endif
