// UTF-8, and the few character properties that tokenizers and the lint ask for (utf8proc).
#ifndef ABL_TEXT_UNICODE_H
#define ABL_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "text/unicode_changes.h"

// Offset of the first byte that belongs to no well-formed sequence (RFC 3629); len where the text
// is sound.
size_t utf8_invalid_at(const char *text, size_t len);

// The first (last) code point of text and its length in bytes. text is sound UTF-8 and not empty.
uint32_t utf8_first(const char *text, size_t len, size_t *n);
uint32_t utf8_last(const char *text, size_t len, size_t *n);

// The White_Space property: what \s means to the reference tokenizers.
bool unicode_is_space(uint32_t c);

// What \w means to them (UTS 18, annex C): alphabetic, mark, decimal digit,
// connector, join control.
bool unicode_is_word(uint32_t c);

// Whether one of n ranges, in order, has c.
bool unicode_in_ranges(const struct unicode_range *ranges, size_t n, uint32_t c);

// Whether word, without the white space around it, stands in text as a word of its own, whatever
// the case. False when memory is out. Both are sound UTF-8.
bool unicode_has_word(const char *text, const char *word, bool *out);

// Whether it is the last one, but for white space and punctuation behind it.
bool unicode_ends_with_word(const char *text, const char *word, bool *out);

// Append the text with case, composition and runs of white space evened out;
// false when memory is out.
bool unicode_fold(const char *text, struct buf *out);

#endif
