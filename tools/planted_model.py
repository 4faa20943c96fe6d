#!/usr/bin/env python3
"""Write tests/fixtures/planted: a GPT-2 with two layers whose circuit is put there by hand, and prompts that it is for.

    python3 tools/planted_model.py tests/fixtures/planted

The vocabulary is `<|endoftext|>` and 23 letters. Five heads of sixteen do something:

    0:1   a previous-token head: it attends to the token before, and writes which one that is beside the token itself
    1:2   an induction head: it attends to the token whose predecessor is the token read last, and writes that token
    1:3   a suppressor: it attends to the same place and takes the token away again, by a quarter of what 1:2 adds
    1:5, 1:6   induction heads like 1:2 that look less sharply and write a quarter and a third as much

The others have small random weights; the MLPs are zero. Three parts of the residual stream are at right angles to each
other and to the direction (1, …, 1) that a LayerNorm takes out: `token` (a direction for each), `before` (the token before,
as a code word) and `position` (a point on six circles, so that a rotation is a step back). Every token and every position
is as long as any other, so that a LayerNorm does little but multiply by a constant.

Code words are the rows of a Hadamard matrix of 12 and their negatives: two different ones are at right angles or opposite.
"""
import argparse
import itertools
import json
import random
import struct
from pathlib import Path

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvw"
N_VOCAB, N_LAYERS, N_HEADS, D_HEAD, N_CTX, N_INNER = 1 + len(LETTERS), 2, 8, 12, 48, 8
D = N_HEADS * D_HEAD
PREVIOUS, INDUCTION, SUPPRESSOR, HELPERS = (0, 1), (1, 2), (1, 3), ((1, 5), (1, 6))
N_ROWS = 40


def code_words() -> np.ndarray:
    """(24, 12), of length 1: Paley's construction over the residues of 11."""
    squares = {i * i % 11 for i in range(1, 11)}
    h = np.ones((12, 12))
    for i in range(11):
        for k in range(11):
            h[i + 1, k + 1] = -1 if (i == k or (i - k) % 11 not in squares) else 1
    assert np.array_equal(h @ h.T, 12 * np.eye(12))
    return np.concatenate([h, -h]) / np.sqrt(12)


