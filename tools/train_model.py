"""Train the bundled models and their tokenizers on generated text; one command makes everything again.

    python3 -m venv build/venv && build/venv/bin/pip install torch==2.13.0 numpy tokenizers safetensors
    build/venv/bin/python tools/make_data.py
    build/venv/bin/python tools/train_model.py [--model NAME]

For each model NAME of the table MODELS below, reads data/corpora and data/splits and writes

    data/models/NAME/{config.json, tokenizer.json, tokenizer_config.json (LLaMA), model.safetensors, README.md}
    tools/train_NAME.log

The text comes from tools/make_data.py and holds no prompt of any validation or test split; the log records that check.
The run is deterministic for one version of torch, one number of threads and one kind of processor. Saved weights are
float16; all figures of the log are for the rounded weights computed in float32, each prompt run alone behind the BOS.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

import make_data
from architectures import Gpt2, Llama, Shape

ROOT = Path(__file__).resolve().parent.parent
SIZE_LIMIT = 4 << 20  # bytes of model.safetensors


# ---------------------------------------------------------------------------------------------------------------------
# Models


@dataclass(frozen=True)
class Spec:
    """One bundled model: its shape and how it is trained."""

    arch: type[Gpt2] | type[Llama]
    shape: Shape
    steps: int
    batch: int = 32  # packed rows of `context` tokens
    rate: float = 3e-3
    decay: float = 0.1
    warmup: int = 100
    answer_weight: float = 8.0  # of predicting an answer, against 1 for any other token
    early: int = 300  # step of an early checkpoint, overwritten by the final one
    seed: int = 7


MODELS: dict[str, Spec] = {
    "tiny-gpt2": Spec(Gpt2, Shape(layers=4, heads=8, width=128, context=128, vocab=2048), steps=1500),
    "tiny-llama": Spec(Llama, Shape(layers=4, heads=6, kv_heads=2, width=96, inner=256, context=128, vocab=2048),
                       steps=1800),
}


# ---------------------------------------------------------------------------------------------------------------------
# Tokenizer and batches


@dataclass
class Packed:
    """Documents packed into rows of `context` tokens; a document never sees another and starts at position 0."""

    ids: Tensor  # (rows, context)
    labels: Tensor  # (rows, context), the next token
    weights: Tensor  # (rows, context), of each prediction in the loss; 0 where there is nothing to predict
    positions: Tensor  # (rows, context)
    document: Tensor  # (rows, context), number within the row, -1 where empty


def encode(tokenizer: Tokenizer, documents: list[make_data.Document],
           spec: Spec) -> Iterator[tuple[list[int], list[float]]]:
    """Ids behind the BOS, and the weight of predicting each; the first token is never predicted."""
    bos = tokenizer.token_to_id(spec.arch.bos)
    for i in range(0, len(documents), 10_000):
        part = documents[i:i + 10_000]
        for document, e in zip(part, tokenizer.encode_batch([d.text for d in part], add_special_tokens=False)):
            answers = set(document.answers)
            weights = [spec.answer_weight if start in answers else 1.0 for start, _ in e.offsets]
            assert sum(w != 1 for w in weights) == len(answers), document
            yield [bos, *e.ids], [0.0, *weights]


def pack(documents: Iterator[tuple[list[int], list[float]]], context: int, bos: int, rows: int) -> Packed:
    """Fill `rows` rows in order; a document that does not fit the rest of a row starts the next one."""
    shape = (rows, context)
    p = Packed(torch.full(shape, bos), torch.full(shape, bos), torch.zeros(shape),
               torch.zeros(shape, dtype=torch.long), torch.full(shape, -1))
    row, at, number = 0, 0, 0
    for ids, weights in documents:
        n = len(ids)
        if n > context:
            continue
        if at + n > context:
            row, at, number = row + 1, 0, 0
            if row == rows:
                return p
        here = slice(at, at + n)
        p.ids[row, here] = torch.tensor(ids)
        p.labels[row, here] = torch.tensor(ids[1:] + [bos])  # a document ends with the token that starts the next
        p.weights[row, here] = torch.tensor(weights[1:] + [1.0])
        p.positions[row, here] = torch.arange(n)
        p.document[row, here] = number
        at, number = at + n, number + 1
    raise ValueError("too few documents")


def batch_mask(document: Tensor) -> Tensor:
    """True where a query may see a key: not later, and in the same document. (b, 1, t, t)"""
    t = document.shape[1]
    causal = torch.ones(t, t, dtype=torch.bool).tril()
    return ((document[:, :, None] == document[:, None, :]) & causal)[:, None]


# ---------------------------------------------------------------------------------------------------------------------
# Evaluation


@dataclass(frozen=True)
class Row:
    clean: list[int]  # the prompts behind the BOS
    corrupt: list[int]
    target: int
    foil: int


def read_corpora(tokenizer: Tokenizer, bos: int) -> dict[str, dict[str, list[Row]]]:
    """condition: split: rows, after asserting what the corpora promise under this tokenizer."""
    corpora: dict[str, dict[str, list[Row]]] = {}

    def encoded(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    for condition in make_data.CONDITIONS:
        lines = (ROOT / f"data/corpora/{condition}.jsonl").read_text().splitlines()
        split = json.loads((ROOT / f"data/splits/{condition}.split.json").read_text())
        rows: list[Row] = []
        for line in lines:
            r = json.loads(line)
            clean, corrupt = (encoded(r[k]) for k in ("clean", "corrupt"))
            assert len(clean) == len(corrupt), r
            answers = []
            for word in (r["target"], r["foil"]):
                for text, ids in ((r["clean"], clean), (r["corrupt"], corrupt)):
                    longer = encoded(text + word)
                    assert len(longer) == len(ids) + 1 and longer[:-1] == ids, r
                answers.append(longer[-1])
            rows.append(Row([bos, *clean], [bos, *corrupt], *answers))
        corpora[condition] = {part: [rows[i] for i in split[part]] for part in ("train", "val", "test")}
    return corpora


@dataclass(frozen=True)
class Score:
    ld: float  # mean on the clean prompts
    positive: float  # share of clean prompts with ld > 0
    right: float  # share of clean prompts whose most likely token is the target
    turned: float  # share of corrupt prompts with ld < 0


@torch.no_grad()
def score(model: nn.Module, rows: list[Row]) -> Score:
    """Each prompt is run alone and read at its last token."""

    def read(ids: list[int]) -> Tensor:
        n = len(ids)
        return model(torch.tensor([ids]), torch.arange(n)[None], torch.ones(n, n, dtype=torch.bool).tril())[0, -1]

    clean, corrupt, right = [], [], 0
    for row in rows:
        logits, other = read(row.clean), read(row.corrupt)
        clean.append((logits[row.target] - logits[row.foil]).item())
        corrupt.append((other[row.target] - other[row.foil]).item())
        right += int(logits.argmax().item() == row.target)
    n = len(rows)
    return Score(sum(clean) / n, sum(x > 0 for x in clean) / n, right / n, sum(x < 0 for x in corrupt) / n)


def rounded(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().to(torch.float16).contiguous() for name, p in model.state_dict().items()}


# ---------------------------------------------------------------------------------------------------------------------
# Training

CARD = """# {name}

