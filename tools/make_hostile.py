#!/usr/bin/env python3
"""Write a folder of files whose names and contents would tamper with a terminal if they were printed as they are.

    python3 tools/make_hostile.py FOLDER

Nothing in them does harm: a title of a window, a colour, turned and hidden letters. Each is a marker that can be found again
in what is printed. tests/cli/hostile_names.py makes the folder and drives every command and pane through it.

    model/NAME                a tiny GPT-2 whose tokens, BOS and metadata are hostile
    data/NAME.jsonl           rows that run; data/bad-NAME.jsonl rows that are refused, each for another reason
    runs/NAME.json            a run file that runs, with notes; runs/KIND-NAME.json some that are refused
    reports/NAME.json         an OV report of another program
    hub/                      a cache with a model, a revision and a model that is damaged, all of hostile names
    damaged/KIND              models that are refused, each for a text in another place of its files
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from pathlib import Path

MODEL = Path("data/models/tiny-gpt2")

# What a terminal must not get. A sequence has a marker of its own where it could be told from one of ours.
MARKS = {
    "title": "\x1b]0;MARKED\x07",
    "colour": "\x1b[31;7777m",
    "c1": "\u009b31;7777m\u0085\u0090",
    "delete": "\x7f\b",
    "return": "\r",
    "line": "\nerror: FORGED\t",
    "turned": "\u202e\u2066\u2069\u061c\u200e\u200f\u202a\u202c",
    "hidden": "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u115f\u3164",
    "variant": "\ufe0f\U000e0041\U000e0100",
    "separator": "\u2028\u2029",
}
RAW = b"\x9b31;7777m\xc0\xaf\xe9"  # no UTF-8
TEXT = "MARK" + "".join(MARKS.values()) + "KRAM"
SHORT = "M\x1b[31;7777m\u202e\u200b\u009bK"
NAME = os.fsdecode(b"MARK\x1b]0;MARKED\x07\x1b[31;7777m\nFORGED\r\x7f\t" + "\u009b\u202e\u200b\ufeff\u00ad\ufe0f\U000e0041".encode() + RAW + b"KRAM")
SOUND_NAME = os.fsdecode(NAME.encode("utf-8", "surrogateescape").replace(RAW, b""))  # UTF-8, as JSON wants it


def byte_letters() -> dict[int, str]:
    """The letters by which GPT-2's vocabulary spells bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {b: chr(b) for b in plain}
    letters.update({b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in letters)})
    return letters


def spelt(text: str) -> str:
    letters = byte_letters()
    return "".join(letters[b] for b in text.encode())


def hostile_tokenizer() -> tuple[dict, list[str]]:
    """The bundled tokenizer without its later merges, whose tokens are hostile; words that are still one token."""
    t = json.loads((MODEL / "tokenizer.json").read_text("utf-8"))
    kept = t["model"]["merges"][:1000]
    made = {m.replace(" ", "") if isinstance(m, str) else "".join(m) for m in kept}
    vocabulary = {}
    for token, number in t["model"]["vocab"].items():
        plain = len(token) == 1 or token in made or number == 0
        vocabulary[token if plain else spelt(f"{SHORT}{number}")] = number
    bos = t["added_tokens"][0]
    vocabulary = {TEXT if token == bos["content"] else token: number for token, number in vocabulary.items()}
    bos["content"] = TEXT
    t["model"].update(vocab=vocabulary, merges=kept)
    words = [m[1:] for m in sorted(made) if m[0] == "Ġ" and m[1:].isascii() and m[1:].isalpha() and len(m) > 4]
    return t, words


def tensors(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + n]), data[8 + n :]


def write_tensors(path: Path, header: dict, data: bytes) -> None:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    config = json.loads((MODEL / "config.json").read_text())
    config["architectures"] = ["GPT2LMHeadModel", TEXT]
    config["_name_or_path"] = config["transformers_version"] = TEXT
    config["rotary_" + SHORT] = 1  # a key that nobody reads
    write_json(folder / "config.json", config)
    write_json(folder / "tokenizer.json", hostile_tokenizer()[0])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "bos_token": TEXT, TEXT: TEXT})
    header, data = tensors(MODEL / "model.safetensors")
    header["__metadata__"] = {TEXT: TEXT}
    write_tensors(folder / "model.safetensors", header, data)
    return folder


