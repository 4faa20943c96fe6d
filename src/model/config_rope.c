#include "model/config_rope.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// "dynamic" changes the frequencies only for texts beyond the context, which are refused anyway.
static const struct {
    const char *name;
    enum rope_kind kind;
} kinds[] = {
    { "default", ROPE_DEFAULT }, { "dynamic", ROPE_DEFAULT }, { "linear", ROPE_LINEAR },
    { "llama3", ROPE_LLAMA3 },   { "yarn", ROPE_YARN },
};

// What the object with the parameters may hold; the rest is not read, and said.
static const char *const known[] = {
    "rope_type",       "type",
    "rope_theta",      "partial_rotary_factor",
    "factor",          "original_max_position_embeddings",
    "low_freq_factor", "high_freq_factor",
    "beta_fast",       "beta_slow",
    "mscale",          "mscale_all_dim",
    "truncate",        "attention_factor",
    "finetuned",       "short_factor",
    "long_factor",
};

struct reader {
    const struct config *c;
    const cJSON *from; // the object that this version reads; NULL = none
    bool is_v4;
    const char *kind;      // as spelt
    const char *theta_key; // beside the object
    double theta;          // where nothing says it
    uint32_t d_head, n_ctx;
};

static const cJSON *inside(const struct reader *r, const char *key)
{
    return config_value_get(r->from, key);
}

static bool positive(const struct reader *r, const cJSON *v, double *out)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble > 0) || !isfinite(v->valuedouble))
        return config_value_bad(r->c, v, "a number above 0");
    *out = v->valuedouble;
    return true;
}

static bool need_positive(const struct reader *r, const char *key, double *out)
{
    const cJSON *v = inside(r, key);
    return v ? positive(r, v, out)
             : abl_fail(r->c->err, ABL_BAD_MODEL,
                        "no \"%s\" for the %s rotary positions in '%s': expected a number above 0, "
                        "as in the config.json that the checkpoint came with",
                        key, r->kind, r->c->path);
}

// A number that 0 and null leave at its default.
static bool number_or(const struct reader *r, const char *key, double *out)
{
    const cJSON *v = inside(r, key);
    bool unset = !v || cJSON_IsNull(v)
                 || (cJSON_IsNumber(v) && !(v->valuedouble < 0 || v->valuedouble > 0));
    return unset || positive(r, v, out);
}

// Which object counts. Version 5 takes rope_parameters where rope_scaling is missing, null or
// empty; version 4 knows only rope_scaling.
static bool find_object(struct reader *r)
{
    const cJSON *scaling = config_value_get(r->c->root, "rope_scaling");
    const cJSON *parameters = config_value_get(r->c->root, "rope_parameters");
    if (scaling && !cJSON_IsNull(scaling) && !cJSON_IsObject(scaling))
        return config_value_bad(r->c, scaling, "an object or null");
    if (parameters && !cJSON_IsNull(parameters) && !cJSON_IsObject(parameters))
        return config_value_bad(r->c, parameters, "an object or null");
    bool empty = !cJSON_IsObject(scaling) || !scaling->child;
    r->from = r->is_v4 ? (cJSON_IsObject(scaling) ? scaling : NULL)
              : !empty ? scaling
                       : (cJSON_IsObject(parameters) ? parameters : NULL);
    // One set for every kind of layer: no class of these families can take more.
    static const char *const layers[] = { "full_attention", "sliding_attention" };
    if (r->c->arch->rope.local_key)
        return true;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (config_value_get(parameters, layers[i]) || config_value_get(scaling, layers[i]))
            return abl_fail(r->c->err, ABL_BAD_MODEL,
                            "rotary parameters by layer in '%s' are not supported: found \"%s\", "
                            "expected one set for all layers, such as {\"rope_theta\": 10000}",
                            r->c->path, layers[i]);
    return true;
}

static bool say_unknown_keys(const struct reader *r)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, r->from)
    {
        size_t i = 0, n = sizeof known / sizeof *known;
        while (i < n && strcmp(known[i], v->string) != 0)
            i++;
        if (i == n
            && !owner_note(r->c->notes, r->c->err,
                           "config.json: \"%.60s\" among the rotary parameters is not read, nor "
                           "does %s read it",
                           v->string, owner_name(r->c->like)))
            return false;
    }
    return true;
}

// What Phi-3's class takes for longrope: earlier names, too.
static bool is_long_name(const char *name)
{
    return strcmp(name, "longrope") == 0 || strcmp(name, "su") == 0 || strcmp(name, "yarn") == 0;
}

