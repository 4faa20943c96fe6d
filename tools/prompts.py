"""The closed world, sentence templates and prompt pairs from which tools/make_data.py builds corpora and training text.

A *pair* is a clean prompt and a corrupt prompt of the same token length, each with its own right answer: `target`
answers the clean prompt, `foil` the corrupt one. `templates_of(condition)` gives functions that draw pairs.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

CONDITIONS = ("facts", "negation", "counterfactual", "logic", "ioi")


# ---------------------------------------------------------------------------------------------------------------------
# Prompts


@dataclass(frozen=True)
class Side:
    """A prompt, its right answer, and how the sentence may go on in the training text."""

    prompt: str
    answer: str  # with its leading space
    tail: str = "."

    @property
    def sentence(self) -> str:
        return self.prompt + self.answer + self.tail


Spans = dict[str, tuple[int, int]]  # role: its first character and the one behind its last


@dataclass(frozen=True)
class Pair:
    """A clean and a corrupt side of one template. `keys` names the knowledge it uses, see `choose_rows`."""

    template: str
    clean: Side
    corrupt: Side
    keys: tuple[str, ...] = ()
    roles: tuple[Spans, Spans] | None = None  # where the roles stand in either prompt; the answer is one of them


Maker = Callable[[random.Random], "Pair | None"]  # None when the draw makes no sense

PIECE = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+")


def n_tokens(text: str) -> int:
    """Length in tokens when every word is one token; words in which two prompts of a pair differ always are."""
    return len(PIECE.findall(text))


def is_fit(pair: Pair) -> bool:
    """Whether the pair may become a row or a training sentence."""
    clean, corrupt = pair.clean, pair.corrupt
    return (
        clean.answer != corrupt.answer
        and clean.prompt != corrupt.prompt
        and (pair.roles is not None or clean.answer.strip().lower() not in clean.prompt.lower())
        and n_tokens(clean.prompt) == n_tokens(corrupt.prompt)
    )


def with_article(noun: str) -> str:
    """The noun with "a" or "an"; a leading "-" marks a noun phrase that takes neither."""
    if noun.startswith("-"):
        return noun[1:]
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------------------------------------------------------------
# The closed world

NAMES = (
    "Tom Ann Bob Mary John Paul Jack Kate Peter Sam Lucy Mark Anna David Emma James Sarah Ben Jane Alice Dan Eva Max"
    " Leo Nina Carl Laura George Helen Frank"
).split()

# city: country
CAPITALS = dict(
    Paris="France", Rome="Italy", Berlin="Germany", Madrid="Spain", London="England", Tokyo="Japan", Moscow="Russia",
    Cairo="Egypt", Athens="Greece", Beijing="China", Delhi="India", Lisbon="Portugal", Vienna="Austria",
    Dublin="Ireland", Oslo="Norway", Stockholm="Sweden", Warsaw="Poland", Ankara="Turkey", Ottawa="Canada",
    Havana="Cuba", Seoul="Korea", Budapest="Hungary", Copenhagen="Denmark", Lima="Peru", Tripoli="Libya",
    Baghdad="Iraq", Tehran="Iran", Bangkok="Thailand", Damascus="Syria", Santiago="Chile",
)
CITY_OF = {country: city for city, country in CAPITALS.items()}

# country: what most people there speak, where one answer is clear
LANGUAGES = dict(
    France="French", Italy="Italian", Germany="German", Spain="Spanish", England="English", Japan="Japanese",
    Russia="Russian", Egypt="Arabic", Greece="Greek", China="Chinese", Portugal="Portuguese", Austria="German",
    Norway="Norwegian", Sweden="Swedish", Poland="Polish", Turkey="Turkish", Cuba="Spanish", Korea="Korean",
    Hungary="Hungarian", Denmark="Danish", Peru="Spanish", Iraq="Arabic", Iran="Persian", Libya="Arabic",
    Syria="Arabic", Chile="Spanish",
)

# country: continent, where one answer is clear
CONTINENTS = dict(
    France="Europe", Italy="Europe", Germany="Europe", Spain="Europe", England="Europe", Japan="Asia", Egypt="Africa",
    Greece="Europe", China="Asia", India="Asia", Portugal="Europe", Austria="Europe", Ireland="Europe",
    Norway="Europe", Sweden="Europe", Poland="Europe", Canada="America", Cuba="America", Korea="Asia",
    Hungary="Europe", Denmark="Europe", Peru="America", Libya="Africa", Iraq="Asia", Iran="Asia", Thailand="Asia",
    Syria="Asia", Chile="America",
)

# thing: colour ("-" marks a phrase that takes no article)
COLORS = {
    "-grass": "green", "frog": "green", "leaf": "green", "-snow": "white", "swan": "white", "-milk": "white",
    "-salt": "white", "-blood": "red", "tomato": "red", "cherry": "red", "-coal": "black", "crow": "black",
    "-tar": "black", "banana": "yellow", "lemon": "yellow", "-butter": "yellow", "-the sea": "blue", "-the sky": "blue",
    "carrot": "orange", "pumpkin": "orange", "-chocolate": "brown", "-mud": "brown", "bear": "brown",
    "elephant": "gray", "wolf": "gray", "pig": "pink", "flamingo": "pink", "plum": "purple", "grape": "purple",
}

# thing: the kind of thing it is
CLASSES = dict(
    eagle="bird", crow="bird", owl="bird", swan="bird", salmon="fish", shark="fish", trout="fish", ant="insect",
    bee="insect", beetle="insect", apple="fruit", banana="fruit", cherry="fruit", pear="fruit", rose="flower",
    lily="flower", tulip="flower", hammer="tool", saw="tool", drill="tool", piano="instrument", violin="instrument",
    flute="instrument", carrot="vegetable", onion="vegetable", cabbage="vegetable", oak="tree", pine="tree", elm="tree",
    car="vehicle", truck="vehicle", bus="vehicle", sword="weapon", rifle="weapon", spear="weapon",
)

# animal or person: home
HOMES = dict(
    bee="hive", crow="nest", owl="nest", spider="web", bear="cave", bat="cave", fox="den", wolf="den", shark="sea",
    whale="sea", cow="barn", goat="barn", camel="desert", monkey="jungle", tiger="jungle", king="palace",
    queen="palace", frog="pond", duck="pond",
)

# job: place
PLACES = dict(
    teacher="school", tutor="school", nurse="hospital", doctor="hospital", cook="kitchen", chef="kitchen",
    judge="court", lawyer="court", clerk="office", manager="office", priest="church", bishop="church",
    mechanic="garage", guard="prison", dancer="theater", singer="theater", cashier="store", waiter="restaurant",
    scientist="laboratory", chemist="laboratory",
)

# thing: material
MATERIALS = dict(
    window="glass", mirror="glass", shirt="cotton", towel="cotton", table="wood", door="wood", book="paper",
    map="paper", shoe="leather", belt="leather", crown="gold", ring="gold", tire="rubber", ball="rubber", bag="plastic",
    bucket="plastic", wall="stone", statue="stone", sweater="wool", scarf="wool", knife="steel", sword="steel",
    candle="wax",
)

# adjective, its opposite, and nouns both can be said of
OPPOSITES = (
    ("open", "closed", "door window gate shop box book"),
    ("hot", "cold", "soup water tea coffee milk"),
    ("full", "empty", "glass box bag cup bus bucket"),
    ("wet", "dry", "towel shirt road grass map"),
    ("clean", "dirty", "shirt cup table window road"),
    ("big", "small", "house box ship table bag"),
    ("long", "short", "road river song book rope"),
    ("heavy", "light", "box bag table hammer book"),
    ("fast", "slow", "car horse train ship runner"),
    ("hard", "soft", "bed pillow bread chair ground"),
    ("happy", "sad", "boy girl king song teacher"),
    ("rich", "poor", "king farmer man woman city"),
    ("young", "old", "man woman king horse teacher"),
    ("strong", "weak", "man horse rope king tea"),
    ("loud", "quiet", "song train boy street singer"),
    ("bright", "dark", "room lamp sky street star"),
    ("thick", "thin", "book wall rope ice soup"),
    ("wide", "narrow", "road river street gate bridge"),
    ("deep", "shallow", "river sea lake water pond"),
    ("high", "low", "wall bridge sky fence price"),
    ("cheap", "expensive", "car house shirt ring book"),
    ("safe", "dangerous", "road bridge ship street lake"),
    ("easy", "difficult", "game test book song road"),
    ("right", "wrong", "answer map number price word"),
    ("alive", "dead", "king horse wolf bee crow"),
    ("guilty", "innocent", "man woman boy girl farmer"),
    ("rough", "smooth", "road table wall stone sea"),
    ("tight", "loose", "rope shoe belt knot ring"),
    ("sick", "healthy", "boy girl horse queen man"),
    ("sharp", "dull", "knife saw sword needle pencil"),
)
ADJECTIVES = tuple(
    (a, b, tuple(nouns.split())) for x, y, nouns in OPPOSITES for a, b in ((x, y), (y, x))
)
OPPOSITE_OF = {a: b for a, b, _ in ADJECTIVES}

COMPARATIVES = (
    "taller shorter", "older younger", "faster slower", "stronger weaker", "richer poorer", "bigger smaller",
    "heavier lighter", "louder quieter", "thinner thicker", "better worse",
)
COMPARATIVE_OF = {a: b for line in COMPARATIVES for a, b in (line.split(), line.split()[::-1])}

ROLES = (
    "husband wife", "teacher student", "doctor patient", "host guest", "seller buyer", "winner loser", "boss worker",
    "leader follower", "lawyer client", "king servant",
)
ROLE_OF = {a: b for line in ROLES for a, b in (line.split(), line.split()[::-1])}

VERBS = (("sold", "bought", "to"), ("lent", "borrowed", "to"), ("gave", "received", "to"), ("threw", "caught", "to"))
GOODS = "car book ring horse lamp shirt cup map ball table".split()
GAMES = "game race match fight bet".split()

DIRECTIONS = dict(north="south", south="north", east="west", west="east")
LEVELS = dict(above="below", below="above", over="under", under="over")
SIDES = dict(left="right", right="left")
BUILDINGS = "bank school church store hospital garage theater palace prison bridge".split()
THINGS = "lamp mirror map clock shelf picture cup book bag box".split()
EVENTS = "lunch dinner breakfast school church work music sport prayer practice".split()
ORDER = dict(before="after", after="before")

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
).split()
COUNTED = "cups coins books cards rings balls".split()
CAUSES = (
    ("it rains", "It rains"), ("it snows", "It snows"), ("the bell rings", "The bell rings"),
    ("the sun shines", "The sun shines"), ("the dog barks", "The dog barks"),
)


# ---------------------------------------------------------------------------------------------------------------------
# facts: one relation of the closed world a prompt; the corrupt prompt asks it of another subject


def plain(noun: str) -> dict[str, str]:
    return dict(x=noun, a=with_article(noun), A=capital(with_article(noun)), X=capital(noun.lstrip("-")))


# relation: table and templates; {x} the subject, {a} with its article, {A} the same at the start of a sentence
FACTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "country": (CAPITALS, (
        "Where is {x}? In",
        "The city of {x} lies in",
        "If you visit {x}, you are in",
        "My friend left {x}, his home, but he still lives in",
        "A train to {x} takes you through the fields and towns of",
    )),
    "capital": (CITY_OF, (
        "The capital of {x} is",
        "The government of {x} sits in",
        "Everyone who studies {x} learns that its capital is",
        "On the map of {x}, a star marks the capital, which is",
        "Question: capital of {x}? Answer:",
    )),
    "language": (LANGUAGES, (
        "In {x}, people speak",
        "The language of {x} is",
        "The children in {x} learn to read and write in",
        "A book printed in {x} is most likely written in",
        "When you go to {x}, it helps to know some",
    )),
    "continent": (CONTINENTS, (
        "Look for {x} in",
        "The country of {x} is a part of",
        "A ship that sails to {x} must find a harbor in",
        "On a globe you find {x} in",
    )),
    "color": (COLORS, (
        "The color of {a} is",
        "Children who draw {a} take a pencil that is",
        "Look at {a} and you will see the color",
        "In all of the pictures that I know, {a} looks",
        "Color of {a}:",
    )),
    "class": (CLASSES, (
        "{A} is a kind of",
        "In this book, {a} is listed as a type of",
        "The word {x} names some kind of",
        "You asked what {a} is: it is just another",
    )),
    "home": (HOMES, (
        "{A} lives in the",
        "The home of {a} is the",
        "If you look for {a}, go and search in the",
        "The {x} was tired, so it went back home to its",
    )),
    "place": (PLACES, (
        "{A} works in the",
        "You can meet {a} in the",
        "Every morning the {x} gets up early and goes to the",
        "My aunt is {a}, so she spends her day in the",
        "Ask the {x} in the",
    )),
    "material": (MATERIALS, (
        "{A} is made of",
        "To make {a}, you need some",
        "The old {x} in the museum was made of",
        "The factory that makes the {x} buys a lot of",
    )),
    "opposite": (OPPOSITE_OF, (
        "The opposite of {x} is",
        "Two opposites: {x} and",
        "The word {x} means the contrary of",
        "If something is the reverse of {x}, then we call it",
        "Turn {x} around and you get",
    )),
}


def facts_pair(rng: random.Random, relation: str, number: int) -> Pair:
    table, templates = FACTS[relation]
    template = templates[number]
    subject, other = rng.choice(list(table)), rng.choice(list(table))
    return Pair(
        f"{relation}-{number + 1}",
        Side(template.format(**plain(subject)), " " + table[subject]),
        Side(template.format(**plain(other)), " " + table[other]),
        (f"{relation}:{subject}", f"{relation}:{other}"),
    )


# ---------------------------------------------------------------------------------------------------------------------
# negation: the cue decides between a word and its opposite; the corrupt prompt has the other cue

# {n} noun, {x} adjective, {p} {q} names; the second text affirms what the first denies; the question follows the "|"
NEGATION: tuple[tuple[str, str], ...] = (
    ("The {n} is not {x}.| The {n} is", "The {n} is now {x}.| The {n} is"),
    ("It is false that the {n} is {x}.| So the {n} is", "It is true that the {n} is {x}.| So the {n} is"),
    ("Is the {n} {x}? No,| the {n} is", "Is the {n} {x}? Yes,| the {n} is"),
    ("The {n} is never {x},| it is", "The {n} is always {x},| it is"),
    ("Nobody found the {n} {x}.| It was", "Everybody found the {n} {x}.| It was"),
    ("Not {x}?| Then it is", "Still {x}?| Then it is"),
    ("{p} said that the {n} was {x}, but {p} was wrong.| The {n} was",
     "{p} said that the {n} was {x}, and {p} was right.| The {n} was"),
    ("It is true that the {n} is not {x},| so it is", "It is false that the {n} is not {x},| so it is"),
    ("I hoped to find the {n} {x}, but it was not.| It was", "I hoped to find the {n} {x}, and it really was.| It was"),
    ("The {n} is anything but {x}.| It is", "The {n} is nothing but {x}.| It is"),
    ("The {n} is no longer {x}.| Now it is", "The {n} is once again {x}.| Now it is"),
    ("The {n} was {x} yesterday, but not today.| Today the {n} is",
     "The {n} was {x} yesterday, and still today.| Today the {n} is"),
    ("The {n} isn't {x}.| Surely it is", "The {n} is so {x}.| Surely it is"),
    ("Hardly {x},| the {n} is", "Truly {x},| the {n} is"),
    ("Neither {p} nor {q} thinks that the {n} is {x}.| They both say it is",
     "Both {p} and {q} think that the {n} is {x}.| They both say it is"),
    ("Far from being {x},| the {n} is", "Famous for being {x},| the {n} is"),
    ("{p} asked {q} whether the {n} was {x}. {q} said no,| and explained that it was",
     "{p} asked {q} whether the {n} was {x}. {q} said yes,| and explained that it was"),
)


def adjective_words(rng: random.Random) -> tuple[str, str, dict[str, str]]:
    """An adjective, its opposite, and the words to fill a template with."""
    x, opposite, nouns = rng.choice(ADJECTIVES)
    p, q = rng.sample(NAMES, 2)
    cause, again = rng.choice(CAUSES)
    return x, opposite, dict(n=rng.choice(nouns), x=x, p=p, q=q, c=cause, C=again)


def negation_pair(rng: random.Random, number: int) -> Pair:
    denied, affirmed = NEGATION[number]
    x, opposite, words = adjective_words(rng)
    return Pair(f"negation-{number + 1}", Side(whole(denied, words), " " + opposite),
                Side(whole(affirmed, words), " " + x))


def whole(text: str, words: dict[str, str]) -> str:
    return text.replace("|", "").format(**words)


# ---------------------------------------------------------------------------------------------------------------------
# counterfactual: the supposed world answers, not the real one; the corrupt prompt supposes what is already so


def alike(rng: random.Random, table: dict[str, str], subject: str) -> str | None:
    """Another subject of the same value, if there is one."""
    others = [s for s in table if s != subject and table[s] == table[subject]]
    return rng.choice(others) if others else None


CITY_LANGUAGE = (
    "Suppose {c} were in {k}. Then people in {c} would speak",
    "If {c} belonged to {k}, its people would speak",
    "Imagine a world where {c} is a city of {k}. There, the children of {c} would learn",
    "Had {c} been built in {k}, the signs in its streets would be in",
    "Pretend {c} is in {k}: they speak",
)
CITY_CONTINENT = (
    "If {c} were moved to {k}, it would be in",
    "Suppose a giant carried {c} over to {k}. Then the city would be in",
    "Put {c} in {k}, and it is in",
)
# {a} the subject, {b} what it is supposed to be like; {x} {y} without article
SUPPOSED: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "color": (COLORS, (
        "If {a} had the color of {b}, it would be",
        "Imagine that {a} looked just like {b}. Then its color would be",
        "Paint {a} like {b}, and it is",
    )),
    "material": (MATERIALS, (
        "If the {x} were made of the same stuff as the {y}, it would be made of",
        "Suppose they made the {x} the way they make the {y}. Then it would be made of",
    )),
    "place": (PLACES, (
        "If the {x} had the job of the {y}, she would work in the",
        "Imagine that {p}, who is {a}, became {b}. Then {p} would go to the",
    )),
    "class": (CLASSES, (
        "If {a} were really {b}, it would be a kind of",
        "Suppose the word {x} meant {b}. Then it would name some kind of",
    )),
    "home": (HOMES, (
        "If the {x} lived like the {y}, its home would be the",
        "Suppose the {x} turned into {b}. Then it would live in the",
    )),
}


def city_pair(rng: random.Random, kind: str, number: int) -> Pair | None:
    table, templates = (LANGUAGES, CITY_LANGUAGE) if kind == "language" else (CONTINENTS, CITY_CONTINENT)
    countries = list(table)
    home, supposed = rng.sample(countries, 2)
    same = home if kind == "language" else alike(rng, table, home)
    if same is None:
        return None
    words = dict(c=CITY_OF[home])
    return Pair(
        f"{kind}-{number + 1}",
        Side(templates[number].format(k=supposed, **words), " " + table[supposed]),
        Side(templates[number].format(k=same, **words), " " + table[home]),
    )


def supposed_pair(rng: random.Random, kind: str, number: int) -> Pair | None:
    table, templates = SUPPOSED[kind]
    subject, supposed = rng.sample(list(table), 2)
    same = alike(rng, table, subject)
    if same is None:
        return None
    p = rng.choice(NAMES)
    bare = subject.lstrip("-")

    def side(other: str) -> Side:
        text = templates[number].format(
            x=bare, y=other.lstrip("-"), a=with_article(subject), b=with_article(other), p=p)
        return Side(text, " " + table[other])

    return Pair(f"{kind}-{number + 1}", side(supposed), side(same))


# ---------------------------------------------------------------------------------------------------------------------
# logic: converses, order, sums, and inferences whose conclusion is not in the premises


def converse(name: str, text: str, table: dict[str, str], pool: tuple[str, ...] | list[str], tail: str,
             swap: str = "relation") -> tuple[str, Maker]:
    """A relation {x} of p to q, asked back from {z}: q in the clean prompt. The corrupt prompt states the opposite
    relation (swap "relation") or asks from p (swap "subject")."""

    def make(rng: random.Random) -> Pair | None:
        p, q, r = rng.sample(list(pool), 3)
        x = rng.choice(list(table))
        words = dict(p=p, q=q, r=r, P=capital(p), Q=capital(q))
        last = r if "{r}" in text else q
        clean = Side(text.format(x=x, z=last, **words), " " + table[x], tail.format(o=p))
        if swap == "relation":
            return Pair(name, clean, Side(text.format(x=table[x], z=last, **words), " " + x, tail.format(o=p)))
        return Pair(name, clean, Side(text.format(x=x, z=p, **words), " " + x, tail.format(o=last)))

    return name, make


def may_be_husband(p: str, q: str) -> bool:
    """Whether p may be called the husband of q."""
    women = set("Ann Mary Kate Lucy Anna Emma Sarah Jane Alice Eva Nina Laura Helen".split())
    return p not in women and q in women


def roles(name: str, text: str) -> tuple[str, Maker]:
    def make(rng: random.Random) -> Pair | None:
        p, q = rng.sample(NAMES, 2)
        x = rng.choice(list(ROLE_OF))
        if (x == "husband" and not may_be_husband(p, q)) or (x == "wife" and not may_be_husband(q, p)):
            return None
        if x == "king" and may_be_husband(q, p):
            return None
        return Pair(name, Side(text.format(p=p, q=q, x=x, z=q), " " + ROLE_OF[x], f" of {p}."),
                    Side(text.format(p=p, q=q, x=x, z=p), " " + x, f" of {q}."))

    return name, make


def trade(name: str, text: str) -> tuple[str, Maker]:
    def make(rng: random.Random) -> Pair | None:
        p, q = rng.sample(NAMES, 2)
        out, back, to = rng.choice(VERBS)
        thing = rng.choice(GOODS)
        words = dict(p=p, q=q, n=thing, v=out, to=to)
        return Pair(name, Side(text.format(z=q, **words), " " + back, f" the {thing}."),
                    Side(text.format(z=p, **words), " " + out, f" the {thing}."))

    return name, make


def contest(name: str, text: str) -> tuple[str, Maker]:
    def make(rng: random.Random) -> Pair | None:
        p, q = rng.sample(NAMES, 2)
        v, w = rng.choice((("won", "lost"), ("lost", "won")))
        words = dict(p=p, q=q, g=rng.choice(GAMES))
        return Pair(name, Side(text.format(v=v, **words), " " + w, f" to {p}." if w == "lost" else f" against {p}."),
                    Side(text.format(v=w, **words), " " + v, f" to {p}." if v == "lost" else f" against {p}."))

    return name, make


def calendar(name: str, text: str, cycle: list[str], step: int) -> tuple[str, Maker]:
    def make(rng: random.Random) -> Pair | None:
        i, j = rng.sample(range(len(cycle)), 2)
        p = rng.choice(NAMES)
        kind = cycle[0]

        def side(k: int) -> Side:
            return Side(text.format(x=cycle[k], p=p), " " + cycle[(k + step) % len(cycle)])

        keys = () if "{p}" in text else (f"{kind}{step}:{i}", f"{kind}{step}:{j}")
        return Pair(name, side(i), side(j), keys)

    return name, make


def sums(name: str, text: str, sign: int) -> tuple[str, Maker]:
    """a + b or a - b in words; the corrupt prompt has another b."""

    def make(rng: random.Random) -> Pair | None:
        a = rng.randint(2, 10) if sign > 0 else rng.randint(3, 12)
        limit = 10 if sign > 0 else a - 1
        if limit < 3:
            return None
        b, c = rng.sample(range(2, limit + 1), 2)
        if a - b < 2 and sign < 0 or a - c < 2 and sign < 0:
            return None
        words = dict(a=NUMBERS[a], p=rng.choice(NAMES), n=rng.choice(COUNTED))
        noun = f" {words['n']}." if "{n}" in text else "."

        def side(k: int) -> Side:
            return Side(text.format(b=NUMBERS[k], **words), " " + NUMBERS[a + sign * k], noun)

        keys = () if "{p}" in text else (f"sum{sign}:{a}:{b}", f"sum{sign}:{a}:{c}")
        return Pair(name, side(b), side(c), keys)

    return name, make


def inference(name: str, denied: str, affirmed: str) -> tuple[str, Maker]:
    def make(rng: random.Random) -> Pair | None:
        x, opposite, words = adjective_words(rng)
        return Pair(name, Side(whole(denied, words), " " + opposite), Side(whole(affirmed, words), " " + x))

    return name, make


# like NEGATION
INFERENCES: dict[str, tuple[str, str]] = {
    "ponens-1": ("If {c}, the {n} is not {x}. {C}.| So the {n} is",
        "If {c}, the {n} is still {x}. {C}.| So the {n} is"),
    "ponens-2": ("Whenever {c}, the {n} is never {x}. Right now, {c}.| So the {n} must be",
        "Whenever {c}, the {n} is always {x}. Right now, {c}.| So the {n} must be"),
    "only-when": ("The {n} is {x} exactly when {p} sings. {p} is silent.| So the {n} is",
        "The {n} is {x} exactly when {p} sings. {p} is singing.| So the {n} is"),
    "agree": ("{p} and {q} never agree. {p} says the {n} is {x},| so {q} says that it is",
        "{p} and {q} always agree. {p} says the {n} is {x},| so {q} says that it is"),
    "every": ("No {n} is {x}.| So every {n} is",
        "Each {n} is {x}.| So every {n} is"),
}

LOGIC: tuple[tuple[str, Maker], ...] = (
    converse("compare-1", "{p} is {x} than {q}. So {z} is", COMPARATIVE_OF, NAMES, " than {o}."),
    converse("compare-2", "Since {p} is {x} than {q}, we know that {z} must be", COMPARATIVE_OF, NAMES,
             " than {o}.", "subject"),
    converse("compare-3", "{p} is {x} than {q}, and {q} is {x} than {r}. So {z} must be", COMPARATIVE_OF, NAMES,
             " than {o}.", "subject"),
    converse("compare-4", "{p} is {x} than {q}; {z} is", COMPARATIVE_OF, NAMES, " than {o}."),
    converse("compass-1", "The {p} lies {x} of the {q}. So the {z} lies", DIRECTIONS, BUILDINGS, " of the {o}."),
    converse("compass-2", "To reach the {p} from the {q}, walk {x}. To come back from the {p}, walk", DIRECTIONS,
             BUILDINGS, "."),
    converse("level-1", "The {p} hangs {x} the {q}. So the {z} is", LEVELS, THINGS, " the {o}."),
    converse("level-2", "If the {p} is {x} the {q}, then the {z} is", LEVELS, THINGS, " the {o}.", "subject"),
    converse("side-1", "The {p} is on the {x} of the {q}, so the {z} is on the", SIDES, THINGS, " of the {o}."),
    converse("time-1", "{P} comes {x} {q}. So {z} comes", ORDER, EVENTS, " {o}."),
    roles("role-1", "{p} is the {x} of {q}. So {z} is the"),
    roles("role-2", "Because {p} is the {x} of {q}, people know {z} as the"),
    trade("trade-1", "{p} {v} the {n} {to} {q}. So {z}"),
    trade("trade-2", "Yesterday {p} {v} the {n} {to} {q}, which means that {z}"),
    contest("contest-1", "{p} {v} the {g} with {q}. So {q}"),
    contest("contest-2", "When {p} {v} the {g} between {p} and {q}, we all understood that {q} had"),
    calendar("day-1", "Today is {x}. So tomorrow is", DAYS, 1),
    calendar("day-2", "If yesterday was {x}, then today is", DAYS, 1),
    calendar("day-3", "The day after {x} is", DAYS, 1),
    calendar("day-4", "{p} arrived on {x} and left on the next day, which was a", DAYS, 1),
    calendar("day-5", "The day before {x} is", DAYS, -1),
    calendar("day-6", "Today is {x}. So yesterday was", DAYS, -1),
    calendar("day-7", "{p} comes home on {x}, and we expect the letter one day earlier, on", DAYS, -1),
    calendar("month-1", "The month after {x} is", MONTHS, 1),
    calendar("month-2", "It was {x} last month, so now it is", MONTHS, 1),
    calendar("month-3", "{p} was born in {x}; one month later it was", MONTHS, 1),
    calendar("month-4", "Right before {x} comes", MONTHS, -1),
    calendar("month-5", "If this month is {x}, then the last month was", MONTHS, -1),
    sums("sum-1", "The sum of {a} and {b} is", 1),
    sums("sum-2", "If you add {a} to {b}, you get", 1),
    sums("sum-3", "{p} has {a} {n} and buys {b} more. Now {p} has", 1),
    sums("sum-4", "Count {a} and then {b} more: you reach", 1),
    sums("minus-1", "Take {b} from {a} and you get", -1),
    sums("minus-2", "{p} had {a} {n} but lost {b} of them. Now {p} has", -1),
    *(inference(name, *texts) for name, texts in INFERENCES.items()),
)


# ---------------------------------------------------------------------------------------------------------------------
# ioi: who of a list of names is meant, when all but one (`io`) are named again; in the corrupt prompt `io` is named
# again instead of `s`

# {io} {s1} {s2}: the list has {io} and {s1}, and {s2} is the same as {s1}; {o1} {o2}: likewise a third name; {n} a thing,
# {b} a place. The order of the list is drawn. The last word is the role `end`.
IOI: tuple[str, ...] = (
    "When {x} and {y} went to the {b}, {s2} gave the {n} to",
    "{x} and {y} work at the {b}. Now {s2} sold the {n} to",
    "When {x} and {y} left the {b}, {s2} lent the {n} to",
    "The {n} was for {x} and {y}, so {s2} gave it to",
    "Now {x} and {y} are in the {b}. There {s2} sold a {n} to",
    "Since {x} and {y} had lunch near the {b}, {s2} lent a {n} to",
    "{x}, {y} and {w} went to the {b}. Then {s2} and {o2} gave the {n} to",
    "The names are {x}, {y} and {w}. I see {s2} and {o2}, so I wait for",
    "The people here are {x}, {y} and {w}. When {o2} and {s2} left, the {n} went to",
    "In the {b} are {x}, {y} and {w}. So {o2} and {s2} lent a {n} to",
)
IOI_ROLES = ("io", "s1", "o1", "s2", "o2")


def filled(text: str, words: dict[str, str]) -> tuple[str, Spans]:
    """The text with its words, and where those that name a role stand."""
    out, spans = "", {}
    for before, name, _, _ in string.Formatter().parse(text):
        out += before
        if name is not None:
            if name in IOI_ROLES:
                spans[name] = (len(out), len(out) + len(words[name]))
            out += words[name]
    spans["end"] = (out.rindex(" ") + 1, len(out))
    return out, spans


def ioi_pair(rng: random.Random, number: int) -> Pair:
    text = IOI[number]
    io, s, o = rng.sample(NAMES, 3)
    listed = ["io", "s1"] + ["o1"] * ("{w}" in text)
    rng.shuffle(listed)
    for slot, role in zip("xyw", listed):
        text = text.replace("{" + slot + "}", "{" + role + "}")
    words = dict(io=io, s1=s, o1=o, o2=o, n=rng.choice(GOODS), b=rng.choice(BUILDINGS))
    clean, clean_roles = filled(text, words | dict(s2=s))
    corrupt, corrupt_roles = filled(text, words | dict(s2=io))
    return Pair(f"ioi-{number + 1}", Side(clean, " " + io), Side(corrupt, " " + s), (), (clean_roles, corrupt_roles))


# ---------------------------------------------------------------------------------------------------------------------
# Templates of a condition

def templates_of(condition: str) -> dict[str, Maker]:
    """The condition's templates by name."""
    if condition == "facts":
        return {f"{r}-{i + 1}": (lambda rng, r=r, i=i: facts_pair(rng, r, i))
                for r, (_, texts) in FACTS.items() for i in range(len(texts))}
    if condition == "negation":
        return {f"negation-{i + 1}": (lambda rng, i=i: negation_pair(rng, i)) for i in range(len(NEGATION))}
    if condition == "counterfactual":
        makers: dict[str, Maker] = {}
        for kind, texts in (("language", CITY_LANGUAGE), ("continent", CITY_CONTINENT)):
            makers |= {f"{kind}-{i + 1}": (lambda rng, k=kind, i=i: city_pair(rng, k, i)) for i in range(len(texts))}
        for kind, (_, texts) in SUPPOSED.items():
            makers |= {f"{kind}-{i + 1}": (lambda rng, k=kind, i=i: supposed_pair(rng, k, i))
                       for i in range(len(texts))}
        return makers
    if condition == "ioi":
        return {f"ioi-{i + 1}": (lambda rng, i=i: ioi_pair(rng, i)) for i in range(len(IOI))}
    return dict(LOGIC)


def draw(rng: random.Random, maker: Maker) -> Pair:
    """A pair fit to be used; every template has some."""
    for _ in range(10_000):
        pair = maker(rng)
        if pair is not None and is_fit(pair):
            return pair
    raise ValueError("a template yields no fit pair")
