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
touch "$scratch/four/artifacts/cross_condition/summary.json.tmp-7a0d70334fac"
succeeds a_joint_run_may_be_written_over "${quick[@]}" "${several[@]}" --export "$scratch/four"
holds no_temporary_folder_stays no_leftovers "$scratch/four"
holds what_a_killed_run_had_begun_to_write_goes test ! -e "$scratch/four/artifacts/cross_condition/summary.json.tmp-7a0d70334fac"
# Killed between the last condition's end and the joint tables.
mkdir "$scratch/four/.logic.tmp-999999999-71194f8ba93c" && touch "$scratch/four/.logic.tmp-999999999-71194f8ba93c/.abltui-writing"
rm "$scratch/four/manifest.json"
succeeds a_joint_run_goes_on_when_all_conditions_are_whole "${quick[@]}" "${several[@]}" --export "$scratch/four" --resume
holds a_condition_s_folder_that_a_killed_run_left_goes test ! -e "$scratch/four/.logic.tmp-999999999-71194f8ba93c"

# Heads among the ten largest |delta_ld| of every condition, those of one sign and the others, from the tables by other means
# than the program's.
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
    held, turned = found["heads"][metric], found["both_signs"]["heads"][metric]
    got = {(h["layer"], h["head"]) for h in held + turned}
    assert got == expected and len(got) == len(held + turned), (metric, got, expected)
    for h in held + turned:
        signs = {d > 0 for d in h["delta"].values()}
        assert (len(signs) == 1) == (h in held) and h.get("one_sign", False) == (h in held), h
    assert turned or metric != "ld"
EOF
}
holds invariants_are_what_every_condition_has invariants

# Seeds are no conditions: their deltas are averaged before conditions are compared.
for seed in 0 1; do
    succeeds "a_run_with_seed_$seed" "${quick[@]}" --ablate resample --seed $seed --export "$scratch/seed-$seed"
done
succeeds another_condition_with_one_seed "${quick[@]}" --ablate resample --data negation --export "$scratch/seed-other"
succeeds rebuild_takes_several_seeds rebuild "$scratch/seed-0" "$scratch/seed-1" "$scratch/seed-other" --export "$scratch/seeds" --quiet
of_seeds() {
    python3 - "$scratch/seeds" <<'EOF'
import csv, json, sys
root = sys.argv[1] + "/artifacts/cross_condition/"
found = json.load(open(root + "invariants.json"))
assert found["conditions"] == ["facts", "negation"], found["conditions"]
summary = json.load(open(root + "summary.json"))
assert summary["n_conditions"] == 2 and summary["child_runs"] == ["facts-seed0", "facts-seed1", "negation"], summary["child_runs"]
rows = list(csv.DictReader(open(root + "head_matrix.csv")))
deltas = {}
for r in rows:
    if r["metric"] == "ld":
        deltas.setdefault((r["condition"], int(r["layer"]), int(r["head"])), {})[r["seed"], r["condition"]] = float(r["delta"])
mean = {k: sum(v.values()) / len(v) for k, v in deltas.items()}
assert all(len(v) == (2 if k[0] == "facts" else 1) for k, v in deltas.items())
top = lambda c: set(sorted((k[1:] for k in mean if k[0] == c), key=lambda k: -abs(mean[(c, *k)]))[: found["k"]])
listed = found["heads"]["ld"] + found["both_signs"]["heads"]["ld"]
assert {(h["layer"], h["head"]) for h in listed} == top("facts") & top("negation"), listed
for h in listed:
    for c, d in h["delta"].items():
        assert abs(d - mean[c, h["layer"], h["head"]]) < 1e-12, (h, c, mean[c, h["layer"], h["head"]])
seeds = {(r["condition"], r["seed"], r["metric"]): r for r in csv.DictReader(open(root + "seeds.csv"))}
assert {k[:2] for k in seeds} == {("facts", "0"), ("facts", "1")}, seeds.keys()
for seed in "01":
    some = [float(r["delta"]) for r in rows if (r["condition"], r["seed"], r["metric"]) == ("facts", seed, "ld")]
    assert abs(float(seeds["facts", seed, "ld"]["delta"]) - sum(some) / len(some)) < 1e-12
lines = list(csv.DictReader(open(root + "rows.csv")))
assert len({(r["condition"], r["row"]) for r in lines}) == len(lines), "rows.csv has rows twice"
EOF
}
holds seeds_are_no_conditions of_seeds

