#include "model/config_gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/rope.h"

enum { KEY_SIZE = 160 };

struct reader {
    const struct checkpoint *checkpoint;
    const struct gguf *gguf;
    const struct arch *arch;
    const char *path;
    struct abl_err *err;
};

// "{arch}.key" of the file.
static const struct gguf_value *find(const struct reader *r, const char *key)
{
    char name[KEY_SIZE];
    snprintf(name, sizeof name, "%s.%s", r->arch->gguf_type, key);
    return gguf_find(r->gguf, name);
}

// What a value is, for messages.
static void value_text(const struct gguf_value *v, char *out, size_t size)
{
    switch (v->kind) {
    case GGUF_UINT:
        snprintf(out, size, "%" PRIu64, v->u);
        return;
    case GGUF_INT:
        snprintf(out, size, "%" PRId64, v->i);
        return;
    case GGUF_FLOAT:
        snprintf(out, size, "%g", v->f);
        return;
    case GGUF_BOOL:
        snprintf(out, size, "%s", v->b ? "true" : "false");
        return;
    case GGUF_STRING:
        snprintf(out, size, "'%.40s'", v->s.data);
        return;
    case GGUF_ARRAY:
        snprintf(out, size, "a list of %zu", v->n);
        return;
    }
}

static bool bad_value(const struct reader *r, const char *key, const char *expected)
{
    const struct gguf_value *v = find(r, key);
    char found[64] = "no such key";
    if (v)
        value_text(v, found, sizeof found);
    return abl_fail(r->err, ABL_BAD_MODEL,
                    "bad '%s.%s' in '%s': found %s, expected %s; convert the model anew, or take "
                    "another file of it",
                    r->arch->gguf_type, key, r->path, found, expected);
}

// The number that a value holds: a whole number, or an array of one for each layer that are all the
// same. *same is false where they are not. 0: no such number.
static uint64_t whole(const struct gguf_value *v, bool *same)
{
    *same = true;
    if (v->kind == GGUF_UINT)
        return v->u;
    if (v->kind == GGUF_INT)
        return v->i > 0 ? (uint64_t)v->i : 0;
    if (v->kind != GGUF_ARRAY || !v->n || (v->item != GGUF_UINT && v->item != GGUF_INT))
        return 0;
    for (size_t i = 1; i < v->n; i++)
        *same = *same && v->us[i] == v->us[0];
    return v->item == GGUF_UINT || v->is[0] > 0 ? v->us[0] : 0;
}

// A whole number from 1 to max; absent: *out stays as it is, which an earlier default made 0 where
// there has to be one.
static bool get_count(const struct reader *r, const char *key, uint32_t max, uint32_t *out)
{
    const struct gguf_value *v = find(r, key);
    bool same = true;
    uint64_t n = v ? whole(v, &same) : *out;
    char range[64];
    if (!same)
        return abl_fail(r->err, ABL_BAD_MODEL,
                        "'%s.%s' in '%s' is not supported: found a list with another number for "
                        "some layers, expected the same for all; take a model of equal layers",
                        r->arch->gguf_type, key, r->path);
    snprintf(range, sizeof range, "a whole number from 1 to %" PRIu32, max);
    if (n < 1 || n > max)
        return bad_value(r, key, range);
    *out = (uint32_t)n;
    return true;
}

// A number above 0; absent: *out stays.
static bool get_positive(const struct reader *r, const char *key, double *out)
{
    const struct gguf_value *v = find(r, key);
    double f = !v ? *out : v->kind == GGUF_FLOAT ? v->f : v->kind == GGUF_UINT ? (double)v->u : 0;
    if (!(f > 0) || !isfinite(f))
        return bad_value(r, key, "a number above 0");
    *out = f;
    return true;
}

static bool get_flag(const struct reader *r, const char *key, bool *out)
{
    const struct gguf_value *v = find(r, key);
    if (v && v->kind != GGUF_BOOL)
        return bad_value(r, key, "true or false");
    *out = v ? v->b : *out;
    return true;
}

static bool has_tensor(const struct reader *r, const char *pattern)
{
    char name[KEY_SIZE];
    return pattern && arch_tensor_name("", pattern, 0, 0, name, sizeof name)
           && checkpoint_find(r->checkpoint, name).entry;
}

// Rows of W_E: metadata may leave vocab_size out, and its list of tokens may be shorter.
static bool read_vocab(const struct reader *r, struct model_shape *s)
{
    const struct tensor_entry *t = checkpoint_find(r->checkpoint, r->arch->gguf->embed).entry;
    if (!t || t->n_dims != 2 || t->dims[0] < 1 || t->dims[0] > 1 << 24)
        return abl_fail(r->err, ABL_BAD_MODEL,
                        "bad or missing tensor '%s' in '%s': expected one of two dimensions; "
                        "download the file again",
                        r->arch->gguf->embed, r->path);
    s->n_vocab = (uint32_t)t->dims[0];
    return true;
}

