#include "text/pattern_characters.h"

#include <ctype.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "text/unicode.h"
#include "text/unicode_changes.h"

enum {
    END_OF_UNICODE = 0x110000,
    MAX_NAME = 63,
    KNOWN_CTYPES = 1 << 12, // more than the library has properties
    OWN_CTYPES = 1 << 20,   // properties that the library has no number for count from here on
    PARSE_DEPTH = 250,      // groups in groups; the library's own 4096 asks for a large stack
    SUBEXP_CALLS = 1000000, // \g<name> in one search
};

// A property whose characters changed, as the library wants it.
struct property {
    OnigCtype ctype;
    OnigCodePoint *ranges; // n, first, last, first, last, …
};

// The library calls back without saying for whom, so that there is one for the process. It is made
// once and read-only from then on.
static struct {
    OnigEncodingType encoding;
    struct property *properties;       // (n_unicode_changes)
    unsigned char known[KNOWN_CTYPES]; // by the library's number: 1 + that of the change, 0 = none
    bool ok;
} mended;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// Number of the change of a property, n_unicode_changes where it did not change.
static size_t find_change(OnigCtype ctype)
{
    if (ctype >= OWN_CTYPES && ctype - OWN_CTYPES < n_unicode_changes)
        return ctype - OWN_CTYPES;
    return ctype < KNOWN_CTYPES && mended.known[ctype] ? mended.known[ctype] - 1u
                                                       : n_unicode_changes;
}

static bool has_name(const struct unicode_change *change, const char *name)
{
    const char *at = change->names;
    while (*at && strcmp(at, name) != 0)
        at += strlen(at) + 1;
    return *at;
}

// As the library looks names up.
static bool plain_name(const OnigUChar *name, const OnigUChar *end, char out[MAX_NAME + 1])
{
    size_t n = 0;
    for (; name < end; name++) {
        if (*name == ' ' || *name == '-' || *name == '_')
            continue;
        if (*name >= 0x80 || n == MAX_NAME)
            return false;
        out[n++] = (char)tolower(*name);
    }
    out[n] = '\0';
    return true;
}

static int property_name_to_ctype(OnigEncoding encoding, OnigUChar *name, OnigUChar *end)
{
    char plain[MAX_NAME + 1];
    for (size_t i = 0; plain_name(name, end, plain) && i < n_unicode_changes; i++)
        if (has_name(&unicode_changes[i], plain))
            return (int)mended.properties[i].ctype;
    return OnigEncodingUTF8.property_name_to_ctype(encoding, name, end);
}

static int is_code_ctype(OnigCodePoint c, OnigCtype ctype)
{
    size_t i = find_change(ctype);
    bool has = ctype < OWN_CTYPES && OnigEncodingUTF8.is_code_ctype(c, ctype);
    if (i == n_unicode_changes)
        return has;
    const struct unicode_change *change = &unicode_changes[i];
    return has ? !unicode_in_ranges(change->removed, change->n_removed, c)
               : unicode_in_ranges(change->added, change->n_added, c);
}

static int get_ctype_code_range(OnigCtype ctype, OnigCodePoint *single_bytes,
                                const OnigCodePoint *ranges[])
{
    size_t i = find_change(ctype);
    if (i == n_unicode_changes)
        return OnigEncodingUTF8.get_ctype_code_range(ctype, single_bytes, ranges);
    *single_bytes = 0x80;
    *ranges = mended.properties[i].ranges;
    return ONIG_NORMAL;
}

// The other case of a character whose cases the library may not know; 0 = it is none of them.
static OnigCodePoint other_case(OnigCodePoint c, bool *is_upper)
{
    for (size_t i = 0; i < n_unicode_case_pairs; i++) {
        const struct unicode_case_pairs *p = &unicode_case_pairs[i];
        OnigCodePoint last = p->last - p->first;
        *is_upper = c >= p->first && c - p->first <= last;
        if (*is_upper)
            return p->lower + (c - p->first);
        if (c >= p->lower && c - p->lower <= last)
            return p->first + (c - p->lower);
    }
    return 0;
}

static int mbc_case_fold(OnigCaseFoldType flag, const OnigUChar **at, const OnigUChar *end,
                         OnigUChar *to)
{
    bool is_upper = false;
    OnigCodePoint c = OnigEncodingUTF8.mbc_to_code(*at, end);
    OnigCodePoint other = flag & ONIGENC_CASE_FOLD_ASCII_ONLY ? 0 : other_case(c, &is_upper);
    if (!other || !is_upper)
        return OnigEncodingUTF8.mbc_case_fold(flag, at, end, to);
    *at += OnigEncodingUTF8.mbc_enc_len(*at);
    return OnigEncodingUTF8.code_to_mbc(other, to);
}

static int get_case_fold_codes_by_str(OnigCaseFoldType flag, const OnigUChar *at,
                                      const OnigUChar *end, OnigCaseFoldCodeItem items[])
{
    bool is_upper;
    OnigCodePoint c = OnigEncodingUTF8.mbc_to_code(at, end);
    OnigCodePoint other = flag & ONIGENC_CASE_FOLD_ASCII_ONLY ? 0 : other_case(c, &is_upper);
    if (!other)
        return OnigEncodingUTF8.get_case_fold_codes_by_str(flag, at, end, items);
    items[0].byte_len = OnigEncodingUTF8.mbc_enc_len(at);
    items[0].code_len = 1;
    items[0].code[0] = other;
    return 1;
}

