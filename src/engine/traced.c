#include "engine/traced.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/size.h"
#include "engine/work.h"

// A weight of the inner engine, and its columns.
struct weight {
    struct weight *inner;
    uint32_t n;
};

struct traced {
    struct engine base;
    struct engine *inner; // owned
    struct trace trace;
    bool writes_events;
    size_t cap;
    double opened;
};

static const struct {
    const char *name;
    enum time_class time;
} traced_rows[N_TRACED] = {
    [TRACED_UPLOAD] = { "upload", TIME_UPLOAD },    [TRACED_DOWNLOAD] = { "download", TIME_UPLOAD },
    [TRACED_WEIGHT] = { "weight", TIME_UPLOAD },    [TRACED_NORM] = { "norm", TIME_OTHER },
    [TRACED_ROPE] = { "rope", TIME_OTHER },         [TRACED_GATE] = { "gate", TIME_OTHER },
    [TRACED_LINEAR] = { "linear", TIME_MATMUL },    [TRACED_HEAD_OUT] = { "head_out", TIME_MATMUL },
    [TRACED_ATTEND] = { "attend", TIME_ATTENTION }, [TRACED_WEIGH] = { "weigh", TIME_ATTENTION },
    [TRACED_MIX] = { "mix", TIME_ATTENTION },       [TRACED_GATHER] = { "gather", TIME_OTHER },
    [TRACED_EDIT] = { "edit", TIME_OTHER },         [TRACED_READOUT] = { "readout", TIME_MATMUL },
    [TRACED_OTHER] = { "other", TIME_OTHER },
};

const char *traced_op_name(enum traced_op op)
{
    return traced_rows[op].name;
}

const char *time_class_name(enum time_class c)
{
    static const char *const names[N_TIME_CLASSES] = { [TIME_MATMUL] = "matmul",
                                                       [TIME_ATTENTION] = "attention",
                                                       [TIME_OTHER] = "other",
                                                       [TIME_UPLOAD] = "upload",
                                                       [TIME_IDLE] = "idle" };
    return names[c];
}

void trace_classes(const struct trace *t, double seconds[N_TIME_CLASSES])
{
    for (int c = 0; c < N_TIME_CLASSES; c++)
        seconds[c] = 0;
    double idle = t->seconds;
    for (int op = 0; op < N_TRACED; op++) {
        seconds[traced_rows[op].time] += t->totals[op].seconds;
        idle -= t->totals[op].seconds;
    }
    seconds[TIME_IDLE] = idle > 0 ? idle : 0;
}

uint64_t trace_flop(const struct trace *t)
{
    uint64_t flop = 0;
    for (int op = 0; op < N_TRACED; op++)
        flop = count_add(flop, t->totals[op].flop);
    return flop;
}

static struct traced *traced_of(struct engine *e)
{
    return (struct traced *)e;
}

// Room for one more event. Without memory the totals go on alone.
static bool has_room(struct traced *t)
{
    struct trace *trace = &t->trace;
    struct trace_event *grown
        = trace->n_events < MAX_TRACE_EVENTS
              ? array_room(trace->events, trace->n_events, &t->cap, sizeof *grown)
              : NULL;
    if (grown)
        trace->events = grown;
    return grown;
}

// An operation that started at `start` has been asked for; wait until it is done.
static bool record(struct engine *e, enum traced_op op, double start, struct tensor shape,
                   uint64_t flop, bool ok, struct abl_err *err)
{
    struct traced *t = traced_of(e);
    if (ok && t->base.info.kind != DEVICE_CPU)
        ok = t->inner->ops->finish(t->inner, err);
    double seconds = now_seconds() - start;
    struct trace_total *total = &t->trace.totals[op];
    total->n++;
    total->seconds += seconds;
    total->flop = count_add(total->flop, flop);
    if (!t->writes_events)
        return ok;
    if (has_room(t))
        t->trace.events[t->trace.n_events++] = (struct trace_event){ .op = op,
                                                                     .rows = shape.rows,
                                                                     .cols = shape.cols,
                                                                     .start = start - t->opened,
                                                                     .seconds = seconds,
                                                                     .flop = flop };
    else
        t->trace.n_dropped++;
    return ok;
}

// Body of a traced operation: t and start are in scope of `call`.
#define TRACE(op, shape, flop, call)                                                               \
    struct engine *inner = traced_of(e)->inner;                                                    \
    double start = now_seconds();                                                                  \
    bool ok = inner->ops->call;                                                                    \
    return record(e, op, start, shape, flop, ok, err)

static const struct tensor no_shape;

static void traced_free(struct engine *e)
{
    struct traced *t = traced_of(e);
    t->inner->ops->free(t->inner);
    free(t->trace.events);
    free(t);
}

static bool traced_alloc(struct engine *e, uint32_t rows, uint32_t cols, struct tensor *out,
                         struct abl_err *err)
{
    TRACE(TRACED_OTHER, ((struct tensor){ .rows = rows, .cols = cols }), 0,
          alloc(inner, rows, cols, out, err));
}

static void traced_release(struct engine *e, struct tensor *t)
{
    struct engine *inner = traced_of(e)->inner;
    inner->ops->release(inner, t);
}

static bool traced_upload(struct engine *e, struct tensor to, const float *from,
                          struct abl_err *err)
{
    TRACE(TRACED_UPLOAD, to, 0, upload(inner, to, from, err));
}

static bool traced_download(struct engine *e, struct tensor from, float *to, struct abl_err *err)
{
    TRACE(TRACED_DOWNLOAD, from, 0, download(inner, from, to, err));
}

