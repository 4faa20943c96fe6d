#!/bin/sh
# transformers 5.24.0 reads a BPE tokenizer.model by the order of its pieces, sentencepiece 0.2.3 by their scores and types: pieces
# of equal scores are merged from the left there, by their order here; a piece of type UNUSED is cut up there, and is a token
# here. Over all 126 texts of a and b of up to six letters the ids differ for 55 and for 99, without a word. Files that
# sentencepiece's own trainer writes have falling scores, so that only edited, pruned or converted ones meet it.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 sentencepiece==0.2.3 protobuf==7.36.2
cat >"$folder/cut.py" <<'P'
import itertools, json
import sentencepiece, transformers
from pathlib import Path
from sentencepiece import sentencepiece_model_pb2 as proto
NORMAL, UNKNOWN, CONTROL, UNUSED, BPE = 1, 2, 3, 5, 2
letters = [("\u2581", -20, NORMAL), ("a", -21, NORMAL), ("b", -22, NORMAL)]
files = {"equal scores": [("ab", 0, NORMAL), ("ba", 0, NORMAL), ("aa", 0, NORMAL)], "an UNUSED piece": [("ab", -1, UNUSED), ("ba", -2, NORMAL)]}
texts = ["".join(c) for n in range(1, 7) for c in itertools.product("ab", repeat=n)]
for name, pieces in files.items():
    m = proto.ModelProto()
    for piece, score, kind in [("<unk>", 0, UNKNOWN), ("<s>", 0, CONTROL), ("</s>", 0, CONTROL)] + pieces + letters:
        m.pieces.add(piece=piece, score=score, type=kind)
    m.trainer_spec.model_type, m.trainer_spec.unk_id = BPE, 0
    m.normalizer_spec.name, m.normalizer_spec.add_dummy_prefix, m.normalizer_spec.remove_extra_whitespaces = "identity", True, False
    folder = Path(__import__("sys").argv[1]) / name
    folder.mkdir()
    (folder / "tokenizer.model").write_bytes(m.SerializeToString())
    settings = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "legacy": False, "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    owner, other = sentencepiece.SentencePieceProcessor(), transformers.LlamaTokenizer.from_pretrained(folder)
    owner.LoadFromSerializedProto(m.SerializeToString())
    different = [t for t in texts if owner.EncodeAsPieces(t) != other.tokenize(t)]
    t = different[0]
    print(f"{name}: {len(different)} of {len(texts)} differ, first {t}: {'|'.join(owner.EncodeAsPieces(t)[1:])}, here {'|'.join(other.tokenize(t)[1:])}")
P
"$folder/venv/bin/python" "$folder/cut.py" "$folder" 2>/dev/null | seen "equal scores: 55 of 126 differ, first aab: aa|b, here a|ab
an UNUSED piece: 99 of 126 differ, first ab: a|b, here ab"