refuses several_conditions_need_a_folder 2 'which --export names' --data facts --data logic --export -
refuses names_that_are_alike_are_refused 2 "both called 'facts'" --data facts --data data/corpora/facts.jsonl --export "$scratch/alike"
refuses a_folder_of_something_else_is_left_alone 2 'holds something else' --data facts --data logic --export tests
refuses rebuild_needs_runs 2 'rebuild needs runs' rebuild
refuses rebuild_names_what_is_no_run 3 'no-run' rebuild "$scratch/no-run" --export "$scratch/x"
refuses rebuild_wants_conditions_or_models_that_differ 2 "both runs of 'tiny-gpt2' over 'facts'" rebuild "$scratch/single-facts" "$scratch/four/facts" --export "$scratch/x"

# Two checkpoints of a model over one condition: rows and lists are told apart by model and condition.
cp -r data/models/tiny-gpt2 "$scratch/step2000"
two_models=(--heads 0:0,0:1,1:2)
succeeds a_checkpoint_runs "${quick[@]}" "${two_models[@]}" --data facts --export "$scratch/first"
succeeds another_checkpoint_runs "${quick[@]}" "${two_models[@]}" --model "$scratch/step2000" --data facts --export "$scratch/second"
succeeds rebuild_takes_checkpoints_of_a_condition rebuild "$scratch/first" "$scratch/second" "$scratch/single-logic" --export "$scratch/steps" --quiet
checkpoints() {
    python3 - "$scratch" <<'EOF'
import csv, json, sys
root = sys.argv[1] + "/steps/"
tags = ["tiny-gpt2:facts", "step2000:facts", "tiny-gpt2:logic"]
read = lambda path: list(csv.DictReader(open(path, encoding="utf-8")))
for table, matrix in ("head_impact", "head_matrix"), ("rows", "rows"):
    rows = read(f"{root}artifacts/cross_condition/{matrix}.csv")
    parts = [(tag, read(f"{sys.argv[1]}/{run}/metrics/{table}.csv")) for tag, run in zip(tags, ("first", "second", "single-logic"))]
    expected = [dict(row, condition=tag) for tag, part in parts for row in part]
    assert rows == expected, (matrix, len(rows), len(expected), rows[0], expected[0])
assert list(json.load(open(root + "config.json"))["conditions"]) == tags
for file in "summary", "invariants":
    assert json.load(open(f"{root}artifacts/cross_condition/{file}.json"))["conditions"] == tags, file
assert {tuple(h["delta"]) for h in json.load(open(root + "artifacts/cross_condition/invariants.json"))["heads"]["ld"]} == {tuple(tags)}
EOF
}
holds checkpoints_are_told_apart checkpoints
# Folders of one name with other weights in them.
mkdir "$scratch/elsewhere"
cp -r data/models/tiny-gpt2 "$scratch/elsewhere"
python3 - "$scratch/elsewhere/tiny-gpt2/model.safetensors" <<'EOF'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-4] ^= 1
open(sys.argv[1], "wb").write(data)
EOF
succeeds a_namesake_runs "${quick[@]}" "${two_models[@]}" --model "$scratch/elsewhere/tiny-gpt2" --data facts --export "$scratch/third"
succeeds rebuild_takes_models_of_one_name rebuild "$scratch/first" "$scratch/third" --export "$scratch/namesakes" --quiet
namesakes() {
    python3 - "$scratch" <<'EOF'
import json, sys
shas = [json.load(open(f"{sys.argv[1]}/{run}/config.json"))["model_sha256"][:8] for run in ("first", "third")]
assert list(json.load(open(sys.argv[1] + "/namesakes/config.json"))["conditions"]) == [f"tiny-gpt2@{sha}:facts" for sha in shas]
EOF
}
holds namesakes_are_told_apart_by_their_weights namesakes
# A run of a version that did not know all columns of compat.csv.
succeeds a_run_under_compat "${quick[@]}" "${two_models[@]}" --compat tinylab --data facts --export "$scratch/compat"
cp -r "$scratch/compat" "$scratch/compat-before"
cut -d, -f1-6 "$scratch/compat/metrics/compat.csv" >"$scratch/compat-before/metrics/compat.csv"
holds columns_are_gone test "$(head -1 "$scratch/compat-before/metrics/compat.csv" | tr -d '"')" = condition,variant,logit_diff,kl_div,acc_flip_rate,p_drop
for run in compat compat-before; do
    succeeds "rebuild_takes_$run" rebuild "$scratch/$run" --export "$scratch/$run-joined" --quiet
done
holds columns_of_later_versions_are_missing diff -r "$scratch/compat-joined/artifacts" "$scratch/compat-before-joined/artifacts"
many=()
for i in $(seq 100); do many+=("$scratch/no-run-$i"); done
refuses rebuild_takes_a_hundred_runs 3 'no-run-1' rebuild "${many[@]}" --export "$scratch/x"

