// Foreign text made readable: what a terminal would obey, hide or not know is spelt out.
//
// One form wherever somebody reads text: on standard output and error, on the screen of the
// explorer, in messages, and as the text of a token in tables.
//   line feed, tab, carriage return         \n  \t  \r
//   other control characters                \u001b
//   what turns the direction of writing, joins, separates lines, or takes no place
//     and is not seen (Unicode's Cf, Zl, Zp, default ignorable)      \u202e  \U000e0041
//   a byte that is no UTF-8                 <0x9B>
// A backslash stays one: text in this form stays as it is when it is made readable again. Not
// meant to be read back.
#ifndef ABL_BASE_PRINTABLE_H
#define ABL_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum { PRINTABLE_NO_UTF8 = 0x110000 }; // no character

// A character as it may be shown.
struct printable {
    uint32_t character; // what the text has there, PRINTABLE_NO_UTF8 for a byte that is none
    bool escaped;       // text spells it out in ASCII, else it is the character itself
    size_t len;         // of text, without its NUL
    char text[12];
};

// The first character of text[0..left), left > 0; returns the bytes that it takes there.
size_t printable_next(const char *text, size_t left, struct printable *out);

// Whether a character shows as itself.
bool printable_character(uint32_t character);

// A character spelt out whether it would show or not: "\u00e9".
void printable_escape(uint32_t character, struct printable *out);

// Append text[0..len) as it may be shown.
void printable_add(struct buf *out, const char *text, size_t len);

// The same into out[0..size), size > 3; what does not fit ends in "...", never within a character.
void printable_copy(char *out, size_t size, const char *text);

// Columns of a terminal that a text takes so.
size_t printable_width(const char *text);

#endif