static int apply_all_case_fold(OnigCaseFoldType flag, OnigApplyAllCaseFoldFunc apply, void *arg)
{
    int r = OnigEncodingUTF8.apply_all_case_fold(flag, apply, arg);
    if (flag & ONIGENC_CASE_FOLD_ASCII_ONLY)
        return r;
    for (size_t i = 0; i < n_unicode_case_pairs; i++) {
        const struct unicode_case_pairs *p = &unicode_case_pairs[i];
        for (OnigCodePoint upper = p->first; r == 0 && upper <= p->last; upper++) {
            OnigCodePoint lower = p->lower + (upper - p->first);
            r = apply(lower, &upper, 1, arg);
            r = r ? r : apply(upper, &lower, 1, arg);
        }
    }
    return r;
}

// A walk through ranges: n pairs of first and last.
struct cursor {
    const OnigCodePoint *ranges;
    size_t n, at;
};

static struct cursor walk(const struct unicode_range *r, size_t n)
{
    return (struct cursor){ .ranges = n ? &r->first : NULL, .n = n };
}

static void skip_to(struct cursor *s, OnigCodePoint c)
{
    while (s->at < s->n && s->ranges[2 * s->at + 1] < c)
        s->at++;
}

static bool cursor_has(const struct cursor *s, OnigCodePoint c)
{
    return s->at < s->n && c >= s->ranges[2 * s->at];
}

// The first code point behind c at which it may turn.
static OnigCodePoint cursor_turn(const struct cursor *s, OnigCodePoint c)
{
    if (s->at == s->n)
        return END_OF_UNICODE;
    return cursor_has(s, c) ? s->ranges[2 * s->at + 1] + 1 : s->ranges[2 * s->at];
}

static OnigCodePoint first_of(OnigCodePoint a, OnigCodePoint b, OnigCodePoint c)
{
    OnigCodePoint least = a < b ? a : b;
    return least < c ? least : c;
}

// The library's characters, with those added and without those removed.
static bool mend_ranges(const struct unicode_change *change, struct property *p)
{
    const OnigCodePoint *base = NULL;
    OnigCodePoint single_bytes;
    if (p->ctype < OWN_CTYPES
        && OnigEncodingUTF8.get_ctype_code_range(p->ctype, &single_bytes, &base) != ONIG_NORMAL)
        return false;
    struct cursor has = { .ranges = base ? base + 1 : NULL, .n = base ? base[0] : 0 };
    struct cursor added = walk(change->added, change->n_added);
    struct cursor removed = walk(change->removed, change->n_removed);
    size_t room = has.n + added.n + removed.n;
    OnigCodePoint n = 0, *out = p->ranges = calloc(2 * room + 1, sizeof *out);
    for (OnigCodePoint c = 0, next; out && c < END_OF_UNICODE; c = next) {
        skip_to(&has, c);
        skip_to(&added, c);
        skip_to(&removed, c);
        next = first_of(cursor_turn(&has, c), cursor_turn(&added, c), cursor_turn(&removed, c));
        if (!cursor_has(&added, c) && (!cursor_has(&has, c) || cursor_has(&removed, c)))
            continue;
        if (n && out[2 * n] == c - 1)
            out[2 * n] = next - 1;
        else {
            out[2 * n + 1] = c;
            out[2 * n + 2] = next - 1;
            n++;
        }
    }
    if (out)
        out[0] = n;
    return out;
}

// The library's number, or one of our own where the library does not know the name.
static OnigCtype number_of(size_t i)
{
    const char *name = unicode_changes[i].names;
    if (strcmp(name, "posixpunct") == 0) // has no name in older versions
        return ONIGENC_CTYPE_PUNCT;
    OnigUChar plain[MAX_NAME + 1];
    size_t len = strlen(name);
    memcpy(plain, name, len + 1);
    int number = OnigEncodingUTF8.property_name_to_ctype(&OnigEncodingUTF8, plain, plain + len);
    return number < 0 ? (OnigCtype)(OWN_CTYPES + i) : (OnigCtype)number;
}

static void make(void)
{
    OnigEncoding encodings[] = { &mended.encoding };
    mended.encoding = OnigEncodingUTF8;
    mended.encoding.property_name_to_ctype = property_name_to_ctype;
    mended.encoding.is_code_ctype = is_code_ctype;
    mended.encoding.get_ctype_code_range = get_ctype_code_range;
    mended.encoding.mbc_case_fold = mbc_case_fold;
    mended.encoding.get_case_fold_codes_by_str = get_case_fold_codes_by_str;
    mended.encoding.apply_all_case_fold = apply_all_case_fold;
    mended.properties = calloc(n_unicode_changes, sizeof *mended.properties);
    mended.ok = mended.properties && onig_initialize(encodings, 1) == ONIG_NORMAL
                && onig_set_parse_depth_limit(PARSE_DEPTH) == ONIG_NORMAL
                && onig_set_subexp_call_limit_in_search(SUBEXP_CALLS) == ONIG_NORMAL;
    for (size_t i = 0; mended.ok && i < n_unicode_changes; i++) {
        OnigCtype ctype = mended.properties[i].ctype = number_of(i);
        if (ctype < KNOWN_CTYPES)
            mended.known[ctype] = (unsigned char)(i + 1);
        mended.ok = mend_ranges(&unicode_changes[i], &mended.properties[i]);
    }
}

bool pattern_characters(OnigEncoding *out, struct abl_err *err)
{
    pthread_once(&once, make);
    *out = &mended.encoding;
    return mended.ok || abl_no_memory(err);
}

size_t pattern_unsure_break(const char *text, size_t len)
{
    size_t at = 0;
    for (size_t n; at < len; at += n)
        if (unicode_in_ranges(unicode_break_changes, n_unicode_break_changes,
                              utf8_first(text + at, len - at, &n)))
            break;
    return at;
}
