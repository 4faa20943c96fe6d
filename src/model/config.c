#include "model/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config_keys.h"
#include "model/config_rope.h"
#include "model/config_value.h"
#include "model/folder_kind.h"
#include "model/rope.h"

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
    { "gelu_new", ACT_GELU_TANH },
    { "gelu_pytorch_tanh", ACT_GELU_TANH },
    { "gelu_fast", ACT_GELU_TANH }, // sqrt(2/pi) rounded to ten digits: the same in fp32
    { "gelu", ACT_GELU_ERF },
    { "silu", ACT_SILU },
    { "relu", ACT_RELU },
    { "swish", ACT_SILU },
    { "gelu_python", ACT_GELU_ERF },
    { "gelu_accurate", ACT_GELU_TANH },
    { "gelu_python_tanh", ACT_GELU_TANH },
};

// A key's value, which a second spelling overrules (attribute_map of the owner's class). Null is
// none where the class takes that, and is refused elsewhere.
static bool get_count(const struct config *c, const struct arch_count_key *k, uint32_t max,
                      uint32_t *out)
{
    const cJSON *v = config_value_get(c->root, k->wins);
    v = v ? v : config_value_get(c->root, k->key);
    *out = v && k->null_is_none && cJSON_IsNull(v) ? 0 : k->absent;
    return !v || (k->null_is_none && cJSON_IsNull(v)) || config_value_whole(c, v, 1, max, out);
}

static bool get_flag(const struct config *c, const struct arch_flag_key *k, bool *out)
{
    const cJSON *v = config_value_get(c->root, k->key);
    *out = k->absent;
    return !v || config_value_flag(c, v, out);
}

static bool get_eps(const struct config *c, float *out)
{
    const cJSON *v = config_value_get(c->root, c->arch->eps_key);
    *out = c->arch->eps;
    if (!v)
        return true;
    *out = cJSON_IsNumber(v) ? (float)v->valuedouble : 0.0f;
    return (*out > 0 && *out < 1) || config_value_bad(c, v, "a number above 0 and below 1");
}

// Gemma's first files say gelu and mean its approximation, as version 5 reads them.
static bool take_tanh(const struct config *c, enum act *out)
{
    static const char approximate[] = "its approximation by tanh", as_said[] = "as it is said";
    bool is_v5 = c->like == OWNER_TRANSFORMERS_5;
    *out = is_v5 ? ACT_GELU_TANH : ACT_GELU_ERF;
    return owner_note_differs(c->notes, c->like, "config.json, activation gelu",
                              is_v5 ? approximate : as_said, is_v5 ? as_said : approximate, c->err);
}

// A number above 0; null: none.
static bool get_number(const struct config *c, const struct arch_number_key *k, double *out)
{
    const cJSON *v = config_value_get(c->root, k->key);
    *out = k->absent;
    if (!v)
        return true;
    *out = 0;
    if (cJSON_IsNull(v))
        return true;
    return config_value_number(c, v, out)
           && (*out > 0 || config_value_bad(c, v, "a number above 0"));
}

static bool get_act(const struct config *c, enum act *out)
{
    const cJSON *v = config_value_get(c->root, c->arch->act_key);
    *out = c->arch->act;
    if (!v)
        return true;
    for (size_t i = 0; cJSON_IsString(v) && i < sizeof activations / sizeof *activations; i++)
        if (strcmp(v->valuestring, activations[i].name) == 0) {
            *out = activations[i].act;
            return !c->arch->act_is_tanh || strcmp(v->valuestring, "gelu") != 0
                   || take_tanh(c, out);
        }
    return config_value_bad(
        c, v,
        "gelu_new, gelu_pytorch_tanh, gelu, silu or relu; other activations are not supported");
}

// Numbers that follow from others, and how they must fit together.
static bool derive(const struct config *c, const bool flags[N_FLAGS], uint32_t n[N_COUNTS])
{
    const struct arch *a = c->arch;
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
    if (a->flags[FLAG_MULTI_QUERY].key)
        n[COUNT_KV_HEADS] = flags[FLAG_MULTI_QUERY] ? 1 : n[COUNT_HEADS];
    if (!n[COUNT_MLP])
        n[COUNT_MLP] = 4 * n[COUNT_WIDTH];
    return true;
}

