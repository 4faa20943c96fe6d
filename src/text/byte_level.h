// The byte alphabet of byte-level BPE (GPT-2): each byte is written as one printable character, so
// that token files hold text. Bytes 0x21-7E, A1-AC and AE-FF are themselves; the other 68, in
// order, are U+0100 and up: " " is "Ġ".
#ifndef ABL_TEXT_BYTE_LEVEL_H
#define ABL_TEXT_BYTE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { BYTE_CHAR_MAX = 3 }; // UTF-8 of one such character, with the NUL

// The character of a byte as NUL-terminated UTF-8; returns its length.
size_t byte_level_char(unsigned char byte, char out[BYTE_CHAR_MAX]);

// Append the bytes that a token's text stands for; false, and nothing appended, where a character
// is none of the alphabet.
bool byte_level_decode(const char *text, size_t len, struct buf *out);

#endif