A {layers}-layer, {heads}-head{kv_heads}, {width}-wide transformer of the {arch} architecture with a vocabulary of
{vocab} tokens and {parameters:,} parameters, stored as float16.

It is trained by `tools/train_model.py` on text generated by `tools/make_data.py`: short sentences about a small closed
world, with none of the prompts of the validation and test splits among them. It answers the conditions in
`data/corpora` and knows nothing else. Use it to try things out, to test and to teach; nothing found in it says anything
about larger models.

Prompts are read behind `{bos}` (id {bos_id}). Scores by condition and split: `tools/train_{name}.log`.
"""


class Log:
    """Writes each line to the file and to the terminal."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("w", newline="\n")
        self.start = time.monotonic()

    def __call__(self, text: str) -> None:
        print(text, flush=True)
        self.file.write(text + "\n")
        self.file.flush()

    def seconds(self) -> float:
        return time.monotonic() - self.start


def write_card(folder: Path, spec: Spec, model: nn.Module, bos: int) -> None:
    shape = spec.shape
    text = CARD.format(name=folder.name, layers=shape.layers, heads=shape.heads, width=shape.width,
                       kv_heads=f" ({shape.kv_heads} key-value heads)" if shape.kv_heads else "",
                       arch=spec.arch.title, vocab=shape.vocab, bos=spec.arch.bos, bos_id=bos,
                       parameters=sum(p.numel() for p in model.parameters()))
    (folder / "README.md").write_text(text, newline="\n")


def write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", newline="\n")


def save(name: str, spec: Spec, model: nn.Module, tokenizer: Tokenizer) -> int:
    """Write the model's folder; returns the size of model.safetensors."""
    folder = ROOT / "data/models" / name
    folder.mkdir(parents=True, exist_ok=True)
    config = spec.arch.config(spec.shape)
    bos = tokenizer.token_to_id(spec.arch.bos)
    assert config["bos_token_id"] == bos
    write_json(folder / "config.json", config)
    tokenizer.save(str(folder / "tokenizer.json"))
    if extra := spec.arch.tokenizer_config(spec.shape):
        write_json(folder / "tokenizer_config.json", extra)
    weights = folder / "model.safetensors"
    save_file(rounded(model), weights, metadata={"format": "pt"})
    weights.chmod(0o644)
    write_card(folder, spec, model, bos)
    assert weights.stat().st_size < SIZE_LIMIT, weights
    return weights.stat().st_size


