"""Write tests/fixtures/tokenizer-settings.json: what two versions of transformers make of a tokenizer's settings.

    python3 tools/golden_tokenizer_settings.py --python5 PY5 --python4 PY4
    python3 tools/golden_tokenizer_settings.py --python5 PY5 --python4 PY4 --check build/tests/encode [--n 2000] [--seed 1]

PY5 and PY4 are interpreters with `pip install transformers==5.24.0 sentencepiece protobuf` and transformers==4.57.1: the
oracles, by AutoTokenizer.from_pretrained. A case is a folder: the vocabulary of a base (tests/fixtures/tokenizers and
tests/fixtures/sentencepiece) in one of its file formats, and small files that say how to use it. --check makes that many more
at random, and compares with the program's own reading of the same folders.

For each case and version: ids of each text without special tokens, as places in a pool of the text's different answers; the ids
put before and behind every text; or that the version cannot load the folder.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path("tests/fixtures/tokenizer-settings.json")
JSON_BASES = Path("tests/fixtures/tokenizers")
MODEL_BASES = Path("tests/fixtures/sentencepiece")

TEXTS = [
    "The capital of France is", " The capital", "  two spaces  in  it ", "</s>The city is", "The</s> city</s>  is", "<s> a <s>b",
    "x <extra> y", "x<extra>y  <extra>", "a <|im_start|>  b <|im_start|>c", " <img> a<img>", "say <pad> b <mask>", "a new one b", "anew onenew one  new one",
    "[sep]  x [sep]", "▁a ▁", "", " ", "It's 2024! We'll pay 13.50", "caf\u00e9 e\u0301 \u212b", "日本 の 首都", "🙂 ok", "<unk> <unk>a",
    "tab\tand\nnew line\r\n", "a\u00a0b \u3000c", "the the", "<a><b><a>b <a> b", "word<word>word <word> ", "not  is</s>not",
    "\n</s>\n<extra>\n", "<|endoftext|>The <|endoftext|> city", "THE City Of", "   </s>   <extra>   ",
]  # fmt: skip

CLASSES = {
    "gpt2": ["GPT2Tokenizer", "GPT2TokenizerFast"],
    "gpt_neox": ["GPTNeoXTokenizer", "GPTNeoXTokenizerFast"],
    "llama": ["LlamaTokenizer", "LlamaTokenizerFast"],
    "mistral": ["LlamaTokenizer", "LlamaTokenizerFast"],
    "qwen2": ["Qwen2Tokenizer", "Qwen2TokenizerFast"],
    "qwen3": ["Qwen2Tokenizer"],
}
PLAIN = ["PreTrainedTokenizerFast", "TokenizersBackend"]

# Where a vocabulary comes from, in which files, and for which models.
BASES = {
    "gpt2": ("neox", "json", ["gpt2"], {"normalizer": None}),
    "gpt2-digits": ("smollm", "json", ["gpt2", "llama"], {}),
    "gpt2-prefix": ("digits", "json", ["gpt2", "llama"], {}),
    "gpt2-files": ("neox", "legacy", ["gpt2", "gpt_neox"], {}),
    "neox": ("neox", "json", ["gpt_neox"], {}),
    "qwen2": ("qwen2", "json", ["qwen2", "qwen3"], {}),
    "qwen2-files": ("qwen2", "legacy", ["qwen2", "qwen3"], {}),
    "llama3": ("llama3", "json", ["llama"], {}),
    "code-llama": ("llama2", "json", ["llama"], {}),
    "nemo": ("nemo", "json", ["mistral"], {}),
    "llama2": ("llama2", "json", ["llama", "mistral"], {}),
    "llama2-bare": ("llama2", "json", ["llama", "mistral"], {"post_processor": None}),
    "first": ("first", "json", ["llama", "mistral"], {}),
    "always": ("always", "json", ["llama"], {}),
    "model": ("plain", "model", ["llama", "mistral"], {}),
    "model-user": ("user", "model", ["llama", "mistral"], {}),
}


def flagged(content: str, **flags: bool) -> dict:
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, **flags}


def decoder(*tokens: tuple[int, str, dict]) -> dict:
    return {str(i): {**flagged(content), "special": True, **flags} for i, content, flags in tokens}


def inert() -> list[tuple[str, object]]:
    return [
        ("clean_up_tokenization_spaces", True), ("model_max_length", 7), ("padding_side", "left"), ("truncation_side", "left"),
        ("chat_template", "{{ x }}"), ("do_lower_case", True), ("errors", "strict"), ("trim_offsets", False),
        ("use_default_system_prompt", True), ("sp_model_kwargs", {}), ("spaces_between_special_tokens", True), ("use_fast", False),
        ("backend", "tokenizers"), ("strip_accents", True), ("normalizer", None), ("model_input_names", ["input_ids"]),
        ("name_or_path", "x"), ("tokenize_chinese_chars", True), ("max_length", 3), ("remove_space", True), ("stride", 2),
        ("fix_mistral_regex", True), ("keep_accents", True), ("vocab_file", None), ("processor_class", "x"), ("verbose", True),
    ]  # fmt: skip


def changes(base: str, n: int) -> list[tuple[str, str, object]]:
    """(file, key, value): n is the number of tokens in the vocabulary."""
    out: list[tuple[str, str, object]] = []
    config = "tokenizer_config.json"
    for key in ("add_prefix_space", "legacy", "add_bos_token", "split_special_tokens"):
        out += [(config, key, value) for value in (True, False)]
    out += [(config, "add_prefix_space", None), (config, "legacy", None), (config, "add_eos_token", False)]
    out += [(config, "add_eos_token", True), (config, "from_slow", True)]
    for file in (config, "special_tokens_map.json"):
        kind: dict = {"__type": "AddedToken"} if file == config else {}

        def token(content: str, kind: dict = kind, **flags: bool) -> dict:
            return {**kind, **flagged(content, **flags)}

        out += [(file, "bos_token", v) for v in ("</s>", "<a>", token("<s>", lstrip=True, rstrip=True))]
        out += [(file, "eos_token", v) for v in ("<word>", token("</s>", rstrip=True), token("</s>", normalized=True))]
        out += [(file, "unk_token", v) for v in ("<extra>", "<unk>", token("<a>", lstrip=True))]
        out += [(file, "pad_token", v) for v in ("<pad>", "<unk>", token("<pad>", lstrip=True, single_word=True))]
        out += [(file, "mask_token", v) for v in ("<mask>", token("<mask>", lstrip=True))]
        out += [(file, "additional_special_tokens", v) for v in (["<extra>"], ["<extra>", "the"], ["</s>", "[sep]"], [])]
    out += [(config, "bos_token", None), (config, "pad_token", None)]
    out += [(config, "additional_special_tokens", [{"__type": "AddedToken", **flagged("<extra>", rstrip=True)}])]
    out += [(config, "extra_special_tokens", v) for v in (["<extra>", "<img>"], {"image_token": "<img>"}, [])]
    out += [(config, "image_token", "<img>"), (config, "model_specific_special_tokens", {"x_token": "<b>"})]
    out += [
        (config, "added_tokens_decoder", decoder(*tokens))
        for tokens in (
            [(n, "<extra>", {})],
            [(n, "<extra>", {"special": False, "normalized": True}), (n + 1, "<a>", {"lstrip": True, "rstrip": True})],
            [(1, "<s>" if base != "gpt2" else "</s>", {"lstrip": True, "rstrip": True})],
            [(2, "</s>", {"single_word": True}), (n + 4, "<word>", {"single_word": True}), (n + 9, "<img>", {})],
            [(2, "</s>", {"normalized": True}), (n, "new one", {"special": True}), (n + 1, "[sep]", {"lstrip": True})],
            [(n + 1, "new one", {"special": False, "normalized": False, "rstrip": True}), (n, "<a>", {"special": False})],
            [(n, "the", {"special": False}), (n + 2, "<|endoftext|>", {"rstrip": True})],
            [(0, "<unk>", {"lstrip": True}), (1, "<s>", {}), (2, "</s>", {"rstrip": True})],
        )
    ]
    out += [("added_tokens.json", "", v) for v in ({"<extra>": n}, {"<a>": n + 1, "<b>": n}, {"</s>": 2, "the": n})]
    out += [(config, key, value) for key, value in inert()]
    return out


def family(base: str) -> dict:
    return json.loads((JSON_BASES / BASES[base][0] / "tokenizer.json").read_text())


def vocabulary(base: str) -> int:
    return 600 if BASES[base][1] == "model" else len(family(base)["model"]["vocab"])


def new_case(base: str, model_type: str, class_name: str | None) -> dict:
    files: dict = {"config.json": {"model_type": model_type}, "tokenizer_config.json": {}}
    if class_name:
        files["tokenizer_config.json"]["tokenizer_class"] = class_name
    return {"base": base, "files": files}


def apply(case: dict, change: tuple[str, str, object]) -> None:
    file, key, value = change
    if key:
        case["files"].setdefault(file, {})[key] = copy.deepcopy(value)
    else:
        case["files"][file] = copy.deepcopy(value)


def systematic() -> list[dict]:
    """Every change by itself, under the classes that people's files name, and pairs of those that meet."""
    cases = []
    rng = random.Random(7)
    for base, (_, _, models, _) in BASES.items():
        options = changes(base, vocabulary(base))
        for model in models:
            for class_name in [None, *CLASSES[model], *PLAIN, "LlamaTokenizer", "CodeLlamaTokenizer"]:
                cases.append(new_case(base, model, class_name))
        for change in options:
            case = new_case(base, rng.choice(models), rng.choice([None, CLASSES[models[0]][0], rng.choice(PLAIN)]))
            apply(case, change)
            cases.append(case)
    return cases


