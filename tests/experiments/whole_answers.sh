#!/bin/bash
# --span full against transformers: tests/experiments/whole_answers.sh PROGRAM. Fixtures: tools/golden_span.py
set -u
program=$(realpath "$1")
. tests/support/checks.sh

# agrees EXPORT FIXTURE: every score of the fixture that the run has.
agrees() {
    python3 - "$1" "$2" <<'EOF'
import csv, json, sys
folder, golden = sys.argv[1], json.load(open(sys.argv[2]))
rows = list(csv.DictReader(open(folder + "/metrics/span.csv")))
worst, n = 0.0, 0
for r in rows:
    i = int(r["row"]) - 1
    expected = golden["logprob"].get(r["variant"])
    if expected is None:
        assert r["variant"].startswith("sham "), r["variant"]
        expected = golden["logprob"]["intact"]
    assert [int(r["n_target"]), int(r["n_foil"])] == golden["n_tokens"][i], r
    for name, want, k in (("target", expected[i][0], 0), ("foil", expected[i][1], 1)):
        got = float(r[name + "_logprob"])
        worst = max(worst, abs(got - want) / max(1, abs(want)))
        assert abs(float(r[name + "_logprob_per_token"]) - got / golden["n_tokens"][i][k]) < 1e-6, r
        n += 1
    ld = {(e["variant"], e["row"]): float(e["ld"]) for e in csv.DictReader(open(folder + "/metrics/per_example.csv"))}
    if r["variant"] != "intact":
        assert abs(ld[r["variant"], r["row"]] - float(r["target_logprob"]) + float(r["foil_logprob"])) < 1e-5, r
assert n and worst < 1e-3, f"{n} scores, worst {worst}"
print(f"{n} scores, worst {worst:.2g}")
EOF
}

for device in cpu vulkan; do
    if [ "$device" = vulkan ] && ! "$program" devices --json | grep -q '"vulkan'; then
        skip span_on_vulkan "no Vulkan device"
        continue
    fi
    for fixture in tiny-gpt2:data/models/tiny-gpt2 llama-gqa:tests/fixtures/archs/llama-gqa; do
        name=${fixture%%:*}
        run=(--model "${fixture#*:}" --data "tests/fixtures/span/$name.jsonl" --span full --boot 20 --device "$device" --quiet)
        succeeds "heads_of_${name}_on_$device" "${run[@]}" --export "$scratch/heads-$name-$device"
        holds "scores_of_${name}_on_${device}_agree" agrees "$scratch/heads-$name-$device" "tests/fixtures/span/$name.json"
        succeeds "patches_of_${name}_on_$device" "${run[@]}" --experiment patch --direction 'corrupt->clean' --positions all \
            --export "$scratch/patch-$name-$device"
        holds "patched_scores_of_${name}_on_${device}_agree" agrees "$scratch/patch-$name-$device" "tests/fixtures/span/$name.json"
    done
done

# Answers of one token: the same ld as by the first token.
same_ld() {
    python3 - "$scratch" <<'EOF'
import csv, sys
ld = lambda name: [float(r["ld"]) for r in csv.DictReader(open(f"{sys.argv[1]}/{name}/metrics/per_example.csv"))]
first, full = ld("first"), ld("full")
worst = max(abs(a - b) for a, b in zip(first, full, strict=True))
assert worst < 1e-5, worst
EOF
}
succeeds first_token_runs --rows 20 --boot 20 --device cpu --quiet --export "$scratch/first"
succeeds whole_answers_run --rows 20 --boot 20 --device cpu --quiet --span full --export "$scratch/full"
holds answers_of_one_token_have_the_same_ld same_ld
succeeds sets_of_whole_answers --rows 8 --boot 20 --device cpu --quiet --span full --experiment sets --pairs 0:0,1,2 --export "$scratch/sets"
succeeds partial_of_whole_answers --rows 8 --boot 20 --device cpu --quiet --span full --experiment partial --sets 0:0+0:2 --export "$scratch/partial"
fixture=(--data tests/fixtures/span/tiny-gpt2.jsonl --span full --device cpu)
succeeds patches_take_every_position_unless_told "${fixture[@]}" --boot 20 --experiment patch --export "$scratch/patch"
holds all_positions_are_said grep -q '"positions":"all"' "$scratch/patch/config.json"
holds said_on_the_terminal grep -q '^whole answers: .* [0-9]* prompts are run' "$scratch/err"
succeeds drawn "${fixture[@]}" --boot 20 --screenshot "$scratch/screen.txt"
holds said_in_the_explorer grep -q 'whole answers' "$scratch/screen.txt"
succeeds checked_by_the_reference verify "${fixture[@]}"
succeeds patched_answers_checked_by_the_reference verify "${fixture[@]}" --ablate patch

# long N: rows whose answers are of 13 tokens and 1, one of them with N + 1 tokens, BOS included, in its corrupt prompt.
long() {
    printf '{"clean": "The cat is", "corrupt": "The%s", "target": " in the bag in the bag in the bag in the bag.", "foil": " cold"}\n' \
        "$(for ((i = 1; i < $1; i++)); do printf ' the'; done)"
    echo '{"clean": "The dog is", "corrupt": "A cat is", "target": " warm", "foil": " cold"}'
}
long 115 >"$scratch/fits.jsonl"
long 116 >"$scratch/long.jsonl"
for direction in 'corrupt->clean' 'clean->corrupt'; do
    short=${direction%%-*}
    run=(--span full --experiment patch --direction "$direction" --boot 20 --device cpu --quiet)
    succeeds "answers_fit_behind_the_other_prompt_$short" --data "$scratch/fits.jsonl" "${run[@]}" --export "$scratch/fits-$short"
    refuses "answers_do_not_fit_behind_the_other_prompt_$short" 3 'line 1 has none that fits' --data "$scratch/long.jsonl" \
        "${run[@]}" --export "$scratch/long"
done
holds no_span_table_unless_asked nothing_at "$scratch/first/metrics/span.csv"
refuses several_tokens_need_span_full 3 'is [0-9]+ tokens' --data tests/fixtures/span/tiny-gpt2.jsonl --export "$scratch/x"
refuses lens_reads_one_token 2 'lens reads one token' --span full --experiment lens --export "$scratch/x"
refuses means_have_no_answers 2 'no means' --span full --ablate mean --export "$scratch/x"
refuses patches_need_all_positions 2 'expected --positions all' --span full --experiment patch --positions last --export "$scratch/x"
refuses span_is_first_or_full 2 'expected first or full' --span most --export "$scratch/x"

finish
