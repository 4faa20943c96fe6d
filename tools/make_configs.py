"""Write the ready runs in configs/ and the run files that tests/cli/configs.sh runs.

    python3 tools/make_configs.py

configs/ has H1 (each head), H5 (pairs and triplets), H6 (patches in both directions, and windows of layers), partial, OV,
the logit lens and attention for the bundled models and for GPT-2 medium and large, Mistral-7B, LLaMA and Pythia, over four conditions each; batteries in
configs/batteries. The fixtures are every shape that run files come in, laid out as in a tinyLab checkout, with rows of our own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONDITIONS = {"facts": "facts", "neg": "negation", "cf": "counterfactual", "logic": "logic"}
MODELS = {  # name of the file: model, layer and heads of its sets, windows of layers by condition
    "tiny-gpt2": ("tiny-gpt2", 0, (0, 1, 2), {"facts": [1, 2], "neg": [0, 1], "cf": [1, 2], "logic": [0]}),
    "tiny-llama": ("tiny-llama", 0, (0, 1, 2), {"facts": [1, 2], "neg": [0, 1], "cf": [1, 2], "logic": [0]}),
    "gpt2-medium": ("gpt2-medium", 0, (2, 4, 7),
                    {"facts": [9, 10, 11, 12, 13], "neg": [0, 1, 2, 3, 4], "cf": [6, 7, 8, 9, 10], "logic": [0, 1, 2]}),
    "gpt2-large": ("gpt2-large", 0, (2, 4, 7),
                   {"facts": [13, 14, 15, 16], "neg": [0, 1, 2, 3], "cf": [9, 10, 11, 12], "logic": [0, 1, 2]}),
    "mistral-7b": ("mistralai/Mistral-7B-v0.1", 0, (21, 22, 23),
                   {"facts": [12, 13, 14], "neg": [0, 1, 2], "cf": [9, 10, 11], "logic": [0, 1]}),
    "llama-3.2-1b": ("meta-llama/Llama-3.2-1B", 0, (0, 1, 2),
                     {"facts": [6, 7, 8], "neg": [0, 1, 2], "cf": [5, 6, 7], "logic": [0, 1]}),
    "pythia-160m": ("EleutherAI/pythia-160m", 0, (2, 4, 7),
                    {"facts": [4, 5, 6], "neg": [0, 1, 2], "cf": [3, 4, 5], "logic": [0, 1]}),
}
PYTHIA_STEPS = (1000, 8000, 16000, 64000, 143000)


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", newline="\n")


def over_conditions(name: str, model: str, battery: str | None, own: dict[str, str] | None = None,
                    **extra: object) -> dict[str, object]:
    conditions = [{"tag": tag, "dataset": {"id": data}} | ({"battery": own[tag]} if own else {})
                  for tag, data in CONDITIONS.items()]
    return {"run_name": name} | ({"battery": battery} if battery else {}) | {
        "shared": {"seeds": [0], "device": "auto", "model": {"name": model}, "dataset": {"split": "train"}} | extra,
        "conditions": conditions}


def patch(direction: str, layers: object, positions: str = "last") -> dict[str, object]:
    return {"type": "activation_patch", "patch_direction": direction, "granularity": "layer_resid", "layers": layers,
            "positions": positions}


def ready_runs(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    batteries = out / "batteries"
    write(batteries / "heads.json", {"type": "heads_zero", "layers": "all", "scales": [0.0]})
    write(batteries / "patch-clean-to-corrupt.json", patch("clean->corrupt", "all"))
    write(batteries / "patch-corrupt-to-clean.json", patch("corrupt->clean", "all"))
    write(batteries / "ov.json", {"type": "ov", "top_k": 100})
    write(batteries / "lens.json", {"type": "lens"})
    write(batteries / "attn.json", {"type": "attn"})
    for name, (model, layer, heads, windows) in MODELS.items():
        a, b, c = heads
        pairs = [{"layer": layer, "h1": x, "h2": y} for x, y in ((a, b), (a, c), (b, c))]
        group = {"layer": layer, "heads": list(heads)}
        write(batteries / f"pairs-{name}.json", {"type": "heads_pair_zero", "pairs": pairs})
        write(batteries / f"triplets-{name}.json", {"type": "heads_subset_zero", "groups": [group]})
        write(batteries / f"partial-{name}.json", {"type": "partial", "groups": [group]})
        own = {}
        for tag, layers in windows.items():
            own[tag] = f"batteries/window-{name}-{tag}.json"
            write(out / own[tag], patch("corrupt->clean", layers))
        for kind, battery in (("h1-heads", "heads"), ("h5-pairs", f"pairs-{name}"), ("h5-triplets", f"triplets-{name}"),
                              ("h2-patch", "patch-clean-to-corrupt"), ("h6-patch", "patch-corrupt-to-clean"),
                              ("partial", f"partial-{name}"), ("ov", "ov"), ("lens", "lens"), ("attn", "attn")):
            write(out / f"{kind}-{name}.json", over_conditions(f"{kind}-{name}", model, f"batteries/{battery}.json"))
        write(out / f"h6-windows-{name}.json", over_conditions(f"h6-windows-{name}", model, None, own))
    for step in PYTHIA_STEPS:
        run = over_conditions(f"h1-heads-pythia-160m-step{step}", MODELS["pythia-160m"][0], "batteries/heads.json")
        run["shared"]["model"]["revision"] = f"step{step}"
        write(out / f"h1-heads-pythia-160m-step{step}.json", run)


# ---------------------------------------------------------------------------------------------------------------------
# Fixtures


def flat(name: str, **extra: object) -> dict[str, object]:
    return {"run_name": name, "seeds": [0, 1, 2], "device": "cpu",
            "model": {"family": "gpt2", "name": "tiny-gpt2", "dtype": "float32"},
            "dataset": {"id": "facts_single_token_v1", "split": "train", "clean_field": "clean", "corrupt_field": "corrupt",
                        "target_field": "target", "foil_field": "foil"},
            "battery": "lab/configs/battery_h1.json", "metrics": ["logit_diff", "kl_div"], "batch_size": 8,
            "max_seq_len": 64} | extra


def across(name: str, shared: dict[str, object], conditions: list[dict[str, object]],
           battery: str | None = "lab/configs/battery_h1.json", **extra: object) -> dict[str, object]:
    return {"run_name": name} | ({"battery": battery} if battery else {}) | {
        "shared": {"seeds": [0], "device": "cpu", "model": {"name": "tiny-gpt2", "dtype": "float16"}} | shared,
        "conditions": conditions} | extra


def two(**extra: object) -> list[dict[str, object]]:
    return [{"tag": tag, "dataset": {"id": data}} | extra
            for tag, data in (("facts", "facts_single_token_v1"), ("neg", "negation_single_token_v1"))]


def fixtures(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    lab = out / "checkout/lab"
    for corpus, own in (("facts_single_token_v1", "facts"), ("negation_single_token_v1", "negation")):
        rows = (ROOT / f"data/corpora/{own}.jsonl").read_text().splitlines()[:12]
        kept = [{k: json.loads(r)[k] for k in ("clean", "corrupt", "target", "foil")} for r in rows]
        text = "".join(json.dumps(r) + "\n" for r in kept)
        path = lab / f"data/corpora/{corpus}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="\n")
        write(lab / f"data/splits/{corpus}.split.json",
              {"seed": 123, "data_hash": hashlib.sha256(text.encode()).hexdigest(),
               "train": list(range(8)), "val": [8, 9], "test": [10, 11]})
    renamed = [{"prompt": r["clean"], "other": r["corrupt"], "yes": r["target"], "no": r["foil"]} for r in kept]
    (lab / "data/corpora/renamed.jsonl").write_text("".join(json.dumps(r) + "\n" for r in renamed), newline="\n")
    equal = json.loads(text.splitlines()[0])
    for name, rows in (("equal", [equal | {"foil": equal["target"]}]), ("long_foil", [equal | {"foil": " of the town"}])):
        text_of = text + "".join(json.dumps(r) + "\n" for r in rows)
        (lab / f"data/corpora/{name}.jsonl").write_text(text_of, newline="\n")
        write(lab / f"data/splits/{name}.split.json",
              {"seed": 1, "data_hash": hashlib.sha256(text_of.encode()).hexdigest(), "train": [0, 1, 2, 12], "val": [], "test": []})
    (lab / "data/corpora/changed.jsonl").write_text(text, newline="\n")
    write(lab / "data/splits/changed.split.json",
          {"seed": 1, "data_hash": "0" * 64, "train": [0, 1], "val": [], "test": []})
    configs = lab / "configs"
    write(configs / "battery_h1.json", {"type": "heads_zero", "layers": [0, 1], "scales": [0.0]})
    write(configs / "battery_pairs.json", {"type": "heads_pair_zero", "pairs": [{"layer": 0, "h1": 0, "h2": 1}]})
    write(configs / "battery_h2.json", patch("clean->corrupt", [0, 2], "last_token") | {"sham_control": True})
    write(configs / "battery_h6.json", patch("corrupt->clean", [1], "last_token") | {"sham_control": False})
    revision = {"model": {"name": "tests/tiny-gpt2", "revision": "step8000"}}  # the test puts it into a cache of its own
    shapes = {
        "flat": flat("flat", metric_span="first_token", verify_slice={"n_examples": 2, "device": "cpu"},
                     profiling={"interval_s": 0.05, "powermetrics": False}),
        "cross": across("cross", {"dataset": {"split": "train"}}, two()),
        "cross_revision": across("cross_revision", {"dataset": {"split": "train"}} | revision, two()),
        "cross_battery": across("cross_battery", {"dataset": {"split": "train"}}, [
            two()[0] | {"battery": "lab/configs/battery_h2.json"}, two()[1] | {"battery": "lab/configs/battery_h6.json"}],
            battery=None),
        "cross_low_memory": across("cross_low_memory", {"dataset": {"split": "train"}, "low_memory": True,
                                                        "_comment": "for small cards"}, two()),
        "cross_dataset": across("cross_dataset", {}, two(split="train")),
        "flat_seed": {k: v for k, v in flat("flat_seed", seed=3).items() if k != "seeds"},
        "cross_overrides": across("cross_overrides", {"dataset": {"split": "train"}}, [
            two()[0], two()[1] | {"battery_overrides": {"pairs": [{"layer": 1, "h1": 2, "h2": 3}]}}],
            battery="lab/configs/battery_pairs.json"),
        "flat_shared": flat("flat_shared", shared={"device": "cuda"}),
    }
    for condition in shapes["cross_dataset"]["conditions"]:
        condition["dataset"]["split"] = condition.pop("split")
    for name, run in shapes.items():
        write(configs / f"run_{name}.json", run)
    renamed_fields = {"id": "renamed", "split": "all", "clean_field": "prompt", "corrupt_field": "other",
                      "target_field": "yes", "foil_field": "no"}
    write(configs / "run_renamed.json", flat("renamed", dataset=renamed_fields))
    write(configs / "run_scales.json", flat("scales", battery="lab/configs/battery_scales.json"))
    write(configs / "battery_scales.json", {"type": "heads_zero", "layers": [0], "heads": [1, 2], "scales": [0.0, 0.5]})
    write(configs / "run_unknown_key.json", flat("unknown_key", colour="blue", metrix=["kl_div"]))
    write(configs / "run_no_corpus.json", flat("no_corpus", dataset={"id": "nowhere_v1", "split": "train"}))
    write(configs / "run_wrong_hash.json", flat("wrong_hash", dataset={"id": "changed", "split": "train"}))
    write(configs / "run_wrong_type.json", flat("wrong_type", device=7))
    write(configs / "run_no_battery.json", flat("no_battery", battery="lab/configs/battery_none.json"))
    write(configs / "run_sae.json", flat("sae", battery="lab/configs/battery_sae.json"))
    write(configs / "battery_sae.json", {"type": "sae_toggle"})
    write(configs / "run_random.json", flat("random", battery="lab/configs/battery_random.json"))
    write(configs / "battery_random.json", {"type": "heads_zero", "layers": "all", "scales": [0.0], "positions": "all",
                                            "random_control": True, "random_count": 3})
    write(configs / "run_equal.json", flat("equal", dataset={"id": "equal", "split": "train"}))
    write(configs / "run_long_foil.json", flat("long_foil", dataset={"id": "long_foil", "split": "train"}))
    write(configs / "run_sham.json", across("sham_control", {"dataset": {"split": "train"}}, two(),
                                            battery="lab/configs/battery_h2.json"))
    write(configs / "deeper/run_deeper.json", flat("deeper"))
    write(configs / "run_revision.json", flat("revision", model={"name": "tests/tiny-gpt2", "revision": "step8000"}))
    write(configs / "run_weights.json", flat("weights", model={"name": "gpt2-medium", "hf_model": "tiny-gpt2"}))
    write(configs / "run_ready_battery.json", flat("ready_battery", battery="batteries/lens.json"))
    write(configs / "run_no_model.json", {k: v for k, v in flat("no_model").items() if k != "model"})
    write(configs / "run_no_data.json", {k: v for k, v in flat("no_data").items() if k != "dataset"})
    write(configs / "run_bad_seed.json", flat("bad_seed", seeds=[0, 1.5]))
    write(configs / "run_no_granularity.json", flat("no_granularity", battery="lab/configs/battery_no_granularity.json"))
    write(configs / "battery_no_granularity.json", patch("clean->corrupt", [0]) | {"granularity": "resid"})
    write(configs / "run_some_fail.json", across("some_fail", {"dataset": {"split": "train"}}, [
        two()[0], two()[1] | {"dataset": {"id": "nowhere_v1"}}, two()[1] | {"tag": "sae", "battery": "lab/configs/battery_sae.json"}]))
    for name, tag in (("up", "../up"), ("taken", "artifacts"), ("hidden", ".hidden"), ("empty", "")):
        write(configs / f"run_tag_{name}.json", across(f"tag_{name}", {}, [two()[0] | {"tag": tag}]))
    write(configs / "run_no_tag.json", across("no_tag", {}, [{"dataset": {"id": "facts_single_token_v1"}}]))


def main() -> None:
    ready_runs(ROOT / "configs")
    fixtures(ROOT / "tests/fixtures/configs")


if __name__ == "__main__":
    main()
