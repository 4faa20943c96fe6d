"""Write what heads attend to, computed by transformers in float64, that tests/experiments/attn_test.c compares against.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_attn.py

tests/fixtures/experiments/attn.json holds, for the models and rows of tools/golden_experiments.py:

    heads       "L:H" -> entropy, bos (means over rows of the last token's attention), previous, duplicate, induction (means
                over prompts of repeated random tokens, drawn as src/experiments/attn.c says by the generator written out below)
    n_repeated  tokens of such a prompt that come twice

and for the fixture mistral, whose window is shorter than the prompt, and whose heads share keys and values:

    ids, pattern    a prompt, and "L:H" -> the attention weights of it, a list a query

Attention weights are what the model itself returns with attn_implementation="eager".
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from golden_heads import FIXTURES, ROOT, digits, in_double, read_state, sha256_of_weights

OUT = FIXTURES / "experiments"
COMMAND = "python tools/golden_attn.py"
N_PROMPTS, N_REPEATED = 10, 50
U64 = (1 << 64) - 1


class Generator:
    """xoshiro256** seeded by splitmix64, and Lemire's way to a number below n."""

    def __init__(self, seed: int) -> None:
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & U64
            z = seed
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & U64
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & U64
            self.s.append(z ^ (z >> 31))

    def next(self) -> int:
        def turn(x: int, k: int) -> int:
            return ((x << k) | (x >> (64 - k))) & U64
        s = self.s
        result = (turn((s[1] * 5) & U64, 7) * 9) & U64
        t = (s[1] << 17) & U64
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = turn(s[3], 45)
        return result

    def below(self, n: int) -> int:
        while True:
            m = (self.next() >> 32) * n
            if (m & 0xFFFFFFFF) >= (1 << 32) % n:
                return m >> 32


def load(folder: Path) -> nn.Module:
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float64,
                                             attn_implementation="eager")
    model.load_state_dict(read_state(folder))
    return model.eval()


def attention(model: nn.Module, ids: list[int]) -> Tensor:
    """(layers, heads, queries, keys)"""
    return torch.stack([a[0] for a in model(torch.tensor([ids]), output_attentions=True).attentions])


def repeated_prompts(folder: Path, config, bos: int) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = {i for i, t in tokenizer.get_added_tokens_decoder().items() if t.special}
    tokens = [i for i in range(config.vocab_size) if tokenizer.id_to_token(i) and i not in special]
    n = min(N_REPEATED, len(tokens), (config.max_position_embeddings - 1) // 2)
    generator, out = Generator(0), []
    for _ in range(N_PROMPTS):
        for i in range(n):
            at = i + generator.below(len(tokens) - i)
            tokens[i], tokens[at] = tokens[at], tokens[i]
        out.append([bos] + 2 * tokens[:n])
    return out


def scores(folder: Path, golden: dict) -> dict[str, object]:
    model = load(folder)
    last = [attention(model, ids)[:, :, -1] for ids in golden["ids"]]
    prompts = repeated_prompts(folder, model.config, golden["ids"][0][0])
    n = (len(prompts[0]) - 1) // 2
    random = torch.stack([attention(model, ids) for ids in prompts]).mean(0)
    second = torch.arange(n + 1, 2 * n + 1)
    each = {"entropy": torch.stack([-torch.special.xlogy(w, w).sum(-1) for w in last]).mean(0),
            "bos": torch.stack([w[..., 0] for w in last]).mean(0),
            "previous": random[:, :, torch.arange(2, 2 * n + 1), torch.arange(1, 2 * n)].mean(-1),
            "duplicate": random[:, :, second, second - n].mean(-1),
            "induction": random[:, :, second, second - n + 1].mean(-1)}
    return {"model_sha256": sha256_of_weights(folder), "n_repeated": n,
            "heads": {f"{layer}:{head}": {k: digits(v[layer, head].item()) for k, v in each.items()}
                      for layer in range(random.shape[0]) for head in range(random.shape[1])}}


def windowed(folder: Path) -> dict[str, object]:
    model = load(folder)
    rows = json.loads(folder.with_name(folder.name + "-golden.json").read_text())["rows"]
    ids = max((r["ids"] for r in rows), key=len)
    assert model.config.sliding_window < len(ids)
    weights = attention(model, ids)
    return {"model_sha256": sha256_of_weights(folder), "ids": ids,
            "pattern": {f"{layer}:{head}": [[digits(x) for x in query] for query in weights[layer, head].tolist()]
                        for layer in range(weights.shape[0]) for head in range(weights.shape[1])}}


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    golden = {"schema": "abltui.golden_attn/1", "command": COMMAND,
              "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64"}
    with in_double(), torch.no_grad():
        for name, folder in (("tiny-gpt2", ROOT / "data/models/tiny-gpt2"),
                             ("llama-gqa", FIXTURES / "archs/llama-gqa"),
                             ("neox-parallel", FIXTURES / "archs/neox-parallel")):
            golden[name] = scores(folder, json.loads((OUT / f"{name}.json").read_text()))
        golden["mistral"] = windowed(FIXTURES / "archs/mistral")
    text = json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('},"', '},\n"')
    (OUT / "attn.json").write_text(text + "\n", newline="\n")
    print(f"attn.json: {len(text):,} bytes")


if __name__ == "__main__":
    main()