def reported() -> list[dict]:
    """Settings of people's files that were once read wrongly, each with a name: (name, base, model, class, settings, patch)."""
    n = vocabulary("qwen2")
    start = {"content": "<|im_start|>", "lstrip": True, "rstrip": True, "single_word": False, "normalized": False, "special": True}
    held = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in family("qwen2")["added_tokens"]}
    taking = {"lstrip": True, "rstrip": True}
    started = {str(n + 9): start, **{i: {**t, **(taking if t["content"] == "[sep]" else {})} for i, t in held.items()}}
    extra = decoder((n + 9, "<extra>", {}))
    bare: dict = {"post_processor": None}
    rows = []
    for base, model in (("gpt2", "gpt2"), ("gpt2-files", "gpt2"), ("neox", "gpt_neox"), ("gpt2-files", "gpt_neox")):
        rows += [("add_prefix_space", base, model, None, {"add_prefix_space": True}, {})]
    for prefix in (True, False):
        for legacy in (True, False):
            both = {"add_prefix_space": prefix, "legacy": legacy}
            rows += [("add_prefix_space and legacy", base, "llama", "LlamaTokenizer", both, {}) for base in ("llama2", "model")]
    rows += [("legacy", "model", "llama", "LlamaTokenizer", {"legacy": False}, {})]
    rows += [("add_prefix_space", "model", "llama", "LlamaTokenizer", {"add_prefix_space": False}, {})]
    rows += [("added_tokens_decoder", base, "qwen2", None, {"added_tokens_decoder": {**held, **extra}}, {}) for base in ("qwen2", "qwen2-files")]
    rows += [("additional_special_tokens", base, "qwen2", None, {"additional_special_tokens": ["<extra>"]}, {}) for base in ("qwen2", "qwen2-files")]
    rows += [("flags of added_tokens_decoder", "qwen2", "qwen2", None, {"added_tokens_decoder": started}, {})]
    rows += [("add_bos_token without a template", "llama3", "llama", "PreTrainedTokenizerFast", {"add_bos_token": True}, bare)]
    rows += [("no template", base, "llama", name, {}, bare) for base in ("llama2", "llama3") for name in ("LlamaTokenizer", "PreTrainedTokenizerFast")]
    cases = []
    for name, base, model, class_name, settings, patch in rows:
        case = {"reported": name, **new_case(base, model, class_name)}
        case["files"]["tokenizer_config.json"].update(settings)
        cases.append({**case, "patch": patch} if patch else case)
    word = {"__type": "AddedToken", **flagged("<word>", rstrip=True)}
    for settings in (
        {"additional_special_tokens": ["<word>"], "split_special_tokens": True},
        {"extra_special_tokens": {"x_token": "<word>"}},
        {"additional_special_tokens": [word]},
        {"pad_token": word},
        {"image_token": "<word>"},
    ):
        for base, model in (("model", "llama"), ("llama2", "llama"), ("qwen2", "qwen2")):
            case = {"reported": "special tokens of added_tokens.json", **new_case(base, model, CLASSES[model][0])}
            case["files"]["tokenizer_config.json"].update(settings)
            case["files"]["added_tokens.json"] = {"<word>": vocabulary(base) + (0 if base == "model" else 9)}
            cases.append(case)
    return cases


