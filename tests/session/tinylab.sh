#!/bin/bash
# --compat tinylab on the command line: tests/session/tinylab.sh PROGRAM. Its numbers are the business of compat_test.c.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

banner='COMPAT tinylab: prompts are padded to one length and read at the last column'
run=$scratch/run
succeeds heads --export "$run" --compat tinylab --data facts --rows 12 --device cpu --boot 20
holds banner_on_the_terminal grep -q "^$banner" "$scratch/err"
holds padded_rows_are_counted grep -qE '^[0-9]+ of 12 rows are padded$' "$scratch/err"
for file in provenance.json metrics/summary.json; do
    holds "banner_in_$(basename "$file" .json)" grep -q "\"banner\":.*$banner" "$run/$file"
done
holds compat_in_config grep -q '"compat":"tinylab"' "$run/config.json"
holds its_metrics_are_a_table files_present "$run/metrics" compat.csv
holds every_prompt_has_one_length \
    test "$(tail -n +2 "$run/metrics/baseline.csv" | cut -d, -f4 | sort -u | wc -l)" = 1

succeeds ours --export "$scratch/ours" --data facts --rows 12 --device cpu --boot 20
holds no_banner_otherwise test -z "$(grep -rlE 'COMPAT|tinyLab' "$scratch/ours" "$scratch/err")"
holds no_table_otherwise nothing_at "$scratch/ours/metrics/compat.csv"

# The summary's baseline is the mean of the table, not the intact run.
baseline=$(grep -o '"baseline_logit_diff":[^,]*' "$run/metrics/summary.json" | sed 's,.*:[[:space:]]*,,')
mean=$(tail -n +2 "$run/metrics/compat.csv" | awk -F, '{ sum += $3 } END { printf "%.9g", sum / NR }')
holds baseline_is_the_mean_of_the_sweep \
    awk -v a="$baseline" -v b="$mean" 'BEGIN { d = a - b; exit !(d < 1e-6 && d > -1e-6) }'

succeeds patch --export "$scratch/patch" --compat tinylab --experiment patch --rows 6 --device cpu --boot 20
holds patches_take_every_position grep -q ',"resid_post@0\[all\]",' "$scratch/patch/metrics/compat.csv"
succeeds config run tests/fixtures/configs/checkout/lab/configs/run_flat.json --compat tinylab --export "$scratch/config" --boot 20
holds banner_of_a_configuration grep -q "^$banner" "$scratch/err"
holds its_metrics_of_a_configuration files_present "$scratch/config/metrics" compat.csv
succeeds several --export "$scratch/several" --compat tinylab --data facts --data logic --rows 6 --device cpu --boot 20
holds banner_over_conditions grep -q "\"banner\":.*$banner" "$scratch/several/artifacts/cross_condition/summary.json"
succeeds ov ov --compat tinylab --rows 4 --heads 0:1 --top-k 2 --device cpu --json
holds banner_of_ov grep -q "^$banner" "$scratch/err"
holds banner_in_the_report grep -q "\"banner\":.*$banner" "$scratch/out"
succeeds explorer --compat tinylab --rows 4 --device cpu --screenshot "$scratch/screen.txt"
holds banner_in_the_explorer grep -q 'COMPAT tinylab' "$scratch/screen.txt"
succeeds explorer_without --rows 4 --device cpu --screenshot "$scratch/screen.txt"
holds no_banner_in_the_explorer_otherwise test -z "$(grep COMPAT "$scratch/screen.txt")"

# Whole answers are its sequences, beside its other metrics, and change none of them; NAME OPTION...
columns() { find "$scratch/$1" -name compat.csv -exec tail -n +2 {} \; | cut -d, -f"$2"; }
all_numbers() { columns "$1" "$2" | awk -F, '{ for (i = 1; i <= NF; i++) bad += $i !~ /^-?[0-9]/ } END { exit bad || !NR }'; }
for experiment in heads patch; do
    few=(--compat tinylab --experiment $experiment --rows 6 --layers 0-1 --device cpu --boot 20)
    succeeds ${experiment}_first --export "$scratch/$experiment.first" "${few[@]}"
    succeeds ${experiment}_full --export "$scratch/$experiment.full" "${few[@]}" --span full
    holds "${experiment}_sequences_are_told" grep -q "^whole answers are tinyLab's: seq_ metrics" "$scratch/err"
    holds "first_tokens_of_${experiment}_stay" \
        test "$(columns $experiment.first 1-6)" = "$(columns $experiment.full 1-6)"
    holds "no_sequences_of_${experiment}_unasked" test "$(columns $experiment.first 8-10 | sort -u)" = ",,"
    holds "sequences_of_$experiment" all_numbers $experiment.full 8-10
