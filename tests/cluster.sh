#!/bin/bash
# A run on a cluster: tests/cluster.sh PROGRAM. Starts Debian's slurmctld, slurmd and munged on the loopback interface, with
# one node and everything that they keep in a scratch folder, submits what configs/slurm holds, interrupts a task, kills
# another, and compares what is joined with the run in one piece. Prints a line a check; exit status 0 only if all pass.
# Skipped where the packages (slurm-wlm, munge) are not there or do not start.
set -u
program=$(realpath "$1")
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$(realpath "${ABLTUI_DATA:-data}") ABLTUI=$program
scripts=$PWD/configs/slurm
every=0,1,2,3,4,5,6,7
options=(--boot 10 --device cpu --quiet --data facts --mem 1M --experiment sets --controls 2
    --pairs "0:$every;1:$every;2:$every" --triplets "0:$every;1:$every;2:$every")
same() { diff -r -x provenance.json "$1" "$2"; }

# In turns, as a plain loop and GNU parallel have it.
few=(--boot 10 --device cpu --quiet --rows 8 --layers 0)
succeeds a_small_run_is_whole "${few[@]}" --export "$scratch/few"
for way in loop parallel; do
    if [ $way = parallel ] && ! command -v parallel >/dev/null; then
        skip "shards_by_$way" 'GNU parallel is not installed'
        continue
    fi
    holds "shards_by_$way" "$scripts/$way.sh" "$scratch/by $way" 3 "${few[@]}"
    holds "are_joined_by_$way" same "$scratch/few" "$scratch/by $way"
    holds "and_once_more_by_$way" "$scripts/$way.sh" "$scratch/by $way" 3 "${few[@]}"
done

for command in munged slurmctld slurmd sbatch; do
    PATH=$PATH:/usr/sbin command -v $command >/dev/null && continue
    skip slurm "$command is not installed (packages slurm-wlm, munge)"
    finish
    exit
done
PATH=$PATH:/usr/sbin

# ------------------------------------------------------------------------------------- the cluster

