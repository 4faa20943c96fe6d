// config.json of a checkpoint: the model's shape, and the angles of rotary positions.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/rope.h"
#include "tests/fuzz/fuzz.h"

static void check_shape(const struct model_shape *s)
{
    REQUIRE(s->n_layers && s->n_layers <= MODEL_MAX_LAYERS);
    REQUIRE(s->d_model && s->d_model <= MODEL_MAX_WIDTH);
    REQUIRE(s->n_heads && s->n_kv_heads && s->n_heads % s->n_kv_heads == 0);
    REQUIRE(s->d_head && s->n_ctx && s->n_vocab && s->d_mlp);
    REQUIRE(isfinite(s->norm_eps) && s->norm_eps >= 0);
    REQUIRE(s->rope.n_dims <= s->d_head && s->rope.n_dims % 2 == 0);
}

static void check_rope(const struct rope_shape *r)
{
    double *angles = malloc((r->n_dims / 2 + 1) * sizeof *angles);
    REQUIRE(angles);
    rope_frequencies(r, angles);
    for (uint32_t i = 0; i < r->n_dims / 2; i++)
        REQUIRE(isfinite(angles[i]));
    REQUIRE(!r->n_dims || isfinite(r->scale));
    free(angles);
}

static bool read_config(enum owner like, struct model_shape *shape, const struct arch **arch,
                        struct owner_notes *notes)
{
    struct abl_err err = { 0 };
    return fuzz_outcome(config_read(fuzz_path("model"), like, shape, arch, notes, &err), &err);
}

void fuzz_config(const uint8_t *data, size_t size)
{
    struct model_shape one, two;
    const struct arch *arch, *again;
    struct owner_notes notes = { 0 };
    if (!size)
        return;
    fuzz_write("model/config.json", (struct part){ (const char *)data, size });
    if (read_config(fuzz_owner(size), &one, &arch, &notes)) {
        size_t n = notes.n;
        check_shape(&one);
        check_rope(&one.rope);
        REQUIRE(read_config(fuzz_owner(size), &two, &again, &notes));
        REQUIRE(arch == again && one.n_layers == two.n_layers && one.d_model == two.d_model);
        REQUIRE(notes.n == n); // a line that is there is not added again
    }
    owner_notes_release(&notes);
}
