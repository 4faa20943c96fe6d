"""Train the bundled models and their tokenizers on generated text; one command makes everything again.

    python3 -m venv build/venv && build/venv/bin/pip install torch==2.13.0 numpy tokenizers safetensors
    build/venv/bin/python tools/make_data.py
    build/venv/bin/python tools/train_model.py [--model NAME]

For each model NAME of the table MODELS below, reads data/corpora and data/splits and writes

    data/models/NAME/{config.json, tokenizer.json, model.safetensors, README.md}
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
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn

import make_data

ROOT = Path(__file__).resolve().parent.parent
BOS = "<|endoftext|>"
SIZE_LIMIT = 4 << 20  # bytes of model.safetensors


# ---------------------------------------------------------------------------------------------------------------------
# Architectures. Parameters carry the names and shapes of the published checkpoints, so that a state dict is a file.


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

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(spec.vocab, spec.width),
            wpe=nn.Embedding(spec.context, spec.width),
            h=nn.ModuleList(Gpt2Block(spec.width, spec.heads) for _ in range(spec.layers)),
            ln_f=nn.LayerNorm(spec.width),
        ))
        for name, p in self.named_parameters():
            if p.dim() == 2:
                std = spec.init / math.sqrt(spec.width)
                nn.init.normal_(p, std=std / math.sqrt(2 * spec.layers) if name.endswith("c_proj.weight") else std)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        t = self.transformer
        x = t.wte(ids) + t.wpe(positions)
        for block in t.h:
            x = block(x, mask)
        return t.ln_f(x) @ t.wte.weight.T

    @staticmethod
    def config(spec: Spec, bos: int) -> dict[str, object]:
        return {
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.0,
            "bos_token_id": bos,
            "embd_pdrop": 0.0,
            "eos_token_id": bos,
            "initializer_range": round(spec.init / math.sqrt(spec.width), 4),
            "layer_norm_epsilon": 1e-05,
            "model_type": "gpt2",
            "n_ctx": spec.context,
            "n_embd": spec.width,
            "n_head": spec.heads,
            "n_inner": None,
            "n_layer": spec.layers,
            "n_positions": spec.context,
            "reorder_and_upcast_attn": False,
            "resid_pdrop": 0.0,
            "scale_attn_by_inverse_layer_idx": False,
            "scale_attn_weights": True,
            "tie_word_embeddings": True,
            "torch_dtype": "float16",
            "use_cache": True,
            "vocab_size": spec.vocab,
        }


# ---------------------------------------------------------------------------------------------------------------------
# Models


@dataclass(frozen=True)
class Spec:
    """One bundled model: its shape and how it is trained."""

    arch: type
    layers: int
    heads: int
    width: int
    context: int
    vocab: int
    steps: int
    batch: int = 32  # packed rows of `context` tokens
    init: float = 0.6  # standard deviation of the first weights, times the root of the width
    rate: float = 3e-3
    decay: float = 0.1
    warmup: int = 100
    answer_weight: float = 8.0  # of predicting an answer, against 1 for any other token
    early: int = 300  # step of an early checkpoint, overwritten by the final one
    seed: int = 7


MODELS: dict[str, Spec] = {
    "tiny-gpt2": Spec(Gpt2, layers=4, heads=8, width=128, context=128, vocab=2048, steps=1500),
}


# ---------------------------------------------------------------------------------------------------------------------
# Tokenizer and batches


def train_tokenizer(texts: list[str], vocab: int) -> Tokenizer:
    """Byte-level BPE with GPT-2's pre-tokenizer; the BOS has id 0 and is part of the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[BOS], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer)
    assert tokenizer.get_vocab_size() == vocab, f"only {tokenizer.get_vocab_size()} tokens"
    return tokenizer


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
    bos = tokenizer.token_to_id(BOS)
    for i in range(0, len(documents), 10_000):
        part = documents[i:i + 10_000]
        for document, e in zip(part, tokenizer.encode_batch([d.text for d in part])):
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


