#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

// Length of the sound sequence at text, 0 where there is none.
static size_t sequence(const char *text, size_t len, uint32_t *c)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t n
        = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &code);
    if (n <= 0)
        return 0;
    *c = (uint32_t)code;
    return (size_t)n;
}

size_t utf8_invalid_at(const char *text, size_t len)
{
    uint32_t c;
    size_t at = 0;
    while (at < len) {
        size_t n = (unsigned char)text[at] < 0x80 ? 1 : sequence(text + at, len - at, &c);
        if (!n)
            break;
        at += n;
    }
    return at;
}

uint32_t utf8_first(const char *text, size_t len, size_t *n)
{
    uint32_t c = 0xfffd;
    *n = sequence(text, len, &c);
    // not sound: never stand still
    if (!*n)
        *n = 1;
    return c;
}

uint32_t utf8_last(const char *text, size_t len, size_t *n)
{
    size_t at = len - 1;
    while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    uint32_t c = utf8_first(text + at, len - at, n);
    *n = len - at;
    return c;
}

bool unicode_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680
           || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f
           || c == 0x205f || c == 0x3000;
}

// Symbols with the Other_Alphabetic property: letters in circles and squares.
static bool is_enclosed_letter(uint32_t c)
{
    return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149)
           || (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

bool unicode_in_ranges(const struct unicode_range *ranges, size_t n, uint32_t c)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (c >= ranges[middle].first && c <= ranges[middle].last)
            return true;
        if (c > ranges[middle].last)
            low = middle + 1;
        else
            n = middle;
    }
    return false;
}

// Characters that utf8proc's Unicode may not have yet.
static bool is_new_word(uint32_t c)
{
    size_t i = 0;
    while (strcmp(unicode_changes[i].names, "word") != 0)
        i++;
    return unicode_in_ranges(unicode_changes[i].added, unicode_changes[i].n_added, c);
}

bool unicode_is_word(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    case UTF8PROC_CATEGORY_CN:
        return is_new_word(c);
    default:
        return c == 0x200c || c == 0x200d || is_enclosed_letter(c);
    }
}

// malloc'd text with case and composition evened out; NULL when memory is out.
static char *folded(const char *text)
{
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t n
        = utf8proc_map((const utf8proc_uint8_t *)text, 0, &out,
                       UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    return n < 0 ? NULL : (char *)out;
}

// Both ends of text[begin..end) are ends of words, or no word characters.
static bool stands_alone(const char *text, size_t len, size_t begin, size_t end)
{
    size_t n;
    bool glued_left = begin && unicode_is_word(utf8_last(text, begin, &n))
                      && unicode_is_word(utf8_first(text + begin, end - begin, &n));
    bool glued_right = end < len && unicode_is_word(utf8_first(text + end, len - end, &n))
                       && unicode_is_word(utf8_last(text + begin, end - begin, &n));
    return !glued_left && !glued_right;
}

// Cut the white space around *word; its length.
static size_t trim(const char **word)
{
    size_t end = strlen(*word), n;
    while (end && unicode_is_space(utf8_last(*word, end, &n)))
        end -= n;
    while (end && unicode_is_space(utf8_first(*word, end, &n))) {
        *word += n;
        end -= n;
    }
    return end;
}

static bool find_word(const char *text, const char *word)
{
    size_t len = strlen(text), end = trim(&word);
    if (!end)
        return false;
    for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), word, end)); at++)
        if (stands_alone(text, len, (size_t)(at - text), (size_t)(at - text) + end))
            return true;
    return false;
}

static bool ends_with_word(const char *text, const char *word)
{
    size_t len = strlen(text), end = trim(&word), n;
    while (len > end && end && !unicode_is_word(utf8_last(text, len, &n)))
        len -= n;
    return end && len >= end && memcmp(text + len - end, word, end) == 0
           && stands_alone(text, len, len - end, len);
}

// Ask about text and word with their cases evened out.
static bool ask(const char *text, const char *word, bool (*question)(const char *, const char *),
                bool *out)
{
    char *t = folded(text), *w = folded(word);
    if (t && w)
        *out = question(t, w);
    bool ok = t && w;
    free(t);
    free(w);
    return ok;
}

bool unicode_has_word(const char *text, const char *word, bool *out)
{
    return ask(text, word, find_word, out);
}

bool unicode_ends_with_word(const char *text, const char *word, bool *out)
{
    return ask(text, word, ends_with_word, out);
}

bool unicode_fold(const char *text, struct buf *out)
{
    char *t = folded(text);
    size_t len = t ? strlen(t) : 0, n;
    bool space = true; // what stands before the first word counts for nothing
    for (size_t at = 0; at < len; at += n) {
        bool is_space = unicode_is_space(utf8_first(t + at, len - at, &n));
        if (!is_space)
            buf_add(out, t + at, n);
        else if (!space)
            buf_char(out, ' ');
        space = is_space;
    }
    if (space && out->len)
        out->len--;
    bool ok = t && !out->failed;
    free(t);
    return ok;
}
