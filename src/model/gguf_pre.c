#include "model/gguf_pre.h"

#include <string.h>

#define KEY "tokenizer.ggml.pre"

// Each pattern cuts what the one before left, matches and what lies between them. Where the
// checkpoints' own say (?i:'s), llama.cpp spells out ASCII's letters.
#define CONTRACTION "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K(number)                                                                             \
    CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" number "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define UPPER "((?=[\\p{L}])([^a-z]))"
#define LOWER "((?=[\\p{L}])([^A-Z]))"
#define WORD(upper, lower) "[^\\r\\n\\p{L}\\p{N}]?" UPPER upper LOWER lower
#define BEHIND_WORDS(number) "|" number "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES

enum { MAX_PATTERNS = 4 };

static const char *const gpt2[MAX_PATTERNS] = { GPT2 };
static const char *const digits[MAX_PATTERNS] = { "\\p{N}", GPT2 };
static const char *const llama3[MAX_PATTERNS] = { CL100K("\\p{N}{1,3}") };
static const char *const qwen2[MAX_PATTERNS] = { CL100K("\\p{N}") };
static const char *const tekken[MAX_PATTERNS]
    = { WORD("*", "+") "|" WORD("+", "*") BEHIND_WORDS("\\p{N}") };
static const char *const gpt4o[MAX_PATTERNS] = { WORD("*", "+") CONTRACTION "?|" WORD("+", "*")
                                                     CONTRACTION "?" BEHIND_WORDS("\\p{N}{1,3}") };
static const char *const falcon[MAX_PATTERNS]
    = { "[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]" };
static const char *const unsaid[MAX_PATTERNS]
    = { "[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]" };

static const struct pre {
    const char *name;
    const char *const *patterns; // (MAX_PATTERNS), NULL behind the last
    bool nfc, ignore_merges, bos;
} pres[] = {
    { "gpt-2", gpt2, false, false, false },
    { "phi-2", gpt2, false, false, false },
    { "mpt", gpt2, false, false, false },
    { "olmo", gpt2, false, false, false },
    { "jais", gpt2, false, false, false },
    { "trillion", gpt2, false, false, false },
    { "gigachat", gpt2, false, false, false },
    { "a.x-4.0", gpt2, false, false, false },
    { "mellum", gpt2, false, false, false },
    { "exaone4", gpt2, false, false, false },
    { "granite-docling", gpt2, false, false, false },
    { "smollm", digits, false, false, false },
    { "starcoder", digits, false, false, false },
    { "refact", digits, false, false, false },
    { "command-r", digits, false, false, false },
    { "codeshell", digits, false, false, false },
    { "exaone", digits, false, false, false },
    { "minerva-7b", digits, false, false, false },
    { "mellum2", digits, false, false, false },
    { "llama-bpe", llama3, false, true, true },
    { "llama3", llama3, false, true, true },
    { "llama-v3", llama3, false, true, true },
    { "falcon3", llama3, false, true, true },
    { "falcon-h1", llama3, false, true, true },
    { "pixtral", llama3, false, true, true },
    { "midm-2.0", llama3, false, true, true },
    { "lfm2", llama3, false, true, true },
    { "dbrx", llama3, false, false, false },
    { "smaug-bpe", llama3, false, false, false },
    { "qwen2", qwen2, true, false, false },
    { "deepseek-r1-qwen", qwen2, true, false, false },
    { "kormo", qwen2, false, false, false },
    { "f2llmv2", qwen2, false, false, false },
    { "megrez", qwen2, false, false, false },
    { "hunyuan", qwen2, false, false, false },
    { "solar-open", qwen2, false, false, false },
    { "grok-2", qwen2, false, false, false },
    { "stablelm2", qwen2, false, false, false },
    { "tekken", tekken, false, true, true },
    { "gpt-4o", gpt4o, false, false, false },
    { "llama4", gpt4o, false, false, false },
    { "falcon", falcon, false, false, false },
};

static const struct pre pre_unsaid = { "default", unsaid, false, false, false };

// Files of before May 2024 do not say; such a cut is most likely not the model's own.
static bool say_unsaid(struct definition *d, bool is_there, struct abl_err *err)
{
    return owner_note(&d->notes, err,
                      "%s '" KEY "': texts are cut as llama.cpp cuts them then, which is "
                      "not how most models were trained; convert the model anew, or set the key "
                      "(llama-bpe for Llama 3)",
                      is_there ? "the file has only 'default' as its" : "the file has no");
}

static const struct pre *find_pre(const struct gguf *g, struct definition *d, struct abl_err *err)
{
    const struct gguf_value *v = gguf_find(g, KEY);
    if (!v || (v->kind == GGUF_STRING && (!v->s.len || strcmp(v->s.data, "default") == 0)))
        return say_unsaid(d, v && v->s.len, err) ? &pre_unsaid : NULL;
    for (size_t i = 0; v->kind == GGUF_STRING && i < sizeof pres / sizeof *pres; i++)
        if (strcmp(v->s.data, pres[i].name) == 0)
            return &pres[i];
    abl_fail(err, ABL_BAD_MODEL,
             "'" KEY "' %.40s of '%s' is not supported: expected gpt-2, olmo, smollm, starcoder, "
             "llama-bpe, qwen2, tekken or another known way to cut a text",
             v->kind == GGUF_STRING ? v->s.data : "that is no text", d->path);
    return NULL;
}

static bool is_arch(const struct gguf *g, const char *name)
{
    const struct gguf_value *v = gguf_find(g, "general.architecture");
    return v && v->kind == GGUF_STRING && strcmp(v->s.data, name) == 0;
}

bool gguf_pre_steps(const struct gguf *g, struct definition *d, bool *puts_bos, struct abl_err *err)
{
    const struct pre *p = find_pre(g, d, err);
    if (!p)
        return false;
    // The tokenizers of NeoX and Qwen 2 normalise, which the format does not say.
    if (p->nfc || is_arch(g, "gptneox")) {
        if (!definition_add_normal(d, (struct definition_normal){ .kind = NORMAL_NFC }, err))
            return false;
        d->doubt = "texts: brought to NFC first, as the model's own tokenizer does (llama.cpp does "
                   "not)";
        d->doubt_about = DOUBT_NORMAL;
    }
    for (size_t i = 0; i < MAX_PATTERNS && p->patterns[i]; i++) {
        struct json_text text = { .data = p->patterns[i], .len = strlen(p->patterns[i]) };
        struct definition_cut cut = { .kind = CUT_SPLIT, .pattern = text };
        if (!definition_add_cut(d, cut, err))
            return false;
    }
    d->byte_level = true;
    d->ignore_merges = p->ignore_merges;
    *puts_bos = p->bos;
    return definition_add_cut(d, (struct definition_cut){ .kind = CUT_BYTE_LEVEL }, err);
}
