"""Write tests/fuzz/corpus/NAME/*, the first inputs of each fuzzed parser, and tests/fuzz/dict/NAME.dict, its words.

    python3 tools/make_fuzz_seeds.py

From the fixtures where these are small, and by hand what is hard. Files named found-* are inputs that once broke
something: they are no business of this script, which leaves them alone.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests/fixtures"
OUT = ROOT / "tests/fuzz"
PART = b"\x1e"  # between the parts of an input


def text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parts(*each: object) -> bytes:
    return PART.join(p if isinstance(p, bytes) else p.encode() if isinstance(p, str) else text(p) for p in each)


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]], meta: dict[str, str] | None = None) -> bytes:
    header: dict[str, object] = {"__metadata__": meta} if meta else {}
    at = 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = text(header)
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + b"".join(data for _, _, data in tensors.values())


# ------------------------------------------------------------------------------------------------------------ GGUF

UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5


def gguf_string(s: str | bytes) -> bytes:
    raw = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_value(value: object) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + gguf_string(value)
    assert isinstance(value, list)
    kind, item = ((STRING, gguf_string) if isinstance(value[0], str) else
                  (FLOAT32, lambda v: struct.pack("<f", v)) if isinstance(value[0], float) else
                  (INT32, lambda v: struct.pack("<i", v)))
    return struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(item(v) for v in value)


def gguf(values: dict[str, object], tensors: dict[str, tuple[list[int], int, bytes]], version: int = 3) -> bytes:
    """tensors: dims innermost first, type number, bytes."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    for key, value in values.items():
        out += gguf_string(key) + gguf_value(value)
    at, data = 0, b""
    for name, (dims, kind, raw) in tensors.items():
        out += gguf_string(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims)
        out += struct.pack("<IQ", kind, at)
        raw += bytes(-len(raw) % 32)
        data, at = data + raw, at + len(raw)
    return out + bytes(-len(out) % 32) + data


def f32(*shape: int) -> tuple[list[int], int, bytes]:
    n = 1
    for d in shape:
        n *= d
    return list(shape), 0, struct.pack(f"<{n}f", *[0.25] * n)


LLAMA = {"general.architecture": "llama", "llama.block_count": 1, "llama.context_length": 8, "llama.embedding_length": 2,
         "llama.feed_forward_length": 2, "llama.attention.head_count": 1, "llama.attention.head_count_kv": 1,
         "llama.rope.dimension_count": 2, "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 1e4}


def llama_tensors(n_vocab: int) -> dict[str, tuple[list[int], int, bytes]]:
    square = {f"blk.0.{n}.weight": f32(2, 2)
              for n in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")}
    return {"token_embd.weight": f32(2, n_vocab), "output_norm.weight": f32(2), "blk.0.attn_norm.weight": f32(2),
            "blk.0.ffn_norm.weight": f32(2), **square}


def scored_tokens() -> dict[str, object]:
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    words = ["▁", "e", "t", "h", "▁t", "he", "▁the", "<x>", "▁▁"]
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens + words,
            "tokenizer.ggml.scores": [0.0] * len(tokens) + [-float(i) for i in range(len(words))],
            "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * 7 + [4, 1], "tokenizer.ggml.bos_token_id": 1,
            "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_space_prefix": True}


# ------------------------------------------------------------------------------------------------------ tokenizers

def byte_alphabet() -> list[str]:
    plain = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return [chr(b) if b in plain else chr(256 + others.index(b)) for b in range(256)]


BYTES = byte_alphabet()
MERGES = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "Ġ"), ("1", "2"), ("a", "a"), ("aa", "aa")]
LETTERS = ["t", "h", "e", "Ġ", "a", "1", "2", "Ċ", "Ã", "©", "x", "<", ">"]
HARD = " the the12345\n\n  \taaaaaaa é e\u0301 中文 😀 <s><x> </x> 'll DON'T \u00a0\u2581\u200d don't\r\n"


def tokenizer(pre: object, *, letters: list[str] | None = None, merges: object = None, normalizer: object = None,
              added: object = (), post: object = None, **model: object) -> dict[str, object]:
    """A tokenizer.json over few letters."""
    words = [*(letters or LETTERS), "th", "the", "Ġthe", "ĠĠ", "12", "aa", "aaaa"]
    vocab = {w: i for i, w in enumerate(dict.fromkeys(words))}
    pairs = [p for p in MERGES if all(x in vocab for x in (*p, p[0] + p[1]))]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": normalizer,
            "pre_tokenizer": pre, "post_processor": post, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": vocab,
                      "merges": [" ".join(p) for p in pairs] if merges is None else merges, **model}}


def added(content: str, n: int, **flags: bool) -> dict[str, object]:
    return {"id": n, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True, **flags}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def split(pattern: str, behavior: str = "Isolated", invert: bool = False) -> dict[str, object]:
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert},
        {**BYTE_LEVEL, "use_regex": False}]}


PATTERNS = [r"\p{N}{1,3}", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+", r"[\p{L}&&[^\p{Han}]]+", r"[a-z[A-Z]]+", r"\h+", r"\p{N}{1,3}+", r"(a|aa)*b", r"(?<=x)y|\bthe\b",
            r"", r"[^", r"(?:a{1,1000}){1,1000}"]


