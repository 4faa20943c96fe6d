#!/bin/bash
# `abltui pull`, and finding what it fetched, against a hub on this machine: tests/cli/pull.sh PROGRAM
set -u
program=$(realpath "$1")
folder=$(mktemp -d)
failed=0

check() { # NAME COMMAND…: the command must succeed
    local name=$1
    shift
    if "$@" >"$folder/why" 2>&1; then
        echo "[  PASSED  ] $name"
    else
        echo "[  FAILED  ] $name: $*"
        sed 's/^/    /' "$folder/why" "$folder/out" "$folder/err" 2>/dev/null | head -20
        failed=1
    fi
}

# Run the program in a home of its own; its exit status is in $status.
run() {
    HOME=$home HF_TOKEN=${token:-} ABLTUI_PULL_PAUSE_MS=1 HF_HUB_CACHE= HF_HOME= XDG_CACHE_HOME= HF_ENDPOINT=http://127.0.0.1:$port \
        ABLTUI_DATA=data "$program" "$@" >"$folder/out" 2>"$folder/err"
    status=$?
}
said() { grep -qF -- "$1" "$folder/out" "$folder/err"; }
exits() { [ "$status" = "$1" ] || { echo "found exit status $status, expected $1"; false; }; }
new_home() { home=$folder/home.$1; mkdir -p "$home"; cache=$home/.cache/huggingface/hub; }

mkfifo "$folder/stdin" "$folder/ports"
python3 tests/support/pull_server.py data/models/tiny-gpt2 "$folder/log" <"$folder/stdin" >"$folder/ports" 2>"$folder/server.err" &
exec {hold}>"$folder/stdin"
trap 'exec {hold}>&-; wait; rm -rf "$folder"' EXIT
read -r port second <"$folder/ports"

new_home empty
run models
check an_empty_home_lists_the_bundled_models_and_says_how_to_get_more \
    sh -c "grep -q '^tiny-llama .*bundled.*fits' '$folder/out' && grep -q 'abltui pull gpt2' '$folder/err'"
run --dry-run --model gpt2-medium
check a_model_that_is_not_here_says_how_to_fetch_it \
    sh -c "[ $status = 4 ] && grep -q 'abltui pull gpt2-medium' '$folder/err'"

new_home good
token=secret run pull good/tiny
check pull_fetches_into_the_layout_of_the_hub exits 0
repo=$cache/models--good--tiny
snapshot=$repo/snapshots/0123456789abcdef0123456789abcdef01234567
check the_ref_names_the_commit test "$(cat "$repo/refs/main")" = 0123456789abcdef0123456789abcdef01234567
check files_are_links_to_blobs_by_hash \
    test "$(readlink "$snapshot/model.safetensors")" = "../../blobs/$(sha256sum <data/models/tiny-gpt2/model.safetensors | cut -d' ' -f1)"
check small_files_go_by_the_hash_of_git \
    test "$(readlink "$snapshot/config.json")" = "../../blobs/$(git hash-object data/models/tiny-gpt2/config.json)"
check what_came_is_what_was_sent cmp "$snapshot/model.safetensors" data/models/tiny-gpt2/model.safetensors
check the_token_goes_to_the_hub grep -q '^first /api/models/good/tiny.* token ' "$folder/log"
check the_token_goes_nowhere_else sh -c "grep -q '^second /large/good - ' '$folder/log'"
check the_token_is_not_printed sh -c "! grep -q secret '$folder/out' '$folder/err'"
: >"$folder/log"
run pull good/tiny
check a_second_pull_fetches_nothing_again sh -c "[ $status = 0 ] && ! grep -q 'resolve\|large' '$folder/log'"
run models
check models_lists_what_was_pulled sh -c "grep -q '^good/tiny .*cache.*gpt2.*fits' '$folder/out'"
run models --json
check models_json_is_strict build/tests/strict_json "$folder/out"
run --dry-run --model good/tiny
check a_hub_id_opens_from_the_cache sh -c "[ $status = 0 ] && grep -q 'good/tiny on facts' '$folder/out'"
run --dry-run --model good/tiny@0123456789
check a_revision_opens_by_its_commit exits 0
run pull good/tiny@refs/pr/1
check a_revision_is_one_part_of_the_address grep -q '/revision/refs%2Fpr%2F1' "$folder/log"
run --dry-run --model good/tiny@refs/pr/1
check a_pulled_revision_opens_by_its_name exits 0
run --dry-run --model good/tiny@v2
check another_revision_is_not_here sh -c "[ $status = 4 ] && grep -q \"no model 'good/tiny@v2'\" '$folder/err'"

