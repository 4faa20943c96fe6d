#!/bin/bash
# Shards of a run, and their joining: tests/cli/shards.sh PROGRAM. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1")
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$(realpath "${ABLTUI_DATA:-data}")
run='--boot 10 --device cpu --mem 1M --quiet'

same() { diff -r -x provenance.json "$1" "$2"; }
# shards N DIR ARGUMENT…: all of them, one after the other, each into DIR, or into DIR.I where DIR ends in a dot.
shards() {
    local n=$1 dir=$2 i
    shift 2
    for ((i = n; i >= 1; i--)); do
        local to=$dir
        [ "${dir%.}" = "$dir" ] || to=$dir$i
        "$program" "$@" --shard "$i/$n" --export "$to" >"$scratch/out" 2>"$scratch/err" </dev/null || { cat "$scratch/err"; return 1; }
    done
}

# Whatever is run, and in however many shards.
while read -r name n arguments; do
    # shellcheck disable=SC2086
    succeeds "${name}_runs_whole" $run $arguments --export "$scratch/$name"
    # shellcheck disable=SC2086
    holds "${name}_runs_in_$n" shards "$n" "$scratch/$name-s" $run $arguments
    succeeds "${name}_is_joined" merge "$scratch/$name-s" --quiet
    holds "${name}_is_the_same" same "$scratch/$name" "$scratch/$name-s"
done <<'RUNS'
heads 3 --data facts
mean 5 --data logic --ablate mean --rows 40
patch 4 --experiment patch --patch-site z,resid_pre --positions=-1 --rows 30
partial 2 --experiment partial --sets 0:2+0:4+1:1;1:0+2:3 --ablate resample --rows 30
sets 40 --experiment sets --sets 0:0+0:1 --controls 3 --rows 10
span 3 --span full --rows 20 --layers 0-1 --holdout 0.5
sham 2 --experiment sham --rows 10 --layers 0
RUNS
holds its_shards_are_in_the_provenance python3 -c 'import json, sys; w = json.load(open(sys.argv[1]))["workers"]; assert len(w) == 3 and all("--shard" in x["command_line"] for x in w), w' "$scratch/heads-s/provenance.json"
holds nothing_else_is_left [ -z "$(find "$scratch" -name '*journal*' -o -name '*.old' -o -name '.*')" ]

# In folders of their own, from elsewhere; with other memory and threads.
few="$run --data facts --rows 60"
# shellcheck disable=SC2086
{
    succeeds a_run_is_whole $few --export "$scratch/whole"
    holds shards_have_folders_of_their_own shards 4 "$scratch/own." $few
    rm -r "$scratch/own.2"
    refuses a_missing_shard_is_named 2 '^abltui: of 4 shards 2 is missing' merge "$scratch"/own.* --export "$scratch/joined"
    succeeds it_is_run_on_another_machine ${few/--mem 1M/--mem 3M} --threads 1 --shard 2/4 --export "$scratch/own.2"
    refuses several_folders_need_a_place 2 'name it with --export' merge "$scratch"/own.*
    succeeds they_are_joined merge "$scratch"/own.* --export "$scratch/joined" --quiet
    holds which_is_the_same same "$scratch/whole" "$scratch/joined"
    holds and_leaves_the_shards [ -s "$scratch/own.1/journal.1-4.bin" ]
    cp -r "$scratch/own.3" "$scratch/again"
    refuses a_shard_that_is_there_twice_is_named 2 "shard 3 of 4 is in '$scratch/own.3' and in '$scratch/again'" \
        merge "$scratch"/own.* "$scratch/again" --export "$scratch/twice"
    succeeds a_shard_of_another_run $few --seed 3 --shard 3/4 --export "$scratch/other"
    refuses a_foreign_shard_is_named 2 'journal.3-4.jsonl. is another run: its seed is 3, not 0' \
        merge "$scratch/own.1" "$scratch/own.2" "$scratch/other" "$scratch/own.4" --export "$scratch/foreign"
    refuses a_foreign_shard_does_not_share_a_folder 2 'own.1. is another run: its seed is 0, not 3' $few --seed 3 --shard 2/4 --export "$scratch/own.1"
    refuses nor_does_a_whole_run 2 "own.1' holds 'journal.1-4.jsonl', of a run that is cut otherwise" $few --export "$scratch/own.1"
    truncate -s -10 "$scratch/own.4/journal.4-4.bin"
    refuses a_torn_shard_is_named 2 "shard 4 of 4 in '$scratch/own.4' is incomplete, [0-9]+ of [0-9]+ cells: --resume goes on" \
        merge "$scratch"/own.* --export "$scratch/torn"
    succeeds it_goes_on $few --shard 4/4 --resume --export "$scratch/own.4"
    succeeds and_is_joined merge "$scratch"/own.* --export "$scratch/torn" --quiet
    holds to_the_same same "$scratch/whole" "$scratch/torn"
    printf 'x' | dd of="$scratch/own.4/journal.4-4.bin" bs=1 seek=2000 conv=notrunc 2>/dev/null
    refuses a_damaged_one_is_named_too 2 "shard 4 of 4 in '$scratch/own.4' is incomplete" merge "$scratch"/own.* --export "$scratch/damaged"
    mkdir "$scratch/none"
    refuses no_shards_are_told 2 "'$scratch/none' holds no shards" merge "$scratch/none"
    succeeds a_whole_run_has_been_joined merge "$scratch/whole"
    holds which_it_says_too grep -q 'whole is complete: nothing is left to do' "$scratch/err"
    refuses what_is_read_off_the_intact_run_has_no_shards 2 'does nothing for --experiment attn' $run --experiment attn --shard 1/2 --export "$scratch/attn"
    for bad in 0/4 5/4 4 a/b 1/ /2; do
        refuses "no_shard_is_${bad//\//_of_}" 2 "--shard '?$bad|expected a shard" $few --shard "$bad" --export "$scratch/bad"
    done
    refuses one_condition_at_a_time 2 '--shard takes one --data' $run --data facts --data logic --shard 1/2 --export "$scratch/bad"
}

# As Slurm numbers them: --array=3-9:3.
for id in 3 6 9; do
    # shellcheck disable=SC2086
    SLURM_ARRAY_TASK_ID=$id SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_STEP=3 SLURM_ARRAY_TASK_COUNT=3 \
        "$program" $few --shard slurm --export "$scratch/array" >"$scratch/out" 2>"$scratch/err" || fail "task_$id" "$(cat "$scratch/err")"
done
succeeds tasks_of_an_array_are_shards merge "$scratch/array" --quiet
holds and_their_join_is_the_run same "$scratch/whole" "$scratch/array"
# shellcheck disable=SC2086
refuses outside_of_one_it_says_so 2 'SLURM_ARRAY_TASK_ID is not set' $few --shard slurm --export "$scratch/bad"

# Into the place of an earlier run, by several at once.
# shellcheck disable=SC2086
{
    cp -r "$scratch/whole" "$scratch/place"
    for i in 1 2 3; do
        "$program" $few --ablate mean --shard $i/3 --export "$scratch/place" >/dev/null 2>"$scratch/err.$i" &
    done
    wait
    holds the_earlier_run_waits same "$scratch/whole" "$scratch/place.old"
    succeeds the_shards_are_joined_in_its_place merge "$scratch/place" --quiet
    holds and_it_goes nothing_at "$scratch/place.old"
}
finish
