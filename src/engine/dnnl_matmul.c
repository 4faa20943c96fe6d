#include "engine/dnnl_matmul.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bf16.h"
#include "engine/dnnl_version.h"
#include "engine/floats.h"

enum { CACHE_SIZE = 32, PACKING_ROWS = 512 };
// Threads of a bf16 product that never share out its sums over k: 2.x does so from 16 on, 3.x as it
// sees fit.
enum { MOST_BF16_THREADS = DNNL_VERSION_MAJOR >= 3 ? 1 : 15 };

struct dnnl_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    enum precision precision;
    uint16_t *halves; // of a product's left operand
    size_t n_halves;
    const struct dnnl_matrix *unpacked; // whose rows are in `rows`; NULL: none
    float *rows;
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
    uint32_t width; // of bf16x3: k rounded up, a third of the rows that are multiplied
    bool out_in;
    dnnl_memory_t weights; // in the layout that products ask for
    float *values;         // what it holds
    struct entry cache[CACHE_SIZE];
    size_t next; // slot to replace when all are taken
};

static bool failed(dnnl_status_t s, const char *what, struct abl_err *err)
{
    return abl_fail(err, ABL_FAILED, "oneDNN cannot %s (status %d)%s", what, (int)s,
                    s == dnnl_out_of_memory ? ": out of memory; lower --mem" : "");
}

// A multiple of MATRIX_BLOCK, where parts of a packed matrix may begin.
static uint32_t round_up(uint32_t k)
{
    return (k + MATRIX_BLOCK - 1) / MATRIX_BLOCK * MATRIX_BLOCK;
}

void dnnl_context_free(struct dnnl_context *c)
{
    if (!c)
        return;
    if (c->stream)
        dnnl_stream_destroy(c->stream);
    if (c->engine)
        dnnl_engine_destroy(c->engine);
    free(c->halves);
    free(c->rows);
    free(c);
}

