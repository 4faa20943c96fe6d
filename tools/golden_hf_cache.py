"""Write tests/fixtures/hf_cache.json: what huggingface_hub takes for an id, and where it keeps its cache.

    python3 tools/golden_hf_cache.py      from the repository root; needs: pip install huggingface_hub

    ids     [id, whether validate_repo_id takes it, folder in the cache or null]
    roots   environment (HOME and what is set beside it) and the constant HF_HUB_CACHE that follows from it
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import HFValidationError, validate_repo_id

PART = "x" * 96
IDS = """gpt2 openai-community/gpt2 EleutherAI/pythia-1.4b a/b a_/_b A1/b-c.d a/b_ 0/1
    a.b/c.d foo.git a/foo.git a/foo.gitx a--b a/b--c a..b a/b..c -a a- .a a. a/-b a/b- a/.b a/b. -a/b a-/b .a/b a./b
    / a/ /b a/b/c a//b ../b a/.. ./a a:b a@b a~b a%2fb a\\b a*b café/x _ _a/_b a/1""".split()
IDS += ["", " ", "a b", "a/b ", "a\nb", PART, PART + "x", f"{PART}/{PART}", f"{PART}x/b", f"b/{PART}x", "\u0660/b"]

ROOTS = [
    {},
    {"XDG_CACHE_HOME": "/xdg"},
    {"HF_HOME": "/hf"},
    {"HF_HOME": "/hf/"},
    {"HF_HOME": "~/hf"},
    {"HF_HOME": "~"},
    {"HF_HOME": "/hf", "XDG_CACHE_HOME": "/xdg"},
    {"HUGGINGFACE_HUB_CACHE": "/old"},
    {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/hf"},
    {"HF_HUB_CACHE": "/hub"},
    {"HF_HUB_CACHE": "~/hub"},
    {"HF_HUB_CACHE": "relative/hub"},
    {"HF_HUB_CACHE": "/hub", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/hf", "XDG_CACHE_HOME": "/xdg"},
]


def is_valid(repo: str) -> bool:
    try:
        validate_repo_id(repo)
    except HFValidationError:
        return False
    return True


def root_of(given: dict[str, str]) -> str:
    code = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    env = {"PATH": os.environ["PATH"], "HOME": "/home/user"} | given
    return subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    ids = [[i, ok := is_valid(i), repo_folder_name(repo_id=i, repo_type="model") if ok else None] for i in IDS]
    roots = [{"HOME": "/home/user"} | given | {"root": root_of(given)} for given in ROOTS]
    text = json.dumps({"ids": ids, "roots": roots}, indent=1)
    Path("tests/fixtures/hf_cache.json").write_text(text + "\n")
    print(f"{len(ids)} ids, {len(roots)} environments")


if __name__ == "__main__":
    main()