// GPT-NeoX's heads divide the width; the class heeds a head_dim in half of its code only.
static bool check_head_dim(const struct config *c, uint32_t d_head)
{
    const cJSON *v
        = c->arch->counts[COUNT_HEAD_DIM].key ? NULL : config_value_get(c->root, "head_dim");
    if (!v || cJSON_IsNull(v) || !c->arch->rope.theta_key || v->valuedouble == d_head)
        return true;
    char expected[64];
    snprintf(expected, sizeof expected, "%" PRIu32 ", the width by the heads, or no such key",
             d_head);
    return config_value_bad(c, v, expected);
}

// One entry of "layer_types" a layer. Sliding ones need a window.
static bool read_layer_types(const struct config *c, const cJSON *types, uint32_t n_layers,
                             struct model_shape *s)
{
    if (!cJSON_IsArray(types) || (uint32_t)cJSON_GetArraySize(types) != n_layers)
        return config_value_bad(c, types, "a list with one entry a layer");
    uint32_t layer = 0;
    const cJSON *type;
    cJSON_ArrayForEach(type, types)
    {
        const char *name = cJSON_IsString(type) ? type->valuestring : "";
        // the word of old, which version 5 takes for full_attention
        bool full = strcmp(name, "full_attention") == 0
                    || (c->like == OWNER_TRANSFORMERS_5 && strcmp(name, "attention") == 0);
        s->slides[layer++] = strcmp(name, "sliding_attention") == 0;
        if (!s->slides[layer - 1] && !full)
            return config_value_bad(c, types, "entries full_attention or sliding_attention");
        if (s->slides[layer - 1] && !s->window)
            return abl_fail(c->err, ABL_BAD_MODEL,
                            "no window for the sliding layers of \"layer_types\" in '%s': expected "
                            "a \"sliding_window\"%s",
                            c->path,
                            c->arch->window == WINDOW_LISTED ? " and \"use_sliding_window\" true"
                                                             : "");
    }
    return true;
}

// GPT-Neo's [[["global", "local"], 12]]: kinds of layers in turn, so many times.
static bool read_attention_types(const struct config *c, uint32_t n_layers, struct model_shape *s)
{
    const cJSON *types = config_value_get(c->root, "attention_types"), *item, *name;
    uint32_t layer = 0;
    if (!types || cJSON_IsNull(types)) {
        for (; layer < 24; layer++) // the class's own
            s->slides[layer] = layer % 2;
        return n_layers == 24
               || abl_fail(c->err, ABL_BAD_MODEL,
                           "no \"attention_types\" in '%s', whose default is of 24 layers: "
                           "expected such as [[[\"global\", \"local\"], %" PRIu32 "]]",
                           c->path, n_layers / 2);
    }
    cJSON_ArrayForEach(item, types)
    {
        const cJSON *names = cJSON_GetArrayItem(item, 0), *times = cJSON_GetArrayItem(item, 1);
        uint32_t n = 0;
        if (!cJSON_IsArray(names) || !times || !config_value_whole(c, times, 1, n_layers, &n))
            return config_value_bad(c, types, "lists such as [[\"global\", \"local\"], 12]");
        for (uint32_t i = 0; i < n; i++)
            cJSON_ArrayForEach(name, names)
            {
                bool local = cJSON_IsString(name) && strcmp(name->valuestring, "local") == 0;
                bool global = cJSON_IsString(name) && strcmp(name->valuestring, "global") == 0;
                if (layer == n_layers || (!local && !global))
                    return config_value_bad(c, types, "global or local for each layer");
                s->slides[layer++] = local;
            }
    }
    return layer == n_layers || config_value_bad(c, types, "global or local for each layer");
}

