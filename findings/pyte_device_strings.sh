#!/bin/sh
# pyte 0.8.2, the terminal inside several recorders and testers: a device control string is shown as text. A program that asks the
# terminal for its colours (DECRQSS "$qm", XTGETTCAP "+q…") leaves "$qm" on the screen and moves the cursor, and a colour written
# with colons, as ISO 8613-6 has it, becomes visible text too. Operating system commands (OSC 11, OSC 52) are passed over.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# seen EXPECTED: standard input is what it was
seen() {
    cat >"$folder/found"
    cat "$folder/found"
    printf '%s\n' "$1" | diff - "$folder/found" || { echo "CHANGED (< then, > now)"; exit 1; }
    echo "as seen"
}

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyte==0.8.2
"$folder/venv/bin/python" - <<'P' | seen "DECRQSS: \$qmA
XTGETTCAP: +q524742A
APC: Gi=1A
SGR 38:2::10:20:30: 2::10:20:30mA
SGR 4:3: 3mA
SGR 38;2;10;20;30: A
OSC 11: A
OSC 52: A"
import pyte
esc, st = "\x1b", "\x1b\\"
sent = {
    "DECRQSS": f"{esc}P$qm{st}", "XTGETTCAP": f"{esc}P+q524742{st}", "APC": f"{esc}_Gi=1{st}",
    "SGR 38:2::10:20:30": f"{esc}[38:2::10:20:30m", "SGR 4:3": f"{esc}[4:3m", "SGR 38;2;10;20;30": f"{esc}[38;2;10;20;30m",
    "OSC 11": f"{esc}]11;?{st}", "OSC 52": f"{esc}]52;c;YWJj{st}",
}
for name, text in sent.items():
    screen = pyte.Screen(40, 1)
    pyte.Stream(screen).feed(text + "A")
    print(f"{name}: {screen.display[0].rstrip()}")
P
