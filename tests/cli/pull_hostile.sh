#!/bin/bash
# `abltui pull` from servers and into caches that mean no good, and what becomes of the token: on this machine, over TLS too.
# tests/cli/pull_hostile.sh PROGRAM ODD_CURL.so
program=$(realpath "$1") shim=$(realpath "$2")
. tests/support/checks.sh
model=data/models/tiny-gpt2
weights_hash=$(sha256sum <$model/model.safetensors | cut -d' ' -f1)
export HOME=$scratch/home ABLTUI_DATA=data ABLTUI_PULL_PAUSE_MS=1
unset HF_TOKEN HF_HUB_CACHE HF_HOME XDG_CACHE_HOME HF_ENDPOINT http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY \
    SSL_CERT_FILE REQUESTS_CA_BUNDLE HF_HUB_DISABLE_IMPLICIT_TOKEN
cache=$HOME/.cache/huggingface/hub
log=$scratch/log

# An authority of its own vouches for localhost, for this day.
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$scratch/key.pem" -out "$scratch/ca.pem" 2>"$scratch/openssl.err" || { cat "$scratch/openssl.err"; exit 1; }
cat "$scratch/key.pem" "$scratch/ca.pem" >"$scratch/both.pem"
mkfifo "$scratch/stdin" "$scratch/ports"
python3 tests/support/pull_server.py $model "$log" "$scratch/both.pem" <"$scratch/stdin" >"$scratch/ports" 2>"$scratch/server.err" &
exec {hold}>"$scratch/stdin"
read -r port second third <"$scratch/ports"
here=http://127.0.0.1:$port
tls=https://localhost:$third
# Leads here, and is none of the names of this machine: as good as a server far away.
far=http://0.0.0.0:$port

# pull ARGUMENT…: its status, messages in err, what the server heard in log
pull() {
    : >"$log"
    timeout 60 "$program" pull "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    status=$?
}
# ends NAME STATUS PATTERN…: so, with a line for each pattern
ends() {
    local name=$1 expected=$2 pattern
    shift 2
    for pattern; do
        grep -qE -e "$pattern" "$scratch/err" || { fail "$name" "no line with '$pattern'" "$(head -c 600 "$scratch/err")"; return; }
    done
    if [ "$status" = "$expected" ]; then pass "$name"; else fail "$name" "status $status, expected $expected" "$(head -c 600 "$scratch/err")"; fi
}
asked() { grep -c -- "$1" "$log"; }

# ------------------------------------------------------------------------------ servers that never end

export HF_ENDPOINT=$here ABLTUI_PULL_WINDOW_MS=300
pull trickle/tiny
ends a_trickle_ends 1 'sends model.safetensors too slowly: fewer than 4096 bytes a second .* 6 tries.*--min-rate'
holds what_trickled_in_is_kept test -s "$(find "$cache/models--trickle--tiny" -name '*.incomplete')"
export ABLTUI_PULL_WINDOW_MS=60000
pull drip/tiny
ends single_bytes_do_not_buy_new_tries 1 'cannot reach .* for model.safetensors'
holds it_was_asked_six_times [ "$(asked large/drip)" = 6 ]
for trouble in silent trickle; do
    pull $trouble/tiny --time-limit 1s
    ends "time_runs_out_for_a_${trouble}_one" 1 'is not fetched within 1 s: .*pull it again'
done
pull headers/tiny
ends headers_without_end_end 1 'came wrong 6 times'
pull round/tiny
ends redirects_without_end_end 1 'sends model.safetensors away to where nothing is fetched from'
pull away/tiny
ends another_protocol_is_not_followed 1 'sends model.safetensors away'
pull marker/tiny
ends a_list_that_is_none_is_refused 1 'list of files'
holds nothing_of_it_reaches_the_terminal_raw \
    python3 -c 'import sys; t = open(sys.argv[1], "rb").read().decode(); sys.exit(any(not (c == "\n" or c.isprintable()) for c in t))' "$scratch/err"

for time in 5 0s 1w -1s 1.5h '' 99999999999999999999s 999999999999999999d; do
    refuses "no_time_is_${time:-nothing}" 2 "bad value '$time' for --time-limit: expected a time such as 90s, 30m" pull good/tiny --time-limit "$time"
done
for rate in K 4X 4Ki 4KB/s -1 16777216T; do
    refuses "no_rate_is_${rate//\//_}" 2 "bad value '$rate' for --min-rate: expected a size such as" pull good/tiny --min-rate "$rate"
done

# ------------------------------------------------------------------------------------ what the cache holds

