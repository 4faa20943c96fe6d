#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

// Foreign text (file names, tensor names) reaches the terminal through here. A terminal takes
// U+0080 to U+009F for control characters too.
void abl_one_line(char *text)
{
    unsigned char *c = (unsigned char *)text;
    for (size_t left = strlen(text), n; left; c += n, left -= n) {
        n = utf8_sequence(c, left);
        bool shows = n == 1 ? *c >= 0x20 && *c != 0x7f : n && !(*c == 0xc2 && c[1] < 0xa0);
        n = n ? n : 1;
        if (!shows)
            memset(c, '?', n);
    }
}

static void mark_cut(char *text, size_t size, int wanted)
{
    if (wanted >= (int)size)
        memcpy(text + size - 4, "...", 4);
}

bool abl_fail(struct abl_err *err, enum abl_code code, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    mark_cut(err->text, sizeof err->text, wanted);
    abl_one_line(err->text);
    return false;
}

bool abl_fail_in(struct abl_err *err, const char *format, ...)
{
    if (!err)
        return false;
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->text - 4) {
        size_t left = sizeof err->text - (size_t)used;
        int wanted = snprintf(err->text + used, left, ": %s", inner);
        mark_cut(err->text, sizeof err->text, used + wanted);
    }
    abl_one_line(err->text);
    return false;
}

bool abl_no_memory(struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "out of memory; close other programs or lower --mem");
}
