"""Write what the bundled models say of answers that are lists, computed by transformers in float64, that
tests/experiments/answers.py compares with what a run writes.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_answers.py

tests/fixtures/experiments/answers.json holds, for each model:

    greater     years above a year, digit by digit ("… from 1732 to 17": 3 to 9 against 0 to 2): the rows, and of each the sums
                of the probabilities of both lists over the whole vocabulary, added up by hand, and the means of their logits
    foils       rows of facts without a foil: the ids of the K tokens of the highest logits beside the target, the
                target's logit, and the mean and log-sum-exp of theirs
    foils_under the same of the first row's ld by log-sum-exp under the zero-ablation of head 0:0

Each prompt is run alone, BOS in front. Run it again after training.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor

from golden_heads import BUNDLED, FIXTURES, ROOT, Ablator, build, digits, in_double, read_state, sha256_of_weights

OUT = FIXTURES / "experiments/answers.json"
COMMAND = "python tools/golden_answers.py"
K, N_ROWS = 4, 6
EVENTS = ("war", "journey", "reign", "siege")


def greater_rows() -> list[dict[str, object]]:
    rows = []
    for event, year in zip(EVENTS, (1732, 1754, 1711, 1768)):
        tens = year // 10 % 10
        rows.append({"clean": f"The {event} lasted from {year} to 17", "target": [str(d) for d in range(tens, 10)],
                     "foil": [str(d) for d in range(tens)]})
    return rows


def one_token(tokenizer: Tokenizer, clean: str, text: str) -> int:
    before, behind = (tokenizer.encode(s, add_special_tokens=False).ids for s in (clean, clean + text))
    assert behind[:-1] == before, (clean, text)
    return behind[-1]


def of_model(folder: Path, bos_text: str) -> dict[str, object]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bos = tokenizer.token_to_id(bos_text)
    ablator = Ablator(build(folder, read_state(folder), torch.float64))

    def logits(clean: str) -> Tensor:
        return ablator.logits([bos, *tokenizer.encode(clean, add_special_tokens=False).ids])

    greater = []
    for row in greater_rows():
        x = logits(row["clean"])
        p = [v / sum(e) for e in [[float(torch.exp(v - x.max())) for v in x]] for v in e]
        sides = [[one_token(tokenizer, row["clean"], t) for t in row[side]] for side in ("target", "foil")]
        greater.append({**row, "target_ids": sides[0], "foil_ids": sides[1],
                        "target_p": digits(sum(p[i] for i in sides[0])), "foil_p": digits(sum(p[i] for i in sides[1])),
                        "mean_ld": digits((x[sides[0]].mean() - x[sides[1]].mean()).item())})
    foils, under = [], None
    for line in (ROOT / "data/corpora/facts.jsonl").read_text().splitlines()[:N_ROWS]:
        row = json.loads(line)
        x, target = logits(row["clean"]), one_token(tokenizer, row["clean"], row["target"])
        best = sorted((i for i in range(len(x)) if i != target), key=lambda i: (-x[i].item(), i))[:K]
        foils.append({"clean": row["clean"], "target": row["target"], "target_id": target, "foil_ids": best,
                      "mean_ld": digits((x[target] - x[best].mean()).item()),
                      "lse_ld": digits((x[target] - torch.logsumexp(x[best], 0)).item())})
        if under is None:
            with ablator.ablated(((0, 0),), "folded"):
                y = logits(row["clean"])
            under = digits((y[target] - torch.logsumexp(y[best], 0)).item())
    return {"model_sha256": sha256_of_weights(folder), "greater": greater, "foils": foils, "foils_under": under}


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    golden: dict[str, object] = {
        "schema": "abltui.golden_answers/1", "command": COMMAND, "k": K,
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64"}
    with in_double(), torch.no_grad():
        for name, bos in BUNDLED.items():
            golden[name] = of_model(ROOT / "data/models" / name, bos)
    text = json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('},{"', '},\n{"')
    OUT.write_text(text + "\n", newline="\n")
    print(f"{OUT.name}: {len(text):,} bytes")


if __name__ == "__main__":
    main()
