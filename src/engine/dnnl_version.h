// What differs between the C APIs of oneDNN 2.6 and 3.x, for dnnl_matmul.c.
#ifndef ABL_ENGINE_DNNL_VERSION_H
#define ABL_ENGINE_DNNL_VERSION_H

#include <dnnl.h>
#include <stdbool.h>

// The descriptor is a struct in 2.x and an owned pointer in 3.x.
#if DNNL_VERSION_MAJOR >= 3
static inline dnnl_status_t describe_strided(dnnl_memory_desc_t *out, dnnl_data_type_t type,
                                             dnnl_dim_t rows, dnnl_dim_t cols,
                                             dnnl_dim_t row_stride, dnnl_dim_t col_stride)
{
    return dnnl_memory_desc_create_with_strides(out, 2, (dnnl_dims_t){ rows, cols }, type,
                                                (dnnl_dims_t){ row_stride, col_stride });
}

static inline dnnl_status_t describe_any(dnnl_memory_desc_t *out, dnnl_data_type_t type,
                                         dnnl_dim_t rows, dnnl_dim_t cols)
{
    return dnnl_memory_desc_create_with_tag(out, 2, (dnnl_dims_t){ rows, cols }, type,
                                            dnnl_format_tag_any);
}

static inline void release_desc(dnnl_memory_desc_t *d)
{
    if (*d)
        dnnl_memory_desc_destroy(*d);
}

static inline dnnl_status_t memory_new(dnnl_memory_t *out, const dnnl_memory_desc_t *d,
                                       dnnl_engine_t e, void *data)
{
    return dnnl_memory_create(out, *d, e, data);
}

static inline dnnl_status_t matmul_desc(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                                        const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                        const dnnl_memory_desc_t *bias, const dnnl_memory_desc_t *y,
                                        dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(out, e, *x, *w, bias ? *bias : NULL, *y, attr);
}

static inline dnnl_status_t copy_weights_desc(dnnl_memory_desc_t *out, dnnl_primitive_desc_t pd)
{
    return dnnl_memory_desc_clone(out, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
}

static inline dnnl_status_t reorder_desc(dnnl_primitive_desc_t *out, const dnnl_memory_desc_t *from,
                                         const dnnl_memory_desc_t *to, dnnl_engine_t e)
{
    return dnnl_reorder_primitive_desc_create(out, *from, e, *to, e, NULL);
}

// Part [row, row + rows) x [col, col + cols) of a descriptor.
static inline dnnl_status_t describe_part(dnnl_memory_desc_t *out, const dnnl_memory_desc_t *whole,
                                          const dnnl_dims_t dims, const dnnl_dims_t offsets)
{
    return dnnl_memory_desc_create_submemory(out, *whole, dims, offsets);
}

static inline dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, 0);
}

static inline dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}
static inline size_t desc_bytes(const dnnl_memory_desc_t *d)
{
    return dnnl_memory_desc_get_size(*d);
}

// Products in fp32 are by loops of our own there.
static inline bool desc_panels(const dnnl_memory_desc_t *d, dnnl_dim_t *width, dnnl_dim_t *depth)
{
    (void)d;
    (void)width;
    (void)depth;
    return false;
}
#else
static inline dnnl_status_t describe_strided(dnnl_memory_desc_t *out, dnnl_data_type_t type,
                                             dnnl_dim_t rows, dnnl_dim_t cols,
                                             dnnl_dim_t row_stride, dnnl_dim_t col_stride)
{
    return dnnl_memory_desc_init_by_strides(out, 2, (dnnl_dims_t){ rows, cols }, type,
                                            (dnnl_dims_t){ row_stride, col_stride });
}

static inline dnnl_status_t describe_any(dnnl_memory_desc_t *out, dnnl_data_type_t type,
                                         dnnl_dim_t rows, dnnl_dim_t cols)
{
    return dnnl_memory_desc_init_by_tag(out, 2, (dnnl_dims_t){ rows, cols }, type,
                                        dnnl_format_tag_any);
}

static inline void release_desc(dnnl_memory_desc_t *d)
{
    (void)d;
}

static inline dnnl_status_t memory_new(dnnl_memory_t *out, const dnnl_memory_desc_t *d,
                                       dnnl_engine_t e, void *data)
{
    return dnnl_memory_create(out, d, e, data);
}

static inline dnnl_status_t matmul_desc(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                                        const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                        const dnnl_memory_desc_t *bias, const dnnl_memory_desc_t *y,
                                        dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t d;
    dnnl_status_t s = dnnl_matmul_desc_init(&d, x, w, bias, y);
    return s == dnnl_success ? dnnl_primitive_desc_create(out, &d, attr, e, NULL) : s;
}

static inline dnnl_status_t copy_weights_desc(dnnl_memory_desc_t *out, dnnl_primitive_desc_t pd)
{
    *out = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    return dnnl_success;
}

static inline dnnl_status_t reorder_desc(dnnl_primitive_desc_t *out, const dnnl_memory_desc_t *from,
                                         const dnnl_memory_desc_t *to, dnnl_engine_t e)
{
    return dnnl_reorder_primitive_desc_create(out, from, e, to, e, NULL);
}

static inline dnnl_status_t describe_part(dnnl_memory_desc_t *out, const dnnl_memory_desc_t *whole,
                                          const dnnl_dims_t dims, const dnnl_dims_t offsets)
{
    return dnnl_memory_desc_init_submemory(out, whole, dims, offsets);
}

static inline dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
    return dnnl_post_ops_append_eltwise(ops, 1, kind, alpha, 0);
}

static inline dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1);
}

static inline size_t desc_bytes(const dnnl_memory_desc_t *d)
{
    return dnnl_memory_desc_get_size(d);
}

// Whether a (depth, n) matrix lies in panels of so many columns, rows one behind the other: blocks
// of rows, columns beside each other in each.
static inline bool desc_panels(const dnnl_memory_desc_t *d, dnnl_dim_t *width, dnnl_dim_t *depth)
{
    const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
    if (d->format_kind != dnnl_blocked || d->data_type != dnnl_f32 || d->ndims != 2
        || b->inner_nblks != 2 || b->inner_idxs[0] != 0 || b->inner_idxs[1] != 1)
        return false;
    *width = b->inner_blks[1];
    *depth = d->padded_dims[0];
    return b->strides[0] == b->inner_blks[0] * *width && b->strides[1] == *depth * *width;
}
#endif

#endif
