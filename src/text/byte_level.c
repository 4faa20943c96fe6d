#include "text/byte_level.h"

#include <stdint.h>

#include "text/unicode.h"

enum { SHIFTED = 0x100, N_SHIFTED = 68 };

static bool is_itself(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

size_t byte_level_char(unsigned char byte, char out[BYTE_CHAR_MAX])
{
    unsigned c = byte;
    if (!is_itself(byte)) {
        c = SHIFTED;
        for (unsigned b = 0; b < byte; b++)
            c += !is_itself(b);
    }
    size_t n = c < 0x80 ? 1 : 2;
    out[0] = (char)(n == 1 ? c : 0xc0 | c >> 6);
    if (n == 2)
        out[1] = (char)(0x80 | (c & 0x3f));
    out[n] = '\0';
    return n;
}

// The byte a character stands for, -1 where it stands for none.
static int byte_of(uint32_t c)
{
    if (c < SHIFTED)
        return is_itself(c) ? (int)c : -1;
    if (c >= SHIFTED + N_SHIFTED)
        return -1;
    unsigned nth = c - SHIFTED, byte = 0;
    while (is_itself(byte) || nth--)
        byte++;
    return (int)byte;
}

bool byte_level_decode(const char *text, size_t len, struct buf *out)
{
    size_t before = out->len;
    for (size_t at = 0, n; at < len; at += n) {
        int byte = byte_of(utf8_first(text + at, len - at, &n));
        if (byte < 0) {
            out->len = before;
            return false;
        }
        buf_char(out, (char)byte);
    }
    return true;
}
