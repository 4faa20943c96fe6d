#include "base/printable.h"

#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "base/buf.h"
#include "base/utf8.h"

// Not seen though no Cf: fillers, selectors of variants, and what Unicode keeps for more such
// (Default_Ignorable_Code_Point), and what is no character for ever.
static bool is_ignorable(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0x034f, 0x034f },   { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
        { 0x2060, 0x206f },   { 0x3164, 0x3164 },   { 0xfdd0, 0xfdef }, { 0xfe00, 0xfe0f },
        { 0xffa0, 0xffa0 },   { 0xfff0, 0xfff8 },   { 0xfffe, 0xffff }, { 0x1bca0, 0x1bca3 },
        { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return c > 0xffff && (c & 0xfffe) == 0xfffe;
}

bool printable_character(uint32_t c)
{
    if (c < 0x7f)
        return c >= 0x20;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return c < PRINTABLE_NO_UTF8 && !is_ignorable(c);
    }
}

void printable_escape(uint32_t c, struct printable *out)
{
    char *to = out->text;
    size_t size = sizeof out->text;
    out->character = c;
    out->escaped = true;
    if (c == '\n' || c == '\t' || c == '\r')
        out->len = (size_t)snprintf(to, size, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else if (c > 0xffff)
        out->len = (size_t)snprintf(to, size, "\\U%08x", c);
    else
        out->len = (size_t)snprintf(to, size, "\\u%04x", c);
}

size_t printable_next(const char *text, size_t left, struct printable *out)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (*bytes >= 0x20 && *bytes < 0x7f) { // most of what is drawn
        out->character = *bytes;
        out->escaped = false;
        out->len = 1;
        out->text[0] = *text;
        out->text[1] = '\0';
        return 1;
    }
    size_t n = utf8_sequence(bytes, left);
    utf8proc_int32_t c = 0;
    if (!n) {
        *out = (struct printable){ .character = PRINTABLE_NO_UTF8, .escaped = true };
        out->len = (size_t)snprintf(out->text, sizeof out->text, "<0x%02X>", *bytes);
        return 1;
    }
    utf8proc_iterate(bytes, (utf8proc_ssize_t)n, &c);
    if (!printable_character((uint32_t)c)) {
        printable_escape((uint32_t)c, out);
        return n;
    }
    *out = (struct printable){ .character = (uint32_t)c, .len = n };
    memcpy(out->text, text, n);
    return n;
}

void printable_add(struct buf *out, const char *text, size_t len)
{
    struct printable p;
    for (size_t at = 0; at < len;) {
        at += printable_next(text + at, len - at, &p);
        buf_add(out, p.text, p.len);
    }
}

void printable_copy(char *out, size_t size, const char *text)
{
    size_t left = strlen(text), used = 0, cut = 0; // cut: what fits beside "..."
    struct printable p;
    while (left) {
        size_t n = printable_next(text, left, &p);
        if (used + p.len >= size) {
            memcpy(out + cut, "...", 3);
            used = cut + 3;
            break;
        }
        memcpy(out + used, p.text, p.len);
        used += p.len;
        cut = used + 3 < size ? used : cut;
        text += n;
        left -= n;
    }
    out[used] = '\0';
}

size_t printable_width(const char *text)
{
    size_t width = 0, left = strlen(text);
    struct printable p;
    while (left) {
        size_t n = printable_next(text, left, &p);
        int columns = p.escaped ? (int)p.len : utf8proc_charwidth((utf8proc_int32_t)p.character);
        width += columns > 0 ? (size_t)columns : 0;
        text += n;
        left -= n;
    }
    return width;
}
