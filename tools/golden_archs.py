"""Write a small random model of every architecture and the numbers of its head ablation for the tests.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors gguf
    build/venv/bin/python tools/golden_archs.py [NAME ...]

For each row of MODELS below it writes, under tests/fixtures/archs,

    NAME/            as transformers saves it; config.v4.json where the row asks for the keys of transformers 4 as well;
                     tokenizer.json where prompts are texts
    NAME.gguf        the same values as F32, under GGUF's names and in its order, for rows with `gguf`
    NAME-q8_0.gguf   the matrices as Q8_0, where `gguf` says so
    NAME-golden.json, NAME-q8_0-golden.json    expected numbers, see golden_heads.py; of the dequantised values for Q8_0

Sizes are odd on purpose and every parameter is random, norm gains and biases too, so that nothing cancels by chance.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig, AutoModelForCausalLM, BloomConfig, Cohere2Config, CohereConfig, Gemma2Config, Gemma3TextConfig, GemmaConfig, GPT2Config, GPTBigCodeConfig,
    GPTJConfig, GPTNeoConfig, GPTNeoXConfig, GraniteConfig, LlamaConfig, MistralConfig, Olmo2Config, Olmo3Config, OlmoConfig, OPTConfig,
    Phi3Config, PhiConfig, PreTrainedConfig, PreTrainedModel,
    Qwen2Config, Qwen3Config, SmolLM3Config, StableLmConfig, Starcoder2Config,
)

import gguf_twin
import make_data
from architectures import Llama
from golden_heads import FIXTURES, Case, State, build, in_double, read_state, write_golden

ARCHS = FIXTURES / "archs"
COMMAND = "python tools/golden_archs.py"
SIZE_LIMIT = 160_000  # bytes of a folder

# Neither is what a model falls back on when the file says nothing.
EPS = {"rms_norm_eps": 3e-5}
THETA = {"rope_type": "default", "rope_theta": 500.0}


@dataclass(frozen=True)
class Spec:
    config: PreTrainedConfig
    dtype: torch.dtype = torch.float32
    shard: str | None = None  # size of a file
    lengths: tuple[int, ...] = (1, 2, 5, 9, 13)  # of the prompts
    tokenizer: str | None = None  # "llama" or "neox": prompts are texts
    v4: bool = False
    gguf: tuple[str, ...] = field(default=())  # "F32", "Q8_0"


def llama(**keys: object) -> LlamaConfig:
    base = dict(vocab_size=101, hidden_size=30, intermediate_size=41, num_hidden_layers=2, num_attention_heads=5,
                num_key_value_heads=5, max_position_embeddings=48, rope_parameters=THETA, bos_token_id=1,
                eos_token_id=2)
    return LlamaConfig(**(base | EPS | keys))


def rope(kind: str, **keys: object) -> dict[str, object]:
    return THETA | {"rope_type": kind} | keys


def neox(**keys: object) -> GPTNeoXConfig:
    base = dict(vocab_size=89, hidden_size=36, intermediate_size=50, num_hidden_layers=2, num_attention_heads=3,
                max_position_embeddings=40, hidden_act="gelu", layer_norm_eps=2e-5, bos_token_id=0, eos_token_id=0)
    return GPTNeoXConfig(**(base | keys))


def qwen(kind: type, **keys: object) -> PreTrainedConfig:
    base = dict(vocab_size=103, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=6,
                num_key_value_heads=2, max_position_embeddings=40, rope_parameters=THETA)
    return kind(**(base | EPS | keys))


MODELS: dict[str, Spec] = {
    "gpt2": Spec(
        GPT2Config(vocab_size=97, n_positions=40, n_embd=32, n_layer=2, n_head=4, layer_norm_epsilon=2e-5,
                   bos_token_id=0, eos_token_id=0),
        gguf=("F32", "Q8_0")),
    "gpt2-layer-scale": Spec(
        GPT2Config(vocab_size=97, n_positions=29, n_embd=35, n_layer=3, n_head=5, n_inner=44,
                   scale_attn_by_inverse_layer_idx=True, bos_token_id=0, eos_token_id=0),
        shard="50KB"),
    "llama-mha": Spec(llama(num_attention_heads=3, num_key_value_heads=3, hidden_size=42)),
    "llama-gqa": Spec(
        llama(vocab_size=420, hidden_size=32, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
              num_hidden_layers=3, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
        dtype=torch.bfloat16, shard="40KB", tokenizer="llama", gguf=("F32", "Q8_0")),
    # The four waves are 6, 30, 140 and 664 tokens long: the first is kept, the second lies between, the others stretch.
    "llama-llama3": Spec(
        llama(hidden_size=40, num_key_value_heads=1, max_position_embeddings=64,
              rope_parameters=rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                   original_max_position_embeddings=48)),
        v4=True, gguf=("F32",)),
    "llama-linear": Spec(llama(rope_parameters=rope("linear", factor=2.5)), v4=True, gguf=("F32",)),
    # Prompts go beyond the original context.
    "llama-yarn": Spec(
        llama(hidden_size=40, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=44,
              rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=11)),
        lengths=(1, 6, 11, 12, 27), v4=True, gguf=("F32",)),
    "llama-yarn-factors": Spec(
        llama(hidden_size=48, num_attention_heads=3, num_key_value_heads=3, max_position_embeddings=54,
              rope_parameters=rope("yarn", factor=6.0, original_max_position_embeddings=9, attention_factor=1.3,
                                   beta_fast=0.5, beta_slow=0.06, truncate=False)),
        dtype=torch.float16, lengths=(2, 9, 19, 30), v4=True),
    "mistral": Spec(
        MistralConfig(vocab_size=113, hidden_size=40, intermediate_size=56, num_hidden_layers=3, num_attention_heads=6,
                      num_key_value_heads=2, head_dim=8, sliding_window=4, max_position_embeddings=40,
                      rope_parameters=THETA, **EPS),
        dtype=torch.float16, lengths=(1, 3, 4, 5, 6, 14), v4=True),
    "mistral-full": Spec(
        MistralConfig(vocab_size=113, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=6,
                      num_key_value_heads=3, head_dim=16, sliding_window=None, max_position_embeddings=40,
                      rope_parameters=THETA, **EPS),
        dtype=torch.float16, gguf=("F32", "Q8_0")),
    "qwen2": Spec(
        qwen(Qwen2Config, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=True,
             use_sliding_window=False, sliding_window=3),
        gguf=("F32", "Q8_0")),
    "qwen2-window": Spec(
        qwen(Qwen2Config, hidden_size=36, use_sliding_window=True, sliding_window=5, max_window_layers=1),
        dtype=torch.bfloat16, lengths=(1, 5, 6, 7, 17), v4=True),
    "qwen3": Spec(
        qwen(Qwen3Config, num_hidden_layers=2, head_dim=10, intermediate_size=48, tie_word_embeddings=True),
        gguf=("F32",)),
    "neox-parallel": Spec(
        neox(vocab_size=340, hidden_size=32, intermediate_size=96, num_attention_heads=4, num_hidden_layers=3,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}),
        dtype=torch.float16, tokenizer="neox", v4=True, gguf=("F32", "Q8_0")),
    # int(0.25 * 12) would be an odd number of dimensions, which no published model has.
    "neox-sequential": Spec(
        neox(use_parallel_residual=False, attention_bias=False,
             rope_parameters=THETA | {"partial_rotary_factor": 1.0}),
        shard="60KB", v4=True),
    "gemma": Spec(
        qwen(GemmaConfig, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, head_dim=10),
        dtype=torch.bfloat16, v4=True, gguf=("F32",)),
    # Caps that bend, layers of which each second one slides, heads that are no part of the width.
    "gemma2": Spec(
        qwen(Gemma2Config, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
             query_pre_attn_scalar=7, attn_logit_softcapping=1.5, final_logit_softcapping=2.5, sliding_window=4),
        lengths=(1, 3, 4, 5, 6, 14), v4=True),
    "gemma2-plain": Spec(
        qwen(Gemma2Config, hidden_size=36, num_attention_heads=3, num_key_value_heads=3, head_dim=12,
             query_pre_attn_scalar=12, attention_bias=True, final_logit_softcapping=None, attn_logit_softcapping=40.0,
             sliding_window=5, num_hidden_layers=4, intermediate_size=30),
        dtype=torch.float16, lengths=(2, 5, 6, 9, 13)),
    # Two bases, one layer of three in full.
    "gemma3": Spec(
        qwen(Gemma3TextConfig, num_hidden_layers=3, intermediate_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
             query_pre_attn_scalar=7, sliding_window=4, layer_types=["sliding_attention", "full_attention",
                                                                     "sliding_attention"],
             rope_parameters={"full_attention": rope("linear", factor=2.5),
                              "sliding_attention": {"rope_type": "default", "rope_theta": 90.0}}),
        lengths=(1, 3, 4, 5, 6, 14)),
    "phi3": Spec(
        qwen(Phi3Config, hidden_size=36, num_attention_heads=3, num_key_value_heads=1, num_hidden_layers=2,
             sliding_window=6, pad_token_id=0, bos_token_id=1, eos_token_id=2,
             rope_parameters=THETA | {"partial_rotary_factor": 0.5}),
        lengths=(1, 5, 6, 7, 14)),
    "phi3-long": Spec(
        qwen(Phi3Config, num_attention_heads=4, num_key_value_heads=4, num_hidden_layers=2, pad_token_id=0,
             bos_token_id=1, eos_token_id=2, max_position_embeddings=56, original_max_position_embeddings=14,
             rope_parameters=THETA | {"rope_type": "longrope", "short_factor": [1.0, 1.25, 2.0, 3.5],
                                      "long_factor": [1.5, 2.0, 4.0, 8.0],
                                      "original_max_position_embeddings": 14}),
        dtype=torch.bfloat16, lengths=(1, 5, 6, 7, 14)),
    "smollm3": Spec(
        qwen(SmolLM3Config, num_hidden_layers=4, intermediate_size=40, num_attention_heads=4, no_rope_layers=[1, 0, 1, 0],
             use_sliding_window=True, sliding_window=4, attention_bias=True, mlp_bias=True, pad_token_id=0),
        lengths=(1, 3, 4, 5, 6, 14), v4=True),
    "smollm3-gguf": Spec(
        qwen(SmolLM3Config, num_hidden_layers=4, num_attention_heads=4, intermediate_size=40, pad_token_id=0),
        dtype=torch.float16, gguf=("F32",)),
    "granite": Spec(
        qwen(GraniteConfig, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, embedding_multiplier=3.5,
             attention_multiplier=0.21, residual_multiplier=0.6, logits_scaling=1.7, attention_bias=True, mlp_bias=True),
        v4=True, gguf=("F32",)),
    "starcoder2": Spec(
        Starcoder2Config(vocab_size=103, hidden_size=32, intermediate_size=50, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=40,
                         rope_parameters=THETA, sliding_window=5, norm_epsilon=2e-5),
        lengths=(1, 4, 5, 6, 14), v4=True),
    "gpt-neo": Spec(
        GPTNeoConfig(vocab_size=97, hidden_size=32, num_layers=3, num_heads=4, intermediate_size=None,
                     attention_types=[[["global", "local"], 1], [["local"], 1]], window_size=4,
                     max_position_embeddings=40, layer_norm_epsilon=2e-5, bos_token_id=0, eos_token_id=0),
        dtype=torch.bfloat16, lengths=(1, 3, 4, 5, 6, 14)),
    # Neighbours turn, of a part of each head; a bias of the logits.
    "gptj": Spec(
        GPTJConfig(vocab_size=97, n_positions=40, n_embd=32, n_layer=2, n_head=4, rotary_dim=6, layer_norm_epsilon=2e-5,
                   n_inner=44, bos_token_id=0, eos_token_id=0)),
    "phi": Spec(
        PhiConfig(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, max_position_embeddings=40, layer_norm_eps=2e-5,
                  rope_parameters=THETA | {"partial_rotary_factor": 0.5}, bos_token_id=0, eos_token_id=0),
        dtype=torch.float16, v4=True),
    "opt": Spec(
        OPTConfig(vocab_size=97, hidden_size=32, ffn_dim=44, num_hidden_layers=2, num_attention_heads=4,
                  max_position_embeddings=38, pad_token_id=96, bos_token_id=0, eos_token_id=0)),
    "bigcode": Spec(
        GPTBigCodeConfig(vocab_size=97, n_positions=40, n_embd=32, n_layer=2, n_head=4, layer_norm_epsilon=2e-5,
                         bos_token_id=0, eos_token_id=0),
        dtype=torch.bfloat16),
    "bigcode-mha": Spec(
        GPTBigCodeConfig(vocab_size=97, n_positions=40, n_embd=30, n_layer=2, n_head=3, n_inner=40, multi_query=False,
                         bos_token_id=0, eos_token_id=0),
        dtype=torch.float16),
    "olmo": Spec(
        OlmoConfig(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
                   num_key_value_heads=2, max_position_embeddings=40, rope_parameters=THETA, pad_token_id=0,
                   eos_token_id=0),
        dtype=torch.float16, v4=True),
    # Full layers have scaled positions, the others not.
    "olmo3": Spec(
        qwen(Olmo3Config, num_attention_heads=4, num_key_value_heads=2, intermediate_size=40, sliding_window=4,
             layer_types=["sliding_attention", "full_attention", "sliding_attention"], pad_token_id=0, eos_token_id=0,
             rope_parameters={"full_attention": rope("yarn", factor=4.0, original_max_position_embeddings=10),
                              "sliding_attention": THETA}),
        dtype=torch.float16, lengths=(1, 3, 4, 5, 6, 14)),
    "stablelm": Spec(
        StableLmConfig(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
                       num_key_value_heads=2, max_position_embeddings=40, layer_norm_eps=2e-5, use_qkv_bias=True,
                       rope_parameters=THETA | {"partial_rotary_factor": 0.5}, bos_token_id=0, eos_token_id=0),
        dtype=torch.float16, v4=True),
    "stablelm-parallel": Spec(
        StableLmConfig(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
                       num_key_value_heads=4, max_position_embeddings=40, use_parallel_residual=True,
                       rope_parameters=THETA | {"partial_rotary_factor": 0.25}, bos_token_id=0, eos_token_id=0),
        dtype=torch.float16),
    "cohere": Spec(
        CohereConfig(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=2, max_position_embeddings=40, layer_norm_eps=2e-5, logit_scale=0.4,
                     rope_parameters=THETA, pad_token_id=0, bos_token_id=0, eos_token_id=0, attention_bias=True),
        dtype=torch.float16, v4=True),
    # Layers in full have no positions.
    "cohere2": Spec(
        Cohere2Config(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=3, num_attention_heads=4,
                      num_key_value_heads=2, max_position_embeddings=40, layer_norm_eps=2e-5, logit_scale=0.4,
                      rope_parameters=THETA, pad_token_id=0, bos_token_id=0, eos_token_id=0, sliding_window=4,
                      layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
        dtype=torch.float16, lengths=(1, 3, 4, 5, 6, 14)),
    # Slopes of six heads, four of one kind and two of another.
    "bloom": Spec(
        BloomConfig(vocab_size=97, hidden_size=30, n_layer=2, n_head=6, layer_norm_epsilon=2e-5, bos_token_id=0,
                    eos_token_id=0),
        dtype=torch.float16),
    "olmo2": Spec(
        qwen(Olmo2Config, num_hidden_layers=3, hidden_size=30, num_attention_heads=5, num_key_value_heads=5),
        v4=True, gguf=("F32",)),
    "olmo2-gqa": Spec(
        qwen(Olmo2Config, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, attention_bias=True,
             tie_word_embeddings=True, intermediate_size=50),
        dtype=torch.float16),
    "neox-tied": Spec(
        neox(tie_word_embeddings=True, num_attention_heads=2, rope_parameters=THETA | {"partial_rotary_factor": 0.34})),
}


# ---------------------------------------------------------------------------------------------------------------------
# Weights and config.json


def fill(model: PreTrainedModel, random: torch.Generator) -> None:
    """Gains about 1, biases about 0, matrices that keep the size of what goes through them."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=random)
        if p.dim() == 1:
            is_gain = ("norm" in name or ".ln_" in name) and name.endswith("weight")
            less_one = model.config.model_type.startswith("gemma")
            p.data = (not less_one) + 0.3 * noise if is_gain else 0.2 * noise
        elif "embed" in name or "wte" in name or "wpe" in name or "lm_head" in name:
            p.data = 2 / math.sqrt(p.shape[1]) * noise
        else:
            fan_in = p.shape[0] if model.config.model_type == "gpt2" else p.shape[1]
            p.data = 1.3 / math.sqrt(fan_in) * noise


