// What a model keeps about its files, and the step that finds its tensors in them.
#ifndef ABL_MODEL_INTERNAL_H
#define ABL_MODEL_INTERNAL_H

#include "model/arch.h"
#include "model/checkpoint.h"
#include "model/model.h"

// One matrix of one layer: what a matrix_source points at.
struct model_matrix_ref {
    struct tensor_ref tensor;
    uint32_t k, n;
    bool out_in;
};

struct model_files {
    struct checkpoint *checkpoint;
    struct model_matrix_ref *matrices; // [layer * N_MATRICES + which]; MATRIX_UNEMBED in layer 0
    struct tensor_ref *vectors;        // [layer * N_VECTORS + which]; final ones in layer 0
    struct tensor_ref embed, position_embed;
};

// Find every tensor of m->shape in m->files->checkpoint, check its exact shape, and count the parameters.
bool model_resolve(struct model *m, const struct arch *arch, struct abl_err *err);

#endif
