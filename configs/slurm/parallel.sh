#!/bin/bash
# A run in shards, by GNU parallel, and their joining: parallel.sh DIR SHARDS OPTION…
#   configs/slurm/parallel.sh out 8 --model ./gpt2 --data facts
# Once more, it goes on with what is in DIR: each shard knows how far it is, so that parallel's own --resume is not needed.
# How many at once and where: PARALLEL in the environment, such as '--jobs 4' or '--sshloginfile hosts --workdir .' where
# hosts see DIR under one name.
set -eu
[ $# -ge 2 ] || { sed -n '2,3s/^# *//p' "$0" >&2; exit 2; }
dir=$1 shards=$2
shift 2

seq "$shards" | parallel --quote --line-buffer --tag \
    "${ABLTUI:-abltui}" --export "$dir" --shard "{}/$shards" "$@" --resume --threads 1
exec "${ABLTUI:-abltui}" merge "$dir"
