#!/bin/bash
# The explorer driven by keys in a real terminal (tmux): tests/ui/explorer.sh PROGRAM
# A step ends when the screen shows what it waits for. Prints a line a check; exit status 0 only if all pass.
set -u
program=$(realpath "$1")
data=$(realpath data)
scratch=$(mktemp -d)
server=0 # each start has a server of its own: one that is being killed takes no new session
tmux_() { tmux -L "abltui-test-$$-$server" -f /dev/null "$@"; }
trap 'tmux_ kill-server 2>/dev/null; rm -rf "$scratch"' EXIT
passed=0 failed=0
pass() { echo "[  PASSED  ] $1"; passed=$((passed + 1)); }
fail() { echo "[  FAILED  ] $1: ${2:-}"; screen | sed 's/^/    |/'; failed=$((failed + 1)); }
screen() { tmux_ capture-pane -p -t s 2>/dev/null; }

# start WIDTH HEIGHT [ARGUMENT…]: the explorer in a shell, so that what it leaves behind can be seen. settings: of its
# environment.
settings=
start() {
    local width=$1 height=$2
    shift 2
    tmux_ kill-server 2>/dev/null
    server=$((server + 1))
    tmux_ new-session -d -s s -x "$width" -y "$height" "env PS1='shell> ' LC_ALL=C.UTF-8 TERM=screen-256color ABLTUI_DATA='$data' $settings bash --norc --noprofile"
    tmux_ send-keys -t s "cd '$scratch'; rm -f after; stty -a | tail -n +2 >before; clear; sh -c 'echo \$\$ >pid; exec \"\$0\" \"\$@\"' '$program' --device cpu --seed 1 $*; echo status \$?; stty -a | tail -n +2 >after" Enter
}
keys() { tmux_ send-keys -t s "$@"; }

# shows PATTERN: wait until the screen matches; false after a minute, for other suites run beside this one.
shows() {
    local i
    for ((i = 0; i < 1200; i++)); do
        screen | grep -qE -e "$1" && return 0
        sleep 0.05
    done
    return 1
}
# hides PATTERN: wait until it is gone.
hides() {
    local i
    for ((i = 0; i < 1200; i++)); do
        screen | grep -qE -e "$1" || return 0
        sleep 0.05
    done
    return 1
}
expect() { if shows "$2"; then pass "$1"; else fail "$1" "never showed: $2"; fi; }
ended() { expect "$1" '^status 0'; }
# sane NAME: the terminal's settings are what they were.
sane() {
    local i
    for ((i = 0; i < 1200; i++)); do
        cmp -s "$scratch/before" "$scratch/after" && { pass "$1"; return; }
        sleep 0.05
    done
    fail "$1" "$(diff "$scratch/before" "$scratch/after")"
}

for size in 80x24 160x50; do
    start "${size%x*}" "${size#*x}" --data facts
    expect "heatmap_fills_at_$size" 'done 32 heads'
    if screen | grep -qE '^ *L0 ' && screen | grep -qE '^ *L3 ' && ! screen | grep -E '^ *L[0-3] ' | grep -q '·'; then
        pass "every_layer_has_its_cells_at_$size"
    else
        fail "every_layer_has_its_cells_at_$size"
    fi
    keys 4
    expect "the_log_says_where_time_went_at_$size" 'time: [0-9.]+ s: matmul [0-9]+ %,'
    keys 2 1
    keys g Home Right Right
    expect "arrows_move_to_another_head_at_$size" 'layer 0 +head 2'
    keys Space j Space
    expect "two_marks_show_joint_at_$size" 'joint +[-+0-9.]+'
    expect "two_marks_show_the_sum_of_singles_at_$size" 'sum singles +[-+0-9.]+'
    expect "two_marks_show_the_interaction_at_$size" 'interaction +[-+0-9.]+'
    keys u
    if hides 'interaction'; then pass "undo_takes_a_mark_back_at_$size"; else fail "undo_takes_a_mark_back_at_$size"; fi
    keys s
    expect "scale_prompt_opens_at_$size" '[Ss]cale'
    keys C-u 0.5 Enter
    expect "scale_is_in_the_header_at_$size" 'abltui .* scale 0.5'
    expect "scaled_sweep_finishes_at_$size" 'done 32 heads'
    keys z
    expect "zero_is_one_key_away_at_$size" 'abltui .* zero '
    keys '?'
    expect "help_explains_the_keys_at_$size" 'mark'
    keys Escape
    keys C
    expect "condition_picker_lists_them_at_$size" 'counterfactual'
    keys Escape
    keys M
    expect "model_picker_lists_the_bundled_model_at_$size" 'tiny-gpt2'
    keys Escape
    keys D
    expect "device_picker_lists_the_cpu_at_$size" 'a GPU where there is one'
    keys Escape q
    ended "q_leaves_with_status_0_at_$size"
    sane "the_terminal_is_as_before_at_$size"
