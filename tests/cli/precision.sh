#!/bin/bash
# --precision bf16x3: tests/cli/precision.sh PROGRAM.
set -u
program=$(realpath "$1")
. tests/support/checks.sh

refuses precision_is_known 2 "bad value 'f64' for --precision: expected f32, bf16x3 or f16" --precision f64 --export "$scratch/x"
refuses bf16x3_is_for_the_cpu 2 'not for --device vulkan: take --device cpu' --precision bf16x3 --device vulkan --rows 2 --export "$scratch/x"
holds nothing_is_left nothing_at "$scratch/x"

refuses f16_is_for_vulkan 2 'not for --device cpu: take --device vulkan' --precision f16 --device cpu --rows 2 --export "$scratch/x"
if "$program" devices 2>/dev/null | grep -q vulkan; then
    for shaders in texel tile; do
        export ABLTUI_VULKAN_GEMM=$shaders XDG_CACHE_HOME=$scratch
        succeeds "verify_f16_$shaders" verify --precision f16
    done
    unset ABLTUI_VULKAN_GEMM
    succeeds export_f16 --precision f16 --heads '0:*' --rows 30 --boot 10 --export "$scratch/f16" --quiet
    holds f16_has_a_drift grep -q '"precision":[[:space:]]*"f16"' "$scratch/f16/metrics/summary.json"
    holds f16_takes_half sh -c "
        half=\$('$program' --dry-run --device vulkan --precision f16 | sed -n 's/^ *weights *\([0-9.]*\) MiB.*/\1/p')
        whole=\$('$program' --dry-run --device vulkan | sed -n 's/^ *weights *\([0-9.]*\) MiB.*/\1/p')
        awk -v half=\"\$half\" -v whole=\"\$whole\" 'BEGIN { exit !(half > 0 && 2 * half == whole) }' || { echo \"\$half of \$whole\"; false; }"
else
    skip f16 "no Vulkan device"
fi

if "$program" verify --precision bf16x3 --device cpu 2>&1 | grep -q 'no bf16 products'; then
    refuses bf16x3_needs_its_products 1 'expected AVX-512 with bf16, or AMX' --precision bf16x3 --rows 2 --export "$scratch/x"
    skip bf16x3 "this CPU has no bf16 products"
    finish
    exit
fi

succeeds verify_gpt2 verify --precision bf16x3 --device cpu
succeeds verify_llama verify --precision bf16x3 --device cpu --model tiny-llama
for p in f32 bf16x3; do
    succeeds "export_$p" --precision $p --device cpu --heads '0:*' --rows 30 --boot 10 --export "$scratch/$p" --quiet
done
succeeds span_has_a_drift_too --precision bf16x3 --span full --rows 6 --boot 10 --export "$scratch/span" --quiet
succeeds streamed_weights_too --precision bf16x3 --device cpu --heads '0:*' --rows 30 --boot 10 --mem 2M --export "$scratch/streamed" --quiet
holds f32_has_no_drift sh -c "! grep -q '\"drift\"' '$scratch/f32/metrics/summary.json'"
holds config_names_it grep -q '"precision":"bf16x3"' "$scratch/bf16x3/config.json"
holds provenance_names_it grep -q '"precision":[[:space:]]*"bf16x3"' "$scratch/bf16x3/provenance.json"

# The drift that is told is that between the two exports: these eight heads are all that it looks at.
cat >"$scratch/drift.py" <<'END'
import csv, json, sys
f32, other = sys.argv[1:]
def column(folder):
    with open(f"{folder}/metrics/per_example.csv", newline="") as f:
        return [float(row["delta_ld"]) for row in csv.DictReader(f)]
off = [abs(a - b) for a, b in zip(column(f32), column(other), strict=True)]
told = json.load(open(f"{other}/metrics/summary.json"))["drift"]
assert told["n_rows"] == 30 and told["n_variants"] == 8, told
assert abs(told["delta_ld"]["max"] - max(off)) <= 1e-9, (told["delta_ld"], max(off))
assert abs(told["delta_ld"]["mean"] * 9 / 8 - sum(off) / len(off)) <= 1e-9, (told["delta_ld"], sum(off) / len(off))
assert 0 < max(off) < 1e-3, max(off)
END
holds the_drift_is_that_of_the_rows python3 "$scratch/drift.py" "$scratch/f32" "$scratch/bf16x3"
holds the_same_where_weights_come_and_go cmp "$scratch/bf16x3/metrics/per_example.csv" "$scratch/streamed/metrics/per_example.csv"

finish
