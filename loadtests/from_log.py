"""A redacted log of real conversations becomes a scenario: its mix, its words, its pauses, its curve.

The log is JSON lines, one a message of a person (`Line`). What looks as if nobody had redacted it is refused.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from contract.base import Shape
from contract.intents import Intent
from loadtests import personas, run, scenario
from loadtests.documents import DocumentError

_STAGES = 48
_JOURNEYS = 40  # of a persona, the commonest
_TEXTS = 20  # for a turn
_LONGEST_PAUSE_S = 600.0
_SPARE = 1.5
_SECRETS: Mapping[str, re.Pattern[str]] = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w"),
    "a card or account number": re.compile(r"(?:\d[ -]?){13,19}"),
    "a telephone number": re.compile(r"(?:\+\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"),
    "a social security number": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
}
# What redaction leaves behind, and what is said in its place.
_PLACES = {
    "ORDER": "{order}",
    "ORDER_ID": "{order}",
    "PRODUCT": "{product}",
    "ASIN": "{product}",
    "CATEGORY": "{kind}",
}
_PLACE = re.compile(r"[\[<]([A-Z][A-Z_]*?)(?:_\d+)?[\]>]")


class LogError(DocumentError):
    """A log that no scenario can be made of."""


class Line(Shape):
    """One message of a person. Further keys of a log are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: str = Field(min_length=1)
    at: AwareDatetime
    text: str = Field(min_length=1, max_length=4_000)
    intent: Intent
    signed_in: bool = True


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation of the log."""

    lines: tuple[Line, ...]

    @property
    def persona(self) -> str:
        """People are told apart by what they want most, and by whether they are signed in."""
        first, _ = Counter(line.intent for line in self.lines).most_common(1)[0]
        return f"{str(first).replace('_', '-')}{'' if self.lines[0].signed_in else '-guest'}"

    @property
    def journey(self) -> tuple[Intent, ...]:
        return tuple(line.intent for line in self.lines)


def read(path: Path) -> list[Talk]:
    """The conversations of a log, in order."""
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as missing:
        raise LogError(f"log {path}: cannot be read: {missing}") from None
    sessions: dict[str, list[Line]] = defaultdict(list)
    for number, text in enumerate(texts, 1):
        if text.strip():
            line = _line(text, f"{path.name}:{number}")
            sessions[line.session_id].append(line)
    if not sessions:
        raise LogError(f"log {path}: holds no message")
    talks = [Talk(tuple(sorted(lines, key=lambda line: line.at))) for lines in sessions.values()]
    return sorted(talks, key=lambda talk: talk.lines[0].at)


def write(name: str, talks: Sequence[Talk], folder: Path, *, length_s: float | None = None) -> Path:
    """`NAME.toml`, and `NAME.personas.toml` beside it; the scenario's path. `length_s`: played in that
    time."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise LogError(f"name {name!r}: must be small letters, digits and hyphens, such as black-friday")
    people, story = folder / f"{name}.personas.toml", folder / f"{name}.toml"
    run.replace(people, _personas(name, talks))
    personas.personas.cache_clear()
    run.replace(story, _scenario(name, talks, people.name, users=1, length_s=length_s))
    users = scenario.load(str(story)).open_conversations
    text = _scenario(name, talks, people.name, users=max(10, round(users * _SPARE)), length_s=length_s)
    run.replace(story, text)
    scenario.load(str(story))  # what was written can be run
    return story


def _line(text: str, place: str) -> Line:
    try:
        line = Line.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "line"
        raise LogError(f"{place}: {key}: {first['msg']}") from None
    for what, pattern in _SECRETS.items():
        if pattern.search(line.text):
            raise LogError(f"{place}: text holds what looks like {what}: redact the log first")
    return line


