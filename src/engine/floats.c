#include "engine/floats.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/size.h"

enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 }; // bytes

float *floats_new(size_t n)
{
    size_t bytes;
    if (!size_mul(n, sizeof(float), &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    size_t whole = (bytes / align + 1) * align;
    float *floats = aligned_alloc(align, whole);
    // a wish: without it everything works as well
    if (floats && bytes >= HUGE_PAGE)
        madvise(floats, whole, MADV_HUGEPAGE);
    return floats;
}

bool floats_reserve(float **floats, size_t *has, size_t n)
{
    if (n <= *has)
        return true;
    free(*floats);
    *floats = floats_new(n);
    *has = *floats ? n : 0;
    return *floats;
}
