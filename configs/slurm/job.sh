#!/bin/bash
#SBATCH --job-name=abltui
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log
# A run, or a shard of one, in as many turns as the time limit makes of it: sbatch [OPTION…] job.sh ARGUMENT…
# array.sh and battery.sh submit it. ABLTUI names another program than the one on PATH, ABLTUI_TURNS the turns after which
# something else than time must be the matter.
#
# Slurm's signals come to this shell alone, whose traps run while it waits, not while a program is in the foreground: two
# minutes before the time limit USR1, when somebody ends the job TERM. Both go on to the run, which keeps what is finished
# and ends with status 75.

"${ABLTUI:-abltui}" "$@" --resume --threads "${SLURM_CPUS_PER_TASK:-1}" &
run=$! is_ended=
trap 'kill -USR1 $run 2>/dev/null' USR1
trap 'kill -TERM $run 2>/dev/null; is_ended=1' TERM
while kill -0 $run 2>/dev/null; do
    wait $run # until it ends or a signal has come
done
wait $run
status=$?

# Whoever ends a job (scancel, preemption, a node's end) says whether it is to go on.
[ $status = 75 ] && [ ! "$is_ended" ] || exit $status
if [ "${SLURM_RESTART_COUNT:-0}" -ge "${ABLTUI_TURNS:-100}" ]; then
    echo "not done after $SLURM_RESTART_COUNT turns: 'scontrol requeue $SLURM_JOB_ID' goes on" >&2
    exit $status
fi
scontrol requeue "$SLURM_JOB_ID"
