#!/bin/bash
# Nothing that is finished is lost, whatever became of its place meanwhile: tests/cli/saving.sh PROGRAM FAILING_FILES.so
# A run waits while its place is changed, behind its first batches. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1") shim=$(realpath "$2") data=$(realpath data)
. tests/support/checks.sh
export ABLTUI_DATA=$data OMP_WAIT_POLICY=passive
mkdir "$scratch/home"
export HOME=$scratch/home TMPDIR=$scratch/home
rows=$(head -4 data/corpora/facts.jsonl)
few='--heads 0:0,1:2 --boot 10 --device cpu'

# whole DIR: a run with everything that its manifest lists.
whole() {
    python3 - "$1" <<'PY'
import hashlib, json, sys
from pathlib import Path
folder = Path(sys.argv[1])
for f in json.loads((folder / "manifest.json").read_text())["files"]:
    found = hashlib.sha256((folder / f["path"]).read_bytes()).hexdigest()
    assert f["sha256"] in (None, found), f["path"]
assert not [p for p in folder.rglob("*") if ".tmp-" in p.name or p.name.startswith(".")]
PY
}
# lacking DIR NUMBER WHY: so many pictures that are not there, for a reason that matches.
lacking() {
    python3 - "$@" <<'PY'
import json, re, sys
from pathlib import Path
lacks = json.loads(Path(sys.argv[1], "manifest.json").read_text())["lacks"]
assert len(lacks) == int(sys.argv[2]) and all(re.search(sys.argv[3], l["why"]) for l in lacks), lacks
assert not [l for l in lacks if Path(sys.argv[1], l["path"]).exists()]
PY
}
# during PLACE COMMAND ARGUMENT…: a run into PLACE, with a command done when it has kept some batches; its status.
during() {
    local place=$1 change=$2 pid i
    shift 2
    "$program" --boot 10 --device cpu --mem 1M --export "$place" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null &
    pid=$!
    for ((i = 0; i < 6000; i++)); do
        [ -e "$place/provenance.json" ] && [ "$(stat -c %s "$place/journal.bin" 2>/dev/null || echo 0)" -gt 5000 ] && break
        kill -0 $pid || break
        sleep 0.01
    done
    kill -STOP $pid
    eval "$change"
    kill -CONT $pid
    wait "$pid"
    status=$?
}
# goes NAME STATUS PATTERN: how that ended, and the one line that says so.
goes() {
    local lines
    lines=$(grep -cE '^(warning: .*(whole|SHA|lacks)|abltui: )' "$scratch/err")
    if [ "$status" = "$2" ] && grep -qE -e "$3" "$scratch/err" && [ "$lines" -le 2 ]; then
        pass "$1"
    else
        fail "$1" "status $status, expected $2 and $3" "$(tail -4 "$scratch/err")"
    fi
}

cd "$scratch/home" || exit 1
during "$scratch/one" "echo mine >'$scratch/one/mine'"
goes a_strangers_file_at_the_end_keeps_the_journal 75 "one/?'? holds 'mine'.*; everything is kept: 'abltui --export $scratch/one --resume' writes it"
holds the_strangers_file_stays grep -q mine "$scratch/one/mine"
refuses and_is_in_the_way 2 "one/?'? holds 'mine'" --boot 10 --device cpu --export "$scratch/one" --resume
rm "$scratch/one/mine"
succeeds without_it_the_run_is_written --boot 10 --device cpu --export "$scratch/one" --resume
holds and_whole whole "$scratch/one"
during "$scratch/two" "mv '$scratch/two' '$scratch/moved'; echo mine >'$scratch/two'"
goes a_strangers_file_in_the_place_sends_the_run_beside 1 "two' is a file.*whole in '$scratch/two-1'"
holds the_run_is_whole_beside_that whole "$scratch/two-1"
mkdir "$scratch/parent"
during "$scratch/parent/three" "rm -r '$scratch/parent'"
goes a_parent_that_is_gone_sends_the_run_here 1 "parent.*whole in './three'"
holds the_run_is_whole_here whole "$scratch/home/three"
mkdir "$scratch/parent"
during ../parent/four "rm -r '$scratch/parent'; echo mine >'$scratch/parent'"
goes a_parent_that_is_a_file_sends_the_run_here 1 "whole in './four'"
holds the_run_is_whole_here_too whole "$scratch/home/four"
mkdir "$scratch/cwd" && cd "$scratch/cwd" || exit 1
during five "rm -r '$scratch/cwd'"
goes a_working_folder_that_is_gone_sends_the_run_home 1 "whole in '$scratch/home/five'"
cd "$scratch/home" || exit 1
holds the_run_is_whole_at_home whole "$scratch/home/five"
[ -z "$(find "$scratch" -name '.*tmp-*')" ] && pass nothing_hidden_stays || fail nothing_hidden_stays

