"""The architectures of the bundled models: the network, config.json and the tokenizer of each family.

Parameters carry the names and shapes of the published checkpoints, so that a state dict is a file. Every network is
called with ids, positions (batch, t) and a mask (batch or nothing, 1 or nothing, t, t) that is true where a query may
see a key, and returns the logits (batch, t, vocab).
"""

from __future__ import annotations

import json
import math
import string
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of a network; those that a family does not have stay 0."""

    layers: int
    heads: int
    width: int
    context: int
    vocab: int
    kv_heads: int = 0
    inner: int = 0  # width of the MLP
    init: float = 0.6  # standard deviation of the first weights, times the root of the width


def draw_weights(model: nn.Module, shape: Shape, into_residual: tuple[str, ...]) -> None:
    """Normal matrices; those that write into the residual stream shrink with the depth. Vectors stay as they are."""
    std = shape.init / math.sqrt(shape.width)
    for name, p in model.named_parameters():
        if p.dim() == 2:
            nn.init.normal_(p, std=std / math.sqrt(2 * shape.layers) if name.endswith(into_residual) else std)


# ---------------------------------------------------------------------------------------------------------------------
# GPT-2


class Conv1D(nn.Module):
    """A linear layer whose weight is stored (in, out), as GPT-2 does."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)


class Gpt2Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = Conv1D(width, 3 * width)
        self.c_proj = Conv1D(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.c_attn(x).split(d, dim=-1))
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (b, heads, t, d_head)
        return self.c_proj(z.transpose(1, 2).reshape(b, t, d))


class Gpt2Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = Conv1D(width, 4 * width)
        self.c_proj = Conv1D(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Gpt2Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Gpt2Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = Gpt2Mlp(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x), mask)
        return x + self.mlp(self.ln_2(x))


class Gpt2(nn.Module):
    """GPT-2: learned positions, LayerNorm before each part, tanh GELU, biases everywhere, tied unembedding."""

    title = "GPT-2"
    bos = "<|endoftext|>"

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(shape.vocab, shape.width),
            wpe=nn.Embedding(shape.context, shape.width),
            h=nn.ModuleList(Gpt2Block(shape.width, shape.heads) for _ in range(shape.layers)),
            ln_f=nn.LayerNorm(shape.width),
        ))
        draw_weights(self, shape, ("c_proj.weight",))

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        t = self.transformer
        x = t.wte(ids) + t.wpe(positions)
        for block in t.h:
            x = block(x, mask)
        return t.ln_f(x) @ t.wte.weight.T

    @staticmethod
    def config(shape: Shape) -> dict[str, object]:
        return {
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.0,
            "bos_token_id": 0,
            "embd_pdrop": 0.0,
            "eos_token_id": 0,
            "initializer_range": round(shape.init / math.sqrt(shape.width), 4),
            "layer_norm_epsilon": 1e-05,
            "model_type": "gpt2",
            "n_ctx": shape.context,
            "n_embd": shape.width,
            "n_head": shape.heads,
            "n_inner": None,
            "n_layer": shape.layers,
            "n_positions": shape.context,
            "reorder_and_upcast_attn": False,
            "resid_pdrop": 0.0,
            "scale_attn_by_inverse_layer_idx": False,
            "scale_attn_weights": True,
            "tie_word_embeddings": True,
            "torch_dtype": "float16",
            "use_cache": True,
            "vocab_size": shape.vocab,
        }

    @staticmethod
    def tokenizer_config(shape: Shape) -> dict[str, object] | None:
        return None  # tokenizer.json says everything

    @classmethod
    def train_tokenizer(cls, texts: list[str], vocab: int) -> Tokenizer:
        """Byte-level BPE with GPT-2's pre-tokenizer; the BOS has id 0 and is part of the vocabulary."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
        trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[cls.bos], show_progress=False,
                                      initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
        tokenizer.train_from_iterator(texts, trainer)
        assert tokenizer.get_vocab_size() == vocab, f"only {tokenizer.get_vocab_size()} tokens"
        return tokenizer


# ---------------------------------------------------------------------------------------------------------------------
# LLaMA


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps), times a gain for each channel."""

    eps = 1e-5

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class Rotary:
    """Turns the pair (i, i + d_head / 2) of a query or key by position * theta^(-2 i / d_head)."""

    theta = 10000.0

    def __init__(self, positions: Tensor, d_head: int) -> None:
        frequencies = self.theta ** (-torch.arange(0, d_head, 2) / d_head)
        angles = (positions[:, None, :, None] * frequencies).repeat(1, 1, 1, 2)  # (b, 1, t, d_head)
        self.cos, self.sin = angles.cos(), angles.sin()

    def __call__(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat((-second, first), dim=-1) * self.sin


class LlamaAttention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.kv_heads = shape.heads, shape.kv_heads
        kv_width = shape.width // shape.heads * shape.kv_heads
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, rotary: Rotary, mask: Tensor) -> Tensor:
        b, t, d = x.shape

        def heads(y: Tensor, n: int) -> Tensor:
            return y.view(b, t, n, -1).transpose(1, 2)

        q = rotary(heads(self.q_proj(x), self.heads))
        k = rotary(heads(self.k_proj(x), self.kv_heads))
        v = heads(self.v_proj(x), self.kv_heads)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, dim=1) for y in (k, v))
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (b, heads, t, d_head)
        return self.o_proj(z.transpose(1, 2).reshape(b, t, d))


