"""Write the expected numbers of --compat tinylab, that the tests compare against: padded runs and their metrics by
transformers in float64, and splits by CPython's random.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_compat.py

The rows are the first of tests/fixtures/experiments/NAME.jsonl. All clean prompts are one batch, padded on the right to the
longest of them and run without an attention mask; so are the corrupt ones. The last column of the logits is read. The output
is tests/fixtures/compat.json:

    models      NAME -> number of rows, pad id, clean and corrupt (length and ld of each row), heads ("L:H" -> the four metrics; every head
                zeroed, value bias folded), patch (direction -> "resid_post@L[all]" or "z@L:H[all]" -> ld of each row and the
                four metrics against the run that gives; positions 0 … min(T) - 1 from the start)
    splits      n, seed and shares of train and val -> the three lists: seed, shuffle range(n), cut, sort

The metrics, of the last column's logits c (before) and a (after), t and f being the ids of target and foil:
logit_diff = mean(a[t] - a[f]); p_drop = mean(p_c[t] - p_a[t]); kl_div = mean(sum(P (ln P - ln p_a))) where P is p_c with what
is below 1e-8 raised to 1e-8; acc_flip_rate = mean(argmax p_a is not t).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor, nn

from golden_experiments import Lab, Row
from golden_heads import FIXTURES, ROOT, Ablator, build, digits, in_double, read_state

# Folder, BOS, padding and the number of rows: with the first two of llama-gqa the clean batch is shorter than the corrupt one.
MODELS = {
    "tiny-gpt2": (ROOT / "data/models/tiny-gpt2", "<|endoftext|>", "<|endoftext|>", 4),
    "llama-gqa": (FIXTURES / "archs/llama-gqa", "<s>", "</s>", 2),
    "neox-parallel": (FIXTURES / "archs/neox-parallel", "<|endoftext|>", "<|endoftext|>", 3),
}
SPLITS = [(200, 123, 0.8, 0.1), (20, 123, 0.8, 0.1), (200, 13, 0.7, 0.15), (20, 13, 0.7, 0.15), (7, 0, 0.5, 0.25),
          (1, 1, 0.8, 0.1), (127, 2**32 + 5, 0.8, 0.1), (1500, 2**31, 0.6, 0.2)]
FLOOR = 1e-8


def metrics(before: Tensor, after: Tensor, target: Tensor, foil: Tensor) -> dict[str, float]:
    rows = torch.arange(len(target))
    p_before, p_after = before.softmax(-1), after.softmax(-1)
    raised = torch.maximum(p_before, torch.tensor(FLOOR))
    values = {
        "logit_diff": after[rows, target] - after[rows, foil],
        "kl_div": (raised * (raised.log() - after.log_softmax(-1))).sum(-1),
        "acc_flip_rate": (p_after.argmax(-1) != target).double(),
        "p_drop": p_before[rows, target] - p_after[rows, target],
    }
    return {name: digits(v.mean().item()) for name, v in values.items()}


class Batch:
    """Prompts side by side, padded."""

    def __init__(self, prompts: list[list[int]], pad: int) -> None:
        self.length = max(map(len, prompts))
        self.ids = torch.tensor([p + [pad] * (self.length - len(p)) for p in prompts])


class Patcher(Ablator):
    def blocks(self) -> list[nn.Module]:
        kind = self.model.config.model_type
        return list(self.model.transformer.h if kind == "gpt2" else
                    self.model.gpt_neox.layers if kind == "gpt_neox" else self.model.model.layers)

    def last(self, batch: Batch) -> Tensor:
        return self.model(batch.ids, use_cache=False).logits[:, -1]

    @contextmanager
    def resid_post(self, layer: int, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        def hook(_module: nn.Module, _args: tuple, output):
            whole = isinstance(output, tuple)
            x = change(output[0] if whole else output)
            return (x, *output[1:]) if whole else x
        handle = self.blocks()[layer].register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def z(self, layer: int, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        handle = self.sites[layer][0].register_forward_pre_hook(lambda _m, args: (change(args[0]), *args[1:]))
        try:
            yield
        finally:
            handle.remove()

    def patched(self, site: str, layer: int, columns: slice, source: Batch, target: Batch) -> Tensor:
        at = getattr(self, site)
        seen: list[Tensor] = []

        def keep(x: Tensor) -> Tensor:
            seen.append(x.clone())
            return x

        def put(x: Tensor) -> Tensor:
            n = min(source.length, target.length)
            x = x.clone()
            x[:, :n, columns] = seen[0][:, :n, columns]
            return x
        with at(layer, keep):
            self.last(source)
        with at(layer, put):
            return self.last(target)


def measure(name: str) -> dict[str, object]:
    folder, bos, pad_text, n_rows = MODELS[name]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pad = tokenizer.token_to_id(pad_text)
    lines = (FIXTURES / f"experiments/{name}.jsonl").read_text().splitlines()[:n_rows]
    rows = [Lab.encode(tokenizer, bos, Row(**json.loads(line))) for line in lines]
    target, foil = torch.tensor([r.target for r in rows]), torch.tensor([r.foil for r in rows])
    clean, corrupt = Batch([r.clean for r in rows], pad), Batch([r.corrupt for r in rows], pad)
    model = Patcher(build(folder, read_state(folder), torch.float64))
    at = torch.arange(len(rows))

    def lds(logits: Tensor) -> list[float]:
        return [digits(x) for x in (logits[at, target] - logits[at, foil]).tolist()]

    base = {"clean": model.last(clean), "corrupt": model.last(corrupt)}
    out: dict[str, object] = {
        "n_rows": n_rows, "pad": pad,
        "clean": {"length": clean.length, "ld": lds(base["clean"])},
        "corrupt": {"length": corrupt.length, "ld": lds(base["corrupt"])},
    }
    heads: dict[str, object] = {}
    for layer in range(model.layers):
        for head in range(model.heads):
            with model.ablated(((layer, head),), "folded"):
                heads[f"{layer}:{head}"] = metrics(base["clean"], model.last(clean), target, foil)
    out["heads"] = heads
    width = len(model.sites[0][1][0])
    patch: dict[str, object] = {}
    for direction, given, source, run in (("clean->corrupt", "clean", clean, corrupt),
                                          ("corrupt->clean", "corrupt", corrupt, clean)):
        table = patch[direction] = {}
        for layer in range(model.layers):
            for site, head in (("resid_post", None), ("z", 1)):
                columns = slice(None) if head is None else slice(head * width, (head + 1) * width)
                after = model.patched(site, layer, columns, source, run)
                label = f"{site}@{layer}{'' if head is None else f':{head}'}[all]"
                table[label] = {"ld": lds(after)} | metrics(base[given], after, target, foil)
    out["patch"] = patch
    return out


def split(n: int, seed: int, train: float, val: float) -> dict[str, object]:
    rows = list(range(n))
    random.seed(seed)
    random.shuffle(rows)
    first, second = int(n * train), int(n * train) + int(n * val)
    return {"n": n, "seed": seed, "train_share": train, "val_share": val, "train": sorted(rows[:first]),
            "val": sorted(rows[first:second]), "test": sorted(rows[second:])}


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    with in_double():
        models = {name: measure(name) for name in MODELS}
    golden = {
        "schema": "abltui.golden_compat/1", "command": "python tools/golden_compat.py",
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
        "models": models, "splits": [split(*s) for s in SPLITS],
    }
    text = json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('},"', '},\n"')
    (FIXTURES / "compat.json").write_text(text + "\n", newline="\n")
    print(f"compat.json: {len(text):,} bytes")


if __name__ == "__main__":
    main()