// Where "rope_type" and the old "type" are both there, version 5 takes the first, and version 4 the
// second in all families but Mistral's.
static bool read_kind(struct reader *r, enum rope_kind *out)
{
    const cJSON *type = inside(r, "type"), *rope_type = inside(r, "rope_type");
    bool old_wins = r->is_v4 && strcmp(r->c->arch->model_type, "mistral") != 0;
    const cJSON *v = old_wins ? (type ? type : rope_type) : (rope_type ? rope_type : type);
    *out = ROPE_DEFAULT;
    r->kind = "default";
    if (r->is_v4 && r->from && !v)
        return abl_fail(r->c->err, ABL_BAD_MODEL,
                        "no \"rope_type\" in \"rope_scaling\" in '%s', which transformers-4 needs: "
                        "take \"rope_scaling\" out, or read as --like transformers-5 does",
                        r->c->path);
    if (!v)
        return true;
    if (r->c->arch->rope.is_long && cJSON_IsString(v) && is_long_name(v->valuestring)) {
        *out = ROPE_LONG;
        r->kind = "longrope";
        return true;
    }
    for (size_t i = 0; cJSON_IsString(v) && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(v->valuestring, kinds[i].name) == 0) {
            *out = kinds[i].kind;
            r->kind = kinds[i].name;
            return true;
        }
    return config_value_bad(
        r->c, v,
        "a supported kind of rotary positions, one of: default, dynamic, linear, "
        "llama3, yarn");
}

static bool read_theta(const struct reader *r, double *out)
{
    const cJSON *v = r->is_v4 ? NULL : inside(r, "rope_theta");
    v = v ? v : config_value_get(r->c->root, r->theta_key);
    return !v || positive(r, v, out);
}

// The part of a head that turns, where the family has a key of its own for it (GPT-NeoX).
static bool read_part(const struct reader *r, double *out)
{
    const cJSON *v = r->is_v4 ? NULL : inside(r, "partial_rotary_factor");
    v = v ? v : config_value_get(r->c->root, r->c->arch->rope.part_key);
    return !v || positive(r, v, out);
}

// LLaMA's family turns whole heads. A partial_rotary_factor is heeded by nothing but the scaled
// kinds of version 5 and by version 4, and neither can run what comes of it.
static bool check_whole(const struct reader *r)
{
    const struct config *c = r->c;
    const cJSON *v = r->is_v4 ? NULL : inside(r, "partial_rotary_factor");
    v = v ? v : config_value_get(c->root, "partial_rotary_factor");
    if (!v || (cJSON_IsNull(v) && !r->is_v4))
        return true;
    double part;
    if (!config_value_number(c, v, &part))
        return false;
    if (!(part < 1 || part > 1))
        return true;
    if (r->is_v4 || strcmp(r->kind, "default") != 0)
        return config_value_bad(c, v,
                                r->is_v4
                                    ? "1: transformers-4 turns whole heads in this family"
                                    : "1: with scaled positions this family turns whole heads");
    return owner_note(c->notes, c->err,
                      "config.json: \"partial_rotary_factor\" %g is not heeded, the whole head "
                      "turns, as transformers-5 reads it (transformers-4 cannot run it)",
                      part);
}

// In whole pairs.
static bool read_dims(const struct reader *r, struct rope_shape *s)
{
    double part = r->c->arch->rope.part;
    if (r->c->arch->rope.part_key ? !read_part(r, &part) : !check_whole(r))
        return false;
    double dims = floor(part * r->d_head);
    if (!(dims >= 2 && dims <= r->d_head) || fmod(dims, 2) != 0)
        return abl_fail(r->c->err, ABL_BAD_MODEL,
                        "bad rotary part of a head in '%s': found %g of %" PRIu32
                        " dimensions, expected an even number of them",
                        r->c->path, dims, r->d_head);
    s->n_dims = (uint32_t)dims;
    return true;
}

// 0.1 m ln s + 1: how much longer contexts sharpen attention (Peng et al. 2023, section 3.4).
static double yarn_scale(double factor, double m)
{
    return factor <= 1 ? 1 : 0.1 * m * log(factor) + 1;
}

static bool read_yarn(const struct reader *r, struct rope_shape *s)
{
    double m = 0, m_all = 0;
    const cJSON *truncate = inside(r, "truncate"), *given = inside(r, "attention_factor");
    s->beta_fast = 32;
    s->beta_slow = 1;
    s->truncate = !truncate || cJSON_IsTrue(truncate)
                  || (cJSON_IsNumber(truncate) && (int)truncate->valuedouble != 0);
    if (truncate && !cJSON_IsBool(truncate) && !cJSON_IsNull(truncate) && !cJSON_IsNumber(truncate))
        return config_value_bad(r->c, truncate, "true or false");
    if (!number_or(r, "mscale", &m) || !number_or(r, "mscale_all_dim", &m_all)
        || !number_or(r, "beta_fast", &s->beta_fast) || !number_or(r, "beta_slow", &s->beta_slow))
        return false;
    bool both = m > 0 && m_all > 0;
    s->scale
        = both ? yarn_scale(s->factor, m) / yarn_scale(s->factor, m_all) : yarn_scale(s->factor, 1);
    return !given || cJSON_IsNull(given) || config_value_number(r->c, given, &s->scale);
}

