// tokenizer.json, a text, tokenizer_config.json, config.json.
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/spelling.h"
#include "text/tokenizer_parts.h"

// Byte-level, and nothing is done to a text but to cut it. The words are in the file as they are:
// escapes are left to the other checks.
static bool is_exact(const struct tokenizer *t, const char *json)
{
    static const char *const changes[] = { "emoved", "prefix_space", "\\u", "Metaspace" };
    bool exact = t->byte_level && !t->normalizer.n && !t->added.n && !t->added_normalized.n;
    for (size_t i = 0; exact && i < sizeof changes / sizeof *changes; i++)
        exact = !strstr(json, changes[i]);
    return exact;
}

void fuzz_tokenizer_json(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    struct part json = next_part(&rest), text = next_part(&rest);
    struct tokenizer *t;
    struct abl_err err = { 0 };
    fuzz_write("tokenizer/tokenizer_config.json", next_part(&rest));
    fuzz_write("tokenizer/config.json", next_part(&rest));
    fuzz_write("tokenizer/tokenizer.json", json);
    if (!fuzz_outcome(tokenizer_open(fuzz_path("tokenizer"), fuzz_owner(size), &t, &err), &err))
        return;
    char *copy = part_text(json);
    check_spelling(t, text, strlen(copy) == json.len && is_exact(t, copy));
    free(copy);
    tokenizer_free(t);
}
