#!/bin/bash
# A model whose heads are known, because they were put there by hand (tools/planted_model.py says which): every experiment
# finds them by name. tests/experiments/planted.sh PROGRAM STRICT_JSON
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh

model=tests/fixtures/planted
known=(--model "$model" --data "$model/repeats.jsonl" --device cpu --boot 300 --quiet)
run=$scratch/run
mkdir "$run"

# found NAME: the Python on standard input holds; it has `table(file)`, `document(file)` and `lines(rows, key)` to look with.
found() {
    { cat <<'PYTHON'; cat; } >"$scratch/look.py"
import csv, json, sys
run = sys.argv[1] + "/"

def table(file, **wanted):
    return [r for r in csv.DictReader(open(run + file)) if all(r[k] == v for k, v in wanted.items())]

def document(file):
    return json.load(open(run + file))

def by_head(rows, column):
    return {f"{r['layer']}:{r['head']}": float(r[column]) for r in rows}

def ranked(values):
    return sorted(values, key=values.get)

known = {"0:1", "1:2", "1:3", "1:5", "1:6"}
PYTHON
    holds "$1" python3 "$scratch/look.py" "$run"
}

for experiment in heads attn lens ov; do
    succeeds "$experiment""_runs" --export "$run/$experiment" --experiment $experiment --top-k 24 "${known[@]}"
done
succeeds circuit_runs --export "$run/circuit" --experiment ov --kind circuit --top-k 24 "${known[@]}"
succeeds sets_run --export "$run/sets" --experiment sets --sets '0:1+1:2;1:2+1:5+1:6;0:4+1:7;1:0+1:1+1:4' --controls 50 "${known[@]}"
for name in heads attn lens sets; do holds "$name""_summary_is_strict" "$strict_json" "$run/$name/metrics/summary.json"; done
for name in ov circuit; do holds "$name""_report_is_strict" "$strict_json" "$run/$name/ov_report.json"; done

found the_model_says_the_answer <<'EOT'
rows = table("heads/metrics/baseline.csv")
assert len(rows) == 40 and len({r["cluster"] for r in rows}) == 40
assert all(r["pred_id"] == r["target_id"] and float(r["ld"]) > 2 for r in rows)
EOT
found ablation_names_the_heads <<'EOT'
rows = table("heads/metrics/head_impact.csv", metric="ld")
delta, q = by_head(rows, "delta"), by_head(rows, "q")
order = ranked(delta)
assert len(order) == 16 and set(order[:2]) == {"0:1", "1:2"} and order[-1] == "1:3", order
assert set(order[2:4]) == {"1:5", "1:6"}, order
assert all(q[h] < 0.001 for h in known), q
assert delta["1:2"] < -2 and delta["0:1"] < -2 and delta["1:3"] > 0.1, delta
assert all(abs(d) < 0.1 for h, d in delta.items() if h not in known), delta
EOT
found summary_names_the_heads <<'EOT'
top = document("heads/metrics/summary.json")["top_heads"]
assert {t["variant"] for t in top[:2]} == {"0:1", "1:2"}, top
EOT
found direct_effects_are_of_those_that_write_the_answer <<'EOT'
direct = by_head(table("lens/metrics/direct.csv", part="head"), "ld")
order = ranked(direct)
assert order[-3:] == ["1:5", "1:6", "1:2"] and order[0] == "1:3", order
assert direct["1:2"] > 2 and direct["1:3"] < -0.5, direct
EOT
found the_previous_token_head_acts_through_others <<'EOT'
direct = by_head(table("lens/metrics/direct.csv", part="head"), "ld")
total = by_head(table("lens/metrics/head_impact.csv", metric="ld"), "delta")
assert abs(direct["0:1"]) < 0.01 and total["0:1"] < -2, (direct["0:1"], total["0:1"])
assert total == by_head(table("heads/metrics/head_impact.csv", metric="ld"), "delta")
EOT
found the_lens_sees_the_answer_in_the_last_layer <<'EOT'
ld = [float(r["ld"]) for r in table("lens/metrics/lens.csv")]
assert len(ld) == 3 and abs(ld[0]) < 0.1 and abs(ld[1]) < 0.1 and ld[2] > 2, ld
EOT
found detectors_name_the_heads <<'EOT'
rows = table("attn/metrics/attn_heads.csv")
previous, induction, duplicate = (by_head(rows, c) for c in ("previous", "induction", "duplicate"))
assert ranked(previous)[-1] == "0:1" and previous["0:1"] > 0.99, previous
assert ranked(induction)[-1] == "1:2" and induction["1:2"] > 0.99, induction
assert {h for h in induction if induction[h] > 0.5} == {"1:2", "1:3", "1:5", "1:6"}, induction
assert {h for h in previous if previous[h] > 0.5} == {"0:1"} and max(duplicate.values()) < 0.1, (previous, duplicate)
EOT
found summary_names_what_the_detectors_find <<'EOT'
best = {}
for found in document("attn/metrics/summary.json")["attn"]:
    best.setdefault(found["detector"], f"{found['layer']}:{found['head']}")