// The context of training. Version 5 lets the key beside the object win; version 4 knows only the
// one inside, which llama3 has to have.
static bool read_original(const struct reader *r, enum rope_kind kind, double *out)
{
    static const char key[] = "original_max_position_embeddings";
    const cJSON *v = r->is_v4 ? NULL : config_value_get(r->c->root, key);
    v = v ? v : inside(r, key);
    *out = r->n_ctx;
    if (r->is_v4 && kind == ROPE_LLAMA3)
        return need_positive(r, key, out);
    if (r->is_v4 && (!v || cJSON_IsNull(v)))
        return true;
    return !v || positive(r, v, out);
}

// LongRoPE (Ding et al. 2024): a divisor for each pair's frequency, of prompts up to the context of
// training; cosines and sines are scaled by how much longer than that the context is.
static bool read_long(const struct reader *r, struct rope_shape *s)
{
    static const char key[] = "original_max_position_embeddings";
    const cJSON *factors = inside(r, "short_factor"), *given = inside(r, "attention_factor");
    const cJSON *factor = r->is_v4 ? NULL : inside(r, "factor"), *v;
    const cJSON *original = config_value_get(r->c->root, key);
    uint32_t n = s->n_dims / 2, i = 0;
    original = original || r->is_v4 ? original : inside(r, key);
    s->original_ctx = 4096;
    if (original && !positive(r, original, &s->original_ctx))
        return false;
    if (!cJSON_IsArray(factors) || (uint32_t)cJSON_GetArraySize(factors) != n || n > MAX_LONG_PAIRS)
        return abl_fail(r->c->err, ABL_BAD_MODEL,
                        "bad or missing \"short_factor\" for the longrope positions in '%s': "
                        "expected a list of %" PRIu32 " numbers, %d at most",
                        r->c->path, n, MAX_LONG_PAIRS);
    cJSON_ArrayForEach(v, factors)
    {
        if (!positive(r, v, &s->divisors[i++]))
            return false;
    }
    s->factor = r->n_ctx / s->original_ctx;
    if (factor && !cJSON_IsNull(factor) && !positive(r, factor, &s->factor))
        return false;
    s->scale = s->factor > 1 ? sqrt(1 + log(s->factor) / log(s->original_ctx)) : 1;
    return !given || cJSON_IsNull(given) || config_value_number(r->c, given, &s->scale);
}

static bool read_scaling(const struct reader *r, struct rope_shape *s)
{
    const cJSON *factor = inside(r, "factor");
    s->original_ctx = r->n_ctx;
    if (s->kind == ROPE_DEFAULT)
        return true;
    if (s->kind == ROPE_LONG)
        return read_long(r, s);
    if (s->kind != ROPE_LINEAR && !read_original(r, s->kind, &s->original_ctx))
        return false;
    if (s->kind == ROPE_YARN && !r->is_v4 && cJSON_IsNull(factor))
        s->factor = r->n_ctx / s->original_ctx;
    else if (!need_positive(r, "factor", &s->factor))
        return false;
    if (s->kind == ROPE_LLAMA3)
        return need_positive(r, "low_freq_factor", &s->low_freq_factor)
               && need_positive(r, "high_freq_factor", &s->high_freq_factor);
    return s->kind != ROPE_YARN || read_yarn(r, s);
}

static bool read_one(struct reader *r, struct rope_shape *out)
{
    struct rope_shape s = { .theta = r->theta, .factor = 1, .scale = 1 };
    if (!read_kind(r, &s.kind) || !read_theta(r, &s.theta) || !read_dims(r, &s)
        || !read_scaling(r, &s) || !say_unknown_keys(r))
        return false;
    *out = s;
    return true;
}

