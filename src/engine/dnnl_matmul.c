#include "engine/dnnl_matmul.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dnnl.h>

enum { CACHE_SIZE = 32, PACKING_ROWS = 512 };

struct dnnl_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

// A primitive for one shape of product.
struct entry {
    uint32_t m, x_stride, y_stride;
    unsigned flags;
    dnnl_primitive_t primitive; // NULL = free slot
    dnnl_memory_t x, y, bias;
};

struct dnnl_matrix {
    struct dnnl_context *context;
    uint32_t k, n;
    bool out_in;
    dnnl_memory_t weights; // in the layout that products ask for
    struct entry cache[CACHE_SIZE];
    size_t next; // slot to replace when all are taken
};

// The descriptor is a struct in 2.x and an owned pointer in 3.x.
#if DNNL_VERSION_MAJOR >= 3
static dnnl_status_t describe_strided(dnnl_memory_desc_t *out, dnnl_dim_t rows, dnnl_dim_t cols,
                                      dnnl_dim_t row_stride, dnnl_dim_t col_stride)
{
    return dnnl_memory_desc_create_with_strides(out, 2, (dnnl_dims_t){ rows, cols }, dnnl_f32,
                                                (dnnl_dims_t){ row_stride, col_stride });
}

static dnnl_status_t describe_any(dnnl_memory_desc_t *out, dnnl_dim_t rows, dnnl_dim_t cols)
{
    return dnnl_memory_desc_create_with_tag(out, 2, (dnnl_dims_t){ rows, cols }, dnnl_f32,
                                            dnnl_format_tag_any);
}

static void release_desc(dnnl_memory_desc_t *d)
{
    if (*d)
        dnnl_memory_desc_destroy(*d);
}

static dnnl_status_t memory_new(dnnl_memory_t *out, const dnnl_memory_desc_t *d, dnnl_engine_t e,
                                void *data)
{
    return dnnl_memory_create(out, *d, e, data);
}

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                                 const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                 const dnnl_memory_desc_t *bias, const dnnl_memory_desc_t *y,
                                 dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(out, e, *x, *w, bias ? *bias : NULL, *y, attr);
}

static dnnl_status_t copy_weights_desc(dnnl_memory_desc_t *out, dnnl_primitive_desc_t pd)
{
    return dnnl_memory_desc_clone(out, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
}

static dnnl_status_t reorder_desc(dnnl_primitive_desc_t *out, const dnnl_memory_desc_t *from,
                                  const dnnl_memory_desc_t *to, dnnl_engine_t e)
{
    return dnnl_reorder_primitive_desc_create(out, *from, e, *to, e, NULL);
}

// Part [row, row + rows) x [col, col + cols) of a descriptor.
static dnnl_status_t describe_part(dnnl_memory_desc_t *out, const dnnl_memory_desc_t *whole,
                                   const dnnl_dims_t dims, const dnnl_dims_t offsets)
{
    return dnnl_memory_desc_create_submemory(out, *whole, dims, offsets);
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, 0);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}
#else
static dnnl_status_t describe_strided(dnnl_memory_desc_t *out, dnnl_dim_t rows, dnnl_dim_t cols,
                                      dnnl_dim_t row_stride, dnnl_dim_t col_stride)
{
    return dnnl_memory_desc_init_by_strides(out, 2, (dnnl_dims_t){ rows, cols }, dnnl_f32,
                                            (dnnl_dims_t){ row_stride, col_stride });
}

static dnnl_status_t describe_any(dnnl_memory_desc_t *out, dnnl_dim_t rows, dnnl_dim_t cols)
{
    return dnnl_memory_desc_init_by_tag(out, 2, (dnnl_dims_t){ rows, cols }, dnnl_f32,
                                        dnnl_format_tag_any);
}

static void release_desc(dnnl_memory_desc_t *d)
{
    (void)d;
}

static dnnl_status_t memory_new(dnnl_memory_t *out, const dnnl_memory_desc_t *d, dnnl_engine_t e,
                                void *data)
{
    return dnnl_memory_create(out, d, e, data);
}

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *out, dnnl_engine_t e,
                                 const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                 const dnnl_memory_desc_t *bias, const dnnl_memory_desc_t *y,
                                 dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t d;
    dnnl_status_t s = dnnl_matmul_desc_init(&d, x, w, bias, y);
    return s == dnnl_success ? dnnl_primitive_desc_create(out, &d, attr, e, NULL) : s;
}

