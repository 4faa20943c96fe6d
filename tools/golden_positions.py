"""Write hand-made rows of 4 to 12 tokens, and what edits at positions of them give, by transformers in float64.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_positions.py

For tiny-gpt2 it writes tests/fixtures/positions/rows.jsonl, rows whose subject stands at different places, is of several
tokens, or is not there, and tests/fixtures/positions/cells.json:

    patch   position -> "resid_pre@0", "z@1:3", … -> n, n_changed, value, delta, recovery, delta_changed, recovery_changed of ld,
            clean->corrupt. A row counts where some token of the position has a partner in the other prompt, neither being BOS;
            n_changed are those where such a pair is of different tokens. null: no row.
    ablate  kind -> position -> head -> n, value, delta of ld; zero (value bias folded), mean, patch

Roles are found here, from the tokenizer's offsets; means are taken here, over the rows that count.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer
from torch import Tensor
from transformers import AttentionInterface

from golden_experiments import WIDE_SITES, Edit, Lab, Row, attention
from golden_heads import FIXTURES, ROOT, digits

OUT = FIXTURES / "positions"
MODEL = ROOT / "data/models/tiny-gpt2"
POSITIONS = ("subject:last", "subject:first", "subject:all", "diff", "END", "-3", "-5", "-11", "0", "2", "8")
PATCHED = [("resid_pre", 0, None), ("resid_post", 1, None), ("mlp_out", 0, None), ("z", 0, 2), ("z", 1, 3), ("v", 2, 1)]
HEADS = ((0, 2), (1, 3), (3, 0))

# clean, its subject, corrupt, its subject, target, foil; no subject: ""
ROWS = [
    ("The grass is", "grass", "The mud is", "mud", " green", " brown"),
    ("A crow is a", "crow", "A school bus is a", "school bus", " bird", " vehicle"),
    ("In England, people speak", "England", "In Russia, people speak", "Russia", " English", " Russian"),
    ("Two opposites: long and", "long", "Two opposites: sharp and", "sharp", " short", " dull"),
    ("So the color of grass is", "grass", "So the color of mud is", "mud", " green", " brown"),
    ("Music comes before prayer. So prayer comes", "prayer", "Music comes after prayer. So prayer comes", "prayer", " after",
     " before"),
    ("Paint chocolate like grass, and it is", "", "Paint chocolate like mud, and it is", "", " green", " brown"),
    ("In the old city of England, people speak", "old city of England", "In the old city of Russia, people speak",
     "old city of Russia", " English", " Russian"),
    ("You asked what a crow is: it is just another", "crow", "You asked what a bus is: it is just another", "bus", " bird",
     " vehicle"),
    ("A crow is just another", "A crow", "A bus is just another", "A bus", " bird", " vehicle"),
]


def find(text: str, part: str) -> list[int] | None:
    return [text.index(part), text.index(part) + len(part)] if part else None


def write_rows(path: Path) -> None:
    with path.open("w") as out:
        for clean, subject, corrupt, other, target, foil in ROWS:
            row: dict[str, object] = {"clean": clean, "corrupt": corrupt, "target": target, "foil": foil}
            if subject:
                row["spans"] = {"subject": find(clean, subject)}
                row["corrupt_spans"] = {"subject": find(corrupt, other)}
            out.write(json.dumps(row) + "\n")


class Place:
    """A prompt's tokens, BOS at 0, and those of its subject."""

    def __init__(self, tokenizer: Tokenizer, text: str, subject: str, ids: list[int]) -> None:
        self.ids = ids
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        span = find(text, subject)
        self.subject = [] if not span else [
            1 + i for i, (a, b) in enumerate(offsets) if a < span[1] and b > span[0] and text[a:b].strip()]


def pairs(position: str, own: Place, other: Place) -> list[tuple[int, int]]:
    """Tokens of the prompt that is run and of the one that gives, as far as both have them and neither is BOS."""
    n, m = len(own.ids), len(other.ids)
    if position.startswith("subject"):
        part = position.split(":")[1]
        a, b = own.subject, other.subject
        if part == "last":
            a, b = a[-1:], b[-1:]
        if part == "first":
            a, b = a[:1], b[:1]
        found = list(zip(a[::-1], b[::-1]))
    elif position == "diff":
        found = [(n - k, m - k) for k in range(1, min(n, m) + 1) if own.ids[n - k] != other.ids[m - k]]
    elif position == "END":
        found = [(n - 1, m - 1)]
    elif int(position) < 0:
        found = [(n + int(position), m + int(position))]
    else:
        found = [(int(position), int(position))]
    return [(a, b) for a, b in found if 0 < a < n and 0 < b < m]


def tokens_of(position: str, own: Place, other: Place) -> list[int]:
    """Of the prompt that is run; it takes from none."""
    n = len(own.ids)
    if position == "diff":
        m = len(other.ids)
        return [n - k for k in range(1, min(n, m) + 1) if own.ids[n - k] != other.ids[m - k]]
    return [a for a, _ in pairs(position, own, own)]


