#include "text/tokenizer_apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "text/class_steps.h"
#include "text/class_tokens.h"
#include "text/token.h"
#include "text/tokenizer_reading.h"

// ------------------------------------------------------------------------------------------- notes

static bool note_class_steps(struct definition *d, const struct tokenizer_reading *r,
                             struct abl_err *err)
{
    bool owned = r->class == CLASS_GPT2 || r->class == CLASS_NEOX || r->class == CLASS_QWEN2;
    bool other
        = r->class_steps || (owned && d->source == SOURCE_JSON && !class_steps_are(d, r->class));
    return !other || d->like != OWNER_TRANSFORMERS_5
           || owner_note(&d->notes, err,
                         "'%s' says how texts are cut, and is followed; transformers 5 puts %s's "
                         "own steps in their place",
                         d->path, tokenizer_class_name(r->class));
}

static bool note_lacking(struct definition *d, const struct tokenizer_settings *s,
                         const struct tokenizer_reading *r, struct abl_err *err)
{
    bool lacking;
    return class_tokens_lacking(d, s, r, &lacking, err)
           && (!lacking
               || owner_note(&d->notes, err,
                             "'%s' has added tokens that tokenizer_config.json does not list, and "
                             "they are read; transformers 5 takes them for text",
                             d->path));
}

// --------------------------------------------------------------------------------- what is refused

static bool refuse(const struct definition *d, struct abl_err *err, const char *what,
                   const char *token)
{
    return abl_fail(err, ABL_BAD_MODEL,
                    "'%s': %s '%s' behind every text, which is not supported: a prompt ends with "
                    "its own last token; expected none",
                    d->path, what, token ? token : "a token");
}

static bool check_ends(const struct definition *d, const struct tokenizer_settings *s,
                       const struct tokenizer_reading *r, struct abl_err *err)
{
    const struct special_token *eos = &r->roles[ROLE_EOS];
    if (r->puts_eos && d->source == SOURCE_GGUF)
        return refuse(d, err, "tokenizer.ggml.add_eos_token puts", eos->text.data);
    if (r->puts_eos && eos->text.data)
        return refuse(d, err, "add_eos_token of tokenizer_config.json puts", eos->text.data);
    if (r->template && d->template.n_behind)
        return refuse(d, err, "post_processor puts", d->template.behind);
    if (r->template && d->template.n_before > 1)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': post_processor puts %zu tokens before every text: expected one at "
                        "most",
                        d->path, d->template.n_before);
    bool llama = r->class == CLASS_LLAMA || r->class == CLASS_CODE_LLAMA;
    if (d->source == SOURCE_VOCAB && llama)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': tokenizer_class %s does not read vocab.json and merges.txt: "
                        "expected tokenizer.json or tokenizer.model",
                        d->path, tokenizer_class_name(r->class));
    const struct special_list *other = s->other.n ? &s->other : &s->stated;
    if (r->class == CLASS_CODE_LLAMA && other->n)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': special tokens of other names, such as '%s', are not supported "
                        "beside tokenizer_class %s",
                        d->path, other->items[0].text.data, tokenizer_class_name(r->class));
    for (size_t i = 0; d->source == SOURCE_PIECES && d->unk_token && i < s->plain.n; i++)
        if (json_key_is(s->plain.items[i].text, d->unk_token) && !s->decoder.given)
            return abl_fail(err, ABL_BAD_MODEL,
                            "'%s': added_tokens.json lists '%s', the token of what is unknown: "
                            "expected it in tokenizer.model alone",
                            d->path, d->unk_token);
    if (s->fix_mistral_regex == SETTING_TRUE && d->n_vocab > 100000)
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': fix_mistral_regex true of tokenizer_config.json is not supported: "
                        "expected the pattern in tokenizer.json itself",
                        d->path);
    return true;
}

// ------------------------------------------------------------------------------------ BOS, padding

static const char end_of_text[] = "<|endoftext|>";

static bool keep(struct definition *d, const char **list, size_t *n, const char *text,
                 struct abl_err *err)
{
    if (!text || !*text)
        return true;
    list[*n] = arena_strdup(&d->arena, text);
    return list[(*n)++] || abl_no_memory(err);
}

