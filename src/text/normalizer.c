#include "text/normalizer.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "text/pattern.h"

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

static bool unicode_form(enum normal_kind kind, const char *text, size_t len, struct buf *out,
                         struct abl_err *err)
{
    utf8proc_uint8_t *made = NULL;
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

// What is replaced by more of the same doubles a text at each step: beyond this nobody means it.
enum { MOST = 64 << 20 }; // bytes

static void replace(const struct definition_normal *s, const char *text, size_t len,
                    struct buf *out)
{
    for (size_t at = 0; at < len && out->len <= MOST;) {
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
                            size_t len, struct buf *out, struct abl_err *err)
{
    struct spans spans = { 0 };
    bool ok = !len || pattern_find(p, text, len, &spans, err);
    for (size_t i = 0; ok && i < spans.n && out->len <= MOST; i++) {
        struct span s = spans.items[i];
        if (s.is_match)
            buf_add(out, to.data, to.len);
        else
            buf_add(out, text + s.begin, s.end - s.begin);
    }
    spans_release(&spans);
    return ok;
}

static bool run_step(const struct normalizer *n, size_t i, const char *text, size_t len,
                     struct buf *out, struct abl_err *err)
{
    const struct definition_normal *s = &n->steps[i];
    switch (s->kind) {
    case NORMAL_PREPEND:
        if (len)
            buf_add(out, s->to.data, s->to.len);
        buf_add(out, text, len);
        return true;
    case NORMAL_REPLACE:
        replace(s, text, len, out);
        return true;
    case NORMAL_REPLACE_MATCHES:
        return replace_matches(n->patterns[i], s->to, text, len, out, err);
    default:
        return unicode_form(s->kind, text, len, out, err);
    }
}

bool normalizer_run(const struct normalizer *n, const char *text, size_t len, struct buf *out,
                    struct abl_err *err)
{
    struct buf now = { 0 }, next = { 0 };
    bool ok = true;
    buf_add(&now, text, len);
    for (size_t i = 0; ok && i < n->n; i++) {
        next.len = 0;
        ok = run_step(n, i, now.data ? now.data : "", now.len, &next, err);
        if (ok && next.len > MOST)
            ok = abl_fail(err, ABL_BAD_MODEL,
                          "step %zu of the tokenizer's normalizer makes more than %d MiB of a text "
                          "of %zu bytes: expected steps that do not multiply it",
                          i + 1, MOST >> 20, len);
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
