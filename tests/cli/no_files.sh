#!/bin/bash
# Pipes and devices where files are expected: refused without waiting, by name, in every place:
# tests/cli/no_files.sh PROGRAM
set -u
program=$(realpath "$1")
. tests/support/checks.sh
export ABLTUI_DATA=$PWD/data HF_HUB_CACHE=$scratch/hub XDG_CACHE_HOME=$scratch/cache LC_ALL=C.UTF-8
quick=(--rows 6 --boot 10 --device cpu --quiet)
cp -R data/models/tiny-gpt2 "$scratch/model"
cp data/corpora/facts.jsonl "$scratch/facts.jsonl"
"$program" "${quick[@]}" --data facts --export "$scratch/run" || exit 1

# not_waited NAME FILE KIND ARGUMENT…: with a pipe, then a device in the place of FILE, the program refuses it by name.
not_waited() {
    local name=$1 file=$2 kind pattern
    shift 2
    [ -e "$file" ] && mv "$file" "$scratch/kept"
    for kind in pipe device; do
        rm -f "$file"
        [ $kind = pipe ] && mkfifo "$file" || ln -s /dev/zero "$file"
        timeout 30 "$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
        local status=$?
        pattern="$(basename "$file")' is a (named pipe|device)|not whole in the cache: "
        if [ $status = 0 ] || [ $status -ge 124 ] || ! grep -qE "$pattern" "$scratch/err"; then
            fail "${name}_that_is_a_$kind" "status $status" "$(cat "$scratch/err")"
        else
            pass "${name}_that_is_a_$kind"
        fi
    done
    rm -f "$file"
    [ -e "$scratch/kept" ] && mv "$scratch/kept" "$file"
}
model=("${quick[@]}" --data facts --model "$scratch/model" --export "$scratch/x")
not_waited config "$scratch/model/config.json" "${model[@]}"
not_waited weights "$scratch/model/model.safetensors" "${model[@]}"
not_waited tokenizer "$scratch/model/tokenizer.json" "${model[@]}"
not_waited tokenizer_config "$scratch/model/tokenizer_config.json" "${model[@]}"
mv "$scratch/model/model.safetensors" "$scratch/weights"
not_waited index "$scratch/model/model.safetensors.index.json" "${model[@]}"
mv "$scratch/model/tokenizer.json" "$scratch/tokenizer"
mv "$scratch/weights" "$scratch/model/model.safetensors"
echo '{}' >"$scratch/model/vocab.json"
not_waited merges "$scratch/model/merges.txt" "${model[@]}"
not_waited vocab "$scratch/model/vocab.json" "${model[@]}"
rm "$scratch/model/vocab.json"
not_waited sentencepiece "$scratch/model/tokenizer.model" "${model[@]}"
mv "$scratch/tokenizer" "$scratch/model/tokenizer.json"

snapshot=$HF_HUB_CACHE/models--a--b/snapshots/0123456789012345678901234567890123456789
mkdir -p "$snapshot" "$HF_HUB_CACHE/models--a--b/refs"
cp "$scratch"/model/* "$snapshot"
cached=("${quick[@]}" --data facts --model a/b --export "$scratch/x")
not_waited cached_weights "$snapshot/model.safetensors" "${cached[@]}"
not_waited cached_config "$snapshot/config.json" "${cached[@]}"

not_waited data "$scratch/facts.jsonl" "${quick[@]}" --split all --data "$scratch/facts.jsonl" --export "$scratch/x"
not_waited split_file "$scratch/facts.split.json" "${quick[@]}" --split test --data "$scratch/facts.jsonl" --export "$scratch/x"
not_waited heads "$scratch/heads" "${quick[@]}" --data facts --heads "@$scratch/heads" --export "$scratch/x"
not_waited sets "$scratch/sets" "${quick[@]}" --data facts --sets "@$scratch/sets" --export "$scratch/x"
echo '{"model": {"name": "tiny-gpt2"}, "dataset": {"id": "facts"}, "battery": "battery.json"}' >"$scratch/run.json"
not_waited run_file "$scratch/run.json" run "$scratch/run.json"
not_waited battery "$scratch/battery.json" run "$scratch/run.json"
not_waited config_of_a_run "$scratch/run/config.json" rebuild "$scratch/run" --export "$scratch/x"
not_waited summary_of_a_run "$scratch/run/metrics/summary.json" rebuild "$scratch/run" --export "$scratch/x"
not_waited table_of_a_run "$scratch/run/metrics/head_impact.csv" rebuild "$scratch/run" --export "$scratch/x"
not_waited report "$scratch/ov_report.json" compare "$scratch/ov_report.json" "$scratch/ov_report.json"

# What the user's shell has opened is read: that is no file, and was asked for.
holds what_a_command_writes_is_read "$program" "${quick[@]}" --split all --data <(cat data/corpora/facts.jsonl) --export "$scratch/made"
through_a_pipe() { "$program" "${quick[@]}" --split all --data "$1" --export "$scratch/stdin" < <(cat data/corpora/facts.jsonl); }
holds standard_input_is_read through_a_pipe -
holds by_its_other_name_too through_a_pipe /dev/stdin
finish
