// Tensors of GGUF files, which name alike in every family: what differs is whether q, k and v are
// one tensor, and the order of their rows.
#include "model/arch_parts.h"

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

const struct arch_tensors gguf_fused
    = { GGUF_TENSORS("qkv"), .position_embed = "position_embd.weight" };
const struct arch_tensors gguf_rotary_fused = { GGUF_TENSORS("qkv") };
const struct arch_tensors gguf_apart = { GGUF_TENSORS("{q,k,v}") };
const struct arch_tensors gguf_phi3 = {
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
const struct arch_tensors gguf_paired = { GGUF_TENSORS("{q,k,v}"), .qkv_order = ROWS_PAIRED };