static bool is_in_file(const struct definition *d, struct json_text text)
{
    for (size_t i = 0; i < d->n_vocab; i++)
        if (d->vocab[i].len == text.len && memcmp(d->vocab[i].text, text.data, text.len) == 0)
            return true;
    for (size_t i = 0; i < d->n_added; i++)
        if (d->added[i].len == text.len && memcmp(d->added[i].text, text.data, text.len) == 0)
            return true;
    return false;
}

// The token of that role; none where its class only supposes one.
static const char *bos_text(const struct definition *d, const struct tokenizer_reading *r)
{
    const struct special_token *t = &r->roles[ROLE_BOS];
    return t->text.data && (t->given || is_in_file(d, t->text)) ? t->text.data : NULL;
}

static bool apply_ends(struct definition *d, const struct tokenizer_settings *s,
                       const struct tokenizer_reading *r, struct abl_err *err)
{
    struct definition_ends *e = &d->ends;
    bool by_template = r->template && d->template.n_before, put = r->puts_bos || by_template;
    const char *bos = bos_text(d, r);
    struct json_text end = { .data = end_of_text, .len = sizeof end_of_text - 1 };
    const char *family = s->bos_family && is_in_file(d, end) ? end_of_text : NULL;
    size_t n_bos = 0, n_pad = 0;
    e->bos_exact = by_template ? d->template.id : TOKEN_NONE;
    e->bos_id = s->config_bos;
    e->pad_id = s->config_eos;
    // a role that is given as null is no token
    e->puts_bos = s->bos_family || (put && (by_template || bos));
    return keep(d, e->bos, &n_bos, by_template ? d->template.before : NULL, err)
           && keep(d, e->bos, &n_bos, bos, err) && keep(d, e->bos, &n_bos, d->template.before, err)
           && keep(d, e->bos, &n_bos, family, err)
           && keep(d, e->pad, &n_pad, s->roles[ROLE_PAD].text.data, err)
           && keep(d, e->pad, &n_pad, s->roles[ROLE_EOS].text.data, err)
           && keep(d, e->pad, &n_pad, s->config_eos == TOKEN_NONE ? family : NULL, err);
}

// ------------------------------------------------------------------------------------ added tokens

static bool vocabulary_index(const struct definition *d, struct string_index *out,
                             struct abl_err *err)
{
    for (size_t i = 0; i < d->n_vocab; i++)
        if (!string_index_put(out, d->vocab[i].text, d->vocab[i].len, d->vocab[i].id))
            return abl_no_memory(err);
    return true;
}

static void describe(const struct added_token *t, char out[128])
{
    if (!t) {
        snprintf(out, 128, "none");
        return;
    }
    static const struct {
        unsigned flag;
        const char *name;
    } flags[] = { { ADDED_SPECIAL, "special" },
                  { ADDED_LSTRIP, "lstrip" },
                  { ADDED_RSTRIP, "rstrip" },
                  { ADDED_SINGLE_WORD, "single_word" },
                  { ADDED_NORMALIZED, "normalized" } };
    int n = snprintf(out, 128, "id %" PRIu32, t->id);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (t->flags & flags[i].flag && n < 100)
            n += snprintf(out + n, 128 - (size_t)n, ", %s", flags[i].name);
}

static bool same_token(const struct added_token *x, const struct added_token *y)
{
    return x->id == y->id && x->flags == y->flags && x->len == y->len
           && memcmp(x->text, y->text, x->len) == 0;
}

static bool index_tokens(const struct added_token *list, size_t n, struct string_index *out,
                         struct abl_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!string_index_put(out, list[i].text, list[i].len, (uint32_t)i))
            return abl_no_memory(err);
    return true;
}

// The first of the list that the other has not, or has with other flags; NULL = none.
static const struct added_token *find_different(const struct added_token *list, size_t n,
                                                const struct added_token *other,
                                                const struct string_index *places)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t *place = string_index_find(places, list[i].text, list[i].len);
        if (!place || !same_token(&list[i], &other[*place]))
            return &list[i];
    }
    return NULL;
}

static const struct added_token *look_up(const struct added_token *list,
                                         const struct string_index *places,
                                         const struct added_token *like)
{
    const uint32_t *place = string_index_find(places, like->text, like->len);
    return place ? &list[*place] : NULL;
}