// Positions of full layers and of those that slide (Gemma 3): version 5 has an object for each in
// rope_parameters, version 4 rope_scaling for the full ones and nothing but a base for the others.
static bool read_by_layer(struct reader *r, struct model_shape *out)
{
    const struct config *c = r->c;
    const cJSON *scaling = config_value_get(c->root, "rope_scaling");
    const cJSON *parameters = r->is_v4 ? NULL : config_value_get(c->root, "rope_parameters");
    const cJSON *full = config_value_get(parameters, "full_attention");
    const cJSON *local = config_value_get(parameters, "sliding_attention");
    bool has_parameters = cJSON_IsObject(parameters) && parameters->child;
    if (has_parameters && !cJSON_IsObject(full) && !cJSON_IsObject(local))
        return config_value_bad(c, parameters,
                                "an object for full_attention and sliding_attention");
    if (cJSON_IsObject(scaling) && scaling->child && has_parameters)
        return config_value_bad(c, scaling, "null beside \"rope_parameters\"");
    r->from = cJSON_IsObject(full) ? full : cJSON_IsObject(scaling) ? scaling : NULL;
    if (!read_one(r, &out->rope))
        return false;
    r->from = cJSON_IsObject(local) ? local : NULL;
    bool same = strcmp(c->arch->rope.local_key, c->arch->rope.theta_key) == 0;
    // version 5 takes the key for the full layers alone
    r->theta_key = same && !r->is_v4 ? NULL : c->arch->rope.local_key;
    r->theta = same ? r->theta : 10000;
    return read_one(r, &out->rope_local);
}

// GPT-J: so many dimensions of a head, of base 10000.
static bool read_counted(const struct reader *r, struct rope_shape *out)
{
    const cJSON *v = config_value_get(r->c->root, r->theta_key);
    uint32_t n = 64;
    if (v && !config_value_whole(r->c, v, 2, r->d_head, &n))
        return false;
    *out = (struct rope_shape){ .n_dims = n, .theta = 10000, .factor = 1, .scale = 1 };
    return (n <= r->d_head && n % 2 == 0)
           || abl_fail(r->c->err, ABL_BAD_MODEL,
                       "bad \"%s\" in '%s': found %" PRIu32
                       ", expected an even number up to %" PRIu32,
                       r->theta_key, r->c->path, n, r->d_head);
}

bool config_rope_read(const struct config *c, uint32_t d_head, uint32_t *n_ctx,
                      struct model_shape *out)
{
    const struct arch_rope *rope = &c->arch->rope;
    struct reader r = { .c = c,
                        .is_v4 = c->like == OWNER_TRANSFORMERS_4,
                        .theta_key = rope->theta_key,
                        .theta = rope->theta > 0 ? rope->theta : 10000,
                        .d_head = d_head,
                        .n_ctx = *n_ctx };
    if (!rope->theta_key)
        return true;
    if (rope->is_counted)
        return read_counted(&r, &out->rope);
    if (r.is_v4 && rope->theta_v4 > 0)
        r.theta = rope->theta_v4;
    if (!find_object(&r) || !(rope->local_key ? read_by_layer(&r, out) : read_one(&r, &out->rope)))
        return false;
    if (out->rope.kind != ROPE_LONG || *n_ctx <= out->rope.original_ctx)
        return true;
    *n_ctx = (uint32_t)out->rope.original_ctx;
    return owner_note(c->notes, c->err,
                      "config.json: longrope turns tokens of prompts beyond %" PRIu32
                      " tokens otherwise; prompts up to that length are run",
                      *n_ctx);
}

void config_rope_text(const struct rope_shape *r, char out[ROPE_TEXT])
{
    static const char *const names[] = { [ROPE_DEFAULT] = "unscaled",
                                         [ROPE_LINEAR] = "linear",
                                         [ROPE_LLAMA3] = "llama3",
                                         [ROPE_YARN] = "yarn",
                                         [ROPE_LONG] = "longrope" };
    int n = snprintf(out, ROPE_TEXT, "%s, base %g, %" PRIu32 " dimensions of a head",
                     names[r->kind], r->theta, r->n_dims);
    size_t used = (size_t)n;
    if (r->kind != ROPE_DEFAULT)
        used += (size_t)snprintf(out + used, ROPE_TEXT - used, ", factor %g", r->factor);
    if (r->kind == ROPE_LLAMA3)
        snprintf(out + used, ROPE_TEXT - used, " of %g positions, bounds %g and %g",
                 r->original_ctx, r->low_freq_factor, r->high_freq_factor);
    if (r->kind == ROPE_LONG)
        snprintf(out + used, ROPE_TEXT - used, " of %g positions, scale %.9g", r->original_ctx,
                 r->scale);
    if (r->kind == ROPE_YARN)
        snprintf(out + used, ROPE_TEXT - used, " of %g positions, bounds %g and %g%s, scale %.9g",
                 r->original_ctx, r->beta_slow, r->beta_fast, r->truncate ? "" : " not rounded",
                 r->scale);
}
