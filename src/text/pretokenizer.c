#include "text/pretokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static const char space_mark[] = "\xe2\x96\x81"; // U+2581
enum { SPACE_MARK = sizeof space_mark - 1 };

struct cut_step {
    enum cut_kind kind;
    enum cut_behavior behavior;
    enum metaspace_prepend prepend;
    bool add_prefix_space, cuts, invert;
    struct pattern *pattern; // NULL: it cuts nothing by a pattern
};

static bool compile(struct cut_step *s, const struct definition_cut *c, const char *path,
                    struct abl_err *err)
{
    struct pattern_source source
        = { .text = c->pattern, .literal = c->literal, .path = path, .byte = c->byte };
    if (c->kind == CUT_BYTE_LEVEL && c->cuts)
        source.text = (struct json_text){ .data = pattern_gpt2(), .len = strlen(pattern_gpt2()) };
    else if (c->kind != CUT_SPLIT)
        return true;
    return pattern_compile(&source, &s->pattern, err);
}

bool pretokenizer_init(struct pretokenizer *p, const struct definition_cut *cuts, size_t n,
                       const char *path, struct abl_err *err)
{
    struct pretokenizer made = { .steps = calloc(n + 1, sizeof *made.steps) };
    if (!made.steps)
        return abl_no_memory(err);
    for (; made.n < n; made.n++) {
        const struct definition_cut *c = &cuts[made.n];
        struct cut_step *s = &made.steps[made.n];
        *s = (struct cut_step){ .kind = c->kind,
                                .behavior = c->behavior,
                                .prepend = c->prepend,
                                .add_prefix_space = c->add_prefix_space,
                                .cuts = c->cuts,
                                .invert = c->invert };
        if (!compile(s, c, path, err)) {
            pretokenizer_release(&made);
            return false;
        }
    }
    *p = made;
    return true;
}

void pretokenizer_release(struct pretokenizer *p)
{
    for (size_t i = 0; i < p->n; i++)
        pattern_free(p->steps[i].pattern);
    free(p->steps);
    *p = (struct pretokenizer){ 0 };
}

void pieces_release(struct pieces *p)
{
    buf_release(&p->text);
    free(p->ends);
    spans_release(&p->spans);
    *p = (struct pieces){ 0 };
}

// A piece ends here; an empty one is none.
static bool end_piece(struct pieces *p, struct abl_err *err)
{
    size_t begin = p->n ? p->ends[p->n - 1] : 0;
    if (p->text.failed)
        return abl_no_memory(err);
    if (p->text.len == begin)
        return true;
    size_t *grown = array_room(p->ends, p->n, &p->cap, sizeof *grown);
    if (!grown)
        return abl_no_memory(err);
    p->ends = grown;
    p->ends[p->n++] = p->text.len;
    return true;
}

static bool add_piece(struct pieces *out, const char *text, size_t len, struct abl_err *err)
{
    buf_add(&out->text, text, len);
    return end_piece(out, err);
}

// Join each match with the stretch before it, unless that is a match too.
static void merge_with_previous(struct spans *s)
{
    size_t n = 0;
    bool after_match = false;
    for (size_t i = 0; i < s->n; i++) {
        struct span now = s->items[i];
        if (now.is_match && !after_match && n)
            s->items[n - 1].end = now.end;
        else
            s->items[n++] = now;
        after_match = now.is_match;
    }
    s->n = n;
}

// The same from the other end.
static void merge_with_next(struct spans *s)
{
    size_t to = s->n;
    bool before_match = false;
    for (size_t i = s->n; i-- > 0;) {
        struct span now = s->items[i];
        if (now.is_match && !before_match && to < s->n)
            s->items[to].begin = now.begin;
        else
            s->items[--to] = now;
        before_match = now.is_match;
    }
    s->n -= to;
    if (s->n)
        memmove(s->items, s->items + to, s->n * sizeof *s->items);
}

// Join neighbours that both are matches, or neither.
static void merge_alike(struct spans *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct span now = s->items[i];
        if (n && s->items[n - 1].is_match == now.is_match)
            s->items[n - 1].end = now.end;
        else
            s->items[n++] = now;
    }
    s->n = n;
}