static bool note_token(struct definition *d, const struct added_token *token,
                       const struct added_token *mine, const struct added_token *other,
                       struct abl_err *err)
{
    struct buf what = { 0 };
    char here[128], there[128];
    buf_str(&what, "added token '");
    printable_add(&what, token->text, token->len);
    buf_str(&what, "'");
    describe(mine, here);
    describe(other, there);
    bool ok = what.failed ? abl_no_memory(err)
                          : owner_note_differs(&d->notes, d->like, what.data, here, there, err);
    buf_release(&what);
    return ok;
}

// The first token that owners disagree about.
static bool note_added(struct definition *d, const struct added_token *mine, size_t n_mine,
                       const struct added_token *other, size_t n_other, struct abl_err *err)
{
    struct string_index here = { 0 }, there = { 0 };
    bool ok = index_tokens(mine, n_mine, &here, err) && index_tokens(other, n_other, &there, err);
    const struct added_token *token = ok ? find_different(mine, n_mine, other, &there) : NULL;
    if (ok && !token)
        token = find_different(other, n_other, mine, &here);
    ok = ok
         && (!token
             || note_token(d, token, look_up(mine, &here, token), look_up(other, &there, token),
                           err));
    string_index_release(&here);
    string_index_release(&there);
    return ok;
}

// The list in place of d->added.
static bool take_added(struct definition *d, const struct added_token *list, size_t n,
                       struct abl_err *err)
{
    d->n_added = 0;
    for (size_t i = 0; i < n; i++) {
        struct json_text text = { .data = list[i].text, .len = list[i].len };
        if (!definition_add_added(d, text, list[i].id, list[i].flags, err))
            return false;
    }
    return true;
}

static bool apply_added(struct definition *d, const struct tokenizer_settings *s,
                        const struct tokenizer_reading *mine, const struct tokenizer_reading *other,
                        struct abl_err *err)
{
    struct string_index model = { 0 };
    struct added_token *list = NULL, *others = NULL;
    size_t n = 0, n_others = 0;
    enum owner not_me
        = d->like == OWNER_TRANSFORMERS_5 ? OWNER_TRANSFORMERS_4 : OWNER_TRANSFORMERS_5;
    bool ok = vocabulary_index(d, &model, err)
              && class_tokens(d, s, mine, d->like, &model, &list, &n, err)
              && class_tokens(d, s, other, not_me, &model, &others, &n_others, err)
              && note_added(d, list, n, others, n_others, err) && take_added(d, list, n, err);
    for (size_t i = 0; ok && mine->splits_special && i < d->n_added; i++)
        if (d->added[i].flags & ADDED_SPECIAL)
            d->added[i].flags |= ADDED_SPELT;
    free(list);
    free(others);
    string_index_release(&model);
    return ok;
}

// ------------------------------------------------------------------------------------------ prefix

// How U+2581, a space, comes before a text.
enum prefix_style {
    PREFIX_NONE,
    PREFIX_FIRST,   // before the text, unless it begins with one
    PREFIX_ALWAYS,  // before every stretch between added tokens, unless it begins with one
    PREFIX_EVEN_SO, // before every stretch
    PREFIX_BYTES,   // a byte-level step's
    PREFIX_OTHER,
};

static enum prefix_style style_of_prepend(enum metaspace_prepend p)
{
    return p == PREPEND_ALWAYS ? PREFIX_ALWAYS : p == PREPEND_FIRST ? PREFIX_FIRST : PREFIX_NONE;
}

static enum prefix_style style_of(const struct definition *d, const struct tokenizer_reading *r)
{
    const struct definition_cut *cut = d->n_cuts ? &d->cuts[d->n_cuts - 1] : NULL;
    switch (r->steps) {
    case STEPS_MARK:
        return style_of_prepend(r->prepend);
    case STEPS_PIECES:
        // one before the text is put even if the text begins with one, where it is put to all
        return r->prepend == PREPEND_ALWAYS ? PREFIX_EVEN_SO : style_of_prepend(r->prepend);
    case STEPS_PREPEND:
        return r->prefix ? PREFIX_EVEN_SO : PREFIX_NONE;
    case STEPS_PREFIX:
        return r->prefix ? PREFIX_BYTES : PREFIX_NONE;
    case STEPS_FILE:
        break;
    }
    if (cut && cut->kind == CUT_BYTE_LEVEL)
        return cut->add_prefix_space ? PREFIX_BYTES : PREFIX_NONE;
    if (cut && cut->kind == CUT_METASPACE)
        return style_of_prepend(cut->prepend);
    if (d->n_normals && d->normals[0].kind == NORMAL_PREPEND)
        return PREFIX_EVEN_SO;
    return d->source == SOURCE_VOCAB ? PREFIX_NONE : PREFIX_OTHER;
}

