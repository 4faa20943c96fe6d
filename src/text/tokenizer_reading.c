#include "text/tokenizer_reading.h"

#include <string.h>

// ------------------------------------------------------------------------------------------- class

static const char *const class_names[] = {
    [CLASS_PLAIN] = "PreTrainedTokenizer", [CLASS_GPT2] = "GPT2Tokenizer",
    [CLASS_NEOX] = "GPTNeoXTokenizer",     [CLASS_QWEN2] = "Qwen2Tokenizer",
    [CLASS_LLAMA] = "LlamaTokenizer",      [CLASS_CODE_LLAMA] = "CodeLlamaTokenizer",
    [CLASS_OTHER] = "another class",
};

const char *tokenizer_class_name(enum tokenizer_class c)
{
    return class_names[c];
}

static enum tokenizer_class class_of(const char *name)
{
    size_t len = strlen(name);
    if (len > 4 && strcmp(name + len - 4, "Fast") == 0)
        len -= 4;
    static const char backend[] = "TokenizersBackend";
    if (len == sizeof backend - 1 && memcmp(name, backend, len) == 0)
        return CLASS_PLAIN;
    for (size_t i = 0; i < CLASS_OTHER; i++)
        if (strlen(class_names[i]) == len && memcmp(class_names[i], name, len) == 0)
            return (enum tokenizer_class)i;
    return CLASS_OTHER;
}

// The class of each family's models, by owner.
static const struct {
    const char *model_type;
    enum tokenizer_class by[N_OWNERS];
} families[] = {
    { "gpt2", { CLASS_GPT2, CLASS_GPT2 } },    { "gpt_neox", { CLASS_NEOX, CLASS_NEOX } },
    { "llama", { CLASS_PLAIN, CLASS_LLAMA } }, { "mistral", { CLASS_PLAIN, CLASS_LLAMA } },
    { "qwen2", { CLASS_QWEN2, CLASS_QWEN2 } }, { "qwen3", { CLASS_QWEN2, CLASS_QWEN2 } },
};

static bool is_model(const struct tokenizer_settings *s, const char *model_type)
{
    return s->model_type && strcmp(s->model_type, model_type) == 0;
}

// The class that the model's family has. Without config.json: that of the files.
static enum tokenizer_class family_class(const struct tokenizer_settings *s,
                                         const struct definition *d, enum owner owner)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (is_model(s, families[i].model_type))
            return families[i].by[owner];
    return !s->model_type && d->source == SOURCE_VOCAB ? CLASS_GPT2 : CLASS_PLAIN;
}

// transformers 5 does not always take the class that the files name: Qwen 2's models have their
// own, Mistral's a plain one, and a byte-level tokenizer.json is not LLaMA's.
static enum tokenizer_class find_class(const struct tokenizer_settings *s,
                                       const struct definition *d, enum owner owner)
{
    enum tokenizer_class own = family_class(s, d, owner);
    const char *name = s->class_name ? s->class_name : s->model_class;
    if (!name)
        return own;
    enum tokenizer_class named = class_of(name);
    if (d->source == SOURCE_VOCAB && (named == CLASS_PLAIN || named == CLASS_OTHER))
        return own == CLASS_PLAIN ? named : own; // they need a tokenizer.json
    if (owner != OWNER_TRANSFORMERS_5 || named == own)
        return named;
    if (is_model(s, "qwen2"))
        return own;
    bool byte_level = d->source == SOURCE_JSON && d->byte_level;
    if (is_model(s, "mistral") || (named == CLASS_LLAMA && byte_level))
        return CLASS_PLAIN;
    return named;
}

// ---------------------------------------------------------------------------------- special tokens

static void default_role(struct tokenizer_reading *r, enum special_role role, const char *text,
                         bool flagged)
{
    struct special_token *t = &r->roles[role];
    if (!t->given)
        *t = (struct special_token){ .text = { text, strlen(text) },
                                     .flagged = flagged,
                                     .flags = ADDED_SPECIAL };
}

static void default_roles(struct tokenizer_reading *r, const struct definition *d, enum owner owner)
{
    static const char end[] = "<|endoftext|>";
    bool later = owner == OWNER_TRANSFORMERS_5;
    switch (r->class) {
    case CLASS_NEOX:
        if (later)
            default_role(r, ROLE_PAD, "<|padding|>", false);
        // fallthrough
    case CLASS_GPT2:
        default_role(r, ROLE_BOS, end, false);
        default_role(r, ROLE_EOS, end, false);
        default_role(r, ROLE_UNK, end, false);
        break;
    case CLASS_QWEN2:
        default_role(r, ROLE_EOS, end, !later);
        default_role(r, ROLE_UNK, end, !later);
        default_role(r, ROLE_PAD, end, !later);
        break;
    case CLASS_LLAMA:
    case CLASS_CODE_LLAMA:
        default_role(r, ROLE_BOS, "<s>", false);
        default_role(r, ROLE_EOS, "</s>", false);
        default_role(r, ROLE_UNK, "<unk>", false);
        break;
    default:
        if (d->source == SOURCE_PIECES && d->unk_token)
            default_role(r, ROLE_UNK, d->unk_token, false);
        if (d->source == SOURCE_PIECES && d->bos_piece)
            default_role(r, ROLE_BOS, d->bos_piece, false);
        if (d->source == SOURCE_PIECES && d->eos_piece)
            default_role(r, ROLE_EOS, d->eos_piece, false);
    }
}

