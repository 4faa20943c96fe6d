// An engine: a small table of operations on device tensors, against which the pass is written once.
//
// Rules that both engines keep:
// - A tensor is a view: rows of `cols` floats, `stride` floats apart, inside a buffer that the
//   engine owns.
// - Operations are queued in order; only download, readout and finish wait. An error of a queued
//   operation may surface at the next call that waits.
// - Inputs and outputs of one operation do not overlap unless the operation says so.
// - Row indices in index lists are checked by the caller (the planner makes them); engines assert.
// - One thread drives an engine.
// - Results of a row do not depend on which other rows are in the call: on the cpu to the bit, and
//   on threads neither; elsewhere to rounding of the last bit.
#ifndef ABL_ENGINE_ENGINE_H
#define ABL_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/matrix.h"
#include "engine/precision.h"
#include "engine/values.h"

struct engine; // a device ready to compute
struct buffer; // engine-owned memory of floats
struct weight; // a matrix in the engine's own layout

// A view of (rows, cols) floats. The zero struct means "none".
struct tensor {
    struct buffer *buffer;
    size_t first; // index of element [0][0] in the buffer
    uint32_t rows, cols;
    uint32_t stride; // floats from one row to the next, >= cols
};

// A list of unsigned numbers on the device.
struct index {
    struct buffer *buffer;
    uint32_t count;
};

// Rows [first, first + n) of a tensor.
static inline struct tensor tensor_rows(struct tensor t, uint32_t first, uint32_t n)
{
    t.first += (size_t)first * t.stride;
    t.rows = n;
    return t;
}

// Columns [first, first + n) of a tensor.
static inline struct tensor tensor_cols(struct tensor t, uint32_t first, uint32_t n)
{
    t.first += first;
    t.cols = n;
    return t;
}

// What linear does after the product, in this order: + bias, act, + out's old content.
struct epilogue {
    struct tensor bias; // (1, n) or none
    enum act act;
    bool accumulate; // add to what `out` holds instead of overwriting it
};

struct norm_args {
    struct tensor gain, bias; // (1, cols / groups); bias may be none
    float eps;
    enum norm_kind kind;
    uint32_t groups; // a row is this many vectors side by side, each normed for itself
};

// Who attends to whom: query row i sees key rows rows[start[i]] … rows[start[i + 1] - 1].
struct contexts {
    struct index start; // n_queries + 1
    struct index rows;
};

struct attend_args {
    struct tensor q; // (n_queries, n_heads * d_head)
    // (n_keys, n_kv_heads * d_head); query head h reads kv head h / (n_heads / n_kv_heads)
    struct tensor k, v;
    struct contexts contexts;
    uint32_t n_heads, n_kv_heads, d_head;
    float scale; // of q·k, before softmax
    float cap;   // above 0: scores become cap · tanh(score / cap)
    // (n_heads, positions) or none: what is then added to a head's score of a context's i-th key
    struct tensor lean;
};

// What becomes of the logits x · w before they are read.
struct logit_args {
    struct tensor bias; // (1, n) or none; added first
    float cap;          // above 0: they become cap · tanh(l / cap)
};