done

start 80 24 --data facts
shows 'done 32 heads'
keys ':' 'data logic' Enter
expect condition_changes_by_command 'logic/train'
expect sweep_of_the_new_condition_finishes 'done 32 heads'
keys e
shows '[Ee]xport'
keys C-u out Enter
expect export_says_where 'out'
for ((i = 0; i < 1200; i++)); do [ -s "$scratch/out/manifest.json" ] && break; sleep 0.05; done
if [ -s "$scratch/out/manifest.json" ]; then pass export_writes_the_run_directory; else fail export_writes_the_run_directory; fi
keys ':' 'screenshot shot.svg' Enter
expect screenshot_says_where 'shot.svg'
if [ -s "$scratch/shot.svg" ]; then pass screenshot_is_written; else fail screenshot_is_written; fi
# places NAME TYPED PATTERN: what the export prompt says to a name.
places() {
    keys e
    shows '[Ee]xport into folder'
    keys C-u
    keys -l -- "$2"
    keys Enter
    expect "$1" "$3"
}
settings="HOME=$scratch/home" && mkdir "$scratch/home"
keys q
start 100 24 --data facts --rows 4 --heads 0:0
settings=
shows 'done'
places a_tilde_is_the_home '~/at-home' 'exported .*/home/at-home'
if [ -s "$scratch/home/at-home/manifest.json" ]; then pass the_home_holds_the_run; else fail the_home_holds_the_run; fi
places a_dash_is_no_folder - "'-' looks like an option"
places two_dashes_are_no_folder -- "'--' looks like an option"
places an_option_is_no_folder --json "'--json' looks like an option"
places blanks_are_no_folder '   ' 'is blank'
places anothers_home_is_not_guessed '~nobody/x' 'write the path'
if [ -z "$(ls -d "$scratch"/-* "$scratch"/\ * "$scratch"/'~'* 2>/dev/null)" ]; then pass none_of_them_is_made; else fail none_of_them_is_made; fi

# Every experiment from a cold start, by keys alone; what `e` writes is what --export writes.
# same NAME EXPORTED ARGUMENT…: tables and configuration are those of the headless run.
same() {
    local name=$1 from=$2 why=
    shift 2
    for ((i = 0; i < 1200; i++)); do [ -s "$scratch/$from/manifest.json" ] && break; sleep 0.05; done
    if ! ABLTUI_DATA=$data "$program" --device cpu --seed 1 --data facts --rows 12 --export "$scratch/$from-headless" --quiet "$@" \
        >"$scratch/why" 2>&1; then
        why=$(cat "$scratch/why")
    else
        why=$(diff -r -x provenance.json "$scratch/$from" "$scratch/$from-headless" 2>&1 | head -5)
    fi
    if [ -z "$why" ]; then pass "$name"; else fail "$name" "$why"; fi
}
# picks NAME EXPERIMENT SHOWS: choose it in the picker, wait for what its pane shows when it is done, and export it.
picks() {
    keys E
    shows 'joint ablations'
    keys g
    for ((j = 0; j < $2; j++)); do keys j; done
    keys Enter
    if [ "$1" = heads ]; then # they need no word in the header
        if hides 'abltui .* partial '; then pass heads_are_chosen_by_keys; else fail heads_are_chosen_by_keys; fi
    else
        expect "$1_is_chosen_by_keys" "abltui .* $1 "
    fi
    expect "$1_finishes" '^ done'
    expect "$1_shows_its_results" "$3"
    keys e
    shows 'export into folder'
    keys C-u "$1" Enter
    expect "$1_export_says_where" "exported .*$1"
}
start 80 24 --data facts --rows 12
shows 'done 32 heads'
keys e
shows 'export into folder'
keys C-u heads Enter
shows 'exported .*heads'
same explorer_and_headless_write_the_same_heads heads
picks patch 2 'resid_post@0\[dif.* .*%'
same explorer_and_headless_write_the_same_patch patch --experiment patch
keys S
shows 'attn_out'
keys g Enter
expect patches_are_a_map 'resid_pre: recovery'
expect another_site_is_patched 'resid_pre@0\[diff\] .*%'
picks ov 6 'top +bottom'
same explorer_and_headless_write_the_same_ov ov --experiment ov
keys t
expect circuit_is_a_key_away 'copying [-+][0-9.]+'
keys Home Right
expect arrows_choose_the_head_whose_tokens_are_shown 'head [0-9]:1 +norm'
picks lens 4 'head 0:0'
same explorer_and_headless_write_the_same_lens lens --experiment lens
picks attn 5 'head [0-9]:[0-9] +row 1, 1 of 12'
same explorer_and_headless_write_the_same_attn attn --experiment attn
keys n
expect n_is_the_next_row 'row 2, 2 of 12'
keys 1 g Home
keys E
shows 'joint ablations'
keys g j Enter
expect sets_need_marks 'mark two heads'
keys Escape 1 Space Right Space
picks sets 1 '0:0\+0:1'
same explorer_and_headless_write_the_same_sets sets --experiment sets --sets 0:0+0:1
picks partial 3 '\+ 0:1 .*%'
same explorer_and_headless_write_the_same_partial partial --experiment partial --sets 0:0+0:1
picks heads 0 'layer [0-9]'
keys m
expect mean_ablation_is_a_key 'abltui .* mean '
shows 'done 32 heads'
keys e
shows 'export into folder'
keys C-u mean Enter
shows 'exported .*mean'
same explorer_and_headless_write_the_same_mean_ablation mean --ablate mean
keys r
expect resample_ablation_is_a_key 'abltui .* resample '
shows 'done 32 heads'
keys p
expect patch_ablation_is_a_key 'abltui .* patch '
shows 'done 32 heads'
keys z
shows 'abltui .* zero '
shows 'done 32 heads'
keys 1 Enter
expect enter_drills_into_the_head 'ablated +'
keys Enter
expect enter_drills_into_the_rows 'target.* foil'
keys Escape K
expect a_run_is_kept 'kept to compare with'
keys ':' 'data logic' Enter
shows 'logic/train'
shows 'done 32 heads'
expect marks_stay_when_the_condition_changes 'L0 +[*]'
keys 9
expect compare_shows_both 'now +kept +diff'
keys d
expect the_difference_is_a_heatmap 'this run MINUS'
keys q
ended leaving_after_all_of_it

