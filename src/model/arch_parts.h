// Rows of the table of families (model/arch.h), a file for those that are spelt alike.
#ifndef ABL_MODEL_ARCH_PARTS_H
#define ABL_MODEL_ARCH_PARTS_H

#include "model/arch.h"

struct arch_family {
    const struct arch *rows;
    size_t n;
};

extern const struct arch_family arch_gpt, arch_llama, arch_gemma, arch_layer_norm;

extern const struct arch_tensors gguf_fused, gguf_rotary_fused, gguf_apart, gguf_paired, gguf_phi3;

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

#endif