class LlamaMlp(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaBlock(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = RmsNorm(shape.width)
        self.self_attn = LlamaAttention(shape)
        self.post_attention_layernorm = RmsNorm(shape.width)
        self.mlp = LlamaMlp(shape)

    def forward(self, x: Tensor, rotary: Rotary, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotary, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """LLaMA: rotary positions, RMSNorm, grouped queries, gated SiLU, no biases, an unembedding of its own."""

    title = "LLaMA"
    bos = "<s>"

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.model = nn.ModuleDict(dict(
            embed_tokens=nn.Embedding(shape.vocab, shape.width),
            layers=nn.ModuleList(LlamaBlock(shape) for _ in range(shape.layers)),
            norm=RmsNorm(shape.width),
        ))
        self.lm_head = nn.Linear(shape.width, shape.vocab, bias=False)
        self.d_head = shape.width // shape.heads
        draw_weights(self, shape, ("o_proj.weight", "down_proj.weight"))

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        m = self.model
        x = m.embed_tokens(ids)
        rotary = Rotary(positions, self.d_head)
        for block in m.layers:
            x = block(x, rotary, mask)
        return self.lm_head(m.norm(x))

    @staticmethod
    def config(shape: Shape) -> dict[str, object]:
        return {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "head_dim": shape.width // shape.heads,
            "hidden_act": "silu",
            "hidden_size": shape.width,
            "initializer_range": round(shape.init / math.sqrt(shape.width), 4),
            "intermediate_size": shape.inner,
            "max_position_embeddings": shape.context,
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers,
            "num_key_value_heads": shape.kv_heads,
            "pretraining_tp": 1,
            "rms_norm_eps": RmsNorm.eps,
            "rope_scaling": None,
            "rope_theta": Rotary.theta,
            "tie_word_embeddings": False,
            "torch_dtype": "float16",
            "use_cache": True,
            "vocab_size": shape.vocab,
        }

    @classmethod
    def tokenizer_config(cls, shape: Shape) -> dict[str, object] | None:
        return {
            "add_bos_token": True,
            "add_eos_token": False,
            "bos_token": cls.bos,
            "clean_up_tokenization_spaces": False,
            "eos_token": "</s>",
            "legacy": True,
            "model_max_length": shape.context,
            "pad_token": None,
            "tokenizer_class": "LlamaTokenizerFast",
            "unk_token": "<unk>",
        }

    @classmethod
    def train_tokenizer(cls, texts: list[str], vocab: int) -> Tokenizer:
        """BPE over text in which U+2581 stands for a space and begins the whole. The special tokens have ids 0 to 2;
        the 256 bytes that stand in for unknown characters follow."""
        space = "\u2581"
        words = rf"'[a-z]+|{space}?[A-Za-z]+|{space}?[0-9]|{space}?[^{space}A-Za-z0-9]+|{space}"
        normalizer = normalizers.Sequence([normalizers.Prepend(space), normalizers.Replace(" ", space)])
        special = ["<unk>", cls.bos, "</s>"]
        fixed = special + [f"<0x{b:02X}>" for b in range(256)]

        learner = Tokenizer(models.BPE())
        learner.normalizer = normalizer
        learner.pre_tokenizer = pre_tokenizers.Split(Regex(words), "isolated")
        alphabet = sorted({space, *string.ascii_letters, *string.digits, *string.punctuation})
        trainer = trainers.BpeTrainer(vocab_size=vocab - len(fixed), initial_alphabet=alphabet, show_progress=False,
                                      limit_alphabet=len(alphabet))
        learner.train_from_iterator(texts, trainer)
        learned = json.loads(learner.to_str())["model"]

        # No merge joins two words, so that the same pieces come out without splitting into words first.
        pieces = sorted(learned["vocab"], key=lambda p: (len(p) == 1, learned["vocab"][p]))
        merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in learned["merges"]]
        tokenizer = Tokenizer(models.BPE({p: i for i, p in enumerate(fixed + pieces)}, merges, unk_token=special[0],
                                         fuse_unk=True, byte_fallback=True))
        assert tokenizer.get_vocab_size() == vocab, f"only {tokenizer.get_vocab_size()} tokens"
        tokenizer.add_special_tokens(special)
        tokenizer.normalizer = normalizer
        tokenizer.decoder = decoders.Sequence([decoders.Replace(space, " "), decoders.ByteFallback(), decoders.Fuse(),
                                               decoders.Strip(" ", 1, 0)])
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{cls.bos} $A", pair=f"{cls.bos} $A {cls.bos}:1 $B:1", special_tokens=[(cls.bos, 1)])
        return tokenizer
