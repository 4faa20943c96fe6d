#!/bin/bash
# Run files one after the other, in as many turns as the time limit makes of it: battery.sh DIR CONFIG.json… [OPTION…]
#   configs/slurm/battery.sh runs configs/h1-heads-gpt2-medium.json configs/h5-pairs-gpt2-medium.json
# Once more, it goes on with the first that is not complete.
set -eu
[ $# -ge 2 ] || { sed -n '2,3s/^# *//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
shift

job=$(sbatch --parsable --output=%x-%j.log "$here/job.sh" run "$@" --export "$dir")
echo "job ${job%%;*} runs them into $dir"
