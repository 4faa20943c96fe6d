#!/bin/bash
# The experiment lens and the sharpener scan from the command line: tests/experiments/lens.sh PROGRAM STRICT_JSON. Tables against
# tests/fixtures/experiments (transformers in float64), against one another, and against what is printed.
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh
fixtures=tests/fixtures/experiments

# found NAME ARGUMENT…: the Python on standard input holds; `table(run, file)` and `near(a, b, tolerance)` are there.
found() {
    { cat <<'PYTHON'; cat; } >"$scratch/look.py"
import csv, json, sys
args = sys.argv[1:]

def table(run, name, **wanted):
    rows = list(csv.DictReader(open(f"{run}/metrics/{name}.csv")))
    return [r for r in rows if all(r[k] == v for k, v in wanted.items())]

def mean(values):
    return sum(values) / len(values)

def near(a, b, tolerance, what=""):
    assert abs(float(a) - float(b)) <= tolerance * max(1, abs(float(b))), (what, a, b)

def place(r):
    return (r["layer"], r["head"])
PYTHON
    holds "$1" python3 "$scratch/look.py" "${@:2}"
}

# run NAME ARGUMENT…: into $scratch/NAME
run() {
    succeeds "$1" --export "$scratch/$1" --boot 50 --quiet "${@:2}"
}

