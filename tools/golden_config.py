"""Write what config.json of every architecture means to transformers, version 4 and 5, for the tests to compare against.

    V4 and V5 are Pythons with transformers 4.57.1 and 5.24.0, torch and safetensors each:
    V5 tools/golden_config.py keys V4 V5      # tests/fixtures/config/keys.json
    V5 tools/golden_config.py numbers V4 V5   # tests/fixtures/config/*.safetensors, numbers.json

`keys`: every key that the configuration classes know, their own and inherited ones, with its default; and the spellings
that stand for another key. tests/model/config_keys_test.c holds src/model/config_keys.c and arch_*.c to it.

`numbers`: one file of random weights (F16) for each architecture, and below `cases` one config.json after another that it
is run with: what each version computes, in float64 with eager attention, at the last token of two prompts, or why it
refuses. `ours` says what is expected of abltui where it refuses by name: a part of the message. A case with `same` has to
give the numbers of that case in every version that takes it, so that a key is shown to be inert.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests/fixtures/config"
CLASSES = {
    "gpt2": "GPT2Config", "llama": "LlamaConfig", "mistral": "MistralConfig", "ministral": "MinistralConfig",
    "qwen2": "Qwen2Config", "qwen3": "Qwen3Config", "gpt_neox": "GPTNeoXConfig", "gemma": "GemmaConfig",
    "gemma2": "Gemma2Config", "olmo2": "Olmo2Config",
    "gemma3_text": "Gemma3TextConfig", "phi3": "Phi3Config", "smollm3": "SmolLM3Config", "granite": "GraniteConfig",
    "starcoder2": "Starcoder2Config", "gpt_neo": "GPTNeoConfig", "gptj": "GPTJConfig", "phi": "PhiConfig",
    "opt": "OPTConfig", "gpt_bigcode": "GPTBigCodeConfig", "olmo": "OlmoConfig", "olmo3": "Olmo3Config",
    "stablelm": "StableLmConfig", "cohere": "CohereConfig", "cohere2": "Cohere2Config",
    "bloom": "BloomConfig",
}
OWNERS = ("transformers-5", "transformers-4")
VOCAB, WIDTH, HEADS, KV, D_HEAD, MLP, LAYERS, CONTEXT = 24, 16, 2, 1, 8, 20, 2, 64
PROMPTS = [[3, 17, 9, 21, 5], [1, 8, 20, 13, 2, 7, 7, 19, 11, 4, 23, 15]]
TARGET, FOIL = 6, 14

# ------------------------------------------------------------------------------------------------------------------ keys


def asked_for(arch: str, known: set[str]) -> list[str]:
    """Keys that the code of an architecture, and what it shares with others, looks for without the class having them."""
    import re

    import transformers

    root = Path(transformers.__file__).parent
    own = {"gemma3_text": "gemma3"}.get(arch, arch)
    found: set[str] = set()
    shared = ("modeling_rope_utils.py", "masking_utils.py", "configuration_utils.py", "models/auto/configuration_auto.py")
    for name in (f"models/{own}/modeling_{own}.py", f"models/{own}/configuration_{own}.py", *shared):
        text = (root / name).read_text()
        text = re.sub(r'"""(?:.|\n)*?"""', "", text)
        found |= set(re.findall(r'getattr\((?:self\.)?_?(?:text_)?config, "([a-z0-9_]+)"', text))
        found |= set(re.findall(r'kwargs\.(?:pop|get)\("([a-z0-9_]+)"', text))
        found |= set(re.findall(r'(?:hasattr|getattr)\(self, "([a-z0-9_]+)"', text)) if "rope" in name else set()
        if "modeling" in name or "masking" in name:
            found |= set(re.findall(r"\bconfig\.([a-z0-9_]+)\b(?![(\w])", text))
        found |= set(re.findall(r'"([a-z0-9_]+)" in (?:kwargs|config_dict)', text))
    loading = {  # of from_pretrained, not of the file
        "cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token", "trust_remote_code",
        "code_revision", "resume_download", "use_auth_token", "config", "gguf_file", "return_unused_kwargs", "deprecated",
        "user_agent", "from_auto", "_from_auto", "_from_pipeline", "_configuration_file", "configuration_files", "json",
        "allow_is_causal_skip", "long_inv_freq", "from_auto_class", "from_pipeline", "push_to_hub", "repo_id", "safe_serialization", "commit_message",
    }
    return sorted({k.lstrip("_").removesuffix("_internal") for k in found - known - loading})


def walk_keys() -> dict:
    """Run inside one version: key → default of each class, and its spellings."""
    import transformers

    out = {}
    for arch, name in CLASSES.items():
        kind = getattr(transformers, name, None)
        if kind is None:
            continue
        made = kind()
        values = {k: v for k, v in made.__dict__.items() if k != "_attn_implementation_internal"}
        import dataclasses
        import inspect

        known = set(values)
        for base in kind.__mro__:
            if dataclasses.is_dataclass(base):
                known |= {f.name for f in dataclasses.fields(base)}
            elif "__init__" in base.__dict__:
                known |= {p for p, v in inspect.signature(base.__init__).parameters.items()
                          if v.kind in (v.POSITIONAL_OR_KEYWORD, v.KEYWORD_ONLY) and p != "self"}
        keys = {}
        for key in sorted(k.lstrip("_") for k in known):
            value = getattr(made, key, None)
            keys[key] = value if isinstance(value, (str, int, float, bool, type(None), list, dict)) else repr(value)
        keys["id2label"] = keys["label2id"] = None
        out[arch] = {"keys": keys, "spellings": dict(kind.attribute_map), "asked": asked_for(arch, set(keys))}
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    kinds = sorted({"default", *ROPE_INIT_FUNCTIONS})
    return {"version": transformers.__version__, "rope_types": kinds, "classes": out}


# --------------------------------------------------------------------------------------------------------------- numbers


# Of families that have others than LLaMA's.
NORMS = {
    "gemma2": ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"),
    "gemma3_text": ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                    "post_feedforward_layernorm"),
    "olmo2": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "olmo3": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "olmo": (),
    "cohere": ("input_layernorm",),
    "cohere2": ("input_layernorm",),
}


def shapes(arch: str) -> dict[str, tuple[int, ...]]:
    """Every tensor that some config.json of the architecture asks for; loaders leave alone what theirs does not."""
    t: dict[str, tuple[int, ...]] = {}
    q, kv = HEADS * D_HEAD, KV * D_HEAD
    if arch == "gpt2":
        t |= {"transformer.wte.weight": (VOCAB, WIDTH), "transformer.wpe.weight": (CONTEXT, WIDTH)}
        for i in range(LAYERS):
            p = f"transformer.h.{i}."
            for name, size in {"attn.c_attn": (WIDTH, 3 * q), "attn.c_proj": (q, WIDTH), "mlp.c_fc": (WIDTH, MLP),
                               "mlp.c_proj": (MLP, WIDTH)}.items():
                t |= {p + name + ".weight": size, p + name + ".bias": size[1:]}
            t |= {p + f"ln_{n}.{w}": (WIDTH,) for n in (1, 2) for w in ("weight", "bias")}
        return t | {"transformer.ln_f.weight": (WIDTH,), "transformer.ln_f.bias": (WIDTH,)}
    if arch == "gpt_neox":
        t |= {"gpt_neox.embed_in.weight": (VOCAB, WIDTH), "embed_out.weight": (VOCAB, WIDTH)}
        for i in range(LAYERS):
            p = f"gpt_neox.layers.{i}."
            for name, size in {"attention.query_key_value": (3 * q, WIDTH), "attention.dense": (WIDTH, q),
                               "mlp.dense_h_to_4h": (MLP, WIDTH), "mlp.dense_4h_to_h": (WIDTH, MLP)}.items():
                t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
            t |= {p + f"{n}.{w}": (WIDTH,) for n in ("input_layernorm", "post_attention_layernorm")
                  for w in ("weight", "bias")}
        return t | {f"gpt_neox.final_layer_norm.{w}": (WIDTH,) for w in ("weight", "bias")}
    if arch == "gpt_neo":
        t |= {"transformer.wte.weight": (VOCAB, WIDTH), "transformer.wpe.weight": (CONTEXT, WIDTH)}
        for i in range(LAYERS):
            p = f"transformer.h.{i}."
            t |= {p + f"attn.attention.{n}_proj.weight": (q, WIDTH) for n in "qkv"}
            for name, size in {"attn.attention.out_proj": (WIDTH, q), "mlp.c_fc": (MLP, WIDTH),
                               "mlp.c_proj": (WIDTH, MLP)}.items():
                t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
            t |= {p + f"ln_{n}.{w}": (WIDTH,) for n in (1, 2) for w in ("weight", "bias")}
        return t | {"transformer.ln_f.weight": (WIDTH,), "transformer.ln_f.bias": (WIDTH,)}
    if arch in ("gptj", "gpt_bigcode"):
        t |= {"transformer.wte.weight": (VOCAB, WIDTH), "transformer.wpe.weight": (CONTEXT, WIDTH),
              "lm_head.weight": (VOCAB, WIDTH), "lm_head.bias": (VOCAB,)}
        for i in range(LAYERS):
            p = f"transformer.h.{i}."
            t |= {p + f"attn.{n}_proj.weight": (q, WIDTH) for n in ("q", "k", "v", "out")}
            for name, size in {"attn.c_attn": (q + 2 * kv, WIDTH), "attn.c_proj": (WIDTH, q), "mlp.c_fc": (MLP, WIDTH),
                               "mlp.c_proj": (WIDTH, MLP), "mlp.fc_in": (MLP, WIDTH), "mlp.fc_out": (WIDTH, MLP)}.items():
                if (".c_" in name) == (arch == "gpt_bigcode"):
                    t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
            t |= {p + f"ln_{n}.{w}": (WIDTH,) for n in (1, 2) for w in ("weight", "bias")}
        t |= {"transformer.ln_f.weight": (WIDTH,), "transformer.ln_f.bias": (WIDTH,)}
        other = (".q_proj", ".k_proj", ".v_proj", ".out_proj", "lm_head") if arch == "gpt_bigcode" else ("wpe", "ln_2")
        return {k: v for k, v in t.items() if not any(o in k for o in other)}
    if arch == "bloom":
        t |= {"transformer.word_embeddings.weight": (VOCAB, WIDTH)}
        for i in range(LAYERS):
            p = f"transformer.h.{i}."
            for name, size in {"self_attention.query_key_value": (3 * q, WIDTH), "self_attention.dense": (WIDTH, q),
                               "mlp.dense_h_to_4h": (4 * WIDTH, WIDTH), "mlp.dense_4h_to_h": (WIDTH, 4 * WIDTH)}.items():
                t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
            t |= {p + f"{n}.{w}": (WIDTH,) for n in ("input_layernorm", "post_attention_layernorm")
                  for w in ("weight", "bias")}
        return t | {f"transformer.{n}.{w}": (WIDTH,) for n in ("ln_f", "word_embeddings_layernorm")
                    for w in ("weight", "bias")}
    if arch == "opt":
        t |= {"model.decoder.embed_tokens.weight": (VOCAB, WIDTH),
              "model.decoder.embed_positions.weight": (CONTEXT + 2, WIDTH)}
        for i in range(LAYERS):
            p = f"model.decoder.layers.{i}."
            for name, size in {**{f"self_attn.{n}_proj": (q, WIDTH) for n in ("q", "k", "v", "out")}, "fc1": (MLP, WIDTH),
                               "fc2": (WIDTH, MLP)}.items():
                t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
            t |= {p + f"{n}.{w}": (WIDTH,) for n in ("self_attn_layer_norm", "final_layer_norm")
                  for w in ("weight", "bias")}
        return t | {f"model.decoder.final_layer_norm.{w}": (WIDTH,) for w in ("weight", "bias")}
    t |= {"model.embed_tokens.weight": (VOCAB, WIDTH), "lm_head.weight": (VOCAB, WIDTH), "model.norm.weight": (WIDTH,)}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        for name, size in {"self_attn.q_proj": (q, WIDTH), "self_attn.k_proj": (kv, WIDTH),
                           "self_attn.v_proj": (kv, WIDTH), "self_attn.o_proj": (WIDTH, q), "mlp.gate_proj": (MLP, WIDTH),
                           "mlp.up_proj": (MLP, WIDTH), "mlp.down_proj": (WIDTH, MLP)}.items():
            t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
        t |= {p + f"{n}.weight": (WIDTH,) for n in NORMS.get(arch, ("input_layernorm", "post_attention_layernorm"))}
        if arch == "phi3":
            t |= {p + "self_attn.qkv_proj.weight": (q + 2 * kv, WIDTH), p + "mlp.gate_up_proj.weight": (2 * MLP, WIDTH)}
        if arch == "phi":
            for name, size in {"self_attn.dense": (WIDTH, q), "mlp.fc1": (MLP, WIDTH), "mlp.fc2": (WIDTH, MLP)}.items():
                t |= {p + name + ".weight": size, p + name + ".bias": size[:1]}
            t |= {"model.final_layernorm.weight": (WIDTH,), "model.final_layernorm.bias": (WIDTH,), "lm_head.bias": (VOCAB,)}
        if arch in ("phi", "stablelm"):
            t |= {p + f"{n}.bias": (WIDTH,) for n in ("input_layernorm", "post_attention_layernorm")}
            t["model.norm.bias"] = (WIDTH,)
        if arch == "starcoder2":
            t |= {p + f"{n}.bias": (WIDTH,) for n in ("input_layernorm", "post_attention_layernorm")}
            t |= {p + "mlp.c_fc.weight": (MLP, WIDTH), p + "mlp.c_fc.bias": (MLP,), p + "mlp.c_proj.weight": (WIDTH, MLP),
                  p + "mlp.c_proj.bias": (WIDTH,), "model.norm.bias": (WIDTH,)}
        if arch in ("olmo2", "olmo3"):
            t |= {p + "self_attn.q_norm.weight": (q,), p + "self_attn.k_norm.weight": (kv,)}
        if arch in ("qwen3", "gemma3_text"):
            t |= {p + f"self_attn.{n}.weight": (D_HEAD,) for n in ("q_norm", "k_norm")}
    return t


def write_weights(arch: str, path: Path, head: bool) -> None:
    import torch
    from safetensors.torch import save_file

    state = {}
    sizes = shapes(arch) | ({"lm_head.weight": (VOCAB, WIDTH)} if head and arch == "gpt2" else {})
    for name, size in sizes.items():
        if name in ("lm_head.weight", "embed_out.weight") and not head:
            continue
        g = torch.Generator().manual_seed(zlib.crc32(f"{arch} {name}".encode()))
        x = torch.randn(size, generator=g)
        norm = len(size) == 1 and ("norm" in name or "ln_" in name) and name.endswith("weight")
        state[name] = (1 + 0.2 * x if norm else 0.45 * x if len(size) == 2 else 0.3 * x).to(torch.float16)
    save_file(state, path, metadata={"format": "pt"})


def base_config(arch: str) -> dict:
    if arch == "gpt2":
        return {"model_type": "gpt2", "vocab_size": VOCAB, "n_positions": CONTEXT, "n_embd": WIDTH, "n_layer": LAYERS,
                "n_head": HEADS, "n_inner": MLP, "bos_token_id": 0, "eos_token_id": 0}
    if arch in ("gptj", "gpt_bigcode"):
        own = {"rotary_dim": 4} if arch == "gptj" else {}
        return {"model_type": arch, "vocab_size": VOCAB, "n_positions": CONTEXT, "n_embd": WIDTH, "n_layer": LAYERS,
                "n_head": HEADS, "n_inner": MLP, "bos_token_id": 0, "eos_token_id": 0} | own
    if arch == "bloom":
        return {"model_type": "bloom", "vocab_size": VOCAB, "hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS,
                "bos_token_id": 0, "eos_token_id": 0}
    if arch == "opt":
        return {"model_type": "opt", "vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "hidden_size": WIDTH,
                "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "ffn_dim": MLP, "bos_token_id": 0,
                "eos_token_id": 0, "pad_token_id": 0}
    if arch == "gpt_neo":
        return {"model_type": "gpt_neo", "vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "hidden_size": WIDTH,
                "num_layers": LAYERS, "num_heads": HEADS, "intermediate_size": MLP, "window_size": 3,
                "attention_types": [[["global", "local"], 1]], "bos_token_id": 0, "eos_token_id": 0}
    c = {"model_type": arch, "vocab_size": VOCAB, "hidden_size": WIDTH, "intermediate_size": MLP,
         "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "max_position_embeddings": CONTEXT,
         "bos_token_id": 0, "eos_token_id": 0}
    if arch == "gpt_neox":
        return c
    c |= {"num_key_value_heads": KV, "head_dim": D_HEAD}
    if arch in ("mistral", "gemma2", "gemma3_text", "olmo3", "cohere2"):
        c["sliding_window"] = 3
    if arch in ("phi3", "smollm3", "olmo", "olmo3", "cohere", "cohere2"):
        c["pad_token_id"] = 0
    return c


def cases() -> list[dict]:
    """{name, arch, change}, and where wanted `drop`, `weights`, `ours`, `same`."""
    from golden_config_cases import CASES

    out = []
    for name, arch, change, more in CASES:
        config = base_config(arch) | change
        for key in more.get("drop", ()):
            config.pop(key, None)
        case = {"name": f"{arch}: {name}", "weights": arch + more.get("weights", ""), "config": config}
        out.append(case | {k: more[k] for k in ("ours", "ours4", "same") if k in more})
    return out


def run_cases(todo: list[dict], weights: Path) -> list[dict]:
    """Run inside one version."""
    import logging
    import shutil
    import warnings

    import torch
    import transformers

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    transformers.logging.set_verbosity_error()
    out = []
    for case in todo:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "config.json").write_text(json.dumps(case["config"]))
            shutil.copy(weights / (case["weights"] + ".safetensors"), Path(folder) / "model.safetensors")
            try:
                m, info = transformers.AutoModelForCausalLM.from_pretrained(
                    folder, dtype=torch.float64, attn_implementation="eager", output_loading_info=True)
                if info["missing_keys"] or info["mismatched_keys"]:
                    raise ValueError(f"weights missing: {sorted(info['missing_keys'])[:2]}")
                rows = []
                with torch.no_grad():
                    for ids in PROMPTS:
                        x = m.eval()(torch.tensor([ids]), use_cache=False).logits[0, -1].double()
                        rows.append([round(float(v), 7) for v in (x[TARGET], x[FOIL], torch.logsumexp(x, 0))])
                out.append({"rows": rows})
            except Exception as e:  # whatever the library makes of such a file
                out.append({"error": f"{type(e).__name__}: {e}".splitlines()[0][:160]})
    return out


# ------------------------------------------------------------------------------------------------------------------ main


def in_version(python: str, what: str, payload: object) -> object:
    done = subprocess.run([python, __file__, what], input=json.dumps(payload), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def same_run(case: dict) -> str:
    """Cases of equal files: their numbers are kept. Remove numbers.json to have all run again."""
    return json.dumps([case["weights"], case["config"]])


def one_a_line(items: list) -> str:
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n]"


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=("keys", "numbers", "in-keys", "in-numbers"))
    p.add_argument("v4", nargs="?")
    p.add_argument("v5", nargs="?")
    a = p.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if a.what == "in-keys":
        print(json.dumps(walk_keys()))
    elif a.what == "in-numbers":
        given = json.load(sys.stdin)
        print(json.dumps(run_cases(given["cases"], Path(given["weights"]))))
    elif a.what == "keys":
        out = {o: in_version(v, "in-keys", None) for o, v in zip(OWNERS, (a.v5, a.v4))}
        (FOLDER / "keys.json").write_text(json.dumps(out, indent=1) + "\n")
    else:
        todo = cases()
        for w in {c["weights"] for c in todo}:
            arch = w.removesuffix("-head").removesuffix("-tied")
            head = w.endswith("-head") or (arch not in ("gpt2", "gpt_neo") and not w.endswith("-tied"))
            write_weights(arch, FOLDER / f"{w}.safetensors", head)
        before = FOLDER / "numbers.json"
        known = {same_run(c): c for c in json.loads(before.read_text())["cases"]} if before.exists() else {}
        for owner, python in zip(OWNERS, (a.v5, a.v4)):
            new = [c for c in todo if same_run(c) not in known]
            found = in_version(python, "in-numbers", {"cases": new, "weights": str(FOLDER)}) if new else []
            for case, numbers in zip(new, found):
                case[owner] = numbers
            for case in todo:
                case.setdefault(owner, known.get(same_run(case), {}).get(owner))
        by_name = {c["name"]: c for c in todo}
        for c in todo:
            for owner in OWNERS:
                if "same" in c and "rows" in c[owner]:
                    base = by_name[c["same"]][owner]["rows"]
                    off = max(abs(x - y) for r, s in zip(c[owner]["rows"], base) for x, y in zip(r, s))
                    if off > 1e-6:
                        print(f"{c['name']}: not inert in {owner}: {off}")
        head = {"command": "tools/golden_config.py numbers", "prompts": PROMPTS, "target": TARGET, "foil": FOIL}
        text = json.dumps(head)[:-1] + ', "cases": ' + one_a_line(todo) + "}\n"
        (FOLDER / "numbers.json").write_text(text)


if __name__ == "__main__":
    main()
