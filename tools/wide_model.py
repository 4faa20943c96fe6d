#!/usr/bin/env python3
"""Write a GPT-2 with random weights, many heads and two columns a head, which the bundled tokenizer is for: the explorer's
screens are looked at with it.

    python3 tools/wide_model.py N_LAYERS N_HEADS FOLDER
"""
import json
import random
import shutil
import struct
import sys
from array import array
from pathlib import Path

BUNDLED = Path(__file__).parent.parent / "data/models/tiny-gpt2"
D_HEAD, N_INNER = 2, 16


def tensors(n_layers: int, d: int, n_vocab: int, n_ctx: int):
    """Names, shapes and the spread of their values; None: ones."""
    yield "wte.weight", (n_vocab, d), 0.5
    yield "wpe.weight", (n_ctx, d), 0.1
    for i in range(n_layers):
        for norm in ("ln_1", "ln_2"):
            yield f"h.{i}.{norm}.weight", (d,), None
            yield f"h.{i}.{norm}.bias", (d,), 0.0
        for name, rows, columns in (("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d),
                                    ("mlp.c_fc", d, N_INNER), ("mlp.c_proj", N_INNER, d)):
            yield f"h.{i}.{name}.weight", (rows, columns), 0.2
            yield f"h.{i}.{name}.bias", (columns,), 0.0
    yield "ln_f.weight", (d,), None
    yield "ln_f.bias", (d,), 0.0


def main() -> None:
    n_layers, n_heads, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    config = json.loads((BUNDLED / "config.json").read_text())
    d = n_heads * D_HEAD
    config.update(n_layer=n_layers, n_head=n_heads, n_embd=d, n_inner=N_INNER, torch_dtype="float32")
    draw, header, values = random.Random(1), {}, array("f")
    for name, shape, spread in tensors(n_layers, d, config["vocab_size"], config["n_positions"]):
        size = shape[0] * (shape[1] if len(shape) > 1 else 1)
        begin = 4 * len(values)
        values.extend(1.0 if spread is None else draw.gauss(0, spread) for _ in range(size))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, 4 * len(values)]}
    text = json.dumps(header).encode()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + values.tobytes())
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    shutil.copy(BUNDLED / "tokenizer.json", folder)


if __name__ == "__main__":
    main()
