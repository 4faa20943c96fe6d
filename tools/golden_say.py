"""Write what transformers' greedy generate says in float64, intact and with heads ablated, that tests/cli/say.py compares
against.

    build/venv/bin/python tools/golden_say.py

Writes tests/fixtures/say-golden.json: for both bundled models, 8 prompts and each kind, the ids of 32 tokens and their
probabilities. Hooks change z_h, the columns of what enters the output projection of attention: `zero` to c_h (value bias
folded), `mean` to its mean over all tokens but BOS of the first ROWS rows of facts, `keep-only` the zero of all heads but
those named, `patch` to the donor's at the same place from the prompts' ends, at the prompt's positions alone. BOS is a class
of its own for mean and patch. Prompts are the first of every STEP-th of the corpora whose two best tokens are nowhere nearer
than NEAR: no order could be asked of float32 there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from golden_heads import BUNDLED, FIXTURES, ROOT, build, digits, in_double, read_state, sha256_of_weights, sites

ROWS, TOKENS, NEAR, STEP, N_PROMPTS = 12, 32, 1e-3, 41, 8
HEADS = [[(0, 2), (1, 3)], [(0, 0), (2, 4), (3, 1)], [(1, 5)], [(2, 0), (2, 1), (3, 5)]]
DONOR = "The capital of Italy is"
CONDITIONS = ("facts", "negation", "counterfactual", "logic")
KINDS = ("zero", "mean", "keep-only", "patch")

Change = Callable[[int, int, Tensor], Tensor]  # layer, first position, z (positions, heads, d_head)


class Speaker:
    def __init__(self, name: str, bos: str) -> None:
        folder = ROOT / "data/models" / name
        self.model = build(folder, read_state(folder), torch.float64)
        self.sites = sites(self.model)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.bos = self.tokenizer.token_to_id(bos)
        self.shape = [constant.shape for _, constant in self.sites]
        rows = [json.loads(line) for line in (ROOT / "data/corpora/facts.jsonl").open()][:ROWS]
        seen = [self.activations(self.ids(row["clean"])) for row in rows]
        self.mean = [torch.cat([z[layer][1:] for z in seen]).mean(0) for layer in range(len(self.sites))]
        self.donor = self.activations(self.ids(DONOR))

    def ids(self, text: str) -> list[int]:
        return [self.bos, *self.tokenizer.encode(text, add_special_tokens=False).ids]

    @contextmanager
    def hooked(self, change: Change) -> Iterator[None]:
        """With z changed where it is made; the position at hand is counted over calls."""
        def hook_for(layer: int):
            at = 0

            def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
                nonlocal at
                z = args[0].clone()
                view = z[0].view(z.shape[1], *self.shape[layer])
                view[:] = change(layer, at, view.clone())
                at += z.shape[1]
                return (z, *args[1:])

            return hook

        handles = [module.register_forward_pre_hook(hook_for(layer)) for layer, (module, _) in enumerate(self.sites)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def activations(self, ids: list[int]) -> list[Tensor]:
        seen: list[Tensor] = [torch.empty(0)] * len(self.sites)

        def keep(layer: int, _at: int, z: Tensor) -> Tensor:
            seen[layer] = z
            return z

        with self.hooked(keep):
            self.model(torch.tensor([ids]), use_cache=False)
        return seen

    def change(self, kind: str, heads: list[tuple[int, int]], n_prompt: int) -> Change:
        def apply(layer: int, at: int, z: Tensor) -> Tensor:
            for head in range(z.shape[1]):
                named = (layer, head) in heads
                if kind == "keep-only" and not named or kind == "zero" and named:
                    z[:, head] = self.sites[layer][1][head]
                elif kind == "mean" and named:
                    z[1 if at == 0 else 0:, head] = self.mean[layer][head]
                elif kind == "patch" and named and at == 0:
                    donor = self.donor[layer]
                    n = min(n_prompt, len(donor)) - 1
                    z[n_prompt - n:, head] = donor[len(donor) - n:, head]
            return z

        return apply

    def say(self, ids: list[int], change: Change) -> dict[str, object] | None:
        with self.hooked(change):
            out = self.model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=TOKENS, do_sample=False,
                                      use_cache=True, eos_token_id=None, pad_token_id=0, output_logits=True,
                                      return_dict_in_generate=True)
        logits = torch.stack(out.logits)[:, 0]
        best = logits.topk(2).values
        if (best[:, 0] - best[:, 1]).min() < NEAR:
            return None
        said = out.sequences[0, len(ids):]
        probs = logits.softmax(-1).gather(1, said[:, None])[:, 0]
        return {"ids": said.tolist(), "probs": [digits(p) for p in probs.tolist()]}


def prompts() -> Iterator[str]:
    """A prompt of each condition in turn."""
    texts = [[json.loads(line)["clean"] for line in (ROOT / f"data/corpora/{c}.jsonl").open()][::STEP] for c in CONDITIONS]
    for together in zip(*texts):
        yield from together


def cases_of(speaker: Speaker, prompt: str, heads: list[tuple[int, int]]) -> list[dict[str, object]] | None:
    """A case a kind; None where some order is too close."""
    ids = speaker.ids(prompt)
    intact = speaker.say(ids, lambda _layer, _at, z: z)
    cases = []
    for kind in KINDS if intact else ():
        ablated = speaker.say(ids, speaker.change(kind, heads, len(ids)))
        if not ablated:
            return None
        cases.append({"prompt": prompt, "kind": kind, "heads": ",".join(f"{layer}:{head}" for layer, head in heads),
                      "intact": intact, "ablated": ablated})
    return cases or None


def cases(name: str, bos: str) -> list[dict[str, object]]:
    speaker = Speaker(name, bos)
    found: list[list[dict[str, object]]] = []
    for prompt in prompts():
        clear = cases_of(speaker, prompt, HEADS[len(found) % len(HEADS)])
        found += [clear] if clear else []
        if len(found) == N_PROMPTS:
            return [case for group in found for case in group]
    raise SystemExit(f"{name}: only {len(found)} prompts are clear of ties")


def main() -> None:
    torch.set_grad_enabled(False)
    models = []
    with in_double():
        for name, bos in BUNDLED.items():
            models.append({"model": name, "sha256": sha256_of_weights(ROOT / "data/models" / name),
                           "cases": cases(name, bos)})
    out = {"command": "python tools/golden_say.py", "rows": ROWS, "tokens": TOKENS, "donor": DONOR, "models": models}
    (FIXTURES / "say-golden.json").write_text(json.dumps(out, separators=(",", ":")).replace('{"prompt"', '\n{"prompt"') + "\n")


if __name__ == "__main__":
    main()
