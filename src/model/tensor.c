// Reading a matrix whose rows lie in another order, or in several tensors.
#include <assert.h>

#include "base/size.h"
#include "model/model_parts.h"

// A stretch of logical rows that follow one another in one part.
struct run {
    uint32_t part, first, n;
};

static struct run plain_run(const struct model_tensor *t, uint32_t row)
{
    struct run r = { .first = t->first_row + row };
    while (r.first >= t->parts[r.part].entry->dims[0])
        r.first -= (uint32_t)t->parts[r.part++].entry->dims[0];
    r.n = (uint32_t)t->parts[r.part].entry->dims[0] - r.first;
    return r;
}

// [q_0; k_0; v_0; q_1; …] in the file, more heads of q where they read one of k; here q | k | v.
static struct run by_group_run(const struct model_tensor *t, uint32_t row)
{
    uint32_t head = row / t->d_head, i = row % t->d_head, group = t->n_heads / t->n_kv_heads;
    uint32_t place = group * (head / group) + head % group + 2 * (head / group); // of q
    if (head >= t->n_heads) {
        uint32_t kv = (head - t->n_heads) % t->n_kv_heads;
        place = (group + 2) * kv + group + (head - t->n_heads) / t->n_kv_heads;
    }
    return (struct run){ .first = place * t->d_head + i, .n = t->d_head - i };
}

// Of the n that turn, file row 2i + j of a head of q or k is row j · n/2 + i.
static struct run paired_run(const struct model_tensor *t, uint32_t row)
{
    struct run r = plain_run(t, row);
    uint32_t i = r.first % t->d_head, half = t->n_turned / 2;
    r.n = 1;
    // v, and what stays
    if (row >= (t->n_heads + t->n_kv_heads) * t->d_head || i >= t->n_turned)
        return r;
    r.first += 2 * (i % half) + i / half - i;
    return r;
}

bool model_tensor_read(const struct model_tensor *t, uint32_t first, uint32_t count, float *out,
                       struct abl_err *err)
{
    assert(first <= t->rows && count <= t->rows - first);
    for (size_t i = 0; !t->n_parts && i < (size_t)count * t->cols; i++)
        out[i] = 1;
    for (uint32_t done = 0; t->n_parts && done < count;) {
        uint32_t row = first + done;
        struct run r = t->order == ROWS_BY_GROUP ? by_group_run(t, row)
                       : t->order == ROWS_PAIRED ? paired_run(t, row)
                                                 : plain_run(t, row);
        const struct tensor_ref *part = &t->parts[r.part];
        uint32_t n = (uint32_t)size_min(r.n, count - done);
        if (!tensor_file_read(part->file, part->entry, (uint64_t)r.first * t->cols,
                              (size_t)n * t->cols, out + (size_t)done * t->cols, err))
            return false;
        done += n;
    }
    for (size_t i = 0; t->plus_one && i < (size_t)count * t->cols; i++)
        out[i] += 1;
    for (size_t i = 0; t->times != 1 && i < (size_t)count * t->cols; i++)
        out[i] *= t->times;
    return true;
}
