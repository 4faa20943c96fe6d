#!/bin/bash
# What heads write: `abltui ov`, `cluster` and `compare`, checked against the same figures worked out in Python.
# tests/experiments/ov.sh PROGRAM STRICT_JSON
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh

# right NAME report|compare|cluster ARGUMENT…
right() { local name=$1; shift; holds "$name" python3 tests/support/ov_reports.py "$@"; }
# prints NAME FILE ARGUMENT…: standard output goes to FILE and is one JSON document.
prints() {
    local name=$1 file=$2
    shift 2
    succeeds "$name" "$@"
    cp "$scratch/out" "$file"
    holds "$name""_as_json" "$strict_json" "$file"
}
quick=(--rows 12 --device cpu --quiet)
run=$scratch/run
mkdir "$run"

# ------------------------------------------------------------------------------------------------ ov
succeeds ov_writes_a_report ov "${quick[@]}" --data facts --top-k 20 --export "$run/gpt2"
succeeds ov_of_another_model ov "${quick[@]}" --data facts --top-k 200 --model tiny-llama --export "$run/llama"
succeeds ov_of_circuits ov "${quick[@]}" --kind circuit --top-k 10 --heads 0:1,3:7 --source ' the' --source ' a' --export "$run/circuit"
succeeds ov_of_circuits_from_targets ov "${quick[@]}" --kind circuit --heads 2:0 --top-k 100000 --export "$run/targets"
right reports_hold_together report "$run"/{gpt2,llama,circuit,targets}/ov_report.json
for name in gpt2 llama circuit targets; do holds "$name""_report_is_strict" "$strict_json" "$run/$name/ov_report.json"; done
prints ov_prints_a_report "$run/printed.json" ov "${quick[@]}" --data facts --top-k 20 --json
holds the_printed_report_is_the_written_one cmp "$run/printed.json" "$run/gpt2/ov_report.json"
succeeds ov_prints_a_table ov "${quick[@]}" --data facts --heads 0:1,2:3
holds the_table_names_the_heads test "$(grep -cE '^(0:1|2:3)  norm ' "$scratch/out")" = 2
holds sources_are_as_named python3 - "$run" <<'EOT'
import json, sys
circuit, targets = (json.load(open(f"{sys.argv[1]}/{n}/ov_report.json")) for n in ("circuit", "targets"))
assert [(h["layer"], h["head"]) for h in circuit["heads"]] == [(0, 1), (3, 7)]
assert all([s["token"] for s in h["sources"]] == [" the", " a"] for h in circuit["heads"])
wanted = [json.loads(line)["target"] for line in open("data/corpora/facts.jsonl")]
found = [s["token"] for s in targets["heads"][0]["sources"]]
assert found and len(set(found)) == len(found) and set(found) <= set(wanted), found
assert targets["top_k"] == len(targets["heads"][0]["tokens"]["top"]) == 2048, targets["top_k"]
EOT

# ------------------------------------------------------------------------------------------------ conditions
several=(--data facts --data logic --data data/corpora/negation.jsonl)
place=$run/of.jsonl.things # an ending amid the folder's name is no ending
succeeds ov_takes_several_conditions ov "${quick[@]}" "${several[@]}" --top-k 50 --export "$place"
holds conditions_are_compared files_present "$place" compare.json {facts,logic,negation}/ov_report.json
right comparison_of_conditions compare "$place/compare.json" "$place"
holds the_comparison_is_strict "$strict_json" "$place/compare.json"
holds the_manifest_lists_the_comparison grep -q '"compare.json"' "$place/manifest.json"
succeeds the_experiment_takes_them_too --experiment ov "${quick[@]}" "${several[@]}" --top-k 50 --export "$run/experiment"
holds with_the_same_comparison cmp "$place/compare.json" "$run/experiment/compare.json"
succeeds rebuild_compares rebuild "$place"/{facts,logic,negation} --export "$run/rebuilt" --quiet
holds with_the_same_bytes cmp "$place/compare.json" "$run/rebuilt/compare.json"
succeeds other_experiments_are_not_compared "${quick[@]}" --heads 0:1 --data facts --data logic --export "$run/heads"
holds and_leave_no_comparison nothing_at "$run/heads/compare.json"

