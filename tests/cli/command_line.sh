#!/bin/bash
# The command line as a user meets it: tests/cli/command_line.sh PROGRAM STRICT_JSON. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh

succeeds help_is_printed --help
succeeds version_is_printed --version
succeeds models_lists_the_bundled_model models
holds models_names_tiny_gpt2 grep -q tiny-gpt2 "$scratch/out"
succeeds devices_lists_the_cpu devices --json

refuses unknown_option_suggests_the_nearest 2 'did you mean --model' --modle x
refuses unknown_command_suggests_the_nearest 2 "did you mean 'check'" chek
refuses bad_value_names_what_is_expected 2 'expected zero, mean, resample, patch, or scale=S' --ablate half
refuses bad_color_names_what_is_expected 2 'expected auto, always or never' --color maybe
succeeds screen_is_drawn_in_ascii --ascii --size 80x24 --rows 8 --device cpu --screenshot "$scratch/ascii.txt"
holds ascii_screen_has_nothing_else sh -c '! LC_ALL=C grep -q "[^ -~]" "$1" && [ "$(wc -l <"$1")" = 24 ]' - "$scratch/ascii.txt"
refuses no_terminal_points_to_export 2 '--export'
refuses missing_model_lists_what_is_here 4 'tiny-gpt2' --export "$scratch/a" --model nowhere
refuses missing_data_file_is_bad_data 3 'nowhere.jsonl' --export "$scratch/a" --data nowhere.jsonl
refuses head_beyond_the_model_is_usage 2 'layer 0-3' --export "$scratch/a" --heads 9:0
refuses sets_need_their_option 2 '--sets' --export "$scratch/a" --experiment sets
refuses unknown_device_is_usage 2 'unknown device' --export "$scratch/a" --device cuda
holds refused_runs_leave_nothing nothing_at "$scratch/a"

: >"$scratch/empty.jsonl"
refuses empty_dataset_is_bad_data 3 'no rows|empty' --export "$scratch/a" --data "$scratch/empty.jsonl"
printf '{"clean": "The sky is", "corrupt": "The sea is", "target": " blue"\n' >"$scratch/broken.jsonl"
refuses broken_json_names_the_line 3 'line 1|:1' --export "$scratch/a" --data "$scratch/broken.jsonl"
printf '{"clean": "The sky is", "corrupt": "The sea is", "target": " unquestionably blue", "foil": " red"}\n' >"$scratch/multi.jsonl"
refuses target_of_several_tokens_is_refused 3 'token' --export "$scratch/a" --data "$scratch/multi.jsonl"

