// Text in columns of the screen: how wide it is, where it folds, and characters as UTF-8.
#ifndef ABL_UI_TEXT_H
#define ABL_UI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/printable.h"

// The next character of text as it may be shown, and its columns: 0 to 2, more where it is spelt
// out; returns its length in bytes.
size_t text_next(const char *text, struct printable *shown, uint32_t *width);

// Columns that a text takes.
uint32_t text_width(const char *text);

// Bytes of text that go into one line of `width` columns (1 or more) where it has to be folded: all
// that is left, or up to the last blank, or, where there is none as in a long path, as many
// characters as fit. 0 only for an empty text.
size_t text_break(const char *text, uint32_t width);

// The longest ending of a text that takes at most `width` columns.
const char *text_ending(const char *text, uint32_t width);

// Bytes of the character that ends before place `at`, 0 at the start.
size_t text_before(const char *text, size_t at);

// Bytes of the character that begins at place `at`, 0 at the end.
size_t text_after(const char *text, size_t at);

// One character as UTF-8; returns its length.
size_t text_put(uint32_t character, char out[5]);

#endif
