#!/usr/bin/env python3
"""No line of src and ui is longer than 100 columns: characters, not bytes. tools/check_columns.py [ROOT]"""
import pathlib
import sys

LIMIT = 100

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
too_long = [
    f"{path.relative_to(root)}:{number}: {len(line)} columns"
    for folder in ("src", "ui")
    for path in sorted((root / folder).rglob("*.[ch]"))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    if len(line) > LIMIT
]
if too_long:
    sys.exit("\n".join(too_long))
