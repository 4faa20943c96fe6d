"""Write tests/fixtures/tokenizer-keys.json: the keys that tokenizer classes of transformers take from tokenizer_config.json.

    python3 tools/golden_tokenizer_keys.py --python5 PY5 --python4 PY4

PY5 and PY4 are interpreters with `pip install transformers==5.24.0 sentencepiece protobuf` and transformers==4.57.1. A key is a
parameter of a class or of one that it comes from, or one that their source takes out of its keyword arguments by name.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

OUT = Path("tests/fixtures/tokenizer-keys.json")
CLASSES = [
    "GPT2Tokenizer", "GPT2TokenizerFast", "GPTNeoXTokenizer", "GPTNeoXTokenizerFast", "Qwen2Tokenizer", "Qwen2TokenizerFast",
    "LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "CodeLlamaTokenizerFast", "PreTrainedTokenizer",
    "PreTrainedTokenizerFast", "TokenizersBackend",
]  # fmt: skip
TAKEN = re.compile(r"""\b\w*kwargs(?:\.(?:pop|get|setdefault)\(\s*|\[)["'](\w+)["']""")
# Arguments of a call, which files cannot give: the text's, and where to find files.
CALLS = {"self", "args", "kwargs", "cls", "text", "pair", "is_split_into_words", "padding", "truncation"}


def keys_of(cls: type) -> list[str]:
    found: set[str] = set()
    for base in cls.__mro__[:-1]:
        if not base.__module__.startswith("transformers.") or "__init__" not in base.__dict__:
            continue
        found |= set(inspect.signature(base.__init__).parameters)
        found |= set(TAKEN.findall(inspect.getsource(base.__init__)))
        for name in ("_from_pretrained", "convert_to_native_format", "_convert_from_sentencepiece"):
            if name in base.__dict__:
                found |= set(TAKEN.findall(inspect.getsource(getattr(base, name))))
    return sorted(key for key in found - CALLS if not key.startswith("_"))


def worker() -> None:
    import transformers

    out = {}
    for name in CLASSES:
        cls = getattr(transformers, name, None)
        if cls is not None:
            out[name] = keys_of(cls)
    print(json.dumps(out))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--python5")
    parser.add_argument("--python4")
    options = parser.parse_args()
    if options.worker:
        worker()
        return 0
    out = {}
    for owner, python in (("transformers-5", options.python5), ("transformers-4", options.python4)):
        run = subprocess.run([python, __file__, "--worker"], capture_output=True, text=True, check=True)
        out[owner] = json.loads(run.stdout.strip().split("\n")[-1])
    OUT.write_text(json.dumps(out, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
