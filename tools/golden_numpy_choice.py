"""Write tests/fixtures/numpy-choice.json: subsets that NumPy draws.

    python3 tools/golden_numpy_choice.py      (needs numpy)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "tests/fixtures/numpy-choice.json"
SIZES = [(1, 1), (8, 4), (12, 1), (12, 12), (16, 4), (20, 7), (32, 4), (64, 33), (997, 90), (10000, 25)]
SEEDS = [*range(24), 123, 2**31, 2**32 - 1, 2**32, 2**32 + 5, 2**52 + 1]

cases = [{"seed": seed, "n": n, "k": k,
          "picked": sorted(int(i) for i in np.random.default_rng(seed).choice(n, k, replace=False))}
         for n, k in SIZES for seed in (SEEDS if n < 900 else SEEDS[:4])]
OUT.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n", newline="\n")
