#!/bin/bash
# Folders given with slashes at their end read well in messages and files: tests/cli/slashes.sh PROGRAM
set -u
program=$(realpath "$1")
. tests/support/checks.sh
here=$PWD
export ABLTUI_DATA=$here/data/ HF_HUB_CACHE=$scratch/hub//
mkdir -p "$scratch/hub" "$scratch/empty" "$scratch/model"
cp "$here"/data/models/tiny-llama/*.json "$scratch/model/"
cp -R "$here/data/models/tiny-llama" "$scratch/whole"
cd "$scratch" || exit 1

# says NAME ARGUMENT…: no slash follows another in what it prints, but for those of URLs.
says() {
    local name=$1
    shift
    "$program" "$@" >"$scratch/said" 2>&1 </dev/null
    [ -s "$scratch/said" ] || { fail "$name" "nothing was said"; return; }
    holds "${name}_without_double_slashes" sh -c "! sed 's|https*://||g' '$scratch/said' | grep '//'"
}
quick=(--rows 3 --layers 3-3 --boot 10)

says run "${quick[@]}" --export out/
says run_over_a_run "${quick[@]}" --export out//
says run_into_a_folder "${quick[@]}" --export deep//er///run/
says runs_of_conditions "${quick[@]}" --data facts --data logic --export both/
says rebuild rebuild both/ --export again//
says rebuild_of_nothing rebuild empty/ --export other/
says report ov "${quick[@]}" --export ov/
says compare_reports compare ov// out//
says cluster_of_nothing cluster empty//
says model_of_a_folder "${quick[@]}" --model whole/ --export of_a_folder/
says model_without_weights "${quick[@]}" --model model// --export x/
says model_of_an_empty_folder "${quick[@]}" --model empty// --export x/
says model_that_is_not_there "${quick[@]}" --model some/model --export x/
says models models
says data_that_is_not_there "${quick[@]}" --data nowhere//rows.jsonl --export x/
says check_under_no_tokenizer check data.jsonl --tokenizer empty//
says variants_under_no_tokenizer variants facts --tokenizer empty/ --out v//
says variants variants facts --tokenizer whole// --out v//
says export_into_a_file "${quick[@]}" --export out/manifest.json/
says export_where_nothing_may_be_written "${quick[@]}" --export /proc//run/
holds files_name_no_double_slashes sh -c "! grep -rE '(^|[^:])//' --include=*.json --include=*.csv out both again ov"
finish
