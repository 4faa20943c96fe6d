// Text into token ids.
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "text/byte_level.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

// One call's state, so that any number of threads may use one tokenizer.
struct encoder {
    const struct tokenizer *t;
    struct bpe_scratch scratch;
    struct pieces pieces;
    struct buf word;
    struct effort effort;
    struct token_ids *out;
    struct abl_err *err;
};

void token_ids_release(struct token_ids *ids)
{
    free(ids->ids);
    *ids = (struct token_ids){ 0 };
}

// Make room for n more.
static bool reserve(struct encoder *e, size_t n)
{
    struct token_ids *out = e->out;
    size_t need, bytes;
    if (!size_add(out->n, n, &need))
        return abl_no_memory(e->err);
    if (need <= out->cap)
        return true;
    size_t cap = size_max(need, size_max(16, out->cap * 2));
    uint32_t *ids = size_mul(cap, sizeof *ids, &bytes) ? realloc(out->ids, bytes) : NULL;
    if (!ids)
        return abl_no_memory(e->err);
    out->ids = ids;
    out->cap = cap;
    return true;
}

// The token of the model's own vocabulary that a text is: added tokens are not merged into.
static uint32_t find_in_model(const struct tokenizer *t, const char *text, size_t len)
{
    uint32_t id = tokenizer_find(t, text, len);
    return id != TOKEN_NONE && t->tokens[id].in_model ? id : TOKEN_NONE;
}

// The token that a whole piece is, TOKEN_NONE where it is none.
static uint32_t find_piece(struct encoder *e, const char *text, size_t len)
{
    char spelt[BYTE_CHAR_MAX];
    if (!e->t->byte_level)
        return find_in_model(e->t, text, len);
    e->word.len = 0;
    for (size_t i = 0; i < len; i++)
        buf_add(&e->word, spelt, byte_level_char((unsigned char)text[i], spelt));
    return e->word.failed ? TOKEN_NONE : find_in_model(e->t, e->word.data, e->word.len);
}

// One id a byte.
static bool spell_bytes(struct encoder *e, const char *text, size_t len, uint32_t *ids)
{
    for (size_t i = 0; i < len; i++) {
        ids[i] = e->t->byte_ids[(unsigned char)text[i]];
        if (ids[i] == TOKEN_NONE)
            return abl_fail(e->err, ABL_BAD_DATA,
                            "'%.*s' has byte 0x%02x, for which the tokenizer has no token",
                            (int)size_min(len, 80), text, (unsigned char)text[i]);
    }
    return true;
}

static bool has_bytes(const struct tokenizer *t, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (t->byte_ids[(unsigned char)text[i]] == TOKEN_NONE)
            return false;
    return t->byte_fallback;
}

// One id a character: its token, or those of its bytes, or unk. What has none of them is dropped,
// as the reference does. An unk is held back until the next character that has a token, so that
// fuse_unk can join several: bytes in between come first, as they do there.
static size_t spell_characters(struct encoder *e, const char *text, size_t len, uint32_t *ids)
{
    const struct tokenizer *t = e->t;
    bool held = false;
    size_t n = 0;
    for (size_t at = 0, size; at < len; at += size) {
        utf8_first(text + at, len - at, &size);
        uint32_t id = find_in_model(t, text + at, size);
        if (id != TOKEN_NONE) {
            if (held)
                ids[n++] = t->unk;
            held = false;
            ids[n++] = id;
        } else if (has_bytes(t, text + at, size)) {
            for (size_t i = 0; i < size; i++)
                ids[n++] = t->byte_ids[(unsigned char)text[at + i]];
        } else if (t->unk != TOKEN_NONE) {
            if (held && !t->fuse_unk)
                ids[n++] = t->unk;
            held = true;
        }
    }
    if (held)
        ids[n++] = t->unk;
    return n;
}

static bool encode_piece(struct encoder *e, const char *text, size_t len)
{
    if (!reserve(e, len + 1))
        return false;
    uint32_t *ids = e->out->ids + e->out->n;
    uint32_t whole = e->t->ignore_merges ? find_piece(e, text, len) : TOKEN_NONE;
    if (e->word.failed)
        return abl_no_memory(e->err);
    if (whole != TOKEN_NONE) {
        ids[0] = whole;
        e->out->n++;
        return true;
    }
    size_t n = len;
    if (!e->t->byte_level)
        n = spell_characters(e, text, len, ids);
    else if (!spell_bytes(e, text, len, ids))
        return false;
    if (!bpe_merge(&e->t->bpe, &e->scratch, ids, &n, e->err))
        return false;
    e->out->n += n;
    return true;
}

// Text without added tokens, normalised.
static bool encode_plain(struct encoder *e, const char *text, size_t len, bool at_start)
{
    if (!len)
        return true;
    struct pieces *p = &e->pieces;
    if (!pretokenizer_run(&e->t->pretokenizer, text, len, at_start, p, e->err))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        size_t begin = i ? p->ends[i - 1] : 0;
        if (!encode_piece(e, p->text.data + begin, p->ends[i] - begin))
            return false;
    }
    return true;
}

static bool add_id(struct encoder *e, uint32_t id)
{
    if (!reserve(e, 1))
        return false;
    e->out->ids[e->out->n++] = id;
    return true;
}