def steps_on_circles() -> tuple[np.ndarray, np.ndarray]:
    """Points (N_CTX, 12) of length 1, and the rotation R with point[i] @ R = point[i - 1]."""
    apart = np.arange(1, N_CTX)
    best = min(itertools.combinations(range(1, N_CTX // 2), D_HEAD // 2),
               key=lambda f: np.cos(2 * np.pi * np.outer(f, apart) / N_CTX).sum(0).max())
    angles = 2 * np.pi * np.outer(np.arange(N_CTX), best) / N_CTX
    points = np.stack([np.cos(angles), np.sin(angles)], -1).reshape(N_CTX, D_HEAD) / np.sqrt(len(best))
    rotation = np.zeros((D_HEAD, D_HEAD))
    for i, f in enumerate(best):
        c, s = np.cos(2 * np.pi * f / N_CTX), np.sin(2 * np.pi * f / N_CTX)
        rotation[2 * i:2 * i + 2, 2 * i:2 * i + 2] = [[c, -s], [s, c]]
    assert np.allclose(points[1:] @ rotation, points[:-1])
    return points, rotation


def subspaces(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal columns for token (D, 24), before (D, 12) and position (D, 12), all of them of mean 0."""
    columns = rng.normal(size=(D, N_VOCAB + 2 * D_HEAD))
    basis, _ = np.linalg.qr(np.concatenate([np.ones((D, 1)), columns], 1))
    return basis[:, 1:1 + N_VOCAB], basis[:, 1 + N_VOCAB:1 + N_VOCAB + D_HEAD], basis[:, 1 + N_VOCAB + D_HEAD:]


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    token, before, position = subspaces(rng)
    codes = token @ code_words()  # (D, 12): the code word of the token in a residual vector
    points, rotation = steps_on_circles()
    # Read a stream of squared length 2 (layer 0: token, position) or 3 (layer 1: and the one before) through LayerNorm.
    scale = {0: np.sqrt(D / 2), 1: np.sqrt(D / 3)}

    def sharp(layer: int, score: float) -> float:
        """For queries and keys alike: a match of two unit vectors scores so much."""
        return float(np.sqrt(score * np.sqrt(D_HEAD)) / scale[layer])

    heads = {}
    for layer in range(N_LAYERS):
        for head in range(N_HEADS):
            q, k, v = (rng.normal(size=(D, D_HEAD)) * 0.01 for _ in range(3))
            heads[layer, head] = q, k, v, rng.normal(size=(D_HEAD, D)) * 0.01
    g = sharp(0, 30)
    heads[PREVIOUS] = position @ rotation * g, position * g, codes / scale[0], before.T
    for which, score, strength in ((INDUCTION, 16, 1.8), (SUPPRESSOR, 12, -0.45), (HELPERS[0], 12, 0.45),
                                   (HELPERS[1], 12, 0.6)):
        g = sharp(1, score)
        heads[which] = codes * g, before * g, codes / scale[1], strength * codes.T

    out = {"wte.weight": token.T, "wpe.weight": points @ position.T,
           "ln_f.weight": np.ones(D), "ln_f.bias": np.zeros(D)}
    for layer in range(N_LAYERS):
        q, k, v, o = zip(*(heads[layer, h] for h in range(N_HEADS)))
        name = f"h.{layer}."
        out |= {name + "ln_1.weight": np.ones(D), name + "ln_1.bias": np.zeros(D),
                name + "attn.c_attn.weight": np.concatenate([*q, *k, *v], 1),
                name + "attn.c_attn.bias": np.zeros(3 * D),
                name + "attn.c_proj.weight": np.concatenate(o, 0), name + "attn.c_proj.bias": np.zeros(D),
                name + "ln_2.weight": np.ones(D), name + "ln_2.bias": np.zeros(D),
                name + "mlp.c_fc.weight": np.zeros((D, N_INNER)), name + "mlp.c_fc.bias": np.zeros(N_INNER),
                name + "mlp.c_proj.weight": np.zeros((N_INNER, D)), name + "mlp.c_proj.bias": np.zeros(D)}
    return out


def write_safetensors(path: Path, weights: dict[str, np.ndarray]) -> None:
    header, data = {}, b""
    for name, w in sorted(weights.items()):
        raw = np.ascontiguousarray(w, dtype="<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(w.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_tokenizer(path: Path) -> None:
    """A byte-level BPE without merges: a token a letter."""
    special = {"id": 0, "content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False,
               "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    vocab = {special["content"]: 0} | {c: i + 1 for i, c in enumerate(LETTERS)}
    write_json(path, {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special], "normalizer": None,
        "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": []}})


def rows() -> list[dict[str, str]]:
    """A random sequence of different letters and its beginning once more: induction goes on with the target."""
    rng, out = random.Random(1), []
    while len(out) < N_ROWS:
        first = rng.sample(LETTERS, rng.randint(6, 14))
        again = rng.randint(2, len(first) - 2)
        target, foil = first[again], rng.choice([c for c in LETTERS if c not in first])
        other = [foil if i == again else c for i, c in enumerate(first)]
        row = {"clean": "".join(first + first[:again]), "corrupt": "".join(other + first[:again]),
               "target": target, "foil": foil}
        if row not in out:
            out.append(row)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", {
        "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
        "n_layer": N_LAYERS, "n_head": N_HEADS, "n_embd": D, "n_inner": N_INNER, "n_ctx": N_CTX,
        "n_positions": N_CTX, "vocab_size": N_VOCAB, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
        "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "float16"})
    write_safetensors(folder / "model.safetensors", tensors())
    write_tokenizer(folder / "tokenizer.json")
    (folder / "repeats.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows()))


if __name__ == "__main__":
    main()