enum panel_isa dnnl_isa(void)
{
    unsigned has = (unsigned)dnnl_get_effective_cpu_isa();
    static const unsigned needs[] = { [PANEL_AVX] = dnnl_cpu_isa_avx,
                                      [PANEL_AVX2] = dnnl_cpu_isa_avx2,
                                      [PANEL_AVX512] = dnnl_cpu_isa_avx512_core };
    enum panel_isa isa = PANEL_AVX512;
    while (isa > PANEL_PLAIN && (has & needs[isa]) != needs[isa])
        isa--;
    return isa;
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
    // whatever ONEDNN_DEFAULT_FPMATH_MODE says
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_fpmath_mode(*out, dnnl_fpmath_mode_strict);
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
    else if (flags & PRODUCT_RELU)
        s = append_eltwise(ops, dnnl_eltwise_relu, 0);
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

// Rows that are multiplied, and what both operands are.
static dnnl_dim_t depth(const struct dnnl_matrix *w)
{
    return w->width ? 3 * (dnnl_dim_t)w->width : w->k;
}

static dnnl_data_type_t operand_type(const struct dnnl_matrix *w)
{
    return w->width ? dnnl_bf16 : dnnl_f32;
}

static dnnl_status_t describe_product(const struct dnnl_matrix *w, uint32_t m, uint32_t x_stride,
                                      uint32_t y_stride, struct shape_descs *out)
{
    dnnl_dim_t stride = w->width ? depth(w) : x_stride;
    dnnl_status_t s = describe_strided(&out->x, operand_type(w), m, depth(w), stride, 1);
    if (s == dnnl_success)
        s = describe_strided(&out->y, dnnl_f32, m, w->n, y_stride, 1);
    if (s == dnnl_success)
        s = describe_strided(&out->bias, dnnl_f32, 1, w->n, w->n, 1);
    return s;
}

static void release_descs(struct shape_descs *d)
{
    release_desc(&d->x);
    release_desc(&d->y);
    release_desc(&d->bias);
}

// How a product of many rows is multiplied, weights in any layout.
static dnnl_status_t describe_many_rows(const struct dnnl_matrix *w, dnnl_primitive_desc_t *out)
{
    struct shape_descs d = { 0 };
    dnnl_memory_desc_t any = { 0 };
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t s = describe_product(w, PACKING_ROWS, w->k, w->n, &d);
    if (s == dnnl_success)
        s = describe_any(&any, operand_type(w), depth(w), w->n);
    if (s == dnnl_success)
        s = attributes(0, &attr);
    if (s == dnnl_success)
        s = matmul_desc(out, w->context->engine, &d.x, &any, &d.bias, &d.y, attr);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    release_desc(&any);
    release_descs(&d);
    return s;
}

// The layout of the weights that such a product asks for.
static dnnl_status_t wanted_layout(struct dnnl_matrix *w, dnnl_memory_desc_t *out)
{
    dnnl_primitive_desc_t pd;
    dnnl_status_t s = describe_many_rows(w, &pd);
    if (s != dnnl_success)
        return s;
    s = copy_weights_desc(out, pd);
    dnnl_primitive_desc_destroy(pd);
    return s;
}

// Whether such a product is oneDNN's batch-reduce kernel ("brg:avx512_core"). Its blocks over k
// depend on k alone, and within one each element is a sum of its own. Others choose among kernels
// that add up in other orders, by rows and threads.
static bool is_batch_reduce(const struct dnnl_matrix *w)
{
    dnnl_primitive_desc_t pd;
    const char *name = NULL;
    if (describe_many_rows(w, &pd) != dnnl_success)
        return false;
    bool is = dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success
              && strncmp(name, "brg", 3) == 0;
    dnnl_primitive_desc_destroy(pd);
    return is;
}

bool dnnl_keeps_rows_apart(struct dnnl_context *c, uint32_t k, uint32_t n)
{
    // 3.x shares out sums over k where there are few rows and many threads
    struct dnnl_matrix w = { .context = c, .k = k, .n = n };
    return dnnl_version()->major == 2 && is_batch_reduce(&w);
}

bool dnnl_context_new(enum precision precision, struct dnnl_context **out, struct abl_err *err)
{
    struct dnnl_context *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    c->precision = precision;
    dnnl_status_t s = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
    if (s == dnnl_success)
        s = dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags);
    if (s != dnnl_success) {
        dnnl_context_free(c);
        return failed(s, "open the CPU", err);
    }
    struct dnnl_matrix probe
        = { .context = c, .k = MATRIX_BLOCK, .n = MATRIX_BLOCK, .width = MATRIX_BLOCK };
    if (precision != PRECISION_F32 && !is_batch_reduce(&probe)) {
        dnnl_context_free(c);
        return abl_fail(err, ABL_FAILED,
                        "oneDNN has no bf16 products on this CPU, which --precision %s takes: "
                        "expected AVX-512 with bf16, or AMX; use --precision f32",
                        precision_name(precision));
    }
    *out = c;
    return true;
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
static void *unconst(const void *p)
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
    if (c->precision == PRECISION_BF16X3)
        w->width = round_up(k);
    dnnl_status_t s = wanted_layout(w, &wanted);
    if (s == dnnl_success)
        w->values = floats_new(desc_bytes(&wanted) / sizeof(float) + 1);
    if (s == dnnl_success)
        s = !w->values ? dnnl_out_of_memory
                       : memory_new(&w->weights, &wanted, c->engine, w->values);
    release_desc(&wanted);
    if (s != dnnl_success) {
        dnnl_matrix_free(w);
        return failed(s, "make room for a matrix", err);
    }
    *out = w;
    return true;
}

bool dnnl_matrix_panels(const struct dnnl_matrix *w, struct panels *out)
{
    dnnl_memory_desc_t d = { 0 };
    dnnl_dim_t width, depth;
    if (w->width || weights_desc(w, &d) != dnnl_success)
        return false;
    bool is = desc_panels(&d, &width, &depth);
    release_desc(&d);
    if (is)
        *out = (struct panels){ w->values, (uint32_t)width, (uint32_t)depth };
    return is;
}

