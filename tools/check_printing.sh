#!/bin/sh
# Nothing is printed but through src/base/say.c, nothing put on the screen but by ui/term.c, so that foreign text reaches
# no terminal raw: tools/check_printing.sh BUILD [ROOT]. ROOT: the tree to look at, this one where none is named.
set -eu
cd "${2:-$(dirname "$0")/..}"
build=$1
sources=$(find src ui -name '*.c' | sort)

# Objects, as a macro or a compiler may call others than the source does: what they take from libraries.
nm -A $(printf '%s\n' $sources | sed "s,\(.*\)\.c\$,$build/\1.o,") | awk -v build="$build/" '
    BEGIN {
        n = split("printf vprintf puts putchar putchar_unlocked putwchar perror psignal psiginfo warn warnx vwarn vwarnx " \
            "err errx verr verrx error dprintf vdprintf syslog vsyslog wprintf vwprintf __printf_chk __vprintf_chk " \
            "__dprintf_chk __vdprintf_chk __wprintf_chk backtrace_symbols_fd", names)
        for (i = 1; i <= n; i++) printing[names[i]] = 1
    }
    $(NF - 1) != "U" { next }
    {
        file = $1
        sub(/:.*/, "", file)
        sub("^" build, "", file)
        sub(/\.o$/, ".c", file)
        name = $NF
        sub(/@.*/, "", name)
        why = ""
        if (file != "src/base/say.c") {
            if (name in printing) why = "prints"
            if ((name == "stderr" || name == "stdout") && file != "ui/term.c") why = "names a stream of the terminal"
        }
        if (why) {
            print file ": " name " " why ": use say (base/say.h)"
            bad = 1
        }
    }
    END { exit bad }' || status=1

# Descriptors: 1 and 2 by name or number, and files that are the terminal.
for file in $sources; do
    case $file in src/base/say.c | ui/term.c | ui/terminfo.c) continue ;; esac
    grep -nE '\bSTD(OUT|ERR)_FILENO\b|\b(write|pwrite|writev|dprintf|fdopen|dup2?|dup3|sendfile|splice)\([12],|"/dev/(tty|std(out|err)|fd/[12])' \
        "$file" | grep -vE '(isatty|_adddup2)\(.*STD(OUT|ERR)_FILENO\)' | while read -r line; do
        echo "$file:$line: a way to the terminal beside say (base/say.h)"
    done
done | { ! grep .; } || status=1

# The screen: curses is for the one that puts cells of the grid on it, and for the one that asks what a terminal can.
grep -nE '#[[:space:]]*include[[:space:]]*<(n?cursesw?/)?(n?curses|term)\.h>' $sources | grep -vE '^ui/(term|terminfo)\.c:' |
    sed 's,$,: the screen is for ui/term.c: use grid_text (ui/grid.h),' | { ! grep .; } || status=1
exit ${status:-0}
