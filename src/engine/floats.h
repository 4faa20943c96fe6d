// Memory of the cpu engine.
#ifndef ABL_ENGINE_FLOATS_H
#define ABL_ENGINE_FLOATS_H

#include <stdbool.h>
#include <stddef.h>

// Room for n floats on a cache line, freed with free; NULL when memory is out. Large ones are on
// huge pages where the system gives them: they are hundreds of megabytes, which else fault in by
// 4 KiB and miss in the TLB.
float *floats_new(size_t n);

// floats, grown to at least n where it has fewer (*has), its content undefined then; false without
// memory, when it is empty.
bool floats_reserve(float **floats, size_t *has, size_t n);

#endif
