#!/bin/bash
# Several conditions in one command, and their tables from single runs: tests/report/cross.sh PROGRAM STRICT_JSON
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh

conditions=(facts negation counterfactual logic)
quick=(--rows 6 --boot 50 --device cpu --quiet)
several=()
for c in "${conditions[@]}"; do several+=(--data "$c"); done

succeeds four_conditions_run_in_one_command "${quick[@]}" "${several[@]}" --export "$scratch/four"
for file in summary.json invariants.json head_matrix.csv; do
    holds "joint_${file%.*}_is_there" test -s "$scratch/four/artifacts/cross_condition/$file"
done
for file in config.json manifest.json artifacts/cross_condition/summary.json artifacts/cross_condition/invariants.json; do
    holds "joint_$(basename "${file%.*}")_is_strict_json" "$strict_json" "$scratch/four/$file"
done
for c in "${conditions[@]}"; do
    succeeds "single_run_over_$c" "${quick[@]}" --data "$c" --export "$scratch/single-$c"
    holds "child_$c""_is_the_single_run" cmp "$scratch/single-$c/metrics/head_impact.csv" "$scratch/four/$c/metrics/head_impact.csv"
done
succeeds rebuild_joins_single_runs rebuild "${conditions[@]/#/$scratch/single-}" --export "$scratch/rebuilt" --quiet
holds rebuilt_tables_are_the_same_to_the_byte diff -r "$scratch/rebuilt/artifacts" "$scratch/four/artifacts"
succeeds rebuild_takes_a_joint_run rebuild "$scratch/four" --export "$scratch/again" --quiet
holds tables_from_a_joint_run_are_the_same_to_the_byte diff -r "$scratch/again/artifacts" "$scratch/four/artifacts"
succeeds a_joint_run_may_be_written_over "${quick[@]}" "${several[@]}" --export "$scratch/four"
holds no_temporary_folder_stays no_leftovers "$scratch/four"

# Heads among the ten largest |delta_ld| of every condition, from the tables by other means than the program's.
invariants() {
    python3 - "$scratch/four" <<'EOF'
import csv, json, sys
root = sys.argv[1] + "/artifacts/cross_condition/"
found = json.load(open(root + "invariants.json"))
rows = list(csv.DictReader(open(root + "head_matrix.csv")))
conditions = list(dict.fromkeys(r["condition"] for r in rows))
assert conditions == found["conditions"] and len(conditions) == 4, conditions
for metric in ("ld", "kl", "entropy"):
    tops = []
    for c in conditions:
        some = [r for r in rows if r["condition"] == c and r["metric"] == metric]
        assert len(some) == 32, len(some)
        some.sort(key=lambda r: -abs(float(r["delta"])))
        tops.append({(int(r["layer"]), int(r["head"])) for r in some[:found["k"]]})
    expected = set.intersection(*tops)
    got = {(h["layer"], h["head"]) for h in found["heads"][metric]}
    assert got == expected, (metric, got, expected)
    for h in found["heads"][metric]:
        assert h["one_sign"] == (len({d > 0 for d in h["delta"].values()}) == 1), h
EOF
}
holds invariants_are_what_every_condition_has invariants

refuses several_conditions_need_a_folder 2 'which --export names' --data facts --data logic --export -
refuses names_that_are_alike_are_refused 2 "both called 'facts'" --data facts --data data/corpora/facts.jsonl --export "$scratch/alike"
refuses a_folder_of_something_else_is_left_alone 2 'holds something else' --data facts --data logic --export tests
refuses rebuild_needs_runs 2 'rebuild needs runs' rebuild
refuses rebuild_names_what_is_no_run 3 'no-run' rebuild "$scratch/no-run" --export "$scratch/x"
refuses rebuild_wants_conditions_that_differ 2 "both runs over 'facts'" rebuild "$scratch/single-facts" "$scratch/four/facts" --export "$scratch/x"
"$program" "${quick[@]}" --data facts --data nowhere --data logic --export "$scratch/some" >/dev/null 2>"$scratch/err" </dev/null
status=$?
holds a_condition_that_fails_sets_the_status test "$status" = 3
holds a_condition_that_fails_is_named grep -q "^nowhere: .*nowhere" "$scratch/err"
holds the_others_are_run files_present "$scratch/some" facts/manifest.json logic/manifest.json artifacts/cross_condition/summary.json

finish