// Their classes make flagged tokens of plain texts.
static void flag_roles(struct tokenizer_reading *r)
{
    static const enum special_role flagged[] = { ROLE_BOS, ROLE_EOS, ROLE_UNK, ROLE_PAD };
    for (size_t i = 0; i < sizeof flagged / sizeof *flagged; i++)
        if (r->roles[flagged[i]].text.data && !r->roles[flagged[i]].flagged) {
            r->roles[flagged[i]].flagged = true;
            r->roles[flagged[i]].flags = ADDED_SPECIAL;
        }
}

// ------------------------------------------------------------------------------------- BOS and EOS

// What stands before and behind a text.
static void read_ends(const struct tokenizer_settings *s, const struct definition *d,
                      enum owner owner, struct tokenizer_reading *r)
{
    bool json = d->source == SOURCE_JSON, later = owner == OWNER_TRANSFORMERS_5;
    bool llama = r->class == CLASS_LLAMA || r->class == CLASS_CODE_LLAMA;
    enum setting bos = s->add_bos_token, eos = s->add_eos_token;
    bool by_setting = later ? !json || r->class == CLASS_NEOX || r->class == CLASS_CODE_LLAMA
                            : !json || llama || r->class == CLASS_NEOX;
    if (!by_setting) {
        r->template = true;
        return;
    }
    if (d->source == SOURCE_PIECES && !s->read_any) {
        // Whoever has only this file puts BOS first, where the model has one.
        r->puts_bos = d->bos_piece != NULL;
        return;
    }
    bool default_bos = later ? r->class == CLASS_CODE_LLAMA : llama;
    if (later && json)
        bos = eos = SETTING_ABSENT; // they are not looked at beside a tokenizer.json
    r->puts_bos = bos == SETTING_ABSENT ? default_bos : bos == SETTING_TRUE;
    r->puts_eos = eos == SETTING_TRUE;
    if (!later && r->class == CLASS_QWEN2)
        r->puts_bos = r->puts_eos = false;
    if (!later && r->class == CLASS_GPT2)
        r->puts_eos = false;
}

// ------------------------------------------------------------------------------------------- steps

static bool is_mark(struct json_text t)
{
    return t.len == 3 && memcmp(t.data, "\xe2\x96\x81", 3) == 0;
}

// Whether the file's steps are one of the two forms that LLaMA's tokenizers have: U+2581 put in by
// normalisers, or by Metaspace.
static bool has_llama_steps(const struct definition *d)
{
    const struct definition_normal *n = d->normals;
    if (!d->byte_fallback || !d->fuse_unk || d->ignore_merges)
        return false;
    if (!d->n_normals)
        return d->n_cuts == 1 && d->cuts[0].kind == CUT_METASPACE && !d->cuts[0].cuts;
    const struct definition_normal *last = &n[d->n_normals - 1];
    bool escapes = last->kind == NORMAL_REPLACE && last->from.len == 1 && last->from.data[0] == ' '
                   && is_mark(last->to);
    return !d->n_cuts && escapes
           && (d->n_normals == 1
               || (d->n_normals == 2 && n->kind == NORMAL_PREPEND && is_mark(n->to)));
}

static void read_llama_steps(const struct tokenizer_settings *s, const struct definition *d,
                             enum owner owner, struct tokenizer_reading *r)
{
    bool later = owner == OWNER_TRANSFORMERS_5, pieces = d->source == SOURCE_PIECES;
    if (later) {
        r->prefix = s->add_prefix_space != SETTING_FALSE;
        r->prepend = !r->prefix                                             ? PREPEND_NEVER
                     : s->legacy == SETTING_TRUE && r->class == CLASS_LLAMA ? PREPEND_ALWAYS
                                                                            : PREPEND_FIRST;
        r->steps = STEPS_MARK;
        r->drops_unknown = r->class == CLASS_LLAMA;
        return;
    }
    // The older one builds anew where it is told so, or has nothing else.
    bool anew = pieces || s->from_slow == SETTING_TRUE
                || (r->class == CLASS_LLAMA && s->add_prefix_space >= SETTING_FALSE);
    if (!anew)
        return;
    r->prefix = s->add_prefix_space == SETTING_ABSENT || s->add_prefix_space == SETTING_TRUE;
    r->steps = s->legacy == SETTING_FALSE ? STEPS_MARK : STEPS_PREPEND;
    r->prepend = r->prefix ? PREPEND_FIRST : PREPEND_NEVER;
}