struct engine_ops {
    void (*free)(struct engine *e);
    // Memory of rows x cols, content undefined, stride chosen by the engine.
    bool (*alloc)(struct engine *e, uint32_t rows, uint32_t cols, struct tensor *out,
                  struct abl_err *err);
    // the tensor as alloc gave it; leaves it none
    void (*release)(struct engine *e, struct tensor *t);
    bool (*upload)(struct engine *e, struct tensor to, const float *from, struct abl_err *err);
    bool (*download)(struct engine *e, struct tensor from, float *to, struct abl_err *err);
    bool (*index_new)(struct engine *e, const uint32_t *values, uint32_t count, struct index *out,
                      struct abl_err *err);
    void (*index_release)(struct engine *e, struct index *list);
    bool (*weight_new)(struct engine *e, const struct matrix_source *source, struct weight **out,
                       struct abl_err *err);
    void (*weight_free)(struct engine *e, struct weight *w);
    // out may be x.
    bool (*norm)(struct engine *e, struct tensor out, struct tensor x, const struct norm_args *args,
                 struct abl_err *err);
    // Turn each row's heads (d_head columns each) by its position, in place (Su et al. 2021): of
    // the first R = table.cols columns of a head, the pairs (a, b) = (i, i + R/2) become (a cos - b
    // sin, b cos + a sin). table (positions, R): R/2 cosines, then R/2 sines; row r of x uses table
    // row positions[r].
    bool (*rope)(struct engine *e, struct tensor x, struct tensor table, struct index positions,
                 uint32_t d_head, struct abl_err *err);
    // x = act(gate) x, element by element.
    bool (*gate)(struct engine *e, struct tensor x, struct tensor gate, enum act act,
                 struct abl_err *err);
    // out (m, n) = x (m, k) · w, then the epilogue.
    bool (*linear)(struct engine *e, struct tensor out, struct tensor x, const struct weight *w,
                   const struct epilogue *epilogue, struct abl_err *err);
    // x (m, n) += z (m, d) · rows [first, first + d) of w (k, n): what z of one head adds to a row
    // through W_O.
    bool (*head_out)(struct engine *e, struct tensor x, struct tensor z, const struct weight *w,
                     uint32_t first, struct abl_err *err);
    // z (n_queries, n_heads * d_head) = softmax(scale q·k) v over each query's context. A context
    // is never empty.
    bool (*attend)(struct engine *e, struct tensor z, const struct attend_args *args,
                   struct abl_err *err);
    // For those who look into attend, and change what is there. An edge is an entry of
    // contexts.rows. weights (n_edges, n_heads) = softmax(scale q·k) of every edge;
    // args->v is not read.
    bool (*weigh)(struct engine *e, struct tensor weights, const struct attend_args *args,
                  struct abl_err *err);
    // z (n_queries, n_heads * d_head) += Σ (weights − was) v over each query's edges: what attend
    // gave, had its weights been others. Where they are the same, z keeps its bits. args->q and
    // args->k are not read.
    bool (*mix)(struct engine *e, struct tensor z, struct tensor weights, struct tensor was,
                const struct attend_args *args, struct abl_err *err);
    // out[i] = x[rows[i]] for rows.count rows.
    bool (*gather)(struct engine *e, struct tensor out, struct tensor x, struct index rows,
                   struct abl_err *err);
    // Apply the edits to x; no two touch the same element. source may be none if no edit adds; it
    // may not overlap x.
    bool (*edit)(struct engine *e, struct tensor x, const struct row_edit *edits, uint32_t n_edits,
                 struct tensor source, struct abl_err *err);
    // logits = x · w for each row, then as `how` says (NULL: as they are), once, reduced at once to
    // what is asked. base: (n_base, k) final states to compare with, or none. Waits: stats (n_asks)
    // is host memory, filled on return.
    bool (*readout)(struct engine *e, struct tensor x, const struct weight *w,
                    const struct logit_args *how, struct tensor base,
                    const struct readout_ask *asks, uint32_t n_asks, struct row_stats *stats,
                    struct abl_err *err);
    bool (*finish)(struct engine *e, struct abl_err *err); // wait for everything queued
};

// The operations by name, all members of struct engine_ops but free. An engine's functions are
// called PREFIX_norm and so on, and its table is written from this list, so that none can be left
// out.
#define ENGINE_OPS(X)                                                                              \
    X(alloc)                                                                                       \
    X(release)                                                                                     \
    X(upload)                                                                                      \
    X(download)                                                                                    \
    X(index_new)                                                                                   \
    X(index_release)                                                                               \
    X(weight_new)                                                                                  \
    X(weight_free)                                                                                 \
    X(norm)                                                                                        \
    X(rope)                                                                                        \
    X(gate)                                                                                        \
    X(linear)                                                                                      \
    X(head_out)                                                                                    \
    X(attend)                                                                                      \
    X(weigh)                                                                                       \
    X(mix)                                                                                         \
    X(gather)                                                                                      \
    X(edit)                                                                                        \
    X(readout)                                                                                     \
    X(finish)

// The type of an operation's function: engine_op_type(norm) cpu_norm; declares one.
#define engine_op_type(op) __typeof__(*((struct engine_ops *)0)->op)
#define ENGINE_OP_COUNT(op) +1
_Static_assert(sizeof(struct engine_ops)
                   == (1 ENGINE_OPS(ENGINE_OP_COUNT)) * sizeof(void (*)(void)),
               "ENGINE_OPS names every operation");

// Each engine embeds this first in its own struct.
struct engine {
    const struct engine_ops *ops;
    struct device_info info;
};

// Open a device by its command-line name: auto | cpu | vulkan | vulkan:N | vulkan:NAME |
// vulkan:UUID. auto = the first real GPU, else cpu; vulkan = the first real GPU, else the first
// software device. bf16x3 is the cpu's and f16 vulkan's: auto means that one then, and the other is
// an error. n_threads 0 = all cores (cpu). The caller frees it with e->ops->free(e).
bool engine_open(const char *device, uint32_t n_threads, enum precision precision,
                 struct engine **out, struct abl_err *err);

// Every device that could be opened, the cpu first. The caller frees *out. Never fails for a
// missing Vulkan loader or driver: then the list holds only the cpu and note (size bytes) says why.
bool engine_list(struct device_info **out, size_t *n, char *note, size_t size, struct abl_err *err);

// The two engines; engine.c picks between them.
bool cpu_engine_open(uint32_t n_threads, enum precision precision, struct engine **out,
                     struct abl_err *err);
void cpu_device_info(struct device_info *out);
bool vulkan_engine_open(const struct device_info *device, enum precision precision,
                        struct engine **out, struct abl_err *err);
bool vulkan_device_list(struct device_info **out, size_t *n, char *note, size_t size,
                        struct abl_err *err);

#endif
