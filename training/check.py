"""Whether a file may be trained on: read once, line by line, whatever its size. Changes nothing.

Every problem is told with how often it is there and the first lines that have it; an error keeps the file
out, a warning is for a person to decide.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from contract.errors import DONE, FAILED
from runtime.safety import pii
from training import examples
from training.errors import DataError
from training.examples import Example, Line
from training.limits import Limits, limits
from training.near import Near, Pair

SHOWN = 5  # lines of a problem
_TELL_EVERY = 20_000
Weight = Literal["error", "warning"]
Listener = Callable[[int, int, int], None]  # bytes read, of how many, lines


@dataclass
class Problem:
    """`lines`: (number, in words) of the first that have it; none where it is the whole file's."""

    kind: str
    weight: Weight
    count: int = 0
    lines: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, detail: str) -> None:
        self.count += 1
        if len(self.lines) < SHOWN:
            self.lines.append((line, detail))


@dataclass
class Report:
    """What a file is like, and what is wrong with it."""

    file: Path
    bytes: int
    lines: int = 0
    examples: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)  # tokens of an example -> how many have so many
    labels: Counter[str] | None = field(default_factory=Counter)  # None: completions are texts, not labels
    problems: dict[str, Problem] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return FAILED if any(one.weight == "error" for one in self.problems.values()) else DONE

    @property
    def all_tokens(self) -> int:
        return sum(count * tokens for tokens, count in self.tokens.items())

    def percentile(self, share: float) -> int:
        """Tokens that so many of the examples do not exceed."""
        left = share * sum(self.tokens.values())
        for tokens in sorted(self.tokens):
            left -= self.tokens[tokens]
            if left <= 0:
                return tokens
        return 0

    def problem(self, kind: str, line: int, detail: str, weight: Weight = "error") -> None:
        self.problems.setdefault(kind, Problem(kind, weight)).add(line, detail)


def check(file: Path, held_out: Path | None = None, listener: Listener = lambda *_: None) -> Report:
    """`held_out`: what the model is judged by afterwards, of which nothing may be in the file."""
    allowed = limits()
    report = Report(file, size(file))
    if report.bytes > allowed.largest_gb * 1_000_000_000:
        report.problem("too large", 0, f"{report.bytes / 1e9:.1f} GB: at most {allowed.largest_gb:g}")
    with Near(allowed.near) as near:
        numbers = array("I")  # text -> its line: texts are fewer than lines when some are bad
        for line in _heard(file, report.bytes, allowed, listener):
            report.lines = line.number
            _line(report, line, allowed)
            if line.example is not None:
                near.add(line.example.asked, line.example.answered)
                numbers.append(line.number)
        ours = near.count
        for line in _lines(held_out, allowed) if held_out else ():
            if line.example is not None:
                near.add(line.example.asked, line.example.answered)
                numbers.append(line.number)
        for pair in near.pairs():
            _pair(report, pair, numbers, ours)
    _whole(report, allowed)
    return report


def size(file: Path) -> int:
    """Bytes of a file that is there."""
    try:
        if not file.is_file():
            raise DataError(
                f"{file}: {'a folder' if file.is_dir() else 'there is no such file'}: give a .jsonl file"
            )
        return file.stat().st_size
    except OSError as wrong:
        raise DataError(f"{file}: {wrong.strerror}") from None


def _lines(file: Path, allowed: Limits) -> Iterator[Line]:
    size(file)
    try:
        yield from examples.lines(file, allowed.most_characters_a_line)
    except OSError as wrong:
        raise DataError(f"{file}: {wrong.strerror}") from None


def _heard(file: Path, whole: int, allowed: Limits, listener: Listener) -> Iterator[Line]:
    read = 0
    for line in _lines(file, allowed):
        read += len(line.raw)
        if line.number % _TELL_EVERY == 0:
            listener(read, whole, line.number)
        yield line


def _line(report: Report, line: Line, allowed: Limits) -> None:
    if line.example is None:
        if line.problem:
            report.problem(line.problem, line.number, line.detail)
        elif line.empty:
            report.problem("empty line", line.number, "nothing on it", "warning")
        return
    _example(report, line.number, line.example, allowed)


def _example(report: Report, number: int, example: Example, allowed: Limits) -> None:
    report.examples += 1
    report.shapes[example.shape] += 1
    tokens = example.tokens
    report.tokens[tokens] += 1
    if tokens > allowed.most_tokens:
        report.problem("too long", number, f"about {tokens:,} tokens: at most {allowed.most_tokens:,}")
    elif tokens < allowed.shortest_tokens:
        report.problem("too short", number, f"about {tokens} tokens", "warning")
    if report.labels is not None:
        _label(report, example, allowed)
    for kind in {one.kind for one in pii.find(f"{example.asked}\n{example.answered}")}:
        report.problem("personal data", number, kind)


def _label(report: Report, example: Example, allowed: Limits) -> None:
    """Completions are labels as long as they are short and few."""
    label = example.answered.strip()
    if report.labels is not None:
        report.labels[label] += 1
        if len(report.labels) > allowed.labels or len(label.split()) > allowed.label_words or len(label) > 60:
            report.labels = None


def _pair(report: Report, pair: Pair, numbers: "array[int]", ours: int) -> None:
    line, other = numbers[pair.text], numbers[pair.other]
    if pair.text >= ours:
        if pair.other < ours:
            what = "is" if pair.how != "near" else f"is {pair.alike:.0%} like"
            report.problem("leak", other, f"line {line} of what is held out {what} this one")
    elif pair.how == "whole":
        report.problem("duplicate", line, f"as line {other}")
    elif pair.how == "asked":
        labels = report.labels is not None
        report.problem(
            "contradiction",
            line,
            f"asks what line {other} asks, and answers otherwise",
            "error" if labels else "warning",
        )
    else:
        report.problem("near duplicate", line, f"{pair.alike:.0%} like line {other}", "warning")


def _whole(report: Report, allowed: Limits) -> None:
    """What only all of it shows."""
    if report.examples < allowed.fewest:
        report.problem("too few", 0, f"{report.examples} examples: at least {allowed.fewest}")
    if len(report.shapes) > 1:
        found = ", ".join(f"{count} of {shape}" for shape, count in report.shapes.items())
        report.problem("mixed shapes", 0, f"a file has one: {found}")
    near = report.problems.get("near duplicate")
    if near is not None and near.count > allowed.most_near * report.examples:
        near.weight = "error"
    if report.labels is not None and len(report.labels) > 1:
        _balance(report, report.labels, allowed)


def _balance(report: Report, labels: Mapping[str, int], allowed: Limits) -> None:
    most = max(labels.values())
    for label, count in labels.items():
        if count < allowed.smallest_class * report.examples or count * allowed.most_lopsided < most:
            detail = f"{label!r}: {count} of {report.examples} examples, the largest class has {most}"
            report.problem("unbalanced", 0, detail, "warning")
