// Texts with their ids under several tokenizers, as a generator script stored them:
// FOLDER/texts.json holds {"texts": ["…"], "ids": {"NAME": [[id, …], …]}}.
#ifndef ABL_TESTS_TOKEN_TEXTS_H
#define ABL_TESTS_TOKEN_TEXTS_H

#include "text/tokenizer.h"

struct cJSON;

struct token_texts {
    const char *folder;
    struct cJSON *root;
};

// All fail the test when something cannot be done.
void token_texts_read(struct token_texts *t, const char *folder);
void token_texts_release(struct token_texts *t);

struct tokenizer *token_texts_open(const char *path);

// Every text under the tokenizer at FOLDER/place must have the ids that NAME has.
void token_texts_expect(const struct token_texts *t, const char *place, const char *name);

#endif
