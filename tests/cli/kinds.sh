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

# Signs and places under the kinds, counted anew from the table; and the verdict of head 0:2, which the kinds turn around.
agreement_holds() {
    python3 - "$scratch/$1/metrics/$2.csv" "$3" <<'PY'
import csv, sys
from collections import defaultdict
key = sys.argv[2]
what = lambda r: (r["layer"], r["head"]) if key == "head" else r["heads"]
rows = [r for r in csv.DictReader(open(sys.argv[1], newline="")) if r.get("kind") != "control"]
lists = defaultdict(list)
for r in rows:
    lists[r["metric"], r["ablate"]].append(r)
ranks, signs = defaultdict(list), defaultdict(set)
for (metric, _), some in lists.items():
    for place, r in enumerate(sorted(some, key=lambda r: -abs(float(r["delta"]))), 1):
        d = float(r["delta"])
        ranks[metric, what(r)].append(place)
        signs[metric, what(r)].add((d > 0) - (d < 0))
seen = set()
for r in rows:
    k = r["metric"], what(r)
    ties = len({abs(float(x["delta"])) for x in lists[r["metric"], r["ablate"]]}) < len(lists[r["metric"], r["ablate"]])
    agrees = len(signs[k]) == 1 and 0 not in signs[k]
    assert r["sign_agrees"] == str(int(agrees)), (k, r)
    seen.add(agrees)
    if not any(len({abs(float(x["delta"])) for x in lists[m, a]}) < len(lists[m, a]) for m, a in lists if m == r["metric"]):
        assert [int(r["rank_min"]), int(r["rank_max"])] == [min(ranks[k]), max(ranks[k])], (k, r)
assert seen == {True, False}, seen
PY
}
holds signs_and_places_over_kinds agreement_holds heads head_impact head
holds signs_and_places_over_kinds_of_sets agreement_holds sets group_impact heads
one_kind_says_nothing() { ! cut -d, -f19- "$scratch/heads_zero/metrics/head_impact.csv" | tail -n +2 | grep -q '[0-9]'; }
holds one_kind_has_nothing_to_agree_with one_kind_says_nothing
succeeds negation_runs --export "$scratch/whole" --data negation --boot 200 --device cpu --quiet --ablate zero,mean,resample,patch
kinds_disagree() {
    python3 - "$scratch/whole/metrics/summary.json" <<'PY'
import json, re, sys
said = {h["variant"]: h for h in json.load(open(sys.argv[1]))["agreement"]["heads"]}["0:2"]
assert re.fullmatch("opposes under zero and mean, supports under resample, .* under patch: depends on the kind", said["verdict"]), said
assert said["sign_agrees"] is False and said["rank_min"] < said["rank_max"], said
PY
}
holds the_verdict_names_the_kinds_that_disagree kinds_disagree
succeeds the_screen_is_drawn --screenshot "$scratch/screen.txt" --size 80x40 --data negation --heads 0:2 --rows 100 --boot 200 --device cpu --quiet --ablate zero,mean,resample,patch
holds the_screen_names_them grep -q "opposes under zero and mean" "$scratch/screen.txt"
holds the_screen_says_which_kind_it_shows grep -q "zero, 1 of 4" "$scratch/screen.txt"

# Over four conditions and four kinds: what is everywhere among the strongest, with one sign; what has both stands apart.
succeeds conditions_run --export "$scratch/cross" $(printf ' --data %s' facts negation counterfactual logic) --rows 100 --boot 20 --device cpu --quiet \
    --ablate zero,mean,resample,patch
invariants_have_one_sign() {
    python3 - "$scratch/cross/artifacts/cross_condition" <<'PY'
import csv, json, sys
from collections import defaultdict
found = json.load(open(sys.argv[1] + "/invariants.json"))
for metric in ("ld", "logprob", "kl", "rank"):
    lists = defaultdict(dict)
    for r in csv.DictReader(open(sys.argv[1] + "/head_matrix.csv", newline="")):
        if r["metric"] == metric:
            lists[r["condition"], r["ablate"]][int(r["layer"]), int(r["head"])] = float(r["delta"])
    assert len(lists) == 16
    tops = [set(sorted(l, key=lambda h: -abs(l[h]))[:10]) for l in lists.values()]
    everywhere = set.intersection(*tops)
    one = {h for h in everywhere if len({l[h] > 0 for l in lists.values()}) == 1}
    named = {(x["layer"], x["head"]) for x in found["heads"][metric]}
    both = {(x["layer"], x["head"]) for x in found["both_signs"]["heads"][metric]}
    assert named == one and both == everywhere - one, (metric, named, one, both)
    for x in found["heads"][metric]:
        numbers = [n for of in x["delta"].values() for n in of.values()]
        assert len(numbers) == 16 and len({n > 0 for n in numbers}) == 1 and x["one_sign"] is True
assert found["heads"]["ld"]
PY
}
holds invariants_have_one_sign_over_conditions_and_kinds invariants_have_one_sign
rebuilds() {
    "$program" rebuild "$scratch"/cross/{facts,negation,counterfactual,logic} --export "$scratch/again" --quiet &&
        cmp "$scratch/cross/artifacts/cross_condition/invariants.json" "$scratch/again/artifacts/cross_condition/invariants.json" &&
        cmp "$scratch/cross/artifacts/cross_condition/head_matrix.csv" "$scratch/again/artifacts/cross_condition/head_matrix.csv"
}
holds rebuild_reads_such_runs rebuilds

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