rm "$(realpath "$snapshot/model.safetensors")"
run models
check a_partial_snapshot_says_what_is_missing \
    sh -c "grep -q 'good/tiny.*model.safetensors is not there yet' '$folder/out'"
run --dry-run --model good/tiny
check a_partial_snapshot_is_refused_with_the_remedy \
    sh -c "[ $status = 4 ] && grep -q 'abltui pull good/tiny' '$folder/err'"
run pull good/tiny
check the_lock_is_the_one_that_hf_takes test -e "$cache/.locks/models--good--tiny/$(basename "$(readlink "$snapshot/model.safetensors")").lock"
check pull_mends_a_partial_snapshot sh -c "[ $status = 0 ] && cmp '$snapshot/model.safetensors' data/models/tiny-gpt2/model.safetensors"

blob=$(realpath "$snapshot/model.safetensors")
mv "$blob" "$blob.incomplete"
: >"$folder/log"
run pull good/tiny
check a_download_that_only_lacks_its_name_is_not_fetched_again \
    sh -c "[ $status = 0 ] && [ -s '$blob' ] && ! grep -q '/model.safetensors' '$folder/log'"
rm "$blob"
head -c 3000000 /dev/zero >"$blob.incomplete"
run pull good/tiny
check a_download_that_grew_too_long_is_begun_anew sh -c "[ $status = 0 ] && cmp '$snapshot/model.safetensors' data/models/tiny-gpt2/model.safetensors"
ln -sf /etc/passwd "$snapshot/config.json"
run --dry-run --model good/tiny
check links_that_leave_the_cache_are_refused sh -c "[ $status = 4 ] && grep -q 'config.json leads out of the cache' '$folder/err'"
run pull good/tiny
check pull_mends_links_that_leave_the_cache test "$(readlink "$snapshot/config.json")" = "../../blobs/$(git hash-object data/models/tiny-gpt2/config.json)"