def report(log: Log, spec: Spec, model: nn.Module, corpora: dict[str, dict[str, list[Row]]],
           parts: tuple[str, ...]) -> bool:
    """Log the scores of the rounded weights; whether every test split passes (mean ld > 2, ld > 0 on 90 % of rows)."""
    copy = spec.arch(spec.shape)
    copy.load_state_dict({k: v.float() for k, v in rounded(model).items()})
    log(f"  {'condition':<15} {'split':<6} {'rows':>4} {'mean ld':>8} {'ld > 0':>7} {'argmax = target':>16}"
        f" {'corrupt: ld < 0':>16}")
    passed = True
    for condition, splits in corpora.items():
        for part in parts:
            s = score(copy, splits[part])
            log(f"  {condition:<15} {part:<6} {len(splits[part]):>4} {s.ld:>8.3f} {s.positive:>7.1%} {s.right:>16.1%}"
                f" {s.turned:>16.1%}")
            passed &= part != "test" or (s.ld > 2 and s.positive >= 0.9)
    return passed


def optimizer_for(model: nn.Module, spec: Spec) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": spec.decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=spec.rate, betas=(0.9, 0.98), fused=True)


def rate_at(step: int, spec: Spec) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    if step < spec.warmup:
        return spec.rate * (step + 1) / spec.warmup
    done = (step - spec.warmup) / max(1, spec.steps - spec.warmup)
    return spec.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def train(name: str, spec: Spec, threads: int) -> bool:
    log = Log(ROOT / f"tools/train_{name}.log")
    shape = spec.shape
    torch.manual_seed(spec.seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    log(f"model {name}: {shape.layers} layers, {shape.heads} heads, width {shape.width}, context {shape.context},"
        f" vocabulary {shape.vocab}; torch {torch.__version__}, {threads} thread(s), seed {spec.seed}")

    rows = spec.steps * spec.batch
    documents = list(make_data.documents(rows * shape.context // 20))  # documents have about 24 tokens
    texts = [d.text for d in documents]
    everything = "\n".join(texts)
    banned = make_data.held_out()
    found = [prompt for prompt in banned if prompt in everything]
    assert not found, found
    log(f"text: {len(texts):,} documents, {len(everything):,} characters; of {len(banned)} prompts (clean and corrupt)"
        f" of the val and test splits, {len(found)} occur in it")

    tokenizer = spec.arch.train_tokenizer(texts[:100_000], shape.vocab)
    bos = tokenizer.token_to_id(spec.arch.bos)
    corpora = read_corpora(tokenizer, bos)
    lengths = {c: [len(r.clean) - 1 for rows_ in s.values() for r in rows_] for c, s in corpora.items()}
    log("prompt lengths in tokens: " + ", ".join(f"{c} {min(n)}-{max(n)}" for c, n in lengths.items()))
    data = pack(encode(tokenizer, documents, spec), shape.context, bos, rows)
    log(f"packed: {rows:,} rows of {shape.context}, {(data.document >= 0).float().mean():.1%} filled;"
        f" {log.seconds():.0f} s so far")

    model = spec.arch(spec.shape)
    optimizer = optimizer_for(model, spec)
    total, count = 0.0, 0
    for step in range(spec.steps):
        part = slice(step * spec.batch, (step + 1) * spec.batch)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, spec)
        logits = model(data.ids[part], data.positions[part], batch_mask(data.document[part]))
        weights = data.weights[part].reshape(-1)
        losses = F.cross_entropy(logits.view(-1, shape.vocab), data.labels[part].reshape(-1), reduction="none")
        loss = (losses * weights).sum() / weights.sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total, count = total + loss.item(), count + 1
        if (step + 1) % 100 == 0:
            log(f"step {step + 1:>5}  loss {total / count:.4f}  {log.seconds():.0f} s")
            total, count = 0.0, 0
        if step + 1 == spec.early:
            save(name, spec, model, tokenizer)
            report(log, spec, model, corpora, ("val",))

    size = save(name, spec, model, tokenizer)
    log(f"trained in {log.seconds():.0f} s; model.safetensors has {size:,} bytes")
    log("final scores of the float16 weights, computed in float32, each prompt alone behind the BOS:")
    passed = report(log, spec, model, corpora, ("train", "val", "test"))
    goal = "every test split has mean ld > 2 and ld > 0 on at least 90 % of its rows"
    log(f"accepted: {goal}" if passed else f"NOT accepted; asked: {goal}")
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODELS), action="append", help="default: every model")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    return 0 if all([train(name, MODELS[name], args.threads) for name in args.model or MODELS]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
