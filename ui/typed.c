#include "ui/typed.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ui/text.h"

void typed_clear(struct typed *t)
{
    t->text[0] = '\0';
    t->caret = 0;
}

void typed_add(struct typed *t, uint32_t character)
{
    char bytes[5];
    size_t n = text_put(character, bytes), len = strlen(t->text);
    if (len + n >= sizeof t->text)
        return;
    memmove(t->text + t->caret + n, t->text + t->caret, len - t->caret + 1);
    memcpy(t->text + t->caret, bytes, n);
    t->caret += n;
}

void typed_erase(struct typed *t)
{
    size_t n = text_before(t->text, t->caret);
    memmove(t->text + t->caret - n, t->text + t->caret, strlen(t->text + t->caret) + 1);
    t->caret -= n;
}

void typed_left(struct typed *t)
{
    t->caret -= text_before(t->text, t->caret);
}

void typed_right(struct typed *t)
{
    t->caret += text_after(t->text, t->caret);
}

void typed_start(struct typed *t)
{
    t->caret = 0;
}

void typed_end(struct typed *t)
{
    t->caret += strlen(t->text + t->caret);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool typed_place(char *text, size_t size, const char *home, struct abl_err *err)
{
    size_t first = 0, len = strlen(text);
    while (is_blank(text[first]))
        first++;
    if (first && first == len)
        return abl_fail(err, ABL_USAGE, "'%s' is blank: expected a name", text);
    while (len > first && is_blank(text[len - 1]))
        len--;
    memmove(text, text + first, len - first);
    text[len - first] = '\0';
    if (*text != '~')
        return true;
    if ((text[1] && text[1] != '/') || !home || !*home)
        return abl_fail(err, ABL_USAGE, "'%s': whose home '%.*s' is cannot be told: write the path",
                        text, (int)strcspn(text, "/"), text);
    char *whole = file_expand_home(text, home);
    bool ok
        = whole ? strlen(whole) < size || abl_fail(err, ABL_USAGE, "'%s' is too long a path", whole)
                : abl_no_memory(err);
    if (ok)
        memcpy(text, whole, strlen(whole) + 1);
    free(whole);
    return ok;
}