def older_config(config: dict[str, object]) -> dict[str, object]:
    """The same model in the keys that transformers 4 wrote."""
    old = {k: v for k, v in config.items() if k not in ("rope_parameters", "dtype", "layer_types")}
    parameters = dict(config["rope_parameters"])
    theta, kind = parameters.pop("rope_theta"), parameters.pop("rope_type")
    part = parameters.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        old |= {"rotary_emb_base": theta, "rotary_pct": part}
    elif part is not None:
        old |= {"rope_theta": theta, "partial_rotary_factor": part}
    else:
        old |= {"rope_theta": theta}
    if kind != "default":
        spelling = "type" if kind == "linear" else "rope_type"  # "type" is the older of the two
        old |= {"rope_scaling": {spelling: kind} | parameters}
    elif config["model_type"] != "gpt_neox":
        old |= {"rope_scaling": None}
    old |= {"torch_dtype": config["dtype"], "transformers_version": "4.44.2"}
    return dict(sorted(old.items()))


def write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", newline="\n")


@torch.no_grad()
def check_older(folder: Path, state: State, ids: list[int]) -> None:
    """Both spellings of config.json make the same model."""
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copy(folder / "config.v4.json", Path(temporary) / "config.json")
        with in_double():
            a, b = (build(Path(f), state, torch.float64) for f in (folder, temporary))
            assert torch.equal(a(torch.tensor([ids])).logits, b(torch.tensor([ids])).logits), folder
    for config in (a.config, b.config):
        config.rope_parameters.pop("type", None)
    for key in ("rope_parameters", "layer_types", "sliding_window", "head_dim"):
        assert getattr(a.config, key, None) == getattr(b.config, key, None), (folder, key)


