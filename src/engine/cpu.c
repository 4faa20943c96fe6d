#include <assert.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory_limit.h"
#include "base/size.h"
#include "engine/cpu_parts.h"

enum { PART_BYTES = 6 << 20, ROWS_AT_ONCE = 4096 };

static struct buffer *buffer_new(size_t n)
{
    struct buffer *b = calloc(1, sizeof *b);
    if (b)
        b->floats = floats_new(n);
    if (b && b->floats)
        return b;
    free(b);
    return NULL;
}

static bool cpu_alloc(struct engine *e, uint32_t rows, uint32_t cols, struct tensor *out,
                      struct abl_err *err)
{
    (void)e;
    // Dense rows: oneDNN's blocked kernels refuse any other distance and would fall back to its
    // plain loops.
    size_t n;
    struct buffer *b = size_mul(rows, cols, &n) ? buffer_new(n) : NULL;
    if (!b)
        return too_big(rows, cols, err);
    *out = (struct tensor){ .buffer = b, .rows = rows, .cols = cols, .stride = cols };
    return true;
}

static void buffer_free(struct buffer *b)
{
    if (!b)
        return;
    free(b->floats);
    free(b->numbers);
    free(b);
}

static void cpu_release(struct engine *e, struct tensor *t)
{
    (void)e;
    buffer_free(t->buffer);
    *t = (struct tensor){ 0 };
}

static bool cpu_upload(struct engine *e, struct tensor to, const float *from, struct abl_err *err)
{
    (void)e;
    (void)err;
    struct rows r = rows_of(to);
    for (uint32_t i = 0; i < r.n; i++)
        memcpy(r.data + i * r.stride, from + (size_t)i * r.cols, r.cols * sizeof *from);
    return true;
}

static bool cpu_download(struct engine *e, struct tensor from, float *to, struct abl_err *err)
{
    (void)e;
    (void)err;
    struct rows r = rows_of(from);
    for (uint32_t i = 0; i < r.n; i++)
        memcpy(to + (size_t)i * r.cols, r.data + i * r.stride, r.cols * sizeof *to);
    return true;
}

static bool cpu_index_new(struct engine *e, const uint32_t *values, uint32_t count,
                          struct index *out, struct abl_err *err)
{
    (void)e;
    struct buffer *b = calloc(1, sizeof *b);
    if (b)
        b->numbers = malloc(((size_t)count + 1) * sizeof *values);
    if (!b || !b->numbers) {
        buffer_free(b);
        return too_big(1, count, err);
    }
    memcpy(b->numbers, values, count * sizeof *values);
    *out = (struct index){ .buffer = b, .count = count };
    return true;
}

static void cpu_index_release(struct engine *e, struct index *list)
{
    (void)e;
    buffer_free(list->buffer);
    *list = (struct index){ 0 };
}

static bool cpu_norm(struct engine *e, struct tensor out, struct tensor x,
                     const struct norm_args *args, struct abl_err *err)
{
    (void)e;
    (void)err;
    struct loop_norm n = { .out = rows_of(out),
                           .x = rows_of(x),
                           .gain = rows_of(args->gain).data,
                           .bias = rows_of(args->bias).data,
                           .eps = args->eps,
                           .kind = args->kind,
                           .groups = args->groups };
    assert(args->groups && args->gain.cols * args->groups == x.cols && out.cols == x.cols);
    loop_norm(&n);
    return true;
}

static bool cpu_rope(struct engine *e, struct tensor x, struct tensor table, struct index positions,
                     uint32_t d_head, struct abl_err *err)
{
    (void)e;
    (void)err;
    assert(positions.count == x.rows && x.cols % d_head == 0);
    assert(table.cols % 2 == 0 && table.cols <= d_head);
    loop_rope(rows_of(x), rows_of(table), positions.buffer->numbers, d_head);
    return true;
}

static bool cpu_gate(struct engine *e, struct tensor x, struct tensor gate, enum act act,
                     struct abl_err *err)
{
    (void)e;
    (void)err;
    assert(x.rows == gate.rows && x.cols == gate.cols);
    loop_gate(rows_of(x), rows_of(gate), act);
    return true;
}

static bool cpu_linear(struct engine *e, struct tensor out, struct tensor x, const struct weight *w,
                       const struct epilogue *epilogue, struct abl_err *err)
{
    static const unsigned acts[] = { [ACT_IDENTITY] = 0,
                                     [ACT_GELU_TANH] = PRODUCT_GELU_TANH,
                                     [ACT_GELU_ERF] = PRODUCT_GELU_ERF,
                                     [ACT_SILU] = PRODUCT_SILU,
                                     [ACT_RELU] = PRODUCT_RELU };
    unsigned flags = (epilogue->bias.buffer ? PRODUCT_BIAS : 0u) | acts[epilogue->act]
                     | (epilogue->accumulate ? PRODUCT_ACCUMULATE : 0u);
    return cpu_multiply(self(e), rows_of(out), rows_of(x), w, rows_of(epilogue->bias).data, flags,
                        err);
}

