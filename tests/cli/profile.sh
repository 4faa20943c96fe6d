#!/bin/bash
# --profile: tests/cli/profile.sh PROGRAM STRICT_JSON. A traced run has the same results, and its times add up.
set -u
program=$(realpath "$1") strict_json=$(realpath "$2")
. tests/support/checks.sh

# Every operation of the forward pass is there, shares add up to at most the whole, and the trace has as many events as are counted.
adds_up() {
    python3 - "$1" <<'EOF'
import json, sys
profile = json.load(open(sys.argv[1] + "/metrics/profile.json"))
trace = json.load(open(sys.argv[1] + "/artifacts/trace.json"))
names = {o["name"] for o in profile["operations"]}
missing = {"weight", "norm", "linear", "head_out", "attend", "gather", "edit", "readout", "upload"} - names
assert not missing, f"no {missing}"
inside = sum(o["seconds"] for o in profile["operations"])
assert abs(inside + profile["outside_seconds"] - profile["seconds"]) < 1e-6 + 1e-3 * profile["seconds"], profile
classes = {c["name"]: c["seconds"] for c in profile["classes"]}
assert list(classes) == ["matmul", "attention", "other", "upload", "idle"], classes
assert abs(sum(classes.values()) - profile["seconds"]) < 1e-6 + 1e-3 * profile["seconds"], classes
seconds = {o["name"]: o["seconds"] for o in profile["operations"]}
assert abs(classes["matmul"] - seconds["linear"] - seconds["head_out"] - seconds["readout"]) < 1e-6, classes
assert sum(o["n"] for o in profile["operations"]) == profile["events"] + profile["dropped_events"]
assert len(trace["traceEvents"]) == profile["events"]
ends = 0
for e in trace["traceEvents"]:  # one at a time, in order; microseconds are rounded to three places
    assert e["ts"] >= ends - 0.01, e
    ends = e["ts"] + e["dur"]
EOF
}

# Weights that come and go: a layer is loaded no more often than something goes through it, which is once for each attention,
# and once for each chunk of variants that begins behind it; and every layer is loaded again.
loads_once_a_chunk() {
    python3 - "$1" <<'EOF'
import json, sys
n = {o["name"]: o["n"] for o in json.load(open(sys.argv[1] + "/metrics/profile.json"))["operations"]}
in_layer, n_layers, unembed = 5, 4, 1
layers = (n["weight"] - unembed) / in_layer
visits = n["attend"] + n["head_out"]  # with so little memory a variant is a chunk
assert layers <= visits, f"layers loaded {layers} times for {visits} visits"
assert layers > 2 * n_layers, f"layers loaded {layers} times: nothing came and went"
EOF
}

# What --dry-run tells is what a run then multiplies; the clean stream, which runs once more beside the variants, and intact
# rows that are read again beside theirs are not told.
tells_the_work() {
    python3 - "$1" "$2" <<'EOF'
import json, sys
told = json.load(open(sys.argv[1]))
profile = json.load(open(sys.argv[2] + "/metrics/profile.json"))
done = profile["flop"]
assert done == sum(o["flop"] for o in profile["operations"]), profile
assert 0.93 * done < told["flop"] <= done, (told["flop"], done)
seconds = told["expected_seconds"]
assert all(s > 0 for s in seconds.values()), seconds
assert abs(sum(seconds.values()) - 2 * seconds["total"]) < 1e-9, seconds
EOF
}

for device in cpu vulkan; do
    if [ "$device" = vulkan ] && ! "$program" devices --json | grep -q '"vulkan'; then
        skip profile_on_vulkan "no Vulkan device"
        continue
    fi
    run=("$program" --rows 12 --device "$device" --quiet)
    holds "plain_run_on_$device" "${run[@]}" --export "$scratch/plain-$device"
    holds "traced_run_on_$device" "${run[@]}" --profile --export "$scratch/traced-$device"
    for table in head_impact per_example baseline; do
        holds "tracing_changes_no_${table}_on_$device" \
            cmp "$scratch/plain-$device/metrics/$table.csv" "$scratch/traced-$device/metrics/$table.csv"
    done
    holds "profile_adds_up_on_$device" adds_up "$scratch/traced-$device"
    "${run[@]}" --dry-run --json >"$scratch/plan-$device"
    holds "dry_run_tells_the_work_on_$device" tells_the_work "$scratch/plan-$device" "$scratch/traced-$device"
    for file in metrics/profile artifacts/trace; do
        holds "${file##*/}_is_strict_json_on_$device" "$strict_json" "$scratch/traced-$device/$file.json"
    done
    holds "no_profile_unless_asked_on_$device" test ! -e "$scratch/plain-$device/metrics/profile.json"
    holds "streamed_run_on_$device" "${run[@]}" --mem 1M --profile --export "$scratch/streamed-$device"
    holds "streamed_weights_load_once_a_chunk_on_$device" loads_once_a_chunk "$scratch/streamed-$device"
done

finish