// Text without the added tokens that are looked for as it is written: normalise,
// and cut out the others.
static bool encode_normalized(struct encoder *e, const char *text, size_t len, bool at_start)
{
    struct buf normal = { 0 };
    bool ok = normalizer_run(&e->t->normalizer, text, len, &e->effort, &normal, e->err);
    struct added_scan scan
        = { .set = &e->t->added_normalized, .text = normal.data, .len = normal.len };
    struct added_span s;
    while (ok && added_next(&scan, &s))
        ok = s.id != TOKEN_NONE ? add_id(e, s.id)
                                : encode_plain(e, normal.data + s.begin, s.end - s.begin,
                                               at_start && s.begin == 0);
    buf_release(&normal);
    return ok;
}

static bool encode_text(struct encoder *e, const char *text, size_t len)
{
    struct added_scan scan = { .set = &e->t->added, .text = text, .len = len };
    struct added_span s;
    bool ok = true;
    while (ok && added_next(&scan, &s))
        ok = s.id != TOKEN_NONE
                 ? add_id(e, s.id)
                 : encode_normalized(e, text + s.begin, s.end - s.begin, s.begin == 0);
    return ok;
}

static bool begins_marked(const char *text, size_t len)
{
    static const char mark[] = "\xe2\x96\x81";
    return len && (text[0] == ' ' || (len >= 3 && memcmp(text, mark, 3) == 0));
}

// Whether the normalizer makes something else of it. Out of memory counts as if.
static bool is_changed(const struct tokenizer *t, const char *text)
{
    struct buf normal = { 0 };
    size_t len = strlen(text);
    bool same = normalizer_run(&t->normalizer, text, len, NULL, &normal, NULL) && normal.len == len
                && (!len || memcmp(normal.data, text, len) == 0);
    buf_release(&normal);
    return !same;
}

const char *tokenizer_doubt(const struct tokenizer *t, const char *text)
{
    if (t->doubt && t->doubt_about == DOUBT_NORMAL)
        return is_changed(t, text) ? t->doubt : NULL;
    struct added_span s;
    struct added_scan raw = { .set = &t->added, .text = text, .len = strlen(text) };
    while (t->doubt && added_next(&raw, &s)) {
        size_t len = s.end - s.begin;
        struct added_scan normal
            = { .set = &t->added_normalized, .text = text + s.begin, .len = len };
        if (s.id != TOKEN_NONE)
            continue;
        if (begins_marked(text + s.begin, len) || (t->doubt_about == DOUBT_BEHIND && s.begin))
            return t->doubt;
        for (struct added_span in; added_next(&normal, &in);)
            if (in.id != TOKEN_NONE)
                return t->doubt;
    }
    return NULL;
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len,
                      struct token_ids *out, struct abl_err *err)
{
    if (len > INT32_MAX)
        return abl_fail(err, ABL_BAD_DATA,
                        "text of %zu bytes is too long to tokenise: expected at"
                        " most %d",
                        len, INT32_MAX);
    size_t bad = utf8_invalid_at(text, len), before = out->n;
    if (bad < len)
        return abl_fail(err, ABL_BAD_DATA, "text is not UTF-8: found byte 0x%02x at byte %zu",
                        (unsigned char)text[bad], bad);
    struct encoder e = { .t = t, .out = out, .err = err };
    e.pieces.spans.effort = &e.effort;
    bool ok = encode_text(&e, text, len);
    bpe_scratch_release(&e.scratch);
    pieces_release(&e.pieces);
    buf_release(&e.word);
    if (!ok)
        out->n = before;
    return ok;
}

bool tokenizer_span(const struct tokenizer *t, const char *prompt,
                    const struct token_ids *prompt_ids, const char *words, struct token_ids *out,
                    struct abl_err *err)
{
    struct buf both = { 0 };
    buf_str(&both, prompt);
    buf_str(&both, words);
    out->n = 0;
    bool ok = !both.failed || abl_no_memory(err);
    ok = ok && tokenizer_encode(t, both.data, both.len, out, err);
    buf_release(&both);
    if (!ok)
        return false;
    bool changed = out->n < prompt_ids->n
                   || (prompt_ids->n
                       && memcmp(out->ids, prompt_ids->ids, prompt_ids->n * sizeof *out->ids) != 0);
    if (changed)
        return abl_fail(err, ABL_BAD_DATA, "'%s' changes the prompt's last token", words);
    out->n -= prompt_ids->n;
    if (out->n)
        memmove(out->ids, out->ids + prompt_ids->n, out->n * sizeof *out->ids);
    return true;
}

bool tokenizer_continuation(const struct tokenizer *t, const char *prompt,
                            const struct token_ids *prompt_ids, const char *word, uint32_t *out,
                            struct abl_err *err)
{
    struct token_ids ids = { 0 };
    bool ok = tokenizer_span(t, prompt, prompt_ids, word, &ids, err);
    if (ok && ids.n != 1)
        ok = abl_fail(err, ABL_BAD_DATA, "'%s' is %zu tokens", word, ids.n);
    if (ok)
        *out = ids.ids[0];
    token_ids_release(&ids);
    return ok;
}
