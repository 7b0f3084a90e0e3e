"""Two runs of one experiment beside each other: what changed its verdict, and which measures moved. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from chaos.record import Gate, Record
from contract.errors import DONE, FAILED, WrongUseError

PHASES = ("before", "during", "after")
# Times differ by so much from run to run without meaning anything.
NOISE = 0.15


@dataclass(frozen=True)
class Moved:
    """A measure in both runs."""

    phase: str
    measure: str
    before: float | None
    after: float | None

    @property
    def notable(self) -> bool:
        """Whether it is more than noise."""
        if self.before is None or self.after is None:
            return self.before is not self.after
        return abs(self.after - self.before) > NOISE * max(abs(self.before), abs(self.after))


@dataclass(frozen=True)
class Comparison:
    """`changed`: gates that do not come to the same."""

    first: Record
    second: Record
    changed: tuple[tuple[Gate | None, Gate | None], ...]
    moved: tuple[Moved, ...]

    @property
    def exit_code(self) -> int:
        """1 when something held in the first and does not in the second."""
        worse = any(one and one.held and not (two and two.held) for one, two in self.changed)
        return FAILED if worse else DONE


def compare(first: Record, second: Record) -> Comparison:
    """Of the same experiment."""
    if first.experiment.id != second.experiment.id:
        raise WrongUseError(
            f"{first.experiment.id} and {second.experiment.id} are two experiments: compare runs of one"
        )
    return Comparison(first, second, tuple(_changed(first, second)), tuple(_moved(first, second)))


def lines(found: Comparison) -> list[str]:
    """For a person."""
    first, second = found.first, found.second
    told = [f"{first.experiment.id}: {first.verdict} -> {second.verdict}"]
    told += [
        f"note: not the same {name} in both runs"
        for name in ("experiment", "conditions")
        if getattr(first, name) != getattr(second, name)
    ]
    for one, two in found.changed:
        gate = two or one
        if gate is not None:
            told.append(f"gate {gate.name}: {_said(one)} -> {_said(two)}")
    told += [
        f"{moved.measure} {moved.phase}: {_value(moved.before)} -> {_value(moved.after)}"
        for moved in found.moved
        if moved.notable
    ]
    return told


def _changed(first: Record, second: Record) -> Iterator[tuple[Gate | None, Gate | None]]:
    ones = {gate.name: gate for gate in first.gates}
    twos = {gate.name: gate for gate in second.gates}
    for name in dict.fromkeys([*ones, *twos]):
        one, two = ones.get(name), twos.get(name)
        if (one and one.held) != (two and two.held):
            yield one, two


def _moved(first: Record, second: Record) -> Iterator[Moved]:
    for phase in PHASES:
        ones, twos = first.measures.get(phase, {}), second.measures.get(phase, {})
        for measure in dict.fromkeys([*ones, *twos]):
            yield Moved(phase, measure, ones.get(measure), twos.get(measure))


def _said(gate: Gate | None) -> str:
    words = {True: "held", False: "failed", None: "not told"}
    return "not there" if gate is None else f"{words[gate.held]} ({gate.measured})"


def _value(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.4g}"
