"""Write the expected numbers of --compat tinylab, that the tests compare against: padded runs and their metrics by
transformers in float64, and splits by CPython's random.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_compat.py

The rows are the first of tests/fixtures/experiments/NAME.jsonl. All clean prompts are one batch, padded on the right to the
longest of them and run without an attention mask; so are the corrupt ones. The last column of the logits is read. The output
is tests/fixtures/compat.json:

    models      NAME -> number of rows, pad id, clean and corrupt (length and ld of each row), sequences (lengths of the longest),
                heads ("L:H" -> first-token and sequence metrics; every head zeroed, value bias folded), sets ("L:H+L:H" ->
                first-token metrics), patch (direction -> "SITE@L[all]" or "z@L:H[all]" -> ld of each row, first-token metrics
                against the run that gives, max_abs_delta and sequence metrics; positions 0 … min(T) - 1 from the start),
                sham (direction -> "sham SITE@L[all]" -> likewise, against the run itself: a run's own activations put in)
    splits      n, seed and shares of train and val -> the three lists: seed, shuffle range(n), cut, sort

The metrics, of the last column's logits c (before) and a (after), t and f being the ids of target and foil:
logit_diff = mean(a[t] - a[f]); p_drop = mean(p_c[t] - p_a[t]); kl_div = mean(sum(P (ln P - ln p_a))) where P is p_c with what
is below 1e-8 raised to 1e-8; acc_flip_rate = mean(argmax p_a is not t). max_abs_delta is the largest |a - c| at any position
that both runs have, of logits that count from their mean over the vocabulary.

Sequences are the clean texts with the target behind them, a batch, and with the foil, another, each padded to its longest. S is
the sum of ln p of the last k columns' tokens, k being the answer's tokens encoded alone; i is the intact run of the same batch.
seq_logprob_diff = mean(S_a(t) - S_a(f)); seq_p_drop = mean(S_i(t) - S_a(t)); seq_kl_mean = mean over rows of the mean over
those columns of sum(max(p_i, 1e-8) (ln p_i - ln p_a)). What is patched onto them is what is patched onto prompts.
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
from golden_heads import FIXTURES, ROOT, Ablator, build, digits, in_double, label, read_state

# Folder, BOS, padding and the number of rows: with the first two of llama-gqa the clean batch is shorter than the corrupt one.
MODELS = {
    "tiny-gpt2": (ROOT / "data/models/tiny-gpt2", "<|endoftext|>", "<|endoftext|>", 4),
    "llama-gqa": (FIXTURES / "archs/llama-gqa", "<s>", "</s>", 2),
    "neox-parallel": (FIXTURES / "archs/neox-parallel", "<|endoftext|>", "<|endoftext|>", 3),
}
SPLITS = [(200, 123, 0.8, 0.1), (20, 123, 0.8, 0.1), (200, 13, 0.7, 0.15), (20, 13, 0.7, 0.15), (7, 0, 0.5, 0.25),
          (1, 1, 0.8, 0.1), (127, 2**32 + 5, 0.8, 0.1), (1500, 2**31, 0.6, 0.2)]
FLOOR = 1e-8
SETS = (((0, 1), (0, 2)), ((0, 0), (0, 1), (0, 3)), ((0, 3), (1, 2)))


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


def logprobs(logits: Tensor, ids: Tensor) -> Tensor:
    """Of every token but the first behind those before it, (rows, columns - 1)."""
    return logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]


def furthest(before: Tensor, after: Tensor) -> float:
    n = min(before.shape[1], after.shape[1])
    a, b = (x[:, :n] - x[:, :n].mean(-1, keepdim=True) for x in (after, before))
    return digits((a - b).abs().max().item())


class Batch:
    """Prompts side by side, padded."""

    def __init__(self, prompts: list[list[int]], pad: int) -> None:
        self.length = max(map(len, prompts))
        self.ids = torch.tensor([p + [pad] * (self.length - len(p)) for p in prompts])


class Sequences:
    """Prompts with an answer behind each, and how many columns of each row's end are scored."""

    def __init__(self, prompts: list[list[int]], scored: list[int], pad: int) -> None:
        self.batch, self.scored = Batch(prompts, pad), scored

    def total(self, logits: Tensor) -> Tensor:
        each = logprobs(logits, self.batch.ids)
        return torch.stack([row[len(row) - k:].sum() for row, k in zip(each, self.scored)])

    def divergence(self, before: Tensor, after: Tensor) -> Tensor:
        p, q = before[:, :-1].log_softmax(-1), after[:, :-1].log_softmax(-1)
        each = (p.exp().clamp(min=FLOOR) * (p - q)).sum(-1)
        return torch.stack([row[len(row) - k:].mean() for row, k in zip(each, self.scored)])