def at_random(n: int, seed: int) -> list[dict]:
    rng = random.Random(seed)
    cases = []
    for _ in range(n):
        base = rng.choice(list(BASES))
        model = rng.choice(BASES[base][2])
        case = new_case(base, model, rng.choice([None, *CLASSES[model], *PLAIN, "LlamaTokenizer"]))
        if base == "code-llama":
            case["files"]["tokenizer_config.json"]["tokenizer_class"] = rng.choice(["CodeLlamaTokenizer", "CodeLlamaTokenizerFast"])
        if rng.random() < 0.1:
            del case["files"]["tokenizer_config.json"]
        if rng.random() < 0.2 and BASES[base][1] == "json":
            case["patch"] = rng.choice(
                [{"post_processor": None}, {"post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}}]
            )
        for change in rng.sample(changes(base, vocabulary(base)), rng.randrange(6)):
            apply(case, change)
        cases.append(case)
    return cases


def patched(case: dict) -> dict:
    return {**family(case["base"]), **BASES[case["base"]][3], **case.get("patch", {})}


def write(case: dict, folder: Path) -> None:
    name, kind, _, _ = BASES[case["base"]]
    folder.mkdir(parents=True)
    if kind == "model":
        shutil.copy(MODEL_BASES / name / "tokenizer.model", folder)
    elif kind == "json":
        (folder / "tokenizer.json").write_text(json.dumps(patched(case)))
    else:
        model = family(case["base"])["model"]
        (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
        lines = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
        (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(line + "\n" for line in lines))
    for file, content in case["files"].items():
        (folder / file).write_text(json.dumps(content))


def worker(folders: list[str]) -> None:
    """For each folder a line: what AutoTokenizer makes of it."""
    import transformers

    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    for folder in folders:
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            plain = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in TEXTS]
            probe = next(i for i, ids in enumerate(plain) if ids)
            whole = tokenizer(TEXTS[probe])["input_ids"]
            at = next(i for i in range(len(whole)) if whole[i : i + len(plain[probe])] == plain[probe])
            answer = {"ids": plain, "before": whole[:at], "behind": whole[at + len(plain[probe]) :]}
            answer["class"] = type(tokenizer).__name__
        except BaseException as error:  # the version does not load this folder, or panics, which is no Exception
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


def ask(python: str, folders: list[Path]) -> list[dict]:
    run = subprocess.run(
        [python, __file__, "--worker"], input="\n".join(map(str, folders)), capture_output=True, text=True, check=False,
        env={"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    lines = [line for line in run.stdout.split("\n") if line.startswith("{")]
    if len(lines) != len(folders):
        sys.exit(run.stderr[-2000:])
    return [json.loads(line) for line in lines]


def ours(encode: str, folders: list[Path], like: str, texts: list[list[str]] | None = None) -> list[dict]:
    """What the program makes of each folder; texts: for each its own."""
    asked = texts or [TEXTS] * len(folders)
    sent = "".join(f"@{folder}\n" + "".join(json.dumps(t) + "\n" for t in own) for folder, own in zip(folders, asked))
    run = subprocess.run([encode, "-", like], input=sent, capture_output=True, text=True, check=True)
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


def compare(case: dict, theirs: dict, mine: dict) -> str | None:
    """What differs, None where nothing does."""
    if "error" in theirs or "refused" in mine:
        return None
    for text, expected, found in zip(TEXTS, theirs["ids"], mine["ids"]):
        if expected != found:
            return f"{text!r}: expected {expected}, found {found}"
    family_bos = case["files"].get("config.json", {}).get("model_type") in ("gpt2", "gpt_neox")
    expected = " ".join(map(str, theirs["before"])) or "none"
    if not family_bos and mine["bos"] != expected:
        return f"before every text: expected {expected}, found {mine['bos']}"
    if theirs["behind"]:
        return f"behind every text: expected {theirs['behind']}"
    return None


def check(options: argparse.Namespace) -> int:
    bad = 0
    cases = at_random(options.n, options.seed) if options.n else systematic()
    counts = {"same": 0, "refused": 0, "not loaded": 0, "warned": 0}
    reasons: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / str(i) for i in range(len(cases))]
        for case, folder in zip(cases, folders):
            write(case, folder)
        for like, python in (("transformers-5", options.python5), ("transformers-4", options.python4)):
            mines = ours(options.check, folders, like)
            for case, theirs, mine in zip(cases, ask(python, folders), mines):
                different = compare(case, theirs, mine)
                if "error" in theirs:
                    counts["not loaded"] += 1
                elif "refused" in mine:
                    counts["refused"] += 1
                    reason = re.sub("/[0-9]+/", "/", mine["refused"].replace(place, ""))[:150]
                    reasons[reason] = reasons.get(reason, 0) + 1
                elif different is None:
                    counts["same"] += 1
                elif "transformers 5 " in mine["notes"]:
                    counts["warned"] += 1
                else:
                    bad += 1
                    if bad <= options.show:
                        print(f"{like} {theirs['class']} {case['base']} {case.get('patch', '')} {json.dumps(case['files'])}")
                        print(f"  {different}\n  {mine['notes']}")
    for reason, n in sorted(reasons.items(), key=lambda item: -item[1])[: options.show]:
        print(f"  refused {n}: {reason}")
    print(f"{len(cases)} folders, {len(TEXTS)} texts: {counts}, {bad} differ")
    return 1 if bad else 0


ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,-./:;<=>?@[]^_`{|}~"
N_RANDOM, STRIDE = 150, 3


def stored(cases: list[dict], answers: dict[str, list[dict]]) -> dict:
    """Every answer once, in a pool for each base and text; a case has its answers' places there, a character a text."""
    pools: dict[str, list[list]] = {base: [[] for _ in TEXTS] for base in BASES}
    out = []
    for i, case in enumerate(cases):
        kept = dict(case)
        for owner, name in (("transformers-5", "5"), ("transformers-4", "4")):
            answer = answers[owner][i]
            if "error" in answer:
                kept[name] = None
                continue
            places = ""
            for pool, ids in zip(pools[case["base"]], answer["ids"]):
                if ids not in pool:
                    pool.append(ids)
                places += ALPHABET[pool.index(ids)]
            kept[name] = {"ids": places, "before": answer["before"], "behind": answer["behind"]}
        if kept["4"] == kept["5"]:
            del kept["4"]
        out.append(kept)
    bases = {}
    for name, (folder, kind, _, patch) in BASES.items():
        place = (MODEL_BASES if kind == "model" else JSON_BASES) / folder
        bases[name] = {"folder": str(place), "kind": kind, "patch": patch, "pools": pools[name]}
    return {"texts": TEXTS, "alphabet": ALPHABET, "bases": bases, "cases": out}


def write_golden(options: argparse.Namespace) -> None:
    cases = reported() + systematic()[::STRIDE] + at_random(N_RANDOM, 3)
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / str(i) for i in range(len(cases))]
        for case, folder in zip(cases, folders):
            write(case, folder)
        answers = {"transformers-5": ask(options.python5, folders), "transformers-4": ask(options.python4, folders)}
    whole = stored(cases, answers)
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in whole.items() if k != "cases"]
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in whole["cases"])
    OUT.write_text("{" + ",\n".join(lines) + ',\n"cases": [\n' + rows + "\n]}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--python5")
    parser.add_argument("--python4")
    parser.add_argument("--check")
    parser.add_argument("--n", type=int, default=0)
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