def tokenizer_files() -> dict[str, bytes]:
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
    doubling = {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 12}
    nfc = {"type": "NFC"}
    legacy = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                  {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                         {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [30], "tokens": ["<s>"]}}}
    fallback = [f"<0x{b:02X}>" for b in range(256)]
    files = {
        "byte-level": parts(tokenizer(BYTE_LEVEL), HARD),
        "whole-bytes": parts(tokenizer(BYTE_LEVEL, letters=BYTES), HARD),
        "prefix": parts(tokenizer({**BYTE_LEVEL, "add_prefix_space": True}), "the the", {"add_bos_token": True}),
        "metaspace": parts(tokenizer(metaspace, letters=["▁", *fallback, "t", "h", "e"], byte_fallback=True), HARD),
        "legacy": parts(tokenizer(None, letters=["▁", *fallback, "t", "h", "e"], byte_fallback=True, normalizer=legacy,
                                  unk_token="<0x00>", fuse_unk=True), "the thé", {"legacy": False, "add_prefix_space": True}),
        "nfc": parts(tokenizer(BYTE_LEVEL, normalizer=nfc), "e\u0301 the \u1100\u1161\u11a8"),
        "doubling": parts(tokenizer(BYTE_LEVEL, normalizer=doubling), "aa" * 8),
        "added": parts(tokenizer(BYTE_LEVEL, post=template, added=[
            added("<s>", 30), added("<x>", 31, lstrip=True, rstrip=True), added("the", 32, single_word=True),
            added(" a", 33, normalized=True, special=False)]), HARD, {"added_tokens_decoder": {"34": added("<y>", 34)}},
            {"bos_token_id": 30}),
        "pairs": parts(tokenizer(BYTE_LEVEL, merges=[["t", "h"], ["th", "e"]], ignore_merges=True), " the"),
        "empty": parts({}, ""), "no-text": parts(tokenizer(BYTE_LEVEL)),
    }
    for i, pattern in enumerate(PATTERNS):
        for behavior in ("Isolated", "Removed") if i < 3 else ("Isolated",):
            files[f"pattern-{i}-{behavior.lower()}"] = parts(tokenizer(split(pattern, behavior)), HARD)
    files["digits"] = parts(tokenizer({"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, BYTE_LEVEL]}), "12 122")
    return files


def merges_files() -> dict[str, bytes]:
    vocab = {w: i for i, w in enumerate([*BYTES, "th", "the", "Ġthe", "<|endoftext|>"])}
    merges = "#version: 0.2\nt h\nth e\nĠ the\n"
    few = {w: i for i, w in enumerate(["a", "b", "ab", "aa"])}
    return {
        "whole": parts(vocab, merges, HARD, {"bos_token": "<|endoftext|>", "add_prefix_space": False},
                       {"<new>": len(vocab)}, {"bos_token": "<|endoftext|>", "pad_token": {"content": "<new>"}}),
        "few": parts(few, "a b\na a\n", "abaab"), "crlf": parts(few, "#version: 0.2\r\na b\r\n", "ab"),
        "two-ids": parts({"a": 0, "b": 0}, "a b\n", "a"), "far-id": parts({"a": 4194303}, "", "a"),
        "no-such-token": parts(few, "a c\n", "a"), "three": parts(few, "a b c\n", "a"), "empty": parts("{}", "", ""),
        "decoder": parts(few, "a b\n", "ab<x> <y>", {"added_tokens_decoder": {
            "4": added("<x>", 4), "5": added("<y>", 5, lstrip=True)}, "additional_special_tokens": ["<x>"],
            "unk_token": {"content": "<x>", "__type": "AddedToken"}, "tokenizer_class": "GPT2Tokenizer"}),
    }


def varint(n: int) -> bytes:
    out = b""
    while n > 0x7f:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def field(number: int, value: bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value & (1 << 64) - 1)


def pieces(words: list[tuple[str, float, int]], **settings: int) -> bytes:
    out = b"".join(field(1, field(1, w.encode()) + field(2, score) + field(3, kind)) for w, score, kind in words)
    trainer = field(3, settings.get("model_type", 2)) + field(35, settings.get("byte_fallback", 1)) + field(41, 1)
    normal = field(1, b"identity") + field(3, settings.get("prefix", 1)) + field(4, 0) + field(5, 1)
    return out + field(2, trainer) + field(3, normal)


def sentencepiece_files() -> dict[str, bytes]:
    head = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    spelt = [(f"<0x{b:02X}>", 0.0, 6) for b in range(256)]
    words = [(w, -float(i), 1) for i, w in enumerate(["▁", "t", "h", "e", "▁t", "he", "▁the", "▁▁"])]

    def one(model: bytes, what: str = " the the", config: bytes = b"") -> bytes:
        raw = what.encode()
        return bytes([len(raw)]) + raw + bytes([len(config)]) + config + model
    return {
        "bytes": one(pieces(head + spelt + words), "the  thé </s>"),
        "unknown": one(pieces(head + words, byte_fallback=0)),
        "user": one(pieces(head + spelt + words + [("<x>", 0.0, 4), ("the", -0.5, 4)]), "<x>the<x>"),
        "legacy": one(pieces(head + spelt + words), "</s>the", text({"legacy": False, "add_bos_token": False})),
        "no-prefix": one(pieces(head + spelt + words, prefix=0), "the", text({"add_prefix_space": False})),
        "unigram": one(pieces(head + words, model_type=1)), "empty": one(b""),
        "equal": one(pieces(head + [("a" * n, 0.0, 1) for n in range(1, 12)], byte_fallback=0), "a" * 30),
    }


# ---------------------------------------------------------------------------------------------------------- models

def gpt2_folder() -> bytes:
    config = {"model_type": "gpt2", "n_layer": 1, "n_head": 1, "n_embd": 2, "n_ctx": 4, "n_positions": 4, "vocab_size": 3,
              "n_inner": 2}

    def t(*shape: int) -> tuple[str, list[int], bytes]:
        n = shape[0] * (shape[1] if len(shape) > 1 else 1)
        return "F32", list(shape), struct.pack(f"<{n}f", *[0.5] * n)
    tensors = {"wte.weight": t(3, 2), "wpe.weight": t(4, 2), "ln_f.weight": t(2), "ln_f.bias": t(2)}
    for name, shape in {"ln_1.weight": (2,), "ln_1.bias": (2,), "attn.c_attn.weight": (2, 6), "attn.c_attn.bias": (6,),
                        "attn.c_proj.weight": (2, 2), "attn.c_proj.bias": (2,), "ln_2.weight": (2,), "ln_2.bias": (2,),
                        "mlp.c_fc.weight": (2, 2), "mlp.c_fc.bias": (2,), "mlp.c_proj.weight": (2, 2),
                        "mlp.c_proj.bias": (2,)}.items():
        tensors[f"h.0.{name}"] = t(*shape)
    return parts(config, safetensors(tensors))


def llama_folder() -> bytes:
    config = {"model_type": "llama", "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1,
              "hidden_size": 2, "intermediate_size": 2, "max_position_embeddings": 4, "vocab_size": 3,
              "tie_word_embeddings": True}
    two = ("BF16", [2, 2], b"\x80\x3f" * 4)
    layer = {f"model.layers.0.{n}.weight": two for n in (
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
        "mlp.down_proj")}
    norms = {n: ("F16", [2], b"\x00\x3c" * 2) for n in (
        "model.norm.weight", "model.layers.0.input_layernorm.weight", "model.layers.0.post_attention_layernorm.weight")}
    return parts(config, safetensors({"model.embed_tokens.weight": ("BF16", [3, 2], b"\x80\x3f" * 6), **layer, **norms}))


def index_files() -> dict[str, bytes]:
    def one(pairs: dict[str, str], **more: object) -> bytes:
        return text({"metadata": {"total_size": 8}, "weight_map": pairs, **more})
    return {"whole": one({"a": "a.safetensors", "b": "b.safetensors"}), "one": one({"a": "a.safetensors"}),
            "twice": one({"a": "a.safetensors", "b": "a.safetensors"}), "up": one({"a": "../a.safetensors"}),
            "missing": one({"a": "c.safetensors"}), "empty": one({}), "no-map": b"{}", "list": b'{"weight_map":[]}',
            "nul": b'{"weight_map":{"a":"a.safetensors\\u0000"}}', "number": b'{"weight_map":{"a":1}}'}


CONFIG_EXTRA = {
    "yarn-hostile": {"model_type": "llama", "rope_scaling": {"rope_type": "yarn", "factor": 1e308, "beta_fast": 1e-308,
                                                             "beta_slow": 1e308, "mscale": 1e308, "truncate": False}},
    "theta-one": {"model_type": "llama", "rope_theta": 1.0, "rope_scaling": {"type": "yarn", "factor": 2}},
    "huge": {"model_type": "gpt2", "n_layer": 1e9, "n_embd": -1, "n_head": 0}, "wide": {"model_type": "gpt2", "n_embd": 1e300},
    "windows": {"model_type": "qwen2", "use_sliding_window": True, "layer_types": ["full_attention"] * 3,
                "num_hidden_layers": 3, "sliding_window": None}}


# ------------------------------------------------------------------------------------------- tables and run files

def ov_report(condition: str, n: int = 3, vector: bool = True) -> dict[str, object]:
    def tokens(sign: float) -> list[dict[str, object]]:
        return [{"token_id": i, "token": w, "logit": sign * (i + 0.5)} for i, w in enumerate([" a", "b", "nan", "é"])]
    heads = [{"layer": 0, "head": h, "vector_norm": 1.5, "tokens": {"top": tokens(1), "bottom": tokens(-1)},
              **({"vector": [1.0, -0.5 * h, 0.25]} if vector else {})} for h in range(n)]
    return {"schema": "abltui.ov_report/1", "model": "m", "condition": condition, "kind": "mean_output", "heads": heads,
            "vocab_sha256": "0" * 64}


TABLES = {r["name"]: [f["name"] for f in r["schema"]["fields"]] for r in json.loads((ROOT / "docs/schema/tables.json").read_text())["resources"]
          if r["path"].startswith("metrics/")}


def table(name: str, *rows: dict[str, str]) -> str:
    """A CSV of those columns; what a row does not say is missing."""
    lines = [",".join(f'"{c}"' for c in TABLES[name])] + [",".join(row.get(c, "") for c in TABLES[name]) for row in rows]
    return "".join(line + "\n" for line in lines)


def child(name: str, odd: str = "-0.5") -> tuple[object, ...]:
    both = {"condition": f'"{name}"', "seed": "0", "ablate": '"zero"', "metric": '"ld"', "value": "1.5", "n": "9", "n_clusters": "9"}
    head = table("head_impact", *({**both, "layer": str(i), "head": str(i + 1), "scale": "0.0", "delta": odd if i == 1 else str(-0.25 * i)}
                                  for i in range(3)))
    group = table("group_impact", {**both, "heads": '"0:1+0:2"', "kind": '"chosen"', "delta": "-0.5", "interaction": "0.1"},
                  {**both, "heads": '"0:1+0:3"', "kind": '"control"', "parent": '"0:1+0:2"', "delta": odd})
    layer = table("layer_impact", {**both, "site": '"z"', "layer": "1", "head": "2", "positions": '"one"', "position": "-1",
                                   "direction": '"clean->corrupt"', "delta": odd, "recovery": "0.5", "small_denominator": "0"},
                  {**both, "site": '"resid_post"', "layer": "1", "positions": '"all"', "direction": '"sham"', "delta": "0.0"})
    recovery = table("recovery", {**both, "heads": '"0:1+0:2"', "restored": '"0:1"', "source": '"same"', "baseline": "1.0", "ablated": "0.5",
                                  "patched": "0.75", "recovery": odd})
    rows = table("rows", {"condition": f'"{name}"', "row": "0", "id": '"NA"', "cluster": '""', "n_tokens": "7"})
    return {"schema": "abltui.config/1", "model": "m"}, {"schema": "abltui.summary/1", "condition": name}, head, group, layer, recovery, rows, ov_report(name, 2)


def older(name: str) -> tuple[object, ...]:
    """As versions wrote it in which `position` held words and text was not quoted."""
    row = f"{name},0,z,1,2,all,clean->corrupt,ld,1.5,-1,0.5,0,1,,,9,9,0\n"
    layer = ",".join(c for c in TABLES["layer_impact"] if c != "positions") + "\n" + row
    return *child(name)[:4], layer, *child(name)[5:]


def run_files() -> dict[str, bytes]:
    folder = FIXTURES / "configs/checkout/lab/configs"
    batteries = {p.stem: p.read_bytes() for p in sorted(folder.glob("battery_*.json"))}
    ready = {p.stem: p.read_bytes() for p in sorted((ROOT / "configs/batteries").glob("*.json"))[:12]}
    single = {"run_name": "r", "seeds": [0, 1], "device": "cuda", "model": {"name": "tiny-gpt2", "dtype": "float16"},
              "dataset": {"id": "facts", "split": "train", "clean_field": "clean"}, "battery": "battery.json",
              "verify_slice": {"n_examples": 4}, "profiling": {"interval_s": 0.5}, "metric_span": "full"}
    several = {"run_name": "j", "battery": "battery.json", "shared": {"model": {"name": "tiny-gpt2"}, "seed": 3},
               "conditions": [{"tag": "a", "dataset": {"id": "facts"}}, {"tag": "b", "dataset": {"id": "negation"},
                              "battery_overrides": {"ablation": {"scale": [0.0, 0.5]}}}, {"tag": "c", "dataset": {"id": "x"}}]}
    files = {f"battery-{n}": parts(single, b) for n, b in {**batteries, **ready}.items()}
    files |= {f"run-{p.stem}": parts(p.read_bytes(), batteries["battery_h1"]) for p in sorted(folder.glob("run_*.json"))[:12]}
    files["several"] = parts(several, batteries["battery_scales"])
    files["deep"] = b'{"a":' * 500 + b"1" + b"}" * 500
    return files


def jsonl_files() -> dict[str, bytes]:
    files = {}
    for path in sorted((FIXTURES / "faults").glob("*.jsonl")):
        rows = path.read_bytes()[:1200]
        split_file = path.with_suffix(".split.json")
        files[path.stem] = b"\x20" + parts(rows, split_file.read_bytes() if split_file.exists() else b"")
        if path.stem in ("sound", "skip-bad", "split-leak", "multi-token-target"):
            for how in (1, 4, 2 | 16, 0x20, 0x60, 0x81):
                files[f"{path.stem}-{how}"] = bytes([how]) + parts(rows, split_file.read_bytes() if split_file.exists() else b"")
    files["names"] = b"\x08" + b'{"prompt":"The sky is","answer":" blue","wrong":" red","id":7,"cluster":null}\n'
    return files


def import_files() -> dict[str, bytes]:
    """Of a byte the rest by 5 is the format: CSV, TSV, JSON, JSONL; 8 leaves bad rows out, 16 has other names."""
    plain = b"clean,target,foil,corrupt,id,template,cluster,spans\n"
    rows = b'The sky is, blue, red,The sea is,1,t,c,\n"A ""b"",\nc","["" a"", "" b""]", c,,,,"k,1","{""x"": [0, 1]}"\n'
    lists = b'[{"clean": "A", "target": [" a", " b"], "foil": " c"},\n {"clean": "B", "target": " b", "foil": " c", "spans": {"x": [0, 1]}}]'
    return {"csv": b"\x00" + plain + rows, "crlf": b"\x00\xef\xbb\xbf" + (plain + rows).replace(b"\n", b"\r\n"),
            "semicolons": b"\x00" + (plain + rows[:40]).replace(b",", b";"), "tsv": b"\x01" + (plain + rows[:44]).replace(b",", b"\t"),
            "mapped": b"\x10prompt,answer,wrong,group,stretches,,\nA, a, b,g,,x,y\n", "few": b"\x08" + plain + b"A, a\n" + rows,
            "open": b"\x00" + plain + b'"A, a, b\n', "quote": b"\x00" + plain + b'"A" b, a, b,,,,,\n', "python": b"\x00clean,target,foil\nA,['a'], b\n",
            "no-column": b"\x00prompt,target,foil\nA, a, b\n", "twice": b"\x00clean,clean\nA,B\n", "blank": b"\x00\n\nclean,target,foil\n\nA, a, b\n\n",
            "nul": b"\x00clean,target,foil\nA\0, a, b\n", "latin": b"\x00clean,target,foil\ncaf\xe9, a, b\n", "wide": b"\x00\xff\xfec\0",
            "json": b"\x02" + lists, "within": b'\x02{"n": 1, "rows": ' + lists + b"}", "lines": b'\x02{"clean": "A", "target": " a", "foil": " b"}\n' * 2,
            "columns": b'\x02{"clean": {"0": "A"}}', "two-lists": b'\x02{"a": [], "b": []}', "strings": b'\x02["A"]', "jsonl": b"\x03" + lists,
            "table": b"\x03" + plain + rows, "no-parquet": b"\x04" + plain, "zip": b"\x00PK\x03\x04", "gzip": b"\x00\x1f\x8b\x08"}


def terminal_files() -> dict[str, bytes]:
    sizes = {"80x24": b"\x0a\x04", "120x40": b"\x32\x14", "small": b"\x00\x00"}
    keys = {"moves": b"hjklgG0$\t123456789", "marks": b" l j *IX", "command": b":metric kl\r:screenshot a.svg\r:foo\r",
            "scale": b"s\x150.25\ru", "prompt": "i café 中文\x7f\x08\x1b[D\x1b[C\x1b[H\x1b[F\r".encode(),
            "arrows": b"\x1b[A\x1b[B\x1b[C\x1b[D\x1bOA\x1bOP\x1b[15~\x1b[5~\x1b[6~\x1b[Z", "mouse": b"\x1b[<0;20;8M\x1b[<0;20;8m\x1b[M !!",
            "answers": b"\x1b]11;rgb:0000/0000/0000\x07\x1b[?1;2c\x1b[>0;276;0c\x1bP1+r\x1b\\\x1b[?2026;2$y\x1b[24;80R",
            "broken": b"\x1b\x1b[\x1b[99999999999999999999A\xff\xfe\xc3\x80\x9b", "paste": b":\x1b[200~export a\nb\x1b[201~\r",
            "help": b"?jjG\x1b/x\r", "pickers": b"mjj\rdj\rvj\re\x1b", "filters": b"S\x1bwO\x1bT\x1bz\x1bc\x1b+-a\x1br\x1bp\x1b"}
    return {f"{k}-{s}": size + v for k, v in keys.items() for s, size in sizes.items()}


def options_files() -> dict[str, bytes]:
    lines = ["--export\nout\n--data\nfacts", "--model=x\n--heads\n0:1,1:*\n--layers\n0-2", "run\na.json\n--export\nd", "--help", "-h",
             "ov\n--kind\ncircuit\n--source\n a", "check\nfile.jsonl\n--json", "--experiment\nsets\n--sets\n0:1+0:2;1:1\n--controls\n5",
             "--experiment\npatch\n--patch-site\nz,q\n--direction\ncorrupt->clean\n--positions\n-1,-3", "--ablate\nscale=0.5", "--mem\n2G",
             "--size\n80x24\n--screenshot\na.svg", "variants\na.jsonl\n--tokenizer\ngpt2\n--shares\n0.8,0.1", "--rows\n18446744073709551615",
             "--modle\nx", "chek", "--rows\n0x10", "--alpha\n1e-400\n--boot\n-1", "--data\na\n--data\nb\n--export\nd", "pull\norg/name@v:f.gguf",
             "--threads\n4294967296", "--", "-", "--=x", "--export=", "rebuild\na\nb\n--export\nc", "--compat\ntinylab\n--shares\n.5,.5"]
    return {f"line-{i}": line.encode() for i, line in enumerate(lines)}


def selection_files() -> dict[str, bytes]:
    texts = [(0, "0:2,1:3,2:*,*:4"), (0, "all"), (0, "random:3@7"), (0, " 0:1 ,0:1"), (1, "0-2,5"), (1, "all"), (2, "0:2+0:4;0:2+0:4+0:7"),
             (2, "0:*;*:1;*:1+*:2"), (3, "0:1,2,4;3:0,1,5"), (4, "0:1,2,4,6"), (5, "last"), (5, "-1,-3"), (5, "each"), (5, "all"),
             (0, "random:99@18446744073709551615"), (2, ";;0:1;"), (0, ""), (1, "3-1"), (5, "-0")]
    shapes = [(11, 11), (40, 2), (2, 40), (0, 0)]
    return {f"{i}-{k}": bytes([kind, *shape]) + t.encode() for i, (kind, t) in enumerate(texts) for k, shape in enumerate(shapes)}


def hub_files() -> dict[str, bytes]:
    def sibling(name: str, lfs: bool = False, **more: object) -> dict[str, object]:
        return {"rfilename": name, "size": 12, "blobId": "b" * 40, **({"lfs": {"sha256": "a" * 64, "size": 12, "pointerSize": 3}}
                                                                    if lfs else {}), **more}
    def listing(*siblings: object) -> dict[str, object]:
        return {"id": "org/name", "sha": "0123456789abcdef0123456789abcdef01234567", "siblings": list(siblings)}
    small = [sibling("config.json"), sibling("tokenizer.json"), sibling("README.md")]
    return {"one": parts("", listing(*small, sibling("model.safetensors", True))),
            "shards": parts("", listing(*small, sibling("model.safetensors.index.json"), sibling("model-00001-of-00002.safetensors", True),
                                        sibling("model-00002-of-00002.safetensors", True))),
            "gguf": parts("", listing(sibling("a.gguf", True))), "two-gguf": parts("", listing(sibling("a.gguf", True), sibling("b.gguf", True))),
            "asked": parts("b.gguf", listing(sibling("a.gguf", True), sibling("b.gguf", True))),
            "parts": parts("a-00001-of-00002.gguf", listing(sibling("a-00001-of-00002.gguf", True), sibling("a-00002-of-00002.gguf", True))),
            "bin": parts("", listing(*small, sibling("pytorch_model.bin", True))), "empty": parts("", listing()), "none": parts("", "{}"),
            "odd": parts("", listing(sibling("../x"), sibling(".hidden"), sibling("a/b"), sibling("model.safetensors", True, size=None)))}


def pull_files() -> dict[str, bytes]:
    def goal(how: int, size: int, rate: int = 4096, stored: int = 0) -> bytes:
        return bytes([how]) + struct.pack("<HHH", size, rate, stored)
    status = {code: bytes([0, i]) for i, code in enumerate([200, 206, 302, 301, 404, 416, 429, 500, 401, 100])}
    rest, whole, cut, right = b"\7", b"\x08", b"\x09", b"\1"
    def body(n: int) -> bytes:
        return b"\1" + struct.pack("<H", n) + b"\0"
    def pause(ms: int) -> bytes:
        return b"\2" + struct.pack("<H", ms // 4)
    return {"good": goal(4, 1000) + status[200] + rest + whole + right,
            "redirect": goal(4, 1000) + status[302] + b"\3\7" + whole + status[200] + rest + whole + right,
            "back": goal(4, 1000) + status[302] + b"\3\2" + whole + status[301] + b"\3\1" + whole + status[200] + rest + whole + right,
            "resumed": goal(4, 60000, 4096, 500) + status[206] + b"\4\1" + body(20000) + cut + status[206] + rest + whole + right,
            "elsewhere": goal(4, 60000, 4096, 500) + status[206] + b"\4\0" + body(20000) + cut,
            "norange": goal(4, 60000, 4096, 500) + status[200] + rest + whole + right, "wrong": goal(4, 100) + (status[200] + rest + whole + b"\0") * 6,
            "trickle": goal(4, 60000) + status[200] + (body(1) + pause(10000)) * 8, "flaky": goal(0x44, 60000) + (status[206] + body(65000) + cut) * 16,
            "busy": goal(4, 100) + status[429] + b"\5\0" + whole + status[200] + rest + whole + right, "gone": goal(4, 100) + status[416] + whole + status[404] + whole,
            "text": goal(0x0c, 1000) + status[200] + body(100) + whole, "text-long": goal(0x0c, 1000) + status[200] + body(1001) + whole,
            "clear": goal(5, 100) + status[302] + b"\3\3" + whole + status[200] + rest + whole + right, "here": goal(2, 100) + status[302] + b"\3\4" + whole,
            "lines": goal(4, 100) + b"\6HTTP/2 401 \r\n\6X-Error-Code: GatedRepo\r\n\6content-range: bytes 5-9/10\r\n\6Location:\t/x \r\n" + whole, "empty": b""}


def printing_files() -> dict[str, bytes]:
    texts = ["plain", "two\nlines\tand\rmore", "\x1b[31mred\x1b[0m \x1b]0;title\x07", "\x7f\x00\x85\x9b31m", "a\u202eb\u2066c\u2069\u061c",
             "\u200b\u200d\ufeff\u2060\u00ad", "e\u0301\u0301\u0301\u0301 \u0301", "\u4e2d\u6587\uff21\U0001f642\ufe0f", "\u2028\u2029\U000e0041\U000e0001",
             '{"a\\u001b": "\u202e\x7f", "b": [1, "\U000e0041"]}', "\\n \\u001b <0x9B>", "x" * 40 + "\u4e2d" * 3, "\ufffe\U0010ffff\ufdd0"]
    raw = [b"\x9b31m\xff\xc0\x80", b"\xed\xa0\x80\xf4\x90\x80\x80", b"cut \xe4\xb8", b""]
    return {f"{i}-{n}": bytes([n]) + t for i, t in enumerate([t.encode() for t in texts] + raw)
            for n in (i % 6, 6 + (i + 2) % 6, 60 + (i + 4) % 6, 1)}


def cache_files() -> dict[str, bytes]:
    commit = "0123456789abcdef0123456789abcdef01234567"
    return {"main": parts("a/b", "main", commit + "\n", "/cache", "/home"), "short": parts("a/b", commit[:7], commit, "~/c", "/home/x/"),
            "up": parts("../b", "..", "../../x", "~", ""), "pr": parts("b", "refs/pr/1", commit.upper(), "", "/h"),
            "long": parts("a" * 97, "r" * 300, commit * 3, "", ""), "empty": parts("", "", "", "", ""),
            "dots": parts("a--b/c.git", "v1.0-rc/x", " \t" + commit + " \r\n", "~x", "/home")}


def table_files() -> dict[str, bytes]:
    texts = ["a,b\n1,2\n", 'a,b\n"x ""y"" z","1\n2"\n', "a\n", "a,a\n1,\n,2\n", 'a\n" x "\n x \n', "a,b\r\n1,2\r\n", '"a', 'a"b\n', "\n\n", "a,b\n1\n"]
    return {f"table-{i}": t.encode() for i, t in enumerate(texts)} | {
        f"run-{i}": str(t).encode() for i, t in enumerate(child("facts")[2:7])}


CELLS = [" Paris", "NA", "null", "nan", "inf", "'", '"', "007", "0:2", "T", "", "a,b", "x\ny", "\r", "\t", "=1+1", "é", "😀", "<0xFF>", "-", "1e5", "True"]

FILES = {
    "json": lambda: {f"text-{i}": t.encode() for i, t in enumerate([
        '{"b":1,"a":[true,false,null,"x"],"c":{"d":-0.0,"e":1e308,"f":5e-324}}', '"\\u0000\\ud83d\\ude00\\n"', "[1,2", "{}x", '{"a":1,"a":2}',
        "[" * 63 + "]" * 63, "[" * 70, "-", "01", "1e400", "12345678901234567890123", '"\\ud800"', "\ufeff{}", " \n\t null ", "NaN", '"\x7f\u009b"',
        "[1.0,1e5,1E-5,123456789012345680.0,0.1,2.50,-0]"])},
    "safetensors": lambda: {
        "whole": safetensors({"a": ("F32", [2, 2], bytes(16)), "b": ("BF16", [3], bytes(6)), "c": ("F16", [], b"\0<")}, {"format": "pt"}),
        "types": safetensors({t: (t, [2], bytes(2 * n)) for t, n in (("F64", 8), ("I64", 8), ("I32", 4), ("I16", 2), ("U8", 1), ("BOOL", 1))}),
        "empty": safetensors({}), "none": safetensors({"z": ("F32", [0, 4], b"")}), "nan": safetensors({"n": ("F32", [1], b"\0\0\xc0\x7f")}),
        "long": struct.pack("<Q", 1 << 62) + b"{}", "short": b"\1\0\0\0\0\0\0\0{", "hole": struct.pack("<Q", 64) + text(
            {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}).ljust(64) + bytes(8)},
    "index": index_files,
    "config": lambda: {p.parent.name: text(json.loads(p.read_text())) for p in sorted((FIXTURES / "archs").glob("*/config.json"))}
    | {p.parent.name + "-v4": text(json.loads(p.read_text())) for p in sorted((FIXTURES / "archs").glob("*/config.v4.json"))}
    | {k: text(v) for k, v in CONFIG_EXTRA.items()},
    "tokenizer_json": tokenizer_files, "merges": merges_files, "sentencepiece": sentencepiece_files,
    "gguf": lambda: {p.stem: p.read_bytes() for p in sorted((FIXTURES / "gguf").glob("*.gguf"))} | {
        "tensors": gguf({"general.alignment": 32}, {"a": f32(2, 2), "b": ([32], 8, b"\0<" + bytes(32)), "c": ([256], 14, bytes(210))}),
        "empty": gguf({}, {}), "v2": gguf({"a": [1.0, 2.0], "b": ["x", "y"]}, {}, 2), "cut": gguf(LLAMA, {})[:80],
        "counts": b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60)},
    "gguf_model": lambda: {
        "llama": gguf(LLAMA | scored_tokens(), llama_tensors(268)),
        "gpt2-tokens": gguf(LLAMA | {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": [*BYTES, "th", "<s>"],
                                     "tokenizer.ggml.merges": ["t h"], "tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.bos_token_id": 257,
                                     "tokenizer.ggml.token_type": [1] * 257 + [3]}, llama_tensors(258)),
        "few": gguf(LLAMA | {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "b", "ab"], "tokenizer.ggml.merges": ["a b"],
                             "tokenizer.ggml.pre": "qwen2"}, llama_tensors(3)),
        "scaled": gguf(LLAMA | {"llama.rope.scaling.factor": 4.0, "llama.rope.scaling.type": "yarn",
                                "llama.rope.scaling.original_context_length": 4}, llama_tensors(3)),
        "split": gguf(LLAMA | {"split.no": 0, "split.count": 2}, {})},
    "model": lambda: {"gpt2": gpt2_folder(), "llama": llama_folder()},
    "jsonl": jsonl_files, "imports": import_files, "run_file": run_files, "csv": table_files,
    "cells": lambda: {f"cell-{i}": c.encode() for i, c in enumerate(CELLS)} | {"all": PART.join(c.encode() for c in CELLS)},
    "ov_file": lambda: {"two": parts(ov_report("a"), ov_report("b", 2)), "plain": parts(ov_report("a", 1, False), ov_report("b", 1)),
                        "one": parts(ov_report("a")), "other": parts({"schema": "abltui.ov_report/2"}), "empty": parts("{}", "[]")},
    "rebuild": lambda: {"two": parts(*child("a"), *child("b")), "words": parts(*child("a", "nan"), *child("b", "0x1p3")),
                        "some": parts(*child("a")[:3], "", "", "", "", "", *child("b")), "no-json": parts("{} x", *child("a")[1:], *child("b")),
                        "quoted": parts(*child("a", '"-0.5"'), *child("b", "-.5")), "long": parts(*child("a", "1" * 39), *child("b", "007")),
                        "older": parts(*older("a"), *older("b")), "empty": b""},
    "selections": selection_files, "options": options_files, "hub_listing": hub_files, "pull": pull_files, "hf_cache": cache_files,
    "printing": printing_files, "terminal": terminal_files,
    "number": lambda: {f"number-{i}": b"\4" + t for i, t in enumerate(
        [struct.pack("<d", v) for v in (0.1, -0.0, 5e-324, 1.7976931348623157e308, 1e23, 2.0 ** 60, 9007199254740993.0, 999999.9999, 0.5)]
        + [b"1e5", b"-0.5", b"0x1p3", b" 1", b"1e400", b"nan", b"18446744073709551616", b"+7", b"007"])},
}

JSON_WORDS = ["{", "}", "[", "]", ":", ",", '\\"', "true", "false", "null", "1e308", "-1", "0.5", "\\\\u0000", "\\\\ud83d", "\\xef\\xbb\\xbf", "\\x1e"]
WORDS = {
    "config": ["model_type", "gpt2", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "n_embd", "hidden_size", "num_attention_heads",
               "num_key_value_heads", "rope_scaling", "rope_parameters", "rope_theta", "rope_type", "yarn", "llama3", "linear", "dynamic", "factor",
               "low_freq_factor", "high_freq_factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale", "mscale_all_dim",
               "attention_factor", "truncate", "partial_rotary_factor", "layer_types", "sliding_attention", "full_attention", "sliding_window",
               "use_sliding_window", "max_window_layers", "head_dim", "tie_word_embeddings", "attention_bias", "quantization_config", "hidden_act"],
    "tokenizer": ["model", "type", "BPE", "vocab", "merges", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "Sequence",
                  "pretokenizers", "normalizers", "processors", "ByteLevel", "add_prefix_space", "use_regex", "Split", "pattern", "Regex", "String",
                  "behavior", "Isolated", "Removed", "MergedWithPrevious", "invert", "Metaspace", "replacement", "prepend_scheme", "always", "first",
                  "never", "Digits", "individual_digits", "NFC", "NFD", "NFKC", "Replace", "content", "Prepend", "prepend", "TemplateProcessing", "single",
                  "SpecialToken", "id", "special", "lstrip", "rstrip", "single_word", "normalized", "unk_token", "byte_fallback", "fuse_unk",
                  "ignore_merges", "\\\\p{L}", "\\\\p{N}", "\\\\s", "(?i:", "(?!", "(?<=", "&&[^", "{1,3}", "\\xe2\\x96\\x81", "\\xc4\\xa0", "<0x0A>",
                  "bos_token", "eos_token", "added_tokens_decoder", "additional_special_tokens", "legacy", "split_special_tokens", "tokenizer_class",
                  "add_bos_token", "add_eos_token", "#version: 0.2"],
    "gguf": ["GGUF", "general.architecture", "general.alignment", "llama", "gpt2", "qwen2", ".block_count", ".context_length", ".embedding_length",
             ".feed_forward_length", ".attention.head_count", ".attention.head_count_kv", ".rope.dimension_count", ".rope.freq_base",
             ".rope.scaling.type", ".rope.scaling.factor", ".attention.layer_norm_rms_epsilon", ".attention.key_length", "tokenizer.ggml.model",
             "tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges", "tokenizer.ggml.pre",
             "tokenizer.ggml.bos_token_id", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_space_prefix", "split.no", "split.count",
             "token_embd.weight", "output.weight", "blk.0.", "rope_freqs.weight", "\\x09\\x00\\x00\\x00", "\\x08\\x00\\x00\\x00",
             "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x7f"],
    "tensors": ["__metadata__", "dtype", "shape", "data_offsets", "F32", "F16", "BF16", "F64", "I64", "BOOL", "F8_E4M3", "weight_map",
                "a.safetensors", "b.safetensors"],
    "rows": ["clean", "corrupt", "target", "foil", "id", "template", "cluster", "prompt", "twin", "answer", "wrong", "train", "val", "test", "seed",
             "sha256", "data_hash", "schema", "abltui.split/1", "<|endoftext|>", "\\xef\\xbf\\xbd", " The"],
    "imports": ["group", "stretches", "spans", "{}", "[]", '\\"\\"', '[\\"\\" a\\"\\"]', "\\x0d\\x0a", ",", ";", "\\x09", "clean,target,foil\\x0a"],
    "run": ["run_name", "seeds", "seed", "device", "model", "name", "revision", "dtype", "dataset", "split", "battery", "battery_overrides", "shared",
            "conditions", "tag", "verify_slice", "n_examples", "profiling", "interval_s", "metric_span", "rows", "boot", "csv_safe", "ablation", "heads", "layers",
            "scale", "type", "granularity", "metrics", "battery.json", "facts", "tiny-gpt2", "random", "pairs", "triplets", "patch_direction"],
    "joint": ["abltui.config/1", "abltui.summary/1", "model", "metrics"],
    "ov": ["schema", "abltui.ov_report/1", "model", "condition", "kind", "heads", "layer", "head", "vector_norm", "tokens", "top", "bottom", "token",
           "logit", "vector", "vocab_sha256"],
    "tables": ["condition", "metric", "delta", "layer", "head", "heads", "kind", "control", "site", "position", "direction", "sham", "restored", "source",
               "ld", "kl", "nan", "inf", "0x1", "-0", '\\"\\"', "\\x0d\\x0a"],
    "options": sorted({w for line in options_files().values() for w in line.decode().replace("\n", "=").split("=") if w}),
    "selections": ["all", "random:", "@", "*:", ":*", "last", "each", "subject:last"],
    "hub": ["sha", "siblings", "rfilename", "size", "blobId", "lfs", "sha256", "config.json", "model.safetensors", "model.safetensors.index.json",
            "tokenizer.json", "tokenizer.model", ".gguf", "-00001-of-00002"],
    "pull": ["HTTP/1.1 ", "\\x06Location: ", "\\x06Retry-After: ", "\\x06X-Error-Code: ", "\\x06Content-Range: bytes ", "https://hub/", "http://", "//", "\\x0d\\x0a"],
    "cache": ["models--", "refs/", "snapshots/", "..", "~/", "--", ".git", "0123456789abcdef0123456789abcdef01234567"],
    "terminal": ["\\x1b[A", "\\x1b[<0;10;10M", "\\x1b[200~", "\\x1b]11;", "\\x1bP", "\\x1b\\\\", "\\x1b[?1;2c", ":metric ", ":ablate ", ":export ", ":site ",
                 ":positions ", ":experiment ", "\\x15", "\\x7f", "\\x0d", "\\x09", "\\x0c"],
    "printing": ["\\x1b[", "\\x1b]0;", "\\x9b", "\\xc2\\x9b", "\\xe2\\x80\\xae", "\\xe2\\x80\\x8b", "\\xe2\\x80\\xa8", "\\xef\\xbb\\xbf", "\\xef\\xb8\\x8f", "\\xf3\\xa0\\x81\\x81",
                 "\\xcc\\x81", "\\xe4\\xb8\\xad", "\\x7f", "\\x00", "\\x0a", "\\\\u001b", "..."],
    "number": ["e-", "0x", "inf", "nan", "1e308", "5e-324"],
}
DICTS = {"json": [], "safetensors": ["tensors"], "index": ["tensors"], "config": ["config"], "tokenizer_json": ["tokenizer"], "merges": ["tokenizer"],
         "sentencepiece": ["tokenizer"], "gguf": ["gguf"], "gguf_model": ["gguf", "tokenizer"], "model": ["config", "tensors"], "jsonl": ["rows"],
         "imports": ["rows", "imports"],
         "run_file": ["run"], "csv": ["tables"], "cells": ["tables"], "ov_file": ["ov"], "rebuild": ["tables", "ov", "joint"], "selections": ["selections"],
         "options": ["options", "selections"], "hub_listing": ["hub"], "pull": ["pull"], "hf_cache": ["cache"], "terminal": ["terminal"], "printing": ["printing"],
         "number": ["number"]}
NO_JSON = {"pull", "sentencepiece", "gguf", "gguf_model", "csv", "cells", "selections", "options", "hf_cache", "terminal", "number"}


def main() -> None:
    total = 0
    (OUT / "dict").mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        folder = OUT / "corpus" / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith(("found-", "grown-")):
                old.unlink()
        for key, content in make().items():
            (folder / key).write_bytes(content)
            total += len(content)
        words = [w for d in DICTS[name] for w in WORDS[d]] + ([] if name in NO_JSON else JSON_WORDS)
        (OUT / "dict" / f"{name}.dict").write_text("".join(f'"{w}"\n' for w in dict.fromkeys(words)))
    print(f"{total} bytes")


if __name__ == "__main__":
    main()
