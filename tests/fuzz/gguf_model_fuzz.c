// What a GGUF file says of a model: shape, tokenizer, tensors.
#include <string.h>

#include "model/model.h"
#include "tests/fuzz/spelling.h"

void fuzz_gguf_model(const uint8_t *data, size_t size)
{
    static const char *const texts[] = { "The sky is", " a <s>\n\t12345 \xc3\xa9\xe2\x96\x81" };
    struct model *m;
    struct tokenizer *t;
    struct abl_err err = { 0 };
    if (!size)
        return;
    fuzz_write("whole.gguf", (struct part){ (const char *)data, size });
    if (fuzz_outcome(model_open(fuzz_path("whole.gguf"), fuzz_owner(size), &m, &err), &err)) {
        REQUIRE(m->shape.n_layers && m->shape.n_heads && m->shape.n_vocab);
        model_free(m);
    }
    err = (struct abl_err){ 0 };
    if (!fuzz_outcome(model_tokenizer_open(fuzz_path("whole.gguf"), fuzz_owner(size), &t, &err),
                      &err))
        return;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_spelling(t, (struct part){ texts[i], strlen(texts[i]) }, false);
    tokenizer_free(t);
}