static bool read_heads(const struct reader *r, struct model_shape *s)
{
    if (!get_count(r, "attention.head_count", MODEL_MAX_WIDTH, &s->n_heads))
        return false;
    s->n_kv_heads = s->n_heads;
    s->d_head = s->d_model / s->n_heads;
    uint32_t values;
    if (!get_count(r, "attention.head_count_kv", MODEL_MAX_WIDTH, &s->n_kv_heads)
        || !get_count(r, "attention.key_length", 1 << 16, &s->d_head))
        return false;
    values = s->d_head;
    if (!get_count(r, "attention.value_length", 1 << 16, &values))
        return false;
    if (s->n_heads % s->n_kv_heads)
        return bad_value(r, "attention.head_count_kv", "a divisor of attention.head_count");
    if (!find(r, "attention.key_length") && s->d_model % s->n_heads)
        return bad_value(r, "attention.head_count", "a divisor of embedding_length");
    return values == s->d_head
           || bad_value(r, "attention.value_length", "the same as attention.key_length");
}

// A factor of the rotary positions, where 0 stands for none. *there: it is a number above 0.
static bool get_factor(const struct reader *r, const char *key, double *out, bool *there)
{
    const struct gguf_value *v = find(r, key);
    bool zero = v
                && ((v->kind == GGUF_FLOAT && !(v->f < 0 || v->f > 0))
                    || (v->kind == GGUF_UINT && v->u == 0));
    *there = v && !zero;
    return !*there || get_positive(r, key, out);
}

