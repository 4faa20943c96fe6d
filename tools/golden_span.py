"""Write the expected numbers of --span full: whole answers, teacher-forced, by transformers in float64.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_span.py

For tiny-gpt2 and the fixture llama-gqa it writes tests/fixtures/span/NAME.jsonl, rows whose answers have one to several tokens,
and NAME.json: of each row the number of tokens of both answers and the sums of ln p of their tokens, "intact", with each head
zero-ablated at every position (value bias folded) under its "L:H", and with the residual stream that leaves each layer put in
from the corrupt prompt behind which the same answer stands ("resid_post@L[all]", positions from the end).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from transformers import AttentionInterface

from golden_experiments import Edit, Key, Probe, ablate, attention, put, weights_of
from golden_heads import FIXTURES, ROOT, digits, in_double

OUT = FIXTURES / "span"
ROWS = {
    "tiny-gpt2": ("data/models/tiny-gpt2", "<|endoftext|>", [
        ("Paris is the capital of", "Rome is the great capital of", " France, they say", " Italy"),
        ("Tom said: no, the bag is", "Tom said: yes, it is", " full.", " not full of water"),
        ("The cat is", "A dog was", " warm", " cold")]),
    "llama-gqa": ("tests/fixtures/archs/llama-gqa", "<s>", [
        ("Paris is the capital of", "Rome is the capital of", " France, so", " Italy"),
        ("Tom said: no, the bag is", "Tom said: no, it is", " full", " not full"),
        ("It is", "The bag is now", " a cup", " the bag in the cup")]),
}


def answers(tokenizer: Tokenizer, prompt: str, words: str) -> tuple[list[int], list[int]]:
    ids = tokenizer.encode(prompt, add_special_tokens=False).ids
    both = tokenizer.encode(prompt + words, add_special_tokens=False).ids
    assert both[:len(ids)] == ids and len(both) > len(ids), (prompt, words)
    return ids, both[len(ids):]


def score(probe: Probe, ids: list[int], answer: list[int], edits: dict[Key, Edit]) -> float:
    """The sum of ln p of the answer's tokens."""
    probe.edits, probe.seen, Probe.now = edits, {}, probe
    logp = probe.model(torch.tensor([ids + answer[:-1]]), use_cache=False).logits[0].log_softmax(-1)
    return sum(logp[len(ids) - 1 + i, t].item() for i, t in enumerate(answer))


@torch.no_grad()
def write(name: str, folder: Path, bos: str, rows: list[tuple[str, str, str, str]]) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    first = [tokenizer.token_to_id(bos)]
    with in_double():
        probe = Probe(folder)
        w = weights_of(probe)
        group = probe.n_heads // probe.n_kv_heads
        constant = [(torch.einsum("d,hde->he", b, v) + b_v).repeat_interleave(group, 0)
                    for b, v, b_v in zip(w.bias, w.w_v, w.b_v)]
        out: dict[str, list[list[float]]] = {}
        counts = []
        for clean, corrupt, target, foil in rows:
            ids, t = answers(tokenizer, clean, target)
            _, f = answers(tokenizer, clean, foil)
            other = first + tokenizer.encode(corrupt, add_special_tokens=False).ids
            ids = first + ids
            counts.append([len(t), len(f)])
            seen = []
            for a in (t, f):
                score(probe, other, a, {})
                seen.append(dict(probe.seen))
            out.setdefault("intact", []).append([digits(score(probe, ids, a, {})) for a in (t, f)])
            for layer in range(probe.n_layers):
                for head in range(probe.n_heads):
                    edits = {("z", layer): ablate(head, constant[layer][head], 0.0)}
                    out.setdefault(f"{layer}:{head}", []).append([digits(score(probe, ids, a, edits)) for a in (t, f)])
                key = ("resid_post", layer)
                out.setdefault(f"resid_post@{layer}[all]", []).append([
                    digits(score(probe, ids, a, {key: put("resid_post", None, None, s[key])}))
                    for a, s in zip((t, f), seen)])
    OUT.mkdir(parents=True, exist_ok=True)
    lines = [dict(zip(("clean", "corrupt", "target", "foil"), r)) for r in rows]
    (OUT / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in lines), newline="\n")
    golden = {"command": "python tools/golden_span.py", "model": folder.relative_to(ROOT).as_posix(), "n_tokens": counts,
              "logprob": out}
    (OUT / f"{name}.json").write_text(json.dumps(golden).replace('], "', '],\n"') + "\n", newline="\n")
    print(name, counts)


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    AttentionInterface.register("probe", attention)
    for name, (folder, bos, rows) in ROWS.items():
        write(name, ROOT / folder, bos, rows)


if __name__ == "__main__":
    main()
