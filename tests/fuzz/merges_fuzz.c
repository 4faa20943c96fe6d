// GPT-2's kind of tokenizer: vocab.json, merges.txt, a text, tokenizer_config.json,
// added_tokens.json, special_tokens_map.json.
#include "tests/fuzz/spelling.h"
#include "text/tokenizer_parts.h"

void fuzz_merges(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    struct tokenizer *t;
    struct abl_err err = { 0 };
    fuzz_write("merges/vocab.json", next_part(&rest));
    fuzz_write("merges/merges.txt", next_part(&rest));
    struct part text = next_part(&rest), config = next_part(&rest);
    fuzz_write("merges/tokenizer_config.json", config);
    fuzz_write("merges/added_tokens.json", next_part(&rest));
    fuzz_write("merges/special_tokens_map.json", next_part(&rest));
    if (!fuzz_outcome(tokenizer_open(fuzz_path("merges"), fuzz_owner(size), &t, &err), &err))
        return;
    check_spelling(t, text, t->byte_level && !config.len && !t->added.n && !t->added_normalized.n);
    tokenizer_free(t);
}
