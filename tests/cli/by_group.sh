#!/bin/bash
# Effects by group (--by) and what is said of clusters: tests/cli/by_group.sh PROGRAM. by_group.csv is held to per_example.csv, row by
# row. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

# run NAME OPTION…: a small run into $scratch/NAME
run() {
    local name=$1
    shift
    succeeds "${name}_runs" --export "$scratch/$name" --device cpu --layers 0 --boot 50 --quiet "$@"
}

# agrees NAME FIELD: each line of by_group.csv by its definition, from per_example.csv and the data.
agrees() {
    python3 - "$scratch/$1" "$2" "$scratch/data.jsonl" <<'PY'
import csv, json, math, sys
folder, field, data = sys.argv[1:]
read = lambda name: list(csv.DictReader(open(f"{folder}/metrics/{name}.csv", newline="")))
plain = lambda v: v if isinstance(v, str) else json.dumps(v)
rows = [json.loads(line) for line in open(data)]
numbers = {r["row"]: rows[int(r["row"]) - 1] for r in read("rows")}
clusters = {r["row"]: r["cluster"] for r in read("baseline")}
group = {k: plain(v[field]) for k, v in numbers.items()}
names = sorted(set(group.values()), key=str.encode)
alone = all(len({clusters[k] for k in group if group[k] == g}) == 1 for g in names)
unit = {k: numbers[k]["clean"] if alone else clusters[k] for k in group}
deltas = {}
for r in read("per_example"):
    deltas.setdefault(r["variant"], {})[r["row"]] = {"ld": float(r["delta_ld"]), "kl": float(r["kl"]), "flip": float(r["flip"])}
found = [r for r in read("by_group") if r["metric"] in ("ld", "kl", "flip")]
assert len(found) == 3 * len(deltas) * len(names), len(found)
close = lambda a, b: abs(float(a) - b) <= 1e-9 + 1e-6 * abs(b)
withouts = {}
for r in found:
    of = {k: v[r["metric"]] for k, v in deltas[r["variant"]].items()}
    here = [k for k in of if group[k] == r["group"]]
    rest = [of[k] for k in of if group[k] != r["group"]]
    mean = math.fsum(of[k] for k in here) / len(here)
    units = sorted({unit[k] for k in here})
    assert r["by"] == field and int(r["n"]) == len(here) and int(r["n_clusters"]) == len(units), r
    assert close(r["delta"], mean) and close(r["without"], math.fsum(rest) / len(rest)), (r, mean)
    withouts.setdefault((r["variant"], r["metric"]), []).append(float(r["without"]))
    if len(units) < 2:
        assert r["se"] == r["ci_lo"] == r["ci_hi"] == "", r
        continue
    off = [math.fsum(of[k] - mean for k in here if unit[k] == u) for u in units]
    n = len(units)
    se = math.sqrt(n / (n - 1) * math.fsum(x * x for x in off)) / len(here)
    assert close(r["se"], se) and float(r["ci_lo"]) <= mean <= float(r["ci_hi"]), (r, se)
for r in found:
    all_of = withouts[r["variant"], r["metric"]]
    assert float(r["without_lo"]) == min(all_of) and float(r["without_hi"]) == max(all_of), r
PY
}

# 60 rows of facts, each with fields of other kinds.
python3 - "$scratch/data.jsonl" <<'PY'
import json, sys
with open(sys.argv[1], "w") as out:
    for i, line in enumerate(open("data/corpora/facts.jsonl")):
        row = json.loads(line)
        row["kind"] = row["template"].split("-")[0]
        row.update(number=i % 3, half=i % 2 == 0, few=f"t{i % 3}", most=(i % 5 > 0) or None)
        if i < 60:
            print(json.dumps(row), file=out)
PY
data="$scratch/data.jsonl"
run template --data "$data" --by template
holds groups_that_are_clusters_agree_row_by_row agrees template template
holds the_largest_effects_are_drawn_by_group files_present "$scratch/template" artifacts/by_group.svg artifacts/by_group.png
run kind --data "$data" --by kind
holds groups_of_several_clusters_agree_row_by_row agrees kind kind
run number --data "$data" --by number
holds groups_that_cross_clusters_agree_row_by_row agrees number number
run half --data "$data" --by half
holds groups_by_a_truth_value_agree_row_by_row agrees half half
succeeds sets_runs --export "$scratch/sets" --device cpu --boot 50 --quiet --data "$data" --by kind --experiment sets --pairs 0:2,4 --controls 3
chosen_alone() {
    python3 - "$scratch/sets/metrics" <<'PY'
import csv, sys
read = lambda name: list(csv.DictReader(open(f"{sys.argv[1]}/{name}.csv", newline="")))
sets = {r["heads"] for r in read("group_impact") if r["kind"] == "chosen"}
assert {r["variant"] for r in read("by_group") if "+" in r["variant"]} == sets and len(read("group_impact")) == 4 * 7
PY
}
holds controls_are_in_no_group chosen_alone
run none --data "$data"
holds without_it_there_is_no_such_table nothing_at "$scratch/none/metrics/by_group.csv"
holds without_it_there_is_no_such_figure nothing_at "$scratch/none/artifacts/by_group.svg"
same_effects() { cmp -s "$scratch/none/metrics/head_impact.csv" "$scratch/kind/metrics/head_impact.csv"; }
holds groups_change_no_other_table same_effects
refuses a_row_without_the_field_is_bad_data 3 'line 1: "most" has no text' --export "$scratch/no" --data "$data" --by most --device cpu
refuses a_field_that_no_row_has_is_bad_data 3 'expected in every row for --by colour' --export "$scratch/no" --data "$data" \
    --by colour --device cpu

# What the clusters are, and what they let a run say.
says() {
    "$program" --export "$scratch/said" --data "$1" --device cpu --layers 0 --boot 10 "${@:3}" >"$scratch/out" 2>&1 \
        && grep -q "$2" "$scratch/out"
}
holds templates_are_clusters says "$data" 'clusters by template'
holds prompts_of_templates_speak_of_these_wordings says "$data" 'for these wordings only' --cluster prompt
holds few_clusters_are_said_to_be_too_few says "$data" 'too few to test' --rows 4
head -n 4 "$data" >"$scratch/four.jsonl"
run four --data "$scratch/four.jsonl"
empty_tests() {
    python3 - "$scratch/four/metrics/head_impact.csv" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert rows and all(r["p"] == r["q"] == "" and r["ci_lo"] != "" for r in rows)
PY
}
holds too_few_clusters_have_no_p empty_tests
finish
