// Weights of the cpu engine and products with them: oneDNN's where a row's bits depend on nothing
// but the row, ours elsewhere.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "engine/cpu_parts.h"

enum { STAGING_BYTES = 4 << 20 };

void cpu_weight_clear(struct weight *w)
{
    dnnl_matrix_free(w->matrix);
    panel_matrix_free(w->panels);
    w->matrix = NULL;
    w->panels = NULL;
}

void cpu_weight_free(struct engine *e, struct weight *w)
{
    if (!w)
        return;
    cpu_stored_forget(self(e), w);
    cpu_weight_clear(w);
    free(w);
}

// In a layout that oneDNN alone knows: read in blocks of file rows, each packed at once.
static bool fill_blocks(struct weight *w, const struct matrix_source *s, uint32_t column,
                        struct abl_err *err)
{
    uint32_t rows = s->out_in ? w->n : s->k, cols = s->out_in ? s->k : s->n;
    size_t fit = STAGING_BYTES / (cols * sizeof(float)) / MATRIX_BLOCK * MATRIX_BLOCK;
    uint32_t block = (uint32_t)size_min(rows, size_max(MATRIX_BLOCK, fit));
    float *staging = floats_new((size_t)block * cols);
    if (!staging)
        return too_big(block, cols, err);
    bool ok = true;
    for (uint32_t first = 0; ok && first < rows; first += block) {
        uint32_t n = rows - first < block ? rows - first : block;
        ok = s->read(s->context, column + first, n, staging, err)
             && dnnl_matrix_fill(w->matrix, first, n, staging, err);
    }
    free(staging);
    return ok;
}

bool cpu_weight_fill(struct cpu_engine *c, struct weight *w, const struct matrix_source *s,
                     uint32_t first, struct abl_err *err)
{
    struct panels p;
    size_t n = panels_fill_scratch(s);
    if (w->panels)
        p = panel_matrix_panels(w->panels);
    else if (!dnnl_matrix_panels(w->matrix, &p))
        return fill_blocks(w, s, first, err);
    if (!floats_reserve(&c->staging, &c->n_staging, n))
        return too_big(1, n, err);
    return panels_fill(s, first, w->n, &p, c->staging, err);
}

static void clear_rest(const struct weight *w)
{
    struct panels p;
    if (w->panels)
        p = panel_matrix_panels(w->panels);
    else if (!dnnl_matrix_panels(w->matrix, &p))
        return;
    panels_clear_rest(&p, w->k, w->n);
}

bool cpu_weight_room(struct cpu_engine *c, struct weight *w, bool out_in, struct abl_err *err)
{
    bool ok = w->apart ? dnnl_matrix_new(c->dnnl, w->k, w->n, out_in, &w->matrix, err)
                       : panel_matrix_new(dnnl_isa(), w->k, w->n, &w->panels, err);
    if (ok)
        clear_rest(w);
    return ok;
}

bool cpu_weight_new(struct engine *e, const struct matrix_source *source, struct weight **out,
                    struct abl_err *err)
{
    struct cpu_engine *c = self(e);
    struct weight *w = calloc(1, sizeof *w);
    if (!w)
        return abl_no_memory(err);
    *w = (struct weight){ .k = source->k, .n = source->n, .source = *source };
    w->apart = !e->info.stores || dnnl_keeps_rows_apart(c->dnnl, w->k, w->n);
    if (!(e->info.stores && source->stays)
        && (!cpu_weight_room(c, w, source->out_in, err)
            || !cpu_weight_fill(c, w, source, 0, err))) {
        cpu_weight_free(e, w);
        return false;
    }
    *out = w;
    return true;
}

static struct product product_of(struct rows y, struct rows x, const float *bias, unsigned flags)
{
    return (struct product){ .x = x.data,
                             .y = y.data,
                             .bias = bias,
                             .m = x.n,
                             .x_stride = (uint32_t)x.stride,
                             .y_stride = (uint32_t)y.stride,
                             .flags = flags };
}

bool cpu_multiply_panels(struct cpu_engine *c, const struct weight *w, uint32_t first,
                         const struct product *p, uint32_t depth, struct abl_err *err)
{
    size_t n = panel_scratch();
    if (!floats_reserve(&c->scratch, &c->n_scratch, n))
        return too_big(1, n, err);
    panel_matrix_multiply(w->panels, first, depth, p, c->scratch);
    return true;
}

static void copy_rows(struct rows to, struct rows from)
{
    for (size_t i = 0; i < from.n; i++)
        memcpy(to.data + i * to.stride, from.data + i * from.stride, from.cols * sizeof(float));
}

// The product through dense copies of at least as many rows as oneDNN wants: for others it would
// fall back to other loops.
static bool multiply_dense(struct cpu_engine *c, struct rows y, struct rows x,
                           const struct weight *w, const float *bias, unsigned flags,
                           struct abl_err *err)
{
    uint32_t n = (uint32_t)size_max(x.n, dnnl_least_rows(w->matrix));
    size_t n_x = (size_t)n * x.cols, n_y = (size_t)n * y.cols;
    if (!floats_reserve(&c->scratch, &c->n_scratch, n_x + n_y))
        return too_big(n, (size_t)x.cols + y.cols, err);
    memset(c->scratch, 0, (n_x + n_y) * sizeof(float));
    struct rows from = { c->scratch, n, x.cols, x.cols };
    struct rows to = { c->scratch + n_x, n, y.cols, y.cols };
    copy_rows(from, x);
    if (flags & PRODUCT_ACCUMULATE)
        copy_rows(to, y);
    struct product p = product_of(to, from, bias, flags);
    if (!dnnl_matrix_multiply(w->matrix, &p, err))
        return false;
    to.n = y.n;
    copy_rows(y, to);
    return true;
}

bool cpu_multiply(struct cpu_engine *c, struct rows y, struct rows x, const struct weight *w,
                  const float *bias, unsigned flags, struct abl_err *err)
{
    assert(x.cols == w->k && y.cols == w->n && x.n == y.n);
    if (is_stored(w))
        return cpu_stored_multiply(c, y, x, w, bias, flags, err);
    struct product p = product_of(y, x, bias, flags);
    if (w->panels)
        return cpu_multiply_panels(c, w, 0, &p, w->k, err);
    bool dense = x.stride == x.cols && y.stride == y.cols;
    return dense && x.n >= dnnl_least_rows(w->matrix)
               ? dnnl_matrix_multiply(w->matrix, &p, err)
               : multiply_dense(c, y, x, w, bias, flags, err);
}

bool cpu_head_out(struct engine *e, struct tensor x, struct tensor z, const struct weight *w,
                  uint32_t first, struct abl_err *err)
{
    const float *rows;
    assert(x.rows == z.rows && x.cols == w->n && first + z.cols <= w->k);
    if (is_stored(w))
        return cpu_stored_head_out(self(e), rows_of(x), rows_of(z), w, first, err);
    if (w->panels) {
        struct product p = product_of(rows_of(x), rows_of(z), NULL, PRODUCT_ACCUMULATE);
        return cpu_multiply_panels(self(e), w, first, &p, z.cols, err);
    }
    if (!dnnl_matrix_rows(w->matrix, &rows, err))
        return false;
    loop_head_out(rows_of(x), rows_of(z), rows + (size_t)first * w->n);
    return true;
}
