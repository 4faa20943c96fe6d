// A checkpoint on disk as the forward pass needs it: shape, and named weights that are read on
// demand. Layouts of the supported families are rows of one table (arch.c): nothing else asks for a
// family's name.
#ifndef ABL_MODEL_MODEL_H
#define ABL_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/matrix.h"
#include "base/sha256.h"
#include "text/tokenizer.h"

struct model_files; // open files and where each weight lies in them

enum { MODEL_MAX_LAYERS = 512 };

enum rope_kind { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN };

// Rotary positions (Su et al. 2021) and how their frequencies are stretched beyond the context of
// training.
struct rope_shape {
    uint32_t n_dims; // the first of each head's, in pairs; 0: the model has learned positions
    enum rope_kind kind;
    double theta, factor;
    double original_ctx;
    double low_freq_factor, high_freq_factor; // llama3
    double beta_fast, beta_slow;              // yarn (Peng et al. 2023)
    bool truncate;                            // yarn: ramp between whole dimensions
    double scale; // of cosines and sines: yarn's attention factor, else 1
};

struct model_shape {
    char arch[32]; // "gpt2"
    uint32_t n_layers, n_heads, n_kv_heads, d_head, d_model, d_mlp, n_ctx;
    uint32_t n_vocab; // rows of the unembedding; ids at or above it do not exist
    float norm_eps;
    enum norm_kind norm;
    enum act act;
    bool gated;    // the MLP is act(x·W_gate) x·W_in
    bool parallel; // attention and MLP read the same residual stream
    bool qk_norm;  // q and k of each head are normed (RMS) before they are turned
    bool qkv_bias, out_bias, mlp_bias;
    struct rope_shape rope;
    uint32_t window; // tokens that a sliding layer's query sees, itself included; 0: all
    bool slides[MODEL_MAX_LAYERS]; // with a window: the layers that it holds for
    bool attn_scale;               // divide q·k by sqrt(d_head)
    bool attn_scale_layer;         // and by layer + 1 (scale_attn_by_inverse_layer_idx)
    bool tied;                     // W_U is W_E transposed
    bool has_value_bias;           // b_V or ln1 bias: folded and head value bias differ
};

// Where a matrix of the model lies. n_layers of most of them.
enum model_matrix {
    MATRIX_QKV, // q | k | v
    MATRIX_OUT,
    MATRIX_MLP_GATE,
    MATRIX_MLP_IN,
    MATRIX_MLP_OUT,
    MATRIX_UNEMBED,
};
enum model_vector {
    VECTOR_LN1_GAIN,
    VECTOR_LN1_BIAS,
    VECTOR_QKV_BIAS,
    VECTOR_Q_NORM,
    VECTOR_K_NORM,
    VECTOR_OUT_BIAS,
    VECTOR_LN2_GAIN,
    VECTOR_LN2_BIAS,
    VECTOR_MLP_GATE_BIAS,
    VECTOR_MLP_IN_BIAS,
    VECTOR_MLP_OUT_BIAS,
    VECTOR_FINAL_GAIN,
    VECTOR_FINAL_BIAS,
};

struct model {
    struct model_shape shape;
    const char *path;  // folder or file as found
    const char *name;  // for screen and files: the bundled name, alias, or last part of the path
    const char *dtype; // "F16", "BF16", "F32": of most weights
    uint64_t n_params; // without the mask buffers; a tied unembedding counts once
    uint64_t weight_bytes; // of the weight files
    struct model_files *files;
    struct arena arena;
};

// Where models are looked for.
struct model_places {
    const char *data_dir; // bundled ones are below data_dir/models
    const char *hf_cache; // root of the Hugging Face hub's cache, NULL = none
};

// Resolve `name` to what model_open takes, in this order: a path (a folder with config.json, a
// .gguf or .safetensors file; a name without '/' is a folder only if it holds a config.json), a
// bundled name, an alias ("gpt2-medium"), a hub id with an optional @revision in the cache, and
// ID:FILE.gguf there. No network. *out is malloc'd. *named (may be NULL): whether it was found by a
// name, which then says more than the path. A missing model is ABL_BAD_MODEL and lists what is
// here; a download that is not whole says what is missing.
bool model_find(const char *name, const struct model_places *places, char **out, bool *named,
                struct abl_err *err);

// Open a folder, a GGUF file, or a .safetensors file beside its config.json, and check everything
// but the weights' values: config.json against the class defaults, exact shape of every tensor, ids
// in range, sizes within limits. Owned by the caller: model_free.
bool model_open(const char *path, struct model **out, struct abl_err *err);
void model_free(struct model *m);

// Give the model the name by which it was asked for. False when memory is out.
bool model_rename(struct model *m, const char *name);

// The tokenizer of whatever model_open takes: a GGUF file's own, else that of the folder. No
// weights need be there. Owned by the caller: tokenizer_free.
bool model_tokenizer_open(const char *path, struct tokenizer **out, struct abl_err *err);

// Fill a source for engine->weight_new; it borrows the model. Values are checked to be finite while
// they are read. Here and below, layer means nothing to what no layer has (MATRIX_UNEMBED,
// VECTOR_FINAL_*).
void model_matrix_source(const struct model *m, enum model_matrix which, uint32_t layer,
                         struct matrix_source *out);
// Read one vector, *n floats long as the shape demands (MATRIX columns or d_model); out has room
// for it.
bool model_read_vector(const struct model *m, enum model_vector which, uint32_t layer, float *out,
                       struct abl_err *err);
// 0: the model has none
uint32_t model_vector_len(const struct model_shape *shape, enum model_vector which);

// Angle by which position 1 turns each pair of a head: out (rope.n_dims / 2). Position p turns p
// times as far.
bool model_rope_frequencies(const struct model *m, double *out, struct abl_err *err);

// Row `token` of W_E, plus row `position` of W_pos where positions are learned: what enters layer
// 0. out: (d_model). NO_POSITION leaves W_pos out.
#define NO_POSITION UINT32_MAX
bool model_embed(const struct model *m, uint32_t token, uint32_t position, float *out,
                 struct abl_err *err);

// SHA-256 of the weight file; of several, the SHA-256 of their hex digests one behind the other in
// name order.
bool model_sha256(const struct model *m, char out[SHA256_HEX], struct abl_err *err);

enum model_source { MODEL_BUNDLED, MODEL_CACHED };

// The hub id that a short name stands for ("gpt2"); NULL where it is none.
const char *model_alias(const char *name);

// What `abltui models` lists: folders below data_dir/models, and the cache's repositories, those
// that hold several GGUF files and nothing else file by file. The caller frees *out with
// model_entries_free.
struct model_entry {
    enum model_source source;
    char *name, *path; // name: what --model takes
    bool usable;
    struct model_shape shape; // when usable
    uint64_t n_params, weight_bytes;
    char dtype[8];
    struct abl_err why; // when not usable
};
bool model_list(const struct model_places *places, struct model_entry **out, size_t *n,
                struct abl_err *err);
void model_entries_free(struct model_entry *entries, size_t n);

#endif
