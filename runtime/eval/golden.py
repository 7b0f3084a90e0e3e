"""The golden prompts: what a person says, and what must be true of the answer. Data in `golden/*.yaml`.

An expectation is something a program can check, and names what people would notice: never an exact wording.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from contract.base import Knobs
from contract.errors import WrongUseError
from contract.intents import Intent

FOLDER = Path(__file__).with_name("golden")
LEAKED = 0.9  # of a prompt and a text that something was made from
_FEW_WORDS, _FEW_LETTERS = 3, 8
TOO_ALIKE = 0.92  # of two prompts: then the second shows nothing that the first does not
Group = Literal["usual", "edge"]
_Intent = Annotated[Intent, Field(strict=False)]  # files write its word


class GoldenError(WrongUseError):
    """Golden prompts that cannot be used."""


class Call(Knobs):
    """A tool that must have been called; of its arguments those that matter."""

    tool: str
    arguments: Mapping[str, Any] = {}


class Expect(Knobs):
    """What must be true of an answer. What is not said is not checked."""

    intent: tuple[_Intent, ...] = Field((), strict=False, description="one of them")
    products: tuple[str, ...] = Field((), strict=False, description="ASINs, each shown or named")
    one_of: tuple[str, ...] = Field((), strict=False, description="ASINs of which one is shown first")
    prices: Mapping[str, float] = Field({}, description="ASIN -> dollars, told within a cent")
    genre: str = Field("", description="kind or genre that every product shown is of")
    most: float | None = Field(None, description="dollars that no product shown costs more than")
    least: float | None = Field(None, description="dollars that every product shown costs at least")
    orders: tuple[str, ...] = Field((), strict=False, description="numbers that are told")
    mention: tuple[str, ...] = Field((), strict=False, description="each is said; `a|b`: one of the two")
    never: tuple[str, ...] = Field((), strict=False, description="none of them is said")
    language: Literal["en", "ja"] | None = None
    refused: bool | None = Field(None, description="whether it is turned down in our own words")
    asks_back: bool | None = None
    human: bool | None = Field(None, description="whether a colleague is offered")
    cites: str = Field("", description="words of a title among the sources")
    calls: tuple[Call, ...] = Field((), strict=False)


class Prompt(Knobs):
    """One message, and what was said before it in the same conversation."""

    id: str = Field(pattern=r"^[a-z]+(-[a-z0-9]+)+$")
    text: str = Field(min_length=1, max_length=4_000)
    lang: Literal["en", "ja", "other"] = "en"
    before: tuple[str, ...] = Field((), strict=False)
    person: str | None = Field(None, description="customer who asks; none: a guest")
    hints: Mapping[str, str] = {}
    expect: Expect
    intent: _Intent = Field(description="the file's: what it was written for")
    group: Group = "usual"


class GoldenFile(Knobs):
    """One file: prompts written for one intent, or for the edges."""

    intent: _Intent
    group: Group = "usual"
    defaults: Mapping[str, Any] = Field({}, description="expectations of every prompt that says nothing else")
    prompts: tuple[Mapping[str, Any], ...] = Field(strict=False, min_length=1)

    def all(self) -> Iterator[Prompt]:
        for written in self.prompts:
            given = {"intent": self.intent, "group": self.group, **written}
            expect = {**self.defaults, **written.get("expect", {})}
            yield Prompt.model_validate({**given, "expect": expect})


@cache
def golden(folder: Path = FOLDER) -> tuple[Prompt, ...]:
    """All of them; GoldenError names the first thing that is wrong with them."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise GoldenError(f"{folder}: no golden prompts: expected files such as product_info.yaml")
    prompts = [prompt for file in files for prompt in _read(file)]
    _apart(prompts)
    return tuple(prompts)


