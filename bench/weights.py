"""Start to the last layer's heads: weights that stay in their files against fp32, and against another build.

    python3 bench/weights.py ./abltui [--before OTHER] [--layers 32] [--rows 7] [--pairs 1] [--keep DIR]

Writes a LLaMA of 7B's layers (d_model 4096, 32 heads, d_mlp 11008) with random bf16 weights, reads the file once before each
run, and sweeps the heads of its last layer. Prints seconds, processor seconds and the largest resident memory of each run,
and removes the file. Needs numpy.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

D, HEADS, MLP, VOCAB = 4096, 32, 11008, 32000
TOKENIZER = Path("data/models/tiny-llama")


def tensors(n_layers: int) -> dict[str, tuple[int, ...]]:
    out: dict[str, tuple[int, ...]] = {f"{name}.weight": (VOCAB, D) for name in ("model.embed_tokens", "lm_head")}
    out["model.norm.weight"] = (D,)
    for i in range(n_layers):
        at = f"model.layers.{i}."
        out |= {f"{at}{n}.weight": (D,) for n in ("input_layernorm", "post_attention_layernorm")}
        out |= {f"{at}self_attn.{n}_proj.weight": (D, D) for n in "qkvo"}
        out |= {f"{at}mlp.{n}_proj.weight": (MLP, D) for n in ("gate", "up")}
        out[f"{at}mlp.down_proj.weight"] = (D, MLP)
    return out


def write_model(folder: Path, n_layers: int) -> None:
    shapes = tensors(n_layers)
    head, at = {}, 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        head[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.Generator(np.random.PCG64(0))
    with (folder / "model.safetensors").open("wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for shape in shapes.values():
            n = int(np.prod(shape))
            values = np.ones(n, np.float32) if len(shape) == 1 else rng.standard_normal(n, np.float32) * np.float32(0.02)
            f.write((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TOKENIZER / name, folder)
    config = json.loads((TOKENIZER / "config.json").read_text())
    config |= {"hidden_size": D, "num_hidden_layers": n_layers, "num_attention_heads": HEADS, "num_key_value_heads": HEADS,
               "head_dim": D // HEADS, "intermediate_size": MLP, "vocab_size": VOCAB, "torch_dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config))


def run(program: str, folder: Path, options: list[str], n_layers: int, rows: int) -> str:
    with (folder / "model.safetensors").open("rb") as f:
        while f.read(1 << 24):
            pass
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        child = subprocess.Popen([program, "--model", str(folder), "--data", "facts", "--skip-bad", "--rows", str(rows),
                                  "--layers", str(n_layers - 1), "--device", "cpu", "--boot", "10", "--quiet",
                                  "--export", f"{out}/run", *options])
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{program} ended with status {status}")
    return (f"{time.monotonic() - start:7.1f} s, {used.ru_utime:6.1f} s user, {used.ru_stime:5.1f} s system, "
            f"{used.ru_maxrss / 2**20:5.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--before", help="another build, without --weights")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--rows", type=int, default=7)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the model, which is written there unless it is there")
    a = parser.parse_args()
    folder = a.keep or Path(tempfile.mkdtemp())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "config.json").exists():
            write_model(folder, a.layers)
        for _ in range(a.pairs):
            if a.before:
                print("before", run(a.before, folder, [], a.layers, a.rows), flush=True)
            for form in ("f32", "stored"):
                print(f"{form:6}", run(a.program, folder, ["--weights", form], a.layers, a.rows), flush=True)
    finally:
        if not a.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
