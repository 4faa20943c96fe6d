"""Write the weights of a checkpoint folder as a GGUF file, in the layout that converters give it.

Against Hugging Face's layout: Conv1D matrices lie (out, in) as all others do; the rows of GPT-NeoX's query_key_value
are all queries, all keys, all values instead of taking turns head by head; the rows of q and k of `llama`, which is
Mistral's name too, alternate between the two halves of each head, for a rotation of neighbours; llama3's frequencies
are a tensor of divisors; Gemma's norms hold their gains whole, not less 1. Names are those that the gguf package gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter
from transformers import AutoConfig, PreTrainedConfig

State = dict[str, torch.Tensor]

ARCHITECTURES = {
    "gpt2": gguf.MODEL_ARCH.GPT2, "llama": gguf.MODEL_ARCH.LLAMA, "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3, "gpt_neox": gguf.MODEL_ARCH.GPTNEOX,
    "gemma": gguf.MODEL_ARCH.GEMMA, "gemma2": gguf.MODEL_ARCH.GEMMA2, "olmo2": gguf.MODEL_ARCH.OLMO2,
    "smollm3": gguf.MODEL_ARCH.SMOLLM3, "granite": gguf.MODEL_ARCH.GRANITE,
}


def is_conv1d(config: PreTrainedConfig, name: str) -> bool:
    return config.model_type == "gpt2" and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight"))


def row_order(config: PreTrainedConfig, name: str) -> Callable[[np.ndarray], np.ndarray]:
    """How the rows of a tensor (or the elements of its bias) move."""
    heads = config.num_attention_heads
    if config.model_type == "gpt_neox" and ".query_key_value." in name:
        return lambda x: x.reshape(heads, 3, -1, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)
    if config.model_type in ("llama", "mistral", "smollm3", "granite") and (
            ".q_proj." in name or ".k_proj." in name):
        n = heads if ".q_proj." in name else config.num_key_value_heads
        return lambda x: x.reshape(n, 2, -1, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)
    return lambda x: x


def rope_divisors(head_dim: int, rope: dict[str, float]) -> np.ndarray:
    """llama3: 1 for short waves, factor for long ones, between them by how often the original context holds a wave."""
    divisors = []
    for i in range(0, head_dim, 2):
        turns = rope["original_max_position_embeddings"] / (2 * math.pi * rope["rope_theta"] ** (i / head_dim))
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        kept = min(1.0, max(0.0, (turns - low) / (high - low)))
        divisors.append(1 / ((1 - kept) / rope["factor"] + kept))
    return np.array(divisors, np.float32)


def write_rope(w: GGUFWriter, config: PreTrainedConfig, head_dim: int) -> None:
    rope = config.rope_parameters
    if not config.model_type.startswith("qwen"):
        w.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1.0)))
    if config.model_type != "gpt_neox":
        w.add_rope_freq_base(rope["rope_theta"])
    else:
        assert rope["rope_theta"] == 10000.0, "is not written for this family"
    if rope["rope_type"] in ("linear", "yarn"):
        w.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        w.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        w.add_tensor("rope_freqs.weight", rope_divisors(head_dim, rope))


def write_metadata(w: GGUFWriter, config: PreTrainedConfig, kind: str) -> None:
    """The keys that converters write, and no others: each family leaves some out."""
    w.add_file_type({"F32": gguf.LlamaFileType.ALL_F32, "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}[kind])
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_block_count(config.num_hidden_layers)
    w.add_head_count(config.num_attention_heads)
    if config.model_type == "gpt2":
        assert config.n_inner is None
        w.add_feed_forward_length(4 * config.n_embd)
        w.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    w.add_feed_forward_length(config.intermediate_size)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    write_rope(w, config, head_dim)
    if config.model_type == "gpt_neox":
        w.add_parallel_residual(config.use_parallel_residual)
        w.add_layer_norm_eps(config.layer_norm_eps)
        return
    w.add_head_count_kv(config.num_key_value_heads)
    if config.model_type == "granite":
        w.add_attention_scale(config.attention_multiplier)
        w.add_embedding_scale(config.embedding_multiplier)
        w.add_residual_scale(config.residual_multiplier)
        w.add_logit_scale(config.logits_scaling)
    w.add_layer_norm_rms_eps(config.rms_norm_eps)
    if config.model_type in ("llama", "mistral"):
        w.add_vocab_size(config.vocab_size)
    if getattr(config, "head_dim", None):
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)


def write(folder: Path, state: State, out: Path, kind: str) -> State:
    """Write the weights `state` of folder/config.json as F32 or Q8_0; returns the values that the file holds, likewise.

    Vectors, positions and matrices whose rows are no multiple of the block stay F32, as they do in converters."""
    config = AutoConfig.from_pretrained(folder)
    arch = ARCHITECTURES[config.model_type]
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    written: set[str] = set()
    values: State = {}
    w = GGUFWriter(None, gguf.MODEL_ARCH_NAMES[arch])
    w.add_name(folder.name)
    write_metadata(w, config, kind)
    for name, tensor in state.items():
        x = tensor.to(torch.float32).numpy()
        x = np.ascontiguousarray(x.T if is_conv1d(config, name) else x)
        gain = config.model_type.startswith("gemma") and name.endswith("norm.weight")
        target = names.get_name(name, try_suffixes=(".weight", ".bias"))
        target = target or ("output.weight" if config.tie_word_embeddings and name == "lm_head.weight" else None)
        assert target, name
        move = (lambda rows: rows + 1) if gain else row_order(config, name)
        block, _ = gguf.GGML_QUANT_SIZES[Type.Q8_0]
        if kind == "Q8_0" and x.ndim == 2 and x.shape[1] % block == 0 and not target.startswith("position_embd"):
            packed = gguf.quants.quantize(move(x), Type.Q8_0)
            kept = gguf.quants.dequantize(gguf.quants.quantize(x, Type.Q8_0), Type.Q8_0)
            store = (packed, Type.Q8_0)
        else:
            kept, store = x, (np.ascontiguousarray(move(x)), None)
        if target != "output.weight" or not config.tie_word_embeddings:
            assert target not in written, target
            written.add(target)
            w.add_tensor(target, store[0], raw_dtype=store[1])
        values[name] = torch.from_numpy(kept.T if is_conv1d(config, name) else kept).to(torch.float64)
    w.write_header_to_file(out)
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    out.chmod(0o644)
    return values
