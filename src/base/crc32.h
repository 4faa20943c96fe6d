// CRC-32 as zlib and PNG have it, for records that may be torn.
#ifndef ABL_BASE_CRC32_H
#define ABL_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

// Of bytes behind those that `crc` is of; 0 to begin.
uint32_t crc32_more(uint32_t crc, const void *bytes, size_t len);

#endif
