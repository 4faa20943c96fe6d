"""Write the expected direct effects and logit lens of every architecture, computed by transformers in float64, for the tests.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_lens.py

For each model of tests/fixtures/archs it takes some of the prompts in NAME-golden.json and writes to
tests/fixtures/lens-golden.json, for every prompt by itself, read at its last token:

    direct      value bias -> what each part adds to ld with the final norm frozen at its scale: embed; of each layer its
                heads, attn_bias and mlp; bias. A head's part is what the output projection makes of its z alone, less its
                constant part c_h under `folded` (golden_heads.py says what that is); attn_bias is what it makes of the rest.
    indirect    value bias -> of each head, layer by layer, what its ablation does to ld (delta_ld of NAME-golden.json) less what
                it takes away directly, the head's part
    Under a soft cap of the logits the parts add up to ld before the cap, and there is no `indirect`.
    lens        [ld, logprob, rank, entropy] of the embedding, then of each layer's end, behind the final norm

All is seen from outside the model: modules are hooked and called, and what the final norm divides by is how much shorter its
output is. The parts must add up to the model's own ld, and the lens of the last layer must be the model's own output.
"""

from __future__ import annotations

import json

from collections.abc import Callable

import torch
import transformers
from torch import Tensor, nn

from golden_heads import BIASES, FIXTURES, ROOT, build, digits, in_double, read_state, sha256_of_weights, sites

COMMAND = "python tools/golden_lens.py"
OUT = FIXTURES / "lens-golden.json"
PROMPTS = 4  # of a model


def norms_behind(model: nn.Module) -> bool:
    return hasattr(model, "model") and hasattr(model.model, "layers") and hasattr(
        model.model.layers[0], "post_feedforward_layernorm")


def capped(model: nn.Module, logits: Tensor) -> Tensor:
    cap = getattr(model.config, "final_logit_softcapping", None)
    return cap * torch.tanh(logits / cap) if cap else logits


class Seen:
    """A model whose modules tell what went by at the last token."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.norm, layers, self.sites = self.final_norm(), self.layers(), sites(model)
        gain = getattr(self.norm, "weight", None)
        self.gain = torch.ones(model.config.hidden_size) if gain is None else gain + model.config.model_type.startswith("gemma")
        self.multiplier = getattr(model.config, "residual_multiplier", 1.0)
        self.divisor = getattr(model.config, "logits_scaling", 1 / getattr(model.config, "logit_scale", 1.0))
        self.bias = getattr(self.norm, "bias", None)
        self.centred = "LayerNorm" in type(self.norm).__name__  # LayerNorm, OlmoLayerNorm, CohereLayerNorm
        self.residual: list[Tensor] = []
        self.z: list[Tensor] = []
        self.mlp: list[Tensor] = []
        layers[0].register_forward_pre_hook(
            lambda _m, args, kwargs: self.residual.append((args[0] if args else kwargs["hidden_states"])[0, -1]),
            with_kwargs=True)
        self.post: list[tuple[nn.Module, Tensor] | None] = []  # the norm behind attention, and what goes in
        for layer, (projection, _) in zip(layers, self.sites):
            if norms_behind(model):
                layer.post_attention_layernorm.register_forward_pre_hook(
                    lambda m, args: self.post.append((m, args[0][0, -1])))
            module = layer.post_feedforward_layernorm if norms_behind(model) else layer.fc2 if hasattr(layer, "fc2") else layer.mlp
            if model.config.model_type == "bloom":
                module = layer.mlp.dense_4h_to_h  # the module itself gives the residual stream
            projection.register_forward_pre_hook(lambda _m, args: self.z.append(args[0][0, -1]))
            module.register_forward_hook(lambda _m, _a, out: self.mlp.append(out.view(1, -1, out.shape[-1])[0, -1]))
            layer.register_forward_hook(
                lambda _m, _a, out: self.residual.append((out[0] if isinstance(out, tuple) else out)[0, -1]))

    def final_norm(self) -> nn.Module:
        kind = self.model.config.model_type
        if hasattr(self.model, "transformer"):
            return self.model.transformer.ln_f
        if kind in ("opt", "phi"):
            return self.model.model.decoder.final_layer_norm if kind == "opt" else self.model.model.final_layernorm
        return self.model.gpt_neox.final_layer_norm if kind == "gpt_neox" else self.model.model.norm

    def layers(self) -> list[nn.Module]:
        kind = self.model.config.model_type
        if hasattr(self.model, "transformer"):
            return list(self.model.transformer.h)
        if kind == "opt":
            return list(self.model.model.decoder.layers)
        return list(self.model.gpt_neox.layers if kind == "gpt_neox" else self.model.model.layers)

    def run(self, ids: list[int]) -> Tensor:
        self.residual, self.z, self.mlp, self.post = [], [], [], []
        return self.model(torch.tensor([ids]), use_cache=False).logits[0, -1]

    def frozen(self, x: Tensor) -> Tensor:
        """The final norm without its bias, at the scale that it has for the last residual stream."""
        end = self.residual[-1]
        without_scale = self.gain * (end - end.mean() if self.centred else end)
        behind = self.norm(end) - (self.bias if self.bias is not None else 0)
        return self.gain * (x - x.mean() if self.centred else x) * (behind.norm() / without_scale.norm())

    def direct(self, target: int, foil: int, bias: str) -> list[float]:
        unembed = self.model.get_output_embeddings().weight
        difference = unembed[target] - unembed[foil]
        parts = [self.residual[0]]
        for i, ((projection, constants), z, mlp) in enumerate(zip(self.sites, self.z, self.mlp)):
            fixed = constants if bias == "folded" else torch.zeros_like(constants)
            apply = self.through(i, projection.forward)  # unseen by the hooks
            nothing = apply(torch.zeros_like(z))
            for head in range(len(constants)):
                alone = torch.zeros_like(constants)
                alone[head] = z.view(constants.shape)[head] - fixed[head]
                parts.append(apply(alone.flatten()) - nothing)
            parts += [apply(fixed.flatten()), mlp * self.multiplier]
        of_norm = 0.0 if self.bias is None else (self.bias @ difference).item()
        bias = getattr(self.model.get_output_embeddings(), "bias", None)
        of_unembedding = 0.0 if bias is None else (bias[target] - bias[foil]).item()
        return [*((self.frozen(x) @ difference).item() / self.divisor for x in parts), of_norm / self.divisor + of_unembedding]

    def through(self, layer: int, project: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The output projection, and the norm behind it at the scale that it had; such norms have no bias."""
        if not self.post:
            return lambda z: project(z) * self.multiplier
        norm, went_in = self.post[layer]
        scale = norm.forward(went_in) / went_in  # of every column
        return lambda z: project(z) * scale

    def lens(self, target: int, foil: int) -> list[list[float]]:
        points = []
        for x in self.residual:
            logits = capped(self.model, self.model.get_output_embeddings()(self.norm(x)) / self.divisor)
            logp = logits.log_softmax(-1)
            points.append([(logits[target] - logits[foil]).item(), logp[target].item(),
                           int((logits > logits[target]).sum()), -(logp.exp() * logp).sum().item()])
        return points


