// Products with matrices that stay in their files: columns are widened into memory that is small
// enough to be multiplied from a cache, then multiplied as others are.
#include <stdlib.h>

#include "base/size.h"
#include "engine/cpu_parts.h"
#include "engine/work.h"

// Room for a part of k rows and n columns of a matrix like w. One of a shape serves all matrices,
// and the products that oneDNN makes for it.
static struct wide_part *part_for(struct cpu_engine *c, const struct weight *w, uint32_t n,
                                  struct abl_err *err)
{
    for (size_t i = 0; i < WIDE_PARTS; i++) {
        struct wide_part *p = &c->parts[i];
        if (!is_stored(&p->w) && p->w.k == w->k && p->w.n == n && p->w.apart == w->apart)
            return p;
    }
    struct wide_part *p = &c->parts[c->next_part];
    c->next_part = (c->next_part + 1) % WIDE_PARTS;
    cpu_weight_clear(&p->w);
    *p = (struct wide_part){ .w = { .k = w->k, .n = n, .apart = w->apart } };
    return cpu_weight_room(c, &p->w, w->source.out_in, err) ? p : NULL;
}

// Columns [first, first + n), or what they are now where a product before this was with them.
static bool widen(struct cpu_engine *c, const struct weight *w, uint32_t first, uint32_t n,
                  struct weight **out, struct abl_err *err)
{
    struct wide_part *p = part_for(c, w, n, err);
    if (!p)
        return false;
    bool ok
        = (p->holds == w && p->first == first) || cpu_weight_fill(c, &p->w, &w->source, first, err);
    p->holds = ok ? w : NULL;
    p->first = first;
    *out = &p->w;
    return ok;
}

// Columns that are widened at a time; files that hold rows are read whole.
static uint32_t part_cols(const struct weight *w)
{
    return w->source.out_in ? stored_part_cols(w->k, w->n) : w->n;
}

static struct rows columns(struct rows r, uint32_t first, uint32_t n)
{
    r.data += first;
    r.cols = n;
    return r;
}

bool cpu_stored_multiply(struct cpu_engine *c, struct rows y, struct rows x, const struct weight *w,
                         const float *bias, unsigned flags, struct abl_err *err)
{
    uint32_t each = part_cols(w);
    for (uint32_t first = 0; first < w->n; first += each) {
        uint32_t n = u32_min(each, w->n - first);
        struct weight *part;
        if (!widen(c, w, first, n, &part, err)
            || !cpu_multiply(c, columns(y, first, n), x, part, bias ? bias + first : NULL, flags,
                             err))
            return false;
    }
    return true;
}

// All rows of a matrix as they are, kept until those of another are asked for.
static bool plain_rows(struct cpu_engine *c, const struct weight *w, struct abl_err *err)
{
    size_t n = (size_t)w->k * w->n, n_staging = panels_fill_scratch(&w->source);
    if (c->rows_of == w)
        return true;
    c->rows_of = NULL;
    if (!floats_reserve(&c->rows, &c->n_rows, n)
        || !floats_reserve(&c->staging, &c->n_staging, n_staging))
        return too_big(w->k, w->n, err);
    struct panels whole = { .values = c->rows, .width = w->n, .depth = w->k };
    if (!panels_fill(&w->source, 0, w->n, &whole, c->staging, err))
        return false;
    c->rows_of = w;
    return true;
}

bool cpu_stored_head_out(struct cpu_engine *c, struct rows x, struct rows z, const struct weight *w,
                         uint32_t first, struct abl_err *err)
{
    uint32_t each = part_cols(w);
    if (w->apart) {
        if (!plain_rows(c, w, err))
            return false;
        loop_head_out(x, z, c->rows + (size_t)first * w->n);
        return true;
    }
    for (uint32_t at = 0; at < w->n; at += each) {
        struct weight *part;
        struct rows y = columns(x, at, u32_min(each, w->n - at));
        struct product p = { .x = z.data,
                             .y = y.data,
                             .m = z.n,
                             .x_stride = (uint32_t)z.stride,
                             .y_stride = (uint32_t)y.stride,
                             .flags = PRODUCT_ACCUMULATE };
        if (!widen(c, w, at, y.cols, &part, err)
            || !cpu_multiply_panels(c, part, first, &p, z.cols, err))
            return false;
    }
    return true;
}

void cpu_stored_forget(struct cpu_engine *c, const struct weight *w)
{
    for (size_t i = 0; i < WIDE_PARTS; i++)
        if (c->parts[i].holds == w)
            c->parts[i].holds = NULL;
    if (c->rows_of == w)
        c->rows_of = NULL;
}

void cpu_stored_free(struct cpu_engine *c)
{
    for (size_t i = 0; i < WIDE_PARTS; i++)
        cpu_weight_clear(&c->parts[i].w);
    free(c->staging);
    free(c->rows);
}
