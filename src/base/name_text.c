#include "base/name_text.h"

#include <string.h>

#include "base/utf8.h"

bool name_is_utf8(const char *name)
{
    size_t left = strlen(name);
    for (size_t n; left; name += n, left -= n)
        if (!(n = utf8_sequence((const unsigned char *)name, left)))
            return false;
    return true;
}

void name_text(const char *name, struct buf *out)
{
    if (name_is_utf8(name) && strncmp(name, "$'", 2) != 0) {
        buf_str(out, name);
        return;
    }
    buf_str(out, "$'");
    for (size_t left = strlen(name), n; left; name += n, left -= n) {
        n = utf8_sequence((const unsigned char *)name, left);
        if (!n || (unsigned char)*name < 0x20 || *name == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*name);
        else if (*name == '\\' || *name == '\'')
            buf_printf(out, "\\%c", *name);
        else
            buf_add(out, name, n);
        n = n ? n : 1;
    }
    buf_char(out, '\'');
}

const char *name_label(const char *name, struct arena *a)
{
    struct buf out = { 0 };
    buf_str(&out, "");
    for (size_t left = strlen(name), n; left; name += n, left -= n) {
        n = utf8_sequence((const unsigned char *)name, left);
        if (n)
            buf_add(&out, name, n);
        else
            buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*name);
        n = n ? n : 1;
    }
    const char *label = out.failed ? NULL : arena_strdup(a, out.data);
    buf_release(&out);
    return label;
}
