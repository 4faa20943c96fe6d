#include "plan/head_file.h"

#include <string.h>

#include "base/file.h"

enum { MAX_LIST = 64 << 20 };

// Copy a file's text, comments and carriage returns left out.
static char *copy_lines(char *to, const char *from)
{
    static const char mark[] = "\xef\xbb\xbf"; // some editors' first three bytes
    bool comment = false;
    if (strncmp(from, mark, sizeof mark - 1) == 0)
        from += sizeof mark - 1;
    for (; *from; from++) {
        comment = *from == '#' || (comment && *from != '\n');
        if (!comment && *from != '\r')
            *to++ = *from;
    }
    *to = '\0';
    return to;
}

static bool is_empty(const char *text)
{
    return text[strspn(text, " \t\n,;")] == '\0';
}

bool head_file_text(const char *text, struct arena *a, const char **out, struct abl_err *err)
{
    struct file_bytes bytes;
    *out = text;
    if (*text != '@')
        return true;
    const char *path = text + 1;
    if (!*path || strchr(path, '\n'))
        return abl_fail(err, ABL_USAGE, "'%s' names no file: expected @FILE", text);
    if (!file_read(path, MAX_LIST, &bytes, ABL_USAGE, err))
        return false;
    size_t len = strlen(path);
    char *list = arena_alloc(a, len + bytes.size + 3, 1);
    bool ok = list || abl_no_memory(err);
    if (ok && memchr(bytes.data, '\0', bytes.size))
        ok = abl_fail(err, ABL_USAGE, "'%s' is no text: expected heads or sets, line by line",
                      path);
    if (ok) {
        *list = '@';
        memcpy(list + 1, path, len);
        list[len + 1] = '\n';
        copy_lines(list + len + 2, bytes.data);
        *out = list;
        ok = !is_empty(list + len + 2)
             || abl_fail(err, ABL_USAGE, "'%s' holds no heads: expected some, line by line", path);
    }
    file_bytes_release(&bytes);
    return ok;
}

const char *head_file_plain(const char *text, char separator, struct arena *a)
{
    if (!text || *text != '@')
        return text;
    const char *from = strchr(text, '\n');
    char *plain = arena_alloc(a, strlen(text) + 1, 1), *to = plain;
    if (!plain)
        return NULL;
    const char breaks[] = { '\n', separator, '\0' };
    while (from && *(from += strspn(from, breaks))) {
        size_t len = strcspn(from, breaks), blanks = strspn(from, " \t");
        const char *next = from + len;
        from += blanks < len ? blanks : len;
        while (next > from && (next[-1] == ' ' || next[-1] == '\t'))
            next--;
        if (next > from) {
            if (to > plain)
                *to++ = separator;
            memcpy(to, from, (size_t)(next - from));
            to += next - from;
        }
        from = from + strcspn(from, breaks);
    }
    *to = '\0';
    return plain;
}
