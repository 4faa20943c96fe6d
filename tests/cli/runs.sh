#!/bin/bash
# What lies in a folder of runs, and who reads runs that are incomplete: tests/cli/runs.sh PROGRAM STRICT_JSON. Prints a line a
# check; exit status 0 only if all pass.
set -u
program=$(realpath "$1")
strict=$(realpath "$2")
. tests/support/checks.sh
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$(realpath "${ABLTUI_DATA:-data}")
few='--boot 10 --device cpu --quiet --rows 10'
r=$scratch/runs
mkdir "$r"

# list: the runs of $r, without the times.
list() { "$program" runs "$r" </dev/null | sed -E 's/ +[0-9-]{10} [0-9:]{5}$//; s/ +$//; s/  +/|/g'; }
# says LINE…: the list has exactly these lines, in any order.
says() { diff <(printf '%s\n' "$@" | sort) <(list | tail -n +2 | sed "s#^$r/##" | sort); }

succeeds nothing_is_there runs "$r"
holds which_is_said grep -q "^no runs in '$r': " "$scratch/err"
refuses no_folder_is_named 2 "^abltui: '$r/nope' is no folder" runs "$r/nope"
(cd "$scratch" && "$program" runs 2>&1 >/dev/null) | grep -q "^no runs in 'runs'" && pass the_default_is_runs || fail the_default_is_runs

# shellcheck disable=SC2086
{
    succeeds a_run $few --export "$r/whole"
    succeeds a_shard $few --experiment patch --layers 0 --patch-site z --shard 1/2 --export "$r/shards"
    succeeds two_conditions $few --data facts --data logic --layers 0 --export "$r/joint"
}
done=$("$program" runs "$r" --json | python3 -c 'import json, sys; print([x["done"] for x in json.load(sys.stdin)["runs"] if x["run"].endswith("shards")][0])')
holds a_shard_has_some_of_the_cells [ "$done" -gt 0 ]
holds all_are_listed says 'whole|complete|tiny-gpt2|facts|heads|320/320' \
    'joint|complete|tiny-gpt2|facts,logic|heads|160/160' 'joint/facts|complete|tiny-gpt2|facts|heads|80/80' \
    'joint/logic|complete|tiny-gpt2|logic|heads|80/80' "shards|incomplete|tiny-gpt2|facts|patch|$done/90"
holds a_joint_run_stands_before_its_own bash -c '[ "$("$1" runs "$2" | grep -n -o "joint[^ ]*" | tr "\n" " ")" = "2:joint 3:joint/facts 4:joint/logic " ]' - "$program" "$r"
"$program" runs "$r" --json >"$scratch/json"
holds it_is_strict_json "$strict" "$scratch/json"
holds a_run_alone_is_listed bash -c '[ "$("$1" runs "$2/whole" | wc -l)" = 2 ]' - "$program" "$r"

# Who holds a journal is at work.
if command -v flock >/dev/null; then
    flock "$r/shards/journal.1-2.jsonl" sleep 60 &
    holder=$!
    until grep -q . "/proc/$holder/task/$holder/children" 2>/dev/null; do sleep 0.05; done
    holds a_run_that_is_written_is_running bash -c '"$1" runs "$2" | grep -q "shards *running"' - "$program" "$r"
    kill $(cat "/proc/$holder/task/$holder/children")
    wait $holder 2>/dev/null
else
    skip a_run_that_is_written_is_running 'flock is not installed'
fi

# Nobody takes an incomplete run for a whole one.
while read -r name arguments; do
    # shellcheck disable=SC2086
    refuses "${name}_says_incomplete" 3 "^abltui: '[^']*shards' is incomplete, $done of 90 cells: " $arguments
done <<RUNS
rebuild rebuild $r/whole $r/shards --export $scratch/joined
lab_tables lab-tables $r/shards --out $scratch/lab
compare compare $r/shards $r/whole
cluster cluster $r/shards
RUNS
holds nothing_is_written nothing_at "$scratch/joined"
mkdir "$scratch/begun" && cp -r "$r/shards" "$scratch/begun/facts"
refuses a_condition_of_a_joint_run_says_so 3 "begun/facts' is incomplete, $done of 90" rebuild "$scratch/begun" --export "$scratch/joined"

# Folders of others, and damaged ones: a line each, whatever is in them.
rm -rf "${r:?}"/{joint,shards}
hostile() { mkdir "$r/$1"; cp -r "$r/whole/." "$r/$1"; }
hostile cut && head -c 300 "$r/whole/config.json" >"$r/cut/config.json"
hostile huge && sed -i -E 's/"n_variants":.*/"n_variants": 1e300,/' "$r/huge/metrics/summary.json"
hostile most && sed -i -E 's/"n_rows":.*/"n_rows": 4294967295,/; s/"n_variants":.*/"n_variants": 4294967295,/' "$r/most/metrics/summary.json"
hostile named && sed -i 's/"model":"tiny-gpt2"/"model":"\\u001b[2Jtwo\\nlines\\u202e"/' "$r/named/config.json"
hostile fifo && rm "$r/fifo/metrics/summary.json" && mkfifo "$r/fifo/metrics/summary.json"
mkdir "$r/theirs" && echo '{"model": "gpt2"}' >"$r/theirs/config.json"
mkdir "$r/counts" && printf '{"schema":"abltui.journal/1","n_variants":99999999999,"n_prompts":99999999999,"n_rows":1,"config":{}}\n' >"$r/counts/journal.jsonl"
: >"$r/counts/journal.bin"
mkdir "$r/torn" && printf '{"schema":"abltui.jour' >"$r/torn/journal.jsonl"
holds damaged_ones_have_a_line_each says 'whole|complete|tiny-gpt2|facts|heads|320/320' \
    "$(list | grep "^$r/cut|unreadable|'$r/cut/config.json'" | sed "s#^$r/##")" \
    "huge|unreadable|'$r/huge/metrics/summary.json': \"n_variants\" is something else: expected a whole number" \
    "$(list | grep "^$r/most|unreadable|.*no run has these" | sed "s#^$r/##")" \
    'named|complete|\u001b[2Jtwo\nlines\u202e|facts|heads|320/320' \
    "$(list | grep "^$r/fifo|unreadable|.*summary.json" | sed "s#^$r/##")" \
    "counts|unreadable|the journal in '$r/counts' is of 99999999999 variants and 99999999999 prompts: no run has these" \
    'torn|incomplete|-'
finish
