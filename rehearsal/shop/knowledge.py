"""Manuals, FAQs and policies in English and Japanese, made from a seed and `documents.toml`."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from rehearsal.shop.goods import words

_BRANDS_A_TYPE = 2


@dataclass(frozen=True, slots=True)
class Document:
    """One document, short enough to be one chunk. `genre`: manual, faq or policy."""

    id: str
    genre: str
    category: str
    language: str
    title: str
    section: str
    text: str


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("documents.toml").read_text("utf-8"))


def documents(seed: int = 7) -> list[Document]:
    """All of them, always in the same order."""
    random = Random(f"{seed}/knowledge")  # noqa: S311 - repeatable, not secret
    return [*_manuals(random), *_faqs(random), *_policies()]


def _manuals(random: Random) -> Iterator[Document]:
    electronics = words()["electronics"]
    for sort in electronics["types"]:
        for brand in random.sample(electronics["brands"], _BRANDS_A_TYPE):
            filled = {
                "brand": brand,
                "type": sort["name"],
                "type_ja": sort["name_ja"],
                "hours": random.randint(2, 6),
                "degrees": random.choice((35, 40, 45)),
                "blinks": random.randint(3, 7),
                "months": random.choice((12, 24, 36)),
            }
            name = f"{brand}-{sort['name']}".lower().replace(" ", "-")
            for manual in _texts()["manuals"]:
                key = f"manual-{name}-{manual['section'].lower().replace(' ', '-')}"
                yield from _both(
                    key,
                    "manual",
                    sort["name"],
                    (
                        f"{brand} {sort['name']}: {manual['section']}",
                        f"{brand} {sort['name_ja']}：{manual['section_ja']}",
                    ),
                    (manual["section"], manual["section_ja"]),
                    (manual["text"].format(**filled), manual["text_ja"].format(**filled)),
                )


def _faqs(random: Random) -> Iterator[Document]:
    things = _texts()["things"]
    for faq in _texts()["faqs"]:
        for thing, thing_ja in zip(things["names"], things["names_ja"], strict=True):
            filled = {
                "thing": thing,
                "thing_low": thing.lower(),
                "thing_ja": thing_ja,
                "days": random.choice((14, 30, 60)),
                "after": random.randint(2, 7),
                "letters": random.choice((120, 200, 300)),
            }
            key = f"faq-{faq['subject']}-{thing}".lower().replace(" ", "-")
            yield from _both(
                key,
                "faq",
                thing.lower(),
                (f"{thing}: {faq['subject']}", f"{thing_ja}：{faq['subject_ja']}"),
                (faq["subject"], faq["subject_ja"]),
                (faq["text"].format(**filled), faq["text_ja"].format(**filled)),
            )


def _policies() -> Iterator[Document]:
    for policy in _texts()["policies"]:
        key = f"policy-{policy['title']}".lower().replace(" ", "-")
        titles = (policy["title"], policy["title_ja"])
        yield from _both(key, "policy", "shop", titles, titles, (policy["text"], policy["text_ja"]))


def _both(
    key: str,
    genre: str,
    category: str,
    titles: tuple[str, str],
    sections: tuple[str, str],
    texts: tuple[str, str],
) -> Iterator[Document]:
    for number, language in enumerate(("en", "ja")):
        yield Document(
            f"{key}-{language}", genre, category, language, titles[number], sections[number], texts[number]
        )