def make_folder(name: str, spec: Spec) -> Path:
    folder = ARCHS / name
    if folder.exists():
        shutil.rmtree(folder)
    model = AutoModelForCausalLM.from_config(spec.config)
    fill(model, torch.Generator().manual_seed(zlib.crc32(name.encode())))
    model.to(spec.dtype).save_pretrained(folder, max_shard_size=spec.shard or "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = json.loads((folder / "config.json").read_text())
    assert "rope_parameters" in config or config["model_type"] in (
        "gpt2", "gpt_neo", "gptj", "opt", "gpt_bigcode", "bloom"), "asks for transformers 5"
    write_json(folder / "config.json", config)
    if spec.v4:
        write_json(folder / "config.v4.json", older_config(config))
    for file in folder.iterdir():
        file.chmod(0o644)
    assert (len(list(folder.glob("*.safetensors"))) > 1) == (spec.shard is not None), folder
    return folder


# ---------------------------------------------------------------------------------------------------------------------
# Prompts


# The fourth has a decomposed letter, quotes beyond ASCII and two spaces.
SENTENCES = ("The", "It is", "Tom said: no, the bag isn't full. The bag is",
             "In 19 caf\u00e9s, \u201cna\u0069\u0308ve\u201d  Ann",
             "Paris is the capital of France, so", "Tom said: no, the cup")


def make_tokenizer(kind: str, vocab: int) -> Tokenizer:
    texts = [d.text for d in make_data.documents(3000)]
    if kind == "llama":
        return Llama.train_tokenizer(texts, vocab)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=["<|endoftext|>", "<|padding|>"],
                                  show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer)
    assert tokenizer.get_vocab_size() == vocab
    return tokenizer


