#!/bin/bash
# Names that are no UTF-8 cost no run, and nothing of them is lost: tests/cli/names.sh PROGRAM STRICT_JSON
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh
export ABLTUI_DATA=$PWD/data
odd=$'caf\xe9 \xff' quick=(--rows 6 --boot 10 --device cpu --quiet)
mkdir "$scratch/$odd"
cp -R data/models/tiny-gpt2 "$scratch/$odd/model-$odd"
cp data/corpora/facts.jsonl "$scratch/$odd/$odd.jsonl"
cp data/splits/facts.split.json "$scratch/$odd/$odd.split.json"
sed -i "s/\"corpus\": *\"facts.jsonl\"/\"corpus\": \"x.jsonl\"/" "$scratch/$odd/$odd.split.json"
cd "$scratch/$odd" || exit 1

all_strict() { find "$1" -name '*.json' -print0 | xargs -0 -n 1 "$strict_json"; }
# said FILE KEY…: the text at that place, undone as the shell undoes it.
said() { eval "printf %s $(python3 -c '
import json, sys
o = json.load(open(sys.argv[1], encoding="utf-8"))
for key in sys.argv[2:]:
    key = int(key) if key.isdigit() else key
    o = o[key]
print(o)' "$@")"; }

succeeds a_run_between_odd_names "${quick[@]}" --model "./model-$odd" --data "./$odd.jsonl" --export "out-$odd"
holds its_json_is_strict all_strict "out-$odd"
holds the_model_is_named_to_the_byte test "$(said "out-$odd/provenance.json" model path)" = "./model-$odd"
holds the_data_are_named_to_the_byte test "$(said "out-$odd/provenance.json" data path)" = "./$odd.jsonl"
words_of() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1], encoding="utf-8"))["command_line"])' "$1"; }
same_words() { eval "words=($(words_of "out-$odd/provenance.json"))"; [ "${words[-1]}" = "out-$odd" ] && [ "${words[-3]}" = "./$odd.jsonl" ]; }
holds the_command_line_is_a_shells_to_the_byte same_words
cp "$odd.jsonl" "b$odd.jsonl"
cp "$odd.split.json" "b$odd.split.json"
succeeds two_odd_conditions "${quick[@]}" --data "./$odd.jsonl" --data "./b$odd.jsonl" --export "two-$odd"
holds whose_json_is_strict all_strict "two-$odd"
succeeds are_joined_again rebuild "two-$odd" --export "again-$odd" --quiet
holds to_the_same_tables diff -r "two-$odd/artifacts" "again-$odd/artifacts"
echo '0:1 2:3' | tr ' ' '\n' >"heads-$odd"
succeeds heads_from_an_odd_file "${quick[@]}" --data facts --heads "@heads-$odd" --export "heads-out-$odd"
echo '{"model": {"name": "tiny-gpt2"}, "dataset": {"id": "facts"}, "battery": {"type": "heads"}, "rows": 6, "boot": 10}' >"run-$odd.json"
succeeds a_screen_into_an_odd_file --data facts --rows 6 --boot 10 --device cpu --screenshot "screen-$odd.txt"
holds which_is_there test -s "screen-$odd.txt"
"$program" variants "./$odd.jsonl" --tokenizer "./model-$odd" --out "variants-$odd" --json >list.json 2>/dev/null
holds a_corpus_in_an_odd_folder_is_named_to_the_byte test -s "$(said list.json corpora 0 corpus)"
cp -R "$ABLTUI_DATA" "data-$odd"
mv "data-$odd/models/tiny-gpt2" "data-$odd/models/m-$odd"
ABLTUI_DATA=data-$odd "$program" models --json >list.json 2>/dev/null
holds listed_models_are_strict_json "$strict_json" list.json
ABLTUI_DATA=data-$odd succeeds a_bundled_model_of_an_odd_name "${quick[@]}" --model "m-$odd" --data facts --export "bundled-$odd"
holds the_data_folder_is_named_to_the_byte test "$(said "bundled-$odd/provenance.json" data_dir)" = "data-$odd"
cd / || exit 1
finish
