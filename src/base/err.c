#include "base/err.h"

#include <stdio.h>

#include "base/printable.h"

enum { RAW_TEXT = sizeof(((struct abl_err *)0)->text) + 8 }; // what is longer is cut anyway

bool abl_fail(struct abl_err *err, enum abl_code code, const char *format, ...)
{
    char raw[RAW_TEXT];
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    err->code = code;
    printable_copy(err->text, sizeof err->text, raw);
    return false;
}

bool abl_fail_in(struct abl_err *err, const char *format, ...)
{
    char raw[RAW_TEXT];
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    int used = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof raw)
        snprintf(raw + used, sizeof raw - (size_t)used, ": %s", err->text);
    printable_copy(err->text, sizeof err->text, raw);
    return false;
}

bool abl_no_memory(struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "out of memory; close other programs or lower --mem");
}
