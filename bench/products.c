// How fast this machine multiplies: x (m, k) · w (k, n) + bias, over and over.
//
//     products onednn|cpu|vulkan|vulkan:N m,k,n ...
//
// A line for each shape: m k n and the best and median GFLOP/s. "onednn" calls the library alone,
// with weights in the layout that it asks for; the others go through an engine, as a forward pass
// does.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/dnnl_matmul.h"
#include "engine/engine.h"

enum { MAX_TIMES = 50 };
static const double SECONDS_PER_SHAPE = 1.0;

struct shape {
    uint32_t m, k, n;
};

// Exactly one of the two is there.
struct rival {
    struct dnnl_context *library;
    struct engine *engine;
};

static void fill(float *x, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / (float)(1u << 24) - 0.5f;
    }
}

struct host {
    float *x, *w, *bias, *y;
};

static void host_free(struct host *h)
{
    free(h->x);
    free(h->w);
    free(h->bias);
    free(h->y);
}

static bool host_new(const struct shape *s, struct host *h, struct abl_err *err)
{
    size_t m = s->m, k = s->k, n = s->n;
    *h = (struct host){ malloc(m * k * 4), malloc(k * n * 4), malloc(n * 4), malloc(m * n * 4) };
    if (!h->x || !h->w || !h->bias || !h->y) {
        host_free(h);
        return abl_no_memory(err);
    }
    fill(h->x, m * k, 1);
    fill(h->w, k * n, 2);
    fill(h->bias, n, 3);
    return true;
}

// One product of a rival, made ready.
struct work {
    const struct rival *rival;
    struct product product;
    struct dnnl_matrix *matrix;
    struct weight *weight;
    struct tensor x, y, bias;
};

static bool multiply(const struct work *w, struct abl_err *err)
{
    struct engine *e = w->rival->engine;
    if (!e)
        return dnnl_matrix_multiply(w->matrix, &w->product, err);
    struct epilogue epilogue = { .bias = w->bias };
    return e->ops->linear(e, w->y, w->x, w->weight, &epilogue, err) && e->ops->finish(e, err);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool time_shape(const struct work *w, const struct shape *s, struct abl_err *err)
{
    double times[MAX_TIMES], started = now_seconds();
    size_t n = 0;
    if (!multiply(w, err)) // caches, compilers and clocks warm up
        return false;
    while (n < MAX_TIMES && (n < 3 || now_seconds() - started < SECONDS_PER_SHAPE)) {
        double start = now_seconds();
        if (!multiply(w, err))
            return false;
        times[n++] = now_seconds() - start;
    }
    qsort(times, n, sizeof *times, by_value);
    double flop = 2.0 * s->m * s->k * s->n;
    printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %.3g %.3g\n", s->m, s->k, s->n,
           flop / times[0] / 1e9, flop / times[n / 2] / 1e9);
    return fflush(stdout) == 0 || abl_fail(err, ABL_FAILED, "cannot write the figures");
}

// Rows [first, first + count) of w, for an engine that loads them.
struct rows {
    const float *w;
    uint32_t n;
};

static bool read_rows(void *context, uint32_t first, uint32_t count, float *out,
                      struct abl_err *err)
{
    (void)err;
    const struct rows *r = context;
    memcpy(out, r->w + (size_t)first * r->n, (size_t)count * r->n * sizeof *out);
    return true;
}

static bool load(struct work *w, const struct shape *s, const struct host *h, struct abl_err *err)
{
    struct rows rows = { h->w, s->n };
    struct matrix_source source = { .k = s->k, .n = s->n, .read = read_rows, .context = &rows };
    struct engine *e = w->rival->engine;
    w->product = (struct product){ .x = h->x,
                                   .y = h->y,
                                   .bias = h->bias,
                                   .m = s->m,
                                   .x_stride = s->k,
                                   .y_stride = s->n,
                                   .flags = PRODUCT_BIAS };
    if (!e)
        return dnnl_matrix_new(w->rival->library, s->k, s->n, false, &w->matrix, err)
               && dnnl_matrix_fill(w->matrix, 0, s->k, h->w, err);
    return e->ops->weight_new(e, &source, &w->weight, err)
           && e->ops->alloc(e, s->m, s->k, &w->x, err) && e->ops->alloc(e, s->m, s->n, &w->y, err)
           && e->ops->alloc(e, 1, s->n, &w->bias, err) && e->ops->upload(e, w->x, h->x, err)
           && e->ops->upload(e, w->bias, h->bias, err);
}

static void unload(struct work *w)
{
    struct engine *e = w->rival->engine;
    struct tensor *tensors[] = { &w->x, &w->y, &w->bias };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i]->buffer)
            e->ops->release(e, tensors[i]);
    if (w->weight)
        e->ops->weight_free(e, w->weight);
    if (w->matrix)
        dnnl_matrix_free(w->matrix);
}

static bool measure(const struct rival *r, const char *text, struct abl_err *err)
{
    struct shape s;
    struct host h;
    if (sscanf(text, "%" SCNu32 ",%" SCNu32 ",%" SCNu32, &s.m, &s.k, &s.n) != 3 || !s.m || !s.k
        || !s.n)
        return abl_fail(err, ABL_USAGE, "shape '%s': expected m,k,n such as 512,768,3072", text);
    if (!host_new(&s, &h, err))
        return false;
    struct work w = { .rival = r };
    bool ok = load(&w, &s, &h, err) && time_shape(&w, &s, err);
    unload(&w);
    host_free(&h);
    return ok;
}

static bool open_rival(const char *name, struct rival *r, struct abl_err *err)
{
    return !strcmp(name, "onednn") ? dnnl_context_new(PRECISION_F32, &r->library, err)
                                   : engine_open(name, 0, PRECISION_F32, &r->engine, err);
}

int main(int argc, char **argv)
{
    struct abl_err err = { 0 };
    struct rival rival = { 0 };
    if (argc < 3) {
        fprintf(stderr, "usage: products onednn|cpu|vulkan|vulkan:N m,k,n ...\n");
        return 2;
    }
    bool ok = open_rival(argv[1], &rival, &err);
    for (int i = 2; ok && i < argc; i++)
        ok = measure(&rival, argv[i], &err);
    if (rival.library)
        dnnl_context_free(rival.library);
    if (rival.engine)
        rival.engine->ops->free(rival.engine);
    if (!ok)
        fprintf(stderr, "products: %s\n", err.text);
    return ok ? 0 : 1;
}
