"""Write the expected numbers of head ablation, computed by transformers in float64, that the tests compare against.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_heads.py
    build/venv/bin/python tools/golden_heads.py --random-odd tests/fixtures/odd-gpt2

The first form reads the bundled models data/models/NAME and writes tests/fixtures/NAME-golden.json. The second first
makes a random GPT-2 of odd sizes in the folder named (fp32, tensor names without prefix, the old mask buffers,
vocab.json and merges.txt instead of tokenizer.json) and writes its numbers to <folder>-golden.json. Run both again
after training. tools/golden_archs.py does the same for a small random model of every architecture.

Every prompt is run alone and read at its last token. Ablations act at every position of z_h, the columns
[h * d_head, (h + 1) * d_head) of what enters the output projection of attention: `folded` sets z_h to
c_h = b_V,h + norm bias W_V,h, the value vector of a zero normalised input (that of the head's key-value head); `head`
sets it to 0; `half` moves z_h half the way there. Per head and row: delta_ld = ld ablated - ld intact,
kl = KL(intact || ablated) in nats, flip = 1 where the most likely token changed. rank counts the tokens that score
above the target. Grids are [layer][head]; numbers are rounded to 9 significant digits.

transformers rounds norms, rotary angles and attention weights to float32 in a float64 model; `in_double` lifts that.
What comes out is compared with the same model run as float64 with those roundings, and as float32.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests/fixtures"
BUNDLED = {"tiny-gpt2": "<|endoftext|>", "tiny-llama": "<s>"}  # and what goes before every prompt
CONDITIONS = ("facts", "negation", "counterfactual", "logic")
BIASES = ("folded", "head")
COMMAND = "python tools/golden_heads.py"

Head = tuple[int, int]
State = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A prompt as ids, BOS included, its answers, and what else the golden file says about it."""

    ids: list[int]
    target: int
    foil: int
    note: dict[str, object] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------------------------------
# Models


@contextmanager
def in_double() -> Iterator[None]:
    """What asks for float32 gets float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with patch.object(torch, "float32", torch.float64), patch.object(torch, "float", torch.float64), \
                patch.object(Tensor, "float", Tensor.double):
            yield
    finally:
        torch.set_default_dtype(before)


def read_state(folder: Path) -> State:
    """The weights of a checkpoint folder under the names of its model, in float64."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    return model.state_dict()


def build(folder: Path, state: State, dtype: torch.dtype) -> PreTrainedModel:
    """A model of the folder's config.json with these weights."""
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="eager")
    model.load_state_dict(state)
    return model.to(dtype).eval()


def gpt2_site(config: object, block: nn.Module) -> tuple[nn.Module, Tensor]:
    """The output projection of a layer's attention, and c_h of every head, (heads, d_head)."""
    attn, d = block.attn, config.n_embd
    value = slice(2 * d, 3 * d)  # c_attn's columns are q | k | v
    constant = attn.c_attn.bias[value] + block.ln_1.bias @ attn.c_attn.weight[:, value]
    return attn.c_proj, constant.view(config.n_head, -1)


