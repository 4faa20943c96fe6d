"""Write tests/fixtures/gguf/: blocks of every quantised type with what they stand for, and small GGUF files.

    python3 tools/golden_gguf.py          from the repository root; needs: pip install gguf numpy

The oracle is the PyPI package gguf of the ggml project: its dequantize gives the expected values, its GGUFWriter the files.
Blocks are random bytes with chosen scales (ordinary, zero, negative, subnormal, the largest finite half), so that every bit
pattern of the small numbers occurs.

    TYPE.blocks    n blocks as a file holds them
    TYPE.f32       the n * block floats, little-endian
    metadata.gguf  every type of value, arrays of each, two tensors; metadata-v2.gguf the same as version 2
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from gguf import GGUFValueType, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

FOLDER = Path("tests/fixtures/gguf")
N_BLOCKS = 24
# Offsets of the half-precision numbers in a block.
SCALES = {
    T.Q4_0: [0],
    T.Q4_1: [0, 2],
    T.Q5_0: [0],
    T.Q5_1: [0, 2],
    T.Q8_0: [0],
    T.Q2_K: [80, 82],
    T.Q3_K: [108],
    T.Q4_K: [0, 2],
    T.Q5_K: [0, 2],
    T.Q6_K: [208],
}
HALVES = np.array([0.013, -0.5, 1.0, 0.0, -0.0, 6e-8, -3.1e-6, 65504.0, -12.25, 2e-4], dtype=np.float16)


def blocks(kind: T, rng: np.random.Generator) -> None:
    _, size = GGML_QUANT_SIZES[kind]
    data = rng.integers(0, 256, (N_BLOCKS, size), dtype=np.uint8)
    for i in range(N_BLOCKS):
        for k, at in enumerate(SCALES[kind]):
            data[i, at : at + 2] = np.frombuffer(HALVES[(i + 3 * k) % len(HALVES)].tobytes(), dtype=np.uint8)
    values = dequantize(data, kind).astype("<f4")
    (FOLDER / f"{kind.name}.blocks").write_bytes(data.tobytes())
    (FOLDER / f"{kind.name}.f32").write_bytes(values.tobytes())


def metadata(path: Path) -> None:
    writer = GGUFWriter(str(path), "gpt2")
    writer.add_uint8("u8", 255)
    writer.add_int8("i8", -128)
    writer.add_uint16("u16", 65535)
    writer.add_int16("i16", -2)
    writer.add_uint32("u32", 4000000000)
    writer.add_int32("i32", -3)
    writer.add_uint64("u64", 2**63 + 5)
    writer.add_int64("i64", -(2**62))
    writer.add_float32("f32", 0.25)
    writer.add_float64("f64", 1e300)
    writer.add_bool("yes", True)
    writer.add_bool("no", False)
    writer.add_string("text", "naïve ▁ text")
    writer.add_key_value("array.i16", [-1, 2, -300], GGUFValueType.ARRAY, GGUFValueType.INT16)
    writer.add_key_value("array.f32", [0.5, -2.0], GGUFValueType.ARRAY, GGUFValueType.FLOAT32)
    writer.add_key_value("array.bool", [True, False, True], GGUFValueType.ARRAY, GGUFValueType.BOOL)
    writer.add_key_value("array.text", ["a", "", "Ġthe"], GGUFValueType.ARRAY, GGUFValueType.STRING)
    writer.add_tensor("first", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("second", np.array([1.5, -2.0], dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    for kind in SCALES:
        blocks(kind, rng)
    path = FOLDER / "metadata.gguf"
    metadata(path)
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<I", 2)  # the two versions differ in nothing that a little-endian file holds
    (FOLDER / "metadata-v2.gguf").write_bytes(bytes(data))


if __name__ == "__main__":
    main()