// SmolLM3: no_rope_layers says 1 where a layer has positions.
static bool read_unplaced(const struct config *c, uint32_t n_layers, struct model_shape *s)
{
    static const struct arch_count_key interval = { "no_rope_layer_interval", NULL, 4, false };
    const cJSON *list = config_value_get(c->root, "no_rope_layers"), *v;
    uint32_t every, layer = 0, placed;
    if (!c->arch->has_unplaced)
        return true;
    if (!get_count(c, &interval, MODEL_MAX_LAYERS, &every))
        return false;
    if (!list || cJSON_IsNull(list)) {
        for (uint32_t i = 0; i < n_layers; i++)
            s->unplaced[i] = (i + 1) % every == 0;
        return true;
    }
    cJSON_ArrayForEach(v, list)
    {
        if (!config_value_whole(c, v, 0, 1, &placed))
            return false;
        if (layer < n_layers)
            s->unplaced[layer++] = !placed;
    }
    return layer == n_layers || config_value_bad(c, list, "a list with 0 or 1 for each layer");
}

// Whether a layer slides where no list of layers says it.
static bool slides_by_rule(const struct config *c, const struct model_shape *s, uint32_t layer,
                           uint32_t first, uint32_t every)
{
    switch (c->arch->window) {
    case WINDOW_EACH:
        return (layer + 1) % every != 0;
    case WINDOW_UNPLACED:
        return s->unplaced[layer];
    default:
        return layer >= first;
    }
}

// The sliding window of those families that have one, and its layers. null: no window.
static bool read_window(const struct config *c, uint32_t n_layers, struct model_shape *s)
{
    const struct arch *a = c->arch;
    bool of_neo = a->window == WINDOW_ATTENTION;
    struct arch_count_key window
        = { of_neo ? "window_size" : "sliding_window", NULL, a->window_absent, !of_neo };
    struct arch_count_key full = { a->full_key, NULL, a->window_full, false };
    static const struct arch_flag_key used = { "use_sliding_window", false };
    bool listed = a->window == WINDOW_LISTED, on = true;
    uint32_t first = listed ? 28 : 0, every;
    if (a->window == WINDOW_NONE)
        return true;
    const cJSON *from = listed ? config_value_get(c->root, "max_window_layers") : NULL;
    const cJSON *types
        = a->window == WINDOW_PLAIN ? NULL : config_value_get(c->root, "layer_types");
    bool asks = listed || a->window == WINDOW_UNPLACED;
    if ((asks && !get_flag(c, &used, &on)) || !get_count(c, &window, 1 << 30, &s->window)
        || !get_count(c, &full, MODEL_MAX_LAYERS, &every)
        || (from && !config_value_whole(c, from, 0, UINT32_MAX, &first)))
        return false;
    s->window = on ? s->window : 0;
    if (of_neo)
        return read_attention_types(c, n_layers, s);
    if (types && !cJSON_IsNull(types))
        return read_layer_types(c, types, n_layers, s);
    for (uint32_t i = 0; i < n_layers; i++)
        s->slides[i] = s->window && slides_by_rule(c, s, i, first, every);
    return true;
}

// OPT's words may be narrower than the residual stream: not here.
static bool check_word_width(const struct config *c, uint32_t width)
{
    const cJSON *v = config_value_get(c->root, c->arch->word_width_key);
    char expected[80];
    snprintf(expected, sizeof expected, "%" PRIu32 ", the width; projected words are not supported",
             width);
    return !v || cJSON_IsNull(v) || v->valuedouble == width || config_value_bad(c, v, expected);
}

