#!/bin/bash
# Several kinds of ablation in one plan: tests/cli/kinds.sh PROGRAM. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

# run NAME OPTION…: a small run into $scratch/NAME
run() {
    local name=$1
    shift
    succeeds "${name}_runs" --export "$scratch/$name" --data negation --rows 30 --boot 50 --device cpu --quiet "$@"
}

# rows_of NAME KIND TABLE COLUMN…: the rows of a kind without what only a run of several kinds says
rows_of() {
    python3 - "$scratch/$1/metrics/$3.csv" "$2" <<'PY'
import csv, sys
for row in csv.DictReader(open(sys.argv[1], newline="")):
    if row["ablate"] == sys.argv[2]:
        print([v for k, v in row.items() if k not in ("sign_agrees", "rank_min", "rank_max")])
PY
}
# as_alone NAME KIND TABLE: what a run of several kinds says of one is what a run of that kind says, to the last digit
as_alone() {
    [ -n "$(rows_of "$1" "$2" "$3" | head -c 1)" ] && cmp -s <(rows_of "$1" "$2" "$3") <(rows_of "$1_$2" "$2" "$3")
}

kinds="zero mean scale=0.5 resample patch"
run heads --layers 0,2 --ablate zero,mean,scale=0.5,resample,patch --holdout 0.5
for kind in $kinds; do
    run "heads_$kind" --layers 0,2 --ablate "$kind" --holdout 0.5
    for table in head_impact per_example holdout; do
        holds "${table}_of_${kind}_as_alone" as_alone heads "$kind" "$table"
    done
done
run sets --experiment sets --sets "0:2+0:4;0:1+2:7" --controls 4 --ablate zero,mean
run partial --experiment partial --sets 0:2+0:4+1:7 --ablate mean,patch
for kind in zero mean; do
    run "sets_$kind" --experiment sets --sets "0:2+0:4;0:1+2:7" --controls 4 --ablate "$kind"
    holds "group_impact_of_${kind}_as_alone" as_alone sets "$kind" group_impact
done
for kind in mean patch; do
    run "partial_$kind" --experiment partial --sets 0:2+0:4+1:7 --ablate "$kind"
    holds "recovery_of_${kind}_as_alone" as_alone partial "$kind" recovery
done

# Each kind of the summary is that of a run with it alone.
summaries_agree() {
    python3 - "$scratch" <<'PY'
import json, sys
from pathlib import Path
read = lambda name: json.loads((Path(sys.argv[1]) / name / "metrics/summary.json").read_text())
whole = read("heads")
parts = [whole] + whole["further_kinds"]
assert whole["ablate"] == "zero,mean,scale=0.5,resample,patch" and [p["ablate"] for p in parts[1:]] == ["mean", "scale=0.5", "resample", "patch"]
for part, kind in zip(parts, ["zero", "mean", "scale=0.5", "resample", "patch"]):
    alone = read("heads_" + kind)
    for key in ("metrics", "stability", "top_heads", "holdout"):
        assert part[key] == alone[key], (kind, key)
PY
}
holds each_kind_of_the_summary_as_alone summaries_agree
names_its_kinds() { grep -q '"ablate":"zero,mean,scale=0.5,resample,patch"' "$scratch/heads/config.json"; }
holds the_config_names_the_kinds names_its_kinds

run seeds --heads random:2@1+2 --ablate zero,mean
seeds_have_kinds() {
    python3 - "$scratch/seeds/metrics/seeds.csv" <<'PY'
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[1], newline="")) if r["metric"] == "ld"]
assert [(r["seed"], r["ablate"]) for r in rows] == [("1", "zero"), ("1", "mean"), ("2", "zero"), ("2", "mean")], rows
assert rows[0]["delta"] != rows[1]["delta"]
PY
}
holds means_over_seeds_keep_kinds_apart seeds_have_kinds

refuses "a_kind_twice" 2 "each once" --export "$scratch/none" --ablate zero,mean,zero
refuses "an_unknown_kind" 2 "zero, mean, resample, patch" --export "$scratch/none" --ablate zero,median
refuses "an_empty_kind" 2 "zero, mean, resample, patch" --export "$scratch/none" --ablate zero,
refuses "several_kinds_of_a_lens" 2 "reads one kind" --export "$scratch/none" --experiment lens --ablate zero,mean
refuses "several_kinds_as_tinylab" 2 "takes one kind" --export "$scratch/none" --compat tinylab --ablate zero,mean
refuses "several_kinds_of_whole_answers_with_means" 2 "no means" --export "$scratch/none" --span full --ablate zero,mean
"$program" lab-tables "$scratch/heads" --out "$scratch/lab" >"$scratch/out" 2>&1
holds lab_tables_have_one_kind grep -q "several ways (zero,mean" "$scratch/out"
finish