def text_cases(tokenizer: Tokenizer, bos: int, random: torch.Generator) -> list[Case]:
    """Each sentence with two answers that are one token of letters behind it."""

    def encoded(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    words = sorted(t[1:] for t in tokenizer.get_vocab()
                   if t[0] in "\u2581\u0120" and t[1:].isascii() and t[1:].isalpha())
    cases: list[Case] = []
    for i, text in enumerate(SENTENCES):
        prompt = encoded(text)
        fit = [w for w in words if encoded(text + " " + w)[:-1] == prompt]
        picked = [" " + fit[int(k)] for k in torch.randperm(len(fit), generator=random)[:2]]
        target, foil = (encoded(text + answer)[-1] for answer in picked)
        note = {"condition": "text", "row": i, "clean": text, "target": picked[0], "foil": picked[1]}
        cases.append(Case([bos, *prompt], target, foil, note))
    return cases


def id_cases(spec: Spec, random: torch.Generator) -> list[Case]:
    """Random ids; the longest prompt begins as the one before it."""
    vocab = spec.config.vocab_size
    cases: list[Case] = []
    for i, length in enumerate(spec.lengths):
        ids = torch.randint(vocab, (length,), generator=random).tolist()
        if i + 1 == len(spec.lengths):
            shared = cases[-1].ids[:-2]
            ids[:len(shared)] = shared
        target, foil = torch.randperm(vocab, generator=random)[:2].tolist()
        cases.append(Case(ids, target, foil, {"condition": "ids", "row": i}))
    return cases


def make_cases(folder: Path, spec: Spec) -> list[Case]:
    random = torch.Generator().manual_seed(11)
    if not spec.tokenizer:
        return id_cases(spec, random)
    tokenizer = make_tokenizer(spec.tokenizer, spec.config.vocab_size)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    if spec.tokenizer == "llama":
        write_json(folder / "tokenizer_config.json", {"add_bos_token": True, "bos_token": "<s>",
                                                      "tokenizer_class": "LlamaTokenizerFast", "unk_token": "<unk>"})
    return text_cases(tokenizer, spec.config.bos_token_id, random)


# ---------------------------------------------------------------------------------------------------------------------


def make(name: str, spec: Spec) -> None:
    folder = make_folder(name, spec)
    cases = make_cases(folder, spec)
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size < SIZE_LIMIT, (name, size)
    state = read_state(folder)
    if spec.v4:
        check_older(folder, state, cases[-1].ids)
    write_golden(folder, folder, state, cases, ARCHS / f"{name}-golden.json", COMMAND)
    if "F32" in spec.gguf:
        gguf_twin.write(folder, state, ARCHS / f"{name}.gguf", "F32")
    if "Q8_0" in spec.gguf:
        path = ARCHS / f"{name}-q8_0.gguf"
        rounded = gguf_twin.write(folder, state, path, "Q8_0")
        write_golden(path, folder, rounded, cases, ARCHS / f"{name}-q8_0-golden.json", COMMAND)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every model")
    args = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in args.names or MODELS:
        make(name, MODELS[name])


if __name__ == "__main__":
    main()