# What standard output does not take.
printf '%s\n' "$rows" >"$scratch/rows.jsonl"
# shellcheck disable=SC2086
"$program" $few --data "$scratch/rows.jsonl" --export - >/dev/full 2>"$scratch/err"
status=$?
goes a_full_standard_output_leaves_a_folder 1 "No space left.*whole in 'runs/"
holds that_folder_is_whole whole "$(ls -d runs/*)"
rm -r runs
# shellcheck disable=SC2086
"$program" $few --data "$scratch/rows.jsonl" --export - 2>"$scratch/err" | true
status=${PIPESTATUS[0]}
goes a_reader_that_is_gone_leaves_a_folder 1 "Broken pipe.*whole in 'runs/"
holds that_folder_is_whole_too whole "$(ls -d runs/*)"
rm -r runs
# shellcheck disable=SC2086
"$program" $few --data "$scratch/rows.jsonl" --json --export "$scratch/json" >/dev/full 2>"$scratch/err"
status=$?
goes json_that_cannot_be_printed_is_an_error 1 "cannot write to standard output: No space"
holds the_folder_beside_it_is_whole whole "$scratch/json"

# A limit on files: SIGXFSZ would end the program.
# Where not even a journal can be kept, nothing is begun.
# shellcheck disable=SC2086
(ulimit -f 0; exec "$program" $few --data "$scratch/rows.jsonl" --export "$scratch/limited" 2>&3) 3>&1 >"$scratch/printed" | cat >"$scratch/err"
status=${PIPESTATUS[0]}
goes a_run_that_cannot_be_kept_is_not_begun 1 "limited/journal.jsonl': File too large"
holds and_nothing_is_left nothing_at "$scratch/limited"
# shellcheck disable=SC2086
(ulimit -f 1; exec "$program" $few --data "$scratch/rows.jsonl" --export "$scratch/limited" >/dev/null 2>"$scratch/err")
status=$?
goes a_file_above_the_limit_is_an_error_with_a_line 1 "File too large"
holds nothing_is_left_of_it nothing_at "$scratch/limited"
# shellcheck disable=SC2086
(ulimit -f 80; exec "$program" $few --data "$scratch/rows.jsonl" --export "$scratch/limited" 2>"$scratch/err")
status=$?
goes a_picture_above_the_limit_costs_the_picture 0 "limited' lacks artifacts/impact_heatmap.svg.*File too large"
holds the_tables_are_whole whole "$scratch/limited"
holds the_list_says_what_lacks lacking "$scratch/limited" 1 'File too large'

# Drawing goes wrong: crash, hang, all memory.
head -c 256 /dev/zero >"$scratch/control"
for way in '1 crash signal.6' '2 hang longer.than' '3 lack_of_memory signal.6'; do
    read -r number name why <<<"$way"
    python3 -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("6i", 0, 0, 0, 0, 0, int(sys.argv[2])))' \
        "$scratch/control" "$number"
    # shellcheck disable=SC2086
    LD_PRELOAD=$shim FAILING_FILES=$scratch/control:/nowhere "$program" $few --data "$scratch/rows.jsonl" \
        --export "$scratch/drawn" 2>"$scratch/err"
    status=$?
    goes "a_${name}_in_drawing_costs_the_pictures" 0 "lacks artifacts/impact_heatmap.svg: .*${why//./ }.* and artifacts/impact_heatmap.png"
    holds "the_tables_are_whole_after_a_$name" whole "$scratch/drawn"
    holds "the_list_says_what_lacks_after_a_$name" lacking "$scratch/drawn" 2 "${why//./ }"
done