# ------------------------------------------------------------------------------------------------ compare
prints compare_in_one_vocabulary "$run/one.json" compare "$place"/facts "$place/logic/ov_report.json" "$run/gpt2"
right one_vocabulary_has_cosines compare "$run/one.json"
holds a_condition_agrees_with_itself python3 -c '
import json, sys
pair = json.load(open(sys.argv[1]))["pairs"][1]
assert (pair["a"], pair["b"]) == (0, 2) and len(pair["heads"]) == 32
assert all(abs(h["cosine"] - 1) < 1e-12 and h["agree"] for h in pair["heads"])' "$run/one.json"
succeeds compare_across_vocabularies compare "$run/gpt2" "$run/llama" --out "$run/two.json"
right other_vocabularies_have_overlaps compare "$run/two.json"
holds other_vocabularies_have_no_cosine python3 -c '
import json, sys
pair, = json.load(open(sys.argv[1]))["pairs"]
assert not pair["same_vocabulary"] and all(h["cosine"] is None for h in pair["heads"])
assert any(h["rank_correlation"] is not None for h in pair["heads"])' "$run/two.json"
prints compare_what_few_share "$run/few.json" compare "$run/circuit" "$run/gpt2"
right heads_of_one_report_are_left_out compare "$run/few.json"
# Ties, and ids of one text: made up, because real scores hardly tie.
python3 - "$run" <<'EOT'
import json, sys
def report(name, top, bottom, **more):
    tokens = {"top": [{"token_id": i, "token": t, "logit": x} for i, (t, x) in enumerate(top)],
              "bottom": [{"token_id": i + 50, "token": t, "logit": x} for i, (t, x) in enumerate(bottom)]}
    head = {"layer": 1, "head": 0, "vector_norm": 0, "tokens": tokens, "vector": [0.0, 0.0]}
    json.dump({"schema": "abltui.ov_report/1", "model": name, "condition": "c", "kind": "mean_output", "heads": [head]} | more,
              open(f"{sys.argv[1]}/{name}.json", "w"))
report("ties", [("a", 3), ("\ufffd", 2), ("b", 2), ("c", 2), ("\ufffd", 1)], [("z", -3), ("y", -3), ("a", -1)])
report("tied", [("b", 9), ("c", 9), ("\ufffd", 4), ("a", 4)], [("y", -9), ("z", -8), ("\ufffd", -1)])
report("nothing", [], [])
EOT
prints compare_with_ties "$run/ties.out.json" compare "$run/ties.json" "$run/tied.json" "$run/nothing.json"
right ties_share_their_ranks compare "$run/ties.out.json"

# ------------------------------------------------------------------------------------------------ cluster
prints cluster_counts_tokens "$run/all.json" cluster "$run/gpt2" "$run/llama/ov_report.json"
right counts_of_all_tokens cluster "$run/all.json" 40
succeeds cluster_takes_limits cluster "$place"/{facts,logic,negation} --limit 7 --top-n 5 --out "$run/some.json"
holds nothing_is_printed_beside_a_file test ! -s "$scratch/out"
right counts_of_the_first_tokens cluster "$run/some.json" 5
holds the_limit_is_named python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["limit"] == 7' "$run/some.json"

# ------------------------------------------------------------------------------------------------ refusals
echo '{"schema": "abltui.ov_report/1", "heads": [{"layer": 0}]}' >"$run/lacking.json"
echo '{"cut": ' >"$run/cut.json"
for command in cluster compare; do
    refuses "$command"_names_foreign_json 3 "config.json': \"schema\" is missing" $command "$run/gpt2" data/models/tiny-gpt2/config.json
    refuses "$command"_names_another_document 3 "'abltui.compare/1': expected abltui.ov_report/1" $command "$run/gpt2" "$run/two.json"
    refuses "$command"_names_what_is_lacking 3 'lacking.json.*"model" is missing|lacking.json.*heads\[0\]' $command "$run/gpt2" "$run/lacking.json"
    refuses "$command"_names_cut_json 3 'cut.json. at byte [0-9]+: found' $command "$run/gpt2" "$run/cut.json"
    refuses "$command"_names_a_missing_report 3 "nowhere" $command "$run/gpt2" "$scratch/nowhere"
    refuses "$command"_names_a_folder_without_one 3 "'data' holds no ov_report.json" $command "$run/gpt2" data
    refuses "$command"_needs_reports 2 'ov_report.json files' $command
    refuses "$command"_cannot_write_nowhere 1 'nowhere/x.json' $command "$run/gpt2" "$run/gpt2" --out "$scratch/nowhere/x.json"
done
refuses compare_needs_two 2 'two or more' compare "$run/gpt2"
refuses cluster_of_no_tokens 2 "'0' for --limit" cluster "$run/gpt2" --limit 0
refuses cluster_shows_some 2 "'-3' for --top-n" cluster "$run/gpt2" --top-n -3
refuses compare_has_no_limit 2 '--limit does nothing' compare "$run/gpt2" "$run/gpt2" --limit 3
refuses a_source_is_one_token 2 "' the end of it' is [0-9]+ tokens: expected one" ov "${quick[@]}" --kind circuit --source ' the end of it'
refuses a_source_is_some_text 2 "'' for --source" ov "${quick[@]}" --kind circuit --source ''
refuses sources_are_of_circuits 2 '--source needs --kind circuit' ov "${quick[@]}" --source ' the'
refuses there_are_two_kinds 2 "'nonsense' for --kind: expected mean_output or circuit" ov "${quick[@]}" --kind nonsense
refuses heads_must_be_there 2 "'9:9' in --heads" ov "${quick[@]}" --heads 9:9
refuses ov_shows_some_tokens 2 "'0' for --top-k" ov "${quick[@]}" --top-k 0
refuses ov_ablates_nothing 2 '--ablate does nothing' ov "${quick[@]}" --ablate mean
refuses conditions_need_a_folder 2 'which --export names' ov "${quick[@]}" --data facts --data logic
refuses kinds_are_of_ov 2 '--kind and --source need --experiment ov' "${quick[@]}" --kind circuit --export "$run/x"
holds refusals_leave_nothing nothing_at "$run/x"

finish
