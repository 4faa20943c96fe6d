"""Write the expected numbers of every experiment, computed by transformers in float64, that the tests compare against.

    build/venv/bin/pip install torch==2.13.0 transformers tokenizers safetensors
    build/venv/bin/python tools/golden_experiments.py

For tiny-gpt2, and the fixtures llama-gqa (grouped heads, biases, RMS norm), neox-parallel (parallel residual, rotary part)
and neox-sequential (its twin without the parallel residual, made here), it writes tests/fixtures/experiments/NAME.jsonl, a
few rows whose two prompts mostly differ in length, and tests/fixtures/experiments/NAME.json, the numbers:

    patch       direction -> label -> ld of each row. One activation of the other prompt's run is put into this one's, positions
                (and keys of patterns) aligned from the end; what has no partner keeps its value, and BOS meets only BOS.
    ablate      kind -> head -> ld of each row: zero, scale=0.5 (value bias folded), zero/head (value bias head), mean (over all
                tokens of all rows but BOS, which keeps its value), resample (donor row i takes from: `donors`), patch
    partial     set -> restored head -> source -> ld of each row, the other heads of the set being zero-ablated (folded)
    held        set -> head outside of it -> ld of each row, the set being zero-ablated (folded) and the head's z held at its
                intact value
    direct      part -> ld of each row: along w_f (W_U[target] - W_U[foil]), over the final norm's intact scale; folded
    lens        "resid_pre@0", "resid_post@L" -> ld, logprob, rank, entropy of each row
    pattern     "L:H" -> the attention weights of the first row, a list a query
    ov          "L:H" -> mean_output {norm, scores}, circuit {SOURCE id: scores}, copying, eigenvalues; folded. Scores are of
                tokens 0, 7, 14, …

Every prompt is run alone and read at its last token. The attention of the model is replaced by one that is written out here,
so that q, k (both behind rotary), v, pattern and z can be reached; intact logits are checked against the model as it comes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM

from golden_heads import FIXTURES, ROOT, digits, in_double, read_state, sha256_of_weights

OUT = FIXTURES / "experiments"
COMMAND = "python tools/golden_experiments.py"
STEP = 7  # every so many tokens' OV scores are kept
HEAD_SITES = ("q", "k", "v", "pattern", "z")
WIDE_SITES = ("resid_pre", "attn_out", "mlp_out", "resid_post")
Key = tuple[str, int]  # site, layer
Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Row:
    clean: str
    corrupt: str
    target: str
    foil: str


@dataclass(frozen=True)
class Ids:
    clean: list[int]
    corrupt: list[int]
    target: int
    foil: int


# ---------------------------------------------------------------------------------------------------------------------
# A model whose activations can be read and changed


class Probe:
    """One at a time: the attention function below finds it here."""

    now: "Probe"

    def __init__(self, folder: Path) -> None:
        state = read_state(folder)
        plain = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float64,
                                                 attn_implementation="eager")
        plain.load_state_dict(state)
        self.plain = plain.eval()
        self.model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float64,
                                                      attn_implementation="eager")
        self.model.load_state_dict(state)
        self.model.eval()
        self.model.config._attn_implementation = "probe"
        self.config = self.model.config
        self.edits: dict[Key, Edit] = {}
        self.seen: dict[Key, Tensor] = {}
        for layer, (block, attention, mlp) in enumerate(self.blocks()):
            block.register_forward_pre_hook(self.before(("resid_pre", layer)), with_kwargs=True)
            attention.register_forward_hook(self.behind(("attn_out", layer)))
            mlp.register_forward_hook(self.behind(("mlp_out", layer)))
            block.register_forward_hook(self.behind(("resid_post", layer)))

    @property
    def n_layers(self) -> int:
        return len(self.blocks())

    @property
    def n_heads(self) -> int:
        return self.config.num_attention_heads

    @property
    def n_kv_heads(self) -> int:
        return getattr(self.config, "num_key_value_heads", None) or self.n_heads

    def blocks(self) -> list[tuple[nn.Module, nn.Module, nn.Module]]:
        kind = self.config.model_type
        if kind == "gpt2":
            return [(b, b.attn, b.mlp) for b in self.model.transformer.h]
        if kind == "gpt_neox":
            return [(b, b.attention, b.mlp) for b in self.model.gpt_neox.layers]
        return [(b, b.self_attn, b.mlp) for b in self.model.model.layers]

    def pass_by(self, key: Key, x: Tensor) -> Tensor:
        """The activation as it goes on; x has no batch dimension."""
        self.seen[key] = x
        return self.edits[key](x.clone()) if key in self.edits else x

    def before(self, key: Key):
        def hook(_module: nn.Module, args: tuple, kwargs: dict):
            if args:
                return (self.pass_by(key, args[0][0])[None], *args[1:]), kwargs
            return args, kwargs | {"hidden_states": self.pass_by(key, kwargs["hidden_states"][0])[None]}
        return hook

    def behind(self, key: Key):
        def hook(_module: nn.Module, _args: tuple, output):
            whole = isinstance(output, tuple)
            x = self.pass_by(key, (output[0] if whole else output)[0])[None]
            return (x, *output[1:]) if whole else x
        return hook

    @torch.no_grad()
    def run(self, ids: list[int], edits: dict[Key, Edit] | None = None) -> Tensor:
        """Logits of the last token; self.seen has the activations before they were changed."""
        self.edits, self.seen = edits or {}, {}
        Probe.now = self
        return self.model(torch.tensor([ids]), use_cache=False).logits[0, -1]


def attention(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, _mask: Tensor | None,
              scaling: float | None = None, **_: object) -> tuple[Tensor, Tensor]:
    """Causal attention, written out; each tensor is (1, heads, tokens, d_head)."""
    probe, layer = Probe.now, layer_of(module)
    q = probe.pass_by(("q", layer), query[0])
    k = probe.pass_by(("k", layer), key[0])
    v = probe.pass_by(("v", layer), value[0])
    group = q.shape[0] // k.shape[0]
    k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
    scores = q @ k.transpose(-1, -2) * (scaling if scaling is not None else q.shape[-1] ** -0.5)
    scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -torch.inf)
    pattern = probe.pass_by(("pattern", layer), scores.softmax(-1))
    z = probe.pass_by(("z", layer), pattern @ v)
    return z.transpose(0, 1)[None], pattern[None]


def layer_of(module: nn.Module) -> int:
    for layer, (_, attn, _) in enumerate(Probe.now.blocks()):
        if attn is module:
            return layer
    raise AssertionError("no such attention")


# ---------------------------------------------------------------------------------------------------------------------
# Edits


def put(site: str, head: int | None, position: int | None, donor: Tensor) -> Edit:
    """The donor's activation in the place of one's own, positions from the end; None: all. Every prompt begins with BOS,
    which meets only BOS: in prompts of another length it lies elsewhere."""
    def edit(x: Tensor) -> Tensor:
        tokens = 0 if site in WIDE_SITES else 1
        own, its = x.shape[tokens], donor.shape[tokens]
        n = own if own == its else min(own, its) - 1
        backs = range(1, n + 1) if position is None else [b for b in [-position] if b <= n]
        for b in backs:
            if site in WIDE_SITES:
                x[-b] = donor[-b]
            elif site == "pattern":
                x[head, -b, -n:] = donor[head, -b, -n:]
            else:
                x[head, -b] = donor[head, -b]
        return x
    return edit


def ablate(head: int, constant: Tensor, scale: float) -> Edit:
    def edit(z: Tensor) -> Tensor:
        z[head] = scale * (z[head] - constant) + constant
        return z
    return edit


def both(*edits: Edit) -> Edit:
    def edit(x: Tensor) -> Tensor:
        for e in edits:
            x = e(x)
        return x
    return edit


def label(site: str, layer: int, head: int | None, position: int | None) -> str:
    return f"{site}@{layer}" + ("" if head is None else f":{head}") + f"[{'all' if position is None else position}]"


# ---------------------------------------------------------------------------------------------------------------------
# Weights by their roles


@dataclass
class Weights:
    """Matrices multiply from the right: x @ w."""
    embed: Tensor        # (vocab, d)
    unembed: Tensor      # (vocab, d)
    final_gain: Tensor
    final_bias: Tensor
    eps: float
    centred: bool        # LayerNorm
    gain: list[Tensor]   # of each layer's first norm
    bias: list[Tensor]
    w_v: list[Tensor]    # (kv heads, d, d_head)
    b_v: list[Tensor]    # (kv heads, d_head)
    w_o: list[Tensor]    # (heads, d_head, d)
    b_o: list[Tensor]    # (d)

    def norm(self, x: Tensor) -> Tensor:
        """Without gain and bias."""
        if self.centred:
            x = x - x.mean(-1, keepdim=True)
        return x / (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt()


def weights_of(probe: Probe) -> Weights:
    config, model = probe.config, probe.model
    heads, kv = probe.n_heads, probe.n_kv_heads
    zeros = lambda n: torch.zeros(n, dtype=torch.float64)  # noqa: E731
    if config.model_type == "gpt2":
        t, d = model.transformer, config.n_embd
        value = slice(2 * d, 3 * d)
        return Weights(
            t.wte.weight, model.lm_head.weight, t.ln_f.weight, t.ln_f.bias, config.layer_norm_epsilon, True,
            [b.ln_1.weight for b in t.h], [b.ln_1.bias for b in t.h],
            [b.attn.c_attn.weight[:, value].reshape(d, heads, -1).transpose(0, 1) for b in t.h],
            [b.attn.c_attn.bias[value].view(heads, -1) for b in t.h],
            [b.attn.c_proj.weight.view(heads, -1, d) for b in t.h], [b.attn.c_proj.bias for b in t.h])
    if config.model_type == "gpt_neox":
        t, d = model.gpt_neox, config.hidden_size
        packed = [b.attention.query_key_value for b in t.layers]
        return Weights(
            t.embed_in.weight, model.embed_out.weight if hasattr(model, "embed_out") else model.lm_head.weight,
            t.final_layer_norm.weight, t.final_layer_norm.bias, config.layer_norm_eps, True,
            [b.input_layernorm.weight for b in t.layers], [b.input_layernorm.bias for b in t.layers],
            [p.weight.view(heads, 3, -1, d)[:, 2].transpose(1, 2) for p in packed],
            [p.bias.view(heads, 3, -1)[:, 2] for p in packed],
            [b.attention.dense.weight.T.reshape(heads, -1, d) for b in t.layers],
            [b.attention.dense.bias for b in t.layers])
    t, d = model.model, config.hidden_size
    v = [b.self_attn.v_proj for b in t.layers]
    o = [b.self_attn.o_proj for b in t.layers]
    return Weights(
        t.embed_tokens.weight, model.lm_head.weight, t.norm.weight, zeros(d), config.rms_norm_eps, False,
        [b.input_layernorm.weight for b in t.layers], [zeros(d) for _ in t.layers],
        [p.weight.T.reshape(d, kv, -1).transpose(0, 1) for p in v],
        [p.bias.view(kv, -1) if p.bias is not None else zeros(p.out_features).view(kv, -1) for p in v],
        [p.weight.T.reshape(heads, -1, d) for p in o],
        [p.bias if p.bias is not None else zeros(d) for p in o])


# ---------------------------------------------------------------------------------------------------------------------
# Experiments


class Lab:
    def __init__(self, folder: Path, rows: list[Row], bos: str) -> None:
        self.probe = Probe(folder)
        self.w = weights_of(self.probe)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.rows = [self.encode(tokenizer, bos, r) for r in rows]
        p = self.probe
        self.clean, self.corrupt, self.intact, self.other = [], [], [], []
        for r in self.rows:
            self.intact.append(p.run(r.clean))
            self.clean.append(p.seen)
            with torch.no_grad():
                plain = p.plain(torch.tensor([r.clean]), use_cache=False).logits[0, -1]
            assert (plain - self.intact[-1]).abs().max() < 1e-9, "not the model's own attention"
            self.other.append(p.run(r.corrupt))
            self.corrupt.append(p.seen)
        group = p.n_heads // p.n_kv_heads
        self.constant = [(b @ w_v + b_v[:, None])[:, 0].repeat_interleave(group, 0) if b.dim() == 2 else
                         (torch.einsum("d,hde->he", b, w_v) + b_v).repeat_interleave(group, 0)
                         for b, w_v, b_v in zip(self.w.bias, self.w.w_v, self.w.b_v)]  # (heads, d_head)
        self.donors = [(i + 1) % len(self.rows) for i in range(len(self.rows))]

    @staticmethod
    def encode(tokenizer: Tokenizer, bos: str, row: Row) -> Ids:
        def ids(text: str) -> list[int]:
            return [tokenizer.token_to_id(bos), *tokenizer.encode(text, add_special_tokens=False).ids]
        prompt = ids(row.clean)
        answers = [ids(row.clean + a) for a in (row.target, row.foil)]
        assert all(a[:-1] == prompt for a in answers), row
        return Ids(prompt, ids(row.corrupt), answers[0][-1], answers[1][-1])

    def ld(self, i: int, logits: Tensor) -> float:
        return digits((logits[self.rows[i].target] - logits[self.rows[i].foil]).item())

    def each(self, ids: Callable[[Ids], list[int]], edits: Callable[[int], dict[Key, Edit]]) -> list[float]:
        return [self.ld(i, self.probe.run(ids(r), edits(i))) for i, r in enumerate(self.rows)]

    def patch(self) -> dict[str, dict[str, list[float]]]:
        out: dict[str, dict[str, list[float]]] = {}
        p = self.probe
        for direction, ids, source in (("corrupt->clean", lambda r: r.clean, self.corrupt),
                                       ("clean->corrupt", lambda r: r.corrupt, self.clean)):
            table = out[direction] = {}
            for layer in range(p.n_layers):
                for site in WIDE_SITES + HEAD_SITES:
                    heads = ([None] if site in WIDE_SITES else
                             range(p.n_kv_heads if site in ("k", "v") else p.n_heads))
                    for head in heads:
                        for position in (None, -1, -2):
                            table[label(site, layer, head, position)] = self.each(
                                ids, lambda i: {(site, layer): put(site, head, position, source[i][site, layer])})
        return out

    def z_mean(self, layer: int) -> Tensor:
        return torch.cat([s["z", layer][:, 1:] for s in self.clean], 1).mean(1)  # (heads, d_head)

    def ablate(self) -> dict[str, dict[str, list[float]]]:
        def mean(layer: int, head: int) -> Edit:
            def edit(z: Tensor) -> Tensor:
                z[head, 1:] = self.z_mean(layer)[head]
                return z
            return edit

        def kinds(layer: int, head: int) -> dict[str, Callable[[int], Edit]]:
            c = self.constant[layer][head]
            return {
                "zero": lambda i: ablate(head, c, 0.0),
                "scale=0.5": lambda i: ablate(head, c, 0.5),
                "zero/head": lambda i: ablate(head, torch.zeros_like(c), 0.0),
                "mean": lambda i: mean(layer, head),
                "resample": lambda i: put("z", head, None, self.clean[self.donors[i]]["z", layer]),
                "patch": lambda i: put("z", head, None, self.corrupt[i]["z", layer]),
            }
        out: dict[str, dict[str, list[float]]] = {}
        for layer in range(self.probe.n_layers):
            for head in range(self.probe.n_heads):
                for kind, edit in kinds(layer, head).items():
                    out.setdefault(kind, {})[f"{layer}:{head}"] = self.each(
                        lambda r: r.clean, lambda i: {("z", layer): edit(i)})
        return out

    def partial(self) -> dict[str, dict[str, dict[str, list[float]]]]:
        last = self.probe.n_layers - 1
        sets = [((0, 0), (0, 2)), ((0, 1), (1, 0), (last, 3))]
        out: dict[str, dict[str, dict[str, list[float]]]] = {}
        for heads in sets:
            name = "+".join(f"{l}:{h}" for l, h in heads)
            for back in heads:
                for source, states in (("same", self.clean), ("corrupt", self.corrupt)):
                    def edits(i: int) -> dict[Key, Edit]:
                        by_layer: dict[int, list[Edit]] = {}
                        for l, h in heads:
                            by_layer.setdefault(l, []).append(
                                put("z", h, None, states[i]["z", l]) if (l, h) == back
                                else ablate(h, self.constant[l][h], 0.0))
                        return {("z", l): both(*e) for l, e in by_layer.items()}
                    out.setdefault(name, {}).setdefault(f"{back[0]}:{back[1]}", {})[source] = self.each(
                        lambda r: r.clean, edits)
        return out

    def held(self) -> dict[str, dict[str, list[float]]]:
        last = self.probe.n_layers - 1
        cases = [(((0, 0), (0, 2)), ((1, 1), (last, 2))), (((0, 1), (1, 0), (last, 3)), ((1, 2), (0, 3)))]
        out: dict[str, dict[str, list[float]]] = {}
        for heads, outside in cases:
            for l_held, h_held in outside:
                def edits(i: int) -> dict[Key, Edit]:
                    by_layer: dict[int, list[Edit]] = {l_held: [put("z", h_held, None, self.clean[i]["z", l_held])]}
                    for l, h in heads:
                        by_layer.setdefault(l, []).append(ablate(h, self.constant[l][h], 0.0))
                    return {("z", l): both(*e) for l, e in by_layer.items()}
                out.setdefault("+".join(f"{l}:{h}" for l, h in heads), {})[f"{l_held}:{h_held}"] = self.each(
                    lambda r: r.clean, edits)
        return out

    def direct(self) -> dict[str, list[float]]:
        w, last = self.w, self.probe.n_layers - 1
        out: dict[str, list[float]] = {}
        for i, r in enumerate(self.rows):
            seen = self.clean[i]
            end = seen["resid_post", last][-1]
            scale = ((end - end.mean() if w.centred else end).pow(2).mean() + w.eps).sqrt()
            difference = w.unembed[r.target] - w.unembed[r.foil]

            def along(x: Tensor) -> float:
                return (((x - x.mean() if w.centred else x) / scale * w.final_gain) @ difference).item()
            parts = {"embed": along(seen["resid_pre", 0][-1])}
            for layer in range(last + 1):
                z = seen["z", layer][:, -1] - self.constant[layer]
                rest = w.b_o[layer] + torch.einsum("he,hed->d", self.constant[layer], w.w_o[layer])
                for head in range(self.probe.n_heads):
                    parts[f"head {layer}:{head}"] = along(z[head] @ w.w_o[layer][head])
                parts[f"attn_bias {layer}"] = along(rest)
                parts[f"mlp {layer}"] = along(seen["mlp_out", layer][-1])
            parts["bias"] = (w.final_bias @ difference).item()
            ld = (self.intact[i][r.target] - self.intact[i][r.foil]).item()
            assert abs(sum(parts.values()) - ld) < 1e-9, "parts do not add up"
            for name, value in parts.items():
                out.setdefault(name, []).append(digits(value))
        return out

    def lens(self) -> dict[str, dict[str, list[float]]]:
        w = self.w
        out: dict[str, dict[str, list[float]]] = {}
        for key in [("resid_pre", 0)] + [("resid_post", layer) for layer in range(self.probe.n_layers)]:
            to = out[f"{key[0]}@{key[1]}"] = {"ld": [], "logprob": [], "rank": [], "entropy": []}
            for i, r in enumerate(self.rows):
                logits = (w.norm(self.clean[i][key][-1]) * w.final_gain + w.final_bias) @ w.unembed.T
                logp = logits.log_softmax(-1)
                to["ld"].append(self.ld(i, logits))
                to["logprob"].append(digits(logp[r.target].item()))
                to["rank"].append(int((logits > logits[r.target]).sum()))
                to["entropy"].append(digits(-(logp.exp() * logp).sum().item()))
        return out

    def pattern(self) -> dict[str, list[list[float]]]:
        return {f"{layer}:{head}": [[digits(x) for x in query] for query in
                                    self.clean[0]["pattern", layer][head].tolist()]
                for layer in range(self.probe.n_layers) for head in range(self.probe.n_heads)}

    def scores(self, v: Tensor) -> Tensor:
        w = self.w
        return (v * w.final_gain) @ (w.unembed - w.unembed.mean(0)).T

    def centre(self, v: Tensor) -> Tensor:
        return v - v.mean(-1, keepdim=True) if self.w.centred else v

    def ov(self) -> dict[str, object]:
        w, group = self.w, self.probe.n_heads // self.probe.n_kv_heads
        sources = sorted({r.target for r in self.rows})[:2]
        out: dict[str, object] = {}
        for layer in range(self.probe.n_layers):
            entered = w.norm(w.embed) * w.gain[layer]  # the norm's bias is part of the constant
            for head in range(self.probe.n_heads):
                w_v, w_o = w.w_v[layer][head // group], w.w_o[layer][head]
                z = torch.stack([s["z", layer][head, -1] for s in self.clean]) - self.constant[layer][head]
                mean = self.centre((z @ w_o).mean(0))
                circuit = {s: self.centre(entered[s] @ w_v @ w_o) for s in sources}
                u = self.centre((w.unembed - w.unembed.mean(0)) * w.final_gain)  # (vocab, d)
                values = torch.linalg.eigvals(w_o @ u.T @ entered @ w_v)
                values = values[values.abs().argsort(descending=True)]
                some = head == layer % self.probe.n_heads
                out[f"{layer}:{head}"] = {
                    "mean_output": {"norm": digits(mean.norm().item()),
                                    "scores": thin(self.scores(mean)) if some else None},
                    "circuit": {str(s): {"norm": digits(v.norm().item()),
                                         "scores": thin(self.scores(v)) if some else None}
                                for s, v in circuit.items()},
                    "copying": digits((values.sum().real / values.abs().sum()).item()),
                    "moduli": [digits(x) for x in values.abs().tolist()],
                }
        return out


def thin(scores: Tensor) -> list[float]:
    return [digits(x) for x in scores[::STEP].tolist()]


# ---------------------------------------------------------------------------------------------------------------------


def archs_rows(folder: Path) -> list[Row]:
    """The text rows of the fixture's other golden file; the corrupt prompt is another row's."""
    rows = json.loads(folder.with_name(folder.name + "-golden.json").read_text())["rows"][:5]
    return [Row(r["clean"], rows[(i + 1) % len(rows)]["clean"], r["target"], r["foil"]) for i, r in enumerate(rows)]


def sequential_twin(parallel: Path) -> Path:
    """The same weights and tokenizer, attention and MLP one after the other."""
    folder = OUT / "neox-sequential"
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((parallel / "config.json").read_text()) | {"use_parallel_residual": False}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", newline="\n")
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(Path("../../archs/neox-parallel") / name)
    return folder


def bundled_rows() -> list[Row]:
    out = []
    for condition, index in (("facts", 3), ("negation", 5), ("counterfactual", 8), ("logic", 13)):
        row = json.loads((ROOT / f"data/corpora/{condition}.jsonl").read_text().splitlines()[index])
        out.append(Row(row["clean"], row["corrupt"], row["target"], row["foil"]))
    out[0] = Row(out[0].clean, out[1].clean, out[0].target, out[0].foil)  # of another length
    return out


def write(name: str, folder: Path, bos: str, rows: list[Row]) -> None:
    with in_double():
        lab = Lab(folder, rows, bos)
        with torch.no_grad():
            golden = {
                "schema": "abltui.golden_experiments/1", "command": COMMAND,
                "reference": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
                "model": folder.relative_to(ROOT).as_posix(), "model_sha256": sha256_of_weights(folder),
                "n_layers": lab.probe.n_layers, "n_heads": lab.probe.n_heads, "n_kv_heads": lab.probe.n_kv_heads,
                "score_step": STEP, "donors": lab.donors,
                "ids": [r.clean for r in lab.rows], "corrupt_ids": [r.corrupt for r in lab.rows],
                "ld": [lab.ld(i, x) for i, x in enumerate(lab.intact)],
                "other_ld": [lab.ld(i, x) for i, x in enumerate(lab.other)],
                "patch": lab.patch(), "ablate": lab.ablate(), "partial": lab.partial(), "held": lab.held(), "direct": lab.direct(),
                "lens": lab.lens(), "pattern": lab.pattern(), "ov": lab.ov(),
            }
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.jsonl").write_text("".join(json.dumps(vars(r)) + "\n" for r in rows), newline="\n")
    text = json.dumps(golden, separators=(",", ":"), allow_nan=False).replace('},"', '},\n"')
    (OUT / f"{name}.json").write_text(text + "\n", newline="\n")
    print(f"{name}: {len(rows)} rows, {len(text):,} bytes")


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    AttentionInterface.register("probe", attention)
    write("tiny-gpt2", ROOT / "data/models/tiny-gpt2", "<|endoftext|>", bundled_rows())
    for name, bos in (("llama-gqa", "<s>"), ("neox-parallel", "<|endoftext|>")):
        write(name, FIXTURES / "archs" / name, bos, archs_rows(FIXTURES / "archs" / name))
    parallel = FIXTURES / "archs" / "neox-parallel"
    write("neox-sequential", sequential_twin(parallel), "<|endoftext|>", archs_rows(parallel))


if __name__ == "__main__":
    main()