static dnnl_status_t copy_weights_desc(dnnl_memory_desc_t *out, dnnl_primitive_desc_t pd)
{
    *out = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    return dnnl_success;
}

static dnnl_status_t reorder_desc(dnnl_primitive_desc_t *out, const dnnl_memory_desc_t *from,
                                  const dnnl_memory_desc_t *to, dnnl_engine_t e)
{
    return dnnl_reorder_primitive_desc_create(out, from, e, to, e, NULL);
}

static dnnl_status_t describe_part(dnnl_memory_desc_t *out, const dnnl_memory_desc_t *whole,
                                   const dnnl_dims_t dims, const dnnl_dims_t offsets)
{
    return dnnl_memory_desc_init_submemory(out, whole, dims, offsets);
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
    return dnnl_post_ops_append_eltwise(ops, 1, kind, alpha, 0);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1);
}
#endif

static bool failed(dnnl_status_t s, const char *what, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "oneDNN cannot %s (status %d)%s", what, (int)s,
                    s == dnnl_out_of_memory ? ": out of memory; lower --mem" : "");
}

bool dnnl_context_new(struct dnnl_context **out, struct abl_err *err)
{
    struct dnnl_context *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    dnnl_status_t s = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
    if (s == dnnl_success)
        s = dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags);
    if (s != dnnl_success) {
        dnnl_context_free(c);
        return failed(s, "open the CPU", err);
    }
    *out = c;
    return true;
}

void dnnl_context_free(struct dnnl_context *c)
{
    if (!c)
        return;
    if (c->stream)
        dnnl_stream_destroy(c->stream);
    if (c->engine)
        dnnl_engine_destroy(c->engine);
    free(c);
}

void dnnl_describe(char *out, size_t size)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        { dnnl_cpu_isa_sse41, "sse4.1" },
        { dnnl_cpu_isa_avx, "avx" },
        { dnnl_cpu_isa_avx2, "avx2" },
        { dnnl_cpu_isa_avx512_core, "avx512_core" },
        { dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni" },
        { dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16" },
        { dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx" },
    };
    const dnnl_version_t *v = dnnl_version();
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    const char *name = "generic";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].isa == isa)
            name = names[i].name;
    snprintf(out, size, "oneDNN %d.%d.%d (%s)", v->major, v->minor, v->patch, name);
}

static dnnl_status_t attributes(unsigned flags, dnnl_primitive_attr_t *out)
{
    dnnl_post_ops_t ops;
    dnnl_status_t s = dnnl_primitive_attr_create(out);
    if (s != dnnl_success)
        return s;
    s = dnnl_post_ops_create(&ops);
    if (s != dnnl_success)
        return s;
    if (flags & PRODUCT_GELU_TANH)
        s = append_eltwise(ops, dnnl_eltwise_gelu_tanh, 0);
    else if (flags & PRODUCT_GELU_ERF)
        s = append_eltwise(ops, dnnl_eltwise_gelu_erf, 0);
    else if (flags & PRODUCT_SILU)
        s = append_eltwise(ops, dnnl_eltwise_swish, 1);
    if (s == dnnl_success && flags & PRODUCT_ACCUMULATE)
        s = append_sum(ops);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(*out, ops);
    dnnl_post_ops_destroy(ops);
    return s;
}

struct shape_descs {
    dnnl_memory_desc_t x, y, bias;
};

static dnnl_status_t describe_product(const struct dnnl_matrix *w, uint32_t m, uint32_t x_stride,
                                      uint32_t y_stride, struct shape_descs *out)
{
    dnnl_status_t s = describe_strided(&out->x, m, w->k, x_stride, 1);
    if (s == dnnl_success)
        s = describe_strided(&out->y, m, w->n, y_stride, 1);
    if (s == dnnl_success)
        s = describe_strided(&out->bias, 1, w->n, w->n, 1);
    return s;
}

static void release_descs(struct shape_descs *d)
{
    release_desc(&d->x);
    release_desc(&d->y);
    release_desc(&d->bias);
}

