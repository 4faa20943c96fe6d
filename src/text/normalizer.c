#include "text/normalizer.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "text/pattern.h"
#include "text/unicode.h"

bool normalizer_init(struct normalizer *n, const struct definition_normal *steps, size_t n_steps,
                     const char *path, struct abl_err *err)
{
    *n = (struct normalizer){ steps, n_steps, calloc(n_steps + 1, sizeof *n->patterns) };
    if (!n->patterns)
        return abl_no_memory(err);
    for (size_t i = 0; i < n_steps; i++) {
        struct pattern_source source
            = { .text = steps[i].from, .path = path, .byte = steps[i].byte };
        if (steps[i].kind == NORMAL_REPLACE_MATCHES
            && !pattern_compile(&source, &n->patterns[i], err))
            return false;
    }
    return true;
}

void normalizer_release(struct normalizer *n)
{
    for (size_t i = 0; n->patterns && i < n->n; i++)
        pattern_free(n->patterns[i]);
    free(n->patterns);
    *n = (struct normalizer){ 0 };
}

// Marks that are sorted by their kind where they stand one behind the other.
static bool few_marks(const char *text, size_t len, struct abl_err *err)
{
    size_t n = 0;
    for (size_t at = 0, size; len > EFFORT_MARKS && at < len; at += size) {
        bool ascii = !((unsigned char)text[at] & 0x80);
        size = 1;
        uint32_t c = ascii ? 0 : utf8_first(text + at, len - at, &size);
        n = !ascii && utf8proc_get_property((utf8proc_int32_t)c)->combining_class ? n + 1 : 0;
        if (n > EFFORT_MARKS)
            return abl_fail(err, ABL_BAD_DATA,
                            "text has more than %d combining marks one behind the other up to byte "
                            "%zu: expected fewer",
                            EFFORT_MARKS, at);
    }
    return true;
}

static bool unicode_form(enum normal_kind kind, const char *text, size_t len, struct buf *out,
                         struct abl_err *err)
{
    utf8proc_uint8_t *made = NULL;
    if (!few_marks(text, len, err))
        return false;
    utf8proc_ssize_t n = utf8proc_map(
        (const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &made,
        UTF8PROC_STABLE | (kind == NORMAL_NFC ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE));
    if (n < 0)
        return n == UTF8PROC_ERROR_NOMEM
                   ? abl_no_memory(err)
                   : abl_fail(err, ABL_BAD_DATA,
                              "text cannot be brought to a Unicode normal form: %s",
                              utf8proc_errmsg(n));
    buf_add(out, made, (size_t)n);
    free(made);
    return true;
}

// Each stops once there are more bytes than `most`.
static void replace(const struct definition_normal *s, const char *text, size_t len, size_t most,
                    struct buf *out)
{
    for (size_t at = 0; at < len && out->len <= most;) {
        bool here = text[at] == *s->from.data && s->from.len <= len - at
                    && memcmp(text + at, s->from.data, s->from.len) == 0;
        if (here)
            buf_add(out, s->to.data, s->to.len);
        else
            buf_char(out, text[at]);
        at += here ? s->from.len : 1;
    }
}

static bool replace_matches(const struct pattern *p, struct json_text to, const char *text,
                            size_t len, size_t most, struct effort *effort, struct buf *out,
                            struct abl_err *err)
{
    struct spans spans = { .effort = effort };
    bool ok = !len || pattern_find(p, text, len, &spans, err);
    for (size_t i = 0; ok && i < spans.n && out->len <= most; i++) {
        struct span s = spans.items[i];
        if (s.is_match)
            buf_add(out, to.data, to.len);
        else
            buf_add(out, text + s.begin, s.end - s.begin);
    }
    spans_release(&spans);
    return ok;
}

// What the steps may do with one text.
struct bounds {
    size_t len, most; // of the text as it came, and of what it may become
    struct effort *effort;
};

static bool run_step(const struct normalizer *n, size_t i, const char *text, size_t len,
                     const struct bounds *b, struct buf *out, struct abl_err *err)
{
    const struct definition_normal *s = &n->steps[i];
    switch (s->kind) {
    case NORMAL_PREPEND:
        if (len)
            buf_add(out, s->to.data, s->to.len);
        buf_add(out, text, len);
        return true;
    case NORMAL_REPLACE:
        replace(s, text, len, b->most, out);
        return true;
    case NORMAL_REPLACE_MATCHES:
        return replace_matches(n->patterns[i], s->to, text, len, b->most, b->effort, out, err);
    default:
        return unicode_form(s->kind, text, len, out, err);
    }
}

// The clock is not looked at for what is done at once.
static bool within(const struct bounds *b, size_t step, size_t len, struct abl_err *err)
{
    if (len > b->most)
        return abl_fail(
            err, ABL_BAD_MODEL,
            "step %zu of the tokenizer's normalizer makes more than %zu bytes of a text "
            "of %zu: expected steps that do not multiply it",
            step, b->most, b->len);
    return len <= EFFORT_LEAST || !effort_is_spent(b->effort)
           || abl_fail(err, ABL_BAD_MODEL,
                       "the tokenizer's normalizer takes more than %d seconds up to step %zu for a "
                       "text of %zu bytes: expected fewer or simpler steps",
                       EFFORT_SECONDS, step, b->len);
}

bool normalizer_run(const struct normalizer *n, const char *text, size_t len, struct effort *effort,
                    struct buf *out, struct abl_err *err)
{
    struct buf now = { 0 }, next = { 0 };
    struct effort own = { 0 };
    struct bounds bounds = { len, effort_most(len), effort ? effort : &own };
    bool ok = true;
    buf_add(&now, text, len);
    for (size_t i = 0; ok && i < n->n; i++) {
        next.len = 0;
        ok = run_step(n, i, now.data ? now.data : "", now.len, &bounds, &next, err)
             && within(&bounds, i + 1, next.len, err);
        struct buf swap = now;
        now = next;
        next = swap;
    }
    if (ok) {
        buf_add(out, now.data, now.len);
        ok = !(out->failed || now.failed || next.failed) || abl_no_memory(err);
    }
    buf_release(&now);
    buf_release(&next);
    return ok;
}
