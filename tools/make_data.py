"""Write the bundled corpora and their splits, and generate the text the bundled models are trained on.

    python3 tools/make_data.py [--out data] [--seed 13]

Standard library only, and a pure function of the seed. Writes, under --out:

    corpora/{facts,negation,counterfactual,logic,ioi}.jsonl    rows {id, clean, corrupt, target, foil, template}, and of ioi
                                                               {spans, corrupt_spans}: where the roles stand
    splits/{facts,negation,counterfactual,logic,ioi}.split.json    schema abltui.split/1, row indices into the corpus

Every sentence is built from the tables and templates of tools/prompts.py. What holds for every row, and is asserted
before anything is written:

  * clean and corrupt prompt have the same number of tokens, and each has its own right answer;
  * the target does not occur in the clean prompt, not even inside a word and whatever the case; of ioi, whose answer is
    a name of the prompt, it does, and the spans say where each role stands;
  * no clean prompt occurs twice, and no prompt, clean or corrupt, of one split occurs in another;
  * every answer is one word with its leading space, of those the tokenizer keeps whole.

`documents()` yields the training text: the same templates filled at random, without any prompt (clean or corrupt) of
the validation and test splits, plus short passages and word lists that reward copying and looking things up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prompts import (
    BUILDINGS, COLORS, CONDITIONS, DAYS, GOODS, HOMES, INFERENCES, MONTHS, NAMES, NEGATION, NUMBERS, THINGS, Pair, Side,
    adjective_words, draw, is_fit, n_tokens, templates_of,
)

SEED = 13
PARTS = (("test", 48), ("val", 24), ("train", 168))  # rows of a condition, filled in this order
MAX_DOCUMENT = 112  # tokens, estimated


# ---------------------------------------------------------------------------------------------------------------------
# Rows and splits


def choose_rows(condition: str, rng: random.Random) -> dict[str, list[Pair]]:
    """The pairs of each split. Templates take turns; no answer takes more than its share; no prompt is in two splits;
    a key (one piece of knowledge, such as a country's capital) is held out of the training text at most once, so that
    it can be learned from other templates."""
    makers = templates_of(condition)
    names = list(makers)
    n_answers = len({draw(rng, makers[n]).clean.answer for n in names for _ in range(200)})
    owner: dict[str, str] = {}  # prompt: split
    clean_seen: set[str] = set()
    held = Counter[str]()
    chosen: dict[str, list[Pair]] = {}
    for part, count in PARTS:
        cap = max(2, -(-count * 5 // (2 * n_answers)))
        answers = Counter[str]()
        pairs = chosen[part] = []
        order = rng.sample(names, len(names))
        turn = 0
        while len(pairs) < count:
            maker = makers[order[turn % len(order)]]
            turn += 1
            cap += turn % (50 * len(order)) == 0
            for _ in range(60):
                pair = draw(rng, maker)
                prompts = (pair.clean.prompt, pair.corrupt.prompt)
                if pair.clean.prompt in clean_seen or any(owner.get(p, part) != part for p in prompts):
                    continue
                if answers[pair.clean.answer] >= cap or (part != "train" and any(held[k] for k in pair.keys)):
                    continue
                pairs.append(pair)
                clean_seen.add(pair.clean.prompt)
                owner.update((p, part) for p in prompts)
                answers[pair.clean.answer] += 1
                if part != "train":
                    held.update(pair.keys)
                break
    return chosen


def corpora(seed: int = SEED) -> dict[str, dict[str, list[Pair]]]:
    """condition: split: pairs."""
    return {c: choose_rows(c, random.Random(f"{seed}:{c}")) for c in CONDITIONS}


def check(chosen: dict[str, list[Pair]]) -> None:
    """Assert what the head of this file promises."""
    owner: dict[str, str] = {}
    clean_seen: set[str] = set()
    for part, pairs in chosen.items():
        for pair in pairs:
            assert is_fit(pair), pair
            assert pair.clean.prompt not in clean_seen, pair
            clean_seen.add(pair.clean.prompt)
            assert all(re.fullmatch(" [A-Za-z]+", side.answer) for side in (pair.clean, pair.corrupt)), pair
            for prompt in (pair.clean.prompt, pair.corrupt.prompt):
                assert owner.setdefault(prompt, part) == part, prompt


def row(name: str, pair: Pair) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": name, "clean": pair.clean.prompt, "corrupt": pair.corrupt.prompt, "target": pair.clean.answer,
        "foil": pair.corrupt.answer, "template": pair.template}
    if pair.roles:
        fields |= {"spans": pair.roles[0], "corrupt_spans": pair.roles[1]}
    return fields


def write(out: Path, seed: int) -> None:
    """Write corpora and splits, and print a line about each."""
    (out / "corpora").mkdir(parents=True, exist_ok=True)
    (out / "splits").mkdir(parents=True, exist_ok=True)
    for condition, chosen in corpora(seed).items():
        check(chosen)
        rows = [(part, pair) for part, pairs in chosen.items() for pair in pairs]
        random.Random(f"{seed}:{condition}:order").shuffle(rows)
        lines = [json.dumps(row(f"{condition}-{i:03d}", pair), ensure_ascii=False)
                 for i, (_, pair) in enumerate(rows)]
        data = ("\n".join(lines) + "\n").encode()
        (out / "corpora" / f"{condition}.jsonl").write_bytes(data)
        split = {"schema": "abltui.split/1", "corpus": condition, "sha256": hashlib.sha256(data).hexdigest(),
                 "seed": seed}
        split |= {part: [i for i, (p, _) in enumerate(rows) if p == part] for part in ("train", "val", "test")}
        (out / "splits" / f"{condition}.split.json").write_text(json.dumps(split) + "\n", newline="\n")
        targets = Counter(pair.clean.answer for _, pair in rows)
        lengths = [n_tokens(pair.clean.prompt) for _, pair in rows]
        print(f"{condition}: {len(rows)} rows, {len({p.template for _, p in rows})} templates, {len(targets)} targets"
              f" (largest {max(targets.values())}), {min(lengths)}-{max(lengths)} words and signs a prompt")


# ---------------------------------------------------------------------------------------------------------------------
# Training text


def held_out(seed: int = SEED) -> set[str]:
    """Every prompt, clean and corrupt, of the validation and test splits."""
    return {side.prompt for chosen in corpora(seed).values() for part in ("val", "test") for pair in chosen[part]
            for side in (pair.clean, pair.corrupt)}


def lookup_passage(rng: random.Random) -> str:
    """Who owns what, then a question answered from the passage."""
    owners, things = rng.sample(NAMES, rng.randint(2, 5)), rng.sample(GOODS, 5)
    colors = rng.sample(sorted(set(COLORS.values())), len(owners))
    facts = [f"{o} has a {c} {t}." for o, c, t in zip(owners, colors, things)]
    asked = rng.sample(range(len(owners)), rng.randint(1, len(owners)))
    return " ".join(facts + [f"The {things[i]} of {owners[i]} is {colors[i]}." for i in asked])


def repeated_words(rng: random.Random) -> str:
    """A list of words said again: the next word is the one that followed last time."""
    pool = rng.choice((NAMES, THINGS + BUILDINGS, GOODS + list(HOMES), DAYS + MONTHS, NUMBERS))
    words = rng.sample(pool, rng.randint(3, min(9, len(pool))))
    line = " ".join(words)
    return "Words: " + ", ".join([line] * rng.randint(2, max(2, 40 // len(words))))[:600]


NOTES = (
    "{p}'s {n} isn't here; it's at {q}'s house.", "{p} said: \"I'll bring {i} {m} tonight!\"",
    "Don't worry, {p}: we've got {i} {m}.",
    "They'd seen {p} near the {b} at {i}:{j}0 that {w}.", "In 19{i}{j}, {p} wrote about {m} (and {v} {m}).",
    "Who's there? It's {p}, and we're {v} again...", "{p} isn't {v}; she can't be {v} on a {w}.",
    "Dear {p}, the {b} opens at {i} and you're welcome - yours, {q}", "{p} paid {i}{j}.{i}0 for {m} & {w} tea?",
)
NOTE_WORDS = dict(
    m="na\u00efvety marmalade thunder caf\u00e9 lanterns postcards umbrella chestnuts hurricanes telescope bicycles",
    v="exhausted cheerful stubborn undecided melancholy extraordinary punctual absent grateful curious",
    w="morning afternoon evening weekend holiday midnight", b="lighthouse harbour station library market orchard",
)


def note(rng: random.Random) -> str:
    """Everyday text with contractions, digits, quotes and words too rare to be one token."""
    words = {k: rng.choice(v.split()) for k, v in NOTE_WORDS.items()}
    p, q = rng.sample(NAMES, 2)
    return rng.choice(NOTES).format(p=p, q=q, n=rng.choice(GOODS), i=rng.randint(1, 9), j=rng.randint(0, 5), **words)


def yes_or_no(rng: random.Random) -> Side:
    """The premise of a negation or an inference, and a question that asks for its cue alone."""
    denied, affirmed = rng.choice([*NEGATION, *INFERENCES.values()])
    text, answer = rng.choice(((denied, " No"), (affirmed, " Yes")))
    words = adjective_words(rng)[2]
    return Side(f"{text.partition('|')[0].rstrip('.,?')}. Is it {{x}}?".format(**words), answer)


class Document(NamedTuple):
    """A training document and where in it the answers (with their leading space) begin."""

    text: str
    answers: tuple[int, ...] = ()


SHARES = (("facts", 24), ("negation", 25), ("counterfactual", 14), ("logic", 30), ("ioi", 20), ("yes or no", 7))


def clean_share(progress: float) -> float:
    """How often a sentence takes the clean side at this point of the text. Much more often at first: whether a word or
    its opposite follows depends on cue and word together, which is learned soon only once the opposites are."""
    return 0.5 + 0.35 * min(1.0, max(0.0, (0.5 - progress) / 0.25))


def documents(count: int, seed: int = SEED) -> Iterator[Document]:
    """`count` training documents, none of which contains a held-out prompt."""
    banned = held_out(seed)
    rng = random.Random(f"{seed}:text")
    makers = {c: list(templates_of(c).values()) for c in CONDITIONS}
    names, weights = zip(*SHARES)
    made = 0

    def sentence() -> Document:
        while True:
            condition = rng.choices(names, weights)[0]
            if condition in makers:
                pair = draw(rng, rng.choice(makers[condition]))
                side = pair.clean if rng.random() < clean_share(made / count) else pair.corrupt
            else:
                side = yes_or_no(rng)
            if side.prompt not in banned:
                return Document(side.sentence, (len(side.prompt),))

    def several() -> Document:
        text, answers = sentence()
        limit = rng.randint(20, MAX_DOCUMENT)
        while True:
            more = sentence()
            longer = text + " " + more.text
            if n_tokens(longer) > limit:
                return Document(text, answers)
            answers += tuple(len(text) + 1 + at for at in more.answers)
            text = longer

    kinds = (sentence, several, lambda: Document(lookup_passage(rng)), lambda: Document(repeated_words(rng)),
             lambda: Document(note(rng)))
    while made < count:
        document = rng.choices(kinds, (70, 20.7, 5, 4, 0.3))[0]()
        if not any(prompt in document.text for prompt in banned):
            made += 1
            yield document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "data")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    write(args.out, args.seed)


if __name__ == "__main__":
    main()