done
holds deltas_are_of_patches test -z "$(columns heads.full 7 | tr -d '\n')"
holds deltas_of_patches all_numbers patch.full 7

# A prompt of 128 tokens, as many as the model takes, which an answer behind it exceeds.
words=$(printf ' it%.0s' {1..126})
printf '{"clean":"It%s","target":" is","foil":" was"}\n' "$words" >"$scratch/long.jsonl"
long=(--compat tinylab --data "$scratch/long.jsonl" --layers 0 --device cpu --boot 20 --quiet)
succeeds a_full_prompt --export "$scratch/fits" "${long[@]}"
refuses a_sequence_that_is_too_long 3 "long.jsonl' line 1: the prompt and an answer are 129 tokens where the model takes 128" \
    --export "$scratch/long" "${long[@]}" --span full

# A run file's "metric_span" asks for them; of pairs tinyLab took no notice of it.
cp -r tests/fixtures/configs/checkout "$scratch/checkout"
configs=$scratch/checkout/lab/configs
sed 's/first_token/full_target/' "$configs/run_flat.json" >"$configs/run_span.json"
sed 's/battery_h1/battery_pairs/' "$configs/run_span.json" >"$configs/run_span_pairs.json"
succeeds span_of_heads run "$configs/run_span.json" --compat tinylab --export "$scratch/span" --boot 20 --rows 6
holds sequences_of_a_configuration all_numbers span 8-10
succeeds span_of_pairs run "$configs/run_span_pairs.json" --compat tinylab --export "$scratch/pairs" --boot 20 --rows 6
holds span_of_pairs_is_told grep -q 'this battery is scored by their first token' "$scratch/err"
holds no_sequences_of_pairs test "$(columns pairs 8-10 | sort -u)" = ",,"

refuses unknown_whom 2 "'other' for --compat: expected tinylab" --compat other
refuses no_bos 2 'puts BOS first' --compat tinylab --bos never
refuses whole_heads 2 'constant part' --compat tinylab --value-bias head
refuses shares_alone 2 'needs --compat tinylab' variants facts --tokenizer tiny-gpt2 --shares 0.5,0.2
refuses shares_over_1 2 'bad value' variants facts --tokenizer tiny-gpt2 --compat tinylab --shares 0.8,0.3

# A tokenizer that says nothing of padding, nor of the end of a text.
mkdir "$scratch/bare"
cp data/models/tiny-llama/{model.safetensors,tokenizer.json} "$scratch/bare"
grep -v eos_token data/models/tiny-llama/config.json >"$scratch/bare/config.json"
grep -v eos_token data/models/tiny-llama/tokenizer_config.json >"$scratch/bare/tokenizer_config.json"
refuses no_padding_token 3 'neither a padding token nor one that ends a text' \
    --export "$scratch/none" --model "$scratch/bare" --compat tinylab --rows 3 --device cpu --quiet

succeeds splits variants facts --tokenizer tiny-gpt2 --compat tinylab --seed 123 --out "$scratch/variants" --suffix drawn
if command -v python3 >/dev/null; then
    holds splits_are_of_the_seed python3 - "$scratch/variants/facts_drawn.split.json" <<'PYTHON'
import json
import random
import sys

split = json.load(open(sys.argv[1]))
n = sum(len(split[part]) for part in ("train", "val", "test"))
rows = list(range(n))
random.seed(123)
random.shuffle(rows)
cuts = 0, int(n * 0.8), int(n * 0.8) + int(n * 0.1), n
for part, first, end in zip(("train", "val", "test"), cuts, cuts[1:]):
    assert split[part] == sorted(rows[first:end]), part
PYTHON
else
    skip splits_are_of_the_seed "no python3"
fi

finish