start 80 24 --data facts
shows 'done 32 heads'
tmux_ resize-window -t s -x 60 -y 20
expect small_terminal_says_what_it_needs '80x24'
tmux_ resize-window -t s -x 100 -y 30
expect growing_brings_the_screen_back 'done 32 heads'
keys C-z
expect suspend_gives_the_shell_back 'Stopped'
keys 'fg; echo status $?; stty -a | tail -n +2 >after' Enter
expect continue_brings_the_screen_back 'done 32 heads'
keys C-c
expect ctrl_c_leaves_with_status_130 '^status 130'
expect ctrl_c_saves_and_says_where 'runs/'
sane the_terminal_is_as_before_after_ctrl_c

# colours NAME PATTERN ARGUMENT…: the escapes of the finished heatmap's colours match; "none": there are none.
colours() {
    local name=$1 pattern=$2 found
    shift 2
    start 80 24 --data facts "$@"
    shows 'done 32 heads'
    found=$(tmux_ capture-pane -e -p -t s | sed -n 5p | grep -oE '[34]8;[25];[0-9;]+' | head -1)
    if [[ ${found:-none} =~ ^$pattern ]]; then pass "$name"; else fail "$name" "found ${found:-none}, expected $pattern"; fi
}
colours colours_are_of_256_where_no_more_are_known '[34]8;5;'
settings='COLORTERM=truecolor' colours colorterm_lies_inside_tmux '[34]8;5;'
settings='NO_COLOR=1' colours no_color_is_honoured none
settings='NO_COLOR=1' colours color_always_overrides_no_color '[34]8;5;' --color always
colours color_never_shows_none none --color never
printf '%s\n' 'screen-direct|test entry,' '    RGB, colors#0x1000000, pairs#0x7fff,' \
    '    setaf=\E[%?%p1%{8}%<%t3%p1%d%e38\:2\:\:%p1%{65536}%/%d\:%p1%{256}%/%{255}%&%d\:%p1%{255}%&%d%;m,' \
    '    setab=\E[%?%p1%{8}%<%t4%p1%d%e48\:2\:\:%p1%{65536}%/%d\:%p1%{256}%/%{255}%&%d\:%p1%{255}%&%d%;m,' \
    '    initc@, ccc@, op=\E[39;49m, use=screen-256color,' >"$scratch/direct.src"
if tic -x -o "$scratch/terminfo" "$scratch/direct.src" 2>"$scratch/tic.err"; then
    settings="TERMINFO_DIRS=$scratch/terminfo:/etc/terminfo:/lib/terminfo:/usr/share/terminfo TERM=screen-direct" \
        colours colours_are_exact_where_the_terminal_shows_any '[34]8;2;'
else
    fail tic_makes_a_terminal_with_direct_colours "$(cat "$scratch/tic.err")"
fi
start 80 24 --data facts --ascii
shows 'done 32 heads'
if screen | LC_ALL=C grep -q '[^ -~]'; then fail ascii_shows_nothing_else; else pass ascii_shows_nothing_else; fi

for signal in INT TERM HUP; do
    start 80 24 --data negation
    shows 'done 32 heads'
    kill "-$signal" "$(cat "$scratch/pid")"
    expect "sig${signal}_leaves_with_status_130" '^status 130'
    expect "sig${signal}_saves_and_says_where" 'runs/'
    sane "the_terminal_is_as_before_after_sig${signal}"
done

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