def read_corpora(tokenizer: Tokenizer) -> dict[str, dict[str, list[Row]]]:
    """condition: split: rows, after asserting what the corpora promise under this tokenizer."""
    bos = tokenizer.token_to_id(BOS)
    corpora: dict[str, dict[str, list[Row]]] = {}
    for condition in make_data.CONDITIONS:
        lines = (ROOT / f"data/corpora/{condition}.jsonl").read_text().splitlines()
        split = json.loads((ROOT / f"data/splits/{condition}.split.json").read_text())
        rows: list[Row] = []
        for line in lines:
            r = json.loads(line)
            clean, corrupt = (tokenizer.encode(r[k]).ids for k in ("clean", "corrupt"))
            assert len(clean) == len(corrupt), r
            answers = []
            for word in (r["target"], r["foil"]):
                for text, ids in ((r["clean"], clean), (r["corrupt"], corrupt)):
                    longer = tokenizer.encode(text + word).ids
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

A {layers}-layer, {heads}-head, {width}-wide transformer of the {arch} architecture with a vocabulary of {vocab} tokens
and {parameters:,} parameters, stored as float16.

It is trained by `tools/train_model.py` on text generated by `tools/make_data.py`: short sentences about a small closed
world, with none of the prompts of the validation and test splits among them. It answers the conditions in
`data/corpora` and knows nothing else. Use it to try things out, to test and to teach; nothing found in it says anything
about larger models.

Prompts are read behind `<|endoftext|>` (id {bos}). Scores by condition and split: `tools/train_{name}.log`.
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


def write_card(name: str, spec: Spec, model: nn.Module, bos: int) -> None:
    text = CARD.format(name=name, layers=spec.layers, heads=spec.heads, width=spec.width, arch=spec.arch.title,
                       vocab=spec.vocab, bos=bos, parameters=sum(p.numel() for p in model.parameters()))
    (ROOT / "data/models" / name / "README.md").write_text(text, newline="\n")


def save(name: str, spec: Spec, model: nn.Module, tokenizer: Tokenizer) -> int:
    """Write the model's folder; returns the size of model.safetensors."""
    folder = ROOT / "data/models" / name
    folder.mkdir(parents=True, exist_ok=True)
    bos = tokenizer.token_to_id(BOS)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(spec.arch.config(spec, bos), indent=2) + "\n", newline="\n")
    weights = folder / "model.safetensors"
    save_file(rounded(model), weights, metadata={"format": "pt"})
    weights.chmod(0o644)
    write_card(name, spec, model, bos)
    assert weights.stat().st_size < SIZE_LIMIT, weights
    return weights.stat().st_size


def report(log: Log, spec: Spec, model: nn.Module, corpora: dict[str, dict[str, list[Row]]],
           parts: tuple[str, ...]) -> bool:
    """Log the scores of the rounded weights; whether every test split passes (mean ld > 2, ld > 0 on 90 % of rows)."""
    copy = spec.arch(spec)
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
    torch.manual_seed(spec.seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    log(f"model {name}: {spec.layers} layers, {spec.heads} heads, width {spec.width}, context {spec.context},"
        f" vocabulary {spec.vocab}; torch {torch.__version__}, {threads} thread(s), seed {spec.seed}")

    rows = spec.steps * spec.batch
    documents = list(make_data.documents(rows * spec.context // 20))  # documents have about 24 tokens
    texts = [d.text for d in documents]
    everything = "\n".join(texts)
    banned = make_data.held_out()
    found = [prompt for prompt in banned if prompt in everything]
    assert not found, found
    log(f"text: {len(texts):,} documents, {len(everything):,} characters; of {len(banned)} prompts (clean and corrupt)"
        f" of the val and test splits, {len(found)} occur in it")

    tokenizer = train_tokenizer(texts[:100_000], spec.vocab)
    bos = tokenizer.token_to_id(BOS)
    corpora = read_corpora(tokenizer)
    lengths = {c: [len(r.clean) - 1 for rows_ in s.values() for r in rows_] for c, s in corpora.items()}
    log("prompt lengths in tokens: " + ", ".join(f"{c} {min(n)}-{max(n)}" for c, n in lengths.items()))
    data = pack(encode(tokenizer, documents, spec), spec.context, bos, rows)
    log(f"packed: {rows:,} rows of {spec.context}, {(data.document >= 0).float().mean():.1%} filled;"
        f" {log.seconds():.0f} s so far")

    model = spec.arch(spec)
    optimizer = optimizer_for(model, spec)
    total, count = 0.0, 0
    for step in range(spec.steps):
        part = slice(step * spec.batch, (step + 1) * spec.batch)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, spec)
        logits = model(data.ids[part], data.positions[part], batch_mask(data.document[part]))
        weights = data.weights[part].reshape(-1)
        losses = F.cross_entropy(logits.view(-1, spec.vocab), data.labels[part].reshape(-1), reduction="none")
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
