// What a model keeps about its files, and the steps that find its tensors in them and read them.
#ifndef ABL_MODEL_PARTS_H
#define ABL_MODEL_PARTS_H

#include "model/arch.h"
#include "model/checkpoint.h"
#include "model/model.h"
#include "model/weights_hash.h"

enum { MAX_PARTS = 3 };

// One matrix of one layer, or one vector (a column): what a matrix_source points at. q, k and v are
// one matrix here, however many tensors of the file they are.
struct model_tensor {
    struct tensor_ref parts[MAX_PARTS]; // rows of one behind those of the other
    uint32_t n_parts;                   // 0: the model has none, or all of it is 1
    uint32_t rows, cols;                // of the files, all parts together
    bool out_in;
    enum row_order order;
    uint32_t n_heads, n_kv_heads, d_head; // what the order is about
    uint32_t n_turned;                    // of a head's rows, those that rotary positions turn
    uint32_t first_row, all_rows; // where it lies among the rows of a tensor that holds others, too
    bool is_again;                // another one is the same tensor
    bool plus_one;                // the file holds it less 1
    float times;                  // and over this
};

struct model_files {
    struct checkpoint *checkpoint;
    struct weights_hash *hash;     // NULL: nobody has asked for it
    struct model_tensor *matrices; // [layer * N_MATRICES + which]; MATRIX_UNEMBED in layer 0
    struct model_tensor *vectors;  // [layer * N_VECTORS + which]; final ones in layer 0
    struct tensor_ref embed, position_embed;
    uint32_t first_position;         // row of the first token's position
    struct tensor_ref rope_divisors; // of GGUF files; entry NULL: none
};

// Find every tensor of m->shape in m->files->checkpoint, check its exact shape,
// and count the parameters. Where an unembedding lies beside one that config.json ties, `like`
// decides.
bool model_resolve(struct model *m, const struct arch_tensors *names, enum owner like,
                   struct abl_err *err);

// Rows [first, first + count) of a matrix in its logical order, dense fp32.
bool model_tensor_read(const struct model_tensor *t, uint32_t first, uint32_t count, float *out,
                       struct abl_err *err);

#endif
