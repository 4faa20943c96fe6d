"""Check JSON documents against docs/schema: tests/support/schemas.py SCHEMAS DOCUMENT…

A document's "schema", abltui.NAME/VERSION, names its file NAME.schema.json. Besides, each object of the document gets a key
that no schema has, which must be noticed: otherwise a schema would accept whatever the program comes to write. Prints a line
a document; exit status 0 only if all pass.
"""

import copy
import json
import sys
import warnings
from pathlib import Path

import jsonschema

SAMPLE = 3  # items of a list that get the unknown key


def refuse_constant(name):
    raise ValueError(f"{name} is no JSON")


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse_constant)


def make_validators(folder):
    """File name -> validator; references are to other files of the folder."""
    schemas = {path.name: read(path) for path in sorted(Path(folder).glob("*.schema.json"))}
    kind = jsonschema.Draft202012Validator
    for schema in schemas.values():
        kind.check_schema(schema)
    try:
        from referencing import Registry, Resource

        registry = Registry().with_resources((name, Resource.from_contents(s)) for name, s in schemas.items())
        return {name: kind(s, registry=registry) for name, s in schemas.items()}
    except ImportError:  # before jsonschema 4.18
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {name: kind(s, resolver=jsonschema.RefResolver(name, s, store=schemas)) for name, s in schemas.items()}


def places(value, path=()):
    """Where the objects are."""
    if isinstance(value, dict):
        yield path
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value[:SAMPLE]):
            yield from places(item, (*path, i))


def with_unknown_key(document, path):
    changed = copy.deepcopy(document)
    at = changed
    for key in path:
        at = at[key]
    at["unknown"] = {}  # nor fits a map of conditions
    return changed


def check(path, validators):
    document = read(path)
    name = document["schema"].removeprefix("abltui.").split("/")[0]
    validator = validators[f"{name}.schema.json"]
    for error in validator.iter_errors(document):
        raise ValueError(f"at {'/'.join(map(str, error.absolute_path)) or 'the top'}: {error.message[:300]}")
    if name == "config" and list(document) != sorted(document):
        raise ValueError(f"keys are not in ascending order: {list(document)}")
    inner = places(document) if name != "run" else [(), ("tables",)]  # the others are documents of their own
    for place in inner:
        if validator.is_valid(with_unknown_key(document, place)):
            raise ValueError(f"an unknown key passes at {'/'.join(map(str, place)) or 'the top'}")
    return name


def main():
    validators = make_validators(sys.argv[1])
    seen, failed = {"common", "names"}, 0
    for path in sys.argv[2:]:
        label = "_".join(Path(path).with_suffix("").parts[-3:])
        try:
            seen.add(check(path, validators))
            print(f"[  PASSED  ] fits_its_schema_{label}")
        except (ValueError, KeyError) as e:
            failed += 1
            print(f"[  FAILED  ] fits_its_schema_{label}\n    {e}")
    unused = sorted(name for name in validators if name.removesuffix(".schema.json") not in seen)
    failed += bool(unused)
    print(f"[  FAILED  ] every_schema_has_a_document\n    none for {unused}" if unused else "[  PASSED  ] every_schema_has_a_document")
    sys.exit(failed > 0)


main()
