#!/bin/sh
# A Python with the table readers that docs/reading.md names, in FOLDER: tools/readers.sh FOLDER prints its path. Installs them
# from PyPI, once; where that cannot be done it says so and ends with status 1.
set -eu
folder=$1
readers='pandas==3.1.1 polars==2.1.0 duckdb==2.0.1'
if [ "$(cat "$folder/readers" 2>/dev/null)" != "$readers" ]; then
    python3 -m venv --clear "$folder" >&2
    "$folder/bin/pip" install --quiet --disable-pip-version-check --retries 1 $readers >&2
    printf '%s\n' "$readers" >"$folder/readers"
fi
echo "$folder/bin/python"