def copy(site: str, head: int | None, which: list[tuple[int, int]], source: Tensor) -> Edit:
    def edit(x: Tensor) -> Tensor:
        for a, b in which:
            if site in WIDE_SITES:
                x[a] = source[b]
            else:
                x[head, a] = source[head, b]
        return x
    return edit


def mean(values: list[float]) -> float | None:
    return digits(sum(values) / len(values)) if values else None


def ratio(above: list[float], below: list[float]) -> float | None:
    return digits(sum(above) / sum(below)) if above and sum(below) else None


class Positions(Lab):
    def __init__(self) -> None:
        tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
        super().__init__(MODEL, [Row(clean, corrupt, target, foil) for clean, _, corrupt, _, target, foil in ROWS],
                         "<|endoftext|>")
        self.places = [(Place(tokenizer, clean, subject, r.clean), Place(tokenizer, corrupt, other, r.corrupt))
                       for (clean, subject, corrupt, other, _, _), r in zip(ROWS, self.rows)]

    def lds(self, logits: list[Tensor]) -> list[float]:
        return [(x[r.target] - x[r.foil]).item() for x, r in zip(logits, self.rows)]

    def patch(self) -> dict[str, dict[str, dict[str, float | int | None]]]:
        clean, corrupt = self.lds(self.intact), self.lds(self.other)
        out: dict[str, dict[str, dict[str, float | int | None]]] = {}
        for position in POSITIONS:
            which = [pairs(position, other, own) for own, other in self.places]  # the corrupt prompt is run
            counted = [i for i, w in enumerate(which) if w]
            changed = [i for i in counted if any(self.rows[i].corrupt[a] != self.rows[i].clean[b] for a, b in which[i])]
            for site, layer, head in PATCHED:
                lds = self.lds([self.probe.run(r.corrupt, {(site, layer): copy(site, head, which[i], self.clean[i][site, layer])})
                                for i, r in enumerate(self.rows)])
                delta = [a - b for a, b in zip(lds, corrupt)]
                lead = [a - b for a, b in zip(clean, corrupt)]
                some = lambda x, of: [x[i] for i in of]  # noqa: E731
                at = f"{site}@{layer}" + ("" if head is None else f":{head}")
                out.setdefault(position, {})[at] = {
                    "n": len(counted), "n_changed": len(changed), "value": mean(some(lds, counted)),
                    "delta": mean(some(delta, counted)), "recovery": ratio(some(delta, counted), some(lead, counted)),
                    "delta_changed": mean(some(delta, changed)),
                    "recovery_changed": ratio(some(delta, changed), some(lead, changed))}
        return out

    def ablate(self) -> dict[str, dict[str, dict[str, dict[str, float | int | None]]]]:
        clean = self.lds(self.intact)

        def edit(kind: str, layer: int, head: int, i: int, position: str) -> tuple[bool, Edit]:
            own, other = self.places[i]
            if kind == "patch":
                which = pairs(position, own, other)
                return bool(which), copy("z", head, which, self.corrupt[i]["z", layer])
            tokens = tokens_of(position, own, other)
            if position == "0" and kind == "zero":
                tokens = [0]  # it is asked for by its number; means are of other tokens
            if kind == "mean":
                tokens = [t for t in tokens if t]  # BOS, which is no mean of other tokens, keeps its value
            value = self.constant[layer][head] if kind == "zero" else self.z_mean(layer)[head]

            def put(z: Tensor) -> Tensor:
                z[head, tokens] = value
                return z
            return bool(tokens), put
        out: dict[str, dict[str, dict[str, dict[str, float | int | None]]]] = {}
        for kind in ("zero", "mean", "patch"):
            for position in POSITIONS:
                for layer, head in HEADS:
                    edits = [edit(kind, layer, head, i, position) for i in range(len(self.rows))]
                    lds = self.lds([self.probe.run(r.clean, {("z", layer): e}) for r, (_, e) in zip(self.rows, edits)])
                    counted = [i for i, (acts, _) in enumerate(edits) if acts]
                    out.setdefault(kind, {}).setdefault(position, {})[f"{layer}:{head}"] = {
                        "n": len(counted), "value": mean([lds[i] for i in counted]),
                        "delta": mean([lds[i] - clean[i] for i in counted])}
        return out


def main() -> None:
    AttentionInterface.register("probe", attention)
    OUT.mkdir(parents=True, exist_ok=True)
    write_rows(OUT / "rows.jsonl")
    lab = Positions()
    print("tokens:", sorted(len(r.clean) for r in lab.rows))
    cells = {"schema": "abltui.golden_positions/1", "command": "python tools/golden_positions.py",
             "positions": list(POSITIONS), "patch": lab.patch(), "ablate": lab.ablate()}
    (OUT / "cells.json").write_text(json.dumps(cells, indent=1) + "\n")


if __name__ == "__main__":
    main()
