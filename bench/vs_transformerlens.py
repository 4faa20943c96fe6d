#!/usr/bin/env python3
"""The head sweep against TransformerLens, on the same weights and prompts in one run, results compared row by row.

    python3 -m venv build/venv-bench
    build/venv-bench/bin/pip install -r bench/requirements.txt
    build/venv-bench/bin/python bench/vs_transformerlens.py ./abltui --shape gpt2-small

Random weights at a true shape, `--prompts` prompts of 10 tokens of which `--distinct` differ. Three contestants:

- abltui:  the whole process from start to exit, `--export` with all files: loading, packing, intact run, statistics.
- usual:   TransformerLens as it is mostly used: one hooked forward of the whole batch for each head.
- careful: the same library with care: distinct prompts only, no padding, the residual stream entering each layer kept
           from the intact run, so that a head of layer L starts at layer L (`start_at_layer`), logits of the last
           position only.

TransformerLens's clock runs over its forward passes and the reading of logits, not over making the model. Contestants take
turns, `--runs` times; the table has medians. A full sweep of the usual way takes minutes to hours, so that
`--sample N` lets TransformerLens run N heads of each layer, evenly spread; its time is then scaled to all heads, which the
table says. Both must agree on ld of every row under every head that was run, within 1e-3.
"""
import argparse
import csv
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHAPES = {  # n_layers, n_heads, d_model, n_vocab
    "tiny": (4, 8, 128, 2048),
    "gpt2-small": (12, 12, 768, 50257),
    "gpt2-medium": (24, 16, 1024, 50257),
    "gpt2-large": (36, 20, 1280, 50257),
}
N_CTX = 64
TOLERANCE = 1e-3


