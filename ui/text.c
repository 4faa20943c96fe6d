#include "ui/text.h"

#include <stdbool.h>
#include <string.h>

#include <utf8proc.h>

size_t text_next(const char *text, uint32_t *character, uint32_t *width)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n
        = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)strnlen(text, 4), &c);
    *character = '?';
    *width = 1;
    if (n <= 0)
        return 1;
    if (utf8proc_category(c) == UTF8PROC_CATEGORY_CC)
        return (size_t)n;
    *character = (uint32_t)c;
    int columns = utf8proc_charwidth(c);
    *width = columns > 0 ? (uint32_t)columns : 0;
    return (size_t)n;
}

uint32_t text_width(const char *text)
{
    uint32_t total = 0, character, width;
    while (*text) {
        text += text_next(text, &character, &width);
        total += width;
    }
    return total;
}

size_t text_break(const char *text, uint32_t width)
{
    size_t at = 0, after_blank = 0;
    uint32_t used = 0, character, columns;
    while (text[at]) {
        size_t len = text_next(text + at, &character, &columns);
        used += columns;
        if (used > width && character != ' ') {
            if (after_blank)
                return after_blank;
            return at ? at : len;
        }
        at += len;
        if (character == ' ')
            after_blank = at;
    }
    return at;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

size_t text_before(const char *text, size_t at)
{
    size_t n = 0;
    while (n < at && continues(text[at - n - 1]))
        n++;
    return at ? n + 1 : 0;
}

size_t text_after(const char *text, size_t at)
{
    size_t n = text[at] ? 1 : 0;
    while (n && continues(text[at + n]))
        n++;
    return n;
}

size_t text_put(uint32_t character, char out[5])
{
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)character, (utf8proc_uint8_t *)out);
    size_t len = n > 0 ? (size_t)n : 0;
    out[len] = '\0';
    return len;
}