def sequence_metrics(target: Sequences, foil: Sequences, run: Callable[[Batch], Tensor],
                     intact: Tensor) -> dict[str, float]:
    """intact: logits of the target's sequences."""
    of_target, of_foil = run(target.batch), run(foil.batch)
    values = {
        "seq_logprob_diff": target.total(of_target) - foil.total(of_foil),
        "seq_p_drop": target.total(intact) - target.total(of_target),
        "seq_kl_mean": target.divergence(intact, of_target),
    }
    return {name: digits(v.mean().item()) for name, v in values.items()}


class Patcher(Ablator):
    def blocks(self) -> list[nn.Module]:
        kind = self.model.config.model_type
        return list(self.model.transformer.h if kind == "gpt2" else
                    self.model.gpt_neox.layers if kind == "gpt_neox" else self.model.model.layers)

    def all(self, batch: Batch) -> Tensor:
        return self.model(batch.ids, use_cache=False).logits

    def last(self, batch: Batch) -> Tensor:
        return self.all(batch)[:, -1]

    def hidden(self) -> list[nn.Module]:
        """What the MLPs' hidden layers enter."""
        kind = self.model.config.model_type
        return [b.mlp.c_proj if kind == "gpt2" else b.mlp.dense_4h_to_h if kind == "gpt_neox" else b.mlp.down_proj
                for b in self.blocks()]

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
    def entering(self, module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        handle = module.register_forward_pre_hook(lambda _m, args: (change(args[0]), *args[1:]))
        try:
            yield
        finally:
            handle.remove()

    def z(self, layer: int, change: Callable[[Tensor], Tensor]):
        return self.entering(self.sites[layer][0], change)

    # Putting in all of z is putting in what W_O makes of it, and likewise the MLP's hidden layer.
    attn_out = z

    def mlp_out(self, layer: int, change: Callable[[Tensor], Tensor]):
        return self.entering(self.hidden()[layer], change)

    def patched(self, site: str, layer: int, columns: slice, source: Batch, target: Batch) -> Tensor:
        """Logits of every column."""
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
            return self.all(target)


def sequences(tokenizer: Tokenizer, bos: str, pad: int, lines: list[str], side: str) -> Sequences:
    rows = [json.loads(line) for line in lines]

    def ids(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids
    prompts = [[tokenizer.token_to_id(bos), *ids(r["clean"] + r[side])] for r in rows]
    return Sequences(prompts, [len(ids(r[side])) for r in rows], pad)


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
    of_target, of_foil = (sequences(tokenizer, bos, pad, lines, side) for side in ("target", "foil"))
    seq_intact = model.all(of_target.batch)

    def lds(logits: Tensor) -> list[float]:
        return [digits(x) for x in (logits[at, target] - logits[at, foil]).tolist()]

    every = {"clean": model.all(clean), "corrupt": model.all(corrupt)}
    base = {name: logits[:, -1] for name, logits in every.items()}
    out: dict[str, object] = {
        "n_rows": n_rows, "pad": pad,
        "clean": {"length": clean.length, "ld": lds(base["clean"])},
        "corrupt": {"length": corrupt.length, "ld": lds(base["corrupt"])},
        "sequences": {"target": of_target.batch.length, "foil": of_foil.batch.length,
                      "scored": [of_target.scored, of_foil.scored]},
    }
    heads: dict[str, object] = {}
    for layer in range(model.layers):
        for head in range(model.heads):
            with model.ablated(((layer, head),), "folded"):
                heads[f"{layer}:{head}"] = (metrics(base["clean"], model.last(clean), target, foil)
                                            | sequence_metrics(of_target, of_foil, model.all, seq_intact))
    out["heads"] = heads
    sets: dict[str, object] = {}
    for joint in SETS:
        with model.ablated(joint, "folded"):
            sets[label(joint)] = metrics(base["clean"], model.last(clean), target, foil)
    out["sets"] = sets
    width = len(model.sites[0][1][0])
    patch: dict[str, object] = {}
    sham: dict[str, object] = {}
    for direction, given, source, runs, run in (("clean->corrupt", "clean", clean, "corrupt", corrupt),
                                                ("corrupt->clean", "corrupt", corrupt, "clean", clean)):
        table, still = patch.setdefault(direction, {}), sham.setdefault(direction, {})
        for layer in range(model.layers):
            for site, head in (("resid_post", None), ("attn_out", None), ("mlp_out", None), ("z", 1)):
                columns = slice(None) if head is None else slice(head * width, (head + 1) * width)

                def put(batch: Batch) -> Tensor:
                    return model.patched(site, layer, columns, source, batch)
                after = put(run)
                name = f"{site}@{layer}{'' if head is None else f':{head}'}[all]"
                table[name] = ({"ld": lds(after[:, -1])} | metrics(base[given], after[:, -1], target, foil)
                               | {"max_abs_delta": furthest(every[given], after)}
                               | sequence_metrics(of_target, of_foil, put, seq_intact))
                if head is None:
                    still[f"sham {name}"] = (metrics(base[runs], base[runs], target, foil)
                                             | {"max_abs_delta": furthest(every[runs], every[runs])}
                                             | sequence_metrics(of_target, of_foil, model.all, seq_intact))
    out["patch"] = patch
    out["sham"] = sham
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
