#include "text/tokenizer_steps.h"

#include <stdlib.h>
#include <string.h>

#include "text/definition.h"
#include "text/pattern.h"

// What one object says, before its type is looked at: the type may come last.
struct step {
    struct definition *d;
    struct json_text type, text, content, scheme, behavior, replacement;
    bool literal; // the pattern is a text, not a regular expression
    size_t byte;  // where it ends in the file
    bool has_pattern, add_prefix_space, has_prefix_space, use_regex, individual, invert, split;
};

static bool read_regex(struct json *j, void *to)
{
    struct step *s = to;
    bool ok = json_string(j, &s->text);
    s->has_pattern = true;
    s->byte = j->pos;
    return ok;
}

static bool read_literal(struct json *j, void *to)
{
    struct step *s = to;
    s->literal = true;
    return read_regex(j, to);
}

// {"String": "…"} or {"Regex": "…"}
static bool read_pattern(struct json *j, void *to)
{
    static const struct field fields[]
        = { FIELD("String", read_literal), FIELD("Regex", read_regex) };
    return read_fields(j, fields, 2, to);
}

// -------------------------------------------------------------------------------------- normalizer

static bool read_normalizers(struct json *j, void *to)
{
    return read_items(j, steps_read_normalizer, ((struct step *)to)->d);
}

static bool add_normal(struct json *j, struct step *s, enum normal_kind kind)
{
    struct definition_normal n
        = { .kind = kind, .from = s->text, .to = s->content, .byte = s->byte };
    if (kind == NORMAL_REPLACE && !s->has_pattern)
        return json_fail(j, "normalizer Replace without a pattern: expected a String or a Regex");
    // An empty text is found before every character, as an empty expression is.
    if (kind == NORMAL_REPLACE && !(s->literal && s->text.len))
        n.kind = NORMAL_REPLACE_MATCHES;
    return definition_add_normal(s->d, n, j->err);
}

bool steps_read_normalizer(struct json *j, void *to)
{
    static const struct field fields[] = {
        FIELD_AT("type", read_text, struct step, type),
        FIELD_AT("prepend", read_text, struct step, content),
        FIELD("pattern", read_pattern),
        FIELD_AT("content", read_text_or_null, struct step, content),
        FIELD("normalizers", read_normalizers),
    };
    static const struct {
        const char *name;
        enum normal_kind kind;
    } kinds[] = {
        { "NFC", NORMAL_NFC },
        { "NFD", NORMAL_NFD },
        { "Prepend", NORMAL_PREPEND },
        { "Replace", NORMAL_REPLACE },
    };
    struct step s = { .d = to };
    if (json_took_null(j))
        return true;
    if (!read_fields(j, fields, sizeof fields / sizeof *fields, &s))
        return false;
    if (s.type.data && json_key_is(s.type, "Sequence"))
        return true;
    for (size_t i = 0; s.type.data && i < sizeof kinds / sizeof *kinds; i++)
        if (json_key_is(s.type, kinds[i].name))
            return add_normal(j, &s, kinds[i].kind);
    return json_fail(j,
                     "normalizer %.40s is not supported: expected null, NFC, NFD, Prepend,"
                     " Replace or Sequence",
                     s.type.data ? s.type.data : "without a type");
}

// ----------------------------------------------------------------------------------- pre-tokenizer

static bool read_pre_tokenizers(struct json *j, void *to)
{
    ((struct step *)to)->d->cuts_listed = true;
    return read_items(j, steps_read_pre_tokenizer, ((struct step *)to)->d);
}

static bool read_prefix(struct json *j, void *to)
{
    struct step *s = to;
    s->has_prefix_space = true;
    return json_bool(j, &s->add_prefix_space);
}

static bool add_cut(struct json *j, struct step *s, struct definition_cut c)
{
    return definition_add_cut(s->d, c, j->err);
}

static bool add_byte_level(struct json *j, struct step *s)
{
    if (!s->has_prefix_space)
        return json_fail(j, "pre_tokenizer without add_prefix_space");
    s->d->byte_level = true;
    return add_cut(j, s,
                   (struct definition_cut){ .kind = CUT_BYTE_LEVEL,
                                            .add_prefix_space = s->add_prefix_space,
                                            .cuts = s->use_regex });
}

