#!/bin/bash
# Runs that stop and go on: tests/cli/resume.sh PROGRAM. Prints a line a check; exit status 0 only if all pass.
# tests/cli/kills.py kills them anywhere; here is what they say, and what lies where.
set -u
program=$(realpath "$1")
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$(realpath "${ABLTUI_DATA:-data}")
every=0,1,2,3,4,5,6,7
few='--boot 10 --device cpu --quiet'
mkdir "$scratch/home"
long="$few --experiment sets --pairs 0:$every;1:$every --triplets 0:$every;1:$every --controls 0 --mem 2M"
short="$few --heads 0:0,1:1 --rows 4"

same() { diff -r -x provenance.json -x manifest.json "$1" "$2"; }
size_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
# amid SIGNAL DIR ARGUMENT…: a run into DIR that gets the signal when it has kept some batches; its status. AT: the folder whose
# journal is looked at, where it is another.
amid() {
    local signal=$1 dir=$2 pid i
    shift 2
    "$program" --export "$dir" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null &
    pid=$!
    for ((i = 0; i < 6000; i++)); do
        [ "$(size_of "${AT:-$dir}/journal.bin")" -gt 12000 ] && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    kill -"$signal" $pid 2>/dev/null
    wait $pid 2>/dev/null
    status=$?
}
# ends NAME STATUS PATTERN: how that ended, and its one line.
ends() {
    if [ "$status" = "$2" ] && [ "$(wc -l <"$scratch/err")" = 1 ] && grep -qE -e "$3" "$scratch/err"; then
        pass "$1"
    else
        fail "$1" "status $status, expected $2 and one line: $3" "$(cat "$scratch/err")"
    fi
}
folder_goes_on() { (cd "$1" && [ -s journal.bin ] && [ -s journal.jsonl ] && [ -s config.json ] && [ -s provenance.json ] && [ ! -e manifest.json ]); }

# shellcheck disable=SC2086
succeeds an_undisturbed_run_ends $long --export "$scratch/whole"
for case in 'TERM 75' 'HUP 75' 'USR1 75' 'INT 130'; do
    read -r signal want <<<"$case"
    # shellcheck disable=SC2086
    amid "$signal" "$scratch/$signal" $long
    ends "sig${signal}_stops_with_status_$want" "$want" "^abltui: stopped by SIG$signal after [0-9]+ of 30912 cells: 'abltui --export $scratch/$signal --resume' goes on$"
    holds "sig${signal}_leaves_a_journal" folder_goes_on "$scratch/$signal"
done
# shellcheck disable=SC2086
{
    refuses an_incomplete_run_is_not_begun_anew 2 "TERM' is an incomplete run, [0-9]+ of 30912 cells: --resume goes on" $long --export "$scratch/TERM"
    refuses another_seed_does_not_go_on 2 "TERM' is another run: its seed is 0, not 7;" $long --seed 7 --resume --export "$scratch/TERM"
    refuses other_rows_do_not_go_on 2 "TERM' is another run: its rows is null, not 9;" $long --rows 9 --resume --export "$scratch/TERM"
    refuses another_ablation_does_not_go_on 2 'TERM. is another run: its ablate is "zero", not "mean";' $long --ablate mean --resume --export "$scratch/TERM"
    succeeds with_other_threads_and_memory_it_does $long --resume --threads 1 --export "$scratch/TERM"
    holds and_makes_the_same_bytes same "$scratch/whole" "$scratch/TERM"
    holds workers_are_in_the_provenance python3 -c 'import json, sys; w = json.load(open(sys.argv[1]))["workers"]; assert len(w) == 2 and w[0]["host_cpu"], w' "$scratch/TERM/provenance.json"
    succeeds a_complete_one_has_nothing_left_to_do ${long/--quiet/} --resume --export "$scratch/TERM"
    holds which_it_says grep -q 'TERM is complete: nothing is left to do' "$scratch/err"
    refuses but_not_as_another_run 2 "TERM' is another run: its seed is 0, not 7;" $long --seed 7 --resume --export "$scratch/TERM"
    succeeds a_run_that_was_never_begun_begins $short --resume --export "$scratch/new"
    refuses resume_needs_a_folder 2 '--resume needs --export DIR' $short --resume
    refuses standard_output_does_not_go_on 2 '--resume needs --export DIR' $short --resume --export -
}

# Two at once.
# shellcheck disable=SC2086
"$program" --export "$scratch/twice" $long >/dev/null 2>&1 </dev/null &
pid=$!
for ((i = 0; i < 6000; i++)); do [ "$(size_of "$scratch/twice/journal.bin")" -gt 9000 ] && break; sleep 0.01; done
# shellcheck disable=SC2086
refuses a_second_run_into_one_folder_is_told 2 "twice' is being written by another process" $long --resume --export "$scratch/twice"
kill -KILL $pid
wait $pid 2>/dev/null

