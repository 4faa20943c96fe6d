"""Write tests/fixtures/gguf-tokenizer.json: what llama.cpp makes of the tokenizers in GGUF files, and the keys that there are.

    python3 tools/golden_gguf_tokenizer.py --python PY
    python3 tools/golden_gguf_tokenizer.py --python PY --check build/tests/encode [--n 2000] [--seed 1]

needs: pip install gguf; PY is an interpreter with `pip install xllamacpp` (2026.10.11549), whose library is llama.cpp's own: the
oracle, by llama_tokenize with parse_special. A case is a file without tensors: a base vocabulary of tests/fixtures, and keys of
"tokenizer.…" that are put in or taken out. --check makes that many more at random and compares with the program's reading.

Texts of a case are in NFC where the base's tokenizer normalises, which llama.cpp leaves out and the program does, with a word.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests" / "support"))
import gguf_file

OUT = Path("tests/fixtures/gguf-tokenizer.json")
JSON_BASES = Path("tests/fixtures/tokenizers")
MODEL_BASES = Path("tests/fixtures/sentencepiece")
BASES = {"plain": None, "user": None, "neox": "gpt-2", "smollm": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2", "nemo": "tekken"}
NORMALISED = ("neox", "qwen2")

TEXTS = [
    "The capital of France is", " The capital", "  two spaces  in  it ", "</s>The city is", "The</s> city</s>  is", "<s> a <s>b",
    "x <extra> y", "x<extra>y  <extra>", "▁▁a ▁", "not<sep>not <sep> x", "", " ", "It's 2024! We'LL pay 13.50", "caf\u00e9 \u212b",
    "日本 の 首都", "🙂 ok", "<unk> <unk>a", "tab\tand\nnew line\r\n", "a\u00a0b \u3000c", "the the", "<|im_end|>x<|endoftext|> y",
    "<0x41><0x0A>", "1234567 12 345", "THE City Of iPhone X's", "   </s>   <extra>   ", "\n\n \n x", "!?...  ,;-- a'b 'SO",
    "[EMPTY_5] x", "thecity", "Ünï ǅ ᾳ", "<|start|>x<|end|>", "don't we're I'd",
]  # fmt: skip
WORDS = [
    "the", " the", "city", " city", "The", "a", "b", "x", "1", "12", "345", "é", "日本", "🙂", " ", "  ", "   ", "\n", "\t", "\r\n", "'s", "'S", "'ll", "'",
    ".", ",", "!", "-", "<s>", "</s>", "<sep>", "not", "<extra>", "<|im_end|>", "▁", "▁▁", "\u00a0", "\u3000", "ſ", "'ſ", "ǅ", "Ⅷ", "²", "٣", "ЖУ",
    "жу", "_", "=", "$", "|", "`", "<", ">", "\u200d", "ª", "ʰ", "A", "B", "aB", "AB", "中", "😀", "/", "\\", "#",
]  # fmt: skip
PRES = [
    "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "gigachat", "a.x-4.0", "mellum", "exaone4", "granite-docling", "smollm",
    "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2", "llama-bpe", "llama3", "llama-v3", "falcon3",
    "falcon-h1", "pixtral", "midm-2.0", "lfm2", "dbrx", "smaug-bpe", "kormo", "f2llmv2", "megrez", "hunyuan", "solar-open", "grok-2",
    "stablelm2", "tekken", "gpt-4o", "llama4", "falcon", "default", "", "viking", "no such way",
]  # fmt: skip
FURTHER = ["<extra>", "<|im_end|>", "<|start|>", "", "x y", "▁▁▁", "<|end|>", "citys", "<｜end▁of▁sentence｜>", "ab", "abA", "bAB"]
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def key(name: str) -> str:
    return name if name.startswith(("general.", "tokenizer.")) else f"tokenizer.ggml.{name}"


def byte_level(base: str) -> dict:
    file = json.loads((JSON_BASES / base / "tokenizer.json").read_text())
    ids = {i: text for text, i in file["model"]["vocab"].items()}
    added = {t["id"]: t for t in file["added_tokens"]}
    ids.update({i: t["content"] for i, t in added.items()})
    n = max(ids) + 1
    tokens = [ids.get(i, f"[PAD{i}]") for i in range(n)]
    types = [(CONTROL if added[i]["special"] else USER) if i in added else NORMAL if i in ids else UNUSED for i in range(n)]
    merges = [m if isinstance(m, str) else " ".join(m) for m in file["model"]["merges"]]
    return {
        "general.architecture": ("str", "gptneox" if base == "neox" else "llama"), key("model"): ("str", "gpt2"),
        key("pre"): ("str", BASES[base]), key("tokens"): ("[str]", tokens), key("token_type"): ("[i32]", types),
        key("merges"): ("[str]", merges), key("bos_token_id"): ("u32", 0), key("eos_token_id"): ("u32", 1),
    }  # fmt: skip


def values_of(case: dict) -> dict:
    base = case["base"]
    values = byte_level(base) if BASES[base] else gguf_file.read(MODEL_BASES / f"{base}.gguf")
    for name, change in case["keys"].items():
        if change is None:
            values.pop(key(name), None)
        elif name == "types":  # {place: type}
            for place, kind in change.items():
                values[key("token_type")][1][int(place)] = kind
        elif name == "further":  # [(text, type)]
            for text, kind in change:
                for list_name, item in (("tokens", text), ("token_type", kind), ("scores", -1)):
                    if key(list_name) in values:
                        values[key(list_name)][1].append(item)
        elif name == "integer scores":
            values[key("scores")] = ("[i32]", [int(v) for v in values[key("scores")][1]])
        else:
            values[key(name)] = tuple(change)
    return values


def texts_of(case: dict, texts: list[str]) -> list[str]:
    return [unicodedata.normalize("NFC", t) for t in texts] if case["base"] in NORMALISED else texts


def changes(base: str) -> list[tuple[str, object]]:
    """(key, (type, value) or None)."""
    out: list[tuple[str, object]] = []
    for name in ("add_bos_token", "add_eos_token", "add_space_prefix", "add_sep_token", "remove_extra_whitespaces"):
        out += [(name, ("bool", value)) for value in (True, False)] + [(name, None)]
    out += [(f"{name}_token_id", ("u32", i)) for name in ("bos", "eos", "unknown", "padding", "cls", "mask") for i in (0, 1, 2, 7, 10**6)]
    out += [("seperator_token_id", ("u32", 0)), ("eot_token_id", ("u32", 5)), ("fim_pre_token_id", ("u32", 5)), ("bos_token_id", None)]
    out += [("tokenizer.chat_template", ("str", "{{ x }}")), ("tokenizer.chat_template.tool", ("str", "x"))]
    out += [("tokenizer.chat_templates", ("[str]", ["tool"])), ("tokenizer.huggingface.json", ("str", "{}"))]
    out += [("token_type_count", ("u32", 2)), ("suppress_tokens", ("[i32]", [1, 2])), ("tokenizer.ggml.news", ("u32", 1))]
    out += [("bos_token_id", ("i32", 1)), ("add_bos_token", ("u8", 1)), ("add_bos_token", ("str", "true")), ("precompiled_charsmap", ("[u8]", [1] * 9))]
    out += [("token_type", None), ("general.name", ("str", "Phi-3-mini"))]
    out += [("types", {str(place): kind}) for place in (5, 300, 333, 402) for kind in (UNKNOWN, CONTROL, USER, UNUSED, BYTE, 0, 9)]
    out += [("further", [(text, kind)]) for text in FURTHER for kind in (NORMAL, CONTROL, USER, UNUSED)]
    if not BASES[base]:
        return [*out, ("scores", None), ("integer scores", True), ("pre", ("str", "gpt-2"))]
    return [*out, *[("pre", ("str", pre)) for pre in PRES], ("pre", None), ("merges", None)]


def at_random(n: int, seed: int) -> list[dict]:
    rng = random.Random(seed)
    cases = []
    for _ in range(n):
        base = rng.choice(list(BASES))
        chosen = dict(rng.sample(changes(base), rng.randrange(1, 5)))
        if rng.random() < 0.3:
            chosen["further"] = [(t, rng.choice([CONTROL, USER, UNKNOWN])) for t in rng.sample(FURTHER, 4)]
        if chosen.get("token_type", 0) is None:
            chosen.pop("types", None)
        if BASES[base] and rng.random() < 0.4:
            chosen["pre"] = ("str", rng.choice(PRES))
        cases.append({"base": base, "keys": chosen})
    return cases


def systematic() -> list[dict]:
    return [{"base": base, "keys": {}} for base in BASES] + [
        {"base": base, "keys": {name: value}} for base in BASES for name, value in changes(base)
    ]


def random_text(rng: random.Random) -> str:
    return "".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 10)))


def worker(lines: list[str]) -> None:
    """A line a file, and its texts: what llama.cpp makes of them."""
    import ctypes as c

    import xllamacpp

    class Params(c.Structure):
        _fields_ = [
            ("devices", c.c_void_p), ("overrides", c.c_void_p), ("n_gpu_layers", c.c_int32), ("split_mode", c.c_int), ("load_mode", c.c_int),
            ("lazy_mode", c.c_int), ("main_gpu", c.c_int32), ("tensor_split", c.c_void_p), ("callback", c.c_void_p), ("user_data", c.c_void_p),
            ("kv_overrides", c.c_void_p), ("vocab_only", c.c_bool), ("flags", c.c_bool * 5),
        ]  # fmt: skip

    library = c.CDLL(str(next(Path(xllamacpp.__path__[0]).glob("*.so"))))
    library.llama_model_default_params.restype = Params
    library.llama_model_load_from_file.restype = library.llama_model_get_vocab.restype = c.c_void_p
    library.llama_model_load_from_file.argtypes = [c.c_char_p, Params]
    library.llama_model_get_vocab.argtypes = library.llama_model_free.argtypes = [c.c_void_p]
    library.llama_tokenize.argtypes = [c.c_void_p, c.c_char_p, c.c_int32, c.c_void_p, c.c_int32, c.c_bool, c.c_bool]
    quiet = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)(lambda *_: None)
    library.llama_log_set(quiet, None)
    params = library.llama_model_default_params()
    params.vocab_only = True

    def ids(vocab: int, text: str, special: bool) -> list[int]:
        raw = text.encode()
        room = (c.c_int32 * (len(raw) + 16))()
        return list(room[: library.llama_tokenize(vocab, raw, len(raw), room, len(room), special, True)])

    for line in filter(None, lines):
        asked = json.loads(line)
        model = library.llama_model_load_from_file(asked["path"].encode(), params)
        if not model:
            print(json.dumps({"error": "not loaded"}), flush=True)
            continue
        vocab = library.llama_model_get_vocab(model)
        plain = [ids(vocab, t, False) for t in asked["texts"]]
        probe = ids(vocab, "the", False)
        whole = ids(vocab, "the", True)
        at = next((i for i in range(len(whole)) if whole[i : i + len(probe)] == probe), 0)
        print(json.dumps({"ids": plain, "before": whole[:at], "behind": whole[at + len(probe) :]}), flush=True)
        library.llama_model_free(model)


def ask(python: str, paths: list[Path], texts: list[list[str]]) -> list[dict]:
    """What llama.cpp says; a file at which it ends the process is asked alone."""
    answers: list[dict] = []
    env = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    while len(answers) < len(paths):
        left = range(len(answers), len(paths))
        lines = "\n".join(json.dumps({"path": str(paths[i]), "texts": texts[i]}) for i in left)
        run = subprocess.run([python, __file__, "--worker"], input=lines, capture_output=True, text=True, check=False, env=env)
        answers += [json.loads(line) for line in run.stdout.split("\n") if line.startswith("{")]
        if run.returncode and len(answers) < len(paths):
            answers.append({"error": "ended"})
        elif len(answers) < len(paths):
            sys.exit(run.stderr[-2000:])
    return answers


def ours(encode: str, paths: list[Path], texts: list[list[str]]) -> list[dict]:
    sent = "".join(f"@{path}\n" + "".join(json.dumps(t) + "\n" for t in asked) for path, asked in zip(paths, texts))
    run = subprocess.run([encode, "-", "transformers-5"], input=sent, capture_output=True, text=True, check=True)
    answers: list[dict] = []
    for line in run.stdout.split("\n")[:-1]:
        if line.startswith("@refused"):
            answers.append({"refused": line[10:]})
        elif line.startswith("@"):
            bos, _, notes = line[1:].partition(" | ")
            answers.append({"ids": [], "bos": bos, "notes": notes})
        else:
            answers[-1]["ids"].append(line if line.startswith("refused") else [int(i) for i in line.split()])
    return answers


def compare(case: dict, texts: list[str], theirs: dict, mine: dict) -> str | None:
    for text, expected, found in zip(texts, theirs["ids"], mine["ids"]):
        if expected != found and not str(found).startswith("refused"):
            return f"{text!r}: expected {expected}, found {found}"
    expected = " ".join(map(str, theirs["before"])) or "none"
    if case["base"] != "neox" and mine["bos"] != expected:
        return f"before every text: expected {expected}, found {mine['bos']}"
    return f"behind every text: expected {theirs['behind']}" if theirs["behind"] else None


def written(cases: list[dict], place: str) -> list[Path]:
    paths = [Path(place) / f"{i}.gguf" for i in range(len(cases))]
    for case, path in zip(cases, paths):
        gguf_file.write(path, values_of(case))
    return paths


def check(options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    cases = at_random(options.n, options.seed) if options.n else systematic()
    texts = [texts_of(case, TEXTS + [random_text(rng) for _ in range(options.texts)]) for case in cases]
    counts = {"same": 0, "refused": 0, "not loaded": 0}
    reasons: dict[str, int] = {}
    bad = pairs = 0
    with tempfile.TemporaryDirectory() as place:
        paths = written(cases, place)
        for case, asked, theirs, mine in zip(cases, texts, ask(options.python, paths, texts), ours(options.check, paths, texts)):
            if "error" in theirs:
                counts["not loaded"] += 1
            elif "refused" in mine:
                counts["refused"] += 1
                reason = re.sub("/[0-9]+.gguf", "/.gguf", mine["refused"].replace(place, ""))[:150]
                reasons[reason] = reasons.get(reason, 0) + 1
            elif different := compare(case, asked, theirs, mine):
                bad += 1
                if bad <= options.show:
                    print(f"{case['base']} {json.dumps(case['keys'])}\n  {different}\n  {mine['notes']}")
            else:
                counts["same"] += 1
                pairs += len(asked)
    for reason, n in sorted(reasons.items(), key=lambda item: -item[1])[: options.show]:
        print(f"  refused {n}: {reason}")
    print(f"{len(cases)} files, {pairs} pairs the same: {counts}, {bad} differ")
    return 1 if bad else 0


def stored() -> dict:
    return json.loads(OUT.read_text())


def format_keys() -> list[str]:
    import gguf

    names = [v for k, v in vars(gguf.Keys.Tokenizer).items() if not k.startswith("_")]
    return sorted(name.replace("{name}", "tool") for name in names)


def write_golden(options: argparse.Namespace) -> None:
    cases = systematic()[::2] + at_random(150, 3)
    texts = [texts_of(case, TEXTS) for case in cases]
    pools: dict[str, list[list]] = {base: [[] for _ in TEXTS] for base in BASES}
    with tempfile.TemporaryDirectory() as place:
        answers = ask(options.python, written(cases, place), texts)
    for case, answer in zip(cases, answers):
        if "error" in answer:
            case["expected"] = None
            continue
        places = []
        for pool, ids in zip(pools[case["base"]], answer["ids"]):
            if ids not in pool:
                pool.append(ids)
            places.append(pool.index(ids))
        case["expected"] = {"ids": places, "before": answer["before"], "behind": answer["behind"]}
    head = {"texts": TEXTS, "keys": format_keys(), "pools": pools}
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in head.items()]
    OUT.write_text("{" + ",\n".join(lines) + ',\n"cases": [\n' + rows + "\n]}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--python")
    parser.add_argument("--check")
    parser.add_argument("--n", type=int, default=0)
    parser.add_argument("--texts", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=8)
    options = parser.parse_args()
    if options.worker:
        worker(sys.stdin.read().split("\n"))
        return 0
    if options.check:
        return check(options)
    write_golden(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
