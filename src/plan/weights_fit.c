#include "plan/weights_fit.h"

#include "engine/work.h"

struct weights_fit weights_fit_of(const struct model_shape *s, enum precision precision,
                                  uint64_t mem)
{
    uint64_t d = s->d_model, z = (uint64_t)s->n_heads * s->d_head;
    uint64_t qkv = z + 2 * (uint64_t)s->n_kv_heads * s->d_head;
    uint64_t each = precision_bytes(precision);
    uint64_t layer = each * (d * qkv + z * d + (s->gated ? 3 : 2) * d * s->d_mlp);
    uint64_t unembed = each * d * s->n_vocab;
    struct weights_fit f = { .bytes = unembed + s->n_layers * layer, .layer = layer };
    if (f.bytes <= mem) {
        f.kept = f.bytes;
        return f;
    }
    // One layer passes through; the others stay as far as there is room.
    uint64_t room = mem > unembed + layer ? (mem - unembed - layer) / layer : 0;
    f.n_streamed = s->n_layers - (uint32_t)(room < s->n_layers ? room : s->n_layers - 1);
    f.kept = unembed + (s->n_layers - f.n_streamed + 1) * layer;
    return f;
}

static uint64_t part_bytes(uint32_t k, uint32_t n)
{
    uint32_t cols = stored_part_cols(k, n), rest = n % cols;
    return ((uint64_t)cols + rest) * k * sizeof(float);
}

struct weights_fit weights_fit_stored(const struct model_shape *s)
{
    uint32_t z = s->n_heads * s->d_head, kv = 2 * s->n_kv_heads * s->d_head;
    struct weights_fit f = weights_fit_of(s, PRECISION_F32, UINT64_MAX);
    f.stored = true;
    // a part of each shape, and W_O as plain rows for heads that are taken from it
    f.kept = part_bytes(s->d_model, z) + part_bytes(s->d_model, kv) + part_bytes(z, s->d_model)
             + part_bytes(s->d_model, s->d_mlp) + part_bytes(s->d_mlp, s->d_model)
             + part_bytes(s->d_model, s->n_vocab) + (uint64_t)z * s->d_model * sizeof(float);
    return f;
}

const char *weights_form_name(size_t form)
{
    static const char *const names[N_WEIGHTS_FORMS]
        = { [WEIGHTS_AUTO] = "auto", [WEIGHTS_STORED] = "stored", [WEIGHTS_F32] = "f32" };
    return form < N_WEIGHTS_FORMS ? names[form] : NULL;
}

bool weights_are_stored(enum weights_form form, const struct model_shape *shape,
                        const struct device_info *device)
{
    bool fits = weights_fit_of(shape, device->precision, UINT64_MAX).bytes <= device->memory / 2;
    return device->stores
           && (form == WEIGHTS_STORED || (form == WEIGHTS_AUTO && device->memory && !fits));
}
