// Sound UTF-8, character by character.
#ifndef ABL_BASE_UTF8_H
#define ABL_BASE_UTF8_H

#include <stddef.h>

// Length of the well-formed sequence at s (RFC 3629: no overlong forms, no surrogates), 0 if there
// is none. left: bytes from s on, 1 or more.
static inline size_t utf8_sequence(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

#endif