# Donors: of six rows with five donors each takes from all others, whoever draws; tables hold the means over them.
for seed in 1 2; do
    succeeds "all_${seed}_runs" --export "$scratch/all_$seed" --data negation --rows 6 --boot 50 --device cpu --quiet \
        --ablate resample --donors 5 --donor-from any --seed $seed --heads 0:2,0:4
    run "few_$seed" --ablate resample --donors 2 --seed $seed --heads 0:2,0:4
done
donors_average() {
    python3 - "$scratch" <<'PY'
import csv, json, sys
read = lambda name, table: list(csv.DictReader(open(f"{sys.argv[1]}/{name}/metrics/{table}.csv", newline="")))
one, two = read("all_1", "per_example"), read("all_2", "per_example")
assert len(one) == 12 and all(abs(float(a["ld"]) - float(b["ld"])) < 1e-5 for a, b in zip(one, two)), (one, two)
few = read("few_1", "per_example"), read("few_2", "per_example")
assert any(abs(float(a["ld"]) - float(b["ld"])) > 1e-3 for a, b in zip(*few))
for name in ("all_1", "few_1"):
    for r in read(name, "head_impact"):
        rows = [float(x["delta_ld"]) for x in read(name, "per_example") if x["variant"] == f"{r['layer']}:{r['head']}"]
        if r["metric"] == "ld":
            assert int(r["n"]) == len(rows) and abs(sum(rows) / len(rows) - float(r["delta"])) < 1e-6, r
config = json.load(open(f"{sys.argv[1]}/few_1/config.json"))
assert (config["donors"], config["donor_from"]) == (2, "other-target"), config
assert json.load(open(f"{sys.argv[1]}/heads_zero/config.json"))["donors"] is None
assert json.load(open(f"{sys.argv[1]}/heads/config.json"))["donors"] == 5
PY
}
holds donors_are_averaged donors_average
succeeds same_template_runs --export "$scratch/template" --data facts --boot 50 --device cpu --quiet --ablate resample \
    --donor-from same-template --heads 0:2
run joint --experiment sets --sets 0:2+0:4 --controls 2 --ablate resample --donors 3
run back --experiment partial --sets 0:2+0:4 --ablate resample --donors 3
interactions_are_of_means() {
    python3 - "$scratch/joint/metrics" <<'PY'
import csv, sys
read = lambda table: [r for r in csv.DictReader(open(f"{sys.argv[1]}/{table}.csv", newline="")) if r["metric"] == "ld"]
singles = {f"{r['layer']}:{r['head']}": float(r["delta"]) for r in read("head_impact")}
joint = [r for r in read("group_impact") if r["kind"] == "chosen"][0]
assert abs(float(joint["interaction"]) - (float(joint["delta"]) - sum(singles.values()))) < 1e-6, (joint, singles)
PY
}
holds interactions_of_averaged_donors interactions_are_of_means
refuses "too_many_donors" 2 "1 to 60" --export "$scratch/none" --ablate resample --donors 61
refuses "unknown_donors" 2 "same-template" --export "$scratch/none" --ablate resample --donor-from friends
refuses "several_donors_as_tinylab" 2 "takes one donor" --export "$scratch/none" --compat tinylab --ablate resample --donors 2
refuses "nobody_to_take_from" 3 "no other row of its template" --export "$scratch/none" --rows 1 --ablate resample --donor-from same-template
run tinylab --compat tinylab --ablate resample --heads 0:2
one_donor() { grep -q '"donors":1,' "$scratch/tinylab/config.json"; }
holds tinylab_takes_one_donor one_donor

refuses "a_kind_twice" 2 "each once" --export "$scratch/none" --ablate zero,mean,zero
refuses "an_unknown_kind" 2 "zero, mean, resample, patch" --export "$scratch/none" --ablate zero,median
refuses "an_empty_kind" 2 "zero, mean, resample, patch" --export "$scratch/none" --ablate zero,
refuses "several_kinds_of_a_lens" 2 "reads one kind" --export "$scratch/none" --experiment lens --ablate zero,mean
refuses "several_kinds_as_tinylab" 2 "takes one kind" --export "$scratch/none" --compat tinylab --ablate zero,mean
refuses "several_kinds_of_whole_answers_with_means" 2 "no means" --export "$scratch/none" --span full --ablate zero,mean
"$program" lab-tables "$scratch/heads" --out "$scratch/lab" >"$scratch/out" 2>&1
holds lab_tables_have_one_kind grep -q "several ways (zero,mean" "$scratch/out"
finish
