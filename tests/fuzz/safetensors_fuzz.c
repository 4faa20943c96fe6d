// A whole safetensors file: the header, and the tensors that it describes.
#include <stdlib.h>
#include <string.h>

#include "format/safetensors.h"
#include "tests/fuzz/fuzz.h"

enum { READ_AT_ONCE = 256 };

// Elements, 0 where they are more than 64 bits count.
static uint64_t elements(const struct tensor_entry *t)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(n, t->dims[i], &n))
            return 0;
    return n;
}

static void check_entry(const struct tensor_file *f, size_t i, uint64_t data_len)
{
    const struct tensor_entry *t = &f->directory.entries[i];
    float values[READ_AT_ONCE];
    uint64_t n = elements(t);
    REQUIRE(t->begin <= t->end && t->end <= data_len);
    REQUIRE(t->begin == (i ? t[-1].end : 0));
    REQUIRE(n || t->begin == t->end);
    if (!n || t->type->dtype == DTYPE_OTHER)
        return;
    struct abl_err err = { 0 };
    size_t part = n < READ_AT_ONCE ? (size_t)n : READ_AT_ONCE;
    fuzz_outcome(tensor_file_read(f, t, n - part, part, values, &err), &err);
}

void fuzz_safetensors(const uint8_t *data, size_t size)
{
    struct tensor_file f;
    struct abl_err err = { 0 };
    if (!size)
        return;
    fuzz_write("model.safetensors", (struct part){ (const char *)data, size });
    if (!fuzz_outcome(safetensors_open(fuzz_path("model.safetensors"), &f, &err), &err))
        return;
    REQUIRE(f.directory.data_start <= size);
    uint64_t data_len = size - f.directory.data_start;
    for (size_t i = 0; i < f.directory.n; i++)
        check_entry(&f, i, data_len);
    REQUIRE(data_len == (f.directory.n ? f.directory.entries[f.directory.n - 1].end : 0));
    tensor_file_close(&f);
}
