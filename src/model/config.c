#include "model/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/json.h"
#include "model/config_rope.h"

enum { MAX_CONFIG = 1 << 20 };

// Beyond these a number is a mistake or an attack; products of any two fit 64 bits.
static const uint32_t max_count[N_COUNTS] = {
    [COUNT_VOCAB] = 1 << 24,         [COUNT_CTX] = 1 << 24,
    [COUNT_WIDTH] = MODEL_MAX_WIDTH, [COUNT_LAYERS] = MODEL_MAX_LAYERS,
    [COUNT_HEADS] = MODEL_MAX_WIDTH, [COUNT_KV_HEADS] = MODEL_MAX_WIDTH,
    [COUNT_HEAD_DIM] = 1 << 16,      [COUNT_MLP] = 8 * MODEL_MAX_WIDTH,
};

static const struct {
    const char *name;
    enum act act;
} activations[] = {
    { "gelu_new", ACT_GELU_TANH },  { "gelu_pytorch_tanh", ACT_GELU_TANH },
    { "gelu_fast", ACT_GELU_TANH }, // sqrt(2/pi) rounded to ten digits: the same in fp32
    { "gelu", ACT_GELU_ERF },       { "silu", ACT_SILU },
    { "swish", ACT_SILU },
};

struct config {
    const char *path;
    cJSON *root;
    enum owner like;
    struct owner_notes *notes;
    struct abl_err *err;
};

static bool bad_value(const struct config *c, const cJSON *v, const char *expected)
{
    char *found = cJSON_PrintUnformatted(v);
    abl_fail(c->err, ABL_BAD_MODEL, "bad \"%s\" in '%s': found %.60s, expected %s", v->string,
             c->path, found ? found : "?", expected);
    cJSON_free(found);
    return false;
}

static const cJSON *get_raw(const struct config *c, const char *key)
{
    return key ? cJSON_GetObjectItemCaseSensitive(c->root, key) : NULL;
}

// The value of a key; null counts as absent, as it does for the class that the file configures.
static const cJSON *get(const struct config *c, const char *key)
{
    const cJSON *v = get_raw(c, key);
    return v && !cJSON_IsNull(v) ? v : NULL;
}

static bool whole_number(const struct config *c, const cJSON *v, uint32_t min, uint32_t max,
                         uint32_t *out)
{
    double d = cJSON_IsNumber(v) ? v->valuedouble : -1;
    if (!(d >= min && d <= max) || d != floor(d)) {
        char range[64];
        snprintf(range, sizeof range, "a whole number from %" PRIu32 " to %" PRIu32, min, max);
        return bad_value(c, v, range);
    }
    *out = (uint32_t)d;
    return true;
}

static bool get_count(const struct config *c, const struct arch_count_key *k, uint32_t max,
                      uint32_t *out)
{
    const cJSON *v = get(c, k->key);
    if (!v)
        v = get(c, k->older);
    *out = k->null_is_none && cJSON_IsNull(get_raw(c, k->key)) ? 0 : k->absent;
    return !v || whole_number(c, v, 1, max, out);
}

static bool get_flag(const struct config *c, const struct arch_flag_key *k, bool *out)
{
    const cJSON *v = get(c, k->key);
    *out = k->absent;
    if (v && !cJSON_IsBool(v))
        return bad_value(c, v, "true or false");
    if (v)
        *out = cJSON_IsTrue(v);
    return true;
}

static bool get_eps(const struct config *c, const struct arch *a, float *out)
{
    const cJSON *v = get(c, a->eps_key);
    *out = a->eps;
    if (!v)
        return true;
    *out = cJSON_IsNumber(v) ? (float)v->valuedouble : 0.0f;
    return (*out > 0 && *out < 1) || bad_value(c, v, "a number above 0 and below 1");
}

static bool get_act(const struct config *c, const struct arch *a, enum act *out)
{
    const cJSON *v = get(c, a->act_key);
    *out = a->act;
    if (!v)
        return true;
    for (size_t i = 0; cJSON_IsString(v) && i < sizeof activations / sizeof *activations; i++)
        if (strcmp(v->valuestring, activations[i].name) == 0) {
            *out = activations[i].act;
            return true;
        }
    return bad_value(
        c, v, "gelu_new, gelu_pytorch_tanh, gelu or silu; other activations are not supported");
}

