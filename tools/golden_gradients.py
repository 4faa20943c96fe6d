"""Write the expected gradients of the small models of tools/golden_archs.py, by PyTorch's autograd in float64.

    build/venv/bin/python tools/golden_gradients.py [NAME…]

For the first prompt of six tokens or more of tests/fixtures/archs/NAME-golden.json, and for ld = logit[target] -
logit[foil] and logprob = ln p(target) at its last token: the gradient with respect to every activation of every layer at every token.
A gradient of n columns g at a token is written as [sum of g_c cos(1 + 0.7 c), sum of g_c^2]; of `pattern` a row is a
query's, with the columns key * heads + head, the keys it does not see left out. q and k are those that meet each other;
attn_out and mlp_out are what is added to the residual stream; mlp_in is that stream as the MLP reads it, before its norm
and for the MLP alone; neurons are what the MLP's last matrix is multiplied by.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import torch
import transformers
from torch import Tensor, nn
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from golden_archs import ARCHS, MODELS
from golden_heads import FIXTURES, ROOT, digits, in_double, read_state

OUT = FIXTURES / "gradients"
COMMAND = "python tools/golden_gradients.py"
SITES = ("resid_pre", "q", "k", "v", "pattern", "z", "attn_out", "mlp_out", "resid_post", "mlp_in", "neurons")
Taps = dict[tuple[int, str], Tensor]


class Watch:
    """The activations of one forward pass, their gradients retained."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.taps: Taps = {}
        self.model = model
        for index, layer in enumerate(blocks(model)):
            self.watch_layer(index, layer)

    def see(self, layer: int, site: str, x: Tensor) -> Tensor:
        x.retain_grad()
        self.taps[layer, site] = x
        return x

    def before(self, module: nn.Module, layer: int, site: str, own: bool = False) -> None:
        def hook(_module: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, object]):
            x = args[0] if args else kwargs.pop("hidden_states")
            return (self.see(layer, site, x.clone() if own else x), *args[1:]), kwargs

        module.register_forward_pre_hook(hook, with_kwargs=True)

    def behind(self, module: nn.Module, layer: int, site: str) -> None:
        def hook(_module: nn.Module, _args: tuple[Tensor, ...], out: object) -> None:
            self.see(layer, site, out[0] if isinstance(out, tuple) else out)

        module.register_forward_hook(hook)

    def watch_layer(self, index: int, layer: nn.Module) -> None:
        attn = next(getattr(layer, n) for n in ("attn", "self_attn", "attention") if hasattr(layer, n))
        mlp = layer.mlp
        last = next(getattr(mlp, n) for n in ("down_proj", "c_proj", "dense_4h_to_h") if hasattr(mlp, n))
        norms_behind = hasattr(layer, "post_feedforward_layernorm")
        if hasattr(layer, "pre_feedforward_layernorm"):
            reads = layer.pre_feedforward_layernorm
        elif norms_behind:
            reads = mlp
        else:
            reads = layer.ln_2 if hasattr(layer, "ln_2") else layer.post_attention_layernorm
        self.before(layer, index, "resid_pre")
        self.behind(layer.post_attention_layernorm if norms_behind else attn, index, "attn_out")
        self.before(reads, index, "mlp_in", own=True)
        self.before(last, index, "neurons")
        self.behind(layer.post_feedforward_layernorm if norms_behind else mlp, index, "mlp_out")
        self.behind(layer, index, "resid_post")

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float,
               cap: float | None = None) -> tuple[Tensor, Tensor]:
        q, k, v = (self.see(layer, site, x.clone()) for site, x in (("q", q), ("k", k), ("v", v)))
        group = q.shape[1] // k.shape[1]
        scores = q @ k.repeat_interleave(group, 1).transpose(-1, -2) * scale
        if cap is not None:
            scores = cap * torch.tanh(scores / cap)
        if mask is not None:
            scores = scores + mask[..., :k.shape[-2]]
        pattern = self.see(layer, "pattern", scores.softmax(-1))
        return self.see(layer, "z", pattern @ v.repeat_interleave(group, 1)), pattern


