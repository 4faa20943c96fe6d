#!/bin/sh
# transformers 5.24.0: GPT-2's forward takes head_mask, and any other argument it does not know, and does nothing with it: the
# logits are those without a mask, with neither error nor warning, under sdpa and eager attention alike. Under 4.57.1 eager
# attention obeys it; scripts that ablate heads that way go on to run, and find that no head matters.
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

cat >"$folder/mask.py" <<'P'
import torch
from transformers import GPT2Config, GPT2LMHeadModel, __version__
ids = torch.arange(8)[None]
for attention in ("eager", "sdpa"):
    torch.manual_seed(0)
    config = GPT2Config(n_layer=2, n_head=4, n_embd=32, vocab_size=50, n_positions=16, bos_token_id=0, eos_token_id=0, attn_implementation=attention)
    model = GPT2LMHeadModel(config).eval()
    intact = model(ids).logits
    masked = model(ids, head_mask=torch.zeros(2, 4)).logits
    changed = not torch.equal(intact, masked)
    print(f"transformers {__version__}, {attention}: all heads masked, logits {'change' if changed else 'stay'}")
model(ids, no_argument_of_this_name=1)
print("an argument that there is not: no error")
P
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==4.57.1 torch==2.9.1 numpy==2.4.6
"$folder/venv/bin/python" "$folder/mask.py" >"$folder/old" 2>"$folder/words.old"
rm -rf "$folder/venv"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.9.1 numpy==2.4.6
"$folder/venv/bin/python" "$folder/mask.py" >"$folder/new" 2>"$folder/words.new"
{
    cat "$folder/old" "$folder/new"
    for v in old new; do echo "$v: $(grep -c head_mask "$folder/words.$v") lines on standard error name head_mask"; done
} | seen "transformers 4.57.1, eager: all heads masked, logits change
transformers 4.57.1, sdpa: all heads masked, logits stay
an argument that there is not: no error
transformers 5.24.0, eager: all heads masked, logits stay
transformers 5.24.0, sdpa: all heads masked, logits stay
an argument that there is not: no error
old: 1 lines on standard error name head_mask
new: 0 lines on standard error name head_mask"
