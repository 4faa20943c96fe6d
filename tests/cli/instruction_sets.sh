#!/bin/bash
# Bits of every row under each instruction set, whatever threads and memory: tests/cli/instruction_sets.sh PROGRAM.
program=$1
. tests/support/checks.sh
unset OMP_NUM_THREADS

# under SET COMMAND…: oneDNN, in the spelling of 2.x and of 3.x, goes no further than SET.
under() { DNNL_MAX_CPU_ISA=$1 ONEDNN_MAX_CPU_ISA=$1 "${@:2}"; }

# "avx2" of "oneDNN 2.6.3 (avx2)"
chosen() { under "$1" "$program" devices --json | grep -oE 'oneDNN [0-9.]+ \([a-z0-9_.]+\)' | grep -oE '\([^)]*' | tr -d '(.' | head -1; }

# one_hash SET MODEL: per_example.csv of a sweep is one, at 1, 2 and 3 threads and three sizes of memory.
one_hash() {
    local threads mem sums=()
    for threads in 1 2 3; do
        for mem in 2M 8M 256M; do
            rm -rf "$scratch/run"
            under "$1" "$program" --export "$scratch/run" --model "$2" --data facts --rows 14 --heads '0:0,1:2,3:*' --boot 10 \
                --device cpu --quiet --threads "$threads" --mem "$mem" || return 1
            sums+=("$(sha256sum <"$scratch/run/metrics/per_example.csv") threads $threads, mem $mem")
        done
    done
    printf '%s\n' "${sums[@]}"
    [ "$(printf '%s\n' "${sums[@]}" | cut -d' ' -f1 | sort -u | wc -l)" = 1 ]
}

for set in SSE41 AVX AVX2 AVX512_CORE; do
    case $set:$(chosen "$set") in
    SSE41:sse41 | AVX:avx | AVX2:avx2 | AVX512_CORE:avx512_core)
        for model in tiny-gpt2 tiny-llama; do
            holds "rows_keep_their_bits_under_${set}_$model" one_hash "$set" "$model"
        done
        # what an environment says of precision is not heeded
        plain=$(tail -1 "$scratch/held")
        export DNNL_DEFAULT_FPMATH_MODE=BF16 ONEDNN_DEFAULT_FPMATH_MODE=BF16
        holds "math_mode_is_not_heeded_under_$set" one_hash "$set" tiny-llama
        holds "math_mode_changes_no_bit_under_$set" test "$plain" = "$(tail -1 "$scratch/held")"
        unset DNNL_DEFAULT_FPMATH_MODE ONEDNN_DEFAULT_FPMATH_MODE
        ;;
    *) skip "rows_keep_their_bits_under_$set" "this machine has no $set" ;;
    esac
done

# Threads far beyond the cores are a mistake.
noted() { "$program" --export "$scratch/many" --rows 2 --heads 0:0 --boot 10 --device cpu --quiet --threads 1000 2>&1 | grep -qx 'note: --threads 1000 is taken as [0-9]*, 4 for each core'; }
holds too_many_threads_are_fewer noted

finish