// Files of old have add_prefix_space where newer ones have prepend_scheme.
static bool add_metaspace(struct json *j, struct step *s)
{
    static const char mark[] = "\xe2\x96\x81";
    struct definition_cut c = { .kind = CUT_METASPACE, .cuts = s->split };
    if (s->replacement.data && !json_key_is(s->replacement, mark))
        return json_fail(j,
                         "pre_tokenizer Metaspace with replacement \"%.8s\" is not supported:"
                         " expected U+2581",
                         s->replacement.data);
    if (!s->scheme.data)
        c.prepend = s->has_prefix_space && !s->add_prefix_space ? PREPEND_NEVER : PREPEND_ALWAYS;
    else if (json_key_is(s->scheme, "always"))
        c.prepend = PREPEND_ALWAYS;
    else if (json_key_is(s->scheme, "first"))
        c.prepend = PREPEND_FIRST;
    else if (json_key_is(s->scheme, "never"))
        c.prepend = PREPEND_NEVER;
    else
        return json_fail(j,
                         "prepend_scheme \"%.20s\" is not supported: expected always, first or"
                         " never",
                         s->scheme.data);
    return add_cut(j, s, c);
}

static bool find_behavior(struct json *j, const struct step *s, enum cut_behavior *out)
{
    static const struct {
        const char *name;
        enum cut_behavior behavior;
    } behaviors[] = {
        { "Isolated", CUT_ISOLATED },
        { "Removed", CUT_REMOVED },
        { "MergedWithPrevious", CUT_MERGED_WITH_PREVIOUS },
        { "MergedWithNext", CUT_MERGED_WITH_NEXT },
        { "Contiguous", CUT_CONTIGUOUS },
    };
    for (size_t i = 0; s->behavior.data && i < sizeof behaviors / sizeof *behaviors; i++)
        if (json_key_is(s->behavior, behaviors[i].name)) {
            *out = behaviors[i].behavior;
            return true;
        }
    return json_fail(j,
                     "pre_tokenizer %.20s with behavior %.40s is not supported: expected Isolated,"
                     " Removed, MergedWithPrevious, MergedWithNext or Contiguous",
                     s->type.data, s->behavior.data ? s->behavior.data : "missing");
}

static bool add_split(struct json *j, struct step *s)
{
    struct definition_cut c = {
        .kind = CUT_SPLIT,
        .pattern = s->text,
        .literal = s->literal,
        .invert = s->invert,
        .byte = s->byte,
    };
    if (!s->has_pattern)
        return json_fail(j, "pre_tokenizer Split without a pattern: expected a String or a Regex");
    return find_behavior(j, s, &c.behavior) && add_cut(j, s, c);
}

// Where the file does not say, each character of punctuation stands alone.
static bool add_punctuation(struct json *j, struct step *s)
{
    const char *pattern = pattern_punctuation();
    struct definition_cut c
        = { .kind = CUT_SPLIT, .pattern = { .data = pattern, .len = strlen(pattern) } };
    return (!s->behavior.data || find_behavior(j, s, &c.behavior)) && add_cut(j, s, c);
}

static bool add_digits(struct json *j, struct step *s)
{
    const char *pattern = s->individual ? "\\p{N}" : "\\p{N}+";
    struct json_text text = { .data = pattern, .len = strlen(pattern) };
    return add_cut(j, s, (struct definition_cut){ .kind = CUT_SPLIT, .pattern = text });
}

bool steps_read_pre_tokenizer(struct json *j, void *to)
{
    static const struct field fields[] = {
        FIELD_AT("type", read_text, struct step, type),
        FIELD("add_prefix_space", read_prefix),
        FIELD_AT("use_regex", read_bool, struct step, use_regex),
        FIELD("pattern", read_pattern),
        FIELD_AT("behavior", read_text, struct step, behavior),
        FIELD_AT("invert", read_bool, struct step, invert),
        FIELD_AT("individual_digits", read_bool, struct step, individual),
        FIELD_AT("replacement", read_text, struct step, replacement),
        FIELD_AT("prepend_scheme", read_text, struct step, scheme),
        FIELD_AT("split", read_bool, struct step, split),
        FIELD("pretokenizers", read_pre_tokenizers),
    };
    static const struct {
        const char *name;
        bool (*add)(struct json *j, struct step *s);
    } kinds[] = {
        { "ByteLevel", add_byte_level }, { "Metaspace", add_metaspace },     { "Split", add_split },
        { "Digits", add_digits },        { "Punctuation", add_punctuation },
    };
    struct step s = { .d = to, .use_regex = true, .split = true };
    if (json_took_null(j))
        return true;
    if (!read_fields(j, fields, sizeof fields / sizeof *fields, &s))
        return false;
    if (s.type.data && json_key_is(s.type, "Sequence"))
        return true;
    for (size_t i = 0; s.type.data && i < sizeof kinds / sizeof *kinds; i++)
        if (json_key_is(s.type, kinds[i].name))
            return kinds[i].add(j, &s);
    return json_fail(j,
                     "pre_tokenizer %.40s is not supported: expected null, ByteLevel, Metaspace,"
                     " Split, Digits, Punctuation or Sequence",
                     s.type.data ? s.type.data : "without a type");
}
