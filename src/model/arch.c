#include "model/arch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// ------------------------------------------------------------------------------------ tensor names

#define GPT2_MATRICES                                                                              \
    [MATRIX_QKV] = "h.{}.attn.c_attn.weight", [MATRIX_OUT] = "h.{}.attn.c_proj.weight",            \
    [MATRIX_MLP_IN] = "h.{}.mlp.c_fc.weight", [MATRIX_MLP_OUT] = "h.{}.mlp.c_proj.weight"
#define GPT2_VECTORS                                                                               \
    [VECTOR_LN1_GAIN] = "h.{}.ln_1.weight", [VECTOR_LN1_BIAS] = "h.{}.ln_1.bias",                  \
    [VECTOR_QKV_BIAS] = "h.{}.attn.c_attn.bias", [VECTOR_OUT_BIAS] = "h.{}.attn.c_proj.bias",      \
    [VECTOR_LN2_GAIN] = "h.{}.ln_2.weight", [VECTOR_LN2_BIAS] = "h.{}.ln_2.bias",                  \
    [VECTOR_MLP_IN_BIAS] = "h.{}.mlp.c_fc.bias", [VECTOR_MLP_OUT_BIAS] = "h.{}.mlp.c_proj.bias",   \
    [VECTOR_FINAL_GAIN] = "ln_f.weight", [VECTOR_FINAL_BIAS] = "ln_f.bias"

static const struct arch_tensors gpt2_tensors = { .prefixes = { "transformer.", "" },
                                                  .embed = "wte.weight",
                                                  .position_embed = "wpe.weight",
                                                  .unembed = "lm_head.weight",
                                                  .matrices = { GPT2_MATRICES },
                                                  .vectors = { GPT2_VECTORS },
                                                  .layer_stem = "h.{}.",
                                                  .in_out = true };

// What LLaMA and its descendants spell alike.
#define LLAMA_MATRICES                                                                             \
    [MATRIX_QKV] = "layers.{}.self_attn.{q,k,v}_proj.weight",                                      \
    [MATRIX_OUT] = "layers.{}.self_attn.o_proj.weight",                                            \
    [MATRIX_MLP_GATE] = "layers.{}.mlp.gate_proj.weight",                                          \
    [MATRIX_MLP_IN] = "layers.{}.mlp.up_proj.weight",                                              \
    [MATRIX_MLP_OUT] = "layers.{}.mlp.down_proj.weight"
#define LLAMA_ATTENTION_VECTORS                                                                    \
    [VECTOR_QKV_BIAS] = "layers.{}.self_attn.{q,k,v}_proj.bias",                                   \
    [VECTOR_Q_NORM] = "layers.{}.self_attn.q_norm.weight",                                         \
    [VECTOR_K_NORM] = "layers.{}.self_attn.k_norm.weight",                                         \
    [VECTOR_OUT_BIAS] = "layers.{}.self_attn.o_proj.bias"

