// What libFuzzer calls; make says which target it is linked with.
#include "tests/fuzz/targets.h"

#ifndef FUZZ_TARGET // this file is only read, by the other compiler
#define FUZZ_TARGET fuzz_json
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_TARGET(data, size);
    return 0;
}
