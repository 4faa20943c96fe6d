"""Write tests/fixtures/json-canonical.json: JSON texts, and what Python makes of them for hashing.

    python3 tools/golden_json.py

tinyLab names a run by the SHA-256 of json.dumps(config, sort_keys=True, separators=(",", ":")).
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "tests/fixtures/json-canonical.json"

TEXTS = [
    "{}", "[]", "null", " true ", '"plain"',
    '{"b": 1, "a": {"d": [1, 2, {"z": null, "y": false}], "c": "x"}, "B": 2, "": 3, "ab": 4, "a b": 5}',
    '{"scales": [0.0, 1.0, 0.5, -0.0, -0, 1e5, 1E-5, 0.0001, 0.00001, 1e15, 1e16, 123456789012345680.0, 1e22, 1e23]}',
    "[12345678901234567890123456789, -7, 0, 5e-324, 1.7976931348623157e308, 0.1, 0.30000000000000004, 100.0, 2.50]",
    '{"\u00e9": "caf\u00e9 \u4e2d\u6587 \U0001f600", "e": "\\u00e9\\ud83d\\ude00\\u0000\\u001f\\u007f", "\uffff": 1, "\U00010000": 2}',
    '"quote \\" slash \\/ back \\\\ \\b\\f\\n\\r\\t"',
    '{"run_name": "h1", "seeds": [0, 1, 2], "model": {"name": "gpt2-medium", "dtype": "float16"}, "battery": "lab/b.json"}',
]
# A run file of tinyLab's, written down from what its runs over four conditions have in common; its published run is called
# h1_cross_condition_physics_balanced_8389c3f2cd6d.
PUBLISHED_ID = "8389c3f2cd6d"


def published() -> str:
    def corpus(name: str) -> dict[str, str]:
        return {"id": f"{name}_single_token_v1_balanced", "split": "train"}

    fields = {f"{f}_field": f for f in ("clean", "corrupt", "target", "foil")}
    names = {"facts": "facts", "neg": "negation", "cf": "counterfactual", "logic": "logical"}
    metrics = ["logit_diff", "acc_flip_rate", "p_drop", "kl_div", "seq_logprob_diff", "seq_p_drop", "seq_kl_mean"]
    return json.dumps({
        "run_name": "h1_cross_condition_physics_balanced", "battery": "lab/configs/battery_h1_heads_zero.json",
        "shared": {"seeds": [0, 1, 2], "device": "mps",
                   "model": {"family": "gpt2", "name": "gpt2-medium", "dtype": "float16"},
                   "dataset": corpus("facts") | fields, "metrics": metrics, "batch_size": 8, "max_seq_len": 256,
                   "metric_span": "full_target"},
        "conditions": [{"tag": tag, "dataset": corpus(name)} for tag, name in names.items()]}, indent=2)


def random_doubles(n: int) -> str:
    draw = random.Random(1)
    values: list[float] = []
    while len(values) < n:
        value = struct.unpack("<d", draw.getrandbits(64).to_bytes(8, "little"))[0]
        if value == value and abs(value) != float("inf"):
            values.append(value)
    return "[" + ", ".join("%.17e" % v for v in values) + "]"


cases = []
for text in [*TEXTS, random_doubles(200), published()]:
    canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    cases.append({"text": text, "canonical": canonical, "sha256": hashlib.sha256(canonical.encode()).hexdigest()})
assert cases[-1]["sha256"].startswith(PUBLISHED_ID)
OUT.write_text(json.dumps(cases, indent=1) + "\n", newline="\n")
