#!/bin/bash
# What the program writes, as other programs read it: tests/report/outputs.sh PROGRAM. Every JSON document against its schema in
# docs/schema, every CSV table against docs/reading.md and its columns; tests/report/readers.py opens them in other programs.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

# python_with MODULE: the first Python that has it.
python_with() {
    local p
    for p in python3 /usr/bin/python3; do
        "$p" -c "import $1" 2>/dev/null && { echo "$p"; return; }
    done
    return 1
}

# export NAME ARGUMENT…: into $scratch/run/NAME.
export_run() {
    local name=$1
    shift
    succeeds "export_$name" --export "$scratch/run/$name" --device cpu --boot 20 --quiet "$@"
}

# printed NAME ARGUMENT…: its standard output is a document.
printed() {
    local name=$1
    shift
    succeeds "print_$name" "$@"
    cp "$scratch/out" "$scratch/run/$name.json"
}

mkdir "$scratch/run"
export_run heads --rows 8 --profile
export_run span --rows 6 --span full
"$program" verify --precision bf16x3 --device cpu 2>&1 | grep -q "no bf16 products" || export_run bf16x3 --rows 6 --precision bf16x3
export_run holdout --rows 40 --holdout 0.5
export_run by --rows 40 --by template
export_run conditions --rows 8 --data facts --data logic
export_run conditions_sets --rows 8 --data facts --data logic --experiment partial --sets '0:2+1:4'
export_run conditions_patch --rows 8 --data facts --data logic --experiment patch
export_run conditions_compat --rows 8 --data facts --data logic --compat tinylab --heads random:2@0+1
export_run sham --rows 6 --experiment sham --positions all
export_run conditions_ov --rows 8 --data facts --data logic --experiment ov --heads 0:1,2:3 --top-k 30
export_run mean --data logic --rows 8 --ablate mean --alpha 0.001 --model tiny-llama
export_run sets --rows 8 --experiment sets --pairs 0:2,4 --triplets 1:0,1,2 --sets '0:2+3:1' --controls 3
export_run held --rows 20 --holdout 0.5
export_run held_sets --rows 20 --holdout 0.4 --experiment sets --pairs 0:2,4,5 --controls 3
export_run patch --rows 8 --experiment patch --patch-site resid_pre,z,k --positions=-1,-2 --layers 0-1
export_run patch_all --rows 8 --experiment patch --patch-site attn_out --positions all --direction 'corrupt->clean'
export_run compat --rows 8 --compat tinylab
export_run compat_patch --rows 8 --compat tinylab --experiment patch --direction 'corrupt->clean'
export_run partial --rows 8 --experiment partial --sets '0:2+0:4+1:1'
export_run lens --rows 8 --experiment lens
export_run attn --rows 8 --experiment attn
export_run attn_heads --rows 3 --experiment attn --heads 0:1,3:5 --model tiny-llama
export_run patterns --rows 4 --experiment patch --patch-site pattern,v --layers 2
export_run ov --rows 8 --experiment ov --top-k 3 --heads 0:1,2:3
export_run circuit --rows 8 --experiment ov --kind circuit --top-k 3 --source ' the' --heads 0:1,2:3
{ # a single row has no interval; what does not fit is listed
    sed -n 1p data/corpora/facts.jsonl
    echo '{"clean": "It is", "corrupt": "He is", "target": " quite unfit", "foil": " red"}'
} >"$scratch/unfit.jsonl"
export_run unfit --data "$scratch/unfit.jsonl" --skip-bad --heads 0:0,1:1

"$program" lab-tables "$scratch/run/unfit" --out "$scratch/lab" --quiet >/dev/null 2>&1
cp "$scratch"/lab/*/provenance.json "$scratch/run/lab_run.json" || fail lab_tables_writes "no provenance.json"

# One that is stopped early, however fast the machine is. With memory for all rows at once, variants finish a few at a time.
every=0,1,2,3,4,5,6,7
for wait in 0.1 0.2 0.4 0.8 0.05 1.6 3 6 12; do
    "$program" --export - --experiment sets --pairs "0:$every;1:$every" --triplets "0:$every;1:$every" \
        --controls 0 --boot 10 --device cpu --mem 64M --quiet >"$scratch/run/stopped.json" 2>/dev/null &
    sleep $wait
    kill -INT $! 2>/dev/null
    wait $!
    grep -q '"partial":true' "$scratch/run/stopped.json" && break
done
holds a_run_was_stopped grep -q '"partial":true' "$scratch/run/stopped.json"
for wait in 0.1 0.2 0.4 0.8 0.05 1.6 3 6 12; do # and one that goes on later
    "$program" --export "$scratch/run/under_way" --experiment sets --pairs "0:$every;1:$every" --triplets "0:$every;1:$every" \
        --controls 0 --boot 10 --device cpu --mem 64M --quiet >/dev/null 2>&1 &
    sleep $wait
    kill -TERM $! 2>/dev/null
    wait $! 2>/dev/null
    [ -e "$scratch/run/under_way/metrics/partial_summary.json" ] && break
    rm -rf "$scratch/run/under_way"
done
holds a_run_is_under_way files_present "$scratch/run/under_way" config.json provenance.json journal.jsonl metrics/partial_summary.json

printed run --export - --rows 3 --heads 0:1 --device cpu --quiet
printed run_ov --export - --experiment ov --rows 3 --heads 0:1 --top-k 2 --device cpu --quiet
printed run_attn --export - --experiment attn --rows 3 --layers 1 --device cpu --quiet
printed run_sets --json --rows 3 --experiment sets --sets 0:1+1:2 --device cpu --quiet
printed plan --dry-run --json
printed check check facts --json
printed check_warns check "$scratch/unfit.jsonl" --skip-bad --json
printed check_tokenizers check facts --tokenizer tiny-gpt2 --tokenizer tiny-llama --json
printed verify verify --device cpu --rows 2 --json --quiet
printed models models --json
printed devices devices --json
printed variants variants "$scratch/unfit.jsonl" --tokenizer tiny-llama --out "$scratch/variants" --dry-run --json
printed ov_report ov --rows 4 --heads 0:1 --top-k 2 --device cpu --json --quiet
printed compare compare "$scratch/run/ov" "$scratch/run/circuit"
printed ov_clusters cluster "$scratch/run/ov" "$scratch/run/circuit" --limit 2

# What a script prints counts as ours.
take() {
    cat "$1"
    passed=$((passed + $(grep -c '^\[  PASSED' "$1"))) failed=$((failed + $(grep -c '^\[  FAILED' "$1")))
}

if python=$(python_with jsonschema); then
    "$python" tests/support/schemas.py docs/schema $(find "$scratch/run" -name '*.json' | sort) >"$scratch/lines" 2>&1 \
        || grep -q FAILED "$scratch/lines" || echo "[  FAILED  ] schemas_are_checked" >>"$scratch/lines"
    take "$scratch/lines"
else
    skip documents_fit_their_schemas "no Python with jsonschema"
fi
python3 tests/support/tables.py docs/schema/tables.json "$scratch"/run/*/ >"$scratch/lines" 2>&1 \
    || grep -q FAILED "$scratch/lines" || echo "[  FAILED  ] tables_are_checked" >>"$scratch/lines"
take "$scratch/lines"

finish
