#include "text/pretokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "text/pattern.h"

static const char space_mark[] = "\xe2\x96\x81"; // U+2581
enum { SPACE_MARK = sizeof space_mark - 1 };

struct cut_step {
    enum cut_kind kind;
    enum metaspace_prepend prepend;
    bool add_prefix_space, cuts;
    struct pcre2_real_code_8 *code; // NULL: it cuts nothing by a pattern
};

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
                                .prepend = c->prepend,
                                .add_prefix_space = c->add_prefix_space,
                                .cuts = c->cuts };
        bool own = c->kind == CUT_SPLIT || c->kind == CUT_REMOVE;
        const char *pattern = own ? c->pattern.data : pattern_gpt2();
        size_t len = own ? c->pattern.len : strlen(pattern);
        if ((own || (c->kind == CUT_BYTE_LEVEL && c->cuts))
            && !pattern_compile(pattern, len, path, &s->code, err)) {
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
        pattern_free(p->steps[i].code);
    free(p->steps);
    *p = (struct pretokenizer){ 0 };
}

void pieces_release(struct pieces *p)
{
    buf_release(&p->text);
    free(p->ends);
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

// Matches and what lies between; `keep` says whether matches stay.
static bool cut_by_pattern(const struct cut_step *s, const char *text, size_t len, bool keep,
                           struct pieces *out, struct abl_err *err)
{
    struct pattern_walk walk;
    if (!pattern_walk_open(&walk, s->code, err))
        return false;
    bool ok = true;
    for (size_t at = 0, begin, end; ok && at < len; at = end) {
        ok = pattern_next(&walk, text, len, at, &begin, &end, err)
             && add_piece(out, text + at, begin - at, err)
             && (!keep || add_piece(out, text + begin, end - begin, err));
    }
    pattern_walk_close(&walk);
    return ok;
}

static bool cut_bytes(const struct cut_step *s, const char *text, size_t len, struct pieces *out,
                      struct abl_err *err)
{
    if (!s->add_prefix_space || text[0] == ' ')
        return s->code ? cut_by_pattern(s, text, len, true, out, err)
                       : add_piece(out, text, len, err);
    struct buf with = { 0 };
    buf_char(&with, ' ');
    buf_add(&with, text, len);
    bool ok = !with.failed || abl_no_memory(err);
    ok = ok
         && (s->code ? cut_by_pattern(s, with.data, with.len, true, out, err)
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
        return cut_by_pattern(s, text, len, true, out, err);
    case CUT_REMOVE:
        return cut_by_pattern(s, text, len, false, out, err);
    case CUT_METASPACE:
        return cut_metaspace(s, text, len, at_start, out, err);
    case CUT_BYTE_LEVEL:
        return cut_bytes(s, text, len, out, err);
    }
    return false;
}

bool pretokenizer_run(const struct pretokenizer *p, const char *text, size_t len, bool at_start,
                      struct pieces *out, struct abl_err *err)
{
    struct pieces next = { 0 };
    out->text.len = out->n = 0;
    bool ok = add_piece(out, text, len, err);
    for (size_t i = 0; ok && i < p->n; i++) {
        next.text.len = next.n = 0;
        for (size_t k = 0; ok && k < out->n; k++) {
            size_t begin = k ? out->ends[k - 1] : 0;
            ok = cut_piece(&p->steps[i], out->text.data + begin, out->ends[k] - begin,
                           at_start && k == 0, &next, err);
        }
        struct pieces swap = *out;
        *out = next;
        next = swap;
    }
    pieces_release(&next);
    return ok;
}
