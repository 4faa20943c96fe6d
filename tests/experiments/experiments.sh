#!/bin/bash
# Experiments from the command line: tests/experiments/experiments.sh PROGRAM. Means in exported tables against those of
# tests/fixtures/experiments (transformers in float64), what options refuse, what summaries say.
set -u
program=$(realpath "$1")
. tests/support/checks.sh
fixtures=tests/fixtures/experiments

# says NAME RUN EXPRESSION: true of the run's summary `s` and its tables, `t("recovery")` being a list of rows.
says() {
    holds "$1" python3 - "$2" "$3" <<'EOF'
import csv, json, sys
s = json.load(open(sys.argv[1] + "/metrics/summary.json"))
def t(name, **where):
    rows = csv.DictReader(open(f"{sys.argv[1]}/metrics/{name}.csv"))
    return [r for r in rows if all(r[k] == v for k, v in where.items())]
assert eval(sys.argv[2]), sys.argv[2]
EOF
}

# agrees NAME MODEL KIND RUN…: the ld means of the runs' tables are the fixture's.
agrees() {
    holds "$1" python3 - "$fixtures/$2.json" "$3" "${@:4}" <<'EOF'
import csv, json, sys
golden, kind, runs = json.load(open(sys.argv[1])), sys.argv[2], sys.argv[3:]
worst = n = 0
def check(row, column, rows):
    global worst, n
    if row.get("position", "").startswith("-"):  # rows that have it in both prompts, BOS not counted
        back = -int(row["position"])
        rows = [x for x, *ids in zip(rows, golden["ids"], golden["corrupt_ids"]) if all(len(i) - back > 0 for i in ids)]
    assert int(row["n"]) == len(rows), (row, len(rows))
    expected = sum(rows) / len(rows)
    worst = max(worst, abs(float(row[column]) - expected) / max(1, abs(expected)))
    n += 1
for run in runs:
    table = {"patch": "layer_impact", "partial": "recovery", "held": "recovery"}.get(kind, "head_impact")
    for r in csv.DictReader(open(f"{run}/metrics/{table}.csv")):
        if r["metric"] != "ld" or r.get("direction") == "sham":
            continue
        if kind == "patch":
            head = ":" + r["head"] if r["head"] else ""
            check(r, "value", golden["patch"][r["direction"]][f"{r['site']}@{r['layer']}{head}[{r['position'] or r['positions']}]"])
        elif kind == "partial" and "+" in r["restored"]:
            continue  # pairs are not in the fixture
        elif kind == "held":
            if r["restored"] in golden["held"][r["heads"]]:
                check(r, "patched", golden["held"][r["heads"]][r["restored"]])
        elif kind == "partial":
            check(r, "patched", golden["partial"][r["heads"]][r["restored"]][r["source"]])
            check(r, "baseline", golden["ld"])
        else:
            check(r, "value", golden["ablate"][kind.removeprefix("ablate ")][f"{r['layer']}:{r['head']}"])
expected = {"patch": sum(map(len, golden["patch"].values())),
            "held": sum(map(len, golden["held"].values())),
            "partial": 2 * sum(len(h) for s in golden["partial"].values() for h in s.values())}.get(kind)
assert n == (expected or golden["n_layers"] * golden["n_heads"]), f"{n} values compared, expected {expected}"
assert worst <= 1e-4, f"off by {worst}"
EOF
}

# Every head that is held in the golden, over all its sets.
held() {
    python3 -c 'import json, sys; g = json.load(open(sys.argv[1]))["held"]; print(",".join(sorted(h for s in g.values() for h in s)))' \
        $fixtures/$1.json
}

run() {
    local name=$1
    shift
    succeeds "$name" --export "$scratch/$name" --boot 50 --quiet --device cpu "$@"
}