// A part of a matrix, [row, row + rows) x [col, col + cols), and how it comes.
struct part {
    dnnl_dim_t row, rows, col, cols;
    dnnl_dim_t row_stride, col_stride; // of data
    const void *data;
};

static dnnl_status_t describe_fill(const struct dnnl_matrix *w, const struct part *p,
                                   dnnl_memory_desc_t *from, dnnl_memory_desc_t *to)
{
    dnnl_memory_desc_t whole = { 0 };
    dnnl_dims_t dims = { p->rows, p->cols }, offsets = { p->row, p->col };
    dnnl_status_t s
        = describe_strided(from, operand_type(w), p->rows, p->cols, p->row_stride, p->col_stride);
    if (s == dnnl_success)
        s = weights_desc(w, &whole);
    if (s == dnnl_success)
        s = describe_part(to, &whole, dims, offsets);
    release_desc(&whole);
    return s;
}

static dnnl_status_t reorder(const struct dnnl_context *c, const dnnl_memory_desc_t *from,
                             const void *values, const dnnl_memory_desc_t *to, void *out)
{
    dnnl_memory_t source = NULL, target = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t p = NULL;
    dnnl_status_t s = memory_new(&source, from, c->engine, unconst(values));
    if (s == dnnl_success)
        s = memory_new(&target, to, c->engine, out);
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

static dnnl_status_t fill_part(struct dnnl_matrix *w, const struct part *p)
{
    dnnl_memory_desc_t from = { 0 }, to = { 0 };
    void *packed;
    dnnl_status_t s = dnnl_memory_get_data_handle(w->weights, &packed);
    if (s == dnnl_success)
        s = describe_fill(w, p, &from, &to);
    if (s == dnnl_success)
        s = reorder(w->context, &from, p->data, &to, packed);
    release_desc(&from);
    release_desc(&to);
    return s;
}

// Where rows [first, first + count) of the file go.
static struct part file_part(const struct dnnl_matrix *w, uint32_t first, uint32_t count,
                             const float *rows)
{
    if (w->out_in)
        return (struct part){ 0, w->k, first, count, 1, w->k, rows };
    return (struct part){ first, count, 0, w->n, w->n, 1, rows };
}

// The same in halves, three times below each other: high, low, high. Up to the next multiple of a
// block come zeros.
static dnnl_status_t fill_halves(struct dnnl_matrix *w, uint32_t first, uint32_t count,
                                 const float *rows)
{
    uint32_t lines = w->out_in ? count : round_up(count), cols = w->out_in ? w->width : w->n;
    uint32_t given = w->out_in ? w->k : w->n;
    size_t n = (size_t)lines * cols;
    uint16_t *high = calloc(2 * n, sizeof *high), *low = high + n;
    if (!high)
        return dnnl_out_of_memory;
    for (uint32_t i = 0; i < count; i++)
        bf16_split(rows + (size_t)i * given, given, high + (size_t)i * cols,
                   low + (size_t)i * cols);
    const uint16_t *thirds[] = { high, low, high };
    dnnl_status_t s = dnnl_success;
    for (uint32_t t = 0; t < 3 && s == dnnl_success; t++) {
        dnnl_dim_t top = (dnnl_dim_t)t * w->width;
        struct part in_out = { top + first, lines, 0, w->n, w->n, 1, thirds[t] };
        struct part out_in = { top, w->width, first, count, 1, w->width, thirds[t] };
        s = fill_part(w, w->out_in ? &out_in : &in_out);
    }
    free(high);
    return s;
}

bool dnnl_matrix_fill(struct dnnl_matrix *w, uint32_t first, uint32_t count, const float *rows,
                      struct abl_err *err)
{
    struct part p = file_part(w, first, count, rows);
    dnnl_status_t s = w->width ? fill_halves(w, first, count, rows) : fill_part(w, &p);
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
    if (w->context->unpacked == w)
        w->context->unpacked = NULL;
    free(w->values);
    free(w);
}

// oneDNN leaves AMX where there are at most 32 rows and 256 elements.
uint32_t dnnl_least_rows(const struct dnnl_matrix *w)
{
    enum { FEW_ROWS = 32, FEW_ELEMENTS = 256 };
    return w->width && w->n <= FEW_ELEMENTS ? FEW_ROWS + 1 : 1;
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
    int threads = omp_get_max_threads();
    if (w->width && threads > MOST_BF16_THREADS)
        omp_set_num_threads(MOST_BF16_THREADS);
    if (s == dnnl_success)
        s = matmul_desc(&pd, engine, &d.x, &wd, bias ? &d.bias : NULL, &d.y, attr);
    if (s == dnnl_success)
        s = dnnl_primitive_create(&e->primitive, pd);
    omp_set_num_threads(threads);
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

// The left operand as it is multiplied; NULL without memory.
static const void *left_operand(const struct dnnl_matrix *w, const struct product *p)
{
    struct dnnl_context *c = w->context;
    if (!w->width)
        return p->x;
    size_t n = (size_t)p->m * (size_t)depth(w);
    if (n > c->n_halves) {
        free(c->halves);
        c->halves = aligned_alloc(MATRIX_BLOCK, n * sizeof *c->halves); // width is a multiple
        c->n_halves = c->halves ? n : 0;
    }
    if (c->halves)
        bf16_split_rows(p->x, p->m, w->k, p->x_stride, w->width, c->halves);
    return c->halves;
}

bool dnnl_matrix_multiply(struct dnnl_matrix *w, const struct product *p, struct abl_err *err)
{
    struct entry *e;
    const void *left = left_operand(w, p);
    dnnl_status_t s = left ? find_entry(w, p, &e) : dnnl_out_of_memory;
    if (s == dnnl_success)
        s = dnnl_memory_set_data_handle(e->x, unconst(left));
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

// --- rows of a packed matrix ---

// Rows [first, first + count) of what is packed, as fp32 into out (count, n).
static dnnl_status_t unpack_part(const struct dnnl_matrix *w, dnnl_dim_t first, dnnl_dim_t count,
                                 float *out)
{
    dnnl_memory_desc_t whole = { 0 }, from = { 0 }, to = { 0 };
    dnnl_dims_t dims = { count, w->n }, offsets = { first, 0 };
    void *packed;
    dnnl_status_t s = dnnl_memory_get_data_handle(w->weights, &packed);
    if (s == dnnl_success)
        s = weights_desc(w, &whole);
    if (s == dnnl_success)
        s = describe_part(&from, &whole, dims, offsets);
    if (s == dnnl_success)
        s = describe_strided(&to, dnnl_f32, count, w->n, w->n, 1);
    if (s == dnnl_success)
        s = reorder(w->context, &from, packed, &to, out);
    release_desc(&whole);
    release_desc(&from);
    release_desc(&to);
    return s;
}

// high + low, where halves are packed: the first two of the thirds.
static dnnl_status_t unpack(const struct dnnl_matrix *w, float *out)
{
    size_t n = (size_t)w->width * w->n;
    if (!w->width)
        return unpack_part(w, 0, w->k, out);
    float *low = malloc(n * sizeof *low);
    if (!low)
        return dnnl_out_of_memory;
    dnnl_status_t s = unpack_part(w, 0, w->width, out);
    if (s == dnnl_success)
        s = unpack_part(w, w->width, w->width, low);
    for (size_t i = 0; s == dnnl_success && i < n; i++)
        out[i] += low[i];
    free(low);
    return s;
}

bool dnnl_matrix_rows(const struct dnnl_matrix *w, const float **out, struct abl_err *err)
{
    struct dnnl_context *c = w->context;
    dnnl_status_t s = dnnl_success;
    if (c->unpacked != w) {
        free(c->rows);
        c->unpacked = NULL;
        c->rows = malloc((size_t)(w->width ? w->width : w->k) * w->n * sizeof *c->rows);
        s = c->rows ? unpack(w, c->rows) : dnnl_out_of_memory;
        if (s == dnnl_success)
            c->unpacked = w;
    }
    *out = c->rows;
    return s == dnnl_success || failed(s, "unpack a matrix", err);
}