def measure(seen: Seen, row: dict) -> dict[str, object]:
    target, foil = row["target_id"], row["foil_id"]
    logits = seen.run(row["ids"])
    ld = (logits[target] - logits[foil]).item()
    cap = getattr(seen.model.config, "final_logit_softcapping", None)
    before = ld if not cap else (cap * (torch.atanh(logits[target] / cap) - torch.atanh(logits[foil] / cap))).item()
    direct = {bias: seen.direct(target, foil, bias) for bias in BIASES}
    lens = seen.lens(target, foil)
    per_layer = len(seen.sites[0][1]) + 2
    indirect = {bias: [delta + direct[bias][1 + layer * per_layer + head]
                       for layer, deltas in enumerate(row[bias]["delta_ld"]) for head, delta in enumerate(deltas)]
                for bias in BIASES}
    assert all(abs(sum(parts) - before) < 1e-9 for parts in direct.values()), "the parts do not add up"
    assert abs(lens[-1][0] - ld) < 1e-9, "the lens ends elsewhere"
    return {"ids": row["ids"], "target": target, "foil": foil, "ld": digits(ld),
            "direct": {bias: [digits(x) for x in parts] for bias, parts in direct.items()},
            "indirect": {} if cap else {bias: [digits(x) for x in heads] for bias, heads in indirect.items()},
            "lens": [[digits(x) for x in point] for point in lens]}


@torch.no_grad()
def main() -> None:
    models = []
    for path in sorted((FIXTURES / "archs").glob("*-golden.json")):
        golden = json.loads(path.read_text())
        folder = ROOT / golden["model"]
        if not folder.is_dir():
            continue  # the same architecture as a GGUF file
        rows = golden["rows"]
        n = min(PROMPTS, len(rows))
        picked = [rows[round(k * (len(rows) - 1) / max(n - 1, 1))] for k in range(n)]
        state = read_state(folder)
        with in_double():
            seen = Seen(build(folder, state, torch.float64))
            measured = [measure(seen, row) for row in picked]
        models.append({"model": golden["model"], "model_sha256": sha256_of_weights(folder), "rows": measured})
    head = json.dumps({
        "schema": "abltui.golden_lens/1", "command": COMMAND,
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64"}, indent=1)
    body = ",\n".join(json.dumps(m, separators=(",", ":"), allow_nan=False) for m in models)
    OUT.write_text(f'{head[:-2]},\n "models": [\n{body}\n]}}\n', newline="\n")
    print(f"{OUT.name}: {len(models)} models, {sum(len(m['rows']) for m in models)} rows, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