static bool read_kind(const struct reader *r, enum rope_kind *out)
{
    static const struct {
        const char *name;
        enum rope_kind kind;
    } kinds[] = { { "none", ROPE_DEFAULT }, { "linear", ROPE_LINEAR }, { "yarn", ROPE_YARN } };
    const struct gguf_value *type = find(r, "rope.scaling.type");
    for (size_t i = 0; type && type->kind == GGUF_STRING && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type->s.data, kinds[i].name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    *out = ROPE_LINEAR; // what llama.cpp takes where only a factor is given
    return !type || bad_value(r, "rope.scaling.type", "none, linear or yarn");
}

// As llama.cpp reads it: the factor, or where there is none that of files of old; the attention
// factor holds for every kind.
static bool read_scaling(const struct reader *r, struct rope_shape *rope)
{
    bool factor, old = false;
    if (!read_kind(r, &rope->kind) || !get_factor(r, "rope.scaling.factor", &rope->factor, &factor))
        return false;
    if (!find(r, "rope.scaling.factor") && !get_factor(r, "rope.scale_linear", &rope->factor, &old))
        return false;
    if (rope->kind == ROPE_LINEAR && !factor && !old)
        rope->kind = ROPE_DEFAULT;
    if (!get_positive(r, "rope.scaling.original_context_length", &rope->original_ctx)
        || !get_positive(r, "rope.scaling.attn_factor", &rope->scale)
        || !get_positive(r, "rope.scaling.yarn_beta_fast", &rope->beta_fast)
        || !get_positive(r, "rope.scaling.yarn_beta_slow", &rope->beta_slow))
        return false;
    if (rope->kind == ROPE_YARN && rope->factor > 1)
        rope->scale *= 0.1 * log(rope->factor) + 1;
    return true;
}

// Of layers that slide: another base, and no scaling.
static bool read_local_rope(const struct reader *r, struct model_shape *s)
{
    s->rope_local
        = (struct rope_shape){ .n_dims = s->rope.n_dims, .theta = 10000, .factor = 1, .scale = 1 };
    return get_positive(r, "rope.freq_base_swa", &s->rope_local.theta);
}

// What files do not say: every fourth layer of SmolLM3 has no positions.
static void leave_unplaced(const struct reader *r, struct model_shape *s)
{
    for (uint32_t i = 0; r->arch->has_unplaced && i < s->n_layers; i++)
        s->unplaced[i] = (i + 1) % 4 == 0;
}

static bool read_rope(const struct reader *r, struct model_shape *s)
{
    struct rope_shape rope = { .n_dims = s->d_head,
                               .theta = r->arch->rope.theta > 0 ? r->arch->rope.theta : 10000,
                               .factor = 1,
                               .scale = 1,
                               .original_ctx = s->n_ctx,
                               .beta_fast = 32,
                               .beta_slow = 1,
                               .truncate = true };
    // learned positions
    if (!r->arch->rope.theta_key)
        return true;
    if (!get_count(r, "rope.dimension_count", s->d_head, &rope.n_dims)
        || !get_positive(r, "rope.freq_base", &rope.theta) || !read_scaling(r, &rope))
        return false;
    if (rope.n_dims % 2)
        return bad_value(r, "rope.dimension_count", "an even number");
    if (r->arch->gguf->qkv_order == ROWS_PAIRED && rope.n_dims != s->d_head)
        return bad_value(r, "rope.dimension_count", "all of a head in this architecture");
    if (!rope_is_finite(&rope))
        return bad_value(r, "rope.freq_base", "one that gives finite angles with its scaling");
    s->rope = rope;
    if (r->arch->rope.is_long && has_tensor(r, "rope_factors_short.weight")
        && rope.original_ctx < s->n_ctx)
        s->n_ctx = (uint32_t)rope.original_ctx; // longer prompts have other angles
    return !r->arch->rope.local_key || read_local_rope(r, s);
}

static bool read_norm(const struct reader *r, struct model_shape *s)
{
    double eps = (double)r->arch->eps;
    const char *key = r->arch->norm == NORM_RMS ? "attention.layer_norm_rms_epsilon"
                                                : "attention.layer_norm_epsilon";
    if (!get_positive(r, key, &eps))
        return false;
    s->norm_eps = (float)eps;
    return s->norm_eps < 1 || bad_value(r, key, "a number below 1");
}

// What the tensors themselves say.
static void read_presence(const struct reader *r, struct model_shape *s)
{
    const struct arch_tensors *t = r->arch->gguf;
    s->tied = !has_tensor(r, t->unembed);
    s->qkv_bias = has_tensor(r, t->vectors[VECTOR_QKV_BIAS]);
    s->out_bias = has_tensor(r, t->vectors[VECTOR_OUT_BIAS]);
    s->mlp_bias = has_tensor(r, t->vectors[VECTOR_MLP_IN_BIAS]);
    s->has_value_bias = shape_has_value_bias(s);
}

// What changes the numbers and is not built, and the value that does not.
static bool check_refused(const struct reader *r)
{
    static const struct {
        const char *key;
        double harmless;
    } refused[] = {
        { "expert_count", 0 },
        { "attention.causal", 1 },
        { "attention.clamp_kqv", 0 },
        { "attention.max_alibi_bias", 0 },
        { "rope.scaling.yarn_log_multiplier", 0 },
        { "rope.scaling.yarn_ext_factor", 1 },
        { "rope.scaling.yarn_attn_factor", 1 },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct gguf_value *v = find(r, refused[i].key);
        double found = !v                      ? refused[i].harmless
                       : v->kind == GGUF_UINT  ? (double)v->u
                       : v->kind == GGUF_INT   ? (double)v->i
                       : v->kind == GGUF_FLOAT ? v->f
                       : v->kind == GGUF_BOOL  ? v->b
                                               : NAN;
        if (!(found == refused[i].harmless))
            return abl_fail(r->err, ABL_BAD_MODEL,
                            "'%s.%s' in '%s' is not supported: found %g, expected %g or no such "
                            "key; such models cannot be run here",
                            r->arch->gguf_type, refused[i].key, r->path, found,
                            refused[i].harmless);
    }
    return true;
}

// A soft-cap; of families without any, only the value that does nothing.
static bool get_cap(const struct reader *r, const char *key, enum arch_number which, float *out)
{
    double cap = r->arch->numbers[which].absent;
    bool there = false;
    if (!get_factor(r, key, &cap, &there))
        return false;
    if (there && !r->arch->numbers[which].key)
        return bad_value(r, key, "0 or no such key in this architecture");
    *out = (float)(there || !find(r, key) ? cap : 0);
    return true;
}

// Multipliers, of the families that have them.
static bool get_scales(const struct reader *r, struct model_shape *s)
{
    double divisor = 1, residual = 1, embed = (double)s->embed_scale, score = 0;
    const struct {
        const char *key;
        enum arch_number which;
        double *out;
    } all[] = { { "attention.scale", NUMBER_SCORE_SCALE, &score },
                { "embedding_scale", NUMBER_EMBED_SCALE, &embed },
                { "residual_scale", NUMBER_RESIDUAL_SCALE, &residual },
                { "logit_scale", NUMBER_LOGIT_DIVISOR, &divisor } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool there;
        if (!get_factor(r, all[i].key, all[i].out, &there))
            return false;
        if (there && !r->arch->numbers[all[i].which].key)
            return bad_value(r, all[i].key, "0 or no such key in this architecture");
    }
    s->score_scale = score > 0 ? score : s->score_scale;
    s->embed_scale = (float)embed;
    s->residual_scale = (float)residual;
    s->logit_scale = (float)(1 / divisor);
    return true;
}

// Files do not say what q·k is divided by: as llama.cpp has it, the square root of a head's part of
// the width in the model of 46 layers (27B), of a head's columns in the others.
static bool read_caps(const struct reader *r, struct model_shape *s)
{
    if (r->arch->numbers[NUMBER_QUERY_SCALE].key) {
        uint32_t by = s->n_layers == 46 ? s->d_model / s->n_heads : s->d_head;
        s->score_scale = 1 / sqrt((double)by);
    }
    return get_scales(r, s) && get_cap(r, "attn_logit_softcapping", NUMBER_SCORE_CAP, &s->score_cap)
           && get_cap(r, "final_logit_softcapping", NUMBER_LOGIT_CAP, &s->logit_cap);
}

// Files name the window, and the family says which layers have it.
static bool read_window(const struct reader *r, struct model_shape *s)
{
    const struct arch *a = r->arch;
    double window = a->window_absent;
    bool there;
    // the files of others do not have it
    if (a->window != WINDOW_NONE && a->window != WINDOW_EACH && a->window != WINDOW_PLAIN)
        return true;
    if (!get_factor(r, "attention.sliding_window", &window, &there))
        return false;
    if (a->window == WINDOW_NONE)
        return !there
               || bad_value(r, "attention.sliding_window", "0 or no such key in this architecture");
    s->window = !there && find(r, "attention.sliding_window") ? 0 : (uint32_t)window;
    for (uint32_t i = 0; i < s->n_layers; i++)
        s->slides[i] = s->window && (a->window == WINDOW_PLAIN || (i + 1) % a->window_full != 0);
    return true;
}

static bool read_shape(const struct reader *r, struct model_shape *s)
{
    if (!check_refused(r))
        return false;
    snprintf(s->arch, sizeof s->arch, "%s", r->arch->model_type);
    if (!get_count(r, "context_length", 1 << 24, &s->n_ctx)
        || !get_count(r, "embedding_length", MODEL_MAX_WIDTH, &s->d_model)
        || !get_count(r, "block_count", MODEL_MAX_LAYERS, &s->n_layers)
        || !get_count(r, "feed_forward_length", 8 * MODEL_MAX_WIDTH, &s->d_mlp) || !read_heads(r, s)
        || !read_vocab(r, s) || !read_norm(r, s) || !read_rope(r, s))
        return false;
    s->parallel = r->arch->flags[FLAG_PARALLEL].absent;
    s->act = r->arch->act;
    arch_give_traits(r->arch, s);
    s->attn_scale = true;
    read_presence(r, s);
    leave_unplaced(r, s);
    if (!read_caps(r, s) || !read_window(r, s))
        return false;
    return get_flag(r, "use_parallel_residual", &s->parallel);
}

static bool has_text(const struct reader *r, const char *key, const char *text)
{
    const struct gguf_value *v = gguf_find(r->gguf, key);
    return v && v->kind == GGUF_STRING && strcmp(v->s.data, text) == 0;
}

// Files that go with a model and are none.
static bool check_is_model(const struct reader *r)
{
    if (has_text(r, "general.type", "adapter") || gguf_find(r->gguf, "adapter.type"))
        return abl_fail(r->err, ABL_BAD_MODEL,
                        "'%s' is an adapter (LoRA), not a model: merge it into its model, such as "
                        "with llama-export-lora, and take what comes out",
                        r->path);
    if (has_text(r, "general.type", "mmproj") || has_text(r, "general.architecture", "clip"))
        return abl_fail(r->err, ABL_BAD_MODEL,
                        "'%s' is the part of a model that sees or hears (mmproj), not a language "
                        "model: take the other .gguf file of its folder",
                        r->path);
    if (has_text(r, "general.type", "imatrix"))
        return abl_fail(r->err, ABL_BAD_MODEL,
                        "'%s' is an importance matrix, not a model: take the model's .gguf file",
                        r->path);
    return true;
}

static bool read_family(struct reader *r)
{
    char known[512], found[64] = "none";
    const struct gguf_value *v = gguf_find(r->gguf, "general.architecture");
    if (!check_is_model(r))
        return false;
    if (v && v->kind == GGUF_STRING) {
        snprintf(found, sizeof found, "%s", v->s.data);
        r->arch = arch_find_gguf(v->s.data);
    }
    arch_names(known, sizeof known);
    return r->arch
           || abl_fail(r->err, ABL_BAD_MODEL,
                       "unknown general.architecture in '%s': found '%s', expected one of: %s",
                       r->path, found, known);
}

bool config_gguf_read(const struct checkpoint *c, struct model_shape *shape,
                      const struct arch **arch, struct abl_err *err)
{
    struct reader r
        = { .checkpoint = c, .gguf = &c->gguf, .path = c->files[0].file.path, .err = err };
    struct model_shape s = { 0 };
    if (!read_family(&r) || !read_shape(&r, &s))
        return false;
    *shape = s;
    *arch = r.arch;
    return true;
}