pull good/tiny
ends a_pull_says_what_it_needs_and_what_is_free 0 '^good/tiny: [0-9.]+ MiB to fetch, [0-9.]+ [MGTP]iB free$'
repo=$cache/models--good--tiny
snapshot=$(echo "$repo"/snapshots/*)
weights=$repo/blobs/$weights_hash
config=$repo/blobs/$(git hash-object $model/config.json)
same() { cmp "$snapshot/$1" "$model/$1" && [ ! -L "$(dirname "$snapshot")/../blobs/$(basename "$(readlink "$snapshot/$1")")" ]; }
damage() { printf X | dd of="$1" conv=notrunc bs=1 seek=40 2>/dev/null; }
damage "$weights"
damage "$config"
pull good/tiny --quiet
ends blobs_are_trusted_by_their_hash 0 "^warning: 'model.safetensors' of 'good/tiny' in the cache is not what its name says: it is fetched again$" \
    "^warning: 'config.json' of 'good/tiny' in the cache is not"
holds the_weights_are_right_again same model.safetensors
holds the_config_is_right_again same config.json
holds only_these_were_fetched [ "$(asked resolve)" = 2 ]
pull good/tiny --quiet
ends a_cache_that_is_right_gets_no_word 0
holds no_word_at_all [ ! -s "$scratch/err" ]

mkdir "$scratch/away"
mv "$weights" "$scratch/away/weights"
ln -s "$scratch/away/weights" "$weights"
pull good/tiny
ends a_blob_that_leads_out_is_replaced 0 "^warning: 'model.safetensors' of 'good/tiny' leads out of the cache: it is fetched again$"
holds it_is_a_file_of_its_own same model.safetensors
ln -sf /etc/passwd "$snapshot/config.json"
ln -s /etc/passwd "$snapshot/tokenizer.model"
ln -s "$scratch/nowhere" "$snapshot/vocab.txt"
pull good/tiny
ends links_that_lead_out_go 0 "link 'config.json' .* led out of the cache" "link 'tokenizer.model' .* led out" "link 'vocab.txt' .* led out"
holds those_of_the_list_come_back same config.json
holds others_do_not [ ! -L "$snapshot/tokenizer.model" ] && holds nor_does_that [ ! -L "$snapshot/vocab.txt" ]
succeeds the_model_opens --dry-run --model good/tiny
ln -sf "../../blobs/$weights_hash" "$snapshot/config.json"
pull good/tiny
ends a_link_to_another_blob_is_replaced 0 "link 'config.json' in the snapshot of 'good/tiny' led elsewhere: it is replaced"
holds the_config_is_itself same config.json
mv "$snapshot" "$scratch/away/snapshot"
ln -s "$scratch/away/snapshot" "$snapshot"
pull good/tiny
ends a_snapshot_that_is_a_link_is_replaced 0 'the snapshot of .good/tiny. was a link: it is replaced'
holds the_snapshot_is_a_folder [ ! -L "$snapshot" ] && holds with_its_files same model.safetensors

# Blobs that repositories share, as `hf` keeps them.
mkdir -p "$cache/blobs/ab"
mv "$weights" "$cache/blobs/ab/shared"
ln -s ../../blobs/ab/shared "$weights"
pull good/tiny --quiet
ends shared_blobs_are_in_the_cache 0
holds nothing_is_said_of_them [ ! -s "$scratch/err" ]
holds nothing_is_fetched_for_them [ "$(asked resolve)" = 0 ]
succeeds a_model_of_shared_blobs_opens --dry-run --model good/tiny
damage "$cache/blobs/ab/shared"
pull good/tiny
ends shared_blobs_are_trusted_by_their_hash_too 0 "not what its name says"
holds the_shared_one_is_left_alone [ -f "$cache/blobs/ab/shared" ] && holds the_model_has_its_own same model.safetensors

# Downloads that were begun, by somebody else.
echo mine >"$scratch/mine"
for way in link hard_link fifo folder; do
    rm -f "$weights"
    case $way in
    link) ln -s "$scratch/mine" "$weights.incomplete" ;;
    hard_link) ln "$scratch/mine" "$weights.incomplete" ;;
    fifo) mkfifo "$weights.incomplete" ;;
    folder) mkdir "$weights.incomplete" ;;
    esac
    pull good/tiny
    if [ $way = folder ]; then
        ends "a_${way}_in_a_downloads_place_gets_a_line" 1 "cannot replace '.*incomplete'"
        rmdir "$weights.incomplete"
    else
        ends "a_${way}_in_a_downloads_place_is_not_written_to" 0
        holds "another_file_stays_as_it_is_by_a_$way" grep -qx mine "$scratch/mine"
    fi
done
rm -f "$weights"
lock=$cache/.locks/models--good--tiny/$weights_hash.lock
rm -f "$lock" && ln -s "$scratch/elsewhere" "$lock"
pull good/tiny
ends a_lock_that_is_a_link_is_not_followed 1 "'.*lock' is a symbolic link, which is not followed"
holds nothing_is_made_there [ ! -e "$scratch/elsewhere" ]
rm "$lock"
rm -f "$config" && mkfifo "$config"
pull good/tiny
ends a_fifo_among_the_blobs_is_replaced 0 "'config.json' of 'good/tiny' in the cache is not what its name says"
holds by_a_file same config.json

# ------------------------------------------------------------------------------------------- the token

export HF_TOKEN=secret
unset HF_ENDPOINT
pull good/tiny --endpoint "$far"
ends no_token_in_the_clear 2 'the token would go to .http://0.0.0.0:.* in the clear.*--insecure-token'
holds nobody_was_asked [ ! -s "$log" ]
pull good/tiny --endpoint "$far" --insecure-token
ends unless_somebody_says_so 0
holds then_the_token_goes grep -q '^first /api/.* token ' "$log"
HF_ENDPOINT=$far pull good/tiny
ends an_endpoint_of_the_environment_is_no_word_for_the_clear 2 'bad endpoint'
HF_TOKEN='' pull good/tiny --endpoint "$far"
ends without_a_token_the_clear_is_asked_for_by_name 0
http_proxy=http://127.0.0.1:$second all_proxy=http://127.0.0.1:$second pull good/tiny@v2 --endpoint "$far" --insecure-token
ends a_token_in_the_clear_passes_no_proxy 0
holds the_proxy_saw_nothing_of_it [ "$(asked '^second .*api')" = 0 ]
http_proxy=http://127.0.0.1:$second pull good/tiny@v3 --endpoint "$here"
ends this_machine_needs_no_proxy 0
holds the_proxy_saw_nothing_of_that [ "$(asked '^second .*api')" = 0 ]
HF_TOKEN='' http_proxy=http://127.0.0.1:$second pull good/tiny@v4 --endpoint "$far"
holds without_a_token_the_proxy_is_used [ "$(asked '^second http://0.0.0.0:.*/api/')" -gt 0 ]
for value in 1 ON yes True; do
    HF_HUB_DISABLE_IMPLICIT_TOKEN=$value pull gated/tiny --endpoint "$here"
    ends "no_token_with_HF_HUB_DISABLE_IMPLICIT_TOKEN_$value" 4 'without a token'
    holds "none_was_sent_with_$value" [ "$(asked ' token ')" = 0 ]
done
HF_HUB_DISABLE_IMPLICIT_TOKEN=1 pull good/tiny --endpoint "$far"
ends and_the_clear_is_open_then 0
for value in 0 false ''; do
    HF_HUB_DISABLE_IMPLICIT_TOKEN=$value pull gated/tiny --endpoint "$here"
    ends "the_token_goes_with_HF_HUB_DISABLE_IMPLICIT_TOKEN_$value" 4 'with this token'
done

# ------------------------------------------------------------------------------------------------- TLS

rm -rf "$cache/models--good--tiny"
SSL_CERT_FILE=$scratch/ca.pem pull good/tiny --endpoint "$tls"
ends what_begins_in_tls_stays_in_it 1 'sends model.safetensors away'
holds the_token_goes_in_tls grep -q '^third /api/models/good/tiny.* token ' "$log"
SSL_CERT_FILE=$scratch/ca.pem pull files/tiny:q4.gguf --endpoint "$tls"
ends a_pull_through_tls 0
pull files/tiny:q8.gguf --endpoint "$tls"
ends nobody_vouches_for_that_server 1 'cannot reach https://localhost:.* for list of files: .*(SSL|TLS|certificate)'
holds it_hears_nothing [ ! -s "$log" ]
SSL_CERT_FILE=$scratch/ca.pem pull files/tiny:q8.gguf --endpoint "https://127.0.0.1:$third"
ends a_certificate_is_for_its_name 1 'cannot reach https://127.0.0.1:.*(SSL|TLS|certificate)'
holds it_hears_nothing_either [ ! -s "$log" ]
SSL_CERT_FILE=$scratch/ca.pem https_proxy=http://127.0.0.1:$second pull files/tiny:q8.gguf --endpoint "$tls"
ends a_proxy_carries_tls 0
holds the_proxy_hears_no_token grep -q "^second CONNECT:localhost:$third - " "$log"
holds the_server_does grep -q '^third /api/models/files/tiny.* token ' "$log"

# ------------------------------------------------------------------------------------- libcurl of old

odd() { LD_PRELOAD=$shim pull good/tiny --endpoint "$here"; }
odd
ends what_is_there_will_do 0
ODD_CURL_VERSION=073c00 odd
ends an_older_libcurl_is_refused 1 'libcurl of old on this machine is too old .*7.61.0'
holds before_anybody_is_asked [ ! -s "$log" ]
ODD_CURL_LACKS=,10318, odd
ends protocols_by_number_will_do 0
# PROTOCOLS both ways, FOLLOWLOCATION, SSL_VERIFYPEER and -HOST, NOPROXY, HEADEROPT, SUPPRESS_CONNECT_HEADERS, XFERINFOFUNCTION, HTTPHEADER
for lacks in ,181,10318, ,52, ,64, ,81, ,10177, ,229, ,265, ,20219, ,10023,; do
    ODD_CURL_LACKS=$lacks odd
    ends "an_option_that_is_lacking_ends_it${lacks//,/_}" 1 'libcurl .* does not take CURLOPT_[A-Z_]+ .*install a newer one'
    holds "before_anybody_is_asked${lacks//,/_}" [ ! -s "$log" ]
done

exec {hold}>&-
wait
finish
