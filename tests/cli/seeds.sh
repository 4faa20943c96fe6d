#!/bin/bash
# What --seed, --boot, --alpha and --holdout change, and what they leave alone: tests/cli/seeds.sh PROGRAM. Prints a line a check;
# exit status 0 only if all pass.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

# run NAME OPTION…: a small run into $scratch/NAME
run() {
    local name=$1
    shift
    succeeds "${name}_runs" --export "$scratch/$name" --data facts --rows 40 --layers 0 --device cpu --quiet "$@"
}
# columns NAME TABLE COLUMN…: these columns of a table, or all but those that begin with -
columns() {
    python3 - "$scratch/$1/metrics/$2.csv" "${@:3}" <<'PY'
import csv, sys
wanted = [c for c in sys.argv[2:] if c[0] != "-"]
left_out = [c[1:] for c in sys.argv[2:] if c[0] == "-"]
for row in csv.DictReader(open(sys.argv[1], newline="")):
    print([v for k, v in row.items() if (k in wanted or not wanted) and k not in left_out])
PY
}
same() { cmp -s <(columns "$1" "${@:3}") <(columns "$2" "${@:3}"); }
differ() { ! same "$@"; }
same_file() { cmp -s "$scratch/$1/$3" "$scratch/$2/$3"; }

run zero_a --seed 1
run zero_again --seed 1
run zero_b --seed 2
holds the_same_seed_gives_the_same_bytes same_file zero_a zero_again metrics/summary.json
holds the_same_seed_gives_the_same_table same_file zero_a zero_again metrics/head_impact.csv
holds a_seed_changes_no_row_of_a_zero_ablation same_file zero_a zero_b metrics/per_example.csv
holds a_seed_changes_no_baseline same_file zero_a zero_b metrics/baseline.csv
holds a_seed_changes_no_mean_of_a_zero_ablation same zero_a zero_b head_impact layer head metric value delta n n_clusters
holds a_seed_draws_other_resamples differ zero_a zero_b head_impact ci_lo

run resample_a --ablate resample --seed 1
run resample_b --ablate resample --seed 2
holds a_seed_draws_other_donors differ resample_a resample_b per_example ld
holds a_seed_leaves_the_baseline_of_resampling_alone same_file resample_a resample_b metrics/baseline.csv

run boot_more --seed 1 --boot 3000
holds more_resamples_change_no_mean same zero_a boot_more head_impact layer head metric value delta n
holds more_resamples_change_intervals differ zero_a boot_more head_impact ci_lo
run alpha_less --seed 1 --alpha 0.2
holds alpha_changes_intervals_alone same zero_a alpha_less head_impact -ci_lo -ci_hi
wider() {
    python3 - "$scratch/$1/metrics/head_impact.csv" "$scratch/$2/metrics/head_impact.csv" <<'PY'
import csv, sys
a, b = (list(csv.DictReader(open(p, newline=""))) for p in sys.argv[1:])
width = lambda r: float(r["ci_hi"]) - float(r["ci_lo"])
sys.exit(not all(width(x) >= width(y) for x, y in zip(a, b)) or not any(width(x) > width(y) for x, y in zip(a, b)))
PY
}
holds alpha_of_a_fifth_is_narrower wider zero_a alpha_less

succeeds sets_a_run --export "$scratch/sets_a" --data facts --rows 20 --experiment sets --sets '0:1+0:2' --controls 9 --seed 1 --device cpu --quiet
succeeds sets_b_run --export "$scratch/sets_b" --data facts --rows 20 --experiment sets --sets '0:1+0:2' --controls 9 --seed 2 --device cpu --quiet
holds a_seed_draws_other_null_sets differ sets_a sets_b group_impact heads
chosen() { columns "$1" group_impact heads kind metric value delta | grep "'chosen'"; }
holds a_seed_leaves_the_chosen_set_alone cmp -s <(chosen sets_a) <(chosen sets_b)
null_p() {
    python3 - "$scratch/sets_a/metrics/group_impact.csv" <<'PY'
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[1], newline="")) if r["metric"] == "ld"]
own = next(r for r in rows if r["kind"] == "chosen")
null = [abs(float(r["delta"])) for r in rows if r["kind"] == "control"]
p = (sum(d >= abs(float(own["delta"])) for d in null) + 1) / (len(null) + 1)
sys.exit(not (len(null) == 9 and abs(float(own["p_null"]) - p) < 1e-12 and all(not r["p_null"] for r in rows if r is not own)))
PY
}
holds p_null_counts_the_random_sets null_p

run held_a --holdout 0.5 --seed 1
run held_b --holdout 0.5 --seed 2
holds holding_out_changes_no_other_table same_file zero_a held_a metrics/head_impact.csv
holds a_seed_draws_other_held_out_clusters differ held_a held_b holdout heldout_delta
sides() {
    python3 - "$scratch/held_a" <<'PY'
import csv, sys, json
d = sys.argv[1] + "/metrics/"
held = list(csv.DictReader(open(d + "holdout.csv", newline="")))
whole = {(f"{r['layer']}:{r['head']}", r["metric"]): r for r in csv.DictReader(open(d + "head_impact.csv", newline=""))}
assert len(held) == len(whole)
templates = {r["template"] for r in csv.DictReader(open(d + "rows.csv", newline=""))}
for r in held:
    a, b = int(r["n_discovery"]), int(r["n_heldout"])
    found, kept = int(r["discovery_clusters"]), int(r["heldout_clusters"])
    assert a + b == 40 and found + kept == len(templates) and kept in (found, found + 1), r
    mean = (a * float(r["discovery_delta"]) + b * float(r["heldout_delta"])) / 40
    full = float(whole[r["variant"], r["metric"]]["delta"])
    assert abs(mean - full) < 1e-9 * max(1, abs(full)), (r, full)
    tested = r["metric"] not in ("kl", "flip") and r["chosen"] == "1"
    assert (r["q"] != "") == tested == (r["confirmed"] != ""), r
chosen = {r["variant"] for r in held if r["metric"] == "ld" and r["chosen"] == "1"}
said = json.load(open(d + "summary.json"))["holdout"]["head"]
assert chosen == set(said["confirmed"]) | set(said["not_confirmed"]) and said["n_chosen"] == len(chosen)
PY
}
holds both_sides_add_up_to_the_whole sides
holds without_it_there_is_no_such_table nothing_at "$scratch/zero_a/metrics/holdout.csv"
refuses a_share_of_everything_is_usage 2 'between 0 and 1' --export "$scratch/no" --holdout 1
refuses holding_out_of_what_is_only_read_is_usage 2 'leave --holdout out' --export "$scratch/no" --experiment ov --holdout 0.5
refuses too_few_clusters_to_hold_out_is_bad_data 3 'at least 2' --export "$scratch/no" --rows 3 --holdout 0.5 --device cpu

finish
