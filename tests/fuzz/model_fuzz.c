// A checkpoint folder: config.json, then model.safetensors.
#include <stdlib.h>

#include "model/model.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_FLOATS = 1 << 16 };

void fuzz_model(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    struct part config = next_part(&rest);
    struct model *m;
    struct abl_err err = { 0 };
    fuzz_write("checkpoint/config.json", config);
    fuzz_write("checkpoint/model.safetensors", rest);
    if (!fuzz_outcome(model_open(fuzz_path("checkpoint"), fuzz_owner(size), &m, &err), &err))
        return;
    REQUIRE(m->n_params && m->weight_bytes <= size);
    float *row = malloc(MAX_FLOATS * sizeof *row);
    REQUIRE(row && m->shape.d_model < MAX_FLOATS);
    fuzz_outcome(model_embed(m, m->shape.n_vocab - 1, m->shape.n_ctx - 1, row, &err), &err);
    for (int which = VECTOR_LN1_GAIN; which <= VECTOR_FINAL_BIAS; which++) {
        uint32_t len = model_vector_len(&m->shape, (enum model_vector)which);
        err = (struct abl_err){ 0 };
        if (len && len < MAX_FLOATS)
            fuzz_outcome(
                model_read_vector(m, (enum model_vector)which, m->shape.n_layers - 1, row, &err),
                &err);
    }
    free(row);
    model_free(m);
}