// Everything that the computation needs.
static bool read_shape(const struct config *c, struct model_shape *s)
{
    const struct arch *a = c->arch;
    uint32_t n[N_COUNTS];
    bool flags[N_FLAGS];
    double numbers[N_NUMBERS];
    for (int i = 0; i < N_COUNTS; i++)
        if (!get_count(c, &a->counts[i], max_count[i], &n[i]))
            return false;
    for (int i = 0; i < N_FLAGS; i++)
        if (!get_flag(c, &a->flags[i], &flags[i]))
            return false;
    for (int i = 0; i < N_NUMBERS; i++)
        if (!get_number(c, &a->numbers[i], &numbers[i]))
            return false;
    if (!derive(c, flags, n) || !get_eps(c, &s->norm_eps) || !get_act(c, &s->act)
        || !check_head_dim(c, n[COUNT_HEAD_DIM])
        || !config_rope_read(c, n[COUNT_HEAD_DIM], &n[COUNT_CTX], s)
        || !read_unplaced(c, n[COUNT_LAYERS], s) || !read_window(c, n[COUNT_LAYERS], s)
        || !check_word_width(c, n[COUNT_WIDTH]))
        return false;
    for (uint32_t i = 0; a->full_unplaced && i < n[COUNT_LAYERS]; i++)
        s->unplaced[i] = !s->slides[i];
    if (!rope_is_finite(&s->rope) || !rope_is_finite(&s->rope_local))
        return abl_fail(c->err, ABL_BAD_MODEL,
                        "bad rotary positions in '%s': their angles are not finite, expected other "
                        "numbers for theta or the scaling; download the file again",
                        c->path);
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
    arch_give_traits(a, s);
    s->score_scale = numbers[NUMBER_QUERY_SCALE] > 0 ? 1 / sqrt(numbers[NUMBER_QUERY_SCALE]) : 0;
    if (numbers[NUMBER_SCORE_SCALE] > 0)
        s->score_scale = numbers[NUMBER_SCORE_SCALE];
    if (numbers[NUMBER_EMBED_SCALE] > 0)
        s->embed_scale = (float)numbers[NUMBER_EMBED_SCALE];
    if (numbers[NUMBER_RESIDUAL_SCALE] > 0)
        s->residual_scale = (float)numbers[NUMBER_RESIDUAL_SCALE];
    if (numbers[NUMBER_LOGIT_DIVISOR] > 0)
        s->logit_scale = (float)(1 / numbers[NUMBER_LOGIT_DIVISOR]);
    if (numbers[NUMBER_LOGIT_SCALE] > 0)
        s->logit_scale = (float)numbers[NUMBER_LOGIT_SCALE];
    s->score_cap = (float)numbers[NUMBER_SCORE_CAP];
    s->logit_cap = (float)numbers[NUMBER_LOGIT_CAP];
    s->parallel = flags[FLAG_PARALLEL];
    s->qkv_bias = flags[FLAG_QKV_BIAS];
    s->out_bias = flags[FLAG_OUT_BIAS];
    s->mlp_bias = flags[FLAG_MLP_BIAS];
    s->unembed_bias = flags[FLAG_UNEMBED_BIAS];
    s->has_value_bias = shape_has_value_bias(s);
    return true;
}

// Where the other version reads this file and makes other numbers of it, both are named.
static bool compare_readings(const struct config *c, const struct model_shape *mine)
{
    struct model_shape other = { 0 };
    struct owner_notes unheard = { 0 };
    struct abl_err refused;
    char here[ROPE_TEXT], there[ROPE_TEXT], here_local[ROPE_TEXT], there_local[ROPE_TEXT];
    struct config their = *c;
    their.like = c->like == OWNER_TRANSFORMERS_5 ? OWNER_TRANSFORMERS_4 : OWNER_TRANSFORMERS_5;
    their.notes = &unheard;
    their.err = &refused;
    bool readable = read_shape(&their, &other);
    owner_notes_release(&unheard);
    if (!readable || !c->arch->rope.theta_key)
        return true;
    config_rope_text(&mine->rope, here);
    config_rope_text(&other.rope, there);
    config_rope_text(&mine->rope_local, here_local);
    config_rope_text(&other.rope_local, there_local);
    if (strcmp(here_local, there_local) != 0
        && !owner_note_differs(c->notes, c->like, "config.json, rotary positions of sliding layers",
                               here_local, there_local, c->err))
        return false;
    return strcmp(here, there) == 0
           || owner_note_differs(c->notes, c->like, "config.json, rotary positions", here, there,
                                 c->err);
}

// "LlamaForCausalLM" for llama: letters and digits of the type, but for "_text", which is what a
// part of several is called, then what the class is for.
static bool is_class_of(const char *class_name, const char *model_type)
{
    static const char *const ends[] = { "For", "LMHead", "Model", "DoubleHeads", "PreTrained" };
    for (; *model_type && strcmp(model_type, "_text") != 0; model_type++) {
        if (*model_type == '_')
            continue;
        if (tolower((unsigned char)*class_name++) != *model_type)
            return false;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strncmp(class_name, ends[i], strlen(ends[i])) == 0)
            return true;
    return false;
}

