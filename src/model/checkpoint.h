// The weight files of a model as one directory of named tensors.
#ifndef ABL_MODEL_CHECKPOINT_H
#define ABL_MODEL_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "format/gguf.h"
#include "format/tensor_file.h"

struct tensor_ref {
    const struct tensor_file *file;
    const struct tensor_entry *entry; // NULL: not there
};

struct checkpoint {
    struct tensor_file *files; // in name order
    size_t n_files;
    struct tensor_ref *tensors; // of all files, in name order, each name once
    size_t n_tensors;
    bool is_gguf;
    struct gguf gguf; // metadata of the first GGUF file; its tensors are files[0]
};

// A GGUF file, with its further parts where it is split; or a folder with model.safetensors, or
// with the shards that model.safetensors.index.json names. A folder with only pytorch_model.bin is
// refused with the command that converts it. Owned by the caller: checkpoint_close.
bool checkpoint_open(const char *path, struct checkpoint **out, struct abl_err *err);
void checkpoint_close(struct checkpoint *c);

struct tensor_ref checkpoint_find(const struct checkpoint *c, const char *name);

// SHA-256 of the one file; of several, the SHA-256 of their hex digests one behind the other in
// name order. As sha256_source has it.
bool checkpoint_sha256(const struct checkpoint *c, const atomic_bool *stop, char out[SHA256_HEX],
                       struct abl_err *err);

#endif
