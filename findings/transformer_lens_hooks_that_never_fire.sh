#!/bin/sh
# TransformerLens 2.16.1: a hook on attn.hook_result (each head's write), hook_q_input, hook_attn_in or hook_mlp_in is accepted by
# run_with_hooks whether or not the setting that makes the point exist (use_attn_result and its kin, off by default) is on: the
# hook is never called, the logits are the intact ones to the bit, and nothing is said. Of an ablation of all heads at hook_result
# one reads that heads do not matter; at hook_z the same ablation changes the logits. A name that there is not is a KeyError.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformer_lens==2.16.1 transformers==4.57.1 torch==2.14.1 numpy==1.26.4 pyarrow==19.0.1 datasets==4.0.0
"$folder/venv/bin/python" - 2>/dev/null <<'P' | seen "attn.hook_z: called 1 times, logits change
attn.hook_result: called 0 times, logits stay
hook_q_input: called 0 times, logits stay
hook_attn_in: called 0 times, logits stay
hook_mlp_in: called 0 times, logits stay
attn.hook_no_such: KeyError"
import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig
model = HookedTransformer(HookedTransformerConfig(n_layers=2, d_model=32, n_heads=4, d_head=8, n_ctx=16, d_vocab=50, act_fn="gelu_new", seed=0, device="cpu"))
ids = torch.arange(8)[None]
intact = model(ids)
for name in ("attn.hook_z", "attn.hook_result", "hook_q_input", "hook_attn_in", "hook_mlp_in", "attn.hook_no_such"):
    calls = []
    def zero(x, hook):
        calls.append(hook.name)
        return x * 0
    try:
        logits = model.run_with_hooks(ids, fwd_hooks=[(f"blocks.0.{name}", zero)])
        print(f"{name}: called {len(calls)} times, logits {'stay' if torch.equal(logits, intact) else 'change'}")
    except KeyError:
        print(f"{name}: KeyError")
P