// The type decides, as it does for the owner; a class of another family is told.
static bool check_class(const struct config *c)
{
    const cJSON *list = config_value_get(c->root, "architectures");
    const cJSON *first = cJSON_IsArray(list) ? list->child : NULL;
    const char *type = c->arch->model_type;
    if (!cJSON_IsString(first) || is_class_of(first->valuestring, type)
        || (strcmp(type, "mistral") == 0 && is_class_of(first->valuestring, "ministral")))
        return true;
    return owner_note(c->notes, c->err,
                      "config.json: \"architectures\" names %.60s, but \"model_type\" is %s; it is "
                      "read as %s, as transformers reads it",
                      first->valuestring, type, type);
}

// A model of several parts whose language model is one of these: read that.
static bool unwrap_text(struct config *c)
{
    static const struct {
        const char *whole, *text;
    } wrappers[] = { { "gemma3", "gemma3_text" }, { "mistral3", "mistral" } };
    const cJSON *type = config_value_get(c->root, "model_type");
    cJSON *text = cJSON_GetObjectItemCaseSensitive(c->root, "text_config");
    const cJSON *inner = config_value_get(text, "model_type");
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (cJSON_IsString(type) && strcmp(type->valuestring, wrappers[i].whole) == 0
            && cJSON_IsString(inner) && strcmp(inner->valuestring, wrappers[i].text) == 0) {
            cJSON *whole = c->root;
            c->root = cJSON_DetachItemViaPointer(whole, text);
            bool ok = owner_note(c->notes, c->err,
                                 "config.json is of a model of several parts (%s): its language "
                                 "model is read (%s)",
                                 wrappers[i].whole, wrappers[i].text);
            cJSON_Delete(whole);
            return ok;
        }
    return true;
}

static bool read_family(struct config *c)
{
    if (!unwrap_text(c))
        return false;
    const cJSON *type = config_value_get(c->root, "model_type");
    char known[512];
    arch_names(known, sizeof known);
    if (!type || cJSON_IsNull(type))
        return abl_fail(c->err, ABL_BAD_MODEL, "no \"model_type\" in '%s': expected one of: %s",
                        c->path, known);
    c->arch = cJSON_IsString(type) ? arch_find(type->valuestring) : NULL;
    if (c->arch)
        return true;
    char expected[640];
    snprintf(expected, sizeof expected, "a supported model type, one of: %s", known);
    return config_value_bad(c, type, expected);
}

static bool read_text(struct config *c, const struct file_bytes *text, struct model_shape *shape)
{
    bool ok = config_value_parse(c, text) && read_family(c) && config_keys_check(c)
              && read_shape(c, shape) && compare_readings(c, shape) && check_class(c);
    cJSON_Delete(c->root);
    return ok;
}

bool config_read_hashed(const char *folder, enum owner like, struct model_shape *shape,
                        const struct arch **arch, char *sha256, struct owner_notes *notes,
                        struct abl_err *err)
{
    struct file_bytes text = { 0 };
    struct model_shape s = { 0 };
    char *path = file_join(folder, "config.json");
    if (!path)
        return abl_no_memory(err);
    struct config c = { .path = path, .like = like, .notes = notes, .err = err };
    bool ok = (file_exists(path) || folder_lacks_config(folder, err))
              && file_read(path, MAX_CONFIG, &text, ABL_BAD_MODEL, err)
              && (!sha256 || sha256_bytes(text.data, text.size, sha256, err))
              && read_text(&c, &text, &s);
    file_bytes_release(&text);
    free(path);
    if (!ok)
        return false;
    *shape = s;
    *arch = c.arch;
    return true;
}

bool config_read(const char *folder, enum owner like, struct model_shape *shape,
                 const struct arch **arch, struct owner_notes *notes, struct abl_err *err)
{
    return config_read_hashed(folder, like, shape, arch, NULL, notes, err);
}