// Numbers that follow from others, and how they must fit together.
static bool derive(const struct config *c, const struct arch *a, uint32_t n[N_COUNTS])
{
    const char *width = a->counts[COUNT_WIDTH].key, *heads = a->counts[COUNT_HEADS].key;
    if (!n[COUNT_HEAD_DIM] && n[COUNT_WIDTH] % n[COUNT_HEADS])
        return abl_fail(c->err, ABL_BAD_MODEL,
                        "\"%s\" does not fit \"%s\" in '%s': found %" PRIu32
                        " heads, expected a divisor of %" PRIu32,
                        heads, width, c->path, n[COUNT_HEADS], n[COUNT_WIDTH]);
    if (!n[COUNT_HEAD_DIM])
        n[COUNT_HEAD_DIM] = n[COUNT_WIDTH] / n[COUNT_HEADS];
    if (!n[COUNT_KV_HEADS])
        n[COUNT_KV_HEADS] = n[COUNT_HEADS];
    if (n[COUNT_HEADS] % n[COUNT_KV_HEADS])
        return abl_fail(
            c->err, ABL_BAD_MODEL,
            "\"%s\" does not fit \"%s\" in '%s': found %" PRIu32 ", expected a divisor of %" PRIu32,
            a->counts[COUNT_KV_HEADS].key, heads, c->path, n[COUNT_KV_HEADS], n[COUNT_HEADS]);
    if (!n[COUNT_MLP])
        n[COUNT_MLP] = 4 * n[COUNT_WIDTH];
    return true;
}

static bool check_refused(const struct config *c, const struct arch *a)
{
    bool on;
    if (!get_flag(c, &(struct arch_flag_key){ a->refused, false }, &on))
        return false;
    if (on)
        return bad_value(c, get(c, a->refused), "false; such models are not supported");
    const cJSON *quantised = get(c, "quantization_config");
    return !quantised
           || abl_fail(c->err, ABL_BAD_MODEL,
                       "\"quantization_config\" in '%s' is not supported: expected weights in F32, "
                       "F16 or BF16, or a GGUF file; take the checkpoint that it was made from",
                       c->path);
}

// One entry of "layer_types" a layer.
static bool read_layer_types(const struct config *c, const cJSON *types, uint32_t n_layers,
                             struct model_shape *s)
{
    if (!cJSON_IsArray(types) || (uint32_t)cJSON_GetArraySize(types) != n_layers)
        return bad_value(c, types, "a list with one entry a layer");
    uint32_t layer = 0;
    const cJSON *type;
    cJSON_ArrayForEach(type, types)
    {
        const char *name = cJSON_IsString(type) ? type->valuestring : "";
        s->slides[layer++] = strcmp(name, "sliding_attention") == 0;
        if (!s->slides[layer - 1] && strcmp(name, "full_attention") != 0)
            return bad_value(c, types, "entries full_attention or sliding_attention");
    }
    return true;
}

// The sliding window of those families that have one, and its layers. null: no window.
static bool read_window(const struct config *c, const struct arch *a, uint32_t n_layers,
                        struct model_shape *s)
{
    static const struct arch_count_key window = { "sliding_window", NULL, 4096, true };
    static const struct arch_flag_key used = { "use_sliding_window", false };
    bool on = a->window == WINDOW_ALL;
    uint32_t first = a->window == WINDOW_LISTED ? 28 : 0;
    if (a->window == WINDOW_LISTED && !get_flag(c, &used, &on))
        return false;
    if (!on)
        return true;
    const cJSON *types = a->window == WINDOW_LISTED ? get(c, "layer_types") : NULL;
    const cJSON *from = a->window == WINDOW_LISTED ? get(c, "max_window_layers") : NULL;
    if (!get_count(c, &window, 1 << 30, &s->window)
        || (from && !whole_number(c, from, 0, UINT32_MAX, &first)))
        return false;
    if (types)
        return read_layer_types(c, types, n_layers, s);
    for (uint32_t i = 0; i < n_layers; i++)
        s->slides[i] = i >= first;
    return true;
}

