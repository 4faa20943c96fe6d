// Activations on their way through the layers: `copies` copies of a trie's rows, one copy a variant.
// The clean run is a stream of one copy; variants branch from it at the first layer that they change.
#ifndef ABL_LAB_STREAM_H
#define ABL_LAB_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "lab/edits.h"
#include "lab/trie.h"
#include "lab/variant.h"
#include "lab/weights.h"
#include "model/model.h"

// An intact activation kept for donors.
struct stash {
    enum site site;
    uint32_t layer;
    struct tensor t; // (rows of one copy, width of the site): stash_rows
};

struct stashes {
    struct stash *items; // owned by whoever made the list
    size_t n;
};

struct kept;

// What a pass runs on; borrowed by its streams.
struct pass {
    struct engine *engine;
    const struct model_shape *shape;
    struct weights *weights;
    const struct trie *trie;
    size_t first_prompt;      // of the run: prompt 0 of the trie
    bool has_bos;             // position 0 of every prompt is BOS
    struct donor_rows donors; // trie NULL: there are none
    struct stashes stashes;   // what the donors gave
    struct tensor z_mean;     // (n_layers, n_heads * d_head) for SOURCE_MEAN, or none
    const struct kept *kept;  // the clean stream's k and v, for streams of tails; else NULL
};

// Looks at intact activations as they are computed.
struct tap {
    unsigned sites;  // 1 << site for those wanted
    bool reads_only; // of patterns only the edges of read-outs are computed
    // t: (rows of one copy, width of the site); engine operations may be queued on it.
    bool (*see)(void *context, uint32_t layer, enum site site, struct tensor t,
                struct abl_err *err);
    void *context;
};

// Whom the rows of a stream attend to: of all nodes, and of the read-outs.
struct stream_contexts {
    struct contexts nodes, reads;
};

// Nodes that a copy has rows of, ascending; every one where nodes is NULL.
struct row_list {
    const uint32_t *nodes; // borrowed
    uint32_t n;
};

// How far into a layer.
enum stage {
    STAGE_START,     // before everything
    STAGE_ATTENDED,  // behind attention: z is there
    STAGE_BESIDE,    // and behind an MLP that runs beside attention (parallel models)
    STAGE_PROJECTED, // and behind W_O: attn_out is in the residual stream
    STAGE_DONE,      // and behind an MLP that comes after attention
    N_STAGES,
};

struct stream {
    const struct pass *pass;
    uint32_t max_copies, copies;
    struct row_list rows; // of a copy, as long as it has not narrowed to read-outs
    uint32_t prefix; // rows of the clean stream before its own in kv: for those a copy has none of
    enum row_space space;                  // nodes; reads from the last layer's attention on
    const struct variant *const *variants; // (copies), NULL for the clean stream
    bool saving;                           // fill pass->stashes on the way
    const struct tap *tap;                 // NULL: nobody looks
    bool wide;                             // every row goes through the whole of the last layer
    struct tensor x;        // residual stream of this moment, (copies * rows, d_model): a view
    struct tensor z_now;    // z of this layer, likewise
    struct tensor resid, h; // (max_copies * rows.n, d_model)
    struct tensor q, kv, z; // (…, n_heads * d_head), (prefix + …, k | v), as q
    struct tensor up, gate; // (rows of a part, d_mlp) of the MLP; gate where it is gated
    struct tensor read_q, read_x; // (max_copies * n_reads, …)
    // (edges of one copy, n_heads); none until a layer's pattern is wanted, and until one is edited
    struct tensor pattern, pattern_was;
    struct stream_contexts all, window; // window: of layers that slide, where a prompt is longer
    struct index positions,
        read_positions; // (max_copies * rows.n), (max_copies * n_reads), where positions turn q and k
    struct index read_rows; // (max_copies * n_reads) rows of the read-out nodes
    struct index repeat_nodes,
        repeat_reads;        // the clean stream's row that row i of the copies begins as
    struct edit_lists edits; // scratch
};

// The window of a layer's attention, NO_WINDOW where it sees everything.
uint32_t stream_window(const struct model_shape *shape, uint32_t layer);

// Rows of a stash: of one copy's nodes, or of their edges.
uint32_t stash_rows(const struct stash *s, const struct model_shape *shape, const struct trie *t);

// What streams may take of a device.
struct room {
    uint64_t mem;        // bytes
    uint64_t part_bytes; // of what passes between two products, as in struct device_info
    // Likewise; UINT32_MAX where weights come and go, which favours few passes over many rows.
    uint32_t rows_at_once;
};
struct room stream_room(const struct device_info *device, uint64_t mem, bool weights_stay);
struct room room_left(struct room r, uint64_t taken); // bytes

// Bytes that a stream of so many token rows takes, and token rows of two streams together that fit.
uint64_t stream_bytes(const struct model_shape *shape, const struct room *r, uint64_t n_rows);
size_t stream_rows_that_fit(const struct model_shape *shape, const struct room *r);

enum { MAX_COPIES = 512 };

// Copies of n_rows rows that are carried at once, where `fit` rows fit: at least one.
uint32_t room_copies(const struct room *r, size_t fit, uint32_t n_rows);

bool stream_init(struct stream *s, const struct pass *pass, uint32_t max_copies,
                 struct abl_err *err);

// A stream for variants that change nothing outside these rows, the read-outs among them. The pass has `kept`; rows.nodes
// outlives the stream.
bool stream_init_tail(struct stream *s, const struct pass *pass, struct row_list rows,
                      uint32_t max_copies, struct abl_err *err);
void stream_release(struct stream *s);

// Start a clean stream: x = embedded (n_nodes, d_model).
bool stream_start(struct stream *s, struct tensor embedded, struct abl_err *err);

// Start `copies` copies of another stream's present state, which is at this stage of this layer. What has been computed
// there and their variants change is changed.
bool stream_branch(struct stream *s, const struct stream *from, uint32_t layer, enum stage stage,
                   const struct variant *const *variants, uint32_t copies, struct abl_err *err);

// Between layers: make more copies, of which copy i begins as the present from[i]. s->variants has them already.
bool stream_part(struct stream *s, const uint32_t *from, uint32_t copies, struct abl_err *err);

// Through a layer from one stage to the next, or to the layer's end from the last; with the edits of the sites on the way.
// In the last layer only read-out rows go beyond k and v, unless it is wide.
bool stream_step(struct stream *s, uint32_t layer, enum stage stage, struct abl_err *err);

// From a stage to the layer's end.
bool stream_layer(struct stream *s, uint32_t layer, enum stage stage, struct abl_err *err);

// Final norm into *out, a view of (copies * n_reads, d_model) that the next use of the stream overwrites.
bool stream_final(struct stream *s, struct tensor *out, struct abl_err *err);

#endif
