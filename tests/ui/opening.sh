#!/bin/bash
# Runs in folders shown in the explorer: tests/ui/opening.sh PROGRAM. What is drawn of a run that was read is what is drawn of the
# same run while its model is loaded; what its files do not have comes from its model. Prints a line a check; exit status 0 only
# if all pass.
set -u
program=$(realpath "$1")
data=$(realpath data)
. tests/support/checks.sh
server=abltui-opening-$$
tmux_() { tmux -L "$server" -f /dev/null "$@"; }
trap 'tmux_ kill-server 2>/dev/null; chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
export OMP_WAIT_POLICY=passive ABLTUI_DATA=$data
few='--boot 10 --device cpu --rows 12'
cd "$scratch" || exit 1

# shot FILE ARGUMENT…: the screen, but for how long it took and what no table says.
shot() {
    local to=$1
    shift
    "$program" "$@" --screenshot "$to" --size 80x24 >err 2>&1 || { cat err; return 1; }
    sed -i -E '/^ done /d; s/ · (value )?bias folded *$//; s/(recovery +[-+.0-9e]+) \[.*/\1/; s/ +$//' "$to"
}
same_screen() {
    local name=$1
    shift
    shot "$name-live.txt" $few "$@" && shot "$name-read.txt" "./$name" || return 1
    # the tables' q is over shams, too, which are in no grid
    [ "$name" != patch ] || sed -i -E 's/(\] +)[01]\.[0-9]{4}│/\1│/' patch-live.txt patch-read.txt
    diff "$name-live.txt" "$name-read.txt"
}
while read -r name arguments; do
    # shellcheck disable=SC2086
    succeeds "${name}_runs" $few $arguments --quiet --export "$name"
    # shellcheck disable=SC2086
    holds "${name}_looks_as_if_it_were_computed" same_screen "$name" $arguments
done <<'RUNS'
heads --data facts
logic --data logic --metric entropy --layers 1-2
kinds --data facts --ablate zero,mean
scale --data facts --ablate scale=0.5
full --data facts --span full
patch --experiment patch --patch-site z --layers 0-1
places --experiment patch --patch-site resid_pre,mlp_out --positions=-1,END
lens --experiment lens
ov --experiment ov --top-k 60
attn --experiment attn --heads 0:*
RUNS

# In a terminal, where neither model nor data are.
screen() { tmux_ capture-pane -p -t s 2>/dev/null; }
start() {
    local where=$1
    shift
    tmux_ kill-server 2>/dev/null
    server=$server+
    tmux_ new-session -d -s s -x 100 -y 30 "env LC_ALL=C.UTF-8 TERM=screen-256color ABLTUI_DATA='$where' bash --norc --noprofile"
    tmux_ send-keys -t s "cd '$scratch'; clear; '$program' --device cpu $*; echo status \$?" Enter
}
keys() { tmux_ send-keys -t s "$@"; }
shows() {
    local i
    for ((i = 0; i < 400; i++)); do
        screen | grep -qE -e "$1" && return 0
        sleep 0.05
    done
    return 1
}
expect() { if shows "$2"; then pass "$1"; else fail "$1" "never showed: $2" "$(screen)"; fi; }

sed -i "s#$data#/nowhere#g" heads/provenance.json
start /nowhere ./heads
expect a_run_is_shown_without_its_model '^ done 32 heads'
expect with_its_intervals 'CI/cell'
keys v
expect metrics_are_listed 'divergence of the prediction'
keys Escape ':metric kl' Enter
expect another_metric_is_in_its_tables ' · kl · '
keys 8
expect rows_are_those_of_its_tables 'facts-00'
keys 6
expect what_only_the_model_knows_names_the_model 'model.*nowhere|nowhere.*model'
keys :'open ./kinds' Enter
expect another_run_is_opened 'zero, 1 of 2'
keys m
expect its_other_kind_is_shown 'mean, 2 of 2'
keys :'open nothing' Enter
expect what_is_no_run_is_said "'nothing' holds no run"
keys q
expect it_ends '^status 0'

# With its model: what is asked for more.
start "$data" ./logic
expect a_run_is_shown '^ done 16 heads'
keys Space l Space 2
expect two_heads_are_ablated_at_once '^.*joint +[-+0-9.]'
expect its_model_is_loaded_for_that 'loaded tiny-gpt2 on cpu'
keys 3
expect the_run_stays_what_is_shown '^ done 16 heads'
keys e Enter
expect an_export_says_where_it_lies "lies in './logic' already"
keys a
expect another_ablation_runs_anew 'scale 0.5'
expect which_takes_its_time '^ done 16 heads'
keys q
expect it_ends_too '^status 0'

# Runs of several conditions, and folders that are called like commands.
"$program" $few --quiet --data facts --data logic --layers 0 --export runs >/dev/null 2>&1
holds a_folder_called_runs_is_opened shot runs.txt ./runs
holds by_its_first_condition grep -q 'facts/train' runs.txt
succeeds which_the_command_lists runs
holds with_its_conditions grep -q '^runs/logic ' "$scratch/out"

start "$data" ./runs ./heads
expect several_are_open 'facts/train.*20|facts/train'
keys ]
expect the_next_is_shown 'logic/train'
keys 9
expect beside_the_one_before 'kept: tiny-gpt2 facts'
keys d
expect their_difference_is_a_heatmap 'minus'
keys [
expect and_back 'facts/train'
keys q
expect it_ends_as_well '^status 0'

# Damaged folders: one line.
refuses no_folder 2 "unknown command 'nothing'" nothing --screenshot x.txt
refuses options_of_the_run_do_nothing 2 '^abltui: --rows does nothing for the run in .*/heads.' ./heads --rows 3
refuses no_run 2 "^abltui: '[^']*' holds no run" . --screenshot x.txt
hostile() { rm -rf bad; cp -r kinds bad; }
while read -r name file script pattern; do
    hostile
    sed -i -E "$script" "bad/$file"
    refuses "$name" 3 "$pattern" ./bad --screenshot x.txt
done <<'CASES'
huge_numbers provenance.json s/"n_layers":.*/"n_layers":1e300,/ "n_layers".*whole.number
hostile_layers provenance.json s/"n_layers":.*/"n_layers":0,/ without.heads
hostile_option config.json s/"seed":0/"seed":"x"/ config.json.*seed
files_are_not_read config.json s/"layers":"all"/"layers":"@\/etc\/passwd"/ names.a.file
no_such_experiment config.json s/"experiment":"heads"/"experiment":"\\u001b[2J"/ experiment
CASES
hostile
head -c 1000 kinds/metrics/head_impact.csv >bad/metrics/head_impact.csv
refuses a_cut_table 3 'head_impact.csv' ./bad --screenshot x.txt
hostile
sed -i -E 's/^"facts",0,"zero",0,0/"facts",0,"zero",4294967295,99999999999999999999/' bad/metrics/head_impact.csv
holds heads_that_the_model_has_not_are_left_out shot bad.txt ./bad
hostile
rm bad/metrics/summary.json
refuses a_missing_summary 3 'summary.json' ./bad --screenshot x.txt
finish
