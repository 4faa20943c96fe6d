#!/bin/bash
# That tools/check_printing.sh sees each way to the terminal beside say and the screen's grid: tests/tools/printing.sh. Prints
# a line a check; exit status 0 only if all pass.
set -u
. tests/support/checks.sh
compiler=${CC:-cc}

mkdir -p "$scratch/tree/src/base" "$scratch/tree/src/cli" "$scratch/tree/ui"
cp src/base/say.[ch] src/base/printable.h src/base/err.h src/base/buf.h "$scratch/tree/src/base/"
echo 'int nothing(void) { return 0; }' >"$scratch/tree/ui/quiet.c"

build() {
    local file
    for file in $(cd "$scratch/tree" && find src ui -name '*.c'); do
        mkdir -p "$scratch/build/${file%/*}"
        $compiler -D_GNU_SOURCE -O1 -w -I"$scratch/tree/src" -c -o "$scratch/build/${file%.c}.o" "$scratch/tree/$file" || return 1
    done
}
checked() { tools/check_printing.sh "$scratch/build" "$scratch/tree" >"$scratch/out" 2>&1; }

build
holds a_tree_that_prints_by_say_alone_passes checked

# seen NAME FILE BODY: a function of that body in that file is told of, by the file's name.
seen() {
    local name=$1 file=$2 body=$3
    printf '%s\n' '#include <stdio.h>' '#include <stdlib.h>' '#include <string.h>' '#include <unistd.h>' '#include <fcntl.h>' \
        '#include <curses.h>' "void planted(const char *text);" "void planted(const char *text) { $body }" >"$scratch/tree/$file"
    if ! build 2>"$scratch/out"; then
        fail "$name" "$(cat "$scratch/out")"
    elif checked; then
        fail "$name" "it passed"
    elif ! grep -qF "$file:" "$scratch/out"; then
        fail "$name" "$(cat "$scratch/out")"
    else
        pass "$name"
    fi
    rm -f "$scratch/tree/$file" "$scratch/build/${file%.c}.o"
}
seen printf_is_seen src/cli/wrong.c 'printf("%s %d", text, 1);'
seen printf_that_is_puts_is_seen src/cli/wrong.c 'printf("%s\n", text);'
seen puts_is_seen src/cli/wrong.c 'puts(text);'
seen putchar_is_seen src/cli/wrong.c 'putchar(*text);'
seen perror_is_seen src/cli/wrong.c 'perror(text);'
seen fprintf_to_stderr_is_seen src/base/wrong.c 'fprintf(stderr, "%s %d", text, 1);'
seen fputs_to_stdout_is_seen src/cli/wrong.c 'fputs(text, stdout);'
seen fwrite_to_stdout_is_seen src/cli/wrong.c 'fwrite(text, 1, 1, stdout);'
seen dprintf_is_seen src/cli/wrong.c 'dprintf(1, "%s", text);'
seen write_is_seen src/cli/wrong.c '(void)!write(2, text, 1);'
seen write_by_name_is_seen src/cli/wrong.c '(void)!write(STDOUT_FILENO, text, 1);'
seen fdopen_is_seen src/cli/wrong.c 'fputs(text, fdopen(1, "w"));'
seen the_terminal_by_its_name_is_seen src/cli/wrong.c 'fputs(text, fopen("/dev/tty", "w"));'
seen addstr_is_seen ui/wrong.c 'addstr(text);'
seen mvaddnstr_is_seen ui/wrong.c 'mvaddnstr(0, 0, text, 1);'
seen printw_is_seen ui/wrong.c 'printw("%s", text);'
seen add_wch_is_seen ui/wrong.c 'cchar_t c; memcpy(&c, text, sizeof c); add_wch(&c);'
finish