mkdir "$scratch/cut" && cp data/models/tiny-gpt2/*.json "$scratch/cut/"
head -c 100000 data/models/tiny-gpt2/model.safetensors >"$scratch/cut/model.safetensors"
refuses truncated_safetensors_is_a_bad_model 4 'model.safetensors' --export "$scratch/a" --model "$scratch/cut"
mkdir "$scratch/nan" && cp data/models/tiny-gpt2/* "$scratch/nan/" && chmod u+w "$scratch/nan"/*
size=$(stat -c %s "$scratch/nan/model.safetensors")
printf '\377\377' | dd of="$scratch/nan/model.safetensors" bs=1 seek=$((size - 200)) conv=notrunc status=none
refuses nan_weights_are_a_bad_model 4 'NaN' --export "$scratch/a" --model "$scratch/nan" --device cpu

if [ "$(id -u)" != 0 ]; then
    mkdir "$scratch/readonly" && chmod a-w "$scratch/readonly"
    refuses read_only_export_folder_is_refused 1 'readonly' --export "$scratch/readonly/run"
else
    refuses unwritable_export_folder_is_refused 1 'proc' --export /proc/abltui/run
fi
mkdir "$scratch/mine" && echo keep >"$scratch/mine/notes.txt"
refuses foreign_folder_is_not_replaced 2 'mine' --export "$scratch/mine"
holds foreign_folder_is_untouched test -s "$scratch/mine/notes.txt"

succeeds head_sweep_exports --export "$scratch/run" --data facts --device cpu --quiet
holds run_directory_is_complete files_present "$scratch/run" config.json provenance.json manifest.json \
    metrics/summary.json metrics/baseline.csv metrics/head_impact.csv metrics/per_example.csv \
    artifacts/impact_heatmap.svg artifacts/impact_heatmap.png
holds provenance_says_whose_reading_was_followed grep -q '"like":[[:space:]]*"transformers-5"' "$scratch/run/provenance.json"
refuses a_reading_that_nobody_has 2 'transformers-5 or transformers-4' --like transformers-3 --export "$scratch/none"
succeeds second_run_replaces_the_first --export "$scratch/run" --data facts --device cpu --quiet
holds no_temporary_folder_stays no_leftovers "$scratch"
succeeds sets_export --export "$scratch/sets" --experiment sets --sets '0:2+1:4;0:2+1:4+2:7' --device cpu --quiet
succeeds patterns_are_patched --export "$scratch/pattern" --experiment patch --patch-site pattern --layers 3 --rows 4 --device cpu --quiet
holds patterns_have_labels grep -q '^"pattern@3:1\[diff\]",' "$scratch/pattern/metrics/per_example.csv"
holds a_pattern_patched_into_itself_changes_nothing grep -q '"sham_max_abs_delta":[[:space:]]*0,' "$scratch/pattern/metrics/summary.json"
succeeds attention_is_read --export "$scratch/attn" --experiment attn --heads 1:2,3:0 --rows 4 --device cpu --quiet
# The first five columns hold no comma, and the last is the weight.
holds attention_adds_up_to_one awk -F, 'NR > 1 { sum[$2 FS $3 FS $4 FS $5] += $NF }
    END { for (q in sum) { n++; if (sum[q] < 0.99999 || sum[q] > 1.00001) { print q, sum[q]; bad = 1 } } exit bad || n < 40 }' \
    "$scratch/attn/metrics/attn.csv"
refuses attention_ablates_nothing 2 'experiment attn ablates nothing' --export - --experiment attn --ablate mean
holds group_impact_is_written files_present "$scratch/sets" metrics/group_impact.csv
succeeds json_goes_to_standard_output --export - --heads 0:1 --device cpu --quiet
holds standard_output_is_json "$strict_json" "$scratch/out"
succeeds dry_run_runs_nothing --dry-run --json
succeeds check_accepts_a_bundled_condition check logic
succeeds standard_input_is_a_dataset check data/corpora/facts.jsonl
succeeds verify_passes_on_the_cpu verify --device cpu --quiet
refuses verify_notices_a_damaged_weight 5 'drift|differ' verify --device cpu --damage --quiet

# A corpus with CRLF endings, a byte-order mark, a row that fits nothing, and a split made for it: what is left must be
# the same lines with LF, and the split must count them anew under the new file's hash.
cp data/corpora/facts.jsonl "$scratch/lf.jsonl"
{ printf '\357\273\277'; sed -n 1,9p "$scratch/lf.jsonl"; echo '{"clean": "It is", "corrupt": "He is", "target": " quite unfit", "foil": " red"}'; sed -n 10,20p "$scratch/lf.jsonl"; } | sed 's/$/\r/' >"$scratch/odd.jsonl"
printf '{"seed": 123, "data_hash": "%s", "train": [0, 5, 9, 12], "val": [1, 20], "test": [8, 10]}' \
    "$(sha256sum <"$scratch/odd.jsonl" | cut -d' ' -f1)" >"$scratch/odd.split.json"
succeeds variants_writes_a_corpus variants "$scratch/odd.jsonl" --tokenizer tiny-gpt2 --suffix fit --out "$scratch/fit"
holds variants_says_why_a_row_went grep -q "odd line 10: multi-token-target: ' quite unfit' is [0-9]* tokens" "$scratch/err"
holds variants_keeps_the_bytes_of_lines cmp "$scratch/fit/odd_fit.jsonl" <(head -20 data/corpora/facts.jsonl)
holds variants_counts_the_split_anew grep -q '"train": \[0, 5, 11\], "val": \[1, 19\], "test": \[8, 9\]' "$scratch/fit/odd_fit.split.json"
holds variants_keeps_the_seed grep -q '"seed": 123' "$scratch/fit/odd_fit.split.json"
holds variants_writes_the_hash grep -q "\"data_hash\": \"$(sha256sum <"$scratch/fit/odd_fit.jsonl" | cut -d' ' -f1)\"" "$scratch/fit/odd_fit.split.json"
succeeds what_variants_wrote_is_read check "$scratch/fit/odd_fit.jsonl" --split test
succeeds variants_balances_targets variants facts --tokenizer tiny-gpt2 --balance 1 --suffix one --out "$scratch/fit"
most=$(grep -o '"target": "[^"]*"' "$scratch/fit/facts_one.jsonl" | sort | uniq -c | sort -rn | head -1 | awk '{ print $1 }')
holds a_balanced_corpus_has_each_target_once test "$most" = 1
refuses variants_never_writes_over_its_input 2 'over itself' variants "$scratch/lf.jsonl" --tokenizer tiny-gpt2 --suffix '' --out "$scratch"
succeeds variants_dry_run_writes_nothing variants logic --tokenizer tiny-llama --out "$scratch/dry" --dry-run
holds dry_run_left_nothing nothing_at "$scratch/dry"
succeeds check_reports_by_tokenizer check facts --tokenizer tiny-gpt2 --tokenizer tiny-llama --json
holds check_by_tokenizer_is_json "$strict_json" "$scratch/out"
succeeds skipped_rows_are_told --export "$scratch/skip" --data "$scratch/odd.jsonl" --split all --skip-bad --heads 0:0 --device cpu --quiet
holds skipped_rows_are_in_the_provenance grep -q '"kind":[[:space:]]*"multi-token-target"' "$scratch/skip/provenance.json"

"$program" --export "$scratch/stopped" --data facts --split all --boot 10 --device cpu --mem 1M --quiet >/dev/null 2>"$scratch/err" &
pid=$!
sleep 0.6
kill -INT $pid 2>/dev/null
wait $pid
status=$?
if [ $status = 130 ] || [ $status = 0 ]; then pass interrupt_ends_with_130; else fail interrupt_ends_with_130 "status $status" "$(cat "$scratch/err")"; fi
holds no_temporary_folder_stays_after_interrupt no_leftovers "$scratch"

finish