// The layout of the weights that a product of many rows asks for.
static dnnl_status_t wanted_layout(struct dnnl_matrix *w, dnnl_memory_desc_t *out)
{
    struct shape_descs d = { 0 };
    dnnl_memory_desc_t any = { 0 };
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t s = describe_product(w, PACKING_ROWS, w->k, w->n, &d);
    if (s == dnnl_success)
        s = describe_any(&any, w->k, w->n);
    if (s == dnnl_success)
        s = attributes(0, &attr);
    if (s == dnnl_success)
        s = matmul_desc(&pd, w->context->engine, &d.x, &any, &d.bias, &d.y, attr);
    if (s == dnnl_success)
        s = copy_weights_desc(out, pd);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    release_desc(&any);
    release_descs(&d);
    return s;
}

static dnnl_status_t weights_desc(const struct dnnl_matrix *w, dnnl_memory_desc_t *out)
{
#if DNNL_VERSION_MAJOR >= 3
    const_dnnl_memory_desc_t d;
    dnnl_status_t s = dnnl_memory_get_memory_desc(w->weights, &d);
    return s == dnnl_success ? dnnl_memory_desc_clone(out, d) : s;
#else
    const dnnl_memory_desc_t *d;
    dnnl_status_t s = dnnl_memory_get_memory_desc(w->weights, &d);
    if (s == dnnl_success)
        *out = *d;
    return s;
#endif
}

// oneDNN's handles are not const, but it only reads the sources.
static void *unconst(const float *p)
{
    void *q;
    memcpy(&q, &p, sizeof q);
    return q;
}

bool dnnl_matrix_new(struct dnnl_context *c, uint32_t k, uint32_t n, bool out_in,
                     struct dnnl_matrix **out, struct abl_err *err)
{
    struct dnnl_matrix *w = calloc(1, sizeof *w);
    dnnl_memory_desc_t wanted = { 0 };
    if (!w)
        return abl_no_memory(err);
    *w = (struct dnnl_matrix){ .context = c, .k = k, .n = n, .out_in = out_in };
    dnnl_status_t s = wanted_layout(w, &wanted);
    if (s == dnnl_success)
        s = memory_new(&w->weights, &wanted, c->engine, DNNL_MEMORY_ALLOCATE);
    release_desc(&wanted);
    if (s != dnnl_success) {
        dnnl_matrix_free(w);
        return failed(s, "make room for a matrix", err);
    }
    *out = w;
    return true;
}

// Where rows [first, first + count) of the file lie in the weights, and how they lie in `from`.
static dnnl_status_t describe_fill(const struct dnnl_matrix *w, uint32_t first, uint32_t count,
                                   dnnl_memory_desc_t *from, dnnl_memory_desc_t *to)
{
    dnnl_memory_desc_t whole = { 0 };
    dnnl_dims_t dims = { count, w->n }, offsets = { first, 0 };
    if (w->out_in) {
        dims[0] = w->k, dims[1] = count;
        offsets[0] = 0, offsets[1] = first;
    }
    dnnl_status_t s
        = describe_strided(from, dims[0], dims[1], w->out_in ? 1 : w->n, w->out_in ? w->k : 1);
    if (s == dnnl_success)
        s = weights_desc(w, &whole);
    if (s == dnnl_success)
        s = describe_part(to, &whole, dims, offsets);
    release_desc(&whole);
    return s;
}

static dnnl_status_t fill(struct dnnl_matrix *w, const dnnl_memory_desc_t *from,
                          const dnnl_memory_desc_t *to, const float *rows)
{
    struct dnnl_context *c = w->context;
    dnnl_memory_t source = NULL, target = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t p = NULL;
    void *data;
    dnnl_status_t s = dnnl_memory_get_data_handle(w->weights, &data);
    if (s == dnnl_success)
        s = memory_new(&source, from, c->engine, unconst(rows));
    if (s == dnnl_success)
        s = memory_new(&target, to, c->engine, data);
    if (s == dnnl_success)
        s = reorder_desc(&pd, from, to, c->engine);
    if (s == dnnl_success)
        s = dnnl_primitive_create(&p, pd);
    dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, source }, { DNNL_ARG_TO, target } };
    if (s == dnnl_success)
        s = dnnl_primitive_execute(p, c->stream, 2, args);
    if (s == dnnl_success)
        s = dnnl_stream_wait(c->stream);
    if (p)
        dnnl_primitive_destroy(p);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (target)
        dnnl_memory_destroy(target);
    if (source)
        dnnl_memory_destroy(source);
    return s;
}

