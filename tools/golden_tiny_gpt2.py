"""Write the expected numbers of head ablation, computed by transformers in float64, that the tests compare against.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_tiny_gpt2.py
    build/venv/bin/python tools/golden_tiny_gpt2.py --random-odd tests/fixtures/odd-gpt2

The first form reads data/models/tiny-gpt2 and writes tests/fixtures/tiny-gpt2-golden.json. The second first makes a
random GPT-2 of odd sizes in the folder named (fp32, tensor names without prefix, the old mask buffers, vocab.json and
merges.txt instead of tokenizer.json) and writes its numbers to <folder>-golden.json. Run both again after training.

Every prompt is run alone behind the BOS and read at its last token. Ablations act at every position of z_h, the input
of the head's slice of attn.c_proj: `folded` sets z_h to c_h = b_V,h + ln_1.bias W_V,h, the value vector of a zero
normalised input; `head` sets it to 0. Per head and row: delta_ld = ld ablated - ld intact, kl = KL(intact || ablated)
in nats, flip = 1 where the most likely token changed. rank counts the tokens that score above the target. Grids are
[layer][head]; numbers are rounded to 9 significant digits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "data/models/tiny-gpt2"
CONDITIONS = ("facts", "negation", "counterfactual", "logic")
BOS = "<|endoftext|>"
BIASES = ("folded", "head")

Head = tuple[int, int]
Case = tuple[str, int, dict[str, str]]  # condition, row index, row


def digits(x: float) -> float:
    return float(f"{x:.9g}")


def test_rows(tokenizer: Tokenizer, per_condition: int) -> list[Case]:
    """Rows of each test split, spread evenly over the prompt lengths."""
    cases: list[Case] = []
    for condition in CONDITIONS:
        rows = [json.loads(line) for line in (ROOT / f"data/corpora/{condition}.jsonl").read_text().splitlines()]
        test = json.loads((ROOT / f"data/splits/{condition}.split.json").read_text())["test"]
        test.sort(key=lambda i: (len(tokenizer.encode(rows[i]["clean"]).ids), i))
        picked = [test[round(k * (len(test) - 1) / (per_condition - 1))] for k in range(per_condition)]
        cases += [(condition, i, rows[i]) for i in picked]
    return cases


def joint_sets(layers: int, heads: int) -> list[tuple[Head, ...]]:
    """Pairs and triplets within and across layers."""
    last = layers - 1
    return [
        ((0, 0), (0, heads - 1)),
        ((0, 1), (last, 2)),
        ((1, 0), (2, 3)),
        ((0, 0), (0, 3), (1, 2)),
        ((0, 2), (1, 4), (last, 1)),
        ((1, 1), (last - 1, heads - 2), (last, heads - 1)),
    ]


def label(heads: tuple[Head, ...]) -> str:
    return "+".join(f"{layer}:{head}" for layer, head in heads)


class Ablator:
    """A model with a way to set heads to a constant."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self.model = model
        self.layers, self.heads = model.config.n_layer, model.config.n_head
        self.d_head = model.config.n_embd // self.heads

    def constant(self, layer: int, head: int) -> Tensor:
        """c_h, (d_head)"""
        block = self.model.transformer.h[layer]
        d, at = self.model.config.n_embd, head * self.d_head
        columns = slice(2 * d + at, 2 * d + at + self.d_head)  # c_attn's columns are q | k | v
        return block.attn.c_attn.bias[columns] + block.ln_1.bias @ block.attn.c_attn.weight[:, columns]

    @contextmanager
    def ablated(self, heads: tuple[Head, ...], bias: str) -> Iterator[None]:
        def hook_for(layer: int, head: int):
            value = self.constant(layer, head) if bias == "folded" else 0.0

            def hook(_module: torch.nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
                z = args[0].clone()
                z[..., head * self.d_head:(head + 1) * self.d_head] = value
                return (z, *args[1:])

            return hook

        handles = [self.model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(hook_for(layer, head))
                   for layer, head in heads]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def logits(self, ids: list[int]) -> Tensor:
        """At the last token, (vocab)"""
        return self.model(torch.tensor([ids])).logits[0, -1]

    def measure(self, ids: list[int], target: int, foil: int) -> dict[str, object]:
        intact = self.logits(ids)
        logp = intact.log_softmax(-1)

        def ld(x: Tensor) -> Tensor:
            return x[target] - x[foil]

        out: dict[str, object] = {
            "ids": ids, "target_id": target, "foil_id": foil,
            "ld": digits(ld(intact).item()),
            "logprob": digits(logp[target].item()),
            "prob": digits(logp[target].exp().item()),
            "rank": int((intact > intact[target]).sum()),
            "entropy": digits(-(logp.exp() * logp).sum().item()),
            "argmax_id": int(intact.argmax()),
        }
        for bias in BIASES:
            grid: dict[str, list[list[float]]] = {
                m: [[0.0] * self.heads for _ in range(self.layers)] for m in ("delta_ld", "kl", "flip")}
            for layer in range(self.layers):
                for head in range(self.heads):
                    with self.ablated(((layer, head),), bias):
                        changed = self.logits(ids)
                    kl = (logp.exp() * (logp - changed.log_softmax(-1))).sum()
                    grid["delta_ld"][layer][head] = digits((ld(changed) - ld(intact)).item())
                    grid["kl"][layer][head] = digits(kl.item())
                    grid["flip"][layer][head] = int(changed.argmax() != intact.argmax())
            out[bias] = grid
        joint: dict[str, float] = {}
        for heads in joint_sets(self.layers, self.heads):
            with self.ablated(heads, "folded"):
                joint[label(heads)] = digits((ld(self.logits(ids)) - ld(intact)).item())
        out["joint_folded_delta_ld"] = joint
        return out


@torch.no_grad()
def write_golden(folder: Path, tokenizer: Tokenizer, cases: list[Case], out: Path, command: str) -> None:
    model, info = GPT2LMHeadModel.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager", output_loading_info=True)
    assert not info["missing_keys"], info
    model.eval()
    ablator = Ablator(model)
    bos = tokenizer.token_to_id(BOS)
    rows: list[dict[str, object]] = []
    for condition, index, row in cases:
        prompt = tokenizer.encode(row["clean"]).ids
        answers = [tokenizer.encode(row["clean"] + row[k]).ids for k in ("target", "foil")]
        assert all(a[:-1] == prompt for a in answers), row
        rows.append({"condition": condition, "row": index, "clean": row["clean"]}
                    | ablator.measure([bos, *prompt], answers[0][-1], answers[1][-1]))
    golden = {
        "schema": "abltui.golden/1",
        "command": command,
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
        "model": folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else folder.name,
        "model_sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "bos_id": bos, "n_layers": ablator.layers, "n_heads": ablator.heads,
    }
    head = json.dumps(golden, indent=1)[:-2]
    body = ",\n".join(json.dumps(r, separators=(",", ":"), allow_nan=False) for r in rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f'{head},\n "rows": [\n{body}\n]}}\n', newline="\n")
    json.loads(out.read_text())
    print(f"{out.name}: {len(rows)} rows, {out.stat().st_size:,} bytes")


def make_odd(folder: Path, tokenizer: Tokenizer) -> None:
    """A random GPT-2 whose sizes are no powers of two, saved the way the first published files were."""
    bos = tokenizer.token_to_id(BOS)
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size() + 5, n_positions=64, n_embd=60, n_layer=3, n_head=5, n_inner=176,
        activation_function="gelu_new", layer_norm_epsilon=1e-4, bos_token_id=bos, eos_token_id=bos)
    model = GPT2LMHeadModel(config)
    random = torch.Generator().manual_seed(20)
    tensors: dict[str, Tensor] = {}
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
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(str(TINY / "tokenizer.json"))
    command = "python tools/golden_tiny_gpt2.py"
    if args.random_odd is None:
        write_golden(TINY, tokenizer, test_rows(tokenizer, 12), ROOT / "tests/fixtures/tiny-gpt2-golden.json", command)
        return
    folder = args.random_odd.resolve()
    make_odd(folder, tokenizer)
    write_golden(folder, tokenizer, test_rows(tokenizer, 5)[::2], folder.with_name(folder.name + "-golden.json"),
                 f"{command} --random-odd tests/fixtures/{folder.name}")


if __name__ == "__main__":
    main()