def chosen(
    prompts: Sequence[Prompt],
    *,
    intents: Sequence[str] = (),
    ids: Sequence[str] = (),
    group: str = "",
    lang: str = "",
    first: int = 0,
) -> Sequence[Prompt]:
    """Some of them; `first`: so many of each intent."""
    known = {prompt.id for prompt in prompts}
    if missing := [name for name in ids if name not in known]:
        raise GoldenError(f"there is no golden prompt {missing[0]!r}")
    if wrong := [name for name in intents if name not in set(Intent)]:
        raise GoldenError(f"there is no intent {wrong[0]!r}: {', '.join(Intent)}")
    counts: dict[tuple[str, str], int] = {}
    found = []
    for prompt in prompts:
        fits = (not intents or prompt.intent in intents) and (not ids or prompt.id in ids)
        if not fits or (group and prompt.group != group) or (lang and prompt.lang != lang):
            continue
        key = (prompt.intent, prompt.group)
        counts[key] = counts.get(key, 0) + 1
        if not first or counts[key] <= first:
            found.append(prompt)
    if not found:
        raise GoldenError("no golden prompt fits: ask for fewer conditions")
    return found


def digest(prompts: Sequence[Prompt]) -> str:
    """Of what is asked and expected: runs of different prompts are not compared."""
    text = "\n".join(prompt.model_dump_json() for prompt in prompts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(text: str) -> str:
    """What two prompts are compared by: letters and digits alone, forms of letters alike."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).lower()).strip()


def _read(file: Path) -> Iterator[Prompt]:
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe one
        yield from GoldenFile.model_validate(data).all()
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise GoldenError(f"{file.name}: {place}: {first['msg']} (given: {first['input']!r:.80})") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise GoldenError(f"{file.name}: {' '.join(str(wrong).split())}") from None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml's where it is there: ten times as fast."""


def _apart(prompts: Sequence[Prompt]) -> None:
    """No id twice, and no prompt that is another one in other words."""
    ids: set[str] = set()
    for prompt in prompts:
        if prompt.id in ids:
            raise GoldenError(f"{prompt.id}: two golden prompts have this id")
        ids.add(prompt.id)
    for one, other in alike(prompts):
        raise GoldenError(f"{other.id} says what {one.id} says: {other.text!r}")


def alike(prompts: Sequence[Prompt], enough: float = TOO_ALIKE) -> Iterator[tuple[Prompt, Prompt]]:
    """Pairs that differ in next to nothing, numbers and names of products included."""
    said: list[tuple[Prompt, tuple[Any, ...], str]] = []
    for prompt in prompts:
        close, beside = Close(prompt.text, enough), (prompt.before, prompt.person, prompt.hints)
        for other, besides, text in said:
            if besides == beside and close.to(text):
                yield other, prompt
        said.append((prompt, beside, close.plain))


def leaks(
    prompts: Sequence[Prompt], known: Iterable[str], enough: float = LEAKED
) -> Iterator[tuple[Prompt, str]]:
    """Prompts that say what rules or models were made from: they would show only what was learned by heart.

    What nobody can say otherwise, a greeting of two words, is no leak.
    """
    texts = [(plain(text), text) for text in known]
    for prompt in prompts:
        close = Close(prompt.text, enough)
        words = close.plain
        if len(words.split()) < _FEW_WORDS if words.isascii() else len(words) < _FEW_LETTERS:
            continue
        yield from ((prompt, text) for other, text in texts if close.to(other))


class Close:
    """Whether other texts, made plain, are nearly this one. What is dear is done once, or not at all."""

    def __init__(self, text: str, enough: float) -> None:
        self.plain = plain(text) or text
        self._enough = enough
        self._matcher = SequenceMatcher(None, autojunk=False)
        self._matcher.set_seq2(self.plain)

    def to(self, other: str) -> bool:
        one, enough = self.plain, self._enough
        if 2 * min(len(one), len(other)) < enough * (len(one) + len(other)):
            return False
        self._matcher.set_seq1(other)
        return self._matcher.quick_ratio() >= enough and self._matcher.ratio() >= enough