static struct loop_attend attend_of(const struct attend_args *args)
{
    return (struct loop_attend){ .q = rows_of(args->q),
                                 .k = rows_of(args->k),
                                 .v = rows_of(args->v),
                                 .start = args->contexts.start.buffer->numbers,
                                 .context = args->contexts.rows.buffer->numbers,
                                 .n_heads = args->n_heads,
                                 .n_kv_heads = args->n_kv_heads,
                                 .d_head = args->d_head,
                                 .scale = args->scale,
                                 .cap = args->cap,
                                 .lean
                                 = args->lean.buffer ? rows_of(args->lean) : (struct rows){ 0 } };
}

// Room for the scores of every thread.
static bool alloc_scores(struct loop_attend *a, const struct attend_args *args, struct abl_err *err)
{
    assert(args->contexts.start.count == a->q.n + 1);
    for (uint32_t i = 0; i < a->q.n; i++) {
        uint32_t n = a->start[i + 1] - a->start[i];
        a->longest = n > a->longest ? n : a->longest;
    }
    a->longest = (a->longest + SCORE_BLOCK - 1) / SCORE_BLOCK * SCORE_BLOCK;
    a->scores = malloc((size_t)omp_get_max_threads() * a->longest * sizeof *a->scores);
    return a->scores || abl_no_memory(err);
}

static bool cpu_attend(struct engine *e, struct tensor z, const struct attend_args *args,
                       struct abl_err *err)
{
    (void)e;
    struct loop_attend a = attend_of(args);
    a.z = rows_of(z);
    if (!alloc_scores(&a, args, err))
        return false;
    loop_attend(&a);
    free(a.scores);
    return true;
}

static bool cpu_weigh(struct engine *e, struct tensor weights, const struct attend_args *args,
                      struct abl_err *err)
{
    (void)e;
    struct loop_attend a = attend_of(args);
    if (!alloc_scores(&a, args, err))
        return false;
    loop_weigh(&a, rows_of(weights));
    free(a.scores);
    return true;
}

static bool cpu_mix(struct engine *e, struct tensor z, struct tensor weights, struct tensor was,
                    const struct attend_args *args, struct abl_err *err)
{
    (void)e;
    (void)err;
    struct loop_attend a = attend_of(args);
    a.z = rows_of(z);
    assert(args->contexts.start.count == z.rows + 1);
    loop_mix(&a, rows_of(weights), rows_of(was));
    return true;
}

static bool cpu_gather(struct engine *e, struct tensor out, struct tensor x, struct index rows,
                       struct abl_err *err)
{
    (void)e;
    (void)err;
    assert(out.rows == rows.count && out.cols == x.cols);
    loop_gather(rows_of(out), rows_of(x), rows.buffer->numbers);
    return true;
}

static bool cpu_edit(struct engine *e, struct tensor x, const struct row_edit *edits,
                     uint32_t n_edits, struct tensor source, struct abl_err *err)
{
    (void)e;
    (void)err;
    loop_edit(rows_of(x), edits, n_edits, rows_of(source));
    return true;
}

static bool cpu_finish(struct engine *e, struct abl_err *err)
{
    (void)e;
    (void)err;
    return true;
}

static void cpu_free(struct engine *e)
{
    free(self(e)->logits);
    free(self(e)->scratch);
    cpu_stored_free(self(e));
    dnnl_context_free(self(e)->dnnl);
    free(e);
}

#define CPU_OP(op) .op = cpu_##op,
static const struct engine_ops cpu_ops = { .free = cpu_free, ENGINE_OPS(CPU_OP) };

static void read_cpu_name(char *out, size_t size)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(out, size, "cpu");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon || !colon[1])
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(out, size, "%s", colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

void cpu_device_info(struct device_info *out)
{
    *out = (struct device_info){ .kind = DEVICE_CPU };
    read_cpu_name(out->name, sizeof out->name);
    dnnl_describe(out->driver, sizeof out->driver);
    out->memory = memory_limit();
}

bool cpu_engine_open(uint32_t n_threads, enum precision precision, struct engine **out,
                     struct abl_err *err)
{
    struct cpu_engine *e = calloc(1, sizeof *e);
    if (!e)
        return abl_no_memory(err);
    e->base.ops = &cpu_ops;
    cpu_device_info(&e->base.info);
    e->base.info.part_bytes = PART_BYTES;
    e->base.info.rows_at_once = ROWS_AT_ONCE;
    // oneDNN and our loops share OpenMP's threads; the setting is the calling thread's.
    omp_set_num_threads(n_threads ? (int)n_threads : omp_get_num_procs());
    e->base.info.precision = precision;
    e->base.info.stores = precision == PRECISION_F32;
    if (!dnnl_context_new(precision, &e->dnnl, err)) {
        free(e);
        return false;
    }
    *out = &e->base;
    return true;
}