# Sets and heads from files.
sets() { printf '# two sets\n\n0:2 + 0:4;\n1:1+1:2  # of layer 1\n' >"$scratch/sets"; }
sets
# shellcheck disable=SC2086
some='--boot 10 --device cpu --controls 2'
succeeds sets_come_from_a_file $some --rows 4 --experiment sets --sets "@$scratch/sets" --export "$scratch/from-file"
succeeds the_same_sets_come_from_an_option $some --rows 4 --experiment sets --sets '0:2+0:4;1:1+1:2' --export "$scratch/from-option"
holds they_are_the_same_run diff "$scratch/from-file/metrics/group_impact.csv" "$scratch/from-option/metrics/group_impact.csv"
sed 's/"sets":"[^"]*"//' "$scratch/from-file/config.json" >"$scratch/config1"
sed 's/"sets":"[^"]*"//' "$scratch/from-option/config.json" >"$scratch/config2"
holds with_the_same_configuration cmp "$scratch/config1" "$scratch/config2"
holds which_says_them_on_a_line grep -q '"sets":"0:2 + 0:4;1:1+1:2"' "$scratch/from-file/config.json"
printf '0:2\n0:99\n' >"$scratch/heads"
refuses a_bad_head_names_its_line 2 "$scratch/heads:2: bad head '0:99'" --rows 4 --heads "@$scratch/heads" --export "$scratch/bad"
refuses a_file_that_is_not_there_is_named 2 "--heads: cannot open '$scratch/none'" --rows 4 --heads "@$scratch/none" --export "$scratch/bad"
printf '0:2+0:4\n1:1+9:2\n' >"$scratch/sets"
refuses a_bad_set_names_its_line 2 "$scratch/sets:2: bad head '9:2'" --rows 4 --experiment sets --sets "@$scratch/sets" --export "$scratch/bad"
printf '9:9\n' >"$scratch/restore"
refuses a_bad_head_to_restore_names_its_line 2 "$scratch/restore:1: bad head" --rows 4 --experiment partial --sets 0:2+0:4 \
    --restore "@$scratch/restore" --export "$scratch/bad"
sets
echo '{"run_name": "listed", "model": {"name": "tiny-gpt2"}, "dataset": {"id": "facts"}, "rows": 4, "boot": 10, "device": "cpu", "battery": "battery.json"}' >"$scratch/run.json"
echo '{"type": "heads_subset_zero", "sets": "@sets"}' >"$scratch/battery.json"
succeeds a_run_file_names_a_file_of_sets run "$scratch/run.json" --export "$scratch/from-run-file"
holds whose_sets_are_run grep -q '1:1+1:2' "$scratch/from-run-file/metrics/group_impact.csv"
for name in -- -x ' '; do
    refuses "no_folder_is_called_${name// /blank}" 2 "(looks like an option|is blank|expected)" --rows 4 --data facts --data logic "--export=$name"
done

# Several conditions: what stood there before does not look whole while it is replaced.
cp "$scratch/rows.jsonl" "$scratch/other.jsonl"
both="--data $scratch/rows.jsonl --data $scratch/other.jsonl"
# shellcheck disable=SC2086
succeeds conditions_are_joined $few $both --export "$scratch/joined"
cp "$scratch/joined/manifest.json" "$scratch/before"
echo mine >"$scratch/joined/rows/mine"
# shellcheck disable=SC2086
"$program" $few $both --export "$scratch/joined" --data "$scratch/none.jsonl" >"$scratch/out" 2>"$scratch/err"
holds a_join_that_failed_looks_not_whole python3 - "$scratch/joined" <<'PY'
import hashlib, json, sys
from pathlib import Path
folder = Path(sys.argv[1])
if (folder / "manifest.json").exists():
    for f in json.loads((folder / "manifest.json").read_text())["files"]:
        assert hashlib.sha256((folder / f["path"]).read_bytes()).hexdigest() == f["sha256"], f["path"]
assert (folder / "rows" / "mine").exists() and (folder / "other" / "manifest.json").exists()
PY
rm "$scratch/joined/rows/mine"
# shellcheck disable=SC2086
succeeds and_is_joined_again_later $few $both --export "$scratch/joined"
holds with_all_of_its_files cmp "$scratch/before" "$scratch/joined/manifest.json"
finish