def llama_site(config: object, layer: nn.Module) -> tuple[nn.Module, Tensor]:
    attn, kv_heads = layer.self_attn, config.num_key_value_heads
    bias = attn.v_proj.bias if attn.v_proj.bias is not None else attn.v_proj.weight.new_zeros(attn.v_proj.out_features)
    return attn.o_proj, bias.view(kv_heads, -1).repeat_interleave(config.num_attention_heads // kv_heads, dim=0)


def neox_site(config: object, layer: nn.Module) -> tuple[nn.Module, Tensor]:
    qkv = layer.attention.query_key_value
    constant = qkv.weight @ layer.input_layernorm.bias
    if qkv.bias is not None:
        constant = constant + qkv.bias
    by_head = constant.view(config.num_attention_heads, 3, -1)  # q, k, v of each head
    return layer.attention.dense, by_head[:, 2]


def fused_site(config: object, layer: nn.Module) -> tuple[nn.Module, Tensor]:
    """Phi-3: no biases."""
    projection = layer.self_attn.o_proj
    return projection, projection.weight.new_zeros(config.num_attention_heads, projection.in_features // config.num_attention_heads)


def normed_site(config: object, norm: nn.Module, attn: nn.Module, projection: nn.Module,
                ) -> tuple[nn.Module, Tensor]:
    """LayerNorm and a value projection of its own."""
    constant = attn.v_proj.weight @ norm.bias
    if attn.v_proj.bias is not None:
        constant = constant + attn.v_proj.bias
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return projection, constant.view(kv_heads, -1).repeat_interleave(heads // kv_heads, dim=0)


def bigcode_site(config: object, block: nn.Module) -> tuple[nn.Module, Tensor]:
    fused, heads = block.attn.c_attn, config.n_head
    constant = fused.weight @ block.ln_1.bias + fused.bias
    if config.multi_query:
        return block.attn.c_proj, constant[-config.n_embd // heads:].repeat(heads, 1)
    return block.attn.c_proj, constant.view(heads, 3, -1)[:, 2]


def bloom_site(config: object, block: nn.Module) -> tuple[nn.Module, Tensor]:
    fused = block.self_attention.query_key_value
    constant = fused.weight @ block.input_layernorm.bias + fused.bias
    return block.self_attention.dense, constant.view(config.n_head, 3, -1)[:, 2]


def sites(model: PreTrainedModel) -> list[tuple[nn.Module, Tensor]]:
    """The site of every layer."""
    if model.config.model_type == "gpt2":
        return [gpt2_site(model.config, block) for block in model.transformer.h]
    if model.config.model_type == "gpt_neox":
        return [neox_site(model.config, layer) for layer in model.gpt_neox.layers]
    if model.config.model_type == "phi3":
        return [fused_site(model.config, layer) for layer in model.model.layers]
    if model.config.model_type == "starcoder2":
        return [normed_site(model.config, layer.input_layernorm, layer.self_attn, layer.self_attn.o_proj)
                for layer in model.model.layers]
    if model.config.model_type == "gpt_bigcode":
        return [bigcode_site(model.config, block) for block in model.transformer.h]
    if model.config.model_type == "bloom":
        return [bloom_site(model.config, block) for block in model.transformer.h]
    if model.config.model_type == "gptj":
        return [normed_site(model.config, block.ln_1, block.attn, block.attn.out_proj) for block in model.transformer.h]
    if model.config.model_type == "phi":
        return [normed_site(model.config, layer.input_layernorm, layer.self_attn, layer.self_attn.dense)
                for layer in model.model.layers]
    if model.config.model_type == "opt":
        return [normed_site(model.config, layer.self_attn_layer_norm, layer.self_attn, layer.self_attn.out_proj)
                for layer in model.model.decoder.layers]
    if model.config.model_type == "stablelm":
        return [normed_site(model.config, layer.input_layernorm, layer.self_attn, layer.self_attn.o_proj)
                for layer in model.model.layers]
    if model.config.model_type == "gpt_neo":
        return [normed_site(model.config, block.ln_1, block.attn.attention, block.attn.attention.out_proj)
                for block in model.transformer.h]
    return [llama_site(model.config, layer) for layer in model.model.layers]


# ---------------------------------------------------------------------------------------------------------------------
# Measurements


def digits(x: float) -> float:
    return float(f"{x:.9g}")


def label(heads: tuple[Head, ...]) -> str:
    return "+".join(f"{layer}:{head}" for layer, head in heads)


def joint_sets(layers: int, heads: int) -> list[tuple[Head, ...]]:
    """Pairs and triplets within and across layers."""
    last = layers - 1
    wished = [
        ((0, 0), (0, heads - 1)),
        ((0, 1), (last, 2)),
        ((1, 0), (2, 3)),
        ((0, 0), (0, 3), (1, 2)),
        ((0, 2), (1, 4), (last, 1)),
        ((1, 1), (last - 1, heads - 2), (last, heads - 1)),
    ]
    fitted = [tuple(sorted({(layer % layers, head % heads) for layer, head in s})) for s in wished]
    return [s for s in dict.fromkeys(fitted) if len(s) > 1]


class Ablator:
    """A model with a way to move heads towards a constant."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.sites = sites(model)
        self.layers, self.heads = len(self.sites), self.sites[0][1].shape[0]

    @contextmanager
    def ablated(self, heads: tuple[Head, ...], bias: str, scale: float = 0.0) -> Iterator[None]:
        def hook_for(layer: int, head: int):
            constant = self.sites[layer][1][head]
            if bias == "head":
                constant = torch.zeros_like(constant)
            columns = slice(head * len(constant), (head + 1) * len(constant))

            def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
                z = args[0].clone()
                z[..., columns] = scale * (z[..., columns] - constant) + constant
                return (z, *args[1:])

            return hook

        handles = [self.sites[layer][0].register_forward_pre_hook(hook_for(layer, head)) for layer, head in heads]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def logits(self, ids: list[int]) -> Tensor:
        """At the last token, (vocab)"""
        return self.model(torch.tensor([ids]), use_cache=False).logits[0, -1]

    def delta_ld(self, case: Case, intact: float, heads: tuple[Head, ...], bias: str, scale: float = 0.0) -> float:
        with self.ablated(heads, bias, scale):
            changed = self.logits(case.ids)
        return digits((changed[case.target] - changed[case.foil]).item() - intact)

    def by_head(self, case: Case, intact: Tensor, bias: str) -> dict[str, list[list[float]]]:
        grid: dict[str, list[list[float]]] = {
            m: [[0.0] * self.heads for _ in range(self.layers)] for m in ("delta_ld", "kl", "flip")}
        logp = intact.log_softmax(-1)
        ld = intact[case.target] - intact[case.foil]
        for layer in range(self.layers):
            for head in range(self.heads):
                with self.ablated(((layer, head),), bias):
                    changed = self.logits(case.ids)
                kl = (logp.exp() * (logp - changed.log_softmax(-1))).sum()
                grid["delta_ld"][layer][head] = digits((changed[case.target] - changed[case.foil] - ld).item())
                grid["kl"][layer][head] = digits(kl.item())
                grid["flip"][layer][head] = int(changed.argmax() != intact.argmax())
        return grid

    def measure(self, case: Case) -> dict[str, object]:
        intact = self.logits(case.ids)
        logp = intact.log_softmax(-1)
        ld = (intact[case.target] - intact[case.foil]).item()
        halved = [(layer, (layer + 1) % self.heads) for layer in range(self.layers)]
        out: dict[str, object] = {
            "ids": case.ids, "target_id": case.target, "foil_id": case.foil,
            "ld": digits(ld),
            "logprob": digits(logp[case.target].item()),
            "prob": digits(logp[case.target].exp().item()),
            "rank": int((intact > intact[case.target]).sum()),
            "entropy": digits(-(logp.exp() * logp).sum().item()),
            "argmax_id": int(intact.argmax()),
        }
        out |= {bias: self.by_head(case, intact, bias) for bias in BIASES}
        out["joint_folded_delta_ld"] = {
            label(heads): self.delta_ld(case, ld, heads, "folded")
            for heads in joint_sets(self.layers, self.heads)}
        out |= {f"half_{bias}_delta_ld": {label((h,)): self.delta_ld(case, ld, (h,), bias, 0.5) for h in halved}
                for bias in BIASES}
        return out


def numbers(value: object) -> Iterator[float]:
    """All numbers of a row but the whole ones, in order."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)


def drift(rows: list[dict[str, object]], others: list[dict[str, object]]) -> float:
    pairs = [(a, b) for row, other in zip(rows, others) for a, b in zip(numbers(row), numbers(other), strict=True)]
    return max(abs(a - b) / max(1.0, abs(a)) for a, b in pairs)


# ---------------------------------------------------------------------------------------------------------------------
# Files


def sha256_of_weights(path: Path) -> str:
    """Of the one weight file; of several, of their hex digests one behind the other in name order."""
    files = [path] if path.is_file() else sorted(path.glob("*.safetensors"))
    hashes = [hashlib.sha256(f.read_bytes()).hexdigest() for f in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


@torch.no_grad()
def write_golden(path: Path, folder: Path, state: State, cases: list[Case], out: Path, command: str,
                 limit: float = 2e-4) -> None:
    """Numbers of the weights at `path` (a folder or a GGUF file), with the values `state`, under folder/config.json."""
    with in_double():
        ablator = Ablator(build(folder, state, torch.float64))
        rows = [ablator.measure(case) for case in cases]
    others = {name: [Ablator(build(folder, state, dtype)).measure(case) for case in cases]
              for name, dtype in (("float64 as it comes", torch.float64), ("float32", torch.float32))}
    drifts = {name: drift(rows, other) for name, other in others.items()}
    golden = {
        "schema": "abltui.golden/1",
        "command": command,
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
        "model": path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name,
        "model_sha256": sha256_of_weights(path),
        "n_layers": ablator.layers, "n_heads": ablator.heads,
    }
    head = json.dumps(golden, indent=1)[:-2]
    body = ",\n".join(json.dumps(case.note | row, separators=(",", ":"), allow_nan=False)
                      for case, row in zip(cases, rows))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f'{head},\n "rows": [\n{body}\n]}}\n', newline="\n")
    json.loads(out.read_text())
    deltas = [abs(x) for row in rows for bias in BIASES for x in numbers(row[bias]["delta_ld"])]
    print(f"{out.name}: {len(rows)} rows, {out.stat().st_size:,} bytes; median |delta_ld|"
          f" {sorted(deltas)[len(deltas) // 2]:.2g}; " + ", ".join(f"{n}: {d:.1e}" for n, d in drifts.items()))
    assert max(drifts.values()) < limit, drifts


# ---------------------------------------------------------------------------------------------------------------------
# The bundled models, and a random GPT-2 that shares a tokenizer with one of them


def test_rows(tokenizer: Tokenizer, bos: str, per_condition: int) -> list[Case]:
    """Rows of each test split, spread evenly over the prompt lengths."""

    def encoded(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    cases: list[Case] = []
    for condition in CONDITIONS:
        rows = [json.loads(line) for line in (ROOT / f"data/corpora/{condition}.jsonl").read_text().splitlines()]
        test = json.loads((ROOT / f"data/splits/{condition}.split.json").read_text())["test"]
        test.sort(key=lambda i: (len(encoded(rows[i]["clean"])), i))
        for k in range(per_condition):
            index = test[round(k * (len(test) - 1) / (per_condition - 1))]
            row = rows[index]
            prompt = encoded(row["clean"])
            answers = [encoded(row["clean"] + row[key]) for key in ("target", "foil")]
            assert all(a[:-1] == prompt for a in answers), row
            note = {"condition": condition, "row": index, "clean": row["clean"]}
            cases.append(Case([tokenizer.token_to_id(bos), *prompt], answers[0][-1], answers[1][-1], note))
    return cases


def make_odd(folder: Path, tokenizer: Tokenizer, bos: int) -> None:
    """A random GPT-2 whose sizes are no powers of two, saved the way the first published files were."""
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size() + 5, n_positions=64, n_embd=60, n_layer=3, n_head=5, n_inner=176,
        activation_function="gelu_new", layer_norm_epsilon=1e-4, bos_token_id=bos, eos_token_id=bos)
    model = GPT2LMHeadModel(config)
    random = torch.Generator().manual_seed(20)
    tensors: State = {}
    for name, p in model.transformer.named_parameters():
        noise = torch.randn(p.shape, generator=random)
        if p.dim() == 2:
            tensors[name] = 0.2 * noise
        elif ".ln_" in f".{name}" and name.endswith("weight"):
            tensors[name] = 1 + 0.2 * noise
        else:
            tensors[name] = 0.1 * noise
    for layer in range(config.n_layer):
        n = config.n_positions
        tensors[f"h.{layer}.attn.bias"] = torch.ones(n, n).tril().view(1, 1, n, n)
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-10000.0)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    keep = ("activation_function", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "layer_norm_epsilon",
            "bos_token_id", "eos_token_id", "vocab_size")
    old = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_ctx": config.n_positions}
    old |= {key: getattr(config, key) for key in keep}
    (folder / "config.json").write_text(json.dumps(dict(sorted(old.items())), indent=2) + "\n", newline="\n")
    bpe = json.loads(tokenizer.to_str())["model"]
    vocab = dict(sorted(bpe["vocab"].items(), key=lambda item: item[1]))
    (folder / "vocab.json").write_text(json.dumps(vocab) + "\n", newline="\n")
    merges = [m if isinstance(m, str) else " ".join(m) for m in bpe["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random-odd", metavar="OUTDIR", type=Path, help="make a random model there and its numbers")
    parser.add_argument("--model", choices=sorted(BUNDLED), action="append", help="default: every bundled model")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()
    if args.random_odd is None:
        for name in args.model or BUNDLED:
            folder = ROOT / "data/models" / name
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            write_golden(folder, folder, read_state(folder), test_rows(tokenizer, BUNDLED[name], 12),
                         FIXTURES / f"{name}-golden.json", COMMAND)
        return
    folder = args.random_odd.resolve()
    tokenizer = Tokenizer.from_file(str(ROOT / "data/models/tiny-gpt2/tokenizer.json"))
    bos = BUNDLED["tiny-gpt2"]
    make_odd(folder, tokenizer, tokenizer.token_to_id(bos))
    write_golden(folder, folder, read_state(folder), test_rows(tokenizer, bos, 5)[::2],
                 folder.with_name(folder.name + "-golden.json"),
                 f"{COMMAND} --random-odd tests/fixtures/{folder.name}")


if __name__ == "__main__":
    main()
