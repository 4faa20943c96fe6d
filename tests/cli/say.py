"""What `abltui say` says: python3 tests/cli/say.py PROGRAM

Token for token what transformers' greedy generate says with hooks, intact and ablated (tests/fixtures/say-golden.json, by
tools/golden_say.py); drawn tokens follow the seed and stay among the likeliest; what cannot be is refused in a line. Prints a
line a check; exit status 0 only if all pass.
"""
import json
import os
import subprocess
import sys

PROGRAM = os.path.abspath(sys.argv[1])
GOLDEN = json.load(open("tests/fixtures/say-golden.json"))
TOLERANCE = 2e-4
MEANS = ("--data", "data/corpora/facts.jsonl", "--split", "all", "--rows", str(GOLDEN["rows"]))
OPTIONS = {"zero": (), "mean": ("--ablate", "mean", *MEANS), "keep-only": ("--keep-only",),
           "patch": ("--ablate", "patch", "--donor", GOLDEN["donor"])}
failed = 0


def check(name, problem):
    global failed
    print(f"[  {'FAILED' if problem else 'PASSED'}  ] {name}" + (f"\n    {problem}" if problem else ""))
    failed += bool(problem)


def say(*arguments):
    return subprocess.run([PROGRAM, "say", "--quiet", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def said(*arguments):
    out = say("--json", *arguments)
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


def off(found, expected, where):
    ids = [t["token_id"] for t in found["tokens"]]
    if ids != expected["ids"]:
        at = next((i for i, pair in enumerate(zip(ids, expected["ids"])) if pair[0] != pair[1]), len(ids))
        return f"{where}: token {at + 1} is {ids[at:at + 1]}, expected {expected['ids'][at:at + 1]}"
    for i, (token, prob) in enumerate(zip(found["tokens"], expected["probs"])):
        if abs(token["prob"] - prob) > TOLERANCE:
            return f"{where}: token {i + 1} has probability {token['prob']}, expected {prob}"
    return None


def golden(model, kind):
    for case in model["cases"]:
        if case["kind"] != kind:
            continue
        found = said("--model", model["model"], "--prompt", case["prompt"], "--heads", case["heads"], "--past-end", "--tokens",
                     str(GOLDEN["tokens"]), *OPTIONS[kind])
        for text in ("intact", "ablated"):
            problem = off(found[text], case[text], f"'{case['prompt']}', {text}")
            if problem:
                return problem
        changed = sum(a != b for a, b in zip(case["intact"]["ids"], case["ablated"]["ids"]))
        if found["n_changed"] != changed:
            return f"'{case['prompt']}': {found['n_changed']} tokens changed, expected {changed}"
    return None


def parting(found):
    """The other text's probability is the token's own for as long as the texts have not parted and nothing is ablated."""
    tokens = found["intact"]["tokens"], found["ablated"]["tokens"]
    for a, b in zip(*tokens):
        if abs(a["prob"] - a["prob_ablated"]) > 1e-6 or abs(b["prob"] - b["prob_intact"]) > 1e-6:
            return f"'{a['token']}': {a['prob']} and {a['prob_ablated']}"
    return None if found["n_changed"] == 0 else f"{found['n_changed']} tokens changed"


def drawn():
    options = ("--prompt", "The capital of", "--temperature", "1.5", "--past-end", "--tokens", "24")
    texts = [said(*options, "--seed", seed)["intact"]["text"] for seed in ("1", "1", "2")]
    if texts[0] != texts[1]:
        return f"seed 1 says '{texts[0]}' and '{texts[1]}'"
    if texts[0] == texts[2]:
        return f"seeds 1 and 2 both say '{texts[0]}'"
    narrow, greedy = said(*options, "--seed", "1", "--top-p", "0.000001"), said(*options[:2], *options[4:])
    if narrow["intact"]["text"] != greedy["intact"]["text"]:
        return f"the likeliest alone say '{narrow['intact']['text']}', greedily '{greedy['intact']['text']}'"
    return None


def refused(code, words, *arguments):
    out = say(*arguments)
    lines = out.stderr.strip().split("\n")
    if out.returncode != code or len(lines) != 1 or words not in lines[0] or out.stdout:
        return f"status {out.returncode}, expected {code} and '{words}': {out.stderr}{out.stdout}"
    return None


for model in GOLDEN["models"]:
    for kind in OPTIONS:
        check(f"{model['model']}_{kind}_is_greedy_generate", golden(model, kind))
check("scale_1_changes_nothing", parting(said("--prompt", "The capital of France is", "--heads", "0:0,1:1", "--ablate",
                                              "scale=1", "--past-end")))
check("drawn_tokens_follow_the_seed", drawn())
ended = said("--prompt", "The capital of France is")["intact"]["tokens"]
check("a_text_ends_with_its_end", None if ended[-1]["token"] == "<|endoftext|>" and len(ended) < 20 else str(ended))
check("no_prompt_is_refused", refused(2, "needs --prompt", "--heads", "0:0"))
check("kinds_without_heads_are_refused", refused(2, "needs --heads", "--prompt", "x", "--keep-only"))
check("patch_without_donor_is_refused", refused(2, "--donor", "--prompt", "x", "--heads", "0:0", "--ablate", "patch"))
check("too_many_tokens_are_refused", refused(2, "takes 128 in all", "--prompt", "x", "--tokens", "200"))
check("heads_that_are_not_there_are_refused", refused(2, "--heads", "--prompt", "x", "--heads", "9:0"))
sys.exit(failed > 0)
