// Which parts of a block of memory are free: offsets only, no memory and no Vulkan.
#ifndef ABL_ENGINE_VULKAN_RANGES_H
#define ABL_ENGINE_VULKAN_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t first, size;
};

// The free parts in order, none empty, no two touching.
struct ranges {
    struct range *free;
    size_t n, cap;
    size_t n_taken;
};

// All of [0, size) is free. False when memory is out.
bool ranges_init(struct ranges *r, uint64_t size);
void ranges_release(struct ranges *r);

// Take size bytes at a multiple of alignment (a power of two) from the smallest part that holds
// them. False when none does, or when memory is out.
bool ranges_take(struct ranges *r, uint64_t size, uint64_t alignment, uint64_t *first);

// Give back what ranges_take gave; never fails.
void ranges_give(struct ranges *r, uint64_t first, uint64_t size);

bool ranges_all_free(const struct ranges *r);

#endif