for device in cpu vulkan; do
    if [ "$device" = vulkan ] && ! "$program" devices --json | grep -q '"vulkan'; then
        skip lens_on_vulkan "no Vulkan device"
        continue
    fi
    for model in tiny-gpt2:tiny-gpt2 llama-gqa:tests/fixtures/archs/llama-gqa neox-parallel:tests/fixtures/archs/neox-parallel \
        neox-sequential:$fixtures/neox-sequential; do
        name=${model%%:*}
        at=lens_of_${name//-/_}_on_$device
        run "$at" --experiment lens --model "${model#*:}" --data "$fixtures/$name.jsonl" --device $device
        found "${at}_is_the_oracles" "$scratch/$at" "$fixtures/$name.json" <<'EOT'
run, golden = args[0], json.load(open(args[1]))
part = lambda r: f"head {r['layer']}:{r['head']}" if r["part"] == "head" else f"{r['part']} {r['layer']}".strip()
direct = table(run, "direct")
assert [part(r) for r in direct] == list(golden["direct"])
for r in direct:
    near(r["ld"], mean(golden["direct"][part(r)]), 1e-4, part(r))
lens = table(run, "lens")
assert [f"{r['site']}@{r['layer']}" for r in lens] == list(golden["lens"])
for r, want in zip(lens, golden["lens"].values()):
    for metric in ("ld", "logprob", "rank", "entropy"):
        near(r[metric], mean(want[metric]), 1e-4, metric)
for r in table(run, "indirect"):
    head = f"{r['layer']}:{r['head']}"
    total = mean(golden["ablate"]["zero"][head]) - mean(golden["ld"])
    near(r["indirect"], total + mean(golden["direct"]["head " + head]), 2e-4, head)
EOT
        found "${at}_adds_up" "$scratch/$at" <<'EOT'
run = args[0]
baseline = table(run, "baseline")
ld = mean([float(r["ld"]) for r in baseline])
near(sum(float(r["ld"]) for r in table(run, "direct")), ld, 1e-4, "the parts")
assert 0 < json.load(open(run + "/metrics/summary.json"))["direct_sum_error"] <= 1e-4
for metric in ("ld", "logprob", "rank", "entropy"):
    near(table(run, "lens")[-1][metric], mean([float(r[metric]) for r in baseline]), 1e-5, metric)
EOT
        found "${at}_has_total_and_direct_effects_side_by_side" "$scratch/$at" <<'EOT'
run = args[0]
total = {place(r): r["delta"] for r in table(run, "head_impact", metric="ld")}
direct = {place(r): r["ld"] for r in table(run, "direct", part="head")}
rows = table(run, "indirect")
assert {place(r) for r in rows} == total.keys() == direct.keys()
for r in rows:
    assert r["ablate"] == "zero" and r["total"] == total[place(r)], r
    near(r["direct"], -float(direct[place(r)]), 1e-12)
    near(float(r["direct"]) + float(r["indirect"]), r["total"], 1e-12)
    assert float(r["ci_lo"]) <= float(r["indirect"]) <= float(r["ci_hi"])
    few = int(r["n_clusters"]) < 6
    assert r["p"] == r["q"] == "" if few else float(r["p"]) <= float(r["q"]) <= 1, r
EOT
    done
done

rows=(--rows 12 --device cpu)
run some --experiment lens "${rows[@]}" --heads 0:2,3:1 --ablate scale=0.5
found only_ablated_heads_have_indirect_effects "$scratch/some" <<'EOT'
rows = table(args[0], "indirect")
direct = {place(r): float(r["ld"]) for r in table(args[0], "direct", part="head")}
assert len(direct) == 32 and [place(r) for r in rows] == [("0", "2"), ("3", "1")]
for r in rows:
    near(r["direct"], -direct[place(r)] / 2, 1e-12)
EOT
for kind in mean resample patch; do
    run by_$kind --experiment lens "${rows[@]}" --heads 0:2,3:1 --ablate $kind
    found ${kind}_leaves_them_open "$scratch/by_$kind" <<'EOT'
for r in table(args[0], "indirect"):
    assert r["total"] and not any(r[k] for k in ("direct", "indirect", "se", "ci_lo", "ci_hi", "p", "q")), r
for p in json.load(open(args[0] + "/metrics/summary.json"))["direct"]:
    assert p["indirect"] is None, p
EOT
done
run with_bias --experiment lens "${rows[@]}" --value-bias head
found the_value_bias_moves_between_parts "$scratch/some" "$scratch/with_bias" <<'EOT'
folded, head = (table(run, "direct") for run in args)
moved = 0
for layer in map(str, range(4)):
    parts = [[float(r["ld"]) for r in rows if r["layer"] == layer and r["part"] != "mlp"] for rows in (folded, head)]
    near(sum(parts[0]), sum(parts[1]), 1e-5, layer)
    moved += sum(abs(a - b) for a, b in zip(*parts))
assert moved > 0.01, moved
EOT
found the_summary_names_the_largest_parts "$scratch/with_bias" <<'EOT'
s = json.load(open(args[0] + "/metrics/summary.json"))
rows = sorted(table(args[0], "direct"), key=lambda r: -abs(float(r["ld"])))[:10]
assert s["direct_norm"] == "frozen at its intact scale"
assert [(p["part"], p["ld"]) for p in s["direct"]] == [(r["part"], float(r["ld"])) for r in rows]
EOT

# The same as JSON.
succeeds lens_is_printed --export - --experiment lens "${rows[@]}" --heads 0:2,3:1 --ablate scale=0.5 --boot 50 --quiet
cp "$scratch/out" "$scratch/some.json"
holds what_is_printed_is_strict "$strict_json" "$scratch/some.json"
found what_is_printed_is_what_is_written "$scratch/some" "$scratch/some.json" <<'EOT'
document = json.load(open(args[1]))
for name in ("direct", "indirect", "lens"):
    cells = lambda r: ["" if x is None else x if isinstance(x, str) else float(x) for x in r]
    rows = document["tables"][name]["rows"]
    written = table(args[0], name)
    assert document["tables"][name]["columns"] == list(written[0]) and len(rows) == len(written), name
    for r, w in zip(rows, written):
        assert [str(x) if isinstance(x, str) or x == "" else x for x in cells(r)] == \
            [x if isinstance(c, str) else float(x) for x, c in zip(w.values(), cells(r))], (r, w)
EOT

# The sharpener scan: what each head's ablation does to the entropy of the output.
"$program" --export "$scratch/sharp" "${rows[@]}" --metric entropy --boot 50 >"$scratch/out" 2>"$scratch/sharp.err"
"$program" --export "$scratch/plain" "${rows[@]}" --boot 50 >"$scratch/out" 2>"$scratch/plain.err"
found entropy_of_each_ablation_stands_beside_the_intact_one "$scratch/sharp" <<'EOT'
rows = table(args[0], "head_impact", metric="entropy")
intact = mean([float(r["entropy"]) for r in table(args[0], "baseline")])
assert len(rows) == 32 and any(abs(float(r["delta"])) > 1e-4 for r in rows)
for r in rows:
    near(float(r["value"]) - float(r["delta"]), intact, 1e-6, place(r))
    assert float(r["ci_lo"]) <= float(r["delta"]) <= float(r["ci_hi"]), r
EOT
found the_printed_list_follows_the_metric "$scratch/sharp" "$scratch/sharp.err" "$scratch/plain.err" <<'EOT'
printed = [[line.split()[:3] for line in open(path) if " delta_" in line and "[" in line and ":" in line.split()[0]]
           for path in args[1:]]
for metric, lines in zip(("entropy", "ld"), printed):
    rows = sorted(table(args[0], "head_impact", metric=metric), key=lambda r: -abs(float(r["delta"])))[:5]
    assert [line[:2] for line in lines] == [[":".join(place(r)), "delta_" + metric] for r in rows], (lines, rows)
    assert [line[2] for line in lines] == [f"{float(r['delta']):+.3f}" for r in rows], lines
assert [line[0] for line in printed[0]] != [line[0] for line in printed[1]], "both rank alike"
EOT

finish