# What stood there before.
# shellcheck disable=SC2086
{
    succeeds an_earlier_run_is_there $short --export "$scratch/earlier"
    cp -r "$scratch/earlier" "$scratch/copy"
    amid KILL "$scratch/earlier" $long
    holds an_earlier_run_waits_beside same "$scratch/copy" "$scratch/earlier.old"
    succeeds the_new_one_goes_on $long --resume --export "$scratch/earlier"
    holds and_the_earlier_one_goes nothing_at "$scratch/earlier.old"
    holds as_the_new_one_is_whole same "$scratch/whole" "$scratch/earlier"
    rm -r "$scratch/earlier"
    cp -r "$scratch/copy" "$scratch/earlier"
    mkdir "$scratch/earlier.old"
    echo mine >"$scratch/earlier.old/mine"
    refuses what_is_not_ours_is_not_moved_for_it 2 "earlier.old' is in the way" $long --export "$scratch/earlier"
    holds and_stays grep -q mine "$scratch/earlier.old/mine"
    holds as_does_the_earlier_run same "$scratch/copy" "$scratch/earlier"
}
# A run that fails before anything is kept: the device takes no such memory.
(ulimit -f 2; exec "$program" $long --export "$scratch/copy" >"$scratch/out" 2>"$scratch/err")
status=$?
[ $status = 1 ] || [ $status = 75 ] && pass a_full_disk_ends_it || fail a_full_disk_ends_it "status $status" "$(cat "$scratch/err")"
holds with_a_line grep -qE '^abltui: cannot write .*File too large' "$scratch/err"
echo torn >>"$scratch/USR1/journal.bin"
# shellcheck disable=SC2086
succeeds what_is_torn_is_dropped $long --resume --export "$scratch/USR1"
holds and_made_again same "$scratch/whole" "$scratch/USR1"

# Several conditions, and a run file.
both="$few --data facts --data logic --experiment sets --pairs 0:$every;1:$every --triplets 0:$every --controls 0 --mem 2M --rows 60"
# shellcheck disable=SC2086
{
    succeeds conditions_run $both --export "$scratch/joint"
    AT=$scratch/stopped/logic amid TERM "$scratch/stopped" $both
    ends a_joint_run_stops 75 "stopped by SIGTERM after .*: 'abltui --export $scratch/stopped/logic --resume' goes on"
    holds its_first_condition_is_whole same "$scratch/joint/facts" "$scratch/stopped/facts"
    holds it_is_not_whole_itself nothing_at "$scratch/stopped/manifest.json"
    touch -d '2001-01-01' "$scratch/stopped/facts/metrics/rows.csv"
    succeeds it_goes_on $both --resume --export "$scratch/stopped"
    holds with_the_same_bytes same "$scratch/joint" "$scratch/stopped"
    holds and_what_was_whole_stays [ "$(stat -c %Y "$scratch/stopped/facts/metrics/rows.csv")" -lt 1000000000 ]
}

# Without its options, from elsewhere; what is said now of how it is run goes before what was said then.
# shellcheck disable=SC2086
{
    mkdir "$scratch/work"
    (cd "$scratch/work" && amid TERM alone $long --stop-after 1h; echo "$status" >"$scratch/status")
    holds it_was_stopped grep -qx 75 "$scratch/status"
    # a limit of then, here one that is no longer read at all
    sed -i '1s/"1h"/"no"/' "$scratch/work/alone/journal.jsonl"
    succeeds it_takes_its_options_from_the_folder --export "$scratch/work/alone" --resume --threads 1
    holds and_is_the_same_run same "$scratch/whole" "$scratch/work/alone"
    AT=$scratch/work/joint/logic amid TERM "$scratch/work/joint" $both
    succeeds so_does_a_joint_run --export "$scratch/work/joint" --resume --quiet
    holds which_is_the_same same "$scratch/joint" "$scratch/work/joint"
    succeeds and_of_what_is_complete_nothing_is_left --export "$scratch/work/joint" --resume
    refuses where_nothing_is_it_says_so 2 'there is no run to go on with' --export "$scratch/none" --resume
    refuses nor_is_an_empty_folder_a_run 2 'holds no run to go on with' --export "$scratch/home" --resume
}

# By itself.
# shellcheck disable=SC2086
"$program" $few --data facts --split all --experiment sets --pairs "0:$every;1:$every;2:$every;3:$every" \
    --triplets "0:$every;1:$every;2:$every;3:$every" --controls 40 --mem 1M --stop-after 2s --export "$scratch/late" >"$scratch/out" 2>"$scratch/err"
status=$?
ends a_run_ends_by_itself 75 'stopped by --stop-after after [0-9]+ of [0-9]+ cells|stopped amid a batch|stopped by --stop-after before'
finish
