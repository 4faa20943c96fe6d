// An engine around another one that adds up what every operation took, and writes each down if
// asked to. Operations of a Vulkan device are waited for one by one while traced, so that each has
// a time of its own: the run as a whole is then slower than without. On the cpu, whose operations
// are done when they return, adding up costs nothing to speak of.
#ifndef ABL_ENGINE_TRACED_H
#define ABL_ENGINE_TRACED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

enum traced_op {
    TRACED_UPLOAD,
    TRACED_DOWNLOAD,
    TRACED_WEIGHT, // reading, converting and packing a matrix
    TRACED_NORM,
    TRACED_ROPE,
    TRACED_GATE,
    TRACED_LINEAR,
    TRACED_HEAD_OUT,
    TRACED_ATTEND,
    TRACED_WEIGH,
    TRACED_MIX,
    TRACED_GATHER,
    TRACED_EDIT,
    TRACED_READOUT,
    TRACED_OTHER, // memory, lists, waiting
    N_TRACED,
};

// "linear", …
const char *traced_op_name(enum traced_op op);

struct trace_event {
    enum traced_op op;
    uint32_t rows, cols;
    double start, seconds; // start since the engine was opened
    uint64_t flop;         // as engine/work.h counts
};

struct trace_total {
    uint64_t n, flop; // flop: COUNT_TOO_BIG where it does not fit
    double seconds;
};

enum { MAX_TRACE_EVENTS = 1 << 18 };

struct trace {
    struct trace_total totals[N_TRACED];
    struct trace_event *events; // the first MAX_TRACE_EVENTS
    size_t n_events;
    uint64_t n_dropped;    // events beyond
    double seconds;        // since the engine was opened
    uint64_t loaded_bytes; // of matrices, as engine/work.h counts
};

// What a run's time goes into, coarsely.
enum time_class {
    TIME_MATMUL,    // products, with the unembedding and its statistics
    TIME_ATTENTION, // without its products by weights
    TIME_OTHER,     // norms, rows moved and edited
    TIME_UPLOAD,    // weights and rows to the device and back
    TIME_IDLE,      // in no operation: planning, statistics, files
    N_TIME_CLASSES,
};

// "matmul", …
const char *time_class_name(enum time_class c);

// Seconds of each class since the engine was opened. They add up to t->seconds.
void trace_classes(const struct trace *t, double seconds[N_TIME_CLASSES]);

// FLOP of all operations; COUNT_TOO_BIG where it does not fit.
uint64_t trace_flop(const struct trace *t);

// Takes over `inner`, also on failure. events: each operation is written down, not only added up.
bool traced_engine_new(struct engine *inner, bool events, struct engine **out, struct abl_err *err);

// What has been traced up to now, borrowed; NULL for an engine that is not traced.
const struct trace *trace_of(struct engine *e);

#endif
