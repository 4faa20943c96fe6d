#include "model/config_rope.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

// "dynamic" changes the frequencies only for texts beyond the context, which are refused anyway.
static const struct {
    const char *name;
    enum rope_kind kind;
} kinds[] = {
    { "default", ROPE_DEFAULT }, { "dynamic", ROPE_DEFAULT }, { "linear", ROPE_LINEAR },
    { "llama3", ROPE_LLAMA3 },   { "yarn", ROPE_YARN },
};

// Two places may hold a value: the object with the rope's parameters, and config.json itself.
static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *v = object && key ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
    return v && !cJSON_IsNull(v) ? v : NULL;
}

static bool bad(const struct config_rope *c, const cJSON *v, const char *expected)
{
    char *found = cJSON_PrintUnformatted(v);
    abl_fail(c->err, ABL_BAD_MODEL, "bad \"%s\" in '%s': found %.60s, expected %s", v->string,
             c->path, found ? found : "?", expected);
    cJSON_free(found);
    return false;
}

// A number above 0; absent: *out keeps the default that is in it.
static bool positive(const struct config_rope *c, const cJSON *v, double *out)
{
    if (!v)
        return true;
    if (!cJSON_IsNumber(v) || !(v->valuedouble > 0) || !isfinite(v->valuedouble))
        return bad(c, v, "a number above 0");
    *out = v->valuedouble;
    return true;
}

static bool need_positive(const struct config_rope *c, const cJSON *from, const char *key,
                          double *out)
{
    const cJSON *v = get(from, key);
    return v ? positive(c, v, out)
             : abl_fail(
                 c->err, ABL_BAD_MODEL,
                 "no \"%s\" for the scaled rotary positions in '%s': expected a number above "
                 "0; download the file again",
                 key, c->path);
}

static bool read_kind(const struct config_rope *c, const cJSON *from, enum rope_kind *out)
{
    const cJSON *v = get(from, "rope_type");
    v = v ? v : get(from, "type"); // the old spelling
    *out = ROPE_DEFAULT;
    if (!v)
        return true;
    for (size_t i = 0; cJSON_IsString(v) && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(v->valuestring, kinds[i].name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    return bad(c, v,
               "a supported kind of rotary positions, one of: default, dynamic, linear, "
               "llama3, yarn");
}

// The part of a head that turns, in whole pairs.
static bool read_dims(const struct config_rope *c, const cJSON *from, struct rope_shape *r)
{
    const cJSON *v = get(from, "partial_rotary_factor");
    v = v ? v : get(c->root, "partial_rotary_factor");
    v = v ? v : get(c->root, c->arch->rope.part_key);
    double part = c->arch->rope.part;
    if (!positive(c, v, &part))
        return false;
    double dims = floor(part * c->d_head);
    if (!(dims >= 2 && dims <= c->d_head) || fmod(dims, 2) != 0)
        return abl_fail(c->err, ABL_BAD_MODEL,
                        "bad rotary part of a head in '%s': found %g of %" PRIu32
                        " dimensions, expected an even number of them",
                        c->path, dims, c->d_head);
    r->n_dims = (uint32_t)dims;
    return true;
}

// 0.1 m ln s + 1: how much longer contexts sharpen attention (Peng et al. 2023, section 3.4).
static double yarn_scale(double factor, double m)
{
    return factor <= 1 ? 1 : 0.1 * m * log(factor) + 1;
}

static bool read_yarn(const struct config_rope *c, const cJSON *from, struct rope_shape *r)
{
    double m = 0, m_all = 0, given = 0;
    const cJSON *truncate = get(from, "truncate");
    r->beta_fast = 32;
    r->beta_slow = 1;
    r->truncate = true;
    if (truncate && !cJSON_IsBool(truncate))
        return bad(c, truncate, "true or false");
    if (truncate)
        r->truncate = cJSON_IsTrue(truncate);
    if (!positive(c, get(from, "mscale"), &m) || !positive(c, get(from, "mscale_all_dim"), &m_all)
        || !positive(c, get(from, "attention_factor"), &given)
        || !positive(c, get(from, "beta_fast"), &r->beta_fast)
        || !positive(c, get(from, "beta_slow"), &r->beta_slow))
        return false;
    bool both = m > 0 && m_all > 0;
    r->scale = given > 0 ? given
               : both    ? yarn_scale(r->factor, m) / yarn_scale(r->factor, m_all)
                         : yarn_scale(r->factor, 1);
    return true;
}

static bool read_scaling(const struct config_rope *c, const cJSON *from, struct rope_shape *r)
{
    const cJSON *original = get(c->root, "original_max_position_embeddings");
    r->original_ctx = c->n_ctx;
    if (r->kind == ROPE_DEFAULT)
        return true;
    original = original ? original : get(from, "original_max_position_embeddings");
    if (!positive(c, original, &r->original_ctx))
        return false;
    if (r->kind == ROPE_YARN && !get(from, "factor"))
        r->factor = c->n_ctx / r->original_ctx;
    else if (!need_positive(c, from, "factor", &r->factor))
        return false;
    switch (r->kind) {
    case ROPE_LLAMA3:
        return need_positive(c, from, "low_freq_factor", &r->low_freq_factor)
               && need_positive(c, from, "high_freq_factor", &r->high_freq_factor);
    case ROPE_YARN:
        return read_yarn(c, from, r);
    default:
        return true;
    }
}

bool config_rope_read(const struct config_rope *c, struct rope_shape *out)
{
    struct rope_shape r = { .theta = 10000, .factor = 1, .scale = 1 };
    const struct arch_rope *keys = &c->arch->rope;
    if (!keys->theta_key) {
        *out = (struct rope_shape){ 0 };
        return true;
    }
    const cJSON *from = get(c->root, "rope_scaling");
    from = from ? from : get(c->root, "rope_parameters");
    if (from && !cJSON_IsObject(from))
        return bad(c, from, "an object");
    if (get(from, "full_attention") || get(from, "sliding_attention"))
        return bad(c, from, "one set of rotary parameters for all layers");
    const cJSON *theta = get(from, "rope_theta");
    if (!positive(c, theta ? theta : get(c->root, keys->theta_key), &r.theta)
        || !read_kind(c, from, &r.kind) || !read_dims(c, from, &r) || !read_scaling(c, from, &r))
        return false;
    *out = r;
    return true;
}
