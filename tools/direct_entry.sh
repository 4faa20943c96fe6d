#!/bin/sh
# Write ui/direct_entry.h, the terminfo entry for terminals that have proved to show any colour: tools/direct_entry.sh
# It is what xterm-256color is with red, green and blue as colours, which few systems have installed.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/source" <<'SOURCE'
abltui-direct|xterm with direct colours,
	RGB, colors#0x1000000, pairs#0x7FFF, ccc@, initc@, oc@, op=\E[39;49m,
	setaf=\E[%?%p1%{8}%<%t3%p1%d%e38;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m,
	setab=\E[%?%p1%{8}%<%t4%p1%d%e48;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m,
	setf@, setb@, use=xterm-256color,
SOURCE
tic -x -o "$scratch" "$scratch/source"
{
    echo '// Made by tools/direct_entry.sh: a compiled terminfo entry as the variable TERMINFO takes it.'
    echo '#ifndef ABL_UI_DIRECT_ENTRY_H'
    echo '#define ABL_UI_DIRECT_ENTRY_H'
    echo
    echo '#define DIRECT_ENTRY_NAME "abltui-direct"'
    echo
    echo '// clang-format off'
    echo 'static const char *const direct_entry[] = {'
    TERMINFO=$scratch infocmp -x -Q2 abltui-direct | grep -v '^#' | tr -d '\n' | fold -w 90 | sed 's/.*/    "&",/'
    echo '};'
    echo '// clang-format on'
    echo
    echo '#endif'
} >ui/direct_entry.h