static void apply_behavior(const struct cut_step *step, struct spans *s)
{
    for (size_t i = 0; step->invert && i < s->n; i++)
        s->items[i].is_match = !s->items[i].is_match;
    if (step->behavior == CUT_MERGED_WITH_PREVIOUS)
        merge_with_previous(s);
    else if (step->behavior == CUT_MERGED_WITH_NEXT)
        merge_with_next(s);
    else if (step->behavior == CUT_CONTIGUOUS)
        merge_alike(s);
}

static bool cut_by_pattern(const struct cut_step *step, const char *text, size_t len,
                           struct pieces *out, struct abl_err *err)
{
    struct spans *s = &out->spans;
    if (!pattern_find(step->pattern, text, len, s, err))
        return false;
    apply_behavior(step, s);
    bool ok = true;
    for (size_t i = 0; ok && i < s->n; i++) {
        struct span now = s->items[i];
        if (step->behavior != CUT_REMOVED || !now.is_match)
            ok = add_piece(out, text + now.begin, now.end - now.begin, err);
        else if (now.end && !out->n)
            out->at_start = false;
    }
    return ok;
}

static bool cut_bytes(const struct cut_step *s, const char *text, size_t len, struct pieces *out,
                      struct abl_err *err)
{
    struct buf with = { 0 };
    if (s->add_prefix_space && text[0] != ' ')
        buf_char(&with, ' ');
    buf_add(&with, text, len);
    bool ok = !with.failed || abl_no_memory(err);
    ok = ok
         && (s->pattern ? cut_by_pattern(s, with.data, with.len, out, err)
                        : add_piece(out, with.data, with.len, err));
    buf_release(&with);
    return ok;
}

// " " becomes the mark, with one in front unless there is; a piece begins at each mark.
static bool cut_metaspace(const struct cut_step *s, const char *text, size_t len, bool at_start,
                          struct pieces *out, struct abl_err *err)
{
    bool marked
        = text[0] == ' ' || (len >= SPACE_MARK && memcmp(text, space_mark, SPACE_MARK) == 0);
    bool prepend = s->prepend == PREPEND_ALWAYS || (s->prepend == PREPEND_FIRST && at_start);
    if (prepend && !marked)
        buf_add(&out->text, space_mark, SPACE_MARK);
    for (size_t at = 0, n; at < len; at += n) {
        bool is_space = text[at] == ' ';
        bool is_mark = len - at >= SPACE_MARK && memcmp(text + at, space_mark, SPACE_MARK) == 0;
        if ((is_space || is_mark) && s->cuts && !end_piece(out, err))
            return false;
        n = is_mark ? SPACE_MARK : 1;
        if (is_space)
            buf_add(&out->text, space_mark, SPACE_MARK);
        else
            buf_add(&out->text, text + at, n);
    }
    return end_piece(out, err);
}

static bool cut_piece(const struct cut_step *s, const char *text, size_t len, bool at_start,
                      struct pieces *out, struct abl_err *err)
{
    switch (s->kind) {
    case CUT_SPLIT:
        return cut_by_pattern(s, text, len, out, err);
    case CUT_METASPACE:
        return cut_metaspace(s, text, len, at_start, out, err);
    case CUT_BYTE_LEVEL:
        return cut_bytes(s, text, len, out, err);
    }
    return false;
}

static bool grows(size_t step, size_t most, size_t len, struct abl_err *err)
{
    return abl_fail(
        err, ABL_BAD_MODEL,
        "step %zu of the tokenizer's pre-tokenizer makes more than %zu bytes of a text of "
        "%zu: expected steps that do not multiply it",
        step, most, len);
}

bool pretokenizer_run(const struct pretokenizer *p, const char *text, size_t len, bool at_start,
                      struct pieces *out, struct abl_err *err)
{
    struct pieces next = { .spans.effort = out->spans.effort };
    size_t most = effort_most(len);
    out->text.len = out->n = 0;
    out->at_start = at_start;
    bool ok = add_piece(out, text, len, err);
    for (size_t i = 0; ok && i < p->n; i++) {
        next.text.len = next.n = 0;
        next.at_start = out->at_start;
        for (size_t k = 0; ok && k < out->n; k++) {
            size_t begin = k ? out->ends[k - 1] : 0;
            ok = cut_piece(&p->steps[i], out->text.data + begin, out->ends[k] - begin,
                           out->at_start && k == 0, &next, err)
                 && (next.text.len <= most || grows(i + 1, most, len, err));
        }
        struct pieces swap = *out;
        *out = next;
        next = swap;
    }
    pieces_release(&next);
    return ok;
}
