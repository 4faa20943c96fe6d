#include "text/class_steps.h"

#include <stdlib.h>
#include <string.h>

#include "text/pattern.h"

static const struct json_text mark = { .data = "\xe2\x96\x81", .len = 3 };
static const struct json_text space = { .data = " ", .len = 1 };

static bool set_mark(struct definition *d, enum metaspace_prepend prepend, struct abl_err *err)
{
    d->n_normals = d->n_cuts = 0;
    return definition_add_cut(
        d, (struct definition_cut){ .kind = CUT_METASPACE, .prepend = prepend }, err);
}

static bool set_prepend(struct definition *d, bool prefix, struct abl_err *err)
{
    d->n_normals = d->n_cuts = 0;
    return definition_add_marks(d, prefix, err);
}

static int longest_first(const void *a, const void *b)
{
    const struct added_token *x = *(const struct added_token *const *)a,
                             *y = *(const struct added_token *const *)b;
    if (x->len != y->len)
        return (x->len < y->len) - (x->len > y->len);
    return (x->id > y->id) - (x->id < y->id);
}

bool class_steps_whole(const struct definition *d, struct buf *pattern, struct abl_err *err)
{
    const struct added_token **whole = malloc((d->n_added + 1) * sizeof *whole);
    size_t n = 0;
    if (!whole)
        return abl_no_memory(err);
    for (size_t i = 0; i < d->n_added; i++)
        if (d->added[i].flags & ADDED_AS_IS)
            whole[n++] = &d->added[i];
    if (n)
        qsort(whole, n, sizeof *whole, longest_first);
    for (size_t i = 0; i < n; i++) {
        buf_str(pattern, i ? "|" : "");
        pattern_quote((struct json_text){ .data = whole[i]->text, .len = whole[i]->len }, pattern);
    }
    free(whole);
    return !pattern->failed || abl_no_memory(err);
}

// A tokenizer.model as SentencePiece reads it, but that special tokens are cut out of its texts.
// `pattern`: of pieces that users defined.
static bool set_pieces(struct definition *d, enum metaspace_prepend prepend,
                       const struct buf *pattern, struct abl_err *err)
{
    struct json_text marks = { .data = "\xe2\x96\x81\xe2\x96\x81", .len = 6 };
    struct definition_normal escape = { .kind = NORMAL_REPLACE, .from = space, .to = mark };
    struct json_text first = { .data = "\\A\xe2\x96\x81", .len = 5 };
    struct definition_normal twice = { .kind = NORMAL_REPLACE_MATCHES, .from = first, .to = marks };
    struct definition_cut put = { .kind = CUT_METASPACE, .prepend = prepend };
    struct definition_cut keep_whole
        = { .kind = CUT_SPLIT, .pattern = { .data = pattern->data, .len = pattern->len } };
    d->n_normals = d->n_cuts = 0;
    d->ignore_merges = pattern->len > 0;
    // one that the text begins with does not stand for the one that is put before it
    return definition_add_normal(d, escape, err)
           && (prepend != PREPEND_ALWAYS || definition_add_normal(d, twice, err))
           && (prepend == PREPEND_NEVER || definition_add_cut(d, put, err))
           && (!pattern->len || definition_add_cut(d, keep_whole, err));
}

// The steps of a class that vocab.json and merges.txt leave to it.
static bool add_class_steps(struct definition *d, enum tokenizer_class class, struct abl_err *err)
{
    struct json_text qwen = { .data = pattern_qwen2(), .len = strlen(pattern_qwen2()) };
    bool is_qwen = class == CLASS_QWEN2;
    if (is_qwen || class == CLASS_NEOX)
        if (!definition_add_normal(d, (struct definition_normal){ .kind = NORMAL_NFC }, err))
            return false;
    if (is_qwen
        && !definition_add_cut(d, (struct definition_cut){ .kind = CUT_SPLIT, .pattern = qwen },
                               err))
        return false;
    return definition_add_cut(
        d, (struct definition_cut){ .kind = CUT_BYTE_LEVEL, .cuts = !is_qwen }, err);
}

bool class_steps_apply(struct definition *d, const struct tokenizer_reading *r,
                       const struct buf *pattern, struct abl_err *err)
{
    if (d->source == SOURCE_VOCAB && !add_class_steps(d, r->class, err))
        return false;
    if (r->drops_unknown)
        d->unk_token = NULL;
    switch (r->steps) {
    case STEPS_FILE:
        return true;
    case STEPS_PREFIX:
        for (size_t i = 0; i < d->n_cuts; i++)
            if (d->cuts[i].kind == CUT_BYTE_LEVEL)
                d->cuts[i].add_prefix_space = r->prefix;
        return true;
    case STEPS_MARK:
        return set_mark(d, r->prepend, err);
    case STEPS_PIECES:
        return set_pieces(d, r->prepend, pattern, err);
    case STEPS_PREPEND:
        return set_prepend(d, r->prefix, err);
    }
    return true;
}

bool class_steps_are(const struct definition *d, enum tokenizer_class class)
{
    bool is_qwen = class == CLASS_QWEN2, nfc = is_qwen || class == CLASS_NEOX;
    const struct definition_cut *last = d->n_cuts ? &d->cuts[d->n_cuts - 1] : NULL;
    if (!last || last->kind != CUT_BYTE_LEVEL || last->cuts == is_qwen
        || d->n_cuts != (is_qwen ? 2u : 1u) || d->n_normals != nfc || d->ignore_merges)
        return false;
    if (nfc && d->normals[0].kind != NORMAL_NFC)
        return false;
    return !is_qwen
           || (d->cuts[0].kind == CUT_SPLIT && json_key_is(d->cuts[0].pattern, pattern_qwen2()));
}
