# What test scripts share: source it with $program set. Prints a line a check; end with `finish`.
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0

pass() { echo "[  PASSED  ] $1"; passed=$((passed + 1)); }
fail() { echo "[  FAILED  ] $1"; shift; printf '    %s\n' "$@"; failed=$((failed + 1)); }
skip() { echo "[  SKIPPED ] $1: $2"; skipped=$((skipped + 1)); }

# refuses NAME STATUS PATTERN ARGUMENT…: exits with STATUS and one line on stderr that matches; nothing on stdout.
refuses() {
    local name=$1 want=$2 pattern=$3 status
    shift 3
    "$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    status=$?
    if [ "$status" != "$want" ]; then
        fail "$name" "status $status, expected $want" "$(cat "$scratch/err")"
    elif [ "$(wc -l <"$scratch/err")" != 1 ] || ! grep -qE -e "$pattern" "$scratch/err"; then
        fail "$name" "expected one line matching: $pattern" "found: $(cat "$scratch/err")"
    elif [ -s "$scratch/out" ]; then
        fail "$name" "expected nothing on standard output, found: $(head -c 200 "$scratch/out")"
    else
        pass "$name"
    fi
}

# succeeds NAME ARGUMENT…
succeeds() {
    local name=$1 status
    shift
    "$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    status=$?
    if [ "$status" = 0 ]; then pass "$name"; else fail "$name" "status $status" "$(cat "$scratch/err")"; fi
}

# holds NAME COMMAND…
holds() {
    local name=$1
    shift
    if "$@" >"$scratch/held" 2>&1; then pass "$name"; else fail "$name" "$(tail -3 "$scratch/held")"; fi
}

nothing_at() { [ ! -e "$1" ]; }
files_present() { local dir=$1 f; shift; for f; do [ -s "$dir/$f" ] || { echo "$dir/$f is missing"; return 1; }; done; }
no_leftovers() { ! find "$1" -maxdepth 1 -name '.*tmp*' | grep .; }

# The last line of a script, and its exit status.
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}