// LLaMA and what descends from it; those without q_norm, or without biases, do not ask for them.
static const struct arch_tensors llama_tensors
    = { .prefixes = { "model.", "", "language_model.model.", "model.language_model." },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { LLAMA_MATRICES },
        .vectors
        = { LLAMA_ATTENTION_VECTORS, [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
            [VECTOR_LN2_GAIN] = "layers.{}.post_attention_layernorm.weight",
            [VECTOR_MLP_GATE_BIAS] = "layers.{}.mlp.gate_proj.bias",
            [VECTOR_MLP_IN_BIAS] = "layers.{}.mlp.up_proj.bias",
            [VECTOR_MLP_OUT_BIAS] = "layers.{}.mlp.down_proj.bias",
            [VECTOR_FINAL_GAIN] = "norm.weight" },
        .layer_stem = "layers.{}." };

// Gemma 2 and 3: norms before and behind each module.
static const struct arch_tensors gemma2_tensors
    = { .prefixes = { "model.", "", "language_model.model.", "model.language_model." },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { LLAMA_MATRICES },
        .vectors
        = { LLAMA_ATTENTION_VECTORS, [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
            [VECTOR_POST_ATTN_GAIN] = "layers.{}.post_attention_layernorm.weight",
            [VECTOR_LN2_GAIN] = "layers.{}.pre_feedforward_layernorm.weight",
            [VECTOR_POST_MLP_GAIN] = "layers.{}.post_feedforward_layernorm.weight",
            [VECTOR_FINAL_GAIN] = "norm.weight" },
        .layer_stem = "layers.{}.",
        .gains_less_one = true };

static const struct arch_tensors gemma_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { LLAMA_MATRICES },
        .vectors
        = { LLAMA_ATTENTION_VECTORS, [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
            [VECTOR_LN2_GAIN] = "layers.{}.post_attention_layernorm.weight",
            [VECTOR_FINAL_GAIN] = "norm.weight" },
        .layer_stem = "layers.{}.",
        .gains_less_one = true };

static const struct arch_tensors olmo2_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { LLAMA_MATRICES },
        .vectors = { LLAMA_ATTENTION_VECTORS,
                     [VECTOR_POST_ATTN_GAIN] = "layers.{}.post_attention_layernorm.weight",
                     [VECTOR_POST_MLP_GAIN] = "layers.{}.post_feedforward_layernorm.weight",
                     [VECTOR_FINAL_GAIN] = "norm.weight" },
        .layer_stem = "layers.{}." };

static const struct arch_tensors phi3_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { [MATRIX_QKV] = "layers.{}.self_attn.qkv_proj.weight",
                      [MATRIX_OUT] = "layers.{}.self_attn.o_proj.weight",
                      [MATRIX_MLP_GATE] = "layers.{}.mlp.gate_up_proj.weight",
                      [MATRIX_MLP_IN] = "layers.{}.mlp.gate_up_proj.weight",
                      [MATRIX_MLP_OUT] = "layers.{}.mlp.down_proj.weight" },
        .vectors = { [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
                     [VECTOR_LN2_GAIN] = "layers.{}.post_attention_layernorm.weight",
                     [VECTOR_FINAL_GAIN] = "norm.weight" },
        .layer_stem = "layers.{}.",
        .gate_up = true };

static const struct arch_tensors starcoder2_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { [MATRIX_QKV] = "layers.{}.self_attn.{q,k,v}_proj.weight",
                      [MATRIX_OUT] = "layers.{}.self_attn.o_proj.weight",
                      [MATRIX_MLP_IN] = "layers.{}.mlp.c_fc.weight",
                      [MATRIX_MLP_OUT] = "layers.{}.mlp.c_proj.weight" },
        .vectors
        = { LLAMA_ATTENTION_VECTORS, [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
            [VECTOR_LN1_BIAS] = "layers.{}.input_layernorm.bias",
            [VECTOR_LN2_GAIN] = "layers.{}.post_attention_layernorm.weight",
            [VECTOR_LN2_BIAS] = "layers.{}.post_attention_layernorm.bias",
            [VECTOR_MLP_IN_BIAS] = "layers.{}.mlp.c_fc.bias",
            [VECTOR_MLP_OUT_BIAS] = "layers.{}.mlp.c_proj.bias",
            [VECTOR_FINAL_GAIN] = "norm.weight", [VECTOR_FINAL_BIAS] = "norm.bias" },
        .layer_stem = "layers.{}." };

static const struct arch_tensors gpt_neo_tensors
    = { .prefixes = { "transformer.", "" },
        .embed = "wte.weight",
        .position_embed = "wpe.weight",
        .unembed = "lm_head.weight",
        .matrices = { [MATRIX_QKV] = "h.{}.attn.attention.{q,k,v}_proj.weight",
                      [MATRIX_OUT] = "h.{}.attn.attention.out_proj.weight",
                      [MATRIX_MLP_IN] = "h.{}.mlp.c_fc.weight",
                      [MATRIX_MLP_OUT] = "h.{}.mlp.c_proj.weight" },
        .vectors = { [VECTOR_LN1_GAIN] = "h.{}.ln_1.weight",
                     [VECTOR_LN1_BIAS] = "h.{}.ln_1.bias",
                     [VECTOR_OUT_BIAS] = "h.{}.attn.attention.out_proj.bias",
                     [VECTOR_LN2_GAIN] = "h.{}.ln_2.weight",
                     [VECTOR_LN2_BIAS] = "h.{}.ln_2.bias",
                     [VECTOR_MLP_IN_BIAS] = "h.{}.mlp.c_fc.bias",
                     [VECTOR_MLP_OUT_BIAS] = "h.{}.mlp.c_proj.bias",
                     [VECTOR_FINAL_GAIN] = "ln_f.weight",
                     [VECTOR_FINAL_BIAS] = "ln_f.bias" },
        .layer_stem = "h.{}." };

// GPT-J: attention and MLP read one norm.
static const struct arch_tensors gptj_tensors
    = { .prefixes = { "transformer.", "" },
        .embed = "wte.weight",
        .unembed = "lm_head.weight",
        .matrices = { [MATRIX_QKV] = "h.{}.attn.{q,k,v}_proj.weight",
                      [MATRIX_OUT] = "h.{}.attn.out_proj.weight",
                      [MATRIX_MLP_IN] = "h.{}.mlp.fc_in.weight",
                      [MATRIX_MLP_OUT] = "h.{}.mlp.fc_out.weight" },
        .vectors = { [VECTOR_LN1_GAIN] = "h.{}.ln_1.weight",
                     [VECTOR_LN1_BIAS] = "h.{}.ln_1.bias",
                     [VECTOR_MLP_IN_BIAS] = "h.{}.mlp.fc_in.bias",
                     [VECTOR_MLP_OUT_BIAS] = "h.{}.mlp.fc_out.bias",
                     [VECTOR_FINAL_GAIN] = "ln_f.weight",
                     [VECTOR_FINAL_BIAS] = "ln_f.bias" },
        .layer_stem = "h.{}.",
        .qkv_order = ROWS_PAIRED,
        .one_norm = true };

static const struct arch_tensors phi_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { [MATRIX_QKV] = "layers.{}.self_attn.{q,k,v}_proj.weight",
                      [MATRIX_OUT] = "layers.{}.self_attn.dense.weight",
                      [MATRIX_MLP_IN] = "layers.{}.mlp.fc1.weight",
                      [MATRIX_MLP_OUT] = "layers.{}.mlp.fc2.weight" },
        .vectors = { [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
                     [VECTOR_LN1_BIAS] = "layers.{}.input_layernorm.bias",
                     [VECTOR_QKV_BIAS] = "layers.{}.self_attn.{q,k,v}_proj.bias",
                     [VECTOR_OUT_BIAS] = "layers.{}.self_attn.dense.bias",
                     [VECTOR_MLP_IN_BIAS] = "layers.{}.mlp.fc1.bias",
                     [VECTOR_MLP_OUT_BIAS] = "layers.{}.mlp.fc2.bias",
                     [VECTOR_FINAL_GAIN] = "final_layernorm.weight",
                     [VECTOR_FINAL_BIAS] = "final_layernorm.bias" },
        .layer_stem = "layers.{}.",
        .one_norm = true };

static const struct arch_tensors opt_tensors
    = { .prefixes = { "model.decoder.", "decoder.", "" },
        .embed = "embed_tokens.weight",
        .position_embed = "embed_positions.weight",
        .unembed = "lm_head.weight",
        .first_position = 2,
        .matrices = { [MATRIX_QKV] = "layers.{}.self_attn.{q,k,v}_proj.weight",
                      [MATRIX_OUT] = "layers.{}.self_attn.out_proj.weight",
                      [MATRIX_MLP_IN] = "layers.{}.fc1.weight",
                      [MATRIX_MLP_OUT] = "layers.{}.fc2.weight" },
        .vectors = { [VECTOR_LN1_GAIN] = "layers.{}.self_attn_layer_norm.weight",
                     [VECTOR_LN1_BIAS] = "layers.{}.self_attn_layer_norm.bias",
                     [VECTOR_QKV_BIAS] = "layers.{}.self_attn.{q,k,v}_proj.bias",
                     [VECTOR_OUT_BIAS] = "layers.{}.self_attn.out_proj.bias",
                     [VECTOR_LN2_GAIN] = "layers.{}.final_layer_norm.weight",
                     [VECTOR_LN2_BIAS] = "layers.{}.final_layer_norm.bias",
                     [VECTOR_MLP_IN_BIAS] = "layers.{}.fc1.bias",
                     [VECTOR_MLP_OUT_BIAS] = "layers.{}.fc2.bias",
                     [VECTOR_FINAL_GAIN] = "final_layer_norm.weight",
                     [VECTOR_FINAL_BIAS] = "final_layer_norm.bias" },
        .layer_stem = "layers.{}." };

// StarCoder: GPT-2's names for matrices that lie the other way round.
static const struct arch_tensors bigcode_tensors = { .prefixes = { "transformer.", "" },
                                                     .embed = "wte.weight",
                                                     .position_embed = "wpe.weight",
                                                     .unembed = "lm_head.weight",
                                                     .matrices = { GPT2_MATRICES },
                                                     .vectors = { GPT2_VECTORS },
                                                     .layer_stem = "h.{}.",
                                                     .qkv_order = ROWS_BY_GROUP };

// OLMo: norms without gains.
static const struct arch_tensors olmo_tensors = { .prefixes = { "model.", "" },
                                                  .embed = "embed_tokens.weight",
                                                  .unembed = "lm_head.weight",
                                                  .matrices = { LLAMA_MATRICES },
                                                  .vectors = { LLAMA_ATTENTION_VECTORS },
                                                  .layer_stem = "layers.{}." };

static const struct arch_tensors stablelm_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { LLAMA_MATRICES },
        .vectors
        = { LLAMA_ATTENTION_VECTORS, [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
            [VECTOR_LN1_BIAS] = "layers.{}.input_layernorm.bias",
            [VECTOR_LN2_GAIN] = "layers.{}.post_attention_layernorm.weight",
            [VECTOR_LN2_BIAS] = "layers.{}.post_attention_layernorm.bias",
            [VECTOR_FINAL_GAIN] = "norm.weight", [VECTOR_FINAL_BIAS] = "norm.bias" },
        .layer_stem = "layers.{}.",
        .one_norm = true };

static const struct arch_tensors cohere_tensors
    = { .prefixes = { "model.", "" },
        .embed = "embed_tokens.weight",
        .unembed = "lm_head.weight",
        .matrices = { LLAMA_MATRICES },
        .vectors
        = { LLAMA_ATTENTION_VECTORS, [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
            [VECTOR_FINAL_GAIN] = "norm.weight" },
        .layer_stem = "layers.{}.",
        .qkv_order = ROWS_PAIRED,
        .one_norm = true };

static const struct arch_tensors bloom_tensors
    = { .prefixes = { "transformer.", "" },
        .embed = "word_embeddings.weight",
        .unembed = "lm_head.weight",
        .matrices = { [MATRIX_QKV] = "h.{}.self_attention.query_key_value.weight",
                      [MATRIX_OUT] = "h.{}.self_attention.dense.weight",
                      [MATRIX_MLP_IN] = "h.{}.mlp.dense_h_to_4h.weight",
                      [MATRIX_MLP_OUT] = "h.{}.mlp.dense_4h_to_h.weight" },
        .vectors = { [VECTOR_EMBED_GAIN] = "word_embeddings_layernorm.weight",
                     [VECTOR_EMBED_BIAS] = "word_embeddings_layernorm.bias",
                     [VECTOR_LN1_GAIN] = "h.{}.input_layernorm.weight",
                     [VECTOR_LN1_BIAS] = "h.{}.input_layernorm.bias",
                     [VECTOR_QKV_BIAS] = "h.{}.self_attention.query_key_value.bias",
                     [VECTOR_OUT_BIAS] = "h.{}.self_attention.dense.bias",
                     [VECTOR_LN2_GAIN] = "h.{}.post_attention_layernorm.weight",
                     [VECTOR_LN2_BIAS] = "h.{}.post_attention_layernorm.bias",
                     [VECTOR_MLP_IN_BIAS] = "h.{}.mlp.dense_h_to_4h.bias",
                     [VECTOR_MLP_OUT_BIAS] = "h.{}.mlp.dense_4h_to_h.bias",
                     [VECTOR_FINAL_GAIN] = "ln_f.weight",
                     [VECTOR_FINAL_BIAS] = "ln_f.bias" },
        .layer_stem = "h.{}.",
        .qkv_order = ROWS_BY_GROUP };

static const struct arch_tensors neox_tensors
    = { .prefixes = { "gpt_neox.", "" },
        .embed = "embed_in.weight",
        .unembed = "embed_out.weight",
        .matrices = { [MATRIX_QKV] = "layers.{}.attention.query_key_value.weight",
                      [MATRIX_OUT] = "layers.{}.attention.dense.weight",
                      [MATRIX_MLP_IN] = "layers.{}.mlp.dense_h_to_4h.weight",
                      [MATRIX_MLP_OUT] = "layers.{}.mlp.dense_4h_to_h.weight" },
        .vectors = { [VECTOR_LN1_GAIN] = "layers.{}.input_layernorm.weight",
                     [VECTOR_LN1_BIAS] = "layers.{}.input_layernorm.bias",
                     [VECTOR_QKV_BIAS] = "layers.{}.attention.query_key_value.bias",
                     [VECTOR_OUT_BIAS] = "layers.{}.attention.dense.bias",
                     [VECTOR_LN2_GAIN] = "layers.{}.post_attention_layernorm.weight",
                     [VECTOR_LN2_BIAS] = "layers.{}.post_attention_layernorm.bias",
                     [VECTOR_MLP_IN_BIAS] = "layers.{}.mlp.dense_h_to_4h.bias",
                     [VECTOR_MLP_OUT_BIAS] = "layers.{}.mlp.dense_4h_to_h.bias",
                     [VECTOR_FINAL_GAIN] = "final_layer_norm.weight",
                     [VECTOR_FINAL_BIAS] = "final_layer_norm.bias" },
        .layer_stem = "layers.{}.",
        .qkv_order = ROWS_BY_GROUP };

// GGUF files name alike in every family; what differs is whether q, k and v are one tensor, and the
// order of their rows.
#define GGUF_TENSORS(qkv)                                                                          \
    .prefixes = { "" }, .embed = "token_embd.weight", .unembed = "output.weight",                  \
    .matrices = { [MATRIX_QKV] = "blk.{}.attn_" qkv ".weight",                                     \
                  [MATRIX_OUT] = "blk.{}.attn_output.weight",                                      \
                  [MATRIX_MLP_GATE] = "blk.{}.ffn_gate.weight",                                    \
                  [MATRIX_MLP_IN] = "blk.{}.ffn_up.weight",                                        \
                  [MATRIX_MLP_OUT] = "blk.{}.ffn_down.weight" },                                   \
    .vectors = { [VECTOR_LN1_GAIN] = "blk.{}.attn_norm.weight",                                    \
                 [VECTOR_LN1_BIAS] = "blk.{}.attn_norm.bias",                                      \
                 [VECTOR_QKV_BIAS] = "blk.{}.attn_" qkv ".bias",                                   \
                 [VECTOR_Q_NORM] = "blk.{}.attn_q_norm.weight",                                    \
                 [VECTOR_K_NORM] = "blk.{}.attn_k_norm.weight",                                    \
                 [VECTOR_OUT_BIAS] = "blk.{}.attn_output.bias",                                    \
                 [VECTOR_POST_ATTN_GAIN] = "blk.{}.post_attention_norm.weight",                    \
                 [VECTOR_POST_MLP_GAIN] = "blk.{}.post_ffw_norm.weight",                           \
                 [VECTOR_LN2_GAIN] = "blk.{}.ffn_norm.weight",                                     \
                 [VECTOR_LN2_BIAS] = "blk.{}.ffn_norm.bias",                                       \
                 [VECTOR_MLP_GATE_BIAS] = "blk.{}.ffn_gate.bias",                                  \
                 [VECTOR_MLP_IN_BIAS] = "blk.{}.ffn_up.bias",                                      \
                 [VECTOR_MLP_OUT_BIAS] = "blk.{}.ffn_down.bias",                                   \
                 [VECTOR_FINAL_GAIN] = "output_norm.weight",                                       \
                 [VECTOR_FINAL_BIAS] = "output_norm.bias" },                                       \
    .layer_stem = "blk.{}."

static const struct arch_tensors gguf_fused
    = { GGUF_TENSORS("qkv"), .position_embed = "position_embd.weight" };
static const struct arch_tensors gguf_rotary_fused = { GGUF_TENSORS("qkv") };
static const struct arch_tensors gguf_apart = { GGUF_TENSORS("{q,k,v}") };
static const struct arch_tensors gguf_phi3 = {
    .prefixes = { "" },
    .embed = "token_embd.weight",
    .unembed = "output.weight",
    .matrices = { [MATRIX_QKV] = "blk.{}.attn_qkv.weight",
                  [MATRIX_OUT] = "blk.{}.attn_output.weight",
                  [MATRIX_MLP_GATE] = "blk.{}.ffn_up.weight",
                  [MATRIX_MLP_IN] = "blk.{}.ffn_up.weight",
                  [MATRIX_MLP_OUT] = "blk.{}.ffn_down.weight" },
    .vectors = { [VECTOR_LN1_GAIN] = "blk.{}.attn_norm.weight",
                 [VECTOR_LN2_GAIN] = "blk.{}.ffn_norm.weight",
                 [VECTOR_FINAL_GAIN] = "output_norm.weight" },
    .layer_stem = "blk.{}.",
    .gate_up = true,
};
static const struct arch_tensors gguf_paired
    = { GGUF_TENSORS("{q,k,v}"), .qkv_order = ROWS_PAIRED };

// ---------------------------------------------------------------------------------------- families

// What LLaMA, Mistral and Qwen spell alike, and what Gemma's generations do.
#define LLAMA_KEYS                                                                                 \
    .eps_key = "rms_norm_eps", .act_key = "hidden_act", .eps = 1e-6f, .norm = NORM_RMS,            \
    .act = ACT_SILU, .gated = true, .rope = { .theta_key = "rope_theta", .part = 1 }

#define GEMMA_KEYS                                                                                 \
    .eps_key = "rms_norm_eps", .eps = 1e-6f, .norm = NORM_RMS, .act = ACT_GELU_TANH,               \
    .gated = true, .rope = { .theta_key = "rope_theta", .part = 1 }, .embed_sqrt_width = true

static const struct arch archs[] = {
    { .model_type = "gpt2",
      .gguf_type = "gpt2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50257, false },
                  [COUNT_CTX] = { "n_positions", "max_position_embeddings", 1024, false },
                  [COUNT_WIDTH] = { "n_embd", "hidden_size", 768, false },
                  [COUNT_LAYERS] = { "n_layer", "num_hidden_layers", 12, false },
                  [COUNT_HEADS] = { "n_head", "num_attention_heads", 12, false },
                  [COUNT_MLP] = { "n_inner", NULL, 0, true } },
      .flags = { [FLAG_SCALE_ATTN] = { "scale_attn_weights", true },
                 [FLAG_SCALE_ATTN_LAYER] = { "scale_attn_by_inverse_layer_idx", false },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { NULL, true },
                 [FLAG_OUT_BIAS] = { NULL, true },
                 [FLAG_MLP_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_epsilon",
      .act_key = "activation_function",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .safetensors = &gpt2_tensors,
      .gguf = &gguf_fused },
    // Mistral's too
    { .model_type = "llama",
      .gguf_type = "llama",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 32000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 11008, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false },
                 [FLAG_MLP_BIAS] = { "mlp_bias", false } },
      LLAMA_KEYS,
      .safetensors = &llama_tensors,
      .gguf = &gguf_paired },
    { .model_type = "mistral",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 32000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 4096 * 32, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 8, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 14336, false } },
      .flags
      = { [FLAG_SCALE_ATTN] = { NULL, true }, [FLAG_TIED] = { "tie_word_embeddings", false } },
      LLAMA_KEYS,
      .window = WINDOW_ALL,
      .window_absent = 4096,
      .safetensors = &llama_tensors },
    { .model_type = "qwen2",
      .gguf_type = "qwen2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 151936, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 32768, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 32, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 22016, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { NULL, true } },
      LLAMA_KEYS,
      .window = WINDOW_LISTED,
      .window_absent = 4096,
      .safetensors = &llama_tensors,
      .gguf = &gguf_apart },
    { .model_type = "qwen3",
      .gguf_type = "qwen3",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 151936, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 32768, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 32, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 128, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 22016, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      LLAMA_KEYS,
      .qk_norm = QK_NORM_HEADS,
      .window = WINDOW_LISTED,
      .window_absent = 4096,
      .safetensors = &llama_tensors,
      .gguf = &gguf_apart },
    { .model_type = "gemma",
      .gguf_type = "gemma",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 256000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 8192, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 3072, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 28, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 16, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 16, false },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 256, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 24576, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      GEMMA_KEYS,
      .act_key = "hidden_act",
      .act_is_tanh = true,
      .safetensors = &gemma_tensors,
      .gguf = &gguf_apart },
    { .model_type = "gemma2",
      .gguf_type = "gemma2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 256000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 8192, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 2304, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 26, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 8, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 4, false },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 256, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 9216, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      .numbers = { [NUMBER_QUERY_SCALE] = { "query_pre_attn_scalar", 256 },
                   [NUMBER_SCORE_CAP] = { "attn_logit_softcapping", 50 },
                   [NUMBER_LOGIT_CAP] = { "final_logit_softcapping", 30 } },
      GEMMA_KEYS,
      .act_key = "hidden_activation",
      .norm_place = NORM_BOTH,
      .window = WINDOW_EACH,
      .window_absent = 4096,
      .window_full = 2,
      .safetensors = &gemma2_tensors,
      .gguf = &gguf_apart },
    { .model_type = "olmo2",
      .gguf_type = "olmo2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50304, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 11008, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      .eps_key = "rms_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .norm = NORM_RMS,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta", .part = 1 },
      .norm_place = NORM_AFTER,
      .qk_norm = QK_NORM_WHOLE,
      .safetensors = &olmo2_tensors,
      .gguf = &gguf_apart },
    { .model_type = "gemma3_text",
      .gguf_type = "gemma3",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 262208, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 131072, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 2304, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 26, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 8, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 4, false },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 256, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 9216, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      // attn_logit_softcapping is a key that the class has and its code does not heed
      .numbers = { [NUMBER_QUERY_SCALE] = { "query_pre_attn_scalar", 256 },
                   [NUMBER_LOGIT_CAP] = { "final_logit_softcapping", 0 } },
      .eps_key = "rms_norm_eps",
      .act_key = "hidden_activation",
      .eps = 1e-6f,
      .norm = NORM_RMS,
      .norm_place = NORM_BOTH,
      .act = ACT_GELU_TANH,
      .gated = true,
      .qk_norm = QK_NORM_HEADS,
      .embed_sqrt_width = true,
      .rope
      = { .theta_key = "rope_theta", .part = 1, .theta = 1e6, .local_key = "rope_local_base_freq" },
      .window = WINDOW_EACH,
      .window_absent = 4096,
      .window_full = 6,
      .full_key = "sliding_window_pattern",
      .safetensors = &gemma2_tensors,
      .gguf = &gguf_apart },
    { .model_type = "phi3",
      .gguf_type = "phi3",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 32064, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 4096, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 3072, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 8192, false } },
      .flags
      = { [FLAG_SCALE_ATTN] = { NULL, true }, [FLAG_TIED] = { "tie_word_embeddings", false } },
      .eps_key = "rms_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .norm = NORM_RMS,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta",
                .part_key = "partial_rotary_factor",
                .part = 1,
                .is_long = true },
      .window = WINDOW_PLAIN,
      .safetensors = &phi3_tensors,
      .gguf = &gguf_phi3 },
    { .model_type = "smollm3",
      .gguf_type = "smollm3",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 128256, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 32768, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 2048, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 36, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 16, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 4, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 11008, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false },
                 [FLAG_MLP_BIAS] = { "mlp_bias", false } },
      .eps_key = "rms_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-6f,
      .norm = NORM_RMS,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta", .part = 1, .theta = 2e6 },
      .window = WINDOW_UNPLACED,
      .has_unplaced = true,
      .safetensors = &llama_tensors,
      .gguf = &gguf_paired },
    { .model_type = "granite",
      .gguf_type = "granite",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 32000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 11008, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false },
                 [FLAG_MLP_BIAS] = { "mlp_bias", false } },
      .numbers = { [NUMBER_SCORE_SCALE] = { "attention_multiplier", 1 },
                   [NUMBER_EMBED_SCALE] = { "embedding_multiplier", 1 },
                   [NUMBER_RESIDUAL_SCALE] = { "residual_multiplier", 1 },
                   [NUMBER_LOGIT_DIVISOR] = { "logits_scaling", 1 } },
      LLAMA_KEYS,
      .safetensors = &llama_tensors,
      .gguf = &gguf_paired },
    { .model_type = "starcoder2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 49152, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 4096, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 3072, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 30, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 24, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 2, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 12288, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { "use_bias", true },
                 [FLAG_OUT_BIAS] = { "use_bias", true },
                 [FLAG_MLP_BIAS] = { "use_bias", true } },
      .eps_key = "norm_epsilon",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .rope = { .theta_key = "rope_theta", .part = 1 },
      .window = WINDOW_PLAIN,
      .safetensors = &starcoder2_tensors },
    { .model_type = "gpt_neo",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50257, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 2048, false },
                  [COUNT_LAYERS] = { "num_layers", "num_hidden_layers", 24, false },
                  [COUNT_HEADS] = { "num_heads", "num_attention_heads", 16, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 0, true } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, false },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_OUT_BIAS] = { NULL, true },
                 [FLAG_MLP_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_epsilon",
      .act_key = "activation_function",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .window = WINDOW_ATTENTION,
      .window_absent = 256,
      .safetensors = &gpt_neo_tensors },
    { .model_type = "gptj",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50400, false },
                  [COUNT_CTX] = { "n_positions", "max_position_embeddings", 2048, false },
                  [COUNT_WIDTH] = { "n_embd", "hidden_size", 4096, false },
                  [COUNT_LAYERS] = { "n_layer", "num_hidden_layers", 28, false },
                  [COUNT_HEADS] = { "n_head", "num_attention_heads", 16, false },
                  [COUNT_MLP] = { "n_inner", NULL, 0, true } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_PARALLEL] = { NULL, true },
                 [FLAG_MLP_BIAS] = { NULL, true },
                 [FLAG_UNEMBED_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_epsilon",
      .act_key = "activation_function",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .rope = { .theta_key = "rotary_dim", .part = 1, .is_counted = true },
      .safetensors = &gptj_tensors },
    { .model_type = "phi",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 51200, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 2048, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 24, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 8192, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_PARALLEL] = { NULL, true },
                 [FLAG_QKV_BIAS] = { NULL, true },
                 [FLAG_OUT_BIAS] = { NULL, true },
                 [FLAG_MLP_BIAS] = { NULL, true },
                 [FLAG_UNEMBED_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .rope = { .theta_key = "rope_theta", .part_key = "partial_rotary_factor", .part = 0.5 },
      .safetensors = &phi_tensors },
    { .model_type = "opt",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50272, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 768, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 12, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 12, false },
                  [COUNT_MLP] = { "ffn_dim", NULL, 3072, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { "enable_bias", true },
                 [FLAG_OUT_BIAS] = { "enable_bias", true },
                 [FLAG_MLP_BIAS] = { "enable_bias", true } },
      .act_key = "activation_function",
      .eps = 1e-5f,
      .act = ACT_RELU,
      .word_width_key = "word_embed_proj_dim",
      .safetensors = &opt_tensors },
    { .model_type = "gpt_bigcode",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50257, false },
                  [COUNT_CTX] = { "n_positions", "max_position_embeddings", 1024, false },
                  [COUNT_WIDTH] = { "n_embd", "hidden_size", 768, false },
                  [COUNT_LAYERS] = { "n_layer", "num_hidden_layers", 12, false },
                  [COUNT_HEADS] = { "n_head", "num_attention_heads", 12, false },
                  [COUNT_MLP] = { "n_inner", NULL, 0, true } },
      .flags = { [FLAG_SCALE_ATTN] = { "scale_attn_weights", true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_MULTI_QUERY] = { "multi_query", true },
                 [FLAG_QKV_BIAS] = { NULL, true },
                 [FLAG_OUT_BIAS] = { NULL, true },
                 [FLAG_MLP_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_epsilon",
      .act_key = "activation_function",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .safetensors = &bigcode_tensors },
    { .model_type = "olmo",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50304, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 11008, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .no_norm_bias = true,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta", .part = 1 },
      .safetensors = &olmo_tensors },
    { .model_type = "olmo3",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50304, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 4096, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 11008, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      .eps_key = "rms_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .norm = NORM_RMS,
      .norm_place = NORM_AFTER,
      .act = ACT_SILU,
      .gated = true,
      .qk_norm = QK_NORM_WHOLE,
      .rope = { .theta_key = "rope_theta",
                .part = 1,
                .theta = 500000,
                .theta_v4 = 10000,
                .local_key = "rope_theta" },
      .window = WINDOW_EACH,
      .window_absent = 4096,
      .window_full = 4,
      .safetensors = &olmo2_tensors },
    { .model_type = "stablelm",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50304, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 4096, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 2560, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 32, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 32, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 32, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 6912, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_PARALLEL] = { "use_parallel_residual", false },
                 [FLAG_QKV_BIAS] = { "use_qkv_bias", false } },
      .eps_key = "layer_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta", .part_key = "partial_rotary_factor", .part = 0.25 },
      .safetensors = &stablelm_tensors },
    { .model_type = "cohere",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 256000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 8192, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 8192, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 40, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 64, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_HEAD_DIM] = { "head_dim", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 22528, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_PARALLEL] = { NULL, true },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      .numbers = { [NUMBER_LOGIT_SCALE] = { "logit_scale", 0.0625 } },
      .eps_key = "layer_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .no_norm_bias = true,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta", .part = 1, .theta = 500000, .theta_v4 = 10000 },
      .safetensors = &cohere_tensors },
    { .model_type = "cohere2",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 256000, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 8192, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 8192, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 40, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 64, false },
                  [COUNT_KV_HEADS] = { "num_key_value_heads", NULL, 0, true },
                  [COUNT_MLP] = { "intermediate_size", NULL, 22528, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_PARALLEL] = { NULL, true },
                 [FLAG_QKV_BIAS] = { "attention_bias", false },
                 [FLAG_OUT_BIAS] = { "attention_bias", false } },
      .numbers = { [NUMBER_LOGIT_SCALE] = { "logit_scale", 0.0625 } },
      .eps_key = "layer_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .no_norm_bias = true,
      .act = ACT_SILU,
      .gated = true,
      .rope = { .theta_key = "rope_theta", .part = 1 },
      .window = WINDOW_EACH,
      .window_absent = 4096,
      .window_full = 4,
      .full_key = "sliding_window_pattern",
      .full_unplaced = true,
      .safetensors = &cohere_tensors },
    { .model_type = "bloom",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 250880, false },
                  [COUNT_CTX] = { "seq_length", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", "n_embed", 64, false },
                  [COUNT_LAYERS] = { "n_layer", "num_hidden_layers", 2, false },
                  [COUNT_HEADS] = { "n_head", "num_attention_heads", 8, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", true },
                 [FLAG_QKV_BIAS] = { NULL, true },
                 [FLAG_OUT_BIAS] = { NULL, true },
                 [FLAG_MLP_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_epsilon",
      .eps = 1e-5f,
      .act = ACT_GELU_TANH,
      .embed_norm = true,
      .alibi = true,
      .safetensors = &bloom_tensors },
    { .model_type = "gpt_neox",
      .gguf_type = "gptneox",
      .counts = { [COUNT_VOCAB] = { "vocab_size", NULL, 50432, false },
                  [COUNT_CTX] = { "max_position_embeddings", NULL, 2048, false },
                  [COUNT_WIDTH] = { "hidden_size", NULL, 6144, false },
                  [COUNT_LAYERS] = { "num_hidden_layers", NULL, 44, false },
                  [COUNT_HEADS] = { "num_attention_heads", NULL, 64, false },
                  [COUNT_MLP] = { "intermediate_size", NULL, 24576, false } },
      .flags = { [FLAG_SCALE_ATTN] = { NULL, true },
                 [FLAG_TIED] = { "tie_word_embeddings", false },
                 [FLAG_PARALLEL] = { "use_parallel_residual", true },
                 [FLAG_QKV_BIAS] = { "attention_bias", true },
                 [FLAG_OUT_BIAS] = { "attention_bias", true },
                 [FLAG_MLP_BIAS] = { NULL, true } },
      .eps_key = "layer_norm_eps",
      .act_key = "hidden_act",
      .eps = 1e-5f,
      .act = ACT_GELU_ERF,
      .rope = { .theta_key = "rotary_emb_base", .part_key = "rotary_pct", .part = 0.25 },
      .safetensors = &neox_tensors,
      .gguf = &gguf_rotary_fused },
};

enum { N_ARCHS = sizeof archs / sizeof *archs };

const struct arch *arch_find(const char *model_type)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (strcmp(archs[i].model_type, model_type) == 0)
            return &archs[i];
    return NULL;
}