# Another process holds the lock of the weights: ours waits for it.
rm "$blob"
lock=$cache/.locks/models--good--tiny/${blob##*/}.lock
mkdir -p "${lock%/*}"
python3 -c 'import fcntl, sys, time; f = open(sys.argv[1], "a"); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); time.sleep(1); open(sys.argv[2], "w")' \
    "$lock" "$folder/released" >"$folder/held" &
for _ in $(seq 100); do
    [ -s "$folder/held" ] && break
    sleep 0.1
done
run pull good/tiny
check a_pull_waits_for_another_one sh -c "[ $status = 0 ] && [ -e '$folder/released' ]"
run pull tiny --endpoint=ftp://hub
check other_kinds_of_endpoint_are_refused exits 2

# A model of 405 B parameters: its files are holes, only their head is written.
python3 - "$repo/../models--big--llama/snapshots/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" <<'PYTHON'
import json, os, struct, sys
folder, (layers, d, mlp, heads, kv, vocab) = sys.argv[1], (126, 16384, 53248, 128, 8, 128256)
os.makedirs(folder)
config = {"model_type": "llama", "hidden_size": d, "intermediate_size": mlp, "num_hidden_layers": layers, "vocab_size": vocab,
          "num_attention_heads": heads, "num_key_value_heads": kv, "max_position_embeddings": 131072}
json.dump(config, open(folder + "/config.json", "w"))
open(folder + "/tokenizer.json", "w").write("{}")
shapes = {"model.embed_tokens.weight": [vocab, d], "lm_head.weight": [vocab, d], "model.norm.weight": [d]}
for i in range(layers):
    p, k = f"model.layers.{i}.", d // heads * kv
    shapes |= {p + "self_attn.q_proj.weight": [d, d], p + "self_attn.k_proj.weight": [k, d], p + "self_attn.v_proj.weight": [k, d],
               p + "self_attn.o_proj.weight": [d, d], p + "mlp.gate_proj.weight": [mlp, d], p + "mlp.up_proj.weight": [mlp, d],
               p + "mlp.down_proj.weight": [d, mlp], p + "input_layernorm.weight": [d], p + "post_attention_layernorm.weight": [d]}
header, at = {}, 0
for name, shape in shapes.items():
    size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
    header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
    at += size
text = json.dumps(header).encode()
with open(folder + "/model.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text)
    f.truncate(8 + len(text) + at)
PYTHON
run models
check a_model_that_does_not_fit_says_what_it_needs grep -qE '^big/llama .* llama +126 x 128 .* BF16 .*(layer by layer|too large): needs [0-9.]+ [GT]iB, has' "$folder/out"

new_home cut
run pull cut/tiny
check a_cut_download_is_resumed \
    sh -c "[ $status = 0 ] && grep -q '^second /large/cut - bytes=[1-9][0-9]*- 206' '$folder/log'"
check a_resumed_file_is_whole cmp "$cache/models--cut--tiny/snapshots/"*/model.safetensors data/models/tiny-gpt2/model.safetensors
run pull norange/tiny
check a_server_without_ranges_is_begun_anew \
    sh -c "[ $status = 0 ] && cmp '$cache'/models--norange--tiny/snapshots/*/model.safetensors data/models/tiny-gpt2/model.safetensors"
run pull wrongonce/tiny
check wrong_bytes_are_fetched_again exits 0
run pull wrong/tiny
check bytes_that_stay_wrong_are_refused sh -c "[ $status = 1 ] && grep -q 'came wrong' '$folder/err'"
check nothing_wrong_is_kept sh -c "! ls '$cache'/models--wrong--tiny/blobs/ | grep -q '.\{60\}'"
before=$SECONDS
run pull busy/tiny
check a_busy_hub_is_asked_again exits 0
check the_hub_says_how_long_to_wait [ $((SECONDS - before)) -ge 1 ]
run pull down/tiny
check a_hub_that_is_down_says_so sh -c "[ $status = 1 ] && grep -q 'status 500' '$folder/err'"
run pull gated/tiny
check a_gated_model_says_how_to_get_it \
    sh -c "[ $status = 4 ] && grep -q 'without a token' '$folder/err' && grep -q HF_TOKEN '$folder/err'"
token=secret run pull gated/tiny
check a_token_without_access_says_so sh -c "[ $status = 4 ] && grep -q 'with this token' '$folder/err'"
run pull gatedfile/tiny
check weights_may_be_gated_where_their_list_is_not \
    sh -c "[ $status = 4 ] && grep -q \"does not give 'gatedfile/tiny' without a token (status 403): it is gated\" '$folder/err'"
run pull private/tiny
check a_name_that_nobody_knows_is_no_gated_model sh -c "[ $status = 4 ] && grep -q \"no 'private/tiny' .*check the name\" '$folder/err'"
run pull other/tiny
check a_model_that_is_nowhere_says_so sh -c "[ $status = 4 ] && grep -q 'status 404' '$folder/err'"
run pull bin/tiny
check a_model_without_safetensors_says_what_it_has sh -c "[ $status = 4 ] && grep -q 'pytorch_model.bin' '$folder/err'"
run pull short/tiny
check an_answer_that_is_too_short_is_refused sh -c "[ $status = 1 ] && grep -q 'came wrong' '$folder/err'"
: >"$folder/log"
run pull long/tiny
check an_answer_without_end_is_refused sh -c "[ $status = 1 ] && grep -q 'came wrong' '$folder/err'"
check an_answer_without_end_is_not_read_to_its_end \
    awk '/^sent/ && $2 > 15000000 { print "sent", $2; bad = 1 } END { exit bad }' "$folder/log"
check nothing_of_wrong_length_is_kept \
    sh -c "! find '$cache/models--short--tiny/blobs' '$cache/models--long--tiny/blobs' -name '$(sha256sum <data/models/tiny-gpt2/model.safetensors | cut -d' ' -f1)*' | grep ."
: >"$folder/log"
run pull flaky/tiny
check cuts_do_not_count_while_bytes_come sh -c "[ $status = 0 ] && [ \$(grep -c 'large/flaky' '$folder/log') -gt 8 ]"
: >"$folder/log"
run pull bert/tiny
check weights_that_cannot_be_run_are_not_fetched \
    sh -c "[ $status = 4 ] && grep -q bert '$folder/err' && ! grep -q '/model.safetensors' '$folder/log'"
run pull huge/tiny
check a_full_disk_is_noticed_before_anything_is_fetched \
    sh -c "[ $status = 1 ] && grep -qE 'no room .* needs [0-9.]+ GiB, has' '$folder/err' && ! find '$cache/models--huge--tiny' -type f | grep -q ."
run pull files/tiny
check several_gguf_files_are_listed sh -c "[ $status = 4 ] && grep -q 'q4.gguf, q8.gguf' '$folder/err'"
run pull files/tiny:q8.gguf
check one_gguf_file_is_fetched sh -c "[ $status = 0 ] && [ \"\$(ls '$cache'/models--files--tiny/snapshots/*)\" = q8.gguf ]"
run pull parts/tiny
check the_only_gguf_model_is_fetched_with_all_parts \
    sh -c "[ $status = 0 ] && [ \$(ls '$cache'/models--parts--tiny/snapshots/*/*.gguf | wc -l) = 2 ]"
run pull good/tiny:config.json
check only_gguf_files_are_fetched_alone exits 2
for variable in HF_HUB_OFFLINE=1 HF_HUB_OFFLINE=True TRANSFORMERS_OFFLINE=yes; do
    export "${variable?}"
    run pull good/tiny
    unset "${variable%=*}"
    check "offline_fetches_nothing_with_${variable%=*}_${variable#*=}" exits 2
done
HF_HUB_OFFLINE=0 run pull good/tiny
check an_offline_switch_may_be_off exits 0
for endpoint in http://localhost.example.org http://127.0.0.1.example.org:80 http://127.0.0.1:80x http://example.org https:// \
    http://127.0.0.1@example.org; do
    HOME=$home HF_ENDPOINT=$endpoint "$program" pull good/tiny >"$folder/out" 2>"$folder/err"
    status=$?
    check "no_clear_text_to_${endpoint//[^a-z0-9]/_}" sh -c "[ $status = 2 ] && grep -q 'bad endpoint' '$folder/err'"
done
: >"$folder/log"
token=$(printf ' secret\r\nX-Other: 1\n') run pull good/tiny@v3
check a_token_with_a_line_end_is_trimmed sh -c "[ $status = 0 ] && grep -q '^first /api/models/good/tiny/revision/v3.* token ' '$folder/log'"
printf 'secret\n' >"$folder/token"
: >"$folder/log"
HF_TOKEN_PATH=$folder/token run pull good/tiny@v4
check a_token_may_lie_in_a_file sh -c "grep -q '/revision/v4.* token ' '$folder/log'"
run pull ../etc
check names_that_leave_the_cache_are_refused exits 2
run pull good/tiny --endpoint http://127.0.0.1:1
check a_hub_that_is_not_there_says_so sh -c "[ $status = 1 ] && grep -q 'cannot reach' '$folder/err'"

HOME=$home ABLTUI_PULL_PAUSE_MS=1 HF_ENDPOINT=http://127.0.0.1:$port "$program" pull slow/tiny >"$folder/out" 2>"$folder/err" &
pid=$!
for _ in $(seq 100); do
    part=$(find "$cache/models--slow--tiny" -name '*.incomplete' -size +4000c 2>/dev/null)
    [ -n "$part" ] && break
    sleep 0.1
done
kill -INT $pid
wait $pid
status=$?
check an_interrupted_pull_keeps_what_came sh -c "[ $status = 130 ] && [ -s '$part' ]"
run models
check models_says_that_a_download_was_stopped grep -q '^slow/tiny .*no weights are there yet: their download was stopped' "$folder/out"
run --dry-run --model slow/tiny
check a_stopped_download_is_refused_with_the_remedy sh -c "[ $status = 4 ] && grep -q 'abltui pull slow/tiny' '$folder/err'"

# In a terminal: one line that grows, and what goes wrong on a line of its own.
terminal() { HOME=$home HF_ENDPOINT=http://127.0.0.1:$port ABLTUI_PULL_PAUSE_MS=1 script -qec "$program pull $1" /dev/null </dev/null >"$folder/out" 2>&1; }
if command -v script >/dev/null; then
    rm -rf "$cache/models--good--tiny"
    terminal good/tiny
    check a_terminal_shows_progress_in_place grep -q "$(printf '\r\033\\[Kmodel.safetensors  2.0 MiB')" "$folder/out"
else
    echo "[  SKIPPED ] a_terminal_shows_progress_in_place: no script(1)"
fi
exit $failed
