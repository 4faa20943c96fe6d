// Text to token ids exactly as the checkpoint's own tokenizer does it, and back.
#ifndef ABL_TEXT_TOKENIZER_H
#define ABL_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "text/owner.h"
#include "text/token.h"

struct tokenizer;

enum bos_mode { BOS_AUTO, BOS_ALWAYS, BOS_NEVER };

// "auto", "always", "never"; a name_list.
const char *bos_mode_name(size_t mode);

// A growing list of ids; zero-initialise to start, token_ids_release to end.
struct token_ids {
    uint32_t *ids;
    size_t n, cap;
};

// Open the tokenizer of a checkpoint folder: tokenizer.json, or vocab.json + merges.txt (GPT-2's
// kind), or SentencePiece's tokenizer.model; `like` decides where its owners read it differently.
bool tokenizer_open(const char *folder, enum owner like, struct tokenizer **out,
                    struct abl_err *err);

// Make one of what some other file said; the definition is used up, whatever happens. Its bytes in
// `read` are hashed.
struct definition;
bool tokenizer_from_definition(struct definition *d, struct tokenizer **out, struct abl_err *err);
void tokenizer_free(struct tokenizer *t);

// Append the ids of text[0..len) (UTF-8, checked). Added tokens that the text spells are those
// tokens. No BOS here.
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len,
                      struct token_ids *out, struct abl_err *err);
void token_ids_release(struct token_ids *ids);

// The id to put before every prompt under `mode`, or TOKEN_NONE.
// BOS_ALWAYS without a BOS token is ABL_USAGE.
bool tokenizer_bos(const struct tokenizer *t, enum bos_mode mode, uint32_t *out,
                   struct abl_err *err);

// The id that fills a batch of prompts up to one length: the tokenizer's own padding token, else
// the one that ends a text, or TOKEN_NONE.
uint32_t tokenizer_pad(const struct tokenizer *t);

// The bytes a token stands for, UTF-8 where whole (" Paris"); an id without a token
// gives "". Borrowed. For screens and files: bytes that are no UTF-8 print as <0xNN>,
// control characters as escapes.
const char *tokenizer_text(const struct tokenizer *t, uint32_t id);

// Append those bytes as they are.
void tokenizer_bytes(const struct tokenizer *t, uint32_t id, struct buf *out);

// Whether the id is a special token (BOS, padding, …), which text can spell but should not.
bool tokenizer_is_special(const struct tokenizer *t, uint32_t id);

// The ids of words behind the prompt: those by which ids(prompt + words) goes on from prompt_ids.
// ABL_BAD_DATA where the words change the prompt's own tokens. out is emptied first;
// token_ids_release it.
bool tokenizer_span(const struct tokenizer *t, const char *prompt,
                    const struct token_ids *prompt_ids, const char *words, struct token_ids *out,
                    struct abl_err *err);

// DESIGN section 3: the id t for which ids(prompt + word) = ids(prompt) + [t]; false with
// ABL_BAD_DATA and a reason ("is 2 tokens", "changes the prompt's last token") where there is none.
// prompt_ids: ids of prompt without BOS.
bool tokenizer_continuation(const struct tokenizer *t, const char *prompt,
                            const struct token_ids *prompt_ids, const char *word, uint32_t *out,
                            struct abl_err *err);

// How its files were read, where that is not plain; borrowed.
const struct owner_notes *tokenizer_notes(const struct tokenizer *t);

// Whose reading of the files it is: an owner's name, or "llama.cpp", which says what GGUF means.
const char *tokenizer_like(const struct tokenizer *t);

// What is to be said of a text that owners cut apart differently, though they agree about most;
// NULL where there is nothing to say. Borrowed.
const char *tokenizer_doubt(const struct tokenizer *t, const char *text);

// For provenance: SHA-256 of every file that decides ids, one behind the other as they were read;
// of a GGUF file, of the keys that do.
const char *tokenizer_sha256(const struct tokenizer *t);

// The names of those files, in that order; NULL behind the last.
const char *tokenizer_file(const struct tokenizer *t, size_t i);

#endif
