// Activations on their way through the layers: `copies` copies of a trie's rows, one copy a
// variant. The clean run is a stream of one copy; variants branch from it at the first layer that
// they change.
#ifndef ABL_FORWARD_STREAM_H
#define ABL_FORWARD_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "forward/weights.h"
#include "model/model.h"
#include "plan/memory_budget.h"
#include "plan/prompt_trie.h"
#include "plan/row_edits.h"
#include "plan/stage.h"
#include "plan/variant.h"

// An intact activation kept for donors.
struct saved_activation {
    enum site site;
    uint32_t layer;
    struct tensor t; // (rows of one copy, width of the site): saved_rows
};

struct saved_activations {
    struct saved_activation *items; // owned by whoever made the list
    size_t n;
};

struct clean_kv;

// What a pass runs on; borrowed by its streams.
struct pass {
    struct engine *engine;
    const struct model_shape *shape;
    struct weights *weights;
    const struct trie *trie;
    size_t first_prompt;            // of the run: prompt 0 of the trie
    bool has_bos;                   // position 0 of every prompt is BOS
    struct donor_rows donors;       // trie NULL: there are none
    struct saved_activations saved; // what the donors gave
    struct tensor z_mean;           // (n_layers, n_heads * d_head) for SOURCE_MEAN, or none
    const struct clean_kv *kept;    // the clean stream's k and v, for streams of tails; else NULL
};

// Keys and values that stay for the tokens that follow: of each copy's prompt, copy by copy, and
// behind them of each token that was added, copy by copy.
struct lasting_kv {
    struct tensor *layers; // (n_layers) of (rows, k | v)
    uint32_t copies, n_prompt;
};

// Looks at intact activations as they are computed.
struct tap {
    unsigned sites;  // 1 << site for those wanted
    bool reads_only; // of patterns only the edges of read-outs are computed
    // t: (rows of one copy, width of the site); engine operations may be queued on it.
    bool (*on_activation)(void *context, uint32_t layer, enum site site, struct tensor t,
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

struct stream {
    const struct pass *pass;
    uint32_t max_copies, copies;
    struct row_list rows; // of a copy, as long as it has not narrowed to read-outs
    // rows before its own in kv: the clean stream's, for those a copy has none of, or lasting ones
    uint32_t prefix;
    const struct lasting_kv *lasting;      // borrowed: in place of kv; NULL: keys and values pass
    enum row_space space;                  // nodes; reads from the last layer's attention on
    const struct variant *const *variants; // (copies), NULL for the clean stream
    bool saving;                           // fill pass->saved on the way
    const struct tap *tap;                 // NULL: nobody looks
    // every row goes through the whole of the last layer
    bool whole_last_layer;
    struct tensor x;        // residual stream of this moment, (copies * rows, d_model): a view
    struct tensor z_now;    // z of this layer, likewise
    struct tensor resid, h; // (max_copies * rows.n, d_model)
    struct tensor q, kv, z; // (…, n_heads * d_head), (prefix + …, k | v), as q
    struct tensor up, gate; // (rows of a part, d_mlp) of the MLP; gate where it is gated
    struct tensor read_q, read_x; // (max_copies * n_reads, …)
    // (edges of one copy, n_heads); none until a layer's pattern is wanted, and until one is edited
    struct tensor pattern, pattern_was;
    struct stream_contexts all, window; // window: of layers that slide, where a prompt is longer
    // (max_copies * rows.n), (max_copies * n_reads), where positions turn q and k
    struct index positions, read_positions;
    struct index read_rows; // (max_copies * n_reads) rows of the read-out nodes
    // the clean stream's row that row i of the copies begins as
    struct index repeat_nodes, repeat_reads;
    struct edit_lists edits; // scratch
};

// Rows of a saved activation: of one copy's nodes, or of their edges.
uint32_t saved_rows(const struct saved_activation *s, const struct model_shape *shape,
                    const struct trie *t);

bool stream_init(struct stream *s, const struct pass *pass, uint32_t max_copies,
                 struct abl_err *err);

// A stream for variants that change nothing outside these rows, the read-outs among them. The pass
// has `kept`; rows.nodes outlives the stream.
bool stream_init_tail(struct stream *s, const struct pass *pass, struct row_list rows,
                      uint32_t max_copies, struct abl_err *err);

// A stream whose keys and values stay, of so many copies; a pass over one token is for those that
// follow. stream_start_variants or stream_start_next starts it.
bool stream_init_lasting(struct stream *s, const struct pass *pass, const struct lasting_kv *kv,
                         struct abl_err *err);
void stream_release(struct stream *s);

// Start a clean stream: x = embedded (n_nodes, d_model).
bool stream_start(struct stream *s, struct tensor embedded, struct abl_err *err);

// Start a lasting stream: every copy as embedded, each changed by its variant.
bool stream_start_variants(struct stream *s, struct tensor embedded,
                           const struct variant *const *variants, struct abl_err *err);

// Start it at the next token of each copy, of which there are n_before: (copies, d_model) on the
// host. No row is narrowed before stream_final.
bool stream_start_next(struct stream *s, const float *embedded, uint32_t n_before,
                       const struct variant *const *variants, struct abl_err *err);

// Start `copies` copies of another stream's present state, which is at this stage of this layer.
// What has been computed there and their variants change is changed.
bool stream_branch(struct stream *s, const struct stream *from, uint32_t layer, enum stage stage,
                   const struct variant *const *variants, uint32_t copies, struct abl_err *err);

// Between layers: make more copies, of which copy i begins as the present from[i]. s->variants has
// them already.
bool stream_part(struct stream *s, const uint32_t *from, uint32_t copies, struct abl_err *err);

// Through a layer from one stage to the next, or to the layer's end from the last; with the edits
// of the sites on the way. In the last layer only read-out rows go beyond k and v, unless it is
// whole_last_layer.
bool stream_step(struct stream *s, uint32_t layer, enum stage stage, struct abl_err *err);

// From a stage to the layer's end.
bool stream_layer(struct stream *s, uint32_t layer, enum stage stage, struct abl_err *err);

// Final norm into *out, a view of (copies * n_reads, d_model) that the next use of the stream
// overwrites.
bool stream_final(struct stream *s, struct tensor *out, struct abl_err *err);

// Likewise of every row, (copies * rows of one, d_model), of a stream that is whole_last_layer;
// before stream_final.
bool stream_final_of_every(struct stream *s, struct tensor *out, struct abl_err *err);

#endif
