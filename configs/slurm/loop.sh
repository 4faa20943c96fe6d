#!/bin/bash
# A run in shards, all at once on this machine, and their joining: loop.sh DIR SHARDS OPTION…
#   configs/slurm/loop.sh out 8 --model ./gpt2 --data facts
# Once more, it goes on with what is in DIR.
set -eu
[ $# -ge 2 ] || { sed -n '2,3s/^# *//p' "$0" >&2; exit 2; }
dir=$1 shards=$2 runs=() status=0
shift 2

for ((i = 1; i <= shards; i++)); do
    "${ABLTUI:-abltui}" --export "$dir" --shard "$i/$shards" "$@" --resume --threads 1 &
    runs+=($!)
done
trap 'kill -TERM "${runs[@]}" 2>/dev/null || true' TERM
for run in "${runs[@]}"; do
    while kill -0 "$run" 2>/dev/null; do wait "$run" || true; done
    wait "$run" || status=$?
done
[ $status = 0 ] || exit $status
exec "${ABLTUI:-abltui}" merge "$dir"