def _personas(name: str, talks: Sequence[Talk]) -> str:
    groups: dict[str, list[Talk]] = defaultdict(list)
    for talk in talks:
        groups[talk.persona].append(talk)
    parts = [f"# What people said in the log that {name}.toml was made of."]
    for persona, found in sorted(groups.items()):
        guest = persona.endswith("-guest")
        parts.append(f"\n[{persona}]\ntitle = {_text(f'{len(found)} conversations of the log')}")
        parts.append(f"guests = {1.0 if guest else 0.0}")
        journeys: dict[tuple[Intent, ...], list[Talk]] = defaultdict(list)
        for talk in found:
            journeys[talk.journey].append(talk)
        common = sorted(journeys.values(), key=lambda same: (-len(same), same[0].journey))
        parts += [_journey(same, guest) for same in common[:_JOURNEYS]]
    return "\n".join(parts) + "\n"


def _journey(same: Sequence[Talk], guest: bool) -> str:
    """Conversations with the same intents in the same order."""
    turns = []
    for number, intent in enumerate(same[0].journey):
        texts = Counter(_said(talk.lines[number].text, guest) for talk in same)
        said = ", ".join(_text(text) for text, _ in texts.most_common(_TEXTS))
        pause = ""
        if number:
            low, high = _pauses(
                (talk.lines[number].at - talk.lines[number - 1].at).total_seconds() for talk in same
            )
            pause = f", think_s = [{low:.1f}, {high:.1f}]"
        turns.append(f'  {{ intent = "{intent}"{pause}, say = [{said}] }},')
    return "\n".join([f"[[{same[0].persona}.journeys]]", f"weight = {len(same)}", "turns = [", *turns, "]"])


def _said(text: str, guest: bool) -> str:
    """With what redaction took out filled in anew for each conversation."""
    plain = text.replace("{", "{{").replace("}", "}}")
    return _PLACE.sub(lambda found: _fill(found[1], guest), plain)


def _fill(place: str, guest: bool) -> str:
    slot = _PLACES.get(place, place.lower().replace("_", " "))
    return "my last one" if guest and slot == "{order}" else slot


def _pauses(seconds: Iterable[float]) -> tuple[float, float]:
    """Between the tenth and the ninetieth of a hundred."""
    found = sorted(min(second, _LONGEST_PAUSE_S) for second in seconds)
    return found[int(0.1 * len(found))], found[min(int(0.9 * len(found)), len(found) - 1)]


def _scenario(name: str, talks: Sequence[Talk], people: str, *, users: int, length_s: float | None) -> str:
    counts = Counter(talk.persona for talk in talks)
    mix = _shares(counts)
    lines = [
        f"# Made of a log of {len(talks)} conversations by `concierge load from-log`.",
        "",
        f'name = "{name}"',
        f'title = "As in the log: {sum(len(t.lines) for t in talks)} messages of {len(talks)} conversations"',
        f"users = {users}",
        f'personas = "{people}"',
        "",
        "[mix]",
        *(f"{persona} = {share}" for persona, share in mix.items()),
        "",
        "[gates]",
        '"failed" = "rate <= 1%"',
        '"first_token" = "p95 <= 2500ms"',
        '"sequence_gaps" = "count == 0"',
    ]
    for stage in _stages([line.at.timestamp() for talk in talks for line in talk.lines], length_s):
        lines += ["", "[[stages]]", *stage]
    return "\n".join(lines) + "\n"


def _shares(counts: Counter[str]) -> dict[str, float]:
    """They make 1, rounding or not."""
    total, found = counts.total(), {}
    for name, count in sorted(counts.items()):
        found[name] = round(count / total, 6)
    first = next(iter(found))
    found[first] = round(found[first] + 1 - sum(found.values()), 6)
    return found


def _stages(moments: list[float], length_s: float | None) -> Iterable[list[str]]:
    """The curve of the log in straight pieces, as long as it was, or played in another time at the same
    rates."""
    begin, end = min(moments), max(moments)
    lasted = max(1.0, end - begin)
    bins = min(_STAGES, max(1, len(moments) // 20))
    counts = Counter(min(int((at - begin) / lasted * bins), bins - 1) for at in moments)
    rates = [counts[number] * bins / lasted for number in range(bins)]
    for number, rate in enumerate(rates):
        stage = [f'name = "{number + 1} of {bins}"', f"for_s = {(length_s or lasted) / bins:.3f}"]
        yield [*stage, f"rate = {rate:.4f}"]


def _text(text: str) -> str:
    """As TOML writes it, which is as JSON does."""
    return json.dumps(text, ensure_ascii=False)
