// Patterns of tokenizer files, in the reference's regular expressions, compiled by PCRE2.
#define PCRE2_CODE_UNIT_WIDTH 8

#include "text/pattern.h"

#include <string.h>

#include <pcre2.h>

#include "base/buf.h"

// White_Space spelt out: PCRE2's \s has U+180E as well,
// which the reference tokenizers do not count.
#define SPACE                                                                                      \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"    \
    "\\x{205f}\\x{3000}"

// Letters and numbers. Distributions ship PCRE2 with tables as old as Unicode 14; ids must not
// depend on the machine, so what Unicode 15 to 16 added, which the reference knows, is listed here.
// Found by comparing every code point with it.
#define LETTER                                                                                     \
    "\\p{L}\\x{1c89}-\\x{1c8a}\\x{a7cb}-\\x{a7cd}\\x{a7da}-\\x{a7dc}\\x{105c0}-\\x{105f3}"         \
    "\\x{10d4a}-\\x{10d65}\\x{10d6f}-\\x{10d85}\\x{10ec2}-\\x{10ec4}\\x{1123f}-\\x{11240}"         \
    "\\x{11380}-\\x{11389}\\x{1138b}\\x{1138e}\\x{11390}-\\x{113b5}\\x{113b7}\\x{113d1}"           \
    "\\x{113d3}\\x{11bc0}-\\x{11be0}\\x{11f02}\\x{11f04}-\\x{11f10}\\x{11f12}-\\x{11f33}"          \
    "\\x{1342f}\\x{13441}-\\x{13446}\\x{13460}-\\x{143fa}\\x{16100}-\\x{1611d}"                    \
    "\\x{16d40}-\\x{16d6c}\\x{18cff}\\x{1b132}\\x{1b155}\\x{1df25}-\\x{1df2a}"                     \
    "\\x{1e030}-\\x{1e06d}\\x{1e4d0}-\\x{1e4eb}\\x{1e5d0}-\\x{1e5ed}\\x{1e5f0}\\x{2b739}"          \
    "\\x{2ebf0}-\\x{2ee5d}\\x{31350}-\\x{323af}"
#define NUMBER                                                                                     \
    "\\p{N}\\x{10d40}-\\x{10d49}\\x{116d0}-\\x{116e3}\\x{11bf0}-\\x{11bf9}"                        \
    "\\x{11f50}-\\x{11f59}\\x{16130}-\\x{16139}\\x{16d70}-\\x{16d79}\\x{1ccf0}-\\x{1ccf9}"         \
    "\\x{1d2c0}-\\x{1d2d3}\\x{1e4f0}-\\x{1e4f9}\\x{1e5f1}-\\x{1e5fa}"

static const char gpt2[]
    = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

#define CL100K(digits)                                                                             \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits                           \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const char *pattern_gpt2(void)
{
    return gpt2;
}

const char *pattern_llama3(void)
{
    return CL100K("\\p{N}{1,3}");
}

const char *pattern_qwen2(void)
{
    return CL100K("\\p{N}");
}

// What a class of the file's syntax is spelt out as; the first that the text begins with.
static const struct {
    const char *from, *inside, *outside;
} classes[] = {
    { "\\s", SPACE, "[" SPACE "]" },      { "\\S", NULL, "[^" SPACE "]" },
    { "\\p{L}", LETTER, "[" LETTER "]" }, { "\\P{L}", NULL, "[^" LETTER "]" },
    { "\\p{N}", NUMBER, "[" NUMBER "]" }, { "\\P{N}", NULL, "[^" NUMBER "]" },
};

enum { N_CLASSES = sizeof classes / sizeof *classes };

// Number of a class at text, N_CLASSES where there is none that can be spelt out here.
static size_t find_class(const char *text, size_t len, bool inside)
{
    size_t i = 0;
    for (; i < N_CLASSES; i++) {
        size_t n = strlen(classes[i].from);
        if (n <= len && memcmp(text, classes[i].from, n) == 0 && (!inside || classes[i].inside))
            break;
    }
    return i;
}

// The pattern with its classes spelt out, so that ids do not depend on the tables of
// this machine's PCRE2.
static void spell_out(const char *text, size_t len, struct buf *out)
{
    bool inside = false;
    for (size_t at = 0; at < len;) {
        size_t c = find_class(text + at, len - at, inside);
        if (c < N_CLASSES) {
            buf_str(out, inside ? classes[c].inside : classes[c].outside);
            at += strlen(classes[c].from);
            continue;
        }
        size_t n = text[at] == '\\' && at + 1 < len ? 2 : 1;
        if (n == 1 && text[at] == '[' && !inside) {
            inside = true;
            // "]" first in a class, or behind its "^", is a member
            while (at + n < len && (text[at + n] == '^' || (text[at + n] == ']' && n < 3)))
                n++;
        } else if (n == 1 && text[at] == ']')
            inside = false;
        buf_add(out, text + at, n);
        at += n;
    }
}

bool pattern_compile(const char *text, size_t len, const char *path, struct pcre2_real_code_8 **out,
                     struct abl_err *err)
{
    int number;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[128];
    struct buf spelt = { 0 };
    buf_str(&spelt, "");
    spell_out(text, len, &spelt);
    if (spelt.failed) {
        buf_release(&spelt);
        return abl_no_memory(err);
    }
    pcre2_code *code
        = pcre2_compile((PCRE2_SPTR)spelt.data, spelt.len,
                        PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &number, &at, NULL);
    buf_release(&spelt);
    if (!code) {
        pcre2_get_error_message(number, why, sizeof why);
        return abl_fail(err, ABL_BAD_MODEL,
                        "'%s': pre-tokenizer pattern '%.80s' is not supported: %s", path, text,
                        (const char *)why);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // without JIT on this machine: slower, not wrong
    *out = code;
    return true;
}

void pattern_free(struct pcre2_real_code_8 *code)
{
    pcre2_code_free(code);
}

bool pattern_walk_open(struct pattern_walk *w, const struct pcre2_real_code_8 *code,
                       struct abl_err *err)
{
    *w = (struct pattern_walk){ .code = code, .match = pcre2_match_data_create(1, NULL) };
    return w->match || abl_no_memory(err);
}

bool pattern_next(struct pattern_walk *w, const char *text, size_t len, size_t from, size_t *begin,
                  size_t *end, struct abl_err *err)
{
    PCRE2_UCHAR why[128];
    *begin = *end = len;
    int rc = pcre2_match(w->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                         w->match, NULL);
    if (rc == PCRE2_ERROR_NOMATCH)
        return true;
    if (rc < 0) {
        pcre2_get_error_message(rc, why, sizeof why);
        return abl_fail(err, ABL_BAD_DATA, "cannot cut the text into words: %s", (const char *)why);
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(w->match);
    *begin = ends[0];
    *end = ends[1];
    return true;
}

void pattern_walk_close(struct pattern_walk *w)
{
    pcre2_match_data_free(w->match);
}
