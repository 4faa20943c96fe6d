// A line of text that is being typed, with its caret.
#ifndef ABL_UI_TYPED_H
#define ABL_UI_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { MAX_TYPED = 1024 };

struct typed {
    char text[MAX_TYPED];
    size_t caret; // bytes before it
};

void typed_clear(struct typed *t);

// Put a character before the caret; nothing where it does not fit.
void typed_add(struct typed *t, uint32_t character);

// Take the character before the caret away.
void typed_erase(struct typed *t);

// Move the caret by a character, or to the end in that direction.
void typed_left(struct typed *t);
void typed_right(struct typed *t);
void typed_start(struct typed *t);
void typed_end(struct typed *t);

// Text as the name of a place: blanks around it go, and "~" is the home, as a shell would have it.
// Where a name is only blanks, or of somebody else's home, false and a message.
bool typed_place(char *text, size_t size, const char *home, struct abl_err *err);

#endif
