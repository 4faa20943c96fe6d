#include "ui/typed.h"

#include <string.h>

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
