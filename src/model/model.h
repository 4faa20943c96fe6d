// A checkpoint on disk as the forward pass needs it: shape, and named weights that are read on
// demand. Layouts of the supported families are rows of tables (arch_*.c): nothing else asks for a
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
#include "model/shape.h"
#include "text/owner.h"
#include "text/tokenizer.h"

struct model_files; // open files and where each weight lies in them

struct model {
    struct model_shape shape;
    const char *path;  // folder or file as found
    const char *name;  // for screen and files: the bundled name, alias, or last part of the path
    const char *dtype; // "F16", "BF16", "F32": of most weights
    uint64_t n_params; // without the mask buffers; a tied unembedding counts once
    uint64_t weight_bytes;          // of the weight files
    char config_sha256[SHA256_HEX]; // of config.json as it was read; "": a GGUF file has none
    struct model_files *files;
    struct owner_notes notes; // how its configuration was read, where that is not plain
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
// in range, sizes within limits. `like` decides where owners of the format read a file differently.
// Owned by the caller: model_free.
bool model_open(const char *path, enum owner like, struct model **out, struct abl_err *err);
void model_free(struct model *m);

// Give the model the name by which it was asked for. False when memory is out.
bool model_rename(struct model *m, const char *name);

// The model's tokenizer: a GGUF file's own, from the file as it was opened, whatever has its name
// since; else that of the folder. Owned by the caller: tokenizer_free.
bool model_tokenizer(const struct model *m, enum owner like, struct tokenizer **out,
                     struct abl_err *err);

// The same of whatever model_open takes. No weights need be there.
bool model_tokenizer_open(const char *path, enum owner like, struct tokenizer **out,
                          struct abl_err *err);

// Fill a source for engine->weight_new; it borrows the model. Values are checked to
// be finite while they are read. Here and below, layer means nothing to what no layer
// has (MATRIX_UNEMBED, VECTOR_FINAL_*).
void model_matrix_source(const struct model *m, enum model_matrix which, uint32_t layer,
                         struct matrix_source *out);
// Read one vector, *n floats long as the shape demands (MATRIX columns or d_model); out has room
// for it.
bool model_read_vector(const struct model *m, enum model_vector which, uint32_t layer, float *out,
                       struct abl_err *err);
// 0: the model has none
uint32_t model_vector_len(const struct model_shape *shape, enum model_vector which);

// Angle by which position 1 turns each pair of a head by one of the shape's rotary positions: out
// (rope->n_dims / 2). Position p turns p times as far.
bool model_rope_frequencies(const struct model *m, const struct rope_shape *rope, double *out,
                            struct abl_err *err);

// Row `token` of W_E times embed_scale, normed where the model does, plus row `position` of W_pos
// where positions are learned: what enters layer 0. out: (d_model). NO_POSITION leaves W_pos out.
#define NO_POSITION UINT32_MAX
bool model_embed(const struct model *m, uint32_t token, uint32_t position, float *out,
                 struct abl_err *err);

// Begin to take the hash below, beside whatever else is done; it is done without as well.
void model_sha256_begin(struct model *m);
// Or it is known from elsewhere and never taken; "": then it is not known.
void model_sha256_known(struct model *m, const char *sha256);

// SHA-256 of the weight file; of several, the SHA-256 of their hex digests one behind the other in
// name order. Of the files that are open, taken once; fails where somebody has written into them
// since they were opened, if it had not been taken before.
bool model_sha256(const struct model *m, char out[SHA256_HEX], struct abl_err *err);

enum model_source { MODEL_BUNDLED, MODEL_CACHED };

// The hub id that a short name stands for ("gpt2"); NULL where it is none.
const char *model_alias(const char *name);

// What `abltui models` lists: folders below data_dir/models, and the cache's
// repositories, those that hold several GGUF files and nothing else file by file.
// The caller frees *out with model_entries_free.
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