def write_tokenizer(folder: Path) -> None:
    """A byte-level BPE without merges: a token a byte, and <|endoftext|> before each prompt."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {b: chr(b) for b in visible}
    alphabet |= {b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in visible)}
    vocab = {alphabet[b]: b for b in range(256)} | {"<|endoftext|>": 256}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    special = {"id": 256, "content": "<|endoftext|>", "special": True, "single_word": False, "lstrip": False,
               "rstrip": False, "normalized": False}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": [special], "normalizer": None, "pre_tokenizer": byte_level,
        "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocab, "merges": []}}))


def write_model(folder: Path, shape: tuple[int, int, int, int]):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    n_layers, n_heads, d_model, n_vocab = shape
    torch.manual_seed(7)
    config = GPT2Config(n_layer=n_layers, n_head=n_heads, n_embd=d_model, vocab_size=n_vocab, n_positions=N_CTX,
                        bos_token_id=256, eos_token_id=256)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():  # biases are 0 in a fresh model: what is zero everywhere tests nothing
        for name, p in model.named_parameters():
            if name.endswith(".bias"):
                p.normal_(0, 0.02)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return model


def write_rows(path: Path, n: int, distinct: int, length: int) -> list[dict]:
    rng = random.Random(11)
    letters = "abcdefghijklmnopqrstuvwxyz"
    prompts: list[str] = []
    while len(prompts) < distinct:
        text = "".join(rng.choice(letters) for _ in range(length - 1))  # BOS is the first token
        if text not in prompts:
            prompts.append(text)
    rows = []
    for i in range(n):
        target, foil = rng.sample(letters, 2)
        rows.append({"clean": prompts[i % distinct], "target": target, "foil": foil})
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return rows


class Lens:
    """TransformerLens over the same weights and prompts."""

    def __init__(self, hf, shape, rows):
        import torch
        from transformer_lens import HookedTransformer, HookedTransformerConfig
        from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
        n_layers, n_heads, d_model, n_vocab = shape
        self.torch = torch
        self.shape = shape
        cfg = HookedTransformerConfig(n_layers=n_layers, n_heads=n_heads, d_model=d_model, d_head=d_model // n_heads,
                                      d_mlp=4 * d_model, d_vocab=n_vocab, n_ctx=N_CTX, act_fn="gelu_new",
                                      normalization_type="LN", eps=hf.config.layer_norm_epsilon, device="cpu")
        self.model = HookedTransformer(cfg)
        self.model.load_and_process_state_dict(convert_gpt2_weights(hf, cfg))
        self.model.eval()
        ids = [[256, *r["clean"].encode()] for r in rows]
        self.tokens = torch.tensor(ids)
        self.target = torch.tensor([r["target"].encode()[0] for r in rows])
        self.foil = torch.tensor([r["foil"].encode()[0] for r in rows])
        self.distinct, self.row_of = torch.unique(self.tokens, dim=0, return_inverse=True)

    def ld(self, last):
        rows = self.torch.arange(len(self.target))
        return last[rows, self.target] - last[rows, self.foil]

    @staticmethod
    def zero(head):
        def hook(z, hook):
            z[:, :, head, :] = 0
            return z
        return hook

    def usual(self, heads):
        out = {}
        with self.torch.no_grad():
            for layer, head in heads:
                logits = self.model.run_with_hooks(
                    self.tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", self.zero(head))])
                out[layer, head] = self.ld(logits[:, -1])
        return out

    def careful(self, heads):
        out = {}
        kept = [f"blocks.{l}.hook_resid_pre" for l in range(self.shape[0])]
        with self.torch.no_grad():
            _, cache = self.model.run_with_cache(self.distinct, names_filter=lambda n: n in kept,
                                                 return_type=None)
            for layer, head in heads:
                hooks = [(f"blocks.{layer}.attn.hook_z", self.zero(head))]
                with self.model.hooks(fwd_hooks=hooks):
                    resid = self.model(cache["resid_pre", layer], start_at_layer=layer,
                                       stop_at_layer=self.shape[0])
                last = self.model.unembed(self.model.ln_final(resid[:, -1:]))[:, 0]
                out[layer, head] = self.ld(last[self.row_of])
        return out


def run_abltui(program: str, model: Path, rows: Path, folder: Path, extra: list[str]) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    start = time.perf_counter()
    subprocess.run([program, "--model", str(model), "--data", str(rows), "--export", str(folder), "--device", "cpu",
                    "--quiet", *extra], check=True)
    return time.perf_counter() - start


def read_ld(folder: Path) -> dict:
    """(layer, head) -> ld of every row."""
    out: dict = {}
    with open(folder / "metrics/per_example.csv", newline="") as f:
        for r in csv.DictReader(f):
            layer, head = map(int, r["variant"].split(":"))
            out.setdefault((layer, head), []).append(float(r["ld"]))
    return out


def worst_difference(ours: dict, theirs: dict) -> float:
    return max(float((theirs[h] - theirs[h].new_tensor(ours[h])).abs().max()) for h in theirs)


def sample_heads(shape, n: int | None) -> list[tuple[int, int]]:
    n_layers, n_heads = shape[:2]
    chosen = range(n_heads) if not n else sorted({round(i * (n_heads - 1) / max(1, n - 1)) for i in range(n)})
    return [(l, h) for l in range(n_layers) for h in chosen]


def machine() -> str:
    names = [l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def compare(args, distinct: int, scratch: Path, hf, shape) -> bool:
    rows_path = scratch / f"rows-{distinct}.jsonl"
    rows = write_rows(rows_path, args.prompts, distinct, args.tokens)
    lens = Lens(hf, shape, rows)
    heads, n_all = sample_heads(shape, args.sample), shape[0] * shape[1]
    scale = n_all / len(heads)
    seconds: dict[str, list[float]] = {"abltui": [], "usual": [], "careful": []}
    worst = 0.0
    for _ in range(args.runs):
        seconds["abltui"].append(run_abltui(args.program, scratch / "model", rows_path, scratch / "run", args.extra))
        ours = read_ld(scratch / "run")
        for way in ("careful", "usual"):
            if way == "usual" and args.no_usual:
                continue
            start = time.perf_counter()
            theirs = getattr(lens, way)(heads)
            seconds[way].append((time.perf_counter() - start) * scale)
            worst = max(worst, worst_difference(ours, theirs))
    base = statistics.median(seconds["abltui"])
    note = "" if scale == 1 else f" (from {len(heads)} of {n_all} heads)"
    print(f"\n{args.shape}, {args.prompts} prompts of {args.tokens} tokens, {distinct} distinct, {n_all} heads")
    print(f"  abltui                    {base:9.2f} s  1.0")
    for way in ("careful", "usual"):
        if seconds[way]:
            t = statistics.median(seconds[way])
            print(f"  TransformerLens, {way:8s} {t:9.2f} s  {t / base:.1f}{note}")
    print(f"  largest difference in ld of any row under any head: {worst:.2g}", flush=True)
    return worst <= TOLERANCE


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("program")
    p.add_argument("--shape", choices=SHAPES, default="gpt2-small")
    p.add_argument("--prompts", type=int, default=160)
    p.add_argument("--tokens", type=int, default=10)
    p.add_argument("--distinct", type=int, nargs="*", default=[160, 98, 22])
    p.add_argument("--runs", type=int, default=1)
    p.add_argument("--sample", type=int, help="heads of each layer that TransformerLens runs (default all)")
    p.add_argument("--no-usual", action="store_true", help="leave out the usual way")
    p.add_argument("extra", nargs="*", help="options for abltui, behind --")
    args = p.parse_args()
    import torch
    import transformer_lens  # noqa: F401
    from importlib.metadata import version
    print(f"{machine()}; PyTorch {torch.__version__} with {torch.get_num_threads()} threads, "
          f"TransformerLens {version('transformer-lens')}; "
          + subprocess.run([args.program, "--version"], capture_output=True, text=True).stdout.replace("\n", "; "))
    shape = SHAPES[args.shape]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "model").mkdir()
        hf = write_model(scratch / "model", shape)
        agree = [compare(args, d, scratch, hf, shape) for d in args.distinct]
    if not all(agree):
        print(f"results differ by more than {TOLERANCE}", file=sys.stderr)
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
