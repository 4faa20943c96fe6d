#define PCRE2_CODE_UNIT_WIDTH 8

#include "text/pretokenizer.h"

#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

// White_Space spelt out: PCRE2's \s has U+180E as well, which the reference tokenizers do not count.
#define SPACE                                                                                      \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"    \
    "\\x{205f}\\x{3000}"

// Letters and numbers. Distributions ship PCRE2 with tables as old as Unicode 14; ids must not depend on the machine, so
// what Unicode 15 to 16 added, which the reference knows, is listed here. Found by comparing every code point with it.
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

static const char *const patterns[] = {
    [PATTERN_NONE] = NULL,
    [PATTERN_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?[" LETTER "]+| ?[" NUMBER "]+"
                     "| ?[^" SPACE LETTER NUMBER "]+|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+",
};

static bool compile(const char *pattern, pcre2_code **out, struct abl_err *err)
{
    int number;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[128];
    pcre2_code *code
        = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                        PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &number, &at, NULL);
    if (!code) {
        pcre2_get_error_message(number, why, sizeof why);
        return abl_fail(err, ABL_FAILED, "pre-tokenizer pattern does not compile at %zu: %s", at,
                        (const char *)why);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // without JIT on this machine: slower, not wrong
    *out = code;
    return true;
}

bool pretokenizer_init(struct pretokenizer *p, enum pretokenizer_pattern pattern,
                       bool add_prefix_space, struct abl_err *err)
{
    pcre2_code *code = NULL;
    if (patterns[pattern] && !compile(patterns[pattern], &code, err))
        return false;
    *p = (struct pretokenizer){ .code = code, .add_prefix_space = add_prefix_space };
    return true;
}

void pretokenizer_release(struct pretokenizer *p)
{
    pcre2_code_free(p->code);
    *p = (struct pretokenizer){ 0 };
}

static bool prefix_space(struct pieces *w, struct abl_err *err)
{
    w->copy = malloc(w->len + 1);
    if (!w->copy)
        return abl_no_memory(err);
    w->copy[0] = ' ';
    memcpy(w->copy + 1, w->text, w->len);
    w->text = w->copy;
    w->len++;
    return true;
}

bool pieces_open(struct pieces *w, const struct pretokenizer *p, const char *text, size_t len,
                 struct abl_err *err)
{
    struct pieces made = { .pretokenizer = p, .text = text, .len = len };
    if (p->code) {
        made.match = pcre2_match_data_create(1, NULL);
        if (!made.match)
            return abl_no_memory(err);
    }
    if (p->add_prefix_space && text[0] != ' ' && !prefix_space(&made, err)) {
        pcre2_match_data_free(made.match);
        return false;
    }
    *w = made;
    return true;
}

// Find the next match at or behind `at`; what matches nothing up to the end counts as one match of the rest.
static bool find_match(struct pieces *w)
{
    w->match_begin = w->at;
    w->match_end = w->len;
    if (!w->pretokenizer->code)
        return true;
    int rc = pcre2_match(w->pretokenizer->code, (PCRE2_SPTR)w->text, w->len, w->at,
                         PCRE2_NO_UTF_CHECK, w->match, NULL);
    if (rc == PCRE2_ERROR_NOMATCH)
        return true;
    if (rc < 0) {
        w->failure = rc;
        return false;
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(w->match);
    w->match_begin = ends[0];
    w->match_end = ends[1];
    return true;
}

bool pieces_next(struct pieces *w, struct piece *out)
{
    if (w->failure || w->at == w->len)
        return false;
    if (w->match_end <= w->at && !find_match(w))
        return false;
    size_t end = w->at < w->match_begin ? w->match_begin : w->match_end;
    *out = (struct piece){ .text = w->text + w->at, .len = end - w->at };
    w->at = end;
    return true;
}

bool pieces_close(struct pieces *w, struct abl_err *err)
{
    int failure = w->failure;
    pcre2_match_data_free(w->match);
    free(w->copy);
    *w = (struct pieces){ 0 };
    PCRE2_UCHAR why[128];
    if (!failure)
        return true;
    pcre2_get_error_message(failure, why, sizeof why);
    return abl_fail(err, ABL_FAILED, "cannot cut the text into words: %s", (const char *)why);
}
