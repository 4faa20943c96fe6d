#include "ui/text.h"

#include <stdbool.h>
#include <string.h>

#include <utf8proc.h>

size_t text_next(const char *text, struct printable *shown, uint32_t *width)
{
    size_t n = printable_next(text, strlen(text), shown);
    *width = (uint32_t)printable_width(shown->text);
    return n;
}

uint32_t text_width(const char *text)
{
    return (uint32_t)printable_width(text);
}

size_t text_break(const char *text, uint32_t width)
{
    size_t at = 0, after_blank = 0;
    uint32_t used = 0, columns;
    struct printable shown;
    while (text[at]) {
        size_t len = text_next(text + at, &shown, &columns);
        used += columns;
        if (used > width && shown.character != ' ') {
            if (after_blank)
                return after_blank;
            return at ? at : len;
        }
        at += len;
        if (shown.character == ' ')
            after_blank = at;
    }
    return at;
}

const char *text_ending(const char *text, uint32_t width)
{
    uint32_t left = text_width(text), columns;
    struct printable shown;
    while (*text && left > width) {
        text += text_next(text, &shown, &columns);
        left -= columns;
    }
    return text;
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
