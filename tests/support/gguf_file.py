"""Write and read the metadata of GGUF files without tensors."""

import struct

# name: (number in the file, how struct packs it)
TYPES = {
    "u8": (0, "<B"), "i8": (1, "<b"), "u16": (2, "<H"), "i16": (3, "<h"), "u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"),
    "bool": (7, "<?"), "str": (8, None), "u64": (10, "<Q"), "i64": (11, "<q"), "f64": (12, "<d"),
}  # fmt: skip
NAMES = {number: name for name, (number, _) in TYPES.items()}


def packed_text(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def packed(kind, value):
    return packed_text(value) if kind == "str" else struct.pack(TYPES[kind][1], value)


def begin(values, n_tensors=0):
    """values: {key: (type, value)}; a list's type is that of its items in brackets: "[str]". The directory follows."""
    out = [b"GGUF", struct.pack("<IQQ", 3, n_tensors, len(values))]
    for key, (kind, value) in values.items():
        out.append(packed_text(key))
        if kind[0] != "[":
            out += [struct.pack("<I", TYPES[kind][0]), packed(kind, value)]
            continue
        item = kind[1:-1]
        out.append(struct.pack("<IIQ", 9, TYPES[item][0], len(value)))
        out += [packed(item, v) for v in value]
    return b"".join(out)


def write(path, values):
    raw = begin(values)
    path.write_bytes(raw + b"\0" * (-len(raw) % 32))


def read(path):
    """What write takes."""
    raw, at = path.read_bytes(), 24
    n = struct.unpack_from("<Q", raw, 16)[0]

    def take(kind):
        nonlocal at
        if kind == "str":
            size = struct.unpack_from("<Q", raw, at)[0]
            at += 8 + size
            return raw[at - size : at].decode()
        form = TYPES[kind][1]
        at += struct.calcsize(form)
        return struct.unpack_from(form, raw, at - struct.calcsize(form))[0]

    values = {}
    for _ in range(n):
        key, number = take("str"), take("u32")
        if number != 9:
            values[key] = (NAMES[number], take(NAMES[number]))
            continue
        item = NAMES[take("u32")]
        values[key] = (f"[{item}]", [take(item) for _ in range(take("u64"))])
    return values
