"""--dry-run --json tells beforehand what --profile counts: python3 tests/cli/plan.py PROGRAM

Batches, token rows and FLOP are the same to the last one, for every experiment on three models, with room for everything and
where prompts, variants and layers have to come and go. Prints a line a check; exit status 0 only if all pass.
"""
import json
import os
import subprocess
import sys
import tempfile

SETS = "0:0+1:1;1:0+1:1"
EXPERIMENTS = {
    "heads": [],
    "heads_to_their_mean": ["--ablate", "mean"],
    "heads_resampled": ["--ablate", "resample"],
    "heads_patched": ["--ablate", "patch"],
    "heads_scaled": ["--ablate", "scale=0.5", "--value-bias", "head"],
    "sets": ["--experiment", "sets", "--sets", SETS, "--controls", "3"],
    "partial": ["--experiment", "partial", "--sets", SETS],
    "partial_patched": ["--experiment", "partial", "--sets", SETS, "--ablate", "patch"],
    "patch_last": ["--experiment", "patch"],
    "patch_each": ["--experiment", "patch", "--positions", "each", "--layers", "0-1", "--patch-site",
                   "resid_pre,q,k,v,pattern,z,attn_out,mlp_out,resid_post"],
    "patch_all": ["--experiment", "patch", "--positions", "all"],
    "lens": ["--experiment", "lens"],
    "attn": ["--experiment", "attn"],
    "foils_of_the_model": ["--map", "foil=none", "--foil", "top:3", "--heads", "0:0"],
    "saved": ["--heads", "0:0", "--save", "z,pattern", "--positions", "all"],
    "saved_at_the_end": ["--heads", "0:0", "--save", "z,pattern,resid_post"],
    "ov": ["--experiment", "ov"],
    "ov_circuit": ["--experiment", "ov", "--kind", "circuit"],
    "whole_answers": ["--span", "full"],
    "tinylab": ["--compat", "tinylab"],
    "tinylab_patch": ["--compat", "tinylab", "--experiment", "patch"],
    "tinylab_sequences": ["--compat", "tinylab", "--span", "full"],
    "tinylab_patched_sequences": ["--compat", "tinylab", "--span", "full", "--experiment", "patch", "--direction", "corrupt->clean"],
}
COUNTS = ("n_batches", "token_rows", "flop")


def rows(path: str) -> str:
    """A condition for a vocabulary of single bytes."""
    with open(path, "w", encoding="utf-8") as f:
        for i in range(14):
            clean = "abcdefgh"[:3 + i % 5] + "xyz"[i % 3]
            row = {"clean": clean, "corrupt": clean[::-1], "target": "mnop"[i % 4], "foil": "q"}
            f.write(json.dumps(row) + "\n")
    return path


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def difference(program: str, options: list[str], folder: str) -> str:
    """What the plan tells otherwise than the profile; empty: nothing."""
    command = [program, "--quiet", "--rows", "14", *options]
    plan = json.loads(run([*command, "--dry-run", "--json"]))
    run([*command, "--boot", "20", "--profile", "--export", f"{folder}/run"])
    with open(f"{folder}/run/metrics/profile.json", encoding="utf-8") as f:
        profile = json.load(f)
    listed = {"n_batches": len(plan["batches"]), "token_rows": sum(b["token_rows"] for b in plan["batches"]),
              "flop": plan["observed_flop"] + sum(b["flop"] for b in plan["batches"])}
    found = [f"{name}: plan {plan[name]}, its batches {listed[name]}, profile {profile[name]}"
             for name in COUNTS if not plan[name] == listed[name] == profile[name]]
    return "; ".join(found)


def main() -> int:
    program = os.path.realpath(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        models = {"tiny_gpt2": ["--model", "tiny-gpt2"], "tiny_llama": ["--model", "tiny-llama"],
                  "neox_parallel": ["--model", "tests/fixtures/archs/neox-parallel", "--data",
                                    rows(f"{folder}/bytes.jsonl")]}
        for model, of_model in models.items():
            for experiment, of_experiment in EXPERIMENTS.items():
                for budget, of_budget in {"": [], "_in_little_memory": ["--mem", "300K" if "neox" in model else "2M"]}.items():
                    name = f"the_plan_of_{experiment}_on_{model}{budget}_is_what_runs"
                    try:
                        wrong = difference(program, ["--device", "cpu", *of_model, *of_experiment, *of_budget], folder)
                    except RuntimeError as e:
                        wrong = str(e)
                    if wrong:
                        print(wrong)
                    failed += bool(wrong)
                    print(f"[  {'FAILED' if wrong else 'PASSED'}  ] {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