static bool traced_index_new(struct engine *e, const uint32_t *values, uint32_t count,
                             struct index *out, struct abl_err *err)
{
    TRACE(TRACED_OTHER, ((struct tensor){ .rows = count, .cols = 1 }), 0,
          index_new(inner, values, count, out, err));
}

static void traced_index_release(struct engine *e, struct index *list)
{
    struct engine *inner = traced_of(e)->inner;
    inner->ops->index_release(inner, list);
}

static bool traced_weight_new(struct engine *e, const struct matrix_source *source,
                              struct weight **out, struct abl_err *err)
{
    struct weight *w = calloc(1, sizeof *w);
    struct engine *inner = traced_of(e)->inner;
    struct tensor shape = { .rows = source->k, .cols = source->n };
    double start = now_seconds();
    bool ok = w ? inner->ops->weight_new(inner, source, &w->inner, err) : abl_no_memory(err);
    ok = record(e, TRACED_WEIGHT, start, shape, 0, ok, err);
    if (!ok) {
        if (w && w->inner)
            inner->ops->weight_free(inner, w->inner);
        free(w);
        return false;
    }
    struct trace *trace = &traced_of(e)->trace;
    if (!(source->stays && inner->info.stores))
        trace->loaded_bytes = count_add(trace->loaded_bytes,
                                        weight_bytes(source->k, source->n, inner->info.precision));
    w->n = source->n;
    *out = w;
    return true;
}

static void traced_weight_free(struct engine *e, struct weight *w)
{
    struct engine *inner = traced_of(e)->inner;
    inner->ops->weight_free(inner, w->inner);
    free(w);
}

static bool traced_norm(struct engine *e, struct tensor out, struct tensor x,
                        const struct norm_args *args, struct abl_err *err)
{
    TRACE(TRACED_NORM, out, 0, norm(inner, out, x, args, err));
}

static bool traced_rope(struct engine *e, struct tensor x, struct tensor table,
                        struct index positions, uint32_t d_head, struct abl_err *err)
{
    TRACE(TRACED_ROPE, x, 0, rope(inner, x, table, positions, d_head, err));
}

static bool traced_gate(struct engine *e, struct tensor x, struct tensor gate, enum act act,
                        struct abl_err *err)
{
    TRACE(TRACED_GATE, x, 0, gate(inner, x, gate, act, err));
}

static bool traced_linear(struct engine *e, struct tensor out, struct tensor x,
                          const struct weight *w, const struct epilogue *epilogue,
                          struct abl_err *err)
{
    TRACE(TRACED_LINEAR, out, linear_flop(out.rows, x.cols, out.cols),
          linear(inner, out, x, w->inner, epilogue, err));
}

static bool traced_head_out(struct engine *e, struct tensor x, struct tensor z,
                            const struct weight *w, uint32_t first, struct abl_err *err)
{
    TRACE(TRACED_HEAD_OUT, x, head_out_flop(x.rows, z.cols, x.cols),
          head_out(inner, x, z, w->inner, first, err));
}

static bool traced_attend(struct engine *e, struct tensor z, const struct attend_args *args,
                          struct abl_err *err)
{
    TRACE(TRACED_ATTEND, z, 0, attend(inner, z, args, err));
}

static bool traced_weigh(struct engine *e, struct tensor weights, const struct attend_args *args,
                         struct abl_err *err)
{
    TRACE(TRACED_WEIGH, weights, 0, weigh(inner, weights, args, err));
}

static bool traced_mix(struct engine *e, struct tensor z, struct tensor weights, struct tensor was,
                       const struct attend_args *args, struct abl_err *err)
{
    TRACE(TRACED_MIX, z, 0, mix(inner, z, weights, was, args, err));
}

static bool traced_gather(struct engine *e, struct tensor out, struct tensor x, struct index rows,
                          struct abl_err *err)
{
    TRACE(TRACED_GATHER, out, 0, gather(inner, out, x, rows, err));
}

static bool traced_edit(struct engine *e, struct tensor x, const struct row_edit *edits,
                        uint32_t n_edits, struct tensor source, struct abl_err *err)
{
    TRACE(TRACED_EDIT, ((struct tensor){ .rows = n_edits, .cols = x.cols }), 0,
          edit(inner, x, edits, n_edits, source, err));
}

static bool traced_readout(struct engine *e, struct tensor x, const struct weight *w,
                           const struct logit_args *how, struct tensor base,
                           const struct readout_ask *asks, uint32_t n_asks, struct row_stats *stats,
                           struct abl_err *err)
{
    TRACE(TRACED_READOUT, x, readout_flop(x.rows, base.rows, x.cols, w->n),
          readout(inner, x, w->inner, how, base, asks, n_asks, stats, err));
}

static bool traced_finish(struct engine *e, struct abl_err *err)
{
    TRACE(TRACED_OTHER, no_shape, 0, finish(inner, err));
}

#define TRACED_OP(op) .op = traced_##op,
static const struct engine_ops traced_ops = { .free = traced_free, ENGINE_OPS(TRACED_OP) };

bool traced_engine_new(struct engine *inner, bool events, struct engine **out, struct abl_err *err)
{
    struct traced *t = calloc(1, sizeof *t);
    if (!t) {
        inner->ops->free(inner);
        return abl_no_memory(err);
    }
    t->base = (struct engine){ .ops = &traced_ops, .info = inner->info };
    t->inner = inner;
    t->writes_events = events;
    t->opened = now_seconds();
    *out = &t->base;
    return true;
}

const struct trace *trace_of(struct engine *e)
{
    if (e->ops != &traced_ops)
        return NULL;
    struct traced *t = traced_of(e);
    t->trace.seconds = now_seconds() - t->opened;
    return &t->trace;
}
