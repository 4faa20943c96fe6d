#include "base/crc32.h"

// Of each half of a byte: small enough to stand in the caches beside whatever is summed.
static const uint32_t of_half[16]
    = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };

uint32_t crc32_more(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc = of_half[(crc ^ at[i]) & 15] ^ crc >> 4;
        crc = of_half[(crc ^ (uint32_t)(at[i] >> 4)) & 15] ^ crc >> 4;
    }
    return ~crc;
}
