#include "format/tensor_file.h"
#include "format/to_f32.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/size.h"

void tensor_directory_release(struct tensor_directory *d)
{
    arena_release(&d->arena);
    *d = (struct tensor_directory){ 0 };
}

void tensor_file_close(struct tensor_file *f)
{
    file_close(&f->file);
    tensor_directory_release(&f->directory);
}

// `first` is the index in the tensor of values[0].
static bool check_finite(const struct tensor_file *f, const struct tensor_entry *t, uint64_t first,
                         size_t n, const float *values, struct abl_err *err)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= !isfinite(values[i]);
    if (!bad)
        return true;
    size_t at = 0;
    while (isfinite(values[at]))
        at++;
    return abl_fail(err, ABL_BAD_MODEL,
                    "bad weight in '%s': found %s in tensor '%s' at element %" PRIu64
                    ", expected finite numbers; the checkpoint is damaged, download it again",
                    f->file.path, isnan(values[at]) ? "NaN" : "infinity", t->name, first + at);
}

bool tensor_file_read(const struct tensor_file *f, const struct tensor_entry *t, uint64_t first,
                      size_t n, float *out, struct abl_err *err)
{
    enum { BLOCK = 16384 };
    unsigned char block[BLOCK * sizeof *out]; // holds BLOCK elements of every readable type
    size_t size = t->type->bits / 8, elements = t->type->block;
    assert(t->type->dtype != DTYPE_OTHER && first % elements == 0 && n % elements == 0);
    assert((first + n) / elements * size <= t->end - t->begin);
    uint64_t offset = f->directory.data_start + t->begin + first / elements * size;
    for (size_t done = 0; done < n;) {
        size_t count = size_min(n - done, BLOCK);
        if (!file_read_at(&f->file, offset + done / elements * size, block, count / elements * size,
                          err))
            return false;
        to_f32(t->type->dtype, block, count, out + done);
        if (!check_finite(f, t, first + done, count, out + done, err))
            return false;
        done += count;
    }
    return file_is_as_opened(&f->file, err);
}