// Owners that put a space before a text in different ways disagree about few texts.
static bool note_prefix(struct definition *d, enum prefix_style mine, enum prefix_style other,
                        struct abl_err *err)
{
    static const char *const names[] = {
        [PREFIX_NONE] = "no space is put before a text",
        [PREFIX_FIRST] = "a space is put before a text alone, unless it begins with one",
        [PREFIX_ALWAYS] = "a space is put before a text and behind special tokens, unless one "
                          "stands there",
        [PREFIX_EVEN_SO] = "a space is put before a text and behind special tokens, even where one "
                           "stands there",
        [PREFIX_BYTES] = "a space is put before a text",
        [PREFIX_OTHER] = "the file says",
    };
    if (mine == other)
        return true;
    bool few = mine >= PREFIX_FIRST && mine <= PREFIX_EVEN_SO && other >= PREFIX_FIRST
               && other <= PREFIX_EVEN_SO;
    if (!few)
        return owner_note_differs(&d->notes, d->like, "tokens", names[mine], names[other], err);
    d->doubt_about = mine == PREFIX_FIRST || other == PREFIX_FIRST ? DOUBT_BEHIND : DOUBT_SPACE;
    d->doubt = owner_difference(&d->arena, d->like, "tokens", names[mine], names[other]);
    return d->doubt || abl_no_memory(err);
}

static const char *bos_name(const struct definition *d, const struct tokenizer_reading *r)
{
    if (r->template)
        return d->template.n_before ? d->template.before : "none";
    const char *bos = r->puts_bos ? bos_text(d, r) : NULL;
    return bos ? bos : "none";
}

static bool note_readings(struct definition *d, const struct tokenizer_settings *s,
                          const struct tokenizer_reading *mine,
                          const struct tokenizer_reading *other, struct abl_err *err)
{
    const char *bos = bos_name(d, mine), *other_bos = bos_name(d, other);
    if (!note_prefix(d, style_of(d, mine), style_of(d, other), err))
        return false;
    if (!s->bos_family && strcmp(bos, other_bos) != 0
        && !owner_note_differs(&d->notes, d->like, "BOS", bos, other_bos, err))
        return false;
    if (mine->class == CLASS_OTHER)
        return owner_note(&d->notes, err,
                          "tokenizer class %s is not known here: read as its files say",
                          s->class_name ? s->class_name : s->model_class);
    return true;
}

bool tokenizer_apply(struct definition *d, const struct tokenizer_settings *s, struct abl_err *err)
{
    struct tokenizer_reading mine, other;
    enum owner not_me
        = d->like == OWNER_TRANSFORMERS_5 ? OWNER_TRANSFORMERS_4 : OWNER_TRANSFORMERS_5;
    tokenizer_reading_of(s, d, d->like, &mine);
    tokenizer_reading_of(s, d, not_me, &other);
    if (!check_ends(d, s, &mine, err) || !note_class_steps(d, &mine, err)
        || !note_lacking(d, s, &mine, err) || !note_readings(d, s, &mine, &other, err)
        || !apply_ends(d, s, &mine, err))
        return false;
    // A tokenizer.model by itself is read as SentencePiece reads it.
    // A GGUF file's tokens are added where they stand.
    if (d->source == SOURCE_GGUF || (d->source == SOURCE_PIECES && !s->read_any))
        return d->source != SOURCE_GGUF || class_steps_apply(d, &mine, NULL, err);
    struct buf pattern = { 0 };
    bool ok = (mine.steps != STEPS_PIECES || class_steps_whole(d, &pattern, err))
              && apply_added(d, s, &mine, &other, err)
              && class_steps_apply(d, &mine, &pattern, err);
    buf_release(&pattern);
    return ok;
}