sites=resid_pre,resid_post,attn_out,mlp_out,z,q,k,v,pattern
for model in tiny-gpt2 llama-gqa neox-parallel neox-sequential; do
    case $model in
    tiny-gpt2) folder=$model ;;
    neox-sequential) folder=$fixtures/$model ;;
    *) folder=tests/fixtures/archs/$model ;;
    esac
    with=(--model "$folder" --data "$fixtures/$model.jsonl")
    name=${model//-/_}
    runs=()
    for direction in 'clean->corrupt' 'corrupt->clean'; do
        for positions in all -1,-2; do
            at="${name}_patch_${direction:0:5}_${positions//[-,]/}"
            run "$at" "${with[@]}" --experiment patch --patch-site $sites --direction "$direction" --positions "$positions"
            runs+=("$scratch/$at")
        done
    done
    agrees "${name}_patches_are_the_oracles" $model patch "${runs[@]}"
    for kind in zero scale=0.5 mean patch; do
        run "${name}_ablate_${kind%=*}" "${with[@]}" --ablate $kind
        agrees "${name}_ablation_by_${kind%=*}_is_the_oracles" $model "ablate $kind" "$scratch/${name}_ablate_${kind%=*}"
    done
    run "${name}_ablate_head" "${with[@]}" --value-bias head
    agrees "${name}_ablation_of_all_is_the_oracles" $model "ablate zero/head" "$scratch/${name}_ablate_head"
    sets=$(python3 -c "import json, sys; print(';'.join(json.load(open(sys.argv[1]))['partial']))" $fixtures/$model.json)
    run "${name}_partial" "${with[@]}" --experiment partial --sets "$sets"
    agrees "${name}_restored_heads_are_the_oracles" $model partial "$scratch/${name}_partial"
    run "${name}_held" "${with[@]}" --experiment partial --sets "$sets" --restore "$(held $model)"
    agrees "${name}_held_heads_are_the_oracles" $model held "$scratch/${name}_held"
done

says unequal_pairs_are_counted "$scratch/tiny_gpt2_ablate_patch" 'next(f for f in s["findings"] if f["kind"] == "unequal-lengths")["n_rows"] == 1'
"$program" --dry-run --model tiny-gpt2 --data $fixtures/tiny-gpt2.jsonl >/dev/null 2>"$scratch/err"
holds unequal_pairs_are_in_the_header grep -q '1 row (line 1): clean and corrupt differ in token count' "$scratch/err"

# Rows whose prompts are equally long: the whole residual stream of the other run is the other run.
sed -n 2,4p $fixtures/tiny-gpt2.jsonl >"$scratch/equal.jsonl"
run whole_stream --data "$scratch/equal.jsonl" --experiment patch --patch-site resid_pre --layers 0 --positions all
says the_whole_stream_recovers_all "$scratch/whole_stream" \
    'all(abs(float(r["recovery"]) - 1) <= 1e-6 for r in t("layer_impact", metric="ld", direction="clean->corrupt"))'
says a_sham_changes_nothing "$scratch/whole_stream" 's["sham_max_abs_delta"] == 0 and len(t("layer_impact", direction="sham")) == 7'
says patches_are_summed_up "$scratch/whole_stream" '[p["variant"] for p in s["top_patches"]] == ["resid_pre@0[all]"]'
says a_patch_ablates_nothing "$scratch/whole_stream" 's["ablate"] is None and all(r["ablate"] == "" for r in t("per_example"))'
run each_position --data "$scratch/equal.jsonl" --experiment patch --positions each --layers 1
sed 's/"clean": \(".*"\), "corrupt": ".*", "target"/"clean": \1, "corrupt": \1, "target"/' "$scratch/equal.jsonl" >"$scratch/same.jsonl"
run corrupt_is_clean --data "$scratch/same.jsonl" --experiment patch --patch-site resid_pre,attn_out,mlp_out,z,q,k,v --positions all
says a_run_put_into_itself_stays "$scratch/corrupt_is_clean" 'all(float(r["delta"]) == 0 for r in t("layer_impact", metric="ld"))'
says nothing_to_recover_is_flagged "$scratch/corrupt_is_clean" \
    '{r["small_denominator"] for r in t("layer_impact", direction="clean->corrupt")} == {"1"}'
says something_to_recover_is_not_flagged "$scratch/each_position" \
    '{(r["n_clusters"] == "1", r["small_denominator"]) for r in t("layer_impact", direction="clean->corrupt", metric="ld")} == {(False, "0"), (True, "1")}'
says nothing_to_recover_is_missing "$scratch/corrupt_is_clean" 'all(r["recovery"] == "" for r in t("layer_impact", metric="ld"))'

says each_reaches_back_to_the_first_token_behind_bos "$scratch/each_position" \
    'sorted({int(r["position"]) for r in t("layer_impact", metric="ld", direction="clean->corrupt")}) == list(range(-13, 0))'
run pairs --rows 12 --experiment sets --pairs '0:2,4,7' --triplets '1:0,1,2' --controls 5
says pairs_are_all_pairs "$scratch/pairs" \
    '[r["heads"] for r in t("group_impact", kind="chosen", metric="ld")] == ["0:2+0:4", "0:2+0:7", "0:4+0:7", "1:0+1:1+1:2"]'
says controls_are_like_their_sets "$scratch/pairs" \
    'all(sorted(h.split(":")[0] for h in r["heads"].split("+")) == sorted(h.split(":")[0] for h in r["parent"].split("+")) for r in t("group_impact", kind="control"))'
says like_sets_share_as_many_controls_as_asked "$scratch/pairs" 'len(t("group_impact", kind="control", metric="ld")) == 10'
says percentiles_count_controls "$scratch/pairs" \
    'all(abs(float(c["percentile"]) - 100 * sum(float(r["delta"]) <= float(c["delta"]) for r in t("group_impact", kind="control", metric="ld") if (len(r["heads"]) == 7) == (len(c["heads"]) == 7)) / 5) < 1e-9 for c in t("group_impact", kind="chosen", metric="ld"))'
says interaction_is_joint_minus_singles "$scratch/pairs" \
    'all(abs(float(c["interaction"]) - float(c["delta"]) + sum(float(r["delta"]) for h in c["heads"].split("+") for r in t("head_impact", metric="ld", layer=h.split(":")[0], head=h.split(":")[1]))) < 1e-9 for c in t("group_impact", kind="chosen", metric="ld"))'
run restored_one --rows 12 --experiment partial --sets '0:2+0:4;0:2+0:7' --restore 0:4
says restore_names_what_is_given_back "$scratch/restored_one" '{(r["heads"], r["restored"]) for r in t("recovery")} == {("0:2+0:4", "0:4"), ("0:2+0:7", "0:4")}'
run same_layer --rows 12 --experiment partial --sets '0:2+0:4+0:7;0:2+0:4'
says one_back_of_a_layer_is_the_others_ablated "$scratch/same_layer" \
    'abs(float(t("recovery", heads="0:2+0:4+0:7", restored="0:7", source="same", metric="ld")[0]["patched"]) - float(t("group_impact", heads="0:2+0:4", metric="ld")[0]["value"])) < 1e-4'
says restored_heads_are_summed_up "$scratch/same_layer" 's["metrics"]["ld"]["restored"]["n_variants"] == 16'
run drawn_a --rows 12 --ablate resample --seed 1
run drawn_b --rows 12 --ablate resample --seed 1
run drawn_c --rows 12 --ablate resample --seed 2
holds the_same_seed_draws_the_same cmp "$scratch/drawn_a/metrics/per_example.csv" "$scratch/drawn_b/metrics/per_example.csv"
holds another_seed_draws_others sh -c '! cmp -s "$1" "$2"' - "$scratch/drawn_a/metrics/per_example.csv" "$scratch/drawn_c/metrics/per_example.csv"

bad() { refuses "$1" 2 "$2" --export "$scratch/bad" "${@:3}"; }
patch=(--experiment patch)
for p in 99 -0 -99 -1, first ,-1 '' '-1;-2'; do
    bad "positions_refuse_${p//[-,;]/_}_" "positions" "${patch[@]}" --positions "$p"
done
for s in resid z, ,z z,,q attn resid_pre,Z ''; do bad "sites_refuse_${s//,/_}_" 'patch-site: expected resid_pre' "${patch[@]}" --patch-site "$s"; done
for d in clean corrupt 'clean->clean'; do bad "direction_refuses_${d//[->]/_}" 'clean->corrupt or corrupt->clean' "${patch[@]}" --direction "$d"; done
for p in 0:2 0:2,2 9:1,2 0:1,99 0:a,b 0:1,,2 1,2 0:2+0:4; do
    bad "pairs_refuse_${p//[,:+]/_}" 'in --pairs: expected a layer 0-3 and at least 2 heads 0-7' --experiment sets --pairs "$p"
done
bad triplets_need_three_heads 'at least 3 heads' --experiment sets --triplets 0:1,2
for c in -1 x 10001 1.5 ''; do bad "controls_refuse_${c//[-.]/_}_" 'controls: expected a number' --experiment sets --pairs 0:1,2 --controls "$c"; done
bad restore_refuses_what_is_no_head "bad head 'x'" --experiment partial --sets 0:1+0:2 --restore x
bad restore_needs_partial '--restore needs' --experiment sets --sets 0:1+0:2 --restore 0:1
bad heads_are_ablated_at_one_place 'one place' --positions -1,-2
bad ablated_positions_are_known "bad position 'x:last'" --positions x:last
bad reading_has_no_positions 'positions needs' --experiment attn --positions END
run whole_as_all --rows 8 --heads 0:2 --positions all
run whole --rows 8 --heads 0:2
holds all_is_everywhere cmp "$scratch/whole_as_all/metrics/per_example.csv" "$scratch/whole/metrics/per_example.csv"
run restored_at --rows 8 --experiment partial --sets 0:2+0:4 --positions END
says whole_sets_given_back_at_a_place_are_intact "$scratch/restored_at" \
    'all(abs(float(r["recovery"]) - 1) < 1e-5 for r in t("recovery", metric="ld", source="same", restored="0:2+0:4"))'
run lens_at --rows 8 --experiment lens --positions -2
says what_the_read_out_keeps_has_no_indirect_part "$scratch/lens_at" '{r["indirect"] for r in t("indirect")} == {""}'
bad sites_need_patch 'need --experiment patch' --patch-site z
bad sets_need_an_experiment 'need --experiment sets' --pairs 0:1,2
bad patch_takes_no_ablation 'no meaning' "${patch[@]}" --ablate mean
echo '{"clean": "The grass is", "target": " green", "foil": " red"}' >"$scratch/alone.jsonl"
refuses ablation_at_diff_needs_corrupt_prompts 3 'corrupt' --export "$scratch/bad" --data "$scratch/alone.jsonl" --positions diff --quiet
refuses patch_needs_corrupt_prompts 3 'line 1.*corrupt|corrupt.*line 1' --export "$scratch/bad" --data "$scratch/alone.jsonl" "${patch[@]}" --quiet
refuses patch_ablation_needs_corrupt_prompts 3 'corrupt' --export "$scratch/bad" --data "$scratch/alone.jsonl" --ablate patch --quiet
refuses resampling_needs_another_target 3 'target' --export "$scratch/bad" --data "$scratch/alone.jsonl" --ablate resample --quiet
holds refused_experiments_leave_nothing nothing_at "$scratch/bad"

finish
