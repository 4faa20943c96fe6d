#include "tests/support/activations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/check.h"

static bool keep(void *context, uint32_t layer, enum site site, struct tensor t,
                 struct abl_err *err)
{
    struct activations *a = context;
    struct seen *seen = &a->layers[layer][site];
    free(seen->values);
    seen->values = malloc((size_t)t.rows * t.cols * sizeof *seen->values);
    assert_non_null(seen->values);
    seen->rows = t.rows;
    seen->cols = t.cols;
    seen->times++;
    return a->engine->ops->download(a->engine, t, seen->values, err);
}

void activations_take(struct activations *a, struct block *b, bool whole, bool reads_only)
{
    struct abl_err err;
    struct pass pass = block_pass(b);
    struct stream s;
    *a = (struct activations){ .engine = pass.engine, .n_layers = pass.shape->n_layers };
    a->layers = calloc(a->n_layers, sizeof *a->layers);
    assert_non_null(a->layers);
    struct tap tap = {
        .sites = (1u << N_SITES) - 1, .reads_only = reads_only, .on_activation = keep, .context = a
    };
    CHECK(stream_init(&s, &pass, 1, &err));
    s.tap = &tap;
    s.whole_last_layer = whole;
    CHECK(block_run_clean(b, &s, &err));
    stream_release(&s);
}

void activations_release(struct activations *a)
{
    for (uint32_t l = 0; l < a->n_layers; l++)
        for (int site = 0; site < N_SITES; site++)
            free(a->layers[l][site].values);
    free(a->layers);
    *a = (struct activations){ 0 };
}
