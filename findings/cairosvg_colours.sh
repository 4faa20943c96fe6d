#!/bin/sh
# CairoSVG 2.9.1 draws other colours than resvg (resvg_py 0.5.0) for spellings of CSS 4 that browsers take: eight digits lose their
# alpha, hsl() is black, and neither is said. With commas, percentages or a separate fill-opacity both agree. Figures that are
# to look the same in either have #rrggbb and fill-opacity.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check CairoSVG==2.9.1 resvg_py==0.5.0 pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - 2>/dev/null <<'P' | seen "#ff000080: CairoSVG (255, 0, 0, 255), resvg (255, 0, 0, 128)
#f008: CairoSVG (255, 0, 0, 255), resvg (255, 0, 0, 136)
hsl(0,100%,50%): CairoSVG (0, 0, 0, 255), resvg (255, 0, 0, 255)
rgb(100%,0%,0%): CairoSVG (255, 0, 0, 255), resvg (255, 0, 0, 255)
red with fill-opacity .5: CairoSVG (255, 0, 0, 128), resvg (255, 0, 0, 128)"
import io
import cairosvg, resvg_py
from PIL import Image
def pixel(png):
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA").getpixel((5, 5))
for fill in ("#ff000080", "#f008", "hsl(0,100%,50%)", "rgb(100%,0%,0%)", "red with fill-opacity .5"):
    attributes = f'fill="{fill}"' if " " not in fill else 'fill="red" fill-opacity=".5"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10" {attributes}/></svg>'
    print(f"{fill}: CairoSVG {pixel(cairosvg.svg2png(bytestring=svg.encode()))}, resvg {pixel(resvg_py.svg_to_bytes(svg_string=svg))}")
P
