"""Up to which rate a system holds when ever more people come: where the knee is, and what gave way there.
Pure.

The run is looked at in stretches of equal length. What is usual is taken from the first few, in which
little is
asked of it; the knee is the last stretch before the first that stays broken for as long as a stretch lasts
twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests import profile
from loadtests.run import Run
from loadtests.tally import Cell, Tally

_STRETCHES = 24
_USUAL = 4  # stretches that say what is usual
_FAILED = 0.02
_SLOWER = 2.0
MEASURES = {"first_token": "first token", "end_to_end": "end to end"}
_FEW = 8  # messages in a stretch, below which it shows nothing


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds of the run."""

    begin_s: float
    end_s: float
    due: float  # messages a second
    cell: Cell


@dataclass(frozen=True, slots=True)
class Usual:
    """p95 when little is asked, in milliseconds."""

    first_token: float | None
    end_to_end: float | None


@dataclass(frozen=True, slots=True)
class Knee:
    """`rate`: messages a second that were still served well; None: it never broke."""

    rate: float | None
    at_s: float | None
    why: str

    @property
    def words(self) -> str:
        """In a line."""
        if self.rate is None or self.at_s is None:
            return self.why
        return f"holds up to {self.rate:.1f} messages a second (at {self.at_s:.0f} s); then {self.why}"


def find(run: Run) -> Knee:
    """Where, and why."""
    found = [one for one in stretches(run) if one.cell.messages >= _FEW]
    if len(found) <= _USUAL:
        return Knee(None, None, "cannot be told: too few messages")
    usual = _usual(found[:_USUAL])
    for number in range(_USUAL, len(found)):
        why = _broken(found[number], usual)
        after = found[number + 1] if number + 1 < len(found) else None
        if why and (after is None or _broken(after, usual)):
            last = found[number - 1]
            return Knee(last.due, last.end_s, f"{why}{_who(run.tally, found[number], found[:_USUAL])}")
    return Knee(None, None, f"was not reached: it held to the end, {found[-1].due:.1f} messages a second")


def stretches(run: Run) -> list[Stretch]:
    """The whole run, cut; its last bins lack answers that were still to come, which is no fault."""
    tally, pieces = run.tally, run.scenario.segments
    bins = max(1, round(run.scenario.length_s / tally.bin_s))
    width = max(1, bins // _STRETCHES)
    by_bin = tally.by("bin")
    made = []
    for first in range(0, bins, width):
        numbers = range(first, min(first + width, bins))
        begin, end = first * tally.bin_s, (numbers[-1] + 1) * tally.bin_s
        cell = Cell()
        for number in numbers:
            if number in by_bin:
                cell.merge(by_bin[number])
        due = profile.expected(pieces, begin, end) / (end - begin)
        made.append(Stretch(begin, end, due, cell))
    return made


def _usual(found: Sequence[Stretch]) -> Usual:
    """The middle one of the first few."""
    return Usual(*(_middle(getattr(one.cell, measure).at(0.95) for one in found) for measure in MEASURES))


def _middle(values: Iterable[float | None]) -> float | None:
    times = sorted(value for value in values if value is not None)
    return times[len(times) // 2] if times else None


def _broken(one: Stretch, usual: Usual) -> str:
    """What is wrong with a stretch, in words; "": nothing. A queue that grows shows as time since due."""
    failed = one.cell.failed / one.cell.messages
    if failed > _FAILED:
        return f"{failed:.0%} of messages fail"
    for measure, words in MEASURES.items():
        now, before = getattr(one.cell, measure).at(0.95), getattr(usual, measure)
        if now is not None and before is not None and now > _SLOWER * before:
            return f"{words} p95 is {now:,.0f} ms, {now / before:.1f} times what it was"
    return ""


def _who(tally: Tally, there: Stretch, before: Sequence[Stretch]) -> str:
    """What else changed there: whom answers come from, and what errors say."""
    told: list[str] = []
    first, last = int(there.begin_s // tally.bin_s), int(there.end_s // tally.bin_s)
    now = _tiers(tally, range(first, last))
    then = _tiers(tally, range(int(before[-1].end_s // tally.bin_s)))
    told += [
        f"{tier} serves {now.get(tier, 0.0):.0%}, before {then.get(tier, 0.0):.0%}"
        for tier in sorted({*now, *then})
        if abs(now.get(tier, 0.0) - then.get(tier, 0.0)) > 0.1
    ]
    if there.cell.failed and tally.errors:
        told.append(f"most often: {tally.errors.most_common(1)[0][0]}")
    if there.cell.refused:
        told.append(f"{there.cell.refused / there.cell.messages:.0%} are told to come later")
    return f" ({'; '.join(told)})" if told else ""


def _tiers(tally: Tally, bins: range) -> dict[str, float]:
    counts: dict[str, int] = {}
    for key, cell in tally.cells.items():
        if key.bin in bins:
            counts[key.tier] = counts.get(key.tier, 0) + cell.messages
    total = sum(counts.values())
    return {tier: count / total for tier, count in counts.items()} if total else {}
