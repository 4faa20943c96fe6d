"""Weights that stay in their files give the bits of those that are kept as fp32, in every type: weights.py PROGRAM.

Makes a LLaMA of two layers with a vocabulary of bytes in each type, of blocks that tests/fixtures/gguf holds, and runs it with
--weights stored and f32. Prints a line a check; exit status 0 only if all pass.
"""

import functools
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, "tests/support")
import gguf_file

D, MLP, LAYERS, HEADS, KV, CONTEXT = 256, 512, 2, 4, 2, 64
D_HEAD = D // HEADS
# number in the file, elements of a block, where in it its scales are
BLOCKS = {"Q4_0": (2, 32, [0]), "Q4_1": (3, 32, [0, 2]), "Q5_0": (6, 32, [0]), "Q5_1": (7, 32, [0, 2]),
          "Q8_0": (8, 32, [0]), "Q2_K": (10, 256, [80, 82]), "Q3_K": (11, 256, [108]), "Q4_K": (12, 256, [0, 2]),
          "Q5_K": (13, 256, [0, 2]), "Q6_K": (14, 256, [208])}
TYPES = {"F32": (0, 1), "F16": (1, 1), "BF16": (30, 1), **BLOCKS}


def noise(n: int, seed: int) -> list[float]:
    out = []
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) % 2**31
        out.append((seed >> 8) / 2**22 - 1)
    return out


@functools.cache
def blocks_of(name: str) -> list[bytes]:
    """The fixture's, with scales that keep numbers small."""
    raw = bytearray(Path(f"tests/fixtures/gguf/{name}.blocks").read_bytes())
    count = Path(f"tests/fixtures/gguf/{name}.f32").stat().st_size // 4 // BLOCKS[name][1]
    size = len(raw) // count
    for i in range(count):
        for at in BLOCKS[name][2]:
            struct.pack_into("<e", raw, i * size + at, (i % 7 + 1) / 4096)
    return [bytes(raw[i * size : (i + 1) * size]) for i in range(count)]


def data_of(name: str, n: int, seed: int, near: float = 0.0) -> bytes:
    """n elements; of a block type, the fixture's blocks from another one on."""
    if name in BLOCKS:
        return b"".join(blocks_of(name)[(seed + i) % len(blocks_of(name))] for i in range(n // BLOCKS[name][1]))
    values = [near + 0.05 * x for x in noise(n, seed)]
    if name == "F16":
        return struct.pack(f"<{n}e", *values)
    raw = struct.pack(f"<{n}f", *values)
    return raw if name == "F32" else b"".join(raw[i + 2 : i + 4] for i in range(0, len(raw), 4))


def byte_letters() -> list[str]:
    """How byte-level BPE spells each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return [chr(b) if b in plain else chr(256 + others.index(b)) for b in range(256)]


def tensors(name: str) -> list[tuple[str, str, list[int]]]:
    """Name, type and dimensions, innermost first."""
    out = [("token_embd.weight", "F32", [D, 257]), ("output_norm.weight", "F32", [D]), ("output.weight", name, [D, 257])]
    for i in range(LAYERS):
        for part, dims in {"attn_q": [D, D], "attn_k": [D, KV * D_HEAD], "attn_v": [D, KV * D_HEAD], "attn_output": [D, D],
                           "ffn_gate": [D, MLP], "ffn_up": [D, MLP], "ffn_down": [MLP, D]}.items():
            out.append((f"blk.{i}.{part}.weight", name, dims))
        out += [(f"blk.{i}.{part}.weight", "F32", [D]) for part in ("attn_norm", "ffn_norm")]
    return out


def write_model(path: Path, name: str) -> None:
    meta = {"general.architecture": ("str", "llama"), "llama.context_length": ("u32", CONTEXT),
            "llama.embedding_length": ("u32", D), "llama.block_count": ("u32", LAYERS),
            "llama.attention.head_count": ("u32", HEADS), "llama.attention.head_count_kv": ("u32", KV),
            "llama.feed_forward_length": ("u32", MLP), "llama.rope.dimension_count": ("u32", D_HEAD),
            "llama.attention.layer_norm_rms_epsilon": ("f32", 1e-5), "tokenizer.ggml.model": ("str", "gpt2"),
            "tokenizer.ggml.pre": ("str", "gpt-2"), "tokenizer.ggml.tokens": ("[str]", [*byte_letters(), "<s>"]),
            "tokenizer.ggml.token_type": ("[i32]", [1] * 256 + [3]), "tokenizer.ggml.merges": ("[str]", []),
            "tokenizer.ggml.bos_token_id": ("u32", 256), "tokenizer.ggml.eos_token_id": ("u32", 256)}
    listed, data = b"", b""
    for i, (tensor, kind, dims) in enumerate(tensors(name)):
        n = dims[0] * (dims[1] if len(dims) > 1 else 1)
        raw = data_of(kind, n, 7 * i + 1, 1.0 if len(dims) == 1 else 0.0)
        listed += gguf_file.packed_text(tensor) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, TYPES[kind][0], len(data))
        data += raw + b"\0" * (-len(raw) % 32)
    whole = gguf_file.begin(meta, len(tensors(name))) + listed
    path.write_bytes(whole + b"\0" * (-len(whole) % 32) + data)


def tables(program: str, model: Path, data: Path, out: Path, options: list[str], isa: str) -> bytes:
    command = [program, "--model", str(model), "--data", str(data), "--device", "cpu", "--boot", "10", "--quiet",
               "--ablate", "mean", "--export", str(out), *options]
    environment = {**os.environ, **({"ONEDNN_MAX_CPU_ISA": isa} if isa else {})}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return b"".join((out / "metrics" / t).read_bytes() for t in ("per_example.csv", "baseline.csv"))


def kept(run: Path) -> str:
    return json.loads((run / "provenance.json").read_text())["device"]["weights"]


def wrong_with(program: str, folder: Path, data: Path, name: str, isa: str = "") -> str:
    """What is wrong with a type, with the instructions that the library may use; empty: nothing."""
    model = folder / f"{name}.gguf"
    write_model(model, name)
    try:
        f32 = tables(program, model, data, folder / f"{name}-f32", ["--weights", "f32"], isa)
        stored = tables(program, model, data, folder / f"{name}-stored", ["--weights", "stored"], isa)
    except RuntimeError as e:
        return str(e)
    found = kept(folder / f"{name}-stored"), kept(folder / f"{name}-f32")
    return ("the tables differ" if stored != f32 else "" if found == ("stored", "f32") else f"provenance says {found}")


def main() -> int:
    program = os.path.realpath(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "bytes.jsonl"
        data.write_text("".join(json.dumps({"clean": f"{a}{b} is {b}{a}", "target": a, "foil": b}) + "\n"
                                for a, b in ("xy", "pq", "uv", "ab", "cd")))
        for kind, isa in [*((kind, "") for kind in TYPES), ("BF16", "AVX2"), ("Q4_K", "SSE41")]:
            wrong = wrong_with(program, folder, data, kind, isa)
            if wrong:
                print(wrong)
            failed += bool(wrong)
            print(f"[  {'FAILED' if wrong else 'PASSED'}  ] stored_{kind}{isa and '_by_' + isa}_has_the_bits_of_f32", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
