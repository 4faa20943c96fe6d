#!/bin/bash
# Each fault of tests/fixtures/faults by abltui check, and no other: tests/cli/faults.sh PROGRAM. Prints a line a check; exit
# status 0 only if all pass. The corpora and what is expected come from tools/make_faults.py.
set -u
program=$(realpath "$1")
. tests/support/checks.sh
faults=tests/fixtures/faults

# found NAME: check one corpus both ways, against its entry in expected.json
found() {
    python3 - "$program" "$faults" "$1" <<'PY'
import json, re, subprocess, sys
program, folder, name = sys.argv[1:]
case = json.load(open(f"{folder}/expected.json"))[name]
command = [program, "check", f"{folder}/{name}.jsonl", *case["options"]]
run = subprocess.run([*command, "--json"], capture_output=True, text=True)
assert run.returncode == case["status"], f"status {run.returncode}: {run.stderr}"
errors = run.stderr.splitlines()
assert len(errors) == (1 if case["status"] else 0), errors
if "message" in case: # not readable at all: the one line says where
    assert re.search(case["message"], run.stderr) and f"{name}.jsonl" in run.stderr, run.stderr
    sys.exit()
found = {f["kind"]: f for f in json.loads(run.stdout)["findings"]}
assert set(found) == set(case["findings"]), {k: f["text"] for k, f in found.items()}
plain = subprocess.run(command, capture_output=True, text=True).stdout
for kind, lines in case["findings"].items():
    f = found[kind]
    assert (f["rows"], f["lines"]) == (len(lines), lines[:3]), f
    assert f["first_line"] == lines[0] and f"{len(lines)} row" in f["text"] and str(lines[0]) in f["text"], f
    assert "; " in f["text"] and "\n" not in f["text"] and f["text"] in plain, f # the remedy, on one line
PY
}

names=$(python3 -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' $faults/expected.json)
for name in $names; do
    holds "fault_${name//-/_}" found "$name"
done

# A model that cannot do the task is said where a model runs: the negated answers are what it does not prefer.
python3 - "$scratch/wrong.jsonl" <<'PY'
import json, sys
with open("data/corpora/facts.jsonl") as rows, open(sys.argv[1], "w") as out:
    for line in list(rows)[:20]:
        row = json.loads(line)
        row["target"], row["foil"] = row["foil"], row["target"]
        print(json.dumps(row), file=out)
PY
accuracy() {
    python3 - "$1" "$2" <<'PY'
import json, sys
kinds = [f["kind"] for f in json.load(open(sys.argv[1] + "/metrics/summary.json"))["findings"]]
sys.exit((sys.argv[2] == "low") != ("low-accuracy" in kinds))
PY
}
succeeds a_task_that_fails_is_run --export "$scratch/wrong" --data "$scratch/wrong.jsonl" --heads 0:0 --device cpu
holds low_accuracy_is_told_on_the_terminal grep -q 'warning: .* prefers the target in fewer' "$scratch/err"
holds low_accuracy_is_in_the_summary accuracy "$scratch/wrong" low
succeeds a_task_that_works_is_run --export "$scratch/right" --data facts --rows 20 --heads 0:0 --device cpu
holds a_model_that_can_is_not_blamed accuracy "$scratch/right" high
succeeds corrupt_prompts_are_run --export "$scratch/patch" --data facts --rows 20 --layers 0 --experiment patch --device cpu
holds corrupt_prompts_are_no_task_that_fails accuracy "$scratch/patch" high

finish