cluster=$scratch/cluster
daemons=()
stop() {
    scancel --quiet --user "$(id -un)" 2>/dev/null
    for ((i = 0; i < 50; i++)); do [ -z "$(squeue -h 2>/dev/null)" ] && break; sleep 0.2; done
    for ((i = ${#daemons[@]}; i-- > 0;)); do kill "${daemons[$i]}"; wait "${daemons[$i]}"; done 2>/dev/null
    chmod -R u+w "$scratch"
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
begin() {
    "$@" >>"$cluster/log" 2>&1 </dev/null &
    daemons+=($!)
}
chmod 711 "$scratch"
mkdir -p "$cluster/state" "$cluster/spool"
(umask 077 && head -c 1024 /dev/urandom >"$cluster/key")
host=$(hostname -s) me=$(id -un)
cat >"$cluster/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=$me
SlurmdUser=$me
AuthInfo=socket=$cluster/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=2
PartitionName=all Nodes=ALL Default=YES OverSubscribe=FORCE:8 State=UP
CONF
export SLURM_CONF=$cluster/slurm.conf
begin munged --foreground --force --key-file="$cluster/key" --socket="$cluster/munge" --pid-file="$cluster/munged.pid" \
    --log-file="$cluster/munged.log" --seed-file="$cluster/munged.seed"
for ((i = 0; i < 50; i++)); do [ -S "$cluster/munge" ] && break; sleep 0.1; done
begin slurmctld -D
begin slurmd -D -N "$host"
for ((i = 0; i < 150; i++)); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && break
    sleep 0.2
done
if [ "$(sinfo -h -o %t 2>/dev/null)" != idle ]; then
    skip slurm "it does not start: $(grep -h 'error\|fatal' "$cluster/log" | tail -1)"
    finish
    exit
fi

# --------------------------------------------------------------------------------------- the array

cd "$scratch" || exit 1
size_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
# until_true SECONDS COMMAND…: false where it does not become so.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}
state_is() { scontrol -o show job "$1" 2>/dev/null | grep -q "JobState=$2 "; }
has_restarted() { scontrol -o show job "$1" | grep -q 'Restarts=1 '; }
has_some() { [ "$(size_of "run/journal.$1-8.bin")" -gt 9000 ]; }
# Slurm lets what is requeued wait for two minutes.
at_once() {
    state_is "$1" 'RUNNING\|JobState=COMPLETED' && return
    state_is "$1" PENDING && scontrol update JobId="$1" StartTime=now
    sleep 3
    false
} 2>/dev/null
# The program of a task, a child of its script.
program_of() { grep -lzx "SLURM_ARRAY_TASK_ID=$1" $(grep -lzx "SLURM_ARRAY_JOB_ID=$array" /proc/[0-9]*/environ 2>/dev/null) 2>/dev/null |
    while IFS=/ read -r _ _ pid _; do [ "$(cat "/proc/$pid/comm")" = abltui ] && echo "$pid"; done; }

succeeds the_run_in_one_piece "${options[@]}" --export "$scratch/whole"
holds an_array_is_submitted "$scripts/array.sh" run 8 "${options[@]}"
array=$(sed -E 's/^job ([0-9]+) .*/\1/' "$scratch/held") merge=$(sed -E 's/.* job ([0-9]+) joins.*/\1/' "$scratch/held")

amid_their_work() { has_some 2 && has_some 3 && has_some 5 && has_some 7; }
holds tasks_are_amid_their_work until_true 300 amid_their_work
scancel --signal=USR1 --batch "${array}_2"
scontrol requeue "${array}_3"
kill -KILL $(program_of 5)
scancel "${array}_7"
holds what_is_out_of_time_is_requeued until_true 300 state_is "${array}_2" PENDING
holds having_kept_its_work grep -qE "stopped by SIGUSR1 after [0-9]+ of [0-9]+ cells" "abltui-${array}_2.log"
holds it_goes_on_in_another_turn until_true 600 at_once "${array}_2"
holds which_slurm_counts has_restarted "${array}_2"
holds one_is_requeued_by_hand until_true 300 has_restarted "${array}_3"
holds having_kept_its_work_too grep -qE "stopped by SIGTERM after [0-9]+ of [0-9]+ cells" "abltui-${array}_3.log"
holds it_goes_on_too until_true 600 at_once "${array}_3"
holds one_that_is_killed_has_failed until_true 300 state_is "${array}_5" FAILED
scontrol requeue "${array}_5"
holds it_is_requeued until_true 600 at_once "${array}_5"
holds one_that_is_cancelled_stays_so until_true 300 state_is "${array}_7" CANCELLED
all_ended() { [ -z "$(squeue -h -j "$array" 2>/dev/null)" ]; }
holds the_others_end until_true 600 all_ended
holds without_it_nothing_is_joined nothing_at run/manifest.json
scancel "$merge"
holds the_array_is_submitted_once_more "$scripts/array.sh" run 8 "${options[@]}"
merge=$(sed -E 's/.* job ([0-9]+) joins.*/\1/' "$scratch/held")
holds and_joined until_true 600 state_is "$merge" COMPLETED
holds to_the_same_bytes same whole run
holds each_turn_is_in_the_provenance python3 -c 'import json, sys; w = json.load(open("run/provenance.json"))["workers"]; assert len(w) > 8, w'

# ------------------------------------------------------------------------------------- the battery

battery=("$OLDPWD"/configs/{h1-heads,lens}-tiny-gpt2.json --rows 12 --boot 10 --device cpu --quiet)
succeeds a_battery_is_whole run "${battery[@]}" --export "$scratch/battery"
holds it_is_submitted "$scripts/battery.sh" runs "${battery[@]}"
job=$(sed -E 's/^job ([0-9]+) .*/\1/' "$scratch/held")
holds and_done until_true 300 state_is "$job" COMPLETED
same_battery() { diff -r -x provenance.json -x manifest.json battery runs; }
holds to_the_same_files same_battery
finish