static void read_byte_steps(const struct tokenizer_settings *s, const struct definition *d,
                            enum owner owner, struct tokenizer_reading *r)
{
    bool later = owner == OWNER_TRANSFORMERS_5;
    // of vocab.json and merges.txt the class has yet to put its steps
    bool one = d->source == SOURCE_VOCAB ? r->class != CLASS_QWEN2
                                         : d->n_cuts == 1 && d->cuts[0].kind == CUT_BYTE_LEVEL;
    bool alone = one && !d->cuts_listed;
    bool owned = r->class == CLASS_GPT2 || r->class == CLASS_NEOX || r->class == CLASS_QWEN2;
    if (later ? !owned : !alone)
        return;
    if (s->add_prefix_space == SETTING_NULL && !(later && r->class == CLASS_QWEN2))
        return;
    // An absent switch is off; but what stands inside of a file's list of steps stays.
    if (s->add_prefix_space == SETTING_ABSENT && !alone)
        return;
    r->steps = STEPS_PREFIX;
    r->prefix = s->add_prefix_space == SETTING_TRUE;
}

static void read_steps(const struct tokenizer_settings *s, const struct definition *d,
                       enum owner owner, struct tokenizer_reading *r)
{
    bool later = owner == OWNER_TRANSFORMERS_5;
    bool llama = r->class == CLASS_LLAMA || r->class == CLASS_CODE_LLAMA;
    if (d->source == SOURCE_PIECES && !llama) {
        bool always = s->legacy == SETTING_ABSENT || s->legacy == SETTING_TRUE;
        if (later && s->read_any) {
            r->steps = STEPS_PIECES;
            r->prepend = !d->pieces_prefix ? PREPEND_NEVER
                         : always          ? PREPEND_ALWAYS
                                           : PREPEND_FIRST;
        }
    } else if (llama) {
        read_llama_steps(s, d, owner, r);
        if (d->source == SOURCE_JSON && r->steps != STEPS_FILE && !has_llama_steps(d)) {
            r->steps = STEPS_FILE;
            r->drops_unknown = false;
            r->class_steps = true;
        }
    } else
        read_byte_steps(s, d, owner, r);
}

enum score_order tokenizer_score_order(const struct tokenizer_settings *s,
                                       const struct definition *d)
{
    enum tokenizer_class class = find_class(s, d, d->like);
    if (!s->read_any || (class != CLASS_LLAMA && class != CLASS_CODE_LLAMA))
        return ORDER_SENTENCEPIECE;
    return d->like == OWNER_TRANSFORMERS_5 ? ORDER_PLACE : ORDER_SCORE;
}

struct piece_names tokenizer_piece_names(const struct tokenizer_settings *s,
                                         const struct definition *d)
{
    enum tokenizer_class class = find_class(s, d, d->like);
    bool llama = class == CLASS_LLAMA || class == CLASS_CODE_LLAMA;
    bool later = d->like == OWNER_TRANSFORMERS_5;
    const struct numbered_list *list = s->decoder.given ? &s->decoder : &s->plain;
    if (!s->read_any || llama == later)
        return (struct piece_names){ 0 };
    // the older one asks its tokenizer for the names of <unk>, <s> and </s>
    return (struct piece_names){ list->items, list->n, later ? UINT32_MAX : 3, later };
}

// As llama.cpp does, whoever is asked.
static void read_gguf(const struct tokenizer_settings *s, const struct definition *d,
                      struct tokenizer_reading *r)
{
    r->puts_bos = s->add_bos_token == SETTING_TRUE;
    r->puts_eos = s->add_eos_token == SETTING_TRUE;
    if (d->byte_level)
        return;
    r->steps = STEPS_PREPEND;
    r->prefix = s->add_prefix_space != SETTING_FALSE;
}

void tokenizer_reading_of(const struct tokenizer_settings *s, const struct definition *d,
                          enum owner owner, struct tokenizer_reading *out)
{
    bool later = owner == OWNER_TRANSFORMERS_5, gguf = d->source == SOURCE_GGUF;
    struct tokenizer_reading r = { .class = gguf ? CLASS_PLAIN : find_class(s, d, owner) };
    memcpy(r.roles, s->roles, sizeof r.roles);
    if (gguf) {
        read_gguf(s, d, &r);
        *out = r;
        return;
    }
    default_roles(&r, d, owner);
    if (!later && (r.class == CLASS_QWEN2 || d->source != SOURCE_JSON))
        flag_roles(&r);
    read_ends(s, d, owner, &r);
    read_steps(s, d, owner, &r);
    r.fresh = later && d->source == SOURCE_JSON && r.class != CLASS_PLAIN && r.class != CLASS_OTHER;
    r.splits_special = s->split_special_tokens == SETTING_TRUE;
    r.repeats_special = later && r.class == CLASS_QWEN2;
    *out = r;
}