const struct arch *arch_find_gguf(const char *architecture)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (archs[i].gguf_type && strcmp(archs[i].gguf_type, architecture) == 0)
            return &archs[i];
    return NULL;
}

void arch_give_traits(const struct arch *a, struct model_shape *s)
{
    s->norm = a->norm;
    s->norm_bias = a->norm == NORM_LAYER && !a->no_norm_bias;
    s->norm_place = a->norm_place;
    s->gated = a->gated;
    s->embed_norm = a->embed_norm;
    s->alibi = a->alibi;
    s->qk_norm = a->qk_norm;
    s->residual_scale = s->logit_scale = 1;
    s->embed_scale = a->embed_sqrt_width ? (float)sqrt((double)s->d_model) : 1;
}

void arch_names(char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < N_ARCHS && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 archs[i].model_type);
}

// Entry number `part` of "{q,k,v}", of which `list` is the first letter; NULL when there are fewer.
static const char *list_entry(const char *list, uint32_t part, size_t *len)
{
    while (part--) {
        list += strcspn(list, ",}");
        if (*list++ == '}')
            return NULL;
    }
    *len = strcspn(list, ",}");
    return list;
}

bool arch_tensor_name(const char *prefix, const char *pattern, uint32_t layer, uint32_t part,
                      char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s", prefix);
    bool has_list = false;
    for (const char *p = pattern; *p && used < size;) {
        size_t len = strcspn(p, "{");
        used += (size_t)snprintf(out + used, size - used, "%.*s", (int)len, p);
        p += len;
        if (!*p || used >= size)
            break;
        if (p[1] == '}')
            used += (size_t)snprintf(out + used, size - used, "%" PRIu32, layer);
        else {
            const char *entry = list_entry(p + 1, part, &len);
            if (!entry)
                return false;
            has_list = true;
            used += (size_t)snprintf(out + used, size - used, "%.*s", (int)len, entry);
        }
        p = strchr(p, '}') + 1;
    }
    return has_list || part == 0;
}

bool arch_layer_of(const struct arch_tensors *t, const char *name, uint32_t *layer)
{
    const char *hole = strstr(t->layer_stem, "{}");
    size_t before = (size_t)(hole - t->layer_stem), digits;
    if (strncmp(name, t->layer_stem, before) != 0)
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