def blocks(model: PreTrainedModel) -> nn.ModuleList:
    inner = model.base_model
    return inner.h if hasattr(inner, "h") else inner.layers


def watched(folder: object, state: dict[str, Tensor]) -> Watch:
    """A model of the folder whose attention is ours."""

    def attention(module: nn.Module, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scaling: float | None = None,
                  softcap: float | None = None, **_rest: object) -> tuple[Tensor, Tensor]:
        scale = q.shape[-1] ** -0.5 if scaling is None else scaling
        z, pattern = watch.attend(module.layer_idx, q, k, v, mask, scale, softcap)
        return z.transpose(1, 2).contiguous(), pattern

    AttentionInterface.register("watched", attention)
    AttentionMaskInterface.register("watched", eager_mask)
    config = AutoConfig.from_pretrained(folder)
    neo = config.model_type == "gpt_neo"  # has an attention of its own
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64,
                                             attn_implementation="eager" if neo else "watched")
    model.load_state_dict(state)
    watch = Watch(model.to(torch.float64).eval())

    for index, layer in enumerate(blocks(model) if neo else ()):
        layer.attn.attention._attn = neo_attention(watch, index, layer.attn.attention)
    return watch


def neo_attention(watch: Watch, index: int, module: nn.Module) -> Callable[..., tuple[Tensor, Tensor]]:
    def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        n = q.shape[-2]
        seen = module.bias[:, :, :n, :n]
        hidden = torch.zeros(seen.shape, dtype=q.dtype).masked_fill(~seen, torch.finfo(q.dtype).min)
        return watch.attend(index, q, k, v, hidden, 1.0)

    return attention


def rows_of(watch: Watch, layer: int, site: str) -> Tensor:
    """The gradient, (tokens, columns)"""
    x = watch.taps[layer, site]
    g = x.grad if x.grad is not None else torch.zeros_like(x)
    if site == "pattern":
        g = (g * (x > 0))[0].permute(1, 2, 0).flatten(1)  # query, key, head
    elif site in ("q", "k", "v", "z"):
        g = g[0].transpose(0, 1).flatten(1)
    else:
        g = g[0]
    if site in ("attn_out", "mlp_out"):
        g = g / getattr(watch.model.config, "residual_multiplier", 1.0)
    return g.detach()


def summary(g: Tensor) -> list[list[float]]:
    direction = torch.cos(1 + 0.7 * torch.arange(g.shape[1], dtype=torch.float64))
    return [[digits(a), digits(b)] for a, b in zip((g @ direction).tolist(), (g * g).sum(1).tolist())]


def row_gradients(watch: Watch, row: dict[str, object], layers: int) -> dict[str, object]:
    out: dict[str, object] = {"row": row["row"]}
    for of in ("ld", "logprob"):
        watch.taps.clear()
        watch.model.zero_grad()
        logits = watch.model(torch.tensor([row["ids"]]), use_cache=False).logits[0, -1]
        target = logits[row["target_id"]]
        number = target - (logits[row["foil_id"]] if of == "ld" else logits.logsumexp(0))
        assert abs(number.item() - row[of]) < 1e-6 * max(1.0, abs(row[of])), (row["row"], of, number.item(), row[of])
        number.backward()
        out[of] = [{site: summary(rows_of(watch, layer, site)) for site in SITES} for layer in range(layers)]
    return out


def make(name: str) -> None:
    golden = json.loads((ARCHS / f"{name}-golden.json").read_text())
    folder = ROOT / golden["model"]
    rows = [r for r in golden["rows"] if len(r["ids"]) >= 6][:1]
    state = read_state(folder)
    with in_double():
        watch = watched(folder, state)
        found = [row_gradients(watch, row, golden["n_layers"]) for row in rows]
    content = {"schema": "abltui.gradients/1", "command": COMMAND,
               "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
               "model": golden["model"], "model_sha256": golden["model_sha256"]}
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in found)
    text = json.dumps(content, indent=1)[:-2] + f',\n "rows": [\n{lines}\n]}}\n'
    (OUT / f"{name}.json").write_text(text, newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every model")
    args = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    OUT.mkdir(exist_ok=True)
    for name in args.names or MODELS:
        make(name)


if __name__ == "__main__":
    main()
