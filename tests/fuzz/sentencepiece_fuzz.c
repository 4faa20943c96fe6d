// SentencePiece's tokenizer.model behind a text and tokenizer_config.json, each with its length in
// a byte before it.
#include "tests/fuzz/spelling.h"

static struct part counted(struct part *rest)
{
    size_t len = next_byte(rest);
    struct part p = { rest->data, len < rest->len ? len : rest->len };
    *rest = (struct part){ rest->data + p.len, rest->len - p.len };
    return p;
}

void fuzz_sentencepiece(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    struct part text = counted(&rest), config = counted(&rest);
    struct tokenizer *t;
    struct abl_err err = { 0 };
    fuzz_write("pieces/tokenizer_config.json", config);
    fuzz_write("pieces/tokenizer.model", rest);
    if (!fuzz_outcome(tokenizer_open(fuzz_path("pieces"), fuzz_owner(size), &t, &err), &err))
        return;
    check_spelling(t, text, false);
    tokenizer_free(t);
}