bool dnnl_matrix_fill(struct dnnl_matrix *w, uint32_t first, uint32_t count, const float *rows,
                      struct abl_err *err)
{
    dnnl_memory_desc_t from = { 0 }, to = { 0 };
    dnnl_status_t s = describe_fill(w, first, count, &from, &to);
    if (s == dnnl_success)
        s = fill(w, &from, &to, rows);
    release_desc(&from);
    release_desc(&to);
    return s == dnnl_success || failed(s, "pack a matrix", err);
}

static void entry_release(struct entry *e)
{
    dnnl_memory_t memories[] = { e->x, e->y, e->bias };
    for (size_t i = 0; i < 3; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    if (e->primitive)
        dnnl_primitive_destroy(e->primitive);
    *e = (struct entry){ 0 };
}

void dnnl_matrix_free(struct dnnl_matrix *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < CACHE_SIZE; i++)
        entry_release(&w->cache[i]);
    if (w->weights)
        dnnl_memory_destroy(w->weights);
    free(w);
}

static dnnl_status_t entry_init(struct dnnl_matrix *w, const struct product *p, struct entry *e)
{
    *e = (struct entry){
        .m = p->m, .x_stride = p->x_stride, .y_stride = p->y_stride, .flags = p->flags
    };
    dnnl_engine_t engine = w->context->engine;
    struct shape_descs d = { 0 };
    dnnl_memory_desc_t wd = { 0 };
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    bool bias = p->flags & PRODUCT_BIAS;
    dnnl_status_t s = describe_product(w, p->m, p->x_stride, p->y_stride, &d);
    if (s == dnnl_success)
        s = weights_desc(w, &wd);
    if (s == dnnl_success)
        s = attributes(p->flags, &attr);
    if (s == dnnl_success)
        s = matmul_desc(&pd, engine, &d.x, &wd, bias ? &d.bias : NULL, &d.y, attr);
    if (s == dnnl_success)
        s = dnnl_primitive_create(&e->primitive, pd);
    if (s == dnnl_success)
        s = memory_new(&e->x, &d.x, engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = memory_new(&e->y, &d.y, engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success && bias)
        s = memory_new(&e->bias, &d.bias, engine, DNNL_MEMORY_NONE);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    release_desc(&wd);
    release_descs(&d);
    if (s != dnnl_success)
        entry_release(e);
    return s;
}

// The cached primitive for this shape; a new one where there is none yet.
static dnnl_status_t find_entry(struct dnnl_matrix *w, const struct product *p, struct entry **out)
{
    for (size_t i = 0; i < CACHE_SIZE; i++) {
        struct entry *e = &w->cache[i];
        if (e->primitive && e->m == p->m && e->x_stride == p->x_stride && e->y_stride == p->y_stride
            && e->flags == p->flags) {
            *out = e;
            return dnnl_success;
        }
    }
    *out = &w->cache[w->next];
    w->next = (w->next + 1) % CACHE_SIZE;
    entry_release(*out);
    return entry_init(w, p, *out);
}

bool dnnl_matrix_multiply(struct dnnl_matrix *w, const struct product *p, struct abl_err *err)
{
    struct entry *e;
    dnnl_status_t s = find_entry(w, p, &e);
    if (s == dnnl_success)
        s = dnnl_memory_set_data_handle(e->x, unconst(p->x));
    if (s == dnnl_success)
        s = dnnl_memory_set_data_handle(e->y, p->y);
    if (s == dnnl_success && e->bias)
        s = dnnl_memory_set_data_handle(e->bias, unconst(p->bias));
    if (s == dnnl_success) {
        dnnl_exec_arg_t args[] = { { DNNL_ARG_SRC, e->x },
                                   { DNNL_ARG_WEIGHTS, w->weights },
                                   { DNNL_ARG_DST, e->y },
                                   { DNNL_ARG_BIAS, e->bias } };
        s = dnnl_primitive_execute(e->primitive, w->context->stream, e->bias ? 4 : 3, args);
    }
    if (s == dnnl_success)
        s = dnnl_stream_wait(w->context->stream);
    return s == dnnl_success || failed(s, "multiply", err);
}
