#include "model/arch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct arch archs[] = {
    { .model_type = "gpt2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50257 },
                  [COUNT_CTX] = { "n_positions", "n_ctx", 1024 },
                  [COUNT_WIDTH] = { "n_embd", NULL, 768 },
                  [COUNT_LAYERS] = { "n_layer", NULL, 12 },
                  [COUNT_HEADS] = { "n_head", NULL, 12 },
                  [COUNT_MLP] = { "n_inner", NULL, 0 } },
      .flags = { [FLAG_SCALE_ATTN] = { "scale_attn_weights", true },
                 [FLAG_SCALE_ATTN_LAYER] = { "scale_attn_by_inverse_layer_idx", false },
                 [FLAG_TIED] = { "tie_word_embeddings", true } },
      .eps_key = "layer_norm_epsilon",
      .act_key = "activation_function",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .refused = { "add_cross_attention" },
      .prefixes = { "transformer.", "" },
      .embed = "wte.weight",
      .position_embed = "wpe.weight",
      .unembed = "lm_head.weight",
      .matrices = { [MATRIX_QKV] = "h.{}.attn.c_attn.weight",
                    [MATRIX_OUT] = "h.{}.attn.c_proj.weight",
                    [MATRIX_MLP_IN] = "h.{}.mlp.c_fc.weight",
                    [MATRIX_MLP_OUT] = "h.{}.mlp.c_proj.weight" },
      .vectors = { [VECTOR_LN1_GAIN] = "h.{}.ln_1.weight",
                   [VECTOR_LN1_BIAS] = "h.{}.ln_1.bias",
                   [VECTOR_QKV_BIAS] = "h.{}.attn.c_attn.bias",
                   [VECTOR_OUT_BIAS] = "h.{}.attn.c_proj.bias",
                   [VECTOR_LN2_GAIN] = "h.{}.ln_2.weight",
                   [VECTOR_LN2_BIAS] = "h.{}.ln_2.bias",
                   [VECTOR_MLP_IN_BIAS] = "h.{}.mlp.c_fc.bias",
                   [VECTOR_MLP_OUT_BIAS] = "h.{}.mlp.c_proj.bias",
                   [VECTOR_FINAL_GAIN] = "ln_f.weight",
                   [VECTOR_FINAL_BIAS] = "ln_f.bias" },
      .layer_stem = "h.{}.",
      .conv1d = true },
};

enum { N_ARCHS = sizeof archs / sizeof *archs };

const struct arch *arch_find(const char *model_type)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (strcmp(archs[i].model_type, model_type) == 0)
            return &archs[i];
    return NULL;
}

void arch_names(char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < N_ARCHS && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 archs[i].model_type);
}

void arch_tensor_name(const char *prefix, const char *pattern, uint32_t layer, char *out,
                      size_t size)
{
    const char *hole = strstr(pattern, "{}");
    if (hole)
        snprintf(out, size, "%s%.*s%" PRIu32 "%s", prefix, (int)(hole - pattern), pattern, layer,
                 hole + 2);
    else
        snprintf(out, size, "%s%s", prefix, pattern);
}

bool arch_layer_of(const struct arch *a, const char *name, uint32_t *layer)
{
    const char *hole = strstr(a->layer_stem, "{}");
    size_t before = (size_t)(hole - a->layer_stem), digits;
    if (strncmp(name, a->layer_stem, before) != 0)
        return false;
    name += before;
    digits = strspn(name, "0123456789");
    if (!digits || strncmp(name + digits, hole + 2, strlen(hole + 2)) != 0)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < digits && n <= UINT32_MAX; i++)
        n = n * 10 + (uint64_t)(name[i] - '0');
    *layer = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    return true;
}
