#include "tests/fuzz/spelling.h"

#include <stdlib.h>
#include <string.h>

#include "text/byte_level.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

static bool spell(const struct tokenizer *t, struct part text, struct token_ids *out)
{
    struct abl_err err = { 0 };
    return fuzz_outcome(tokenizer_encode(t, text.data, text.len, out, &err), &err);
}

// Whether the ids are those of `whole` from a place on.
static bool are_part(const struct token_ids *ids, const struct token_ids *whole, size_t from)
{
    return from <= whole->n && ids->n <= whole->n - from
           && (!ids->n || !memcmp(ids->ids, whole->ids + from, ids->n * sizeof *ids->ids));
}

static void check_bytes(const struct tokenizer *t, struct part text, const struct token_ids *ids)
{
    struct buf bytes = { 0 };
    for (size_t i = 0; i < ids->n; i++) {
        const struct token *token = &t->tokens[ids->ids[i]];
        REQUIRE(byte_level_decode(token->text, token->len, &bytes));
    }
    REQUIRE(bytes.len == text.len && (!bytes.len || !memcmp(bytes.data, text.data, text.len)));
    buf_release(&bytes);
}

// The prompt is the first half, cut between characters; the answer goes on from its ids.
static void check_span(const struct tokenizer *t, struct part text, const struct token_ids *whole)
{
    size_t half = text.len / 2;
    while (half && (text.data[half] & 0xc0) == 0x80)
        half--;
    char *prompt = part_text((struct part){ text.data, half });
    char *words = part_text((struct part){ text.data + half, text.len - half });
    struct token_ids first = { 0 }, span = { 0 };
    struct abl_err err = { 0 };
    if (strlen(prompt) == half && strlen(words) == text.len - half
        && spell(t, (struct part){ prompt, half }, &first)
        && fuzz_outcome(tokenizer_span(t, prompt, &first, words, &span, &err), &err)) {
        REQUIRE(first.n + span.n == whole->n);
        REQUIRE(are_part(&first, whole, 0) && are_part(&span, whole, first.n));
    }
    token_ids_release(&first);
    token_ids_release(&span);
    free(prompt);
    free(words);
}

void check_spelling(const struct tokenizer *t, struct part text, bool exact)
{
    struct token_ids one = { 0 }, two = { 0 };
    bool ok = spell(t, text, &one);
    REQUIRE(ok == spell(t, text, &two));
    if (ok) {
        REQUIRE(utf8_invalid_at(text.data, text.len) == text.len);
        REQUIRE(one.n == two.n && are_part(&one, &two, 0));
        for (size_t i = 0; i < one.n; i++)
            REQUIRE(one.ids[i] < t->n_ids && t->tokens[one.ids[i]].text
                    && tokenizer_text(t, one.ids[i]));
        if (exact)
            check_bytes(t, text, &one);
        if (text.len)
            check_span(t, text, &one);
    }
    token_ids_release(&one);
    token_ids_release(&two);
}