"$program" "${quick[@]}" --data facts --data nowhere --data logic --export "$scratch/some" >/dev/null 2>"$scratch/err" </dev/null
status=$?
holds a_condition_that_fails_sets_the_status test "$status" = 3
holds a_condition_that_fails_is_named grep -q "^nowhere: .*nowhere" "$scratch/err"
holds the_others_are_run files_present "$scratch/some" facts/manifest.json logic/manifest.json artifacts/cross_condition/summary.json

# Runs of others: what stands in them is read before it is written anew.
hostile() { # NAME EXPRESSION: a copy of a run, whose JSON texts (config, summary: bytes) or folder (run: Path) are changed
    rm -rf "$scratch/$1"
    cp -r "$scratch/single-facts" "$scratch/$1"
    python3 -c '
import pathlib, sys
run = pathlib.Path(sys.argv[1])
files = {"config": run / "config.json", "summary": run / "metrics/summary.json"}
values = {name: f.read_bytes() for name, f in files.items()} | {"run": run, "mark": b"\x22mark\x22: 1"}
exec(sys.argv[2], values)
for name, f in files.items():
    if f.is_file():
        f.write_bytes(values[name])
' "$scratch/$1" "$2"
}
one_by_one() { # NAME PATTERN EXPRESSION
    hostile "$1" "$3"
    refuses "$1" 3 "$2" rebuild "$scratch/$1" "$scratch/single-logic" --export "$scratch/x"
    holds "$1""_writes_nothing_of_it" no_mark
}
no_mark() { ! grep -rqs mark "$scratch/x"; }
one_by_one text_behind_a_config_is_refused 'config.json.* at byte .*nothing behind the value' 'config += b"{" + mark + b"}"'
one_by_one text_behind_a_summary_is_refused 'summary.json.* at byte .*nothing behind the value' 'summary += b", " + mark'
one_by_one a_duplicate_member_of_a_config_is_refused 'config.json.*duplicate key "schema"' \
    'config = b"{\x22schema\x22: \x22mark\x22, " + config.lstrip()[1:]'
one_by_one a_duplicate_member_of_a_summary_is_refused 'summary.json.*duplicate key "mark"' \
    'summary = b"{\x22a\x22: {" + mark + b", " + mark + b"}, " + summary.lstrip()[1:]'
one_by_one a_summary_that_is_something_else_is_refused 'schema.*expected abltui.summary/1' \
    'summary = summary.replace(b"abltui.summary/1", b"mark/1")'
one_by_one a_config_that_is_something_else_is_refused 'schema.*expected abltui.config/1' \
    'config = config.replace(b"abltui.config/1", b"mark/1")'
one_by_one a_pipe_in_a_run_is_refused 'summary.json. is a named pipe' \
    'import os; (run / "metrics/summary.json").unlink(); os.mkfifo(run / "metrics/summary.json")'
one_by_one a_table_that_is_a_device_is_refused 'rows.csv. is a device' \
    '(run / "metrics/rows.csv").unlink(); (run / "metrics/rows.csv").symlink_to("/dev/zero")'
one_by_one a_summary_nested_too_deep_is_refused 'nested deeper than 64' 'summary = b"[" * 100000'
for name in .. . '' ../single-facts "$scratch/single-facts" facts/../../single-facts facts/; do
    mkdir -p "$scratch/joint"
    python3 -c 'import json, sys; json.dump({"schema": "abltui.cross_config/1", "conditions": {sys.argv[2]: {}, "logic": {}}}, open(sys.argv[1], "w"))' \
        "$scratch/joint/config.json" "$name"
    refuses "a_child_called_'$name'_is_refused" 3 'names a condition .*: expected the name of a folder' rebuild "$scratch/joint" --export "$scratch/x"
done
refuses ov_compares_no_text_behind_a_report 3 'nothing behind the value' \
    compare <(printf '{"schema": "abltui.ov_report/1"} {"mark": 1}') <(echo '{}')
rm -rf "$scratch/foreign"
mkdir "$scratch/foreign"
echo '{"note": "\"abltui.cross_config/1\""}' >"$scratch/foreign/config.json"
refuses a_config_that_only_speaks_of_ours_is_left_alone 2 'holds something else' --data facts --data logic --export "$scratch/foreign"
# Numbers are what they were, to the digit.
holds joined_numbers_stand_as_they_stood python3 -c '
import json, sys
whole = lambda path: json.load(open(path), parse_float=str, parse_int=str)
joined = whole(sys.argv[1] + "/four/artifacts/cross_condition/summary.json")["summaries"]
assert joined and all(joined[c] == whole(f"{sys.argv[1]}/four/{c}/metrics/summary.json") for c in joined)
' "$scratch"