def rows() -> list[dict]:
    words = hostile_tokenizer()[1]
    out = []
    for i in range(12):
        a, b = words[3 * i % len(words)], words[(3 * i + 1) % len(words)]
        out.append(
            {
                "id": f"{TEXT}{i}",
                "clean": f"The {TEXT} of {b} {i} is",
                "corrupt": f"The {TEXT} of {a} {i} is",
                "target": f" {a}",
                "foil": f" {b}",
                "template": f"{TEXT}{i % 2}",
                "cluster": f"{TEXT}{i % 6}",
            }
        )
    return out


def write_rows(path: Path, lines: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def data(folder: Path) -> None:
    good = rows()
    write_rows(folder / f"{NAME}.jsonl", good)
    write_rows(folder / f"{SOUND_NAME}.jsonl", good)
    bad = [dict(row) for row in good[:8]]
    bad[0]["target"] = bad[0]["foil"] = f" {TEXT}"
    bad[1]["target"] = TEXT
    bad[2]["clean"] = ""
    bad[3]["target"] = bad[3]["foil"]
    bad[4]["foil"] = [TEXT, TEXT]
    bad[5]["target"] = 7
    bad[6][TEXT] = {TEXT: TEXT}
    del bad[7]["clean"]
    write_rows(folder / f"bad-{NAME}.jsonl", bad)
    write_rows(folder / f"json-{NAME}.jsonl", [good[0], os.fsdecode(b'{"clean": "' + RAW + b'\x1b[31;7777m"'), TEXT])


def run_files(folder: Path) -> None:
    shared = {"seeds": [0], "model": {"name": f"../model/{SOUND_NAME}"}, "dataset": {"split": "all", "n_examples": 6}}
    battery = {"type": "head_zero", "layers": [0], "heads": [0, 1], TEXT: 1}
    condition = {"tag": f"tag-{SHORT}", "dataset": {"id": f"../data/{SOUND_NAME}.jsonl"}, "notes": TEXT}
    good = {"run_name": f"run-{SHORT}", "notes": TEXT, TEXT: TEXT, "shared": shared, "battery": battery, "conditions": [condition]}
    write_json(folder / f"{NAME}.json", good)
    write_json(folder / f"two-{NAME}.json", {**good, "conditions": [condition, {**condition, "tag": f"other-{SHORT}"}]})
    for kind, change in {
        "battery": {"battery": TEXT},
        "type": {"battery": {**battery, "type": TEXT}},
        "model": {"shared": {**shared, "model": {"name": TEXT}}},
        "data": {"conditions": [{"tag": "a", "dataset": {"id": TEXT}}]},
        "tag": {"conditions": [{**condition, "tag": "/" + TEXT}]},
        "twice": {"conditions": [condition, condition]},
        "device": {"shared": {**shared, "device": TEXT}},
        "split": {"shared": {**shared, "dataset": {"split": TEXT}}},
        "metric": {"battery": {**battery, "metrics": [TEXT]}},
    }.items():
        write_json(folder / f"{kind}-{NAME}.json", {**good, **change})
    (folder / f"json-{NAME}.json").write_bytes(b'{"run_name": "' + RAW + b'\x1b]0;MARKED\x07"')


def reports(folder: Path) -> None:
    token = {"token_id": 1, "token": TEXT, "logit": 1.0}
    ends = {"top": [token, {**token, "token_id": 2, "token": SHORT}], "bottom": [token]}
    report = {
        "schema": "abltui.ov_report/1",
        "model": TEXT,
        "condition": TEXT,
        "kind": "mean_output",
        "heads": [{"layer": 0, "head": 0, "vector_norm": 1.0, "tokens": ends}],
    }
    write_json(folder / f"{NAME}.json", report)
    write_json(folder / f"other-{NAME}.json", {**report, "kind": TEXT})
    write_json(folder / f"schema-{NAME}.json", {**report, "schema": TEXT})


def text_value(key: str, value: bytes) -> bytes:
    return struct.pack("<Q", len(key.encode())) + key.encode() + struct.pack("<IQ", 8, len(value)) + value


def gguf(path: Path, values: dict[str, bytes], tensor: bytes = b"", extra: bytes = b"", n_extra: int = 0) -> None:
    """A GGUF file of texts alone, and one tensor of a name and a type that nobody has."""
    out = b"GGUF" + struct.pack("<IQQ", 3, 1 if tensor else 0, len(values) + n_extra)
    out += b"".join(text_value(key, value) for key, value in values.items()) + extra
    if tensor:
        out += struct.pack("<Q", len(tensor)) + tensor + struct.pack("<IQIQ", 1, 32, 0, 0)
    path.write_bytes(out + bytes(256))


def damaged(folder: Path, sound: Path) -> None:
    def copy(kind: str) -> Path:
        return Path(shutil.copytree(sound, folder / kind))

    def config(kind: str, **change: object) -> None:
        write_json(copy(kind) / "config.json", {**json.loads((sound / "config.json").read_text()), **change})

    def tokenizer(kind: str, change) -> None:
        t = json.loads((sound / "tokenizer.json").read_text())
        change(t)
        write_json(copy(kind) / "tokenizer.json", t)

    def weights(kind: str, change) -> None:
        header, data = tensors(sound / "model.safetensors")
        change(header)
        write_tensors(copy(kind) / "model.safetensors", header, data)

    config("model_type", model_type=TEXT)
    config("activation", activation_function=TEXT)
    config("number", n_layer=TEXT)
    config("dtype", torch_dtype=TEXT, quantization_config={"quant_method": TEXT})
    (copy("config_json") / "config.json").write_bytes(b'{"model_type": "' + RAW + b'\x1b[31;7777m"}')
    tokenizer("tokenizer_type", lambda t: t["model"].update(type=TEXT))
    tokenizer("normalizer", lambda t: t.update(normalizer={"type": TEXT}))
    tokenizer("pattern", lambda t: t.update(pre_tokenizer={"type": "Split", "pattern": {"Regex": TEXT + "("}, "behavior": "Isolated"}))
    tokenizer("splitter", lambda t: t.update(pre_tokenizer={"type": TEXT}))
    tokenizer("merges", lambda t: t["model"].update(merges=[f"{SHORT} {SHORT}"]))
    tokenizer("added", lambda t: t["added_tokens"].append({**t["added_tokens"][0], "id": 5}))
    weights("tensor_name", lambda h: h.update({TEXT: h.pop("transformer.h.0.attn.c_attn.weight")}))
    weights("tensor_dtype", lambda h: h["transformer.h.0.attn.c_attn.weight"].update(dtype=TEXT))
    weights("tensor_key", lambda h: h["transformer.h.0.attn.c_attn.weight"].update({TEXT: TEXT}))
    weights("prefix", lambda h: [h.update({SHORT + "." + name: h.pop(name)}) for name in list(h) if name != "__metadata__"])
    index = copy("index")
    (index / "model.safetensors").unlink()
    write_json(index / "model.safetensors.index.json", {"metadata": {TEXT: TEXT}, "weight_map": {"wte.weight": SOUND_NAME + ".safetensors"}})
    write_json(copy("class") / "tokenizer_config.json", {"tokenizer_class": TEXT, "bos_token": TEXT})
    architecture = {"general.architecture": b"gpt2", "general.name": TEXT.encode() + RAW}
    gguf(folder / f"arch-{NAME}.gguf", {"general.architecture": TEXT.encode() + RAW})
    gguf(folder / f"key-{NAME}.gguf", {**architecture, TEXT: b"x"}, extra=text_value(TEXT, b"y"), n_extra=1)
    gguf(folder / f"tensor-{NAME}.gguf", architecture, tensor=TEXT.encode() + RAW)
    gguf(folder / f"tokenizer-{NAME}.gguf", {**architecture, "tokenizer.ggml.model": TEXT.encode(), "tokenizer.ggml.pre": RAW})


def hub(folder: Path, sound: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    for name, source in (f"org--{NAME}", sound), (f"org--sound-{SOUND_NAME}", sound), (f"{SHORT}--damaged", None):
        place = folder / f"models--{name}"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text(commit)
        (place / "refs" / SHORT).write_text(TEXT)
        snapshot = place / "snapshots" / commit
        if source:
            shutil.copytree(source, snapshot)
        else:
            write_json(snapshot / "config.json", {"model_type": TEXT})
    place = folder / "models--org--lost"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(TEXT)
    (place / "snapshots" / SHORT).mkdir(parents=True)


def main(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    sound = model(root / "model" / NAME)
    shutil.copytree(sound, root / "model" / SOUND_NAME)
    data(root / "data")
    run_files(root / "runs")
    reports(root / "reports")
    damaged(root / "damaged", sound)
    hub(root / "hub", sound)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
