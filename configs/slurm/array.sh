#!/bin/bash
# A run in shards, each a task of an array, and their joining when all are done: array.sh DIR SHARDS OPTION…
#   configs/slurm/array.sh out 8 --model ./gpt2 --data facts
# Once more, it goes on with what is in DIR. Partition, memory and account of the jobs: SBATCH_PARTITION and its like in the
# environment, or lines of job.sh.
set -eu
[ $# -ge 2 ] || { sed -n '2,3s/^# *//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 shards=$2
shift 2

array=$(sbatch --parsable --array="1-$shards" "$here/job.sh" --export "$dir" --shard slurm "$@")
array=${array%%;*}
merge=$(printf '%q ' exec "${ABLTUI:-abltui}" merge "$dir")
merge=$(sbatch --parsable --dependency="afterok:$array" --job-name=abltui-merge --output=%x-%j.log --wrap "$merge")
echo "job $array runs $shards shards, job ${merge%%;*} joins them in $dir"
