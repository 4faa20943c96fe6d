// What an owner makes of a tokenizer's settings: pure data, so that two owners' readings can be
// compared and one of them applied (tokenizer_apply.h).
#ifndef ABL_TEXT_TOKENIZER_READING_H
#define ABL_TEXT_TOKENIZER_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "text/tokenizer_settings.h"

enum tokenizer_class {
    CLASS_PLAIN, // whatever tokenizer.json says
    CLASS_GPT2,
    CLASS_NEOX,
    CLASS_QWEN2,
    CLASS_LLAMA,
    CLASS_CODE_LLAMA,
    CLASS_OTHER, // one that is not known here: read as a plain one
    N_CLASSES
};

// "GPT2Tokenizer", …: without the "Fast" of older files.
const char *tokenizer_class_name(enum tokenizer_class c);

// What is done to the steps that cut a text.
enum steps_kind {
    STEPS_FILE,    // they stay as they are
    STEPS_PREFIX,  // byte-level steps put a space before a text, or do not
    STEPS_MARK,    // LLaMA's: Metaspace, with U+2581 by `prepend`
    STEPS_PIECES,  // SentencePiece's own, by the library's: a text gets U+2581 by `prepend`
    STEPS_PREPEND, // LLaMA's of old: a normaliser puts U+2581 before every stretch, or does not
};

struct tokenizer_reading {
    enum tokenizer_class class;
    enum steps_kind steps;
    bool prefix;                    // STEPS_PREFIX, STEPS_PREPEND
    enum metaspace_prepend prepend; // STEPS_MARK, STEPS_PIECES
    bool class_steps;               // the class would put its own steps in place of the file's
    bool fresh;              // the class forgets the file's added tokens where settings list any
    bool template;           // what the file's post-processor puts before and behind a text counts
    bool puts_bos, puts_eos; // `roles`' token, whatever the file's post-processor does
    bool splits_special;     // special tokens are spelt like any text
    bool drops_unknown;      // what has no token is dropped: there is no unk_token
    bool repeats_special;    // special tokens are added once more, without flags
    struct special_token roles[N_ROLES]; // with the class's defaults; text NULL: none
};

// How a SentencePiece model's scores become ranks to d->like.
enum score_order tokenizer_score_order(const struct tokenizer_settings *s,
                                       const struct definition *d);

// The names that d->like gives to a SentencePiece model's pieces; n = 0: none. Borrowed from s.
struct piece_names tokenizer_piece_names(const struct tokenizer_settings *s,
                                         const struct definition *d);

// d has what the file with the vocabulary says.
void tokenizer_reading_of(const struct tokenizer_settings *s, const struct definition *d,
                          enum owner owner, struct tokenizer_reading *out);

#endif
