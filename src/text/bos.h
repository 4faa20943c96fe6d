// Which token goes before every prompt, and which fills a batch up behind it, by the files of the
// checkpoint folder.
#ifndef ABL_TEXT_BOS_H
#define ABL_TEXT_BOS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "text/definition.h"

// What the folder says, not yet resolved to an id of the tokenizer.
struct bos_hints {
    const char *first_special; // of the post-processor; borrowed
    const char *bos_token;     // of tokenizer_config.json or special_tokens_map.json; in the arena
    uint32_t config_id;        // bos_token_id of config.json; TOKEN_NONE = none
    const char *eos_token, *pad_token; // of the same files
    uint32_t config_eos;               // eos_token_id of config.json; TOKEN_NONE = none
    bool add_bos_token;                // of tokenizer_config.json
    bool denies;                       // it says false there, to a class that heeds it (LLaMA's)
    bool always;                       // the model's family is read with BOS whatever the files say
    struct arena arena;
};

// Read config.json, tokenizer_config.json and special_tokens_map.json where they are there. The
// legacy files of a folder without config.json are taken for GPT-2's. d->like decides where owners
// disagree, and d->notes says so.
bool bos_hints_read(const char *folder, struct definition *d, bool legacy, struct bos_hints *out,
                    struct abl_err *err);
void bos_hints_release(struct bos_hints *h);

// Candidates in order of trust: up to three texts, then NULL; config_id comes after them.
void bos_candidates(const struct bos_hints *h, const char *out[4]);

// Likewise for padding: the padding token, else the one that ends a text;
// config_eos comes after them.
void pad_candidates(const struct bos_hints *h, const char *out[4]);

// Whether `auto` puts BOS before a prompt.
bool bos_by_default(const struct bos_hints *h);

#endif
