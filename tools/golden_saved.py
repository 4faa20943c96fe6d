"""Write what activations of the bundled models are, computed by transformers in float64, that tests/experiments/saved.py
compares with what --save writes.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_saved.py

tests/fixtures/experiments/saved.json holds, for each model, the first rows of data/corpora/ioi.jsonl with the token ids of
`clean` (BOS in front), and for each token that POSITIONS name, in that order, its position and its activations: a list a site,
a layer and, where the site has heads, a head, of two numbers each, which tell any two vectors apart:

    the sum of x_i cos(0.7 i + 1), and the sum of x_i squared

A token of `io` is the last one of that span, by the offsets of the tokenizers library. Patterns are over the keys up to the
query. Run it again after training.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor, nn

from golden_attn import load
from golden_heads import BUNDLED, FIXTURES, ROOT, digits, in_double, sha256_of_weights, sites

OUT = FIXTURES / "experiments/saved.json"
COMMAND = "python tools/golden_saved.py"
DATA = ROOT / "data/corpora/ioi.jsonl"
POSITIONS = ["last", "1", "io:last"]
N_ROWS = 3


def blocks(model: nn.Module) -> nn.ModuleList:
    return model.transformer.h if model.config.model_type == "gpt2" else model.model.layers


def parts(block: nn.Module) -> tuple[nn.Module, nn.Module]:
    return (block.attn, block.mlp) if hasattr(block, "attn") else (block.self_attn, block.mlp)


def activations(model: nn.Module, ids: list[int]) -> dict[str, Tensor]:
    """By site: (layers, tokens, columns), or (layers, tokens, heads, columns)."""
    seen: dict[str, list[Tensor]] = {s: [] for s in ("resid_pre", "z", "attn_out", "mlp_out", "resid_post")}

    def first(x: Tensor | tuple[Tensor, ...]) -> Tensor:
        return (x if isinstance(x, Tensor) else x[0])[0].clone()

    handles = []
    for block, (projection, constants) in zip(blocks(model), sites(model)):
        attention, mlp = parts(block)
        shape = constants.shape
        handles += [
            block.register_forward_pre_hook(lambda _m, a: seen["resid_pre"].append(first(a))),
            projection.register_forward_pre_hook(lambda _m, a, s=shape: seen["z"].append(first(a).view(-1, *s))),
            attention.register_forward_hook(lambda _m, _a, out: seen["attn_out"].append(first(out))),
            mlp.register_forward_hook(lambda _m, _a, out: seen["mlp_out"].append(first(out))),
            block.register_forward_hook(lambda _m, _a, out: seen["resid_post"].append(first(out)))]
    out = model(torch.tensor([ids]), output_attentions=True, use_cache=True)
    for handle in handles:
        handle.remove()
    found = {site: torch.stack(list_) for site, list_ in seen.items()}
    found["pattern"] = torch.stack([a[0].transpose(0, 1) for a in out.attentions])
    cache = out.past_key_values
    found["k"] = torch.stack([layer.keys[0].transpose(0, 1) for layer in cache.layers])
    found["v"] = torch.stack([layer.values[0].transpose(0, 1) for layer in cache.layers])
    return found


def marks(x: Tensor) -> list:
    if x.dim() > 1:
        return [marks(part) for part in x]
    i = torch.arange(len(x), dtype=torch.float64)
    return [digits((x * torch.cos(0.7 * i + 1)).sum().item()), digits((x * x).sum().item())]


def row_of(model: nn.Module, tokenizer: Tokenizer, bos: int, row: dict) -> dict[str, object]:
    encoding = tokenizer.encode(row["clean"], add_special_tokens=False)
    ids = [bos, *encoding.ids]
    end = row["spans"]["io"][1]
    io = 1 + max(i for i, (_, stop) in enumerate(encoding.offsets) if stop <= end)
    found = activations(model, ids)
    tokens = []
    for asked, position in enumerate((len(ids) - 1, 1, io)):
        values = {site: marks(x[:, position, ..., :position + 1] if site == "pattern" else x[:, position])
                  for site, x in found.items()}
        tokens.append({"asked": asked, "position": position, "token_id": ids[position], "sites": values})
    return {"id": row["id"], "ids": ids, "tokens": tokens}


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    rows = [json.loads(line) for line in DATA.read_text().splitlines()[:N_ROWS]]
    golden: dict[str, object] = {
        "schema": "abltui.golden_saved/1", "command": COMMAND, "positions": POSITIONS,
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64"}
    with in_double(), torch.no_grad():
        for name, bos in BUNDLED.items():
            folder: Path = ROOT / "data/models" / name
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            model = load(folder)
            golden[name] = {"model_sha256": sha256_of_weights(folder),
                            "rows": [row_of(model, tokenizer, tokenizer.token_to_id(bos), row) for row in rows]}
    text = json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('},{"', '},\n{"')
    OUT.write_text(text + "\n", newline="\n")
    print(f"{OUT.name}: {len(text):,} bytes")


if __name__ == "__main__":
    main()
