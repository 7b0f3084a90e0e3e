"""Writes plan/replacements.toml: which changed property replaces its resource, each row with its source.

Usage, by hand after a new pulumi-aws or cfn-lint, or a new type in tools/cfn_types.toml:

    python tools/replacements.py

Two sources, both installed here. The provider's own docs say when a change "forces a new resource", but
Pulumi strips that remark where it stands in brackets: most properties are silent, what is left is prose.
CloudFormation's schemas list `createOnlyProperties` for every type; what they know and do not list can be
updated. Where the two disagree the docs win, because the provider does the work; the row then names both. A
property in neither has no row, and `plan.diff` calls a change of it unknown.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import cfn_schemas, sdk_docs

ROOT = Path(__file__).resolve().parent.parent
TYPES = ROOT / "tools" / "cfn_types.toml"
TABLE = ROOT / "plan" / "replacements.toml"

_HEADER = """\
# Which changed property replaces its resource, and who says so. Written by tools/replacements.py from what is
# installed; change nothing here. Cases that both sources miss stand in replacements_curated.toml.
# property = [verdict, source]; `blocks` have properties of their own, and no word on one of those is no word.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One property: `path` names its blocks, as in `networkConfiguration.subnets`."""

    path: str
    verdict: str
    source: str


def main() -> None:
    text = table()
    TABLE.write_text(text, encoding="utf-8")
    rows = sum(line.endswith("]") and " = [" in line for line in text.splitlines())
    print(f"{TABLE.relative_to(ROOT)}: {rows} rows for {len(types())} types")


def types() -> Mapping[str, Mapping[str, Any]]:
    """Our resource types, each with what `tools/cfn_types.toml` says of it."""
    return tomllib.loads(TYPES.read_text(encoding="utf-8"))


def table() -> str:
    """The whole file."""
    parts = [
        _HEADER,
        f'\n[versions]\ncfn-lint = "{cfn_schemas.VERSION}"\npulumi-aws = "{sdk_docs.VERSION}"\n',
    ]
    blocks = {}
    for token, entry in sorted(types().items()):
        if not token.startswith("aws:"):
            continue
        properties = tuple(sdk_docs.properties(token))
        blocks[token] = [".".join(p.path) for p in properties if p.block]
        lines = [f"{_key(r.path)} = [{_text(r.verdict)}, {_text(r.source)}]" for r in rows(entry, properties)]
        parts.append("\n".join([f"\n[rows.{_text(token)}]", *lines, ""]))
    parts.append("\n[blocks]\n")
    parts += [f"{_text(token)} = {_list(paths)}\n" for token, paths in blocks.items() if paths]
    return "".join(parts)


def rows(entry: Mapping[str, Any], properties: tuple[sdk_docs.Property, ...]) -> Iterator[Row]:
    """What the sources say of each property of one resource type."""
    schema = cfn_schemas.schema(entry["cfn"]) if "cfn" in entry else None
    above = (entry["part"],) if "part" in entry else ()
    names = _names(entry, schema, above)
    theirs: dict[tuple[str, ...], tuple[str, ...]] = {(): above}
    docs: dict[tuple[str, ...], sdk_docs.Word | None] = {}
    for prop in properties:
        docs[prop.path] = sdk_docs.word_on(prop.doc) or _inherited(docs.get(prop.path[:-1]))
        path = _their_path(schema, names, theirs, prop.path) if schema else None
        if path is not None:
            theirs[prop.path] = path
        word = schema.word_on(path) if schema and path is not None else None
        if row := _row(prop.path, docs[prop.path], word, schema):
            yield row


def _names(
    entry: Mapping[str, Any], schema: cfn_schemas.Schema | None, above: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """The table of names, held against the schema: a name that AWS took back must not go unseen."""
    names = {ours: (*above, *theirs.split("/")) for ours, theirs in entry.get("names", {}).items()}
    for ours, path in names.items():
        if schema is None or not schema.knows(path):
            raise LookupError(f"tools/cfn_types.toml: {ours}: {entry.get('cfn')} has no {'/'.join(path)}")
    return names


def _their_path(
    schema: cfn_schemas.Schema,
    names: Mapping[str, tuple[str, ...]],
    theirs: Mapping[tuple[str, ...], tuple[str, ...]],
    path: tuple[str, ...],
) -> tuple[str, ...] | None:
    """CloudFormation's name for ours: by the table, by name, or as `healthCheck.path` = HealthCheckPath."""
    if (dotted := ".".join(path)) in names:
        return names[dotted]
    for end in range(len(path) - 1, -1, -1):
        if path[:end] in theirs and (found := schema.find(theirs[path[:end]], path[end:])):
            return found
    return None


def _inherited(word: sdk_docs.Word | None) -> sdk_docs.Word | None:
    """A block that always replaces does so with all that is in it; a condition is about the block alone."""
    return word if word is not None and word.verdict == "replace" else None


def _row(
    path: tuple[str, ...],
    docs: sdk_docs.Word | None,
    word: cfn_schemas.Word | None,
    schema: cfn_schemas.Schema | None,
) -> Row | None:
    ours = f'pulumi-aws {{pulumi-aws}} docs: "{docs.quote}"' if docs else ""
    theirs = f"cfn {schema.name} {word.where} (cfn-lint {{cfn-lint}})" if schema and word else ""
    if docs and word:
        join = "; " if docs.verdict == word.verdict else f"; against {word.verdict} by "
        return Row(".".join(path), docs.verdict, f"{ours}{join}{theirs}")
    if docs or word:
        verdict = docs.verdict if docs else word.verdict if word else ""
        return Row(".".join(path), verdict, ours or theirs)
    return None


def _key(path: str) -> str:
    return _text(path) if "." in path else path


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _list(items: list[str]) -> str:
    return "[" + "".join(f"\n  {_text(item)}," for item in items) + "\n]"


if __name__ == "__main__":
    main()