// Everything that the computation needs. The element type (torch_dtype, or dtype since transformers
// 5) is not asked for: the tensors say it themselves. reorder_and_upcast_attn only chooses a
// precision below the one used here.
static bool read_shape(const struct config *c, const struct arch *a, struct model_shape *s)
{
    uint32_t n[N_COUNTS];
    bool flags[N_FLAGS];
    for (int i = 0; i < N_COUNTS; i++)
        if (!get_count(c, &a->counts[i], max_count[i], &n[i]))
            return false;
    for (int i = 0; i < N_FLAGS; i++)
        if (!get_flag(c, &a->flags[i], &flags[i]))
            return false;
    if (!derive(c, a, n) || !get_eps(c, a, &s->norm_eps) || !get_act(c, a, &s->act)
        || !check_refused(c, a))
        return false;
    const struct config_rope from
        = { c->path, c->root, a, n[COUNT_HEAD_DIM], n[COUNT_CTX], c->err };
    if (!config_rope_read(&from, &s->rope) || !read_window(c, a, n[COUNT_LAYERS], s))
        return false;
    snprintf(s->arch, sizeof s->arch, "%s", a->model_type);
    s->n_vocab = n[COUNT_VOCAB];
    s->n_ctx = n[COUNT_CTX];
    s->d_model = n[COUNT_WIDTH];
    s->n_layers = n[COUNT_LAYERS];
    s->n_heads = n[COUNT_HEADS];
    s->n_kv_heads = n[COUNT_KV_HEADS];
    s->d_head = n[COUNT_HEAD_DIM];
    s->d_mlp = n[COUNT_MLP];
    s->attn_scale = flags[FLAG_SCALE_ATTN];
    s->attn_scale_layer = flags[FLAG_SCALE_ATTN_LAYER];
    s->tied = flags[FLAG_TIED];
    s->norm = a->norm;
    s->gated = a->gated;
    s->qk_norm = a->qk_norm;
    s->parallel = flags[FLAG_PARALLEL];
    s->qkv_bias = flags[FLAG_QKV_BIAS];
    s->out_bias = flags[FLAG_OUT_BIAS];
    s->mlp_bias = flags[FLAG_MLP_BIAS];
    s->has_value_bias = s->qkv_bias || s->norm == NORM_LAYER;
    return true;
}

static bool read_family(const struct config *c, const struct arch **out)
{
    const cJSON *type = get(c, "model_type");
    char known[256];
    arch_names(known, sizeof known);
    if (!type)
        return abl_fail(c->err, ABL_BAD_MODEL, "no \"model_type\" in '%s': expected one of: %s",
                        c->path, known);
    *out = cJSON_IsString(type) ? arch_find(type->valuestring) : NULL;
    if (*out)
        return true;
    char expected[320];
    snprintf(expected, sizeof expected, "a supported model type, one of: %s", known);
    return bad_value(c, type, expected);
}

// cJSON takes duplicate keys, broken UTF-8 and keys cut at a NUL; the strict parser does not.
static bool check_text(const char *path, const struct file_bytes *text, struct abl_err *err)
{
    struct json j;
    bool ok = json_open(&j, path, text->data, text->size, ABL_BAD_MODEL, err) && json_skip(&j)
              && json_end(&j);
    json_close(&j);
    return ok;
}

static bool read_text(struct config c, const struct file_bytes *text, struct model_shape *shape,
                      const struct arch **arch)
{
    if (!check_text(c.path, text, c.err))
        return false;
    // The NUL behind the text counts: it is how cJSON checks that nothing else is there.
    c.root = cJSON_ParseWithLengthOpts(text->data, text->size + 1, NULL, true);
    bool ok
        = cJSON_IsObject(c.root)
          || abl_fail(c.err, ABL_BAD_MODEL, "'%s' is not a JSON object; download it again", c.path);
    ok = ok && read_family(&c, arch) && read_shape(&c, *arch, shape);
    cJSON_Delete(c.root);
    return ok;
}

bool config_read(const char *folder, enum owner like, struct model_shape *shape,
                 const struct arch **arch, struct owner_notes *notes, struct abl_err *err)
{
    struct file_bytes text = { 0 };
    struct model_shape s = { 0 };
    const struct arch *a = NULL;
    char *path = file_join(folder, "config.json");
    if (!path)
        return abl_no_memory(err);
    struct config c = { .path = path, .like = like, .notes = notes, .err = err };
    bool ok = file_read(path, MAX_CONFIG, &text, ABL_BAD_MODEL, err) && read_text(c, &text, &s, &a);
    file_bytes_release(&text);
    free(path);
    if (!ok)
        return false;
    *shape = s;
    *arch = a;
    return true;
}