assert best["previous"] == "0:1" and best["induction"] == "1:2", best
EOT
found circuits_copy_and_suppress <<'EOT'
report = document("circuit/ov_report.json")
heads = {f"{h['layer']}:{h['head']}": h for h in report["heads"]}
assert len(heads) == 16 and report["kind"] == "circuit"
for name, h in heads.items():
    score, sources = h["copying_score"], h["sources"]
    assert len(sources) > 10
    if name in ("1:2", "1:5", "1:6"):
        assert score > 0.99 and all(s["own_rank"] == 0 for s in sources), (name, score)
        assert all(s["tokens"]["top"][0]["token"] == s["token"] for s in sources), name
    elif name == "1:3":
        assert score < -0.99 and all(s["own_rank"] == 23 for s in sources), (name, score)
        assert all(s["tokens"]["bottom"][0]["token"] == s["token"] for s in sources), name
    else:
        assert abs(score) < 0.9, (name, score)
EOT
found mean_outputs_are_the_answers <<'EOT'
import collections
# A token weighs as often as it is the answer; its opposite code word, 12 tokens on, weighs against it.
rows = [json.loads(line) for line in open("tests/fixtures/planted/repeats.jsonl")]
vocab = json.load(open("tests/fixtures/planted/tokenizer.json"))["model"]["vocab"]
count = collections.Counter(vocab[r["target"]] for r in rows)
expected = {t: count[t] - count[(t + 12) % 24] for t in range(24)}
heads = {f"{h['layer']}:{h['head']}": h["tokens"] for h in document("ov/ov_report.json")["heads"]}
for name, sign in (("1:2", 1), ("1:5", 1), ("1:6", 1), ("1:3", -1)):
    score = {t["token_id"]: sign * t["logit"] for t in heads[name]["top"]}
    assert len(score) == 24
    unit = max(score.values()) / max(expected.values())
    assert all(abs(score[t] - unit * expected[t]) < 0.3 * unit for t in range(24)), (name, score, expected)
EOT
found null_sets_say_so <<'EOT'
rows = {r["heads"]: r for r in table("sets/metrics/group_impact.csv", metric="ld", kind="chosen")}
for name in ("0:1+1:2", "1:2+1:5+1:6"):
    r = rows[name]
    assert float(r["percentile"]) == 0 and float(r["p_null"]) < 0.02 and float(r["q"]) < 0.001, r
for name in ("0:4+1:7", "1:0+1:1+1:4"):
    r = rows[name]
    assert 10 < float(r["percentile"]) < 95 and float(r["p_null"]) > 0.5 and float(r["q"]) > 0.05, r
EOT
found every_chosen_set_has_its_controls <<'EOT'
top = {g["variant"]: g for g in document("sets/metrics/summary.json")["top_groups"]}
assert all(top[s]["n_controls"] >= 49 for s in ("0:1+1:2", "1:2+1:5+1:6", "0:4+1:7", "1:0+1:1+1:4")), top
controls = table("sets/metrics/group_impact.csv", metric="ld", kind="control")
assert len({r["heads"] for r in controls}) == len(controls)
assert all(r["percentile"] == r["p_null"] == "" for r in controls)
EOT

finish
