// What matrix products are computed in. Everything else is fp32 in any case.
#ifndef ABL_ENGINE_PRECISION_H
#define ABL_ENGINE_PRECISION_H

#include <stddef.h>
#include <stdint.h>

enum precision {
    PRECISION_F32,
    // each operand as the sum of two bf16 halves, three of the four products (cpu)
    PRECISION_BF16X3,
    // matrices stored as fp16; products by cooperative matrices where the device has them, else in
    // fp32 (vulkan)
    PRECISION_F16,
    N_PRECISIONS,
};

// "f32", "bf16x3", "f16": as options and files spell it; a name_list.
const char *precision_name(size_t p);

// Bytes that an element of a matrix takes on a device.
uint64_t precision_bytes(enum precision p);

#endif