# Texts that a spreadsheet computes: as they are, or with --csv-safe behind a ' which rebuild takes away again.
python3 - "$scratch" <<'EOF'
import json, pathlib, sys
rows = [json.loads(line) for line in open("data/corpora/facts.jsonl")][:6]
for name, odd in (("one", "=1+1"), ("two", "'@x")):
    for i, row in enumerate(rows):
        row.update(id=f"{odd}{i}", template=("-", "+", "\t=", "a=", "'", "@")[i], cluster=f"'{odd}" if i % 2 else odd)
    pathlib.Path(sys.argv[1], f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
EOF
formulas=("${quick[@]}" --heads 0:0 --data)
for name in one two; do
    succeeds "texts_that_are_formulas_of_$name" "${formulas[@]}" "$scratch/$name.jsonl" --export "$scratch/plain-$name"
    succeeds "texts_that_are_formulas_of_$name""_are_marked" "${formulas[@]}" "$scratch/$name.jsonl" --csv-safe --export "$scratch/safe-$name"
done
succeeds marked_texts_in_one_command "${formulas[@]}" "$scratch/one.jsonl" --data "$scratch/two.jsonl" --csv-safe --export "$scratch/safe-both"
# from_to: what rebuild makes of tables written either way
for from in plain safe; do
    succeeds "rebuild_of_$from" rebuild "$scratch/$from-one" "$scratch/$from-two" --export "$scratch/$from-plain" --quiet
    succeeds "rebuild_of_$from""_marked" rebuild "$scratch/$from-one" "$scratch/$from-two" --csv-safe --export "$scratch/$from-safe" --quiet
done
holds rebuild_takes_the_marks_away diff -r "$scratch/plain-plain/artifacts/" "$scratch/safe-plain/artifacts/"
holds rebuild_puts_the_marks diff -r "$scratch/plain-safe/artifacts/" "$scratch/safe-safe/artifacts/"
holds one_command_puts_the_marks diff -r "$scratch/safe-both/artifacts/" "$scratch/safe-safe/artifacts/"
marks() {
    python3 - "$scratch" <<'EOF'
import csv, json, pathlib, re, sys
top = pathlib.Path(sys.argv[1])
danger = re.compile("'*[=+\\-@\t\r\n]")
def table(path):
    return list(csv.DictReader(open(path, newline=""), quoting=csv.QUOTE_MINIMAL))
seen = 0
for plain, safe in (("plain-one/metrics", "safe-one/metrics"), ("plain-two/metrics", "safe-two/metrics"),
                    ("plain-plain/artifacts/cross_condition", "safe-safe/artifacts/cross_condition")):
    a, b = table(top / plain / "rows.csv"), table(top / safe / "rows.csv")
    assert len(a) == len(b) > 0
    for x, y in zip(a, b):
        for key in ("id", "template", "cluster", "condition"):
            expected = "'" + x[key] if danger.match(x[key]) else x[key]
            assert y[key] == expected, (key, x[key], y[key])
            seen += y[key] != x[key]
            assert not re.match("[=+\\-@\t\r\n]", y[key]), y[key]
assert seen > 30, seen
for name in "one", "two":
    assert json.load(open(top / f"safe-{name}/config.json"))["csv_safe"] is True
    assert "csv_safe" not in json.load(open(top / f"plain-{name}/config.json"))
for name, said in (("safe-safe", True), ("safe-both", True), ("safe-plain", None)):
    assert json.load(open(top / name / "config.json")).get("csv_safe") is said, name
EOF
}
holds marks_stand_where_they_should marks
# As a run file says it, once for all conditions.
mkdir "$scratch/runs"
cp tests/fixtures/configs/checkout/lab/configs/battery_h1.json "$scratch/runs/battery.json"
cat >"$scratch/runs/safe.json" <<EOF
{"run_name": "safe", "battery": "battery.json", "shared": {"csv_safe": true, "rows": 6, "model": {"name": "tiny-gpt2"}},
 "conditions": [{"tag": "one", "dataset": {"id": "$scratch/one.jsonl", "split": "all"}},
                {"tag": "=two", "dataset": {"id": "$scratch/two.jsonl", "split": "all"}}]}
EOF
succeeds a_run_file_asks_for_marks run "$scratch/runs/safe.json" --device cpu --boot 20 --export "$scratch/asked" --quiet
holds tables_of_a_run_file_have_marks grep -q "^\"'=two\",1,\"''@x0\",\"'-\"" "$scratch/asked/=two/metrics/rows.csv"
holds joint_tables_of_a_run_file_have_marks grep -q "^\"'=two\",1,\"''@x0\",\"'-\"" "$scratch/asked/artifacts/cross_condition/rows.csv"
sed -i 's/true/"yes"/' "$scratch/runs/safe.json"
succeeds_not() { ! "$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null && grep -q '"csv_safe" is no boolean' "$scratch/err"; }
holds marks_are_asked_for_by_true_or_false succeeds_not run "$scratch/runs/safe.json" --device cpu --export "$scratch/asked-so"

finish
